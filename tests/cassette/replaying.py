"""A cassette played by the core alone, through requests and through trio; each way tells the states of each lane.

The jobs are those that the cassette opens with, as a caller would begin them: under a key of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast
from uuid import UUID

import trio

import bide
from bide.document import JSON
from bide.messages import Notice, Reply, Request
from bide_transports import trio as over_trio
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import record
from bide_transports.cassette.redaction import STANDARD, Rules
from bide_transports.cassette.replaying.playback import Playback, replay
from bide_transports.cassette.tape import Cassette, Event, Heard, Open, Told
from bide_transports.cassette.tokens import dialect_of, opened
from bide_transports.clock import SystemClock
from bide_transports.emulator import Service, VirtualClock
from bide_transports.requests import follow
from bide_transports.tapes import Lane, deaf
from bide_transports.trio import TrioClock

FOX: dict[str, JSON] = {"prompt": "a fox"}
DIALECT = Service().dialect  # that of the emulator in memory

States: TypeAlias = dict[str, list[str]]  # by lane, each as `bide.dump` has it


class Stretch(NamedTuple):
    """What a caller follows in one go: a job taken up, and what came back until it was left."""

    lane: str
    job: bide.Job
    events: tuple[Event, ...]

    @property
    def replies(self) -> int:
        return sum(isinstance(event, Heard) for event in self.events)


def no_exchange(request: Request) -> Reply:
    raise AssertionError(f"{request} would go to a network")


async def no_async_exchange(request: Request) -> Reply:
    raise AssertionError(f"{request} would go to a network")


def by_core(cassette: Cassette) -> States:
    """The states that the core makes of what the cassette holds."""
    states: States = {}
    for lane, job, events in stretches(cassette, mine=lambda job: job):
        states.setdefault(lane, []).append(bide.dump(job))
        for event in events:
            now = cassette.head.now(event.t)
            if isinstance(event, Told) and isinstance(job, bide.Polling):
                job = bide.notice(job, Notice("", job.handle), now=now)
            if isinstance(event, Heard) and isinstance(job, bide.Waiting):
                job = job.receive(event.reply, now=now)
                states[lane].append(bide.dump(job))
    return states


def by_requests(cassette: Cassette, tape: Playback | None = None, *, listens: bool = False) -> States:
    """The states that `follow` of the requests transport yields; one that `listens` hears of notices."""
    states: States = {}
    with tape or replay(cassette) as tape:
        for stretch in stretches(cassette):
            lane = tape.lane(stretch.job, no_exchange, SystemClock())
            listener = lane.listener if listens else deaf
            followed = islice(follow(lane.job, lane.exchange, lane.clock, listener), stretch.replies + 1)
            states.setdefault(stretch.lane, []).extend(map(bide.dump, followed))
    return states


def by_trio(cassette: Cassette, tape: Playback | None = None) -> States:
    """The states that the trio transport yields, under its own clock."""

    async def main(tape: Playback) -> States:
        states: States = {}
        with tape:
            for stretch in stretches(cassette):
                states.setdefault(stretch.lane, []).extend(map(bide.dump, await followed(tape, stretch)))
        return states

    return trio.run(main, tape or replay(cassette))


async def followed(tape: Playback, stretch: Stretch) -> list[bide.Job]:
    """The states of one stretch over trio."""
    lane = tape.async_lane(stretch.job, no_async_exchange, TrioClock())
    states: list[bide.Job] = []
    async for state in over_trio.follow(lane.job, lane.exchange, lane.clock, lane.listener):
        states.append(state)
        if len(states) > stretch.replies:
            break
    return states


PLAYERS: dict[str, Callable[[Cassette], States]] = {"requests": by_requests, "trio": by_trio}


def ordered_anew(job: bide.Job) -> bide.Job:
    """The job as another process would begin it: a submission under a new key."""
    if not isinstance(job, bide.Submitting) or job.order.key is None:
        return job
    key = str(UUID(int=hash(job.order.model) & 0xFFFF, version=4))
    return replace(job, order=replace(job.order, key=key), terms=replace(job.terms, seed=key))


def stretches(cassette: Cassette, mine: Callable[[bide.Job], bide.Job] = ordered_anew) -> Iterator[Stretch]:
    """Each job of a cassette, each time that it is taken up."""
    dialect = dialect_of(cassette.head)
    for lane, events in cassette.lanes.items():
        begins = [n for n, event in enumerate(events) if isinstance(event, Open)]
        for begin, end in zip(begins, [*begins[1:], len(events)], strict=True):
            token = cast("Open", events[begin]).token
            assert token is not None
            job = opened(token, dialect)
            yield Stretch(lane, job if begin else mine(job), events[begin + 1 : end])


def scripted(path: Path, job: bide.Job, replies: Sequence[Reply], *, rules: Rules = STANDARD) -> Cassette:
    """A cassette of `job`, to which a service says just this, each after a tenth of a second."""
    clock, left = VirtualClock(job.past.since), list(replies)

    def exchange(_: Request) -> Reply:
        clock.sleep_until(clock.now() + 0.1)
        return left.pop(0)

    with record(path, rules=rules) as tape:
        lane = tape.lane(job, exchange, clock)
        for _ in islice(follow(lane.job, lane.exchange, lane.clock), len(replies) + 1):
            pass
    return load(path)


def fox(now: float = 1e9) -> bide.Submitting:
    return bide.submit(bide.Order("flux-1.1-pro", FOX, "another-key"), dialect=DIALECT, now=now)


def lane_of(tape: Playback, job: bide.Job) -> Lane:
    return tape.lane(job, no_exchange, SystemClock())
