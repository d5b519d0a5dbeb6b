"""Both clients with a tape that replays: all that they do with a job is recorded by one and replayed through either."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import pytest
import trio

import bide
from bide.errors import JobError, JobUnfinished
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import record
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.tape import Send
from bide_transports.cassette.verify import verify
from bide_transports.emulator import Drop, Fault, Plan, Service, Status, VirtualClock, too_many
from bide_transports.emulator.faults import Deed, Kind
from bide_transports.emulator.server import serve
from bide_transports.tapes import Tape
from tests.drivers import TrioVirtualClock

KEY = Service.key
FOX = {"prompt": "a fox"}

#: What a caller does with either client; `do` calls a method, and awaits what is to be awaited.
Do: TypeAlias = Callable[..., Awaitable[Any]]
Story: TypeAlias = Callable[[Any, Do], Awaitable[object]]


async def run(client: Any, do: Do) -> object:
    return (await do(client.run, "flux-1.1-pro", FOX)).raw


async def submit_then_wait(client: Any, do: Do) -> object:
    job = await do(client.submit, "flux-1.1-pro", FOX)
    return job.handle, (await do(client.wait, job)).raw


async def submit_then_wait_for_its_id(client: Any, do: Do) -> object:
    job = await do(client.submit, "flux-1.1-pro", FOX)
    return (await do(client.wait, job.handle)).raw


async def submit_then_resume(client: Any, do: Do, **how: Any) -> object:
    token = bide.dump(await do(client.submit, "flux-1.1-pro", FOX))
    return (await do(client.wait, client.resume(token, **how))).raw


async def cancel(client: Any, do: Do) -> object:
    job = await do(client.submit, "flux-1.1-pro", FOX)
    cancelled: bide.Job = await do(client.cancel, job)
    return type(cancelled)


async def ask_too_early(client: Any, do: Do) -> object:
    job = await do(client.submit, "flux-1.1-pro", FOX)
    with pytest.raises(JobUnfinished):
        await do(client.result, job)
    return (await do(client.wait, client.watch(job))).raw


async def two_that_are_alike(client: Any, do: Do) -> object:
    one = await do(client.submit, "flux-1.1-pro", FOX)
    other = await do(client.submit, "flux-1.1-pro", FOX)
    last = await do(client.wait, other)
    return one.handle, other.handle, last.raw, (await do(client.wait, one)).raw


async def fail(client: Any, do: Do) -> object:
    with pytest.raises(JobError) as caught:
        await do(client.run, "flux-1.1-pro", FOX)
    return type(caught.value), str(caught.value)


class Told(NamedTuple):
    """What a caller does, and what the service does to it; `how` the client is made."""

    story: Story
    plan: Plan = Plan()
    faults: tuple[tuple[Kind, Deed, int], ...] = ()
    how: Mapping[str, Any] = MappingProxyType({})


LONG = Plan(duration=900, expires_after=9000)
TWENTY = bide.Patience(deadline=20)
STORIES = {
    "run": Told(run),
    "limited": Told(run, faults=(("submit", too_many(4), 1), ("poll", too_many(7), 2))),
    "cut": Told(run, faults=(("submit", Drop("after"), 1), ("poll", Drop("body"), 3))),
    "submit, wait": Told(submit_then_wait),
    "submit, wait for its id": Told(submit_then_wait_for_its_id),
    "submit, resume": Told(submit_then_resume),
    "submit, resume with more patience": Told(partial(submit_then_resume, patience=bide.Patience(deadline=500))),
    "cancel": Told(cancel),
    "cancel too late": Told(cancel, Plan(duration=0)),
    "ask too early": Told(ask_too_early),
    "two alike": Told(two_that_are_alike),
    "fail": Told(fail, Plan(outcome=Status.FAILED)),
    "lose": Told(fail, faults=(("poll", bide.Response(410), 2),)),
    "give up": Told(fail, LONG, how={"patience": TWENTY}),
    "give up and cancel": Told(fail, LONG, how={"patience": TWENTY, "on_timeout": "cancel"}),
}


async def by_requests(story: Story, tape: Tape, clock: VirtualClock | None = None, **how: Any) -> object:
    """The story with the client of requests."""

    async def do(method: Callable[..., object], *given: object) -> object:
        return method(*given)

    with over_requests.Client(KEY, tape=tape, clock=clock, **how) as client:
        return await story(client, do)


async def by_trio(story: Story, tape: Tape, clock: VirtualClock | None = None, **how: Any) -> object:
    """The story with the client of trio."""

    async def do(method: Callable[..., Awaitable[object]], *given: object) -> object:
        return await method(*given)

    virtual = None if clock is None else TrioVirtualClock(clock)
    async with over_trio.Client(KEY, tape=tape, clock=virtual, **how) as client:
        return await story(client, do)


CLIENTS = {"requests": by_requests, "trio": by_trio}


@pytest.mark.parametrize("recorder", CLIENTS)
@pytest.mark.parametrize("name", STORIES)
def test_what_one_client_recorded_both_replay(tmp_path: Path, name: str, recorder: str) -> None:
    story, plan, faults, how = STORIES[name]
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    service = Service(default=plan, faults=[Fault(*fault) for fault in faults])

    async def live() -> object:
        with record(path) as tape:
            return await CLIENTS[recorder](story, tape, clock, dialect=emulator.dialect, **how)

    async def replayed() -> list[object]:
        told: list[object] = []
        for client in CLIENTS.values():
            with replay(path) as tape:
                told.append(await client(story, tape, dialect=emulator.dialect, **how))
        return told

    with serve(service, clock=clock.now) as emulator:
        answer = trio.run(live)
    cassette = load(path)
    assert verify(cassette).exchanges == sum(isinstance(event, Send) for event in cassette.events)
    assert trio.run(replayed) == [answer, answer]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_job_begun_elsewhere_is_taken_up_from_its_token(tmp_path: Path, name: str) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()

    async def wait(client: Any, do: Do, token: str) -> object:
        return (await do(client.wait, client.resume(token))).raw

    with serve(Service(), clock=clock.now) as emulator:
        with over_requests.Client(KEY, dialect=emulator.dialect, clock=clock) as client:
            story = partial(wait, token=bide.dump(client.submit("flux-1.1-pro", FOX)))
        with record(path) as tape:
            answer = trio.run(partial(CLIENTS[name], story, tape, dialect=emulator.dialect, clock=clock))
    for player in CLIENTS.values():
        with replay(path) as played:
            assert trio.run(partial(player, story, played, dialect=emulator.dialect)) == answer
