"""What one job hears of the rate limits holds back the next one of the same key, over either client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, TypeAlias

import pytest
import trio

from bide.errors import JobUnfinished
from bide.messages import Headers, Response
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.emulator import Fault, VirtualClock
from bide_transports.emulator.server import Emulator, serve
from tests.drivers import TrioVirtualClock
from tests.transports.clients import FOX, service

Step: TypeAlias = Literal["submit", "look"]
NAME = "exec_11111111-2222-4333-8444-555555555555"


def by_requests(emulator: Emulator, clock: VirtualClock, steps: Sequence[Step]) -> None:
    with over_requests.Client(emulator.key, dialect=emulator.dialect, clock=clock) as client:
        for step in steps:
            with suppress(JobUnfinished):
                client.submit("good", FOX) if step == "submit" else client.result(NAME)


def by_trio(emulator: Emulator, clock: VirtualClock, steps: Sequence[Step]) -> None:
    async def main() -> None:
        async with over_trio.Client(emulator.key, dialect=emulator.dialect, clock=TrioVirtualClock(clock)) as client:
            for step in steps:
                with suppress(JobUnfinished):
                    await (client.submit("good", FOX) if step == "submit" else client.result(NAME))

    trio.run(main)


def answer(status: int, *lines: tuple[str, str]) -> Response:
    return Response(status, Headers.of(lines), b'{"id":"%s","status":"PENDING"}' % NAME.encode())


def seconds(
    play: Callable[[Emulator, VirtualClock, Sequence[Step]], None], steps: Sequence[Step], *faults: Fault
) -> float:
    """How long the steps take; the replies of the service are those of the faults."""
    clock = VirtualClock()
    begun = clock.now()
    with serve(service(*faults), clock=clock.now) as emulator:
        play(emulator, clock, steps)
    return clock.now() - begun


by_either = pytest.mark.parametrize("play", [by_requests, by_trio])
CREATE, READ = ("RateLimit", '"create";r=0;t=30'), ("RateLimit", '"read";r=99;t=60')


@by_either
def test_a_look_under_another_policy_does_not_lift_that_of_submissions(
    play: Callable[[Emulator, VirtualClock, Sequence[Step]], None],
) -> None:
    faults = (Fault("submit", answer(202, CREATE)), Fault("poll", answer(200, READ), times=3))
    assert seconds(play, ["look", "submit", "look", "look"], *faults) < 2
    assert seconds(play, ["look", "submit", "look", "submit"], *faults) >= 30


@by_either
def test_nothing_left_until_nobody_knows_when_holds_back_the_next_job(
    play: Callable[[Emulator, VirtualClock, Sequence[Step]], None],
) -> None:
    spent = answer(200, ("X-RateLimit-Remaining", "0"))
    assert seconds(play, ["look", "look"], Fault("poll", spent), Fault("poll", answer(200), nth=2)) >= 10
