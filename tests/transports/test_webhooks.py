"""Webhooks received: in any framework, by two servers over real sockets; hostile requests, and no job knows of them."""

from __future__ import annotations

import errno
import json
import queue
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from typing import TypeAlias

import pytest
import trio
import trio.testing

import bide
from bide.dialects.declaration import STANDARD_WEBHOOKS
from bide.errors import Flaw, InvalidKey, NotOffered
from bide.webhook import Delivered
from bide_transports.emulator.events import sign
from bide_transports.trio_webhooks import Receiver, listen
from bide_transports.webhook_server import listening
from bide_transports.webhooks import LARGEST, Answer, Mailbox
from tests.laws import BY_LINKS, HANDLE, START

SECRET, OLD = "whsec_5ec2e75ec2e75ec2", "whsec_01d01d01d01d01d0"
BODY = json.dumps({"id": "evt_1", "event_type": "execution.completed", "execution_id": HANDLE}).encode()
NOTICE = bide.Notice("evt_1", HANDLE, "execution.completed")


def mailbox(secrets: str | list[str] = SECRET, *, now: float = START) -> Mailbox:
    return Mailbox(secrets, now=lambda: now)


def signed(body: bytes = BODY, *, secret: str = SECRET, at: float = START) -> dict[str, str]:
    return {"X-Signature": sign(secret, str(int(at)), body), "X-Signature-Timestamp": str(int(at))}


# In any framework


def test_a_notice_is_told_once() -> None:
    box = mailbox()
    assert box.receive("POST", signed(), BODY) == Answer(200, "taken", NOTICE)
    assert box.receive("post", signed(at=START + 60), BODY) == Answer(200, "taken before")
    assert box.receive("POST", signed(secret=OLD), BODY) == Answer(401, "no signature fits", None, Flaw.WRONG_SIGNATURE)


@pytest.mark.parametrize(
    ("headers", "body", "status", "flaw"),
    [
        ({}, BODY, 401, Flaw.UNSIGNED),
        (signed(), BODY + b" ", 401, Flaw.WRONG_SIGNATURE),
        (signed(at=START - 301), BODY, 400, Flaw.STALE),
        (signed(at=START + 302), BODY, 400, Flaw.FROM_THE_FUTURE),
        (signed(b"{}"), b"{}", 202, Flaw.NOT_UNDERSTOOD),
        ({}, b"x" * (LARGEST + 1), 413, None),
    ],
)
def test_what_is_no_notice_is_answered_and_told_to_nobody(
    headers: dict[str, str], body: bytes, status: int, flaw: Flaw | None
) -> None:
    answer = mailbox().receive("POST", headers, body)
    assert (answer.status, answer.flaw, answer.notice) == (status, flaw, None)
    assert SECRET not in answer.text
    assert "\n" not in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "", "POST "])
def test_only_post_is_taken(method: str) -> None:
    assert mailbox().receive(method, signed(), BODY).status == 405


def test_a_refused_request_does_not_use_up_its_event() -> None:
    box = mailbox()
    assert box.receive("POST", signed(secret=OLD), BODY).status == 401
    assert box.receive("POST", signed(), BODY).notice == NOTICE


def test_two_secrets_are_taken_while_one_replaces_the_other() -> None:
    other = BODY.replace(b"evt_1", b"evt_2")
    box = mailbox([SECRET, OLD])
    assert box.receive("POST", signed(), BODY).notice is not None
    assert box.receive("POST", signed(other, secret=OLD), other).notice is not None


def test_what_the_caller_got_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidKey):
        mailbox("")
    with pytest.raises(InvalidKey):
        mailbox([])
    with pytest.raises(NotOffered):
        Mailbox(SECRET, dialect=BY_LINKS)
    with pytest.raises(InvalidKey, match="base64"):
        Mailbox("no base64!", signature=STANDARD_WEBHOOKS)


def test_the_memory_of_events_can_be_shared_between_mailboxes() -> None:
    delivered = Delivered()
    one, other = (Mailbox(SECRET, delivered=delivered, now=lambda: START) for _ in range(2))
    assert one.receive("POST", signed(), BODY).notice is not None
    assert other.receive("POST", signed(), BODY).notice is None


def test_many_threads_are_told_of_an_event_once() -> None:
    box, start = mailbox(), threading.Barrier(8)

    def receive(_: int) -> int:
        start.wait()
        return sum(box.receive("POST", signed(), BODY).notice is not None for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(receive, range(8))) == 1


# The servers, over real sockets

Taken: TypeAlias = "queue.Queue[bide.Notice]"
Serve: TypeAlias = Callable[[Mailbox, Taken], AbstractContextManager[int]]


@contextmanager
def by_threads(box: Mailbox, taken: Taken) -> Generator[int]:
    with listening(box.receive, taken.put) as url:
        yield int(url.rsplit(":", 1)[1].strip("/"))


@contextmanager
def by_trio(box: Mailbox, taken: Taken) -> Generator[int]:
    """trio in a thread of its own, so that the same blocking client talks to both."""
    ready: queue.Queue[tuple[str, trio.lowlevel.TrioToken, trio.CancelScope]] = queue.Queue()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            url = await nursery.start(partial(listen, box.receive, taken.put))
            ready.put((url, trio.lowlevel.current_trio_token(), nursery.cancel_scope))

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    url, token, scope = ready.get(timeout=10)
    try:
        yield int(url.rsplit(":", 1)[1].strip("/"))
    finally:
        token.run_sync_soon(scope.cancel)
        thread.join()


@pytest.fixture(params=[by_threads, by_trio], ids=["threads", "trio"])
def door(request: pytest.FixtureRequest) -> Iterator[tuple[int, Taken]]:
    taken: Taken = queue.Queue()
    with request.param(mailbox(), taken) as port:
        yield port, taken


def head(*lines: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} /hooks HTTP/1.1", "host: hooks.example", *lines, "", ""]).encode()


def request(body: bytes = BODY, headers: dict[str, str] | None = None, *more: str) -> bytes:
    lines = [f"{name}: {value}" for name, value in (signed(body) if headers is None else headers).items()]
    return head(*lines, *more, f"content-length: {len(body)}") + body


def talk(port: int, *pieces: bytes) -> bytes:
    """Send all of it, say that this is the end, and read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        for piece in pieces:
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        return everything(sock)


def everything(sock: socket.socket) -> bytes:
    said = b""
    while more := sock.recv(65536):
        said += more
    return said


def statuses(said: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


def test_a_webhook_is_taken_and_answered(door: tuple[int, Taken]) -> None:
    port, taken = door
    said = talk(port, request())
    assert statuses(said) == [200]
    assert said.endswith(b"\r\n\r\ntaken\n")
    assert b"content-type: text/plain" in said
    assert taken.get_nowait() == NOTICE


def test_one_connection_takes_many_requests_in_one_piece_or_in_many(door: tuple[int, Taken]) -> None:
    port, taken = door
    others = [BODY.replace(b"evt_1", f"evt_{n}".encode()) for n in range(2, 5)]
    stream = b"".join(map(request, [BODY, BODY, *others]))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        for place in range(0, len(stream), 7):
            sock.sendall(stream[place : place + 7])
        sock.shutdown(socket.SHUT_WR)
        assert statuses(everything(sock)) == [200] * 5
    assert statuses(talk(port, stream)) == [200] * 5
    assert [taken.get_nowait().id for _ in range(4)] == ["evt_1", "evt_2", "evt_3", "evt_4"]
    assert taken.empty()


def test_a_body_may_come_in_chunks(door: tuple[int, Taken]) -> None:
    port, taken = door
    lines = [f"{name}: {value}" for name, value in signed().items()]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:10], BODY[10:], b""))
    assert statuses(talk(port, head(*lines, "transfer-encoding: chunked") + chunks)) == [200]
    assert taken.get_nowait() == NOTICE


def test_a_connection_that_is_to_close_is_closed(door: tuple[int, Taken]) -> None:
    port, _ = door
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(request(BODY, None, "connection: close"))
        assert statuses(everything(sock)) == [200]


def test_a_client_that_waits_for_the_go_ahead_gets_it(door: tuple[int, Taken]) -> None:
    port, taken = door
    whole = request(BODY, None, "expect: 100-continue")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(whole[: -len(BODY)])
        assert sock.recv(65536).startswith(b"HTTP/1.1 100 ")
        sock.sendall(BODY)
        assert statuses(sock.recv(65536)) == [200]
    assert taken.get_nowait() == NOTICE


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(headers={}), 401),
        (request(headers=signed(secret=OLD)), 401),
        (request(headers=signed(at=START - 400)), 400),
        (head(method="GET"), 405),
        (head(method="HEAD"), 405),
        (b"\x00\xff no HTTP\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n\r\n", 400),
        (head("content-length: 5", "content-length: 7"), 400),
        (head("x: " + "y" * 70_000), 431),
        (head(*(f"x-{n}: y" for n in range(120))), 431),
        (head(f"content-length: {LARGEST + 1}") + b"x" * (LARGEST + 1), 413),
        (head("transfer-encoding: chunked") + b"200000\r\n" + b"x" * 0x200000, 413),
        (request()[:-5], 400),
    ],
    ids=[
        "unsigned", "wrong secret", "stale", "GET", "HEAD", "garbage", "no host", "two lengths", "long head",
        "many lines", "large", "large in chunks", "cut short",
    ],
)  # fmt: skip
def test_what_is_no_webhook_is_refused_and_told_to_nobody(door: tuple[int, Taken], sent: bytes, status: int) -> None:
    port, taken = door
    said = talk(port, sent)
    assert statuses(said) == [status]
    assert (b"allow: POST" in said) is (status == 405)
    assert taken.empty()
    assert statuses(talk(port, request())) == [200], "the next one is served as if nothing had happened"


def test_a_peer_that_leaves_is_forgotten(door: tuple[int, Taken]) -> None:
    port, taken = door
    for sent in (b"", b"POST", request()[:40]):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(sent)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # leave with a reset
    assert statuses(talk(port, request())) == [200]
    assert taken.get_nowait() == NOTICE


def test_many_connections_at_once(door: tuple[int, Taken]) -> None:
    port, taken = door
    idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(40)]
    bodies = [BODY.replace(b"evt_1", f"evt_{n}".encode()) for n in range(64)]
    with ThreadPoolExecutor(16) as pool:
        assert all(statuses(said) == [200] for said in pool.map(partial(talk, port), map(request, bodies)))
    assert len({taken.get_nowait().id for _ in bodies}) == 64
    for sock in idle:
        sock.close()


@pytest.mark.parametrize("serve", [by_threads, by_trio])
def test_leaving_cuts_the_connections(serve: Serve) -> None:
    taken: Taken = queue.Queue()
    with ExitStack() as stack:
        with serve(mailbox(), taken) as port:
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            sock.sendall(request() + request()[:40])
            assert statuses(sock.recv(65536)) == [200]
        with suppress(ConnectionResetError):
            assert everything(sock) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=10)


def test_a_port_that_is_taken_is_told() -> None:
    taken: Taken = queue.Queue()
    with by_threads(mailbox(), taken) as port, pytest.raises(OSError) as caught:
        listening(mailbox().receive, taken.put, port=port).__enter__()
    assert caught.value.errno == errno.EADDRINUSE


# The trio server, in virtual time


def virtually(action: Callable[[], Awaitable[None]]) -> None:
    trio.run(action, clock=trio.testing.MockClock(autojump_threshold=0))


class Guest:
    """A connection to a `Receiver`; `at` says when it was closed, in seconds since it was opened."""

    def __init__(self, receiver: Receiver, nursery: trio.Nursery) -> None:
        self.near, far = trio.testing.memory_stream_pair()
        self.opened = trio.current_time()
        nursery.start_soon(receiver, far)

    async def everything(self) -> tuple[bytes, float]:
        said = b""
        while more := await self.near.receive_some(65536):
            said += more
        return said, trio.current_time() - self.opened


def test_a_connection_that_says_nothing_is_closed_after_ten_seconds() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            guest = Guest(Receiver(mailbox().receive, print), nursery)
            assert await guest.everything() == (b"", 10)

    virtually(main)


def test_a_request_that_dribbles_is_cut_after_ten_seconds() -> None:
    async def dribble(stream: trio.abc.SendStream) -> None:
        with suppress(trio.BrokenResourceError):
            for byte in request():
                await stream.send_all(bytes([byte]))
                await trio.sleep(1)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            guest = Guest(Receiver(mailbox().receive, print), nursery)
            nursery.start_soon(dribble, guest.near)
            assert await guest.everything() == (b"", 10)

    virtually(main)


def test_the_time_begins_anew_with_each_request() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            guest = Guest(Receiver(mailbox().receive, lambda _: None, timeout=5), nursery)
            for _ in range(4):
                await trio.sleep(4)
                await guest.near.send_all(request())
            said, closed = await guest.everything()
            assert statuses(said) == [200] * 4
            assert closed == 21

    virtually(main)


def test_a_peer_that_was_refused_may_read_why_but_not_talk_on() -> None:
    async def flood(stream: trio.abc.SendStream) -> None:
        with suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"x" * 65536)
                await trio.sleep(0.1)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            guest = Guest(Receiver(mailbox().receive, print), nursery)
            await guest.near.send_all(head("content-length: 5", "content-length: 7"))
            nursery.start_soon(flood, guest.near)
            said, closed = await guest.everything()
            assert statuses(said) == [400]
            assert closed == 1

    virtually(main)


def test_connections_beyond_the_limit_are_closed_and_make_room_again() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            receiver = Receiver(mailbox().receive, lambda _: None, most=2)
            guests = [Guest(receiver, nursery) for _ in range(2)]
            await trio.testing.wait_all_tasks_blocked()
            assert await Guest(receiver, nursery).everything() == (b"", 0)
            await guests[0].near.aclose()
            await trio.testing.wait_all_tasks_blocked()
            again = Guest(receiver, nursery)
            await again.near.send_all(request())
            assert statuses((await again.everything())[0]) == [200]

    virtually(main)


def test_notices_go_into_a_memory_channel() -> None:
    async def main() -> None:
        send, receive = trio.open_memory_channel[bide.Notice](100)
        async with trio.open_nursery() as nursery, send, receive:
            guest = Guest(Receiver(mailbox().receive, send.send_nowait), nursery)
            await guest.near.send_all(request() + request())
            assert await receive.receive() == NOTICE
            await guest.near.send_eof()
            assert statuses((await guest.everything())[0]) == [200, 200]
            with pytest.raises(trio.WouldBlock):
                receive.receive_nowait()

    virtually(main)


@pytest.mark.parametrize("sent", [0, 1, len(request()) // 2, len(request()), len(request()) + 30])
def test_a_cancelled_server_leaves_no_connection_open(sent: int) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            guest = Guest(Receiver(mailbox().receive, lambda _: None), nursery)
            await guest.near.send_all((request() + request())[:sent])
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        said = bytes(await guest.near.receive_some()) if sent >= len(request()) else b""
        assert statuses(said) == [200] * (sent >= len(request()))
        assert await guest.near.receive_some() == b""

    virtually(main)


def test_what_deliver_raises_is_not_swallowed() -> None:
    def fails(_: bide.Notice) -> None:
        raise RuntimeError("a fault of the application")

    async def main() -> None:
        near, far = trio.testing.memory_stream_pair()
        await near.send_all(request())
        with pytest.raises(RuntimeError, match="of the application"):
            await Receiver(mailbox().receive, fails)(far)
        assert await near.receive_some() == b""

    virtually(main)
