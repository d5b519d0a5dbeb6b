"""What a client and a cassette have to do with each other: a tape gives each job its lane, to be followed there.

A tape that records lends the client's own exchange and clock, and listens; one that replays puts others in their
place. Neither changes a line of how a job is driven.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, TypeAlias

import bide
from bide.job import AnyJob
from bide.messages import Reply, Request
from bide_transports.clock import Clock

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


class Lane(NamedTuple):
    """The job to be followed, and by what."""

    job: bide.Job
    exchange: Exchange
    clock: Clock


class AsyncLane(NamedTuple):
    """The same where exchanges are awaited; `listener` says what notices make of the job meanwhile."""

    job: bide.Job
    exchange: AsyncExchange
    clock: AsyncClock
    listener: Hearing | None = None


class Tape(Protocol):
    """Gives each wait its lane."""

    def hide(self, secret: str) -> None:
        """Keep a value out of the cassette, in whatever form it appears."""
        ...

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """The lane of a job that is about to be followed by `exchange` and `clock`."""
        ...

    def async_lane(
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing | None = None
    ) -> AsyncLane:
        """The same for an exchange that is awaited."""
        ...
