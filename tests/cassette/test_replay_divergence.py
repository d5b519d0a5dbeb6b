"""Where the code does something else than the cassette has, replay says so: what, where, and what was left unplayed."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest
import trio

import bide
from bide.document import JSON
from bide_transports import trio as over_trio
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import record
from bide_transports.cassette.replaying.playback import Playback, replay
from bide_transports.cassette.tape import Cassette, Heard, Open, Send, Wait
from bide_transports.emulator import InMemory, Plan, Service, VirtualClock
from bide_transports.requests import Client, follow
from tests.cassette.replaying import DIALECT, FOX, fox, lane_of

KEY = Service.key
CAT: dict[str, JSON] = {"prompt": "a cat"}
HEN: dict[str, JSON] = {"prompt": "a hen", "sizes": [1, 2], "steps": 4}


@pytest.fixture
def cassette(tmp_path: Path) -> Cassette:
    """Two foxes and a hen, one after another."""
    return recorded(tmp_path, FOX, HEN, FOX)


def recorded(tmp_path: Path, *inputs: dict[str, Any], plan: Plan = Plan(duration=6)) -> Cassette:
    path, clock = tmp_path / "jobs.cassette.jsonl", VirtualClock()
    network = InMemory(Service(default=plan), clock, latency=0.05)
    with record(path) as tape:
        for number, given in enumerate(inputs):
            order = bide.Order("flux-1.1-pro", given, f"key-of-the-order-{number}")
            lane = tape.lane(bide.submit(order, dialect=DIALECT, now=clock.now()), network.exchange, clock)
            for _ in follow(lane.job, lane.exchange, lane.clock):
                pass
    return load(path)


def client(tape: Playback, **how: Any) -> Client:
    how.setdefault("dialect", DIALECT)
    return Client(KEY, **how, tape=tape)


def test_another_input_is_told_by_its_place(cassette: Cassette) -> None:
    with pytest.raises(ReplayDiverged) as caught, replay(cassette) as tape, client(tape) as over:
        over.run("flux-1.1-pro", CAT)
    message = str(caught.value)
    assert "is left for a submission of flux-1.1-pro" in message
    assert "first difference: input.prompt: cassette 'a fox', code 'a cat'" in message
    assert f"not played: {', '.join(sorted(cassette.lanes, key=lambda name: cassette.lanes[name][0].t))}" in message
    assert isinstance(caught.value.expected, Open)


@pytest.mark.parametrize(
    ("given", "difference"),
    [
        ({"prompt": "a hen", "sizes": [1, 3], "steps": 4}, "input.sizes[1]: cassette 2, code 3"),
        ({"prompt": "a hen", "sizes": [1, 2, 3], "steps": 4}, "input.sizes: cassette [1, 2], code [1, 2, 3]"),
        ({"prompt": "a hen", "steps": 4}, "input.sizes: cassette [1, 2], code nothing"),
        ({"prompt": "a hen", "sizes": [1, 2], "steps": 4, "seed": 1}, "input.seed: cassette nothing, code 1"),
        ({"prompt": "a hen", "sizes": [True, 2], "steps": 4}, "input.sizes[0]: cassette 1, code true"),
    ],
)
def test_the_nearest_lane_is_told(cassette: Cassette, given: dict[str, Any], difference: str) -> None:
    with pytest.raises(ReplayDiverged, match="nearest lane") as caught, replay(cassette) as tape, client(tape) as over:
        over.run("flux-1.1-pro", given)
    assert f"first difference: {difference}\n" in str(caught.value)


def test_another_model_and_a_webhook_are_other_orders(cassette: Cassette) -> None:
    with replay(cassette) as tape, client(tape) as over:
        with pytest.raises(ReplayDiverged, match=r"model: cassette 'flux-1\.1-pro', code 'flux-2'"):
            over.submit("flux-2", FOX)
        with pytest.raises(ReplayDiverged, match=r"webhook_url: cassette null, code 'https://me\.example/hook'"):
            over.submit("flux-1.1-pro", FOX, webhook_url="https://me.example/hook")
        for given in (FOX, FOX, HEN):
            over.run("flux-1.1-pro", given)
        with pytest.raises(ReplayDiverged, match="every lane was begun already"):
            over.run("flux-1.1-pro", FOX)


def test_another_pace_is_told_as_the_likely_cause(cassette: Cassette) -> None:
    slow = bide.Growing(first=3)
    with pytest.raises(ReplayDiverged) as caught, replay(cassette) as tape, client(tape, pace=slow) as over:
        over.run("flux-1.1-pro", FOX)
    assert isinstance(caught.value.expected, Wait)
    assert [difference.name for difference in caught.value.policy_diff] == ["pace.first"]


def test_the_wire_is_the_same_at_another_pace(cassette: Cassette) -> None:
    for pace in (bide.Growing(first=3), bide.Every(0.5)):
        with replay(cassette, strict="wire") as tape, client(tape, pace=pace) as over:
            for given in (FOX, FOX, HEN):
                over.run("flux-1.1-pro", given)


def test_patience_of_ones_own_changes_nothing_until_it_decides(cassette: Cassette) -> None:
    def play(patience: bide.Patience) -> None:
        with replay(cassette) as tape, client(tape, patience=patience) as over:
            for given in (FOX, FOX, HEN):
                over.run("flux-1.1-pro", given)

    play(bide.Patience(deadline=900))
    with pytest.raises(ReplayDiverged, match=r"patience\.deadline"):
        play(bide.Patience(deadline=2))


def test_an_extra_poll_and_another_request_are_told(cassette: Cassette) -> None:
    tape = replay(cassette)
    lane = lane_of(tape, fox())
    with pytest.raises(ReplayDiverged, match="differs in: u"):
        lane.exchange(replace(cast("bide.Waiting", lane.job).request, url="https://api.modelroute.test/v2/executions"))
    *_, before, last = follow(lane.job, lane.exchange, lane.clock)
    assert isinstance(last, bide.Completed)
    with pytest.raises(ReplayDiverged, match=r"cassette \(recorded\): nothing more"):
        lane.exchange(cast("bide.Waiting", before).request)


def test_a_driver_that_sleeps_for_another_time_is_told(cassette: Cassette) -> None:
    lane = lane_of(replay(cassette), fox())
    assert isinstance(lane.job, bide.Waiting)
    with pytest.raises(ReplayDiverged, match="differs in: ms   cassette 0   code 1500"):
        lane.clock.sleep_until(lane.job.due + 1.5)


def test_a_lane_tells_recorded_time(cassette: Cassette) -> None:
    tape, times = replay(cassette), list[float]()
    lane = lane_of(tape, fox())
    for _ in follow(lane.job, lane.exchange, lane.clock):
        times.append(lane.clock.now())
    events = cassette.lanes[min(cassette.lanes, key=lambda name: cassette.lanes[name][0].t)]
    assert times == [cassette.head.now(0), *(cassette.head.now(one.t) for one in events if isinstance(one, Heard))]
    assert tape.waits() == [one.ms for one in events if isinstance(one, Wait)][1:]
    assert tape.waits(events[0].lane) == tape.waits()
    assert tape.waits("another") == []


def test_what_is_left_of_a_lane_is_told(cassette: Cassette) -> None:
    with pytest.raises(ReplayDiverged, match=r"code \(now\) +: nothing more") as caught, replay(cassette) as tape:
        assert [type(state) for state in islice(follow(*lane_of(tape, fox())), 2)] == [bide.Submitting, bide.Polling]
    assert isinstance(caught.value.expected, Send)


def test_lanes_that_were_not_played_are_told(cassette: Cassette) -> None:
    with pytest.raises(ReplayDiverged, match="not played: ") as caught, replay(cassette) as tape, client(tape) as over:
        over.run("flux-1.1-pro", FOX)
    assert str(caught.value).count("flux-1.1-pro-") == 3
    assert isinstance(caught.value.expected, Open)


def test_an_error_of_the_code_is_not_covered_up(cassette: Cassette) -> None:
    with pytest.raises(ZeroDivisionError), replay(cassette):
        raise ZeroDivisionError


def test_a_client_of_another_service_reaches_nobody(cassette: Cassette) -> None:
    elsewhere = bide.ModelRoute("http://127.0.0.1:9")
    with replay(cassette) as tape:
        with pytest.raises(ReplayDiverged, match="Nothing was sent anywhere"), client(tape, dialect=elsewhere) as over:
            over.run("flux-1.1-pro", FOX)

        async def main() -> None:
            async with over_trio.Client(KEY, dialect=elsewhere, tape=tape) as over:
                await over.run("flux-1.1-pro", FOX)

        with pytest.raises(ReplayDiverged, match="Nothing was sent anywhere"):
            trio.run(main)
        for given in (FOX, FOX, HEN):
            with client(tape) as over:
                over.run("flux-1.1-pro", given)
