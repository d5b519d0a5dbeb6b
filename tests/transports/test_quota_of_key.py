"""What one job hears of the rate limits holds back the next one of the same key, over either client."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, TypeAlias

from bide.errors import JobUnfinished
from bide.messages import Headers, Response
from bide_transports.emulator import Fault, VirtualClock
from bide_transports.emulator.server import serve
from tests.faces import BY_BOTH, Kind, face, in_trio
from tests.transports.clients import FOX, service

Step: TypeAlias = Literal["submit", "look"]
NAME = "exec_11111111-2222-4333-8444-555555555555"


def answer(status: int, *lines: tuple[str, str]) -> Response:
    return Response(status, Headers.of(lines), b'{"id":"%s","status":"PENDING"}' % NAME.encode())


async def seconds(kind: Kind, steps: Sequence[Step], *faults: Fault) -> float:
    """How long the steps take; the replies of the service are those of the faults."""
    clock = VirtualClock()
    begun = clock.now()
    with serve(service(*faults), clock=clock.now) as emulator:
        async with face(kind, emulator.key, clock, dialect=emulator.dialect) as client:
            for step in steps:
                with suppress(JobUnfinished):
                    await (client.submit("good", FOX) if step == "submit" else client.result(NAME))
    return clock.now() - begun


CREATE, READ = ("RateLimit", '"create";r=0;t=30'), ("RateLimit", '"read";r=99;t=60')


@BY_BOTH
@in_trio
async def test_a_look_under_another_policy_does_not_lift_that_of_submissions(kind: Kind) -> None:
    faults = (Fault("submit", answer(202, CREATE)), Fault("poll", answer(200, READ), times=3))
    assert await seconds(kind, ["look", "submit", "look", "look"], *faults) < 2
    assert await seconds(kind, ["look", "submit", "look", "submit"], *faults) >= 30


@BY_BOTH
@in_trio
async def test_nothing_left_until_nobody_knows_when_holds_back_the_next_job(kind: Kind) -> None:
    spent = answer(200, ("X-RateLimit-Remaining", "0"))
    assert await seconds(kind, ["look", "look"], Fault("poll", spent), Fault("poll", answer(200), nth=2)) >= 10
