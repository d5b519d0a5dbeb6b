"""Many jobs in one trio: whatever order their tasks run in, the cassette is the same, and replays in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random

import trio
import trio.testing

import bide
from bide.document import JSON
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide_transports import trio as over_trio
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import Recording, record
from bide_transports.cassette.replaying.playback import Playback, replay
from bide_transports.cassette.tape import Cassette
from bide_transports.emulator import Drop, Fault, Plan, Service, too_many
from bide_transports.tapes import AsyncExchange
from bide_transports.trio import Client, TrioClock
from tests.cassette.replaying import by_core, by_requests
from tests.sampling import WHOLE

START = 1893830400.0
EACH = [number % 25 for number in range(100 if WHOLE else 30)]  # the same order more than once
DIALECT = Service().dialect


def service(number: int) -> Service:
    """What happens to the order of this number, each time it is made."""
    faults = [Fault("poll", too_many(2), 2)] * (number % 2) + [Fault("poll", Drop("head"), 3)] * (number % 3)
    return Service(seed=number, default=Plan(duration=4.0 + number / 4), faults=faults)


def network(service: Service, clock: TrioClock, latency: float) -> AsyncExchange:
    async def exchange(request: Request) -> Reply:
        await trio.sleep(latency)
        key = ("authorization", f"Bearer {service.key}")
        answer = service.handle(
            Request(request.method, request.url, (*request.headers, key), request.body), now=clock.now()
        )
        await trio.sleep(latency)
        return answer if isinstance(answer, Response) else NoResponse(Cause.RESET, sent=True)

    return exchange


def order(number: int) -> dict[str, JSON]:
    return {"prompt": f"a fox, take {number}"}


async def recording(path: Path, shuffle: Callable[[list[int]], None]) -> None:
    """Many jobs, begun in some order, that get in each other's way."""
    clock, keys, numbers = TrioClock(START), count(), list(EACH)
    shuffle(numbers)

    async def follow(tape: Recording, number: int) -> None:
        await trio.sleep(number % 5 / 10)
        made = bide.Order("flux-1.1-pro", order(number), f"k-{next(keys)}")
        job = bide.submit(made, dialect=DIALECT, now=clock.now())
        lane = tape.async_lane(job, network(service(number), clock, (1 + number % 7) / 100), clock)
        async for _ in over_trio.follow(lane.job, lane.exchange, lane.clock, lane.listener):
            await trio.lowlevel.checkpoint()

    with record(path) as tape:
        async with trio.open_nursery() as nursery:
            for number in numbers:
                nursery.start_soon(follow, tape, number)


async def replaying(tape: Playback, shuffle: Callable[[list[int]], None]) -> list[list[str]]:
    """The states of each job, as the client follows them."""
    numbers, found = list(EACH), list[list[str]]()
    shuffle(numbers)

    async def follow(client: Client, number: int) -> None:
        job = client.prepare("flux-1.1-pro", order(number))
        found.append([bide.dump(state) async for state in client.follow(job)])

    with tape:
        async with Client(Service.key, dialect=DIALECT, tape=tape) as client, trio.open_nursery() as nursery:
            for number in numbers:
                nursery.start_soon(follow, client, number)
    return found


def states(cassette: Cassette) -> Iterator[list[str]]:
    yield from sorted(by_core(cassette).values())


def shuffled(seed: int) -> Callable[[list[int]], None]:
    return Random(seed).shuffle  # noqa: S311  no secret depends on it


def test_many_jobs_at_once(tmp_path: Path) -> None:
    texts: list[bytes] = []
    for seed in range(2):
        path = tmp_path / f"{seed}.cassette.jsonl"
        trio.run(recording, path, shuffled(seed), clock=trio.testing.MockClock(autojump_threshold=0))
        texts.append(path.read_bytes())
    assert texts[0] == texts[1]
    cassette = load(tmp_path / "0.cassette.jsonl")
    assert len(cassette.lanes) == len(EACH)
    expected = list(states(cassette))
    for seed, clock in enumerate((None, trio.testing.MockClock(autojump_threshold=0))):
        played = trio.run(replaying, replay(cassette), shuffled(seed), clock=clock)
        assert sorted(played) == expected
    assert sorted(by_requests(cassette).values()) == expected
