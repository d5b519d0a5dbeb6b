"""What a client and a cassette have to do with each other: a tape gives each job its lane, to be followed there.

So does it with each file. A tape that records lends the client's own exchange and clock, and listens; one that replays
puts others in their place. Neither changes a line of how a job is driven. What goes into no lane must be admitted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, TypeAlias

import bide
from bide.dialect import Dialect
from bide.job import AnyJob
from bide.messages import Reply, Request
from bide_transports.clock import Clock
from bide_transports.sinks import Into
from bide_transports.sources import Content

Exchange: TypeAlias = Callable[[Request], Reply]
AsyncExchange: TypeAlias = Callable[[Request], Awaitable[Reply]]


class AsyncClock(Protocol):
    """What a driver that awaits needs to know of time: seconds since the epoch, in whole milliseconds."""

    def now(self) -> float:
        """The present instant; never goes backwards."""
        ...

    async def sleep_until(self, due: float, name: str | None = None) -> None:
        """Return at `due` or later, or when somebody wakes who sleeps under this name."""
        ...


class Hearing(Protocol):
    """What notices make of a job, each heard once."""

    def __call__(self, job: AnyJob, /) -> AnyJob:
        """`job` after what was told of it since the last call."""
        ...


class FileExchange(Protocol):
    """What sends one request, with the file that it takes or that takes its reply."""

    def __call__(self, request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
        """The reply, or why there is none."""
        ...


class AsyncFileExchange(Protocol):
    """The same where it is awaited."""

    def __call__(self, request: Request, into: Into | None = None, content: Content | None = None) -> Awaitable[Reply]:
        """The reply, or why there is none."""
        ...


def deaf(job: AnyJob) -> AnyJob:
    """A job that nobody tells anything of."""
    return job


class Lane(NamedTuple):
    """The job to be followed, and by what; `listener` says what notices make of it meanwhile."""

    job: bide.Job
    exchange: Exchange
    clock: Clock
    listener: Hearing = deaf


class AsyncLane(NamedTuple):
    """The same where exchanges are awaited."""

    job: bide.Job
    exchange: AsyncExchange
    clock: AsyncClock
    listener: Hearing = deaf


class FileLane(NamedTuple):
    """The dialect that is spoken of one file, and by what it is fetched or sent."""

    dialect: Dialect
    exchange: FileExchange
    clock: Clock


class AsyncFileLane(NamedTuple):
    """The same where exchanges are awaited."""

    dialect: Dialect
    exchange: AsyncFileExchange
    clock: AsyncClock


class Tape(Protocol):
    """Gives each wait its lane, and each file."""

    def hide(self, secret: str) -> None:
        """Keep a value out of the cassette, in whatever form it appears."""
        ...

    def admit(self, request: Request) -> None:
        """Raise for a request that must not be sent: where a tape stands in for the network, any."""
        ...

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """The lane of a job that is about to be followed by `exchange` and `clock`."""
        ...

    def async_lane(
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing = deaf
    ) -> AsyncLane:
        """The same for an exchange that is awaited."""
        ...

    def file_lane(self, file: str, lane: FileLane) -> FileLane:
        """What takes the place of `lane` for a file, called as the service names it, or by its local name."""
        ...

    def async_file_lane(self, file: str, lane: AsyncFileLane) -> AsyncFileLane:
        """The same for an exchange that is awaited."""
        ...
