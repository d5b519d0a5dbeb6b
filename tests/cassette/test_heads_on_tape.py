"""Replies whose body was cut, recorded with their heads: replay decides as the recording did, over either transport."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import record
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.shown import transcript
from bide_transports.cassette.tape import Cassette
from bide_transports.cassette.verify import verify
from bide_transports.emulator import VirtualClock

MILL = Declared(
    Declaration(
        name="mill",
        base_url="https://api.mill.example",
        submit=Call("POST", ("/jobs",), body={"input": "{input}"}),
        poll=Call(urls=("{status}",)),
        links={"status": ("@location",)},
        status=("status",),
        phases={"ground": Phase.SUCCEEDED},
        output=("output",),
    )
)


def head(status: int, *lines: tuple[str, str]) -> Response:
    return Response(status, bide.Headers.of(lines))


def recorded(path: Path, cause: Cause) -> Cassette:
    """A job that is accepted and looked at by heads alone, until it is done."""
    done = Response(200, body=b'{"status": "ground", "output": "flour"}')
    replies: list[Reply] = [
        NoResponse(cause, sent=True, head=head(202, ("location", "/jobs/7"))),
        NoResponse(cause, sent=True, head=head(503, ("retry-after", "9"))),
        done,
    ]
    clock = VirtualClock()
    job = bide.submit(bide.Order("rye", {}), dialect=MILL, now=clock.now())

    def exchange(_: Request) -> Reply:
        return replies.pop(0)

    with record(path) as tape:
        lane = tape.lane(job, exchange, clock)
        assert isinstance(over_requests.run(lane.job, lane.exchange, lane.clock), bide.Completed)
    return load(path)


@pytest.mark.parametrize("cause", [Cause.RESET, Cause.TIMEOUT, Cause.PROTOCOL, Cause.TOO_LARGE])
def test_a_head_on_a_cassette_decides_as_it_did(cause: Cause, tmp_path: Path) -> None:
    cassette = recorded(tmp_path / "mill.cassette.jsonl", cause)
    verify(cassette, dialect=MILL)
    assert "202 without its body, then" in transcript(cassette, dialect=MILL)
    with replay(cassette, dialect=MILL) as tape, over_requests.Client(bide.NoKey(), dialect=MILL, tape=tape) as client:
        assert client.run("rye", {}).output == "flour"

    async def main() -> object:
        with replay(cassette, dialect=MILL) as tape:
            async with over_trio.Client(bide.NoKey(), dialect=MILL, tape=tape) as client:
                return (await client.run("rye", {})).output

    assert trio.run(main) == "flour"
