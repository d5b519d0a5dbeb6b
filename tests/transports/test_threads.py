"""Threads on one client: over requests they are served in turn, over trio they are refused by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import trio

from bide.errors import InvalidSetting
from bide_transports.emulator import Limit, VirtualClock
from bide_transports.emulator.server import serve
from bide_transports.trio import Client
from tests.faces import BY_BOTH, Awaited, Kind, face, in_trio
from tests.reactions import Where, reacts
from tests.transports.clients import FOX, service

JOBS = 12


async def served(client: Awaited) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(partial(client.blocking.run, "quick"), [FOX] * JOBS))
    assert len({result.id for result in results}) == JOBS


async def refused(client: Client) -> None:
    def by_another() -> None:
        for call in (partial(client.run, "quick", FOX), partial(client.wait, "exec_1")):
            with pytest.raises(InvalidSetting, match=r"belongs to the trio\.run that it was made in: make another"):
                trio.run(call)

    await trio.to_thread.run_sync(by_another)
    for _ in range(JOBS):
        await client.run("quick", FOX)


@reacts(
    Where.HERE,
    "several threads on one client",
    "over requests they are served in turn; over trio only the run it was made in is, any other is refused by name",
)
@BY_BOTH
@in_trio
async def test_threads_are_served_or_refused_by_name(kind: Kind) -> None:
    clock = VirtualClock()
    with serve(service(limit=Limit(10**6, 60)), clock=clock.now) as emulator:
        async with face(kind, emulator.key, clock, dialect=emulator.dialect) as client:
            await (served(client) if isinstance(client, Awaited) else refused(client))
    assert emulator.account.executions == JOBS
