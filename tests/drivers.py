"""The drivers under test as one kind of function: follow a job to its end on a virtual clock, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import trio

import bide
from bide.secret import Credential
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.emulator import VirtualClock
from bide_transports.requests_exchange import own_session

Drive: TypeAlias = Callable[[bide.Job, Credential, VirtualClock], list[bide.Job]]


class TrioVirtualClock(over_trio.TrioClock):
    """A virtual clock with the face that the trio driver knows."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> float:
        return self._clock.now()

    async def sleep_until(self, due: float, name: str | None = None) -> None:  # noqa: ARG002
        self._clock.sleep_until(due)
        await trio.lowlevel.checkpoint()


def by_requests(job: bide.Job, credential: Credential, clock: VirtualClock) -> list[bide.Job]:
    """Every state, driven by requests."""
    with own_session() as session:
        exchange = partial(over_requests.exchange, session=session, credential=credential)
        return list(over_requests.follow(job, exchange, clock))


def by_trio(job: bide.Job, credential: Credential, clock: VirtualClock) -> list[bide.Job]:
    """Every state, driven by trio with h11."""

    async def main() -> list[bide.Job]:
        async with over_trio.Pool() as pool:
            exchange = partial(over_trio.exchange, pool=pool, credential=credential)
            return [state async for state in over_trio.follow(job, exchange, TrioVirtualClock(clock))]

    return trio.run(main)


DRIVERS: dict[str, Drive] = {"requests": by_requests, "trio": by_trio}
