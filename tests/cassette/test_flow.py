"""The policy lab: another pace and patience against the same recordings."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bide
from bide_transports.cassette.changing.flow import Comparison, Cost, compare, flow
from bide_transports.cassette.files import load
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Done, Open, Send
from bide_transports.cassette.verify import verify
from tests.cassette.scenes import RECORDED

SCRIPT = Script().state(2.5, "PROCESSING").state(14.2, "COMPLETED")
CASSETTE = SCRIPT.cassette(pace=bide.Every(1))


def _cost(cassettes: list[Cassette], policy: bide.Pace) -> Cost:
    (cost,) = compare(cassettes, {"p": policy}).costs
    return cost


@pytest.mark.parametrize("interval", [0.3, 1.0, 2.0, 5.0, 20.0])
def test_another_pace_is_what_it_would_have_been(interval: float) -> None:
    made = flow(CASSETTE, pace=bide.Every(interval))
    verify(made)
    truth = SCRIPT.cassette(pace=bide.Every(interval))
    done, true = made.events[-1], truth.events[-1]
    assert isinstance(done, Done)
    assert isinstance(true, Done)
    assert (done.state, done.says) == (true.state, true.says)
    assert abs(done.t - true.t) <= max(1000, interval * 1000) + 80  # as closely as the recording knows


def test_the_same_policy_changes_nothing() -> None:
    made = flow(CASSETTE)
    assert made.events == CASSETTE.events
    assert made.head.edits == ("flow by time",)


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.jsonl")), ids=lambda path: path.name.partition(".")[0])
def test_every_recording_can_be_played_otherwise(path: object) -> None:
    made = flow(load(str(path)), pace=bide.Every(3), patience=bide.Patience(deadline=300))
    verify(made)
    assert made.head.edits[-1].startswith("flow by time, pace Every(interval=3")


def test_a_policy_costs_looks_and_time() -> None:
    often, seldom = _cost([CASSETTE], bide.Every(0.5)), _cost([CASSETTE], bide.Every(10))
    assert (often.jobs, often.noticed) == (1, 1)
    assert often.polls > 20
    assert seldom.polls == 2
    assert often.lag is not None
    assert seldom.lag is not None
    assert often.lag[0] < 0.6
    assert 5 < seldom.lag[0] < seldom.lag[1] < 8


def test_lag_is_as_uncertain_as_the_recording() -> None:
    coarse = SCRIPT.cassette(pace=bide.Every(6))
    lag = _cost([coarse], bide.Every(1)).lag
    assert lag is not None
    assert 5.9 <= lag[1] - lag[0] <= 6.2


def test_what_has_no_end_has_no_lag_and_what_has_no_job_is_left_out() -> None:
    left = replace(CASSETTE, events=CASSETTE.events[:8])
    bare = replace(CASSETTE, events=(Open("x", 0),))
    cost = _cost([left, bare], bide.Every(2))
    assert (cost.jobs, cost.noticed, cost.lag) == (1, 0, None)


def test_refusals_are_counted() -> None:
    refused = SCRIPT.refuse(429, retry_after=3, at=4.0).cassette(pace=bide.Every(1))
    assert _cost([refused], bide.Every(1)).limited == 1
    assert _cost([CASSETTE], bide.Every(1)).limited == 0


def test_a_policy_may_have_a_patience() -> None:
    impatient = (bide.Every(1), bide.Patience(deadline=5))
    (now, new) = compare([CASSETTE], {"now": bide.Every(1), "new": impatient}).costs
    assert (now.noticed, new.noticed) == (1, 0)


def test_a_comparison_is_a_table() -> None:
    costs = (Cost("now", 2, 120, 3, 2, (0.44, 1.0)), Cost("a longer name", 2, 7, 0, 0, None))
    assert str(Comparison(costs)).splitlines() == [
        "policy         jobs  polls  429s  noticed     lag (s)",
        "now               2    120     3        2  0.4 to 1.0",
        "a longer name     2      7     0        0     unknown",
    ]


def test_looks_go_out_as_the_pace_says() -> None:
    sent = [event.t for event in flow(CASSETTE, pace=bide.Every(4)).events if isinstance(event, Send)]
    assert sent == [0, 4040, 8080, 12_120, 16_160, 16_200]
