"""Keeps in mind what a tape objects to: code under test may swallow it, and the test must not pass for that."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from bide.errors import BideError
from bide.job import AnyJob
from bide.messages import Reply, Request
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.replaying.far_end import UnfaithfulReplay
from bide_transports.cassette.tape import InvalidCassette
from bide_transports.clock import Clock
from bide_transports.sinks import Into
from bide_transports.sources import Content
from bide_transports.tapes import (
    AsyncClock,
    AsyncExchange,
    AsyncFileExchange,
    AsyncFileLane,
    AsyncLane,
    Exchange,
    FileExchange,
    FileLane,
    Hearing,
    Lane,
)

OBJECTIONS = (ReplayDiverged, InvalidCassette, UnfaithfulReplay)


@dataclass
class Noting:
    """Notes in `first` the first objection of a tape, and lets it pass."""

    first: BideError | None = None

    @contextmanager
    def noted(self) -> Generator[None]:
        """Whatever is raised in here by a tape."""
        try:
            yield
        except OBJECTIONS as error:
            self.first = self.first or error
            raise

    def around(self, lane: Lane) -> Lane:
        """`lane`, listened to."""
        return Lane(lane.job, self._exchange(lane.exchange), _Clock(self, lane.clock), self._hearing(lane.listener))

    def around_async(self, lane: AsyncLane) -> AsyncLane:
        """The same where exchanges are awaited."""
        heard = self._hearing(lane.listener)
        return AsyncLane(lane.job, self._async_exchange(lane.exchange), _AsyncClock(self, lane.clock), heard)

    def around_file(self, lane: FileLane) -> FileLane:
        """The same for a file."""
        return FileLane(lane.dialect, self._file_exchange(lane.exchange), _Clock(self, lane.clock))

    def around_file_async(self, lane: AsyncFileLane) -> AsyncFileLane:
        """The same where exchanges are awaited."""
        return AsyncFileLane(lane.dialect, self._async_file_exchange(lane.exchange), _AsyncClock(self, lane.clock))

    def _file_exchange(self, exchange: FileExchange) -> FileExchange:
        def noting(request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
            with self.noted():
                return exchange(request, into, content)

        return noting

    def _async_file_exchange(self, exchange: AsyncFileExchange) -> AsyncFileExchange:
        async def noting(request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
            with self.noted():
                return await exchange(request, into, content)

        return noting

    def _exchange(self, exchange: Exchange) -> Exchange:
        def noting(request: Request) -> Reply:
            with self.noted():
                return exchange(request)

        return noting

    def _async_exchange(self, exchange: AsyncExchange) -> AsyncExchange:
        async def noting(request: Request) -> Reply:
            with self.noted():
                return await exchange(request)

        return noting

    def _hearing(self, listener: Hearing) -> Hearing:
        def noting(job: AnyJob, /) -> AnyJob:
            with self.noted():
                return listener(job)

        return noting


@dataclass
class _Clock:
    noting: Noting
    clock: Clock

    def now(self) -> float:
        with self.noting.noted():
            return self.clock.now()

    def sleep_until(self, due: float) -> None:
        with self.noting.noted():
            self.clock.sleep_until(due)


@dataclass
class _AsyncClock:
    noting: Noting
    clock: AsyncClock

    def now(self) -> float:
        with self.noting.noted():
            return self.clock.now()

    async def sleep_until(self, due: float, name: str | None = None) -> None:
        with self.noting.noted():
            await self.clock.sleep_until(due, name)
