"""1,000 waits at once in one trio process: bytes of each while it sleeps, and how many sockets they keep open."""

from __future__ import annotations

import gc
import tracemalloc

import trio
import trio.testing

import bide
from bide_transports.trio import Client, Pool
from tests.bench.measure import Figure, server

_WAITS, _SOCKETS = 1000, 8


def measure() -> list[Figure]:
    """Counted between the start of the waits and the moment when all of them have been polled once and sleep."""
    with server(1e6) as (base_url, key):
        size, sockets = trio.run(_waits, bide.ModelRoute(base_url), key)
    return [
        Figure(f"{_WAITS} waits, each in its own task", size, 4096, "bytes"),
        Figure(f"sockets open for {_WAITS} waits", sockets, _SOCKETS, ""),
    ]


async def _waits(dialect: bide.ModelRoute, key: str) -> tuple[float, int]:
    dialled = 0

    async def dial(host: str, port: int) -> trio.SocketStream:
        nonlocal dialled
        dialled += 1
        return await trio.open_tcp_stream(host, port)

    pace = bide.Every(3600)
    async with (
        Pool(size=_SOCKETS, idle=3600, dial=dial) as pool,
        Client(key, dialect=dialect, pace=pace, pool=pool) as client,
    ):
        jobs = [await client.submit("flux-1.1-pro", {}) for _ in range(_WAITS)]
        handles = [str(job.handle) for job in jobs]
        del jobs
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        async with trio.open_nursery() as nursery:
            for handle in handles:
                nursery.start_soon(client.wait, handle)
            await trio.testing.wait_all_tasks_blocked(0.5)
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
            nursery.cancel_scope.cancel()
        tracemalloc.stop()
    return (after - before) / _WAITS, dialled
