"""Notices on a cassette: a listener hears them when they came; a driver without one goes on as if it had not."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

import bide
from bide.job import AnyJob
from bide.messages import Reply, Request
from bide_transports import trio as over_trio
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import record
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.tape import Cassette, Told
from bide_transports.emulator import InMemory, Plan, Service, VirtualClock
from bide_transports.trio import TrioClock, run
from tests.cassette.replaying import by_core, by_requests, by_trio, followed, no_async_exchange, stretches
from tests.drivers import TrioVirtualClock

DIALECT = Service().dialect


class WokenClock(TrioVirtualClock):
    """A clock that wakes its sleeper at one instant."""

    def __init__(self, clock: VirtualClock, wakes: float) -> None:
        super().__init__(clock)
        self.virtual, self.wakes = clock, wakes

    async def sleep_until(self, due: float, name: str | None = None) -> None:
        between = self.virtual.now() < self.wakes < due
        await super().sleep_until(self.wakes if between else due, name)


def told(path: Path, pace: bide.Pace) -> Cassette:
    """A job that is told of while its client sleeps, five and a half seconds after it was begun."""
    clock = VirtualClock()
    network, wakes = InMemory(Service(default=Plan(duration=5)), clock, latency=0.05), clock.now() + 5.5
    heard: list[float] = []

    async def exchange(request: Request) -> Reply:
        await trio.lowlevel.checkpoint()
        return network.exchange(request)

    def listener(job: AnyJob) -> AnyJob:
        if isinstance(job, bide.Polling) and clock.now() >= wakes and not heard:
            heard.append(clock.now())
            return bide.notice(job, bide.Notice("e1", job.handle), now=clock.now())
        return job

    async def main() -> None:
        with record(path) as tape:
            order = bide.Order("flux-1.1-pro", {"prompt": "a fox"}, "key-of-the-order")
            job = bide.submit(order, dialect=DIALECT, now=clock.now(), pace=pace)
            lane = tape.async_lane(job, exchange, WokenClock(clock, wakes), listener)
            async for _ in over_trio.follow(lane.job, lane.exchange, lane.clock, lane.listener):
                pass

    trio.run(main)
    assert heard == [wakes]
    return load(path)


def test_a_listener_hears_what_the_recording_heard(tmp_path: Path) -> None:
    paces: dict[str, bide.Pace] = {"often": bide.Every(4), "seldom": bide.Sparse()}
    for name, pace in paces.items():
        cassette = told(tmp_path / f"{name}.cassette.jsonl", pace)
        assert sum(isinstance(event, Told) for event in cassette.events) == 1
        assert by_trio(cassette) == by_requests(cassette, listens=True) == by_core(cassette)


def test_a_driver_without_a_listener_plays_it_all_the_same(tmp_path: Path) -> None:
    cassette = told(tmp_path / "job.cassette.jsonl", bide.Every(4))
    assert by_requests(cassette) == by_core(cassette)
    (stretch,), (states,) = stretches(cassette), by_core(cassette).values()

    async def main() -> bide.Job:
        with replay(cassette) as tape:
            lane = tape.async_lane(stretch.job, no_async_exchange, TrioClock())
            return await run(lane.job, lane.exchange, lane.clock)

    assert bide.dump(trio.run(main)) == states[-1]


def test_a_notice_that_the_code_does_not_hear_changes_when_it_asks(tmp_path: Path) -> None:
    """The cassette without its notice: the core asks later, and says so."""
    cassette = told(tmp_path / "job.cassette.jsonl", bide.Every(4))
    index = next(n for n, event in enumerate(cassette.events) if isinstance(event, Told))
    silent = Cassette(cassette.head, (*cassette.events[:index], *cassette.events[index + 2 :]))

    async def main() -> None:
        with replay(silent) as tape:
            for stretch in stretches(silent):
                await followed(tape, stretch)

    with pytest.raises(ReplayDiverged):
        trio.run(main)
