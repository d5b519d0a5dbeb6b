"""Files that hardly move are given up long before their timeout, whichever way they go; the same in both."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from functools import partial
from io import BytesIO
from typing import Protocol

import pytest
import trio

from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide_transports.flow import Floor
from bide_transports.requests_exchange import exchange as exchange_by_requests
from bide_transports.requests_exchange import own_session
from bide_transports.trio_pool import Pool
from bide_transports.trio_pool import exchange as exchange_by_trio
from tests.hostile import Line, Script, Server, Step, dribble, head, patiently, read, send, sip, stall
from tests.reactions import Where, reacts

PIECE, PIECES = 4096, 6
LONG = 30.0  # seconds, for a whole transfer: nothing here takes so long
LARGE = bytes(24 * 1024 * 1024)  # more than the buffers on the way hold
ANSWER = head(f"Content-Length: {PIECE * PIECES}")
TAKEN = head("Content-Length: 0")


class Move(Protocol):
    """Sends one request, for a file or with one, and returns what came back."""

    def __call__(self, request: Request, *, floor: Floor, content: bytes | None = None) -> Reply: ...


def a_file(_: Response) -> BytesIO:
    return BytesIO()


def pause(seconds: float) -> Step:
    """Do nothing for so many seconds, unless the server shuts down."""

    def step(line: Line) -> None:
        line.closing.wait(seconds)

    return step


def by_requests(request: Request, *, floor: Floor, content: bytes | None = None) -> Reply:
    with own_session() as session:
        source = None if content is None else BytesIO(content)
        into = a_file if content is None else None
        return exchange_by_requests(request, session=session, into=into, content=source, floor=floor)


class Whole:
    """All of a body in one piece."""

    def __init__(self, body: bytes) -> None:
        self._pieces = iter([body])

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


def by_trio(request: Request, *, floor: Floor, content: bytes | None = None) -> Reply:
    async def main() -> Reply:
        async with Pool() as pool:
            source = None if content is None else Whole(content)
            into = a_file if content is None else None
            return await exchange_by_trio(request, pool=pool, into=into, content=source, floor=floor)

    return trio.run(main)


BY_EACH = pytest.mark.parametrize("move", [by_requests, by_trio], ids=["requests", "trio"])


def get(url: str) -> Request:
    return Request("GET", url + "/fox.mp4", timeout=LONG, largest=PIECE * PIECES)


def put(url: str, size: int) -> Request:
    return Request("PUT", url + "/fox.mp4", headers=(("content-length", str(size)),), timeout=LONG)


def pieces(*, every: float) -> Step:
    """Send the whole file, a piece every so many seconds."""

    def step(line: Line) -> None:
        for _ in range(PIECES):
            line.closing.wait(every)
            line.sock.sendall(bytes(PIECE))

    return step


def gulps(size: int, *, every: float) -> Step:
    """Take `size` bytes, a few megabytes every so many seconds."""

    def step(line: Line) -> None:
        took = 0
        for goal in range(0, size, 4 * 1024 * 1024):
            line.closing.wait(every)
            while took < goal:
                took += len(line.sock.recv(65536))
        while took < size:
            took += len(line.sock.recv(65536))

    return step


def gives_up(move: Move, script: Script, content: bytes | None = None) -> None:
    """It is given up, though nothing but the floor would do it so soon."""
    with Server(script) as server:
        asked, began = get(server.url) if content is None else put(server.url, len(content)), time.monotonic()
        answer = move(asked, floor=Floor(PIECE, 0.3), content=content)
    assert isinstance(answer, NoResponse)
    assert (answer.cause, answer.sent) == (Cause.TIMEOUT, True)
    assert time.monotonic() - began < LONG / 2


@reacts(
    Where.FILE,
    "a file that hardly comes, or stands still",
    "given up after a minute with less than 64 KiB; it makes room for others, and the rest is asked for later",
)
@BY_EACH
@pytest.mark.parametrize(
    "script",
    [
        (read, stall),
        (read, dribble(ANSWER)),
        (read, send(ANSWER), stall),
        (read, send(ANSWER + bytes(PIECE - 500)), stall),
        (read, send(ANSWER), dribble(bytes(PIECE))),
        (read, send(head("Transfer-Encoding: chunked")), dribble(b"1\r\n \r\n" * 500)),
        (read, send(head(status="HTTP/1.0 200 OK")), dribble(bytes(PIECE))),
    ],
    ids=["silence", "a slow head", "no body", "half", "a slow body", "slow chunks", "without a length"],
)
def test_a_file_that_hardly_comes_is_given_up(script: Script, move: Move) -> None:
    gives_up(move, script)


@reacts(
    Where.FILE,
    "an upload that is hardly taken",
    "given up after a minute with less than 64 KiB, and begun anew later",
)
@BY_EACH
@pytest.mark.parametrize(
    ("script", "content"),
    [
        ((read, stall), b"a fox"),
        ((read, dribble(TAKEN)), b"a fox"),
        ((partial(sip, every=5.0),), LARGE),
        ((pause(LONG),), LARGE),
    ],
    ids=["no answer", "a slow answer", "sipped", "not taken"],
)
def test_a_file_that_hardly_goes_is_given_up(script: Script, content: bytes, move: Move) -> None:
    gives_up(move, script, content)


@BY_EACH
def test_a_file_may_come_slowly(move: Move) -> None:
    def trial(seconds: float) -> None:
        with Server((read, send(ANSWER), pieces(every=0.5 * seconds))) as server:
            assert isinstance(move(get(server.url), floor=Floor(PIECE, seconds)), Response)

    patiently(trial)


@BY_EACH
def test_a_file_may_go_slowly_and_its_answer_has_a_period_of_its_own(move: Move) -> None:
    def trial(seconds: float) -> None:
        script = (gulps(len(LARGE), every=seconds / 10), pause(0.5 * seconds), send(TAKEN))
        with Server(script) as server:
            answer = move(put(server.url, len(LARGE)), floor=Floor(PIECE, seconds), content=LARGE)
        assert isinstance(answer, Response)

    patiently(trial, timeout=0.5)
