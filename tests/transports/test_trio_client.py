"""What is particular to the client over trio: many tasks at once, pools, cancellation; in virtual time."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

import bide
from bide import Every, Patience
from bide.errors import (
    PollingAdvice,
)
from bide_transports.emulator import (
    Fault,
    Limit,
    Variants,
    VirtualClock,
)
from bide_transports.emulator.server import Emulator, serve
from bide_transports.trio import Client, Pool, run, step
from bide_transports.trio import follow as follow_job
from tests.drivers import TrioVirtualClock
from tests.hostile import Server, head, read, reply, send, stall, tell
from tests.transports.clients import FOX, KEY, service


@asynccontextmanager
async def house(
    *faults: Fault,
    variants: Variants = Variants(),
    limit: Limit = Limit(),
    clock: VirtualClock | None = None,
    pace: bide.Pace = Every(2.0),
    patience: Patience = Patience(),
    pool: Pool | None = None,
) -> AsyncGenerator[tuple[Emulator, Client]]:
    """An emulator on loopback and a client of it; both live in the time of `clock`, so nobody waits."""
    clock = clock or VirtualClock()
    with serve(service(*faults, variants=variants, limit=limit), clock=clock.now) as emulator:
        async with Client(
            emulator.key,
            dialect=bide.ModelRoute(emulator.base_url),
            pace=pace,
            patience=patience,
            pool=pool,
            clock=TrioVirtualClock(clock),
        ) as client:
            yield emulator, client


# -- many at once ------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::bide.errors.PollingAdvice")
def test_two_hundred_waits_at_once_in_the_callers_nursery() -> None:
    results: list[bide.Result] = []

    async def one(client: Client, number: int) -> None:
        results.append(await client.run("short", {"page": number}))

    async def main() -> None:
        opened, most = 0, 0
        alive: list[trio.SocketStream] = []

        async def dial(host: str, port: int) -> trio.abc.Stream:
            nonlocal opened, most
            alive.append(await trio.open_tcp_stream(host, port))
            opened += 1
            most = max(most, sum(stream.socket.fileno() >= 0 for stream in alive))
            return alive[-1]

        async with Pool(size=8, dial=dial) as pool, house(limit=Limit(100_000), pool=pool) as (emulator, client):
            async with trio.open_nursery() as nursery:
                for number in range(200):
                    nursery.start_soon(one, client, number)
            assert most <= 8
            assert opened <= 8  # all of them kept alive
            assert emulator.account.executions == 200
            assert emulator.account.limited == 0
        assert all(stream.socket.fileno() < 0 for stream in alive)

    trio.run(main)
    assert len({result.handle for result in results}) == 200


# -- what each method does ---------------------------------------------------------------------------------------------


def test_follow_may_be_left_at_any_state_and_taken_up_there() -> None:
    async def main() -> None:
        async with house(pace=Every(10), pool=Pool(size=1)) as (emulator, client):
            job: bide.Job = client.prepare("good", FOX)
            steps = 0
            while isinstance(job, bide.Waiting):
                async for state in client.follow(job):
                    if state is not job:
                        job = state
                        break
                steps += 1
                assert steps == emulator.account.requests
            assert isinstance(job, bide.Completed)
            async for state in follow_job(job, client.exchange, client.clock):
                assert state is job
                break
            assert emulator.account.executions == 1
            await client.pool.aclose()

    trio.run(main)
    gc.collect()  # a generator that was left half-way would warn, and here a warning is an error


def test_the_thin_drivers_agree() -> None:
    async def main() -> None:
        async with house(pace=Every(10)) as (_, client):
            job = client.prepare("good", FOX)
            last = await run(job, client.exchange, client.clock)
            assert isinstance(last, bide.Completed)
            assert await run(last, client.exchange, client.clock) is last
            first = await step(job, client.exchange, client.clock)  # the same key: the same execution
            assert first.handle == last.handle

    trio.run(main)


# -- the vendor's advice -----------------------------------------------------------------------------------------------


def test_the_advice_comes_once_and_points_at_the_line_that_started_the_job() -> None:
    async def main() -> None:
        async with house(limit=Limit(100_000)) as (_, client):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                for _ in range(100):
                    await client.run("short", FOX)
                assert caught == []
                for _ in range(3):
                    await client.run("short", FOX)
        assert [(warning.category, warning.filename) for warning in caught] == [(PollingAdvice, __file__)]

    trio.run(main)


# -- pools, and what never leaves for the storage host -----------------------------------------------------------------


@pytest.mark.parametrize("mine", [False, True])
def test_the_own_pool_is_closed_and_only_that(mine: bool) -> None:
    gone = threading.Event()
    pending = reply(b'{"id":"exec_1","status":"PENDING"}')

    async def main(url: str) -> None:
        async with Pool() as pool:
            async with Client(KEY, dialect=bide.ModelRoute(url), pool=pool if mine else None) as client:
                await client.submit("good", FOX)
                assert not gone.is_set()
            if mine:
                async with Client(KEY, dialect=bide.ModelRoute(url), pool=pool) as client:
                    await client.submit("good", FOX)
                assert server.connections == 1
            else:
                assert await trio.to_thread.run_sync(gone.wait, 10)
        assert await trio.to_thread.run_sync(gone.wait, 10)

    with Server((*(read, send(pending)) * (2 if mine else 1), stall, tell(gone))) as server:
        trio.run(main, server.url)
    assert server.connections == 1


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_save_that_is_cancelled_leaves_no_part_behind(tmp_path: Path) -> None:
    begun = head("Content-Length: 3000000") + b"\x89PNG\r\n\x1a\n" + bytes(1000)

    async def main(url: str) -> None:
        clock = TrioVirtualClock(VirtualClock())
        async with Client(KEY, dialect=bide.ModelRoute(url), clock=clock) as client:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(client.save, bide.Result("exec_1", ("file_1",)), tmp_path))
                assert await trio.to_thread.run_sync(sent.wait, 10)
                while not any(path.stat().st_size for path in tmp_path.iterdir()):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            assert list(tmp_path.iterdir()) == []

    sent = threading.Event()
    with Server((read, send(begun), tell(sent), stall)) as server:
        trio.run(main, server.url)
