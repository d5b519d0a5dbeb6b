"""bide over trio: the same client with structured concurrency. HTTP/1.1 by h11 over trio streams.

    async with Client(key) as client:
        result = await client.run("flux-1.1-pro", {"prompt": "a fox"})

Many jobs are many tasks in the caller's own nursery; they share the client's connections. A cancelled wait
leaves the connections sound and the job in `Client.unfinished`, to be resumed.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import trio

import bide
from bide.errors import InvalidSetting
from bide.messages import Reply, Request
from bide.secret import Credential, NoKey, Secret
from bide_transports import client
from bide_transports.arguments import check_clock, check_kind
from bide_transports.client import Following
from bide_transports.client.conversations import JobConversation, OneStep
from bide_transports.client.core import OnTimeout
from bide_transports.client.drivers import drive_async, of_jobs_async
from bide_transports.sinks import Into
from bide_transports.tapes import AsyncClock, AsyncExchange, Hearing, Tape, deaf
from bide_transports.trio_clock import TrioClock
from bide_transports.trio_pool import Pool, exchange

__all__ = ["AsyncExchange", "Client", "Following", "Pool", "TrioClock", "exchange", "follow", "run", "step"]

T = TypeVar("T")

_FILES = 32  # at once, each with its part open; the pool bounds the connections among them


async def step(job: bide.Waiting, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing = deaf) -> bide.Job:
    """The state after `job`: wait until it is due, ask, receive. `listener` says what notices make of it meanwhile."""
    talk = JobConversation(job, listen=listener)
    return await drive_async(OneStep(talk), of_jobs_async(exchange), clock, in_thread)


def follow(
    job: bide.Job,
    exchange: AsyncExchange,
    clock: AsyncClock,
    listener: Hearing = deaf,
    *,
    note: Callable[[bide.Job], None] = lambda _: None,
) -> Following:
    """Each state of `job` on its way to the end, itself first; `note` is told of each new one."""
    return Following(JobConversation(job, listen=listener, note=note), exchange, clock, in_thread)


async def run(job: bide.Job, exchange: AsyncExchange, clock: AsyncClock) -> bide.Job:
    """The last state of `job`."""
    return await drive_async(JobConversation(job), of_jobs_async(exchange), clock, in_thread)


async def in_thread(work: Callable[[], object]) -> None:
    """Have a thread do `work`. A cancellation waits for it, so what came is never lost."""
    limiter = trio.CapacityLimiter(1)  # its own: a wait that cannot be cancelled has no queue
    with trio.CancelScope(shield=True):
        await trio.to_thread.run_sync(work, limiter=limiter)


class TrioRuntime:
    """trio, as `AsyncClient` needs it, in the time of `clock`."""

    def __init__(self, clock: TrioClock) -> None:
        self.now, self.sleep_until, self.wake = clock.now, clock.sleep_until, clock.wake

    async def in_thread(self, work: Callable[[], object]) -> None:
        """As `in_thread`."""
        await in_thread(work)

    async def several(self, each: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """What each comes to, in their order; 32 at a time."""
        if len(each) == 1:  # without a nursery, which would put an interrupt into a group
            return [await each[0]()]
        outcomes: dict[int, T] = {}
        limit = trio.Semaphore(_FILES)

        async def one(place: int) -> None:
            async with limit:
                outcomes[place] = await each[place]()

        async with trio.open_nursery() as nursery:
            for place in range(len(each)):
                nursery.start_soon(one, place)
        return [outcomes[place] for place in range(len(each))]


class Client(client.AsyncClient):
    """`bide_transports.client.AsyncClient` over a pool of connections.

    Make it inside `trio.run`, and use it there alone: in another run, which is another thread's, its calls are an
    `InvalidSetting`. `pool` is the caller's own, with its trust and bounds; it is left open.
    """

    def __init__(
        self,
        key: str | Secret | NoKey | None = None,
        *,
        dialect: bide.Dialect | str = bide.ModelRoute(),
        pace: bide.Pace | float = bide.Growing(),
        patience: bide.Patience | float = bide.Patience(),
        journal: str | Path | None = None,
        on_timeout: OnTimeout = "detach",
        pool: Pool | None = None,
        clock: TrioClock | None = None,
        tape: Tape | None = None,
    ) -> None:
        key = Secret.hidden(key)
        check_clock(clock, awaits=True)
        check_kind("pool", pool, Pool, "a Pool of bide_transports.trio")
        self._run = trio.lowlevel.current_trio_token()
        self.clock = TrioClock() if clock is None else clock
        super().__init__(
            key,
            send=self._over_trio,
            runtime=TrioRuntime(self.clock),
            dialect=dialect,
            pace=pace,
            patience=patience,
            journal=journal,
            on_timeout=on_timeout,
            tape=tape,
        )
        self._own, self.pool = pool is None, Pool() if pool is None else pool

    async def aclose(self) -> None:
        """Close the journal and the idle connections; a pool of the caller's stays open."""
        await super().aclose()
        if self._own:
            await self.pool.aclose()

    async def _over_trio(
        self,
        request: Request,
        credential: Credential,
        into: Into | None,
        content: AsyncIterable[bytes] | None,
        *,
        home: bool,  # noqa: ARG002  no session of the caller's is there to stray
    ) -> Reply:
        return await exchange(request, pool=self.pool, credential=credential, into=into, content=content)

    def _check(self) -> None:
        super()._check()
        if trio.lowlevel.current_trio_token() is not self._run:
            raise InvalidSetting(
                "this client belongs to the trio.run that it was made in: make another one for this run, or hand "
                "the call over to the first by trio.from_thread.run"
            )
