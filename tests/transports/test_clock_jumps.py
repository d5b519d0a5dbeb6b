"""Time that does not pass as it should: a machine that slept, a wall clock that was set."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

import bide
from bide.dialects.declared import Declared
from bide_transports.emulator import VirtualClock
from tests.faces import BY_BOTH, Kind, face, in_trio
from tests.hostile import Server
from tests.reactions import Where, reacts
from tests.transports.acme import ACME, DONE, KEY, QUEUED, acme, end, is_done, order, talk, why

DAY = 86400.0


class Asleep(VirtualClock):
    """A clock of a machine that was suspended for a day, while somebody slept for the `nth` time."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self._left = nth

    def sleep_until(self, due: float) -> None:
        self._left -= 1
        super().sleep_until(due if self._left else due + DAY)


@reacts(
    Where.HERE,
    "the machine was suspended, and the deadline has passed meanwhile",
    "one more look before anything is given up: a job that is done has its result",
)
@BY_BOTH
@in_trio
async def test_a_deadline_that_was_slept_through(kind: Kind) -> None:
    for last, done in ((DONE, True), (QUEUED, False)):
        patience = bide.Patience(deadline=3600.0)
        async with acme(kind, talk(QUEUED, QUEUED, last, DONE), clock=Asleep(3), patience=patience) as (server, client):
            job = await end(client, order(client))
        assert len(server.received) == 3
        assert is_done(job) if done else why(job) is bide.Reason.DEADLINE


@reacts(
    Where.HERE,
    "the wall clock is set while a job runs (NTP, a user), by a day or an hour, forth or back",
    "nothing: a client reads it once, and goes by the monotonic clock from then on",
)
@BY_BOTH
@pytest.mark.parametrize("step", [DAY, -3600.0])
@in_trio
async def test_a_wall_clock_that_is_set(kind: Kind, step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = time.time
    with Server(talk(QUEUED, QUEUED, QUEUED, DONE)) as server:
        dialect = Declared(ACME, server.url)
        async with face(kind, KEY, None, dialect=dialect, pace=0.05, patience=1000) as client:
            times: list[float] = []
            states: list[bide.Job] = []
            async for state in client.follow(order(client)):
                states.append(state)
                if isinstance(state, bide.Waiting):
                    times.append(state.due)
                    monkeypatch.setattr(time, "time", lambda: wall() + step * len(times))
    assert is_done(states[-1])
    assert len(times) == 4
    assert all(0 <= later - sooner < 500 for sooner, later in pairwise(times))
