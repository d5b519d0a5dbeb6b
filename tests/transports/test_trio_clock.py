"""trio's own clock drives everything: hours pass in no time, and nothing is asked for before it is due."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

import bide
from bide.pace import ceil_ms
from bide_transports.emulator import Drop, Fault, Garbage, Hang, Limit, Plan, Service, too_many, unavailable
from bide_transports.trio import Client, Pool, TrioClock
from tests.memory_streams import emulated, network

T = TypeVar("T")
START = 1_800_000_000.0
TWO_HOURS = 7200.0


def virtually(action: Callable[[], Awaitable[T]]) -> T:
    """Run `action` under a clock that jumps as soon as everyone waits."""
    return trio.run(action, clock=trio.testing.MockClock(autojump_threshold=0))


def long(*faults: Fault, limit: Limit = Limit()) -> Service:
    return Service(default=Plan(duration=TWO_HOURS, expires_after=TWO_HOURS + 600), faults=faults, limit=limit)


TROUBLE = (
    Fault("submit", Drop("after")),  # the job is made, its acknowledgement lost
    Fault("poll", too_many(90), nth=3, times=2),
    Fault("poll", Drop("head"), nth=20, times=3),
    Fault("poll", Drop("body"), nth=60),
    Fault("poll", too_many("Fri, 15 Jan 2027 08:40:00 GMT"), nth=100),
    Fault("poll", unavailable(), nth=130, times=4),
    Fault("poll", Hang(), nth=150),
    Fault("poll", Garbage(), nth=170),
    Fault("result", Drop("body")),
    Fault("result", too_many(30), nth=2),
)


@pytest.mark.parametrize("pace", [bide.Growing(), bide.Every(15, jitter=3)])
def test_two_hours_with_429s_and_cuts_are_over_in_no_time(pace: bide.Pace) -> None:
    service = long(*TROUBLE)

    async def main() -> tuple[list[bide.Job], float]:
        clock = TrioClock(START)
        async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
            client = Client(service.key, dialect=service.dialect, pace=pace, pool=pool, clock=clock)
            states = [state async for state in client.follow(client.prepare("flux", {}, key="order-1"))]
            return states, clock.now() - START

    began = time.monotonic()
    states, elapsed = virtually(main)
    assert time.monotonic() - began < 60  # a fraction of a second on an idle machine; two hours if anything slept
    assert elapsed >= TWO_HOURS
    assert isinstance(states[-1], bide.Completed)
    assert {type(state) for state in states} == {bide.Submitting, bide.Polling, bide.Fetching, bide.Completed}
    told = {event.what for state in states for event in state.past.trace}
    assert any("429" in what for what in told)
    assert any("cut" in what for what in told)
    account = service.account
    assert account.early == ()
    assert (account.executions, account.duplicates) == (1, 1)
    assert account.limited == 4
    assert account.requests > 300


def test_no_look_comes_before_it_is_due() -> None:
    service = long(*TROUBLE)

    async def main() -> list[bide.Job]:
        clock = TrioClock(START)
        async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
            client = Client(service.key, dialect=service.dialect, pool=pool, clock=clock)
            return [state async for state in client.follow(client.prepare("flux", {}, key="order-1"))]

    dues = [state.due for state in virtually(main) if isinstance(state, bide.Waiting)]
    came = [seen.at for seen in service.account.seen]
    assert len(came) == len(dues)  # each request had its own due time, the dialled anew included
    assert all(at >= due for at, due in zip(came, dues, strict=True))
    assert all(at - due < 0.001 for at, due in zip(came, dues, strict=True))


def test_four_jobs_share_the_clock_and_the_limit() -> None:
    service = long(limit=Limit(1000, 60.0))

    async def main() -> float:
        clock = TrioClock(START)
        async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
            client = Client(service.key, dialect=service.dialect, pool=pool, clock=clock)
            async with trio.open_nursery() as jobs:
                for number in range(4):
                    jobs.start_soon(client.run, "flux", {"page": number})
            assert wires.most <= 8
        return clock.now() - START

    assert TWO_HOURS <= virtually(main) < TWO_HOURS + 60
    assert service.account.executions == 4
    assert service.account.limited == 0


def test_the_clock_is_anchored_to_the_wall_once() -> None:
    async def main() -> tuple[float, float]:
        clock = TrioClock()
        first = clock.now()
        assert abs(first - time.time()) < 60
        await trio.sleep(TWO_HOURS)  # trio's time only: the wall has not moved
        return clock.now() - first, clock.now() - time.time()

    passed, ahead = virtually(main)
    assert passed == pytest.approx(TWO_HOURS, abs=0.001)
    assert ahead > TWO_HOURS - 60


@settings(max_examples=50, deadline=None)
@given(
    start=st.floats(1.5e9, 4e9),
    waits=st.lists(st.floats(0, 1e5), min_size=1, max_size=8),
)
def test_due_is_never_undercut_and_time_is_in_whole_milliseconds(start: float, waits: list[float]) -> None:
    async def main() -> None:
        clock = TrioClock(start)
        for wait in waits:
            due = ceil_ms(clock.now() + wait)
            await clock.sleep_until(due)
            assert due <= clock.now() < due + 0.002
            assert clock.now() == round(clock.now(), 3)

    virtually(main)


def test_a_due_time_that_is_past_is_a_checkpoint_all_the_same() -> None:
    async def main() -> None:
        clock = TrioClock(START)
        with trio.CancelScope() as scope:
            scope.cancel()
            await clock.sleep_until(START - 3600)
        assert scope.cancelled_caught
        before = clock.now()
        await clock.sleep_until(START - 3600)
        assert clock.now() == before

    virtually(main)


@settings(max_examples=50, deadline=None)
@given(
    sleepers=st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 50), st.none() | st.integers(0, 100)), min_size=1, max_size=12
    )
)
def test_one_timer_wakes_each_of_many_sleepers_when_it_is_due(sleepers: list[tuple[int, int, int | None]]) -> None:
    async def main() -> None:
        clock = TrioClock(START)
        woken: list[tuple[int, bool]] = []

        async def sleep(index: int, begin: int, length: int, patience: int | None) -> None:
            await trio.sleep(begin)
            due = clock.now() + length
            with trio.move_on_after(1e9 if patience is None else patience) as scope:
                await clock.sleep_until(due)
                assert due <= clock.now() < due + 0.002
            if scope.cancelled_caught:
                assert patience is not None
                assert patience <= length
            woken.append((index, scope.cancelled_caught))

        async with trio.open_nursery() as nursery:
            for index, (begin, length, patience) in enumerate(sleepers):
                nursery.start_soon(sleep, index, begin, length, patience)
        assert len(woken) == len(sleepers)
        for index, cancelled in woken:
            _, length, patience = sleepers[index]
            assert not cancelled or (patience is not None and patience <= length)
            assert cancelled or patience is None or patience >= length

    virtually(main)


def test_a_sleeper_that_comes_later_and_is_due_earlier_wakes_first() -> None:
    async def main() -> list[str]:
        clock = TrioClock(START)
        woken: list[str] = []

        async def sleep(name: str, seconds: float) -> None:
            await clock.sleep_until(START + seconds)
            woken.append(name)

        async with trio.open_nursery() as nursery:
            for name, seconds in (("c", 30.0), ("b", 20.0), ("d", 40.0), ("a", 10.0)):
                nursery.start_soon(sleep, name, seconds)
                await trio.testing.wait_all_tasks_blocked()
        return woken

    assert virtually(main) == ["a", "b", "c", "d"]


def test_the_clock_sleeps_again_after_everybody_was_cancelled() -> None:
    async def main() -> float:
        clock = TrioClock(START)
        for _ in range(3):
            with trio.move_on_after(1):
                await clock.sleep_until(START + 3600)
        await clock.sleep_until(START + 10)
        return clock.now()

    assert virtually(main) == START + 10
