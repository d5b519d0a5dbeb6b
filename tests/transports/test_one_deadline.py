"""One deadline for all of an exchange: however its parts share it out, together they have no more."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import trustme
from urllib3.exceptions import ClosedPoolError

from bide.messages import Cause, NoResponse, Request, Response
from bide_transports.bounded import BoundedAdapter
from bide_transports.requests_exchange import exchange
from bide_transports.requests_faults import no_response
from tests.hostile import (
    GOOD,
    Line,
    Script,
    Server,
    Step,
    dribble,
    field_of,
    forward,
    head,
    patiently,
    read,
    send,
    stall,
)
from tests.reactions import Where, reacts
from tests.wires import BY_EACH, Wire

OPENED = head(status="HTTP/1.1 200 Connection established")
TWO_THIRDS = 0.67


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's certificate, and where the authority is that clients trust."""
    made, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("service.invalid", "127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return context, path


def pause(seconds: float) -> Step:
    """Wait so many seconds, unless the server shuts down."""

    def step(line: Line) -> None:
        line.closing.wait(seconds)

    return step


def shaking_hands(context: ssl.SSLContext, after: float, then: Script) -> Step:
    """TLS, though not at once."""

    def step(line: Line) -> None:
        line.closing.wait(after)
        with context.wrap_socket(line.sock.dup(), server_side=True) as inner:
            for one in then:
                one(Line(inner, line.received, line.closing))

    return step


def shared(wire: Wire, script: Callable[[float], Script], authorities: Path, url: str | None = None) -> None:
    """Two parts that take two thirds of the timeout each are too slow; with a sixth each they are not."""

    def trial(timeout: float) -> None:
        for share in (TWO_THIRDS, 0.15):
            with Server(script(share * timeout)) as server:
                request = Request("GET", f"{url or server.url.replace('http', 'https')}/1", timeout=timeout)
                (answer,) = wire(request, authorities=authorities)
            assert isinstance(answer, Response) is (share < 0.5)
            assert isinstance(answer, Response) or answer.cause in (Cause.TIMEOUT, Cause.PROXY)

    patiently(trial, timeout=0.6)


@reacts(
    Where.CONNECTION,
    "look-up, connection, handshake and reply that are slow together",
    "one timeout bounds them all",
)
@BY_EACH
def test_a_handshake_and_a_reply_share_it(wire: Wire, authority: tuple[ssl.SSLContext, Path]) -> None:
    context, path = authority
    shared(wire, lambda slow: (shaking_hands(context, slow, (read, pause(slow), send(GOOD))),), path)


@BY_EACH
@pytest.mark.parametrize("late", [0, 1, 2])
def test_a_proxy_a_handshake_and_a_reply_share_it(
    late: int, wire: Wire, authority: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, path = authority

    def trial(timeout: float) -> None:
        for share in (TWO_THIRDS, 0.1):
            slow = [share * timeout] * 3
            slow[late] = 0.0
            service = shaking_hands(context, slow[1], (read, pause(slow[2]), send(GOOD)))
            with (
                Server((service,)) as server,
                Server((read, pause(slow[0]), send(OPENED), forward(server.address))) as it,
            ):
                monkeypatch.setenv("https_proxy", it.url)
                request = Request("GET", "https://service.invalid/1", timeout=timeout)
                (answer,) = wire(request, authorities=path)
            assert isinstance(answer, Response) is (share < 0.5)
            assert isinstance(answer, Response) or answer.cause is Cause.TIMEOUT

    patiently(trial, timeout=0.6)


# -- a proxy that hangs ------------------------------------------------------------------------------------------------


@reacts(
    Where.CONNECTION,
    "a proxy that hangs",
    "named; nothing was sent: any request is sent again",
)
@BY_EACH
@pytest.mark.parametrize("script", [(read, stall), (read, dribble(OPENED)), (stall,)], ids=["hung", "slow", "deaf"])
def test_a_proxy_that_hangs_is_named(script: Script, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def trial(timeout: float) -> None:
        with Server(script) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url.replace("://", "://fox:pass-word@"))
            (answer,) = wire(Request("POST", "https://service.invalid/1", timeout=timeout))
        assert answer == NoResponse(Cause.PROXY, sent=False)
        assert isinstance(answer, NoResponse)
        assert answer.detail == f"127.0.0.1:{proxy.address[1]} does not open a tunnel in time"

    patiently(trial)


@BY_EACH
def test_a_service_that_hangs_behind_a_proxy_is_no_fault_of_the_proxy(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trial(timeout: float) -> None:
        with Server((read, send(OPENED), stall)) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            (answer,) = wire(Request("POST", "https://service.invalid/1", timeout=timeout))
        assert answer == NoResponse(Cause.TIMEOUT, sent=False)

    patiently(trial)


# -- a pool that waits for a free connection ---------------------------------------------------------------------------


def test_waiting_for_a_connection_of_the_callers_own_pool_is_within_it() -> None:
    adapter = BoundedAdapter(pool_maxsize=1, pool_block=True)
    with Server((read, send(GOOD))) as server, requests.Session() as session:
        session.mount("http://", adapter)
        with session.get(server.url, stream=True):  # and so it is in use
            answer = exchange(Request("POST", server.url, timeout=0.1), session=session)
    assert answer == NoResponse(Cause.BUSY, sent=False)


def test_a_connection_that_another_thread_closes_before_it_is_used_has_sent_nothing() -> None:
    adapter = BoundedAdapter()
    pool = adapter.poolmanager.connection_from_url("http://service.invalid")
    pool.close()  # as the thread does between the choice of a pool and that of its connection
    with pytest.raises(ClosedPoolError) as caught:
        pool.urlopen("GET", "/")
    assert no_response(requests.ConnectionError(caught.value)) == NoResponse(Cause.BUSY, sent=False)


def test_an_adapter_bounds_what_its_owner_sends_too() -> None:
    def trial(timeout: float) -> None:
        with Server((read, dribble(GOOD))) as server, requests.Session() as session:
            session.mount("http://", BoundedAdapter())
            with pytest.raises(requests.Timeout):
                session.get(server.url, timeout=timeout)

    patiently(trial)


# -- what is logged ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/fox.png?X-Amz-Signature=abc", "/fox.png?sig=abc#top", "?sig=abc"])
def test_no_query_is_logged_and_the_address_goes_out_whole(path: str, caplog: pytest.LogCaptureFixture) -> None:
    with Server((read, send(GOOD))) as server, requests.Session() as session, caplog.at_level("DEBUG"):
        exchange(Request("GET", server.url + path, timeout=20.0), session=session)
    assert "abc" in server.received[0].decode().partition("\r\n")[0]
    assert "200" in caplog.text
    assert "abc" not in caplog.text
    assert field_of(server.received[0], "host")
