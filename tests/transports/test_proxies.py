"""Proxies: never for this machine, never with a key in the clear, and named when they fail; the same in both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

import bide
from bide.errors import BideError, InvalidAddress, JobAbandoned
from bide.messages import Cause, NoResponse, Request, Response
from bide_transports.bounded import BoundedAdapter
from bide_transports.proxies import is_this_machine
from bide_transports.requests_exchange import exchange
from tests.hostile import GOOD, Script, Server, head, read, reply, reset, send
from tests.reactions import Where, reacts
from tests.transports.test_settings import BY_EACH as BY_EACH_CLIENT
from tests.transports.test_settings import Run
from tests.wires import BY_EACH, Wire

NAMES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
LOGIN = "fox:pass-word"
IN_THE_MIDDLE = head(status="HTTP/1.1 502 Bad Gateway")


@pytest.mark.parametrize(
    ("host", "is_it"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("jobs.localhost", True),
        ("jobs.localhost.", True),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("127.1", True),
        ("0x7f000001", True),
        ("2130706433", True),
        ("017700000001", True),
        ("0.0.0.0", True),  # noqa: S104  nothing is bound
        ("::1", True),
        ("0:0:0:0:0:0:0:1", True),
        ("::", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:7f00:1", True),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("notlocalhost", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1", False),
        ("service.example", False),
    ],
)
def test_this_machine_in_all_notations(host: str, is_it: bool) -> None:
    assert is_this_machine(host) is is_it


@reacts(Where.SECRET, "a proxy in the environment, and a service on this machine", "never asked through it")
@BY_EACH
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0.0.0.0"])  # noqa: S104
def test_this_machine_is_never_asked_through_a_proxy(
    host: str, name: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server((read, send(GOOD))) as proxy, Server((read, send(GOOD))) as server:
        monkeypatch.setenv(name, proxy.url)
        (came,) = wire(Request("GET", f"http://{host}:{server.address[1]}/1", timeout=20.0))
    assert isinstance(came, Response)
    assert (proxy.connections, server.connections) == (0, 1)


def test_nor_through_that_of_a_session() -> None:
    with Server((read, send(GOOD))) as proxy, Server((read, send(GOOD))) as server, requests.Session() as session:
        session.proxies = {"http": proxy.url, "all": proxy.url}
        exchange(Request("GET", server.url, timeout=20.0), session=session)
    assert (proxy.connections, server.connections) == (0, 1)


@BY_EACH
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ((read, send(head(status="HTTP/1.1 407 Proxy Authentication Required"))), "answers 407"),
        ((read, send(IN_THE_MIDDLE)), "answers 502"),
        ((read,), "does not open a tunnel"),
        ((read, reset), "does not open a tunnel"),
        ((read, send(b"no HTTP\r\n\r\n")), "does not open a tunnel"),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_named(
    script: Script, said: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(script) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("://", f"://{LOGIN}@"))
        (came,) = wire(Request("POST", "https://service.invalid/1", timeout=20.0))
    assert came == NoResponse(Cause.PROXY, sent=False)
    assert isinstance(came, NoResponse)
    assert came.detail.startswith(f"127.0.0.1:{proxy.address[1]} {said}")
    assert "pass-word" not in came.detail


@reacts(
    Where.CONNECTION,
    "a proxy that is not there, or that has no address",
    "the proxy is named, without its login; nothing was sent",
)
@BY_EACH
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_named(scheme: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as gone:
        pass
    for where, why in ((gone.url, "cannot be reached"), ("http://a..b:3128", "has no address")):
        monkeypatch.setenv(f"{scheme}_proxy", where)
        (came,) = wire(Request("POST", f"{scheme}://service.invalid/1", timeout=20.0))
        assert came == NoResponse(Cause.PROXY, sent=False)
        assert isinstance(came, NoResponse)
        assert came.detail == f"{where.removeprefix('http://')} {why}"


@BY_EACH
def test_a_proxy_that_wants_a_login_for_plain_http_is_named(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(reply(b"log in", status="407 Proxy Authentication Required")))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        (came,) = wire(Request("GET", "http://renderer:8188/1", timeout=20.0))
    assert came == NoResponse(Cause.PROXY, sent=False)


def test_so_it_is_over_adapters_of_others() -> None:
    with Server((read, send(IN_THE_MIDDLE))) as proxy, requests.Session() as session:
        session.proxies = {"https": proxy.url}
        request = Request("POST", "https://service.invalid/1", timeout=20.0)
        assert exchange(request, session=session) == NoResponse(Cause.PROXY, sent=False)
    with requests.Session() as session:
        session.proxies = {"https": proxy.url}
        assert exchange(request, session=session) == NoResponse(Cause.PROXY, sent=False)


@BY_EACH_CLIENT
def test_a_job_tells_which_proxy_it_was(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(IN_THE_MIDDLE))) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("://", f"://{LOGIN}@"))
        settings: dict[str, Any] = {"patience": bide.Patience(first_contact=1)}
        with pytest.raises(JobAbandoned, match=rf"the proxy .*\(127.0.0.1:{proxy.address[1]} answers 502\)") as caught:
            run(dialect=bide.ModelRoute("https://service.invalid"), **settings)
    assert "pass-word" not in str(caught.value)


@reacts(
    Where.CONNECTION,
    "a SOCKS or https proxy in the environment",
    "it cannot be used: `InvalidAddress`, without its login",
)
@BY_EACH
@pytest.mark.parametrize("kind", ["socks5", "socks5h", "https", "ftp"])
def test_a_proxy_of_another_kind_cannot_be_used(kind: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"{kind}://{LOGIN}@127.0.0.1:1")
    with pytest.raises(InvalidAddress, match="http://host:port") as caught:
        wire(Request("GET", "https://service.invalid/1", timeout=20.0))
    assert "pass-word" not in str(caught.value)


@BY_EACH
@pytest.mark.parametrize("written", ["localhost:{port}", " http://127.0.0.1:{port} ", "127.0.0.1:{port}"])
def test_a_proxy_is_understood_as_curl_does(written: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(IN_THE_MIDDLE))) as proxy:
        monkeypatch.setenv("https_proxy", written.format(port=proxy.address[1]))
        (came,) = wire(Request("GET", "https://service.invalid/1", timeout=20.0))
    assert isinstance(came, NoResponse)
    assert came.cause is Cause.PROXY
    assert came.detail.endswith(f":{proxy.address[1]} answers 502")


@BY_EACH
def test_a_password_that_is_not_encoded_is_no_name_of_a_proxy(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://fox:pass/word@127.0.0.1:1")
    with pytest.raises(InvalidAddress, match="http://host:port") as caught:
        wire(Request("GET", "https://service.invalid/1", timeout=20.0))
    assert "pass" not in str(caught.value)


@BY_EACH
def test_the_address_of_a_proxy_is_written_as_in_a_url(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://[::1]:1")
    (came,) = wire(Request("GET", "https://service.invalid/1", timeout=20.0))
    assert isinstance(came, NoResponse)
    assert came.detail == "[::1]:1 cannot be reached"


class Clear:
    """A dialect that nobody has checked: with a key, and at an address where it could be read on the way."""

    base_url = "http://renderer:8188"
    origin = "http://renderer:8188"

    def __getattr__(self, name: str) -> Any:
        return getattr(bide.ModelRoute(), name)

    def submit(self, order: bide.Order) -> Request:
        """The submission, at that address."""
        del order
        return Request("POST", f"{self.base_url}/v1/executions", credential=True)


@reacts(Where.SECRET, "a proxy for plain http, and a request with a key", "refused: nothing goes to the proxy")
@BY_EACH_CLIENT
def test_no_key_goes_to_a_proxy_in_the_clear(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(BideError, match="the key unencrypted: use https"):
            run(dialect=Clear())
    assert proxy.connections == 0


def test_a_bounded_adapter_of_the_callers_own_names_it_too() -> None:
    with Server((read, send(IN_THE_MIDDLE))) as proxy, requests.Session() as session:
        session.mount("https://", BoundedAdapter())
        session.proxies = {"https": proxy.url}
        came = exchange(Request("POST", "https://service.invalid/1", timeout=20.0), session=session)
    assert isinstance(came, NoResponse)
    assert came.detail == f"127.0.0.1:{proxy.address[1]} answers 502"


def _with_header(session: requests.Session) -> None:
    session.headers["x-team-token"] = "foxes"


def _with_auth(session: requests.Session) -> None:
    session.auth = ("fox", "pass-word")


def _with_cookie(session: requests.Session) -> None:
    session.cookies.set("sid", "abc", domain="renderer.local")  # pyright: ignore[reportUnknownMemberType]


def _with_parameter(session: requests.Session) -> None:
    session.params = {"token": "abc"}


def _sent_by_proxy(session: requests.Session, *lines: tuple[str, str]) -> bytes:
    """What a proxy sees of a request to a service without TLS."""
    with Server((read, send(GOOD))) as proxy:
        session.proxies = {"http": proxy.url}
        request = Request("GET", "http://renderer.local:8188/1", headers=lines, timeout=20.0)
        assert isinstance(exchange(request, session=session), Response)
    return proxy.received[0]


@pytest.mark.parametrize("carry", [_with_header, _with_auth, _with_cookie, _with_parameter])
def test_nothing_of_the_callers_session_goes_to_a_proxy_in_the_clear(
    carry: Callable[[requests.Session], None],
) -> None:
    with Server((read, send(GOOD))) as proxy, requests.Session() as session:
        carry(session)
        session.proxies = {"http": proxy.url}
        with pytest.raises(InvalidAddress, match=rf"127.0.0.1:{proxy.address[1]} .*renderer.local in NO_PROXY"):
            exchange(Request("GET", "http://renderer.local:8188/1", timeout=20.0), session=session)
    assert proxy.connections == 0


def test_what_every_session_sends_goes_by_a_proxy_and_a_cookie_of_the_job_as_well() -> None:
    with requests.Session() as session:
        session.headers["User-Agent"] = "foxes/1"
        session.cookies.set("sid", "abc", domain="elsewhere.local")  # pyright: ignore[reportUnknownMemberType]
        seen = _sent_by_proxy(session, ("cookie", "affinity=1"))
    assert b"foxes/1" in seen
    assert b"affinity=1" in seen
    assert b"abc" not in seen


def test_over_tls_a_proxy_sees_nothing_of_it() -> None:
    with Server((read, send(IN_THE_MIDDLE))) as proxy, requests.Session() as session:
        _with_header(session)
        session.proxies = {"https": proxy.url}
        came = exchange(Request("POST", "https://service.invalid/1", timeout=20.0), session=session)
    assert isinstance(came, NoResponse)
    assert b"foxes" not in proxy.received[0]
