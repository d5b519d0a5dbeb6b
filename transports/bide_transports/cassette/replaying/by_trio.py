"""Replay through trio: the pool and the h11 bytes of the client, over streams in memory.

A timeout that was recorded takes no time: the exchange has none left, and the far end keeps silent.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

import trio

from bide.job import AnyJob
from bide.messages import Cause, NoResponse, Reply, Request
from bide.urls import Address
from bide_transports.cassette.replaying.far_end import FarEnd
from bide_transports.cassette.replaying.played import PlayedLane
from bide_transports.cassette.replaying.played_file import PlayedFile
from bide_transports.h11_client import Connection
from bide_transports.kept_alive import Line
from bide_transports.sinks import Into
from bide_transports.sources import Content
from bide_transports.tapes import AsyncFileLane, AsyncLane
from bide_transports.trio_pool import Pool, exchange, in_time


def lane(played: PlayedLane) -> AsyncLane:
    """The lane as a client over trio follows it."""
    by = _Player(played)
    return AsyncLane(played.job, by.exchange, by, by.hear)


def file_lane(played: PlayedFile) -> AsyncFileLane:
    """The lane of a file as a client over trio fetches or sends it."""
    by = _FilePlayer(played)
    return AsyncFileLane(played.dialect, by.exchange, by)


class _Player:
    """Exchange, clock and listener of one lane."""

    def __init__(self, played: PlayedLane) -> None:
        self._played = played
        self._far = FarEnd(played.track.dialect)
        self._pool = _Pool(self._far)

    async def exchange(self, request: Request) -> Reply:
        reply = self._played.asks(request)
        asked, pool = _readied(self._far.expect(request, reply), self._pool, self._far)
        if self._far.is_asked:
            self._far.check(await exchange(asked, pool=pool, credential=self._far.credential))
        self._played.answers(reply)
        return reply

    def now(self) -> float:
        return self._played.now()

    async def sleep_until(self, due: float, name: str | None = None) -> None:  # noqa: ARG002  nobody can wake it
        await trio.lowlevel.checkpoint()
        self._played.waits(due)

    def hear(self, job: AnyJob) -> AnyJob:
        return self._played.hear(job)


class _FilePlayer:
    """Exchange and clock of a file's lane."""

    def __init__(self, played: PlayedFile) -> None:
        self._played = played
        self._pool = _Pool(played.far)

    async def exchange(self, request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
        (asked, tapped), far = self._played.asks(request, into, content), self._played.far
        if not far.is_asked:
            return far.reply
        asked, pool = _readied(asked, self._pool, far)
        made = await exchange(asked, pool=pool, credential=far.credential, into=tapped, content=content)
        return self._played.answers(made, tapped)

    def now(self) -> float:
        return self._played.now()

    async def sleep_until(self, due: float, name: str | None = None) -> None:  # noqa: ARG002  time passes as it did
        await trio.lowlevel.checkpoint()


def _readied(asked: Request, pool: _Pool, far: FarEnd) -> tuple[Request, _Pool]:
    """What goes wrong does so on a new connection, and takes no time."""
    if not isinstance(far.reply, NoResponse):
        return asked, pool
    return (replace(asked, timeout=0.0) if far.reply.cause is Cause.TIMEOUT else asked), _Pool(far)


class _Pool(Pool):
    """Connections that all lead to one far end; without TLS and proxies, which nobody is here to see."""

    def __init__(self, far: FarEnd) -> None:
        super().__init__(dial=lambda host, port: _dialled(far))  # noqa: ARG005  wherever it goes, it is this one

    async def open(self, place: Address, *, public: bool = False, until: float = inf) -> Line[trio.abc.Stream]:
        return Line(await in_time(until, self._dialled(place, public=public)), Connection())


async def _dialled(far: FarEnd) -> trio.abc.Stream:
    try:
        far.connect()
    except TimeoutError:
        await trio.sleep_forever()
    return _Stream(far)


class _Stream(trio.abc.Stream):
    """The adapter's end of a connection; never waits, unless for the request, or for a reply that does not come."""

    def __init__(self, far: FarEnd) -> None:
        self._far = far

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._far.take(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        """It never would."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        while not self._far.is_answering:  # it is still being sent, by another task that waits for nobody
            await trio.lowlevel.checkpoint()
        try:
            return self._far.give(max_bytes or 65536)
        except ConnectionResetError:
            raise trio.BrokenResourceError from None
        except TimeoutError:
            await trio.sleep_forever()

    async def aclose(self) -> None:
        """Nothing is held."""
