"""`settle`: what came back stays, what follows from it is decided anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bide
from bide.messages import Headers, Response
from bide_transports.cassette.changing.settle import BY_TIME, settle
from bide_transports.cassette.files import load
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Done, Event, Heard, InvalidCassette, Omitted, Open, Send, Wait
from bide_transports.cassette.verify import verify
from tests.cassette.scenes import RECORDED

SCRIPT = Script().state(2.5, "PROCESSING").state(14.2, "COMPLETED")
CASSETTE = SCRIPT.cassette(pace=bide.Every(2))


def _with(cassette: Cassette, old: Event, *new: Event) -> Cassette:
    place = cassette.events.index(old)
    return replace(cassette, events=(*cassette.events[:place], *new, *cassette.events[place + 1 :]))


def _heard(cassette: Cassette, nth: int) -> Heard:
    return [event for event in cassette.events if isinstance(event, Heard)][nth]


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.jsonl")), ids=lambda path: path.name.partition(".")[0])
def test_what_fits_stays_as_it_is(path: object) -> None:
    cassette = load(str(path))
    settled = settle(cassette)
    assert (settled.head, settled.events) == (cassette.head, cassette.events)


def test_a_decision_that_was_spoilt_is_made_anew() -> None:
    wait = next(event for event in CASSETTE.events if isinstance(event, Wait) and event.ms)
    spoilt = _with(CASSETTE, wait, replace(wait, ms=77, why="backoff"))
    settled = settle(spoilt)
    assert settled.events == CASSETTE.events
    assert settle(settled).head == settled.head


def test_a_cassette_written_by_hand_needs_no_decisions() -> None:
    inputs = tuple(event for event in CASSETTE.events if not isinstance(event, Wait | Done))
    settled = settle(replace(CASSETTE, events=inputs))
    assert settled.events == CASSETTE.events
    assert settled.head.edits == ()


def test_a_reply_that_was_edited_decides_what_comes_next() -> None:
    heard = _heard(CASSETTE, 2)
    refused = replace(heard, reply=Response(429, Headers.of([("retry-after", "5")])))
    settled = settle(_with(CASSETTE, heard, refused))
    verify(settled)
    wait = settled.events[settled.events.index(refused) + 1]
    assert isinstance(wait, Wait)
    assert (wait.ms, wait.why) == (5000, "retry-after")
    assert settled.head.edits == (BY_TIME,)
    assert isinstance(settled.events[-1], Done)


@pytest.mark.parametrize("kept", range(1, len(CASSETTE.events)))
def test_a_recording_that_was_cut_anywhere_is_closed(kept: int) -> None:
    cut = replace(CASSETTE, events=CASSETTE.events[:kept])
    settled = settle(cut)
    verify(settled)
    assert settled.events[: len(cut.events)] == cut.events
    assert len(settled.events) - len(cut.events) <= 1  # the decision that was not written any more


def test_another_pace_asks_at_other_times_and_is_answered_by_time() -> None:
    settled = settle(CASSETTE, pace=bide.Every(0.5))
    verify(settled)
    sent = [event.t for event in settled.events if isinstance(event, Send)]
    assert sent[1:4] == [540, 1080, 1620]
    done = settled.events[-1]
    assert isinstance(done, Done)
    assert done.state == "Completed"
    assert done.t >= 14_200


def test_a_job_that_ended_later_is_never_seen_finished_before() -> None:
    seen = next(
        e
        for e in CASSETTE.events
        if isinstance(e, Heard) and isinstance(e.reply, Response) and b"COMPLETED" in e.reply.body
    )
    for interval in (0.05, 0.3, 1.0, 1.9, 3.0, 7.0):
        settled = settle(CASSETTE, pace=bide.Every(interval))
        verify(settled)
        done = settled.events[-1]
        assert isinstance(done, Done)
        assert done.t >= seen.t >= 14_200


def test_another_patience_ends_it_earlier() -> None:
    settled = settle(CASSETTE, patience=bide.Patience(deadline=5))
    verify(settled)
    done = settled.events[-1]
    assert isinstance(done, Done)
    assert (done.t, done.state, done.says) == (5040, "Abandoned", "the deadline passed")


def test_a_lane_that_was_left_ends_where_it_was_left() -> None:
    left = replace(CASSETTE, events=CASSETTE.events[:14])
    settled = settle(left, pace=bide.Every(0.5))
    verify(settled)
    assert isinstance(settled.events[-1], Wait)
    assert settled.events[-1].t <= left.events[-1].t + 40


def test_what_a_caller_did_meanwhile_is_done_again() -> None:
    cancelled = SCRIPT.cassette(pace=bide.Every(2), cancel_at=7.0)
    assert isinstance(cancelled.events[-1], Done)
    assert cancelled.events[-1].state == "Cancelled"
    settled = settle(cancelled, pace=bide.Every(3))
    verify(settled)
    opens = [event.t for event in settled.events if isinstance(event, Open)]
    assert opens == [0, 7000]
    assert settled.events[-1] == replace(cancelled.events[-1], t=settled.events[-1].t)


def test_what_nobody_ever_answered_is_named() -> None:
    submission = CASSETTE.events[:5]
    gone = replace(CASSETTE, events=(*submission, *(e for e in CASSETTE.events[5:] if isinstance(e, Done))))
    with pytest.raises(InvalidCassette, match=r"lane job#1 now asks GET https://api.modelroute.ai/v1/executions/job-"):
        settle(gone)


def test_nothing_can_be_decided_without_a_body() -> None:
    heard = _heard(CASSETTE, 1)
    assert isinstance(heard.reply, Response)
    lost = replace(heard, reply=replace(heard.reply, body=b""), omitted=Omitted(70_000, "0" * 64))
    with pytest.raises(InvalidCassette, match="too large to be kept"):
        settle(_with(CASSETTE, heard, lost))


def test_exchanges_without_a_job_stay_as_they_are() -> None:
    bare = (Open("x", 0), *(replace(e, lane="x") for e in CASSETTE.events[2:4]))
    assert settle(replace(CASSETTE, events=bare)).events == bare
