"""TLS and the proxies of the environment, on real sockets, over each transport."""

from __future__ import annotations

import ssl
from base64 import b64encode
from pathlib import Path

import pytest
import trustme

import bide
from bide.messages import Cause, NoResponse, Reply, Request, Response
from tests import hostile
from tests.hostile import (
    FAULTS,
    GOOD,
    TEXT,
    Line,
    Script,
    Server,
    dribble,
    field_of,
    forward,
    head,
    hear,
    patiently,
    read,
    send,
    stall,
)
from tests.reactions import Where, reacts
from tests.wires import BY_EACH, Wire, in_time, watched

KEY = "sk_" + "0" * 64
BEARER = (("authorization", f"Bearer {KEY}"),)
BY_NAME = {fault.name: fault for fault in FAULTS}
CUT, BAD = NoResponse(Cause.RESET, sent=True), NoResponse(Cause.PROTOCOL, sent=True)
UNSENT, LATE = NoResponse(Cause.UNREACHABLE, sent=False), NoResponse(Cause.TIMEOUT, sent=True)
NO_PROXY = NoResponse(Cause.PROXY, sent=False)
UNTRUSTED, STALLED = NoResponse(Cause.UNTRUSTED, sent=False), NoResponse(Cause.TIMEOUT, sent=False)
LOGIN = "some%20one:p%40ss%2Fword"
BASIC = f"Basic {b64encode(b'some one:p@ss/word').decode()}"
OPENED = head(status="HTTP/1.1 200 Connection established")


def get(url: str, *, timeout: float = 20.0) -> Request:
    return Request("GET", url + "/v1/executions/exec_1", timeout=timeout, largest=65536)


def post(url: str, *, timeout: float = 20.0) -> Request:
    return Request("POST", url + "/v1/executions", body=b"{}", timeout=timeout, largest=65536)


def bodies(*replies: object) -> list[bytes]:
    return [one.body for one in replies if isinstance(one, Response)]


def with_login(url: str) -> str:
    return url.replace("://", f"://{LOGIN}@")


def behind(server: Server) -> str:
    """The address of a server that is reached by a proxy alone."""
    return server.url.replace("127.0.0.1", "service.invalid")


# -- proxies -----------------------------------------------------------------------------------------------------------


@BY_EACH
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_used(name: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD)) * 2) as proxy:
        monkeypatch.setenv(name, proxy.url)
        came = wire(get("http://service.invalid"), post("http://service.invalid"))
    assert bodies(*came) == [TEXT, TEXT]
    assert proxy.connections == 1
    assert proxy.received[0].startswith(b"GET http://service.invalid/v1/executions/exec_1 HTTP/1.1\r\n")
    assert field_of(proxy.received[0], "host") == "service.invalid"
    assert field_of(proxy.received[0], "proxy-authorization") is None
    assert proxy.received[1].endswith(b"{}")


@BY_EACH
def test_a_proxy_may_be_named_without_its_scheme(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removeprefix("http://"))
        assert bodies(*wire(get("http://service.invalid"))) == [TEXT]


@BY_EACH
@pytest.mark.parametrize("hosts", ["service.invalid", "other.example,service.invalid", "*", ".invalid"])
def test_no_proxy_is_used_where_none_is_wanted(hosts: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy:
        monkeypatch.setenv("http_proxy", with_login(proxy.url))
        monkeypatch.setenv("no_proxy", hosts)
        assert bodies(*wire(get("http://service.invalid"))) == []
    assert proxy.connections == 0


@BY_EACH
def test_a_proxy_for_one_scheme_is_none_for_the_other(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        assert bodies(*wire(get("http://service.invalid"))) == []
    assert proxy.connections == 0


@BY_EACH
def test_the_login_of_a_proxy_goes_to_the_proxy(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy:
        monkeypatch.setenv("http_proxy", with_login(proxy.url))
        wire(get("http://service.invalid"))
    assert field_of(proxy.received[0], "proxy-authorization") == BASIC


@BY_EACH
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ((read,), CUT),
        ((read, hostile.reset), CUT),
        ((read, stall), LATE),
        ((read, send(b"no HTTP\r\n\r\n")), BAD),
    ],
)
def test_what_a_proxy_has_cut_may_have_arrived(
    script: Script, expected: Reply, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trial(timeout: float) -> None:
        with Server(script) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            assert wire(post("http://service.invalid", timeout=timeout)) == [expected]
        assert len(proxy.received) == 1

    patiently(trial)


@BY_EACH
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_connections_sends_nothing(
    scheme: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server() as gone:
        pass
    monkeypatch.setenv(f"{scheme}_proxy", gone.url)
    assert wire(post(f"{scheme}://service.invalid")) == [NO_PROXY]


@reacts(
    Where.CONNECTION,
    "a proxy that opens no tunnel",
    "the proxy is named; nothing was sent, and any request is sent again",
)
@BY_EACH
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ((read, send(head(status="HTTP/1.1 407 Proxy Authentication Required"))), NO_PROXY),
        ((read, send(head(status="HTTP/1.1 502 Bad Gateway"))), NO_PROXY),
        ((read, send(b"no HTTP\r\n\r\n")), NO_PROXY),
        ((read,), NO_PROXY),
        ((read, hostile.reset), NO_PROXY),
        ((read, send(OPENED)), UNSENT),
        ((read, stall), NO_PROXY),
        ((read, dribble(head(*["X-A: 1"] * 50))), NO_PROXY),
    ],
)
def test_a_tunnel_that_is_not_opened_sends_nothing(
    script: Script, expected: Reply, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trial(timeout: float) -> None:
        with Server(script) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            answer = in_time(wire, post("https://service.invalid", timeout=timeout), credential=BEARER)
        assert answer == expected
        assert proxy.received, "it was given up before it was asked"
        assert proxy.received[0].startswith(b"CONNECT service.invalid:443 ")
        assert field_of(proxy.received[0], "authorization") is None

    patiently(trial)


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def authorities(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  pyOpenSSL is not here
    return context


@BY_EACH
def test_a_chain_that_is_trusted(authority: trustme.CA, authorities: Path, wire: Wire) -> None:
    with Server((read, send(GOOD)) * 3, tls=tls(authority)) as server:
        assert bodies(*wire(*[get(server.url)] * 3, authorities=authorities)) == [TEXT] * 3
    assert server.connections == 1


@BY_EACH
def test_an_authority_that_is_not_known(authority: trustme.CA, wire: Wire) -> None:
    with Server((read, send(GOOD)), tls=tls(authority)) as server:
        assert wire(post(server.url), credential=BEARER) == [UNTRUSTED]
    assert (server.connections, server.received) == (1, [])


@BY_EACH
def test_a_certificate_of_another_host(authority: trustme.CA, authorities: Path, wire: Wire) -> None:
    with Server((read, send(GOOD)), tls=tls(authority, "elsewhere.example")) as server:
        assert wire(post(server.url), authorities=authorities, credential=BEARER) == [UNTRUSTED]
    assert (server.connections, server.received) == (1, [])


@reacts(
    Where.CONNECTION,
    "a certificate that is not trusted",
    "nothing is sent, and it ends at once: check the base URL and the authorities",
)
@BY_EACH
def test_a_job_gives_up_at_once_where_the_certificate_is_not_trusted(authority: trustme.CA, wire: Wire) -> None:
    with Server((read, send(GOOD)), tls=tls(authority)) as server:
        ended = watched(wire, server.url, bide.Patience())
    assert isinstance(ended, bide.Abandoned)
    assert ended.reason is bide.Reason.UNTRUSTED
    assert server.connections == 1


@BY_EACH
def test_the_name_and_the_protocol_are_told_in_the_handshake(
    authority: trustme.CA, authorities: Path, wire: Wire
) -> None:
    names: list[str | None] = []
    chosen: list[str | None] = []

    def note(line: Line) -> None:
        assert isinstance(line.sock, ssl.SSLSocket)
        chosen.append(line.sock.selected_alpn_protocol())

    context = tls(authority, "localhost")
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.sni_callback = lambda _, name, __: names.append(name)
    with Server((note, read, send(GOOD)), tls=context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        assert bodies(*wire(get(url), authorities=authorities)) == [TEXT]
        # the same server under a name it has no proof for
        assert wire(get(server.url), authorities=authorities) == [UNTRUSTED]
    assert chosen == ["http/1.1"]
    assert names[0] == "localhost"
    assert field_of(server.received[0], "host") == f"localhost:{server.address[1]}"


@reacts(
    Where.CONNECTION,
    "a TLS handshake that is cut or too slow",
    "nothing was sent: any request is sent again",
)
@BY_EACH
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ((hear,), UNSENT),
        ((hear, hostile.reset), UNSENT),
        ((hear, send(b"HTTP/1.1 400 Bad Request\r\n\r\n")), UNSENT),
        ((hear, stall), STALLED),
        ((hear, dribble(b"\x16\x03\x03\x10\x00" + bytes(400))), STALLED),
    ],
    ids=["end", "reset", "plain HTTP", "silence", "a byte at a time"],
)
def test_a_handshake_that_fails_sends_nothing_and_may_be_tried_again(
    script: Script, expected: Reply, authorities: Path, wire: Wire
) -> None:
    def trial(timeout: float) -> None:
        with Server(script, scheme="https") as server:
            assert in_time(wire, post(server.url, timeout=timeout), authorities=authorities) == expected

    patiently(trial)


@BY_EACH
@pytest.mark.parametrize(
    "name",
    [
        "end before the status",
        "end mid body",
        "reset mid body",
        "end mid chunk",
        "no length, then the end",  # without a goodbye of TLS either, as many servers do it
        "interim replies of all kinds, then the answer",
        "an interim reply too many",
        "slow interim replies",
        "a slow head",
        "a slow body",
    ],
)
def test_faults_behind_tls(name: str, authority: trustme.CA, authorities: Path, wire: Wire) -> None:
    fault = BY_NAME[name]

    def trial(timeout: float) -> None:
        with Server(fault.script, (read, send(GOOD)), tls=tls(authority)) as server:
            asked = post(server.url, timeout=timeout), get(server.url)
            answer, after = wire(*asked, authorities=authorities)
        assert fault.allows(answer), answer
        assert bodies(after) == [TEXT]

    patiently(trial, fault.timeout)


@BY_EACH
def test_a_tunnel_to_a_trusted_host(
    authority: trustme.CA, authorities: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Server((read, send(GOOD)) * 2, tls=tls(authority, "service.invalid")) as server,
        Server((read, send(head(status="HTTP/1.1 103 Early Hints") + OPENED), forward(server.address))) as proxy,
    ):
        monkeypatch.setenv("https_proxy", with_login(proxy.url))
        url = behind(server)
        came = wire(get(url), post(url), authorities=authorities, credential=BEARER)
    assert bodies(*came) == [TEXT, TEXT]
    assert (server.connections, proxy.connections) == (1, 1)
    assert field_of(proxy.received[0], "proxy-authorization") == BASIC
    assert KEY.encode() not in proxy.received[0]
    for request in server.received:
        assert field_of(request, "authorization") == f"Bearer {KEY}"
        assert field_of(request, "proxy-authorization") is None


@BY_EACH
def test_a_tunnel_to_a_host_that_is_not_trusted(
    authority: trustme.CA, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Server((read, send(GOOD)), tls=tls(authority)) as server,
        Server((read, send(OPENED), forward(server.address))) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url)
        assert wire(post(behind(server)), credential=BEARER) == [UNTRUSTED]
    assert (proxy.connections, server.received) == (1, [])


@BY_EACH
def test_what_is_cut_behind_a_tunnel_may_have_arrived(
    authority: trustme.CA, authorities: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Server((read,), tls=tls(authority, "service.invalid")) as server,
        Server((read, send(OPENED), forward(server.address))) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url)
        assert wire(post(behind(server)), authorities=authorities) == [CUT]
