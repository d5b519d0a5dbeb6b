"""Connections that were used before: when they are used again, and what a cut of one costs."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Generator
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from bide.messages import Cause, NoResponse, Request, Response
from bide_transports.bounded import BoundedAdapter, bounded
from bide_transports.requests import exchange
from bide_transports.requests_exchange import own_session
from tests import hostile
from tests.hostile import EVIL, GOOD, TEXT, Script, Server, dribble, head, patiently, read, send
from tests.reactions import Where, reacts
from tests.wires import BY_EACH, Wire

CUT = NoResponse(Cause.RESET, sent=True)


@pytest.fixture
def session() -> Generator[requests.Session]:
    with own_session() as made:
        yield made


def get(url: str, *, timeout: float = 20.0) -> Request:
    return Request("GET", url + "/v1/executions/exec_1", timeout=timeout)


def post(url: str, *, repeatable: bool = True) -> Request:
    return Request("POST", url + "/v1/executions", body=b"{}", repeatable=repeatable)


def put(url: str) -> Request:
    return Request("PUT", url + "/upload", body=bytes(9))


def pause(seconds: float) -> hostile.Step:
    """Wait so many seconds, unless the server shuts down."""

    def step(line: hostile.Line) -> None:
        line.closing.wait(seconds)

    return step


def cutting(end: hostile.Step | None) -> Script:
    """One reply, and then a cut once the next request is there: in good order, or by `end`."""
    return (read, send(GOOD), read, *([end] if end else []))


# -- a request whose connection turns out to be closed -----------------------------------------------------------------


@reacts(
    Where.CONNECTION,
    "a connection that was used before is cut before a byte of the reply",
    "a look, or a submission with its key, is sent again at once on a new one, once, and is no failure",
)
@BY_EACH
@pytest.mark.parametrize("end", [None, hostile.reset], ids=["end", "reset"])
@pytest.mark.parametrize("ask", [get, post, put], ids=["GET", "POST", "PUT"])
def test_what_may_be_sent_twice_is_sent_again_at_once(
    ask: Callable[[str], Request], end: hostile.Step | None, wire: Wire
) -> None:
    with Server(cutting(end), (read, send(GOOD))) as server:
        replies = wire(get(server.url), ask(server.url))
    assert [one.body for one in replies if isinstance(one, Response)] == [TEXT, TEXT]
    assert (len(server.received), server.connections) == (3, 2)
    assert server.received[1] == server.received[2]


@reacts(
    Where.CONNECTION,
    "the same just when a submission without a key goes out",
    "it is not lost in that connection: what cannot be repeated goes out over a new one",
)
@BY_EACH
@pytest.mark.parametrize("end", [None, hostile.reset], ids=["end", "reset"])
def test_what_must_not_be_sent_twice_goes_out_over_a_new_connection(end: hostile.Step | None, wire: Wire) -> None:
    with Server(cutting(end), (read, send(GOOD))) as server:
        replies = wire(get(server.url), post(server.url, repeatable=False))
    assert [one.body for one in replies if isinstance(one, Response)] == [TEXT, TEXT]
    assert (len(server.received), server.connections) == (2, 2)


@BY_EACH
def test_once_a_byte_has_come_it_is_no_stale_connection(wire: Wire) -> None:
    with Server((read, send(GOOD), read, send(b"H")), (read, send(GOOD))) as server:
        _, answer = wire(get(server.url), get(server.url))
    assert answer == CUT
    assert len(server.received) == 2


@BY_EACH
def test_a_new_connection_that_is_cut_is_not_tried_again(wire: Wire) -> None:
    with Server((read,), (read, send(GOOD))) as server:
        assert wire(get(server.url)) == [CUT]
    assert len(server.received) == 1


@BY_EACH
def test_it_is_sent_again_once(wire: Wire) -> None:
    with Server(cutting(None), (read,), (read, send(GOOD))) as server:
        _, answer = wire(get(server.url), get(server.url))
    assert answer == CUT
    assert len(server.received) == 3


@BY_EACH
def test_the_first_may_have_arrived_where_the_second_cannot_be_sent(wire: Wire) -> None:
    def serve() -> None:
        with listener:
            guest, _ = listener.accept()
        with guest:
            guest.recv(65536)
            guest.sendall(GOOD)
            guest.recv(65536)

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = Thread(target=serve)
    server.start()
    _, answer = wire(get(url), get(url))
    server.join()
    assert answer == CUT


@BY_EACH
def test_both_share_one_timeout(wire: Wire) -> None:
    def trial(timeout: float) -> None:
        slow = (read, dribble(head(*["X-A: 1"] * 50), every=0.3 * timeout))
        with Server((read, send(GOOD), read, pause(0.7 * timeout)), slow) as server:
            _, answer = wire(get(server.url), get(server.url, timeout=timeout))
        assert isinstance(answer, NoResponse)
        assert (answer.cause, answer.sent) == (Cause.TIMEOUT, True)

    patiently(trial)


def test_an_upload_from_a_file_is_not_sent_again(session: requests.Session) -> None:
    with Server(cutting(None), (read, send(GOOD))) as server:
        exchange(get(server.url), session=session)
        upload = Request("PUT", server.url + "/upload", headers=(("content-length", "9"),))
        assert exchange(upload, session=session, content=BytesIO(bytes(9))) == CUT
    assert len(server.received) == 2


# -- a connection that lies idle ---------------------------------------------------------------------------------------


def age(session: requests.Session, url: str, seconds: float) -> None:
    """Make the idle connection to `url` older."""
    adapter = bounded(session.get_adapter(url))
    assert isinstance(adapter, BoundedAdapter)
    pools: Any = adapter.poolmanager.pools
    (idle,) = (pools[key].pool for key in pools.keys())  # noqa: SIM118  it cannot be iterated over
    connection = idle.get()
    connection.sock.idle_since -= seconds
    idle.put(connection)


@pytest.mark.parametrize(("seconds", "connections"), [(3.0, 1), (4.0, 2), (3600.0, 2)])
def test_a_connection_that_was_idle_for_four_seconds_is_not_used(
    seconds: float, connections: int, session: requests.Session
) -> None:
    with Server((read, send(GOOD), read, send(GOOD)), (read, send(GOOD))) as server:
        exchange(get(server.url), session=session)
        age(session, server.url, seconds)
        assert isinstance(exchange(post(server.url), session=session), Response)
    assert server.connections == connections


def test_bytes_that_tls_has_unpacked_already_are_nobodys_answer(session: requests.Session, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    session.verify = str(tmp_path / "ca.pem")
    long = hostile.reply(TEXT + b" " * (8192 - len(hostile.reply(TEXT)) - 2))  # as much as is read at once
    with Server((read, send(long + EVIL), read, send(EVIL)), (read, send(GOOD)), tls=context) as server:
        replies = [exchange(get(server.url), session=session) for _ in range(2)]
    assert [one.body.strip() for one in replies if isinstance(one, Response)] == [TEXT, TEXT]
    assert server.connections == 2


# -- a session with requests' own adapters -----------------------------------------------------------------------------


def test_requests_own_adapter_reads_past_interim_replies_too() -> None:
    answer = (read, send(head(status="HTTP/1.1 103 Early Hints") + GOOD))
    with Server(answer * 2) as server, requests.Session() as plain:
        replies = [exchange(ask(server.url), session=plain) for ask in (post, get)]
    assert [one.body for one in replies if isinstance(one, Response)] == [TEXT, TEXT]
    assert server.connections == 1


def test_requests_own_adapter_is_bounded_in_time_too() -> None:
    def trial(timeout: float) -> None:
        with Server((read, dribble(head(*["X-A: 1"] * 50)))) as server, requests.Session() as plain:
            assert exchange(get(server.url, timeout=timeout), session=plain) == NoResponse(Cause.TIMEOUT, sent=True)

    patiently(trial)


def test_the_retries_of_an_adapter_are_left_out() -> None:
    retries = Retry(total=3, status_forcelist=[503], allowed_methods=None, backoff_factor=0)
    busy = send(hostile.reply(TEXT, status="503 Service Unavailable"))
    with Server((read, busy, read, busy), (read,)) as server, requests.Session() as plain:
        plain.mount("http://", HTTPAdapter(max_retries=retries))
        answer = exchange(post(server.url), session=plain)
    assert isinstance(answer, Response)
    assert (answer.status, len(server.received)) == (503, 1)


def test_the_settings_of_an_adapters_pool_are_kept() -> None:
    context = ssl.create_default_context()
    adapter = HTTPAdapter(pool_connections=3, pool_maxsize=5, pool_block=True)
    adapter.init_poolmanager(3, 5, block=True, ssl_context=context)
    made = bounded(adapter)
    assert isinstance(made, BoundedAdapter)
    assert made is bounded(adapter)
    assert made.poolmanager.connection_pool_kw == adapter.poolmanager.connection_pool_kw
    assert made.poolmanager.connection_pool_kw["ssl_context"] is context
    assert made is not bounded(HTTPAdapter())


def test_an_adapter_of_another_class_is_used_as_it_is() -> None:
    class Own(HTTPAdapter):
        pass

    for adapter in (Own(), BoundedAdapter()):
        assert bounded(adapter) is adapter
