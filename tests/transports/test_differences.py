"""What the two clients do differently on purpose, as docs/trio.md says it; what both do is tested everywhere else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock

import pytest
import trio

import bide
from bide.messages import Request
from bide_transports.emulator import VirtualClock
from tests.faces import BY_BOTH, Awaited, Face, Kind, face, in_trio
from tests.hostile import GOOD, Line, Server, head, read, send, wait_for
from tests.savers import SAVES
from tests.transports.clients import KEY

REQUESTS = 12


@dataclass
class Crowd:
    """Counts requests that came and are not answered; all are once there are so many."""

    size: int
    event: Event = field(default_factory=Event)
    _count: int = 0
    _lock: Lock = field(default_factory=Lock)

    def joined(self, _: Line) -> None:
        with self._lock:
            self._count += 1
            if self._count == self.size:
                self.event.set()


async def all_at_once(client: Face, request: Request) -> None:
    if isinstance(client, Awaited):
        with ThreadPoolExecutor(REQUESTS) as pool:
            list(pool.map(client.blocking.exchange, [request] * REQUESTS))
    else:
        async with trio.open_nursery() as nursery:
            for _ in range(REQUESTS):
                nursery.start_soon(client.exchange, request)


@BY_BOTH
@in_trio
async def test_threads_have_a_connection_each_and_tasks_share_eight(kind: Kind) -> None:
    crowd = Crowd(REQUESTS if kind == "requests" else 8)
    with Server((read, crowd.joined, wait_for(crowd.event), send(GOOD)) * 3) as server:
        async with face(kind, KEY, VirtualClock(), dialect=bide.ModelRoute(server.url)) as client:
            await all_at_once(client, Request("GET", f"{server.url}/7", timeout=20.0))
    assert server.connections == crowd.size
    assert len(server.received) == REQUESTS


@pytest.mark.parametrize(("kind", "connections"), [("requests", 1), ("trio", 2)])
def test_files_come_one_after_the_other_or_several_at_a_time(kind: Kind, connections: int, tmp_path: Path) -> None:
    crowd = Crowd(connections)
    picture = send(head("Content-Length: 3") + b"\xff\xd8\xff")
    with Server((read, crowd.joined, wait_for(crowd.event), picture) * 2) as server:
        result = bide.Result("exec_1", ("file_1", "file_2"))
        SAVES[kind](result, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
    assert server.connections == connections
