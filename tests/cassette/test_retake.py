"""A lane told again after what happened from outside: notices, cancellations, jobs left and taken up again."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bide
from bide_transports.cassette.changing.edits import drop_connection, edited, insert, lose_submit_reply
from bide_transports.cassette.changing.flow import flow
from bide_transports.cassette.changing.settle import settle
from bide_transports.cassette.changing.story import Story
from bide_transports.cassette.files import load
from bide_transports.cassette.recorded import RecordedLane
from bide_transports.cassette.redacting import Cleaner
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Done, Event, Head, InvalidCassette, Open, Send, Told, Wait
from bide_transports.cassette.tokens import head_of
from bide_transports.cassette.verify import verify
from tests.cassette.scenes import RECORDED
from tests.sampling import WHOLE

SCRIPT = Script().state(2.5, "PROCESSING").state(14.2, "COMPLETED")


def _done(cassette: Cassette) -> Done:
    done = cassette.events[-1]
    assert isinstance(done, Done)
    return done


def _opens(cassette: Cassette) -> list[int]:
    return [event.t for event in cassette.events if isinstance(event, Open)]


def _told(at: int) -> Cassette:
    """A job that is looked at seldom, of which a webhook tells at `at` ms."""
    sparse = SCRIPT.cassette(pace=bide.Sparse(bide.Every(2), factor=30, cap=60))
    place = next(n for n, event in enumerate(sparse.events) if isinstance(event, Wait) and event.state == "Polling")
    events = (*sparse.events[: place + 1], Told("job#1", at), *sparse.events[place + 1 :])
    return settle(replace(sparse, events=events))


def test_a_notice_is_heard_when_it_came() -> None:
    cassette = _told(15_000)
    verify(cassette)
    place = next(n for n, event in enumerate(cassette.events) if isinstance(event, Told))
    wait, send = cassette.events[place + 1 : place + 3]
    assert isinstance(wait, Wait)
    assert (wait.ms, wait.why) == (0, "notice")
    assert isinstance(send, Send)
    assert send.t == 15_000


def test_a_notice_is_heard_under_another_pace_too() -> None:
    made = flow(_told(15_000), pace=bide.Every(9))
    verify(made)
    assert [event.t for event in made.events if isinstance(event, Told)] == [15_000]
    assert [event.t for event in made.events if isinstance(event, Send)][1:3] == [9040, 15_000]


def test_a_notice_of_a_job_that_has_no_name_yet_changes_nothing() -> None:
    lost = edited(_told(2000), lose_submit_reply(), insert(503, at=0.4))
    verify(lost)
    early = replace(lost, events=(*lost.events[:2], Told("job#1", 0), *lost.events[2:]))
    settled = settle(early)
    verify(settled)
    assert settled.events[2] == Told("job#1", 0)
    assert isinstance(settled.events[3], Send)


def _left_and_resumed(patience: bide.Patience | None = None) -> Cassette:
    """A job that was given up at its deadline, and resumed 8 s after its start."""
    stage = SCRIPT.stage()
    head, events = head_of(stage.dialect, stage.clock.now(), by="scenario"), list[Event]()
    lane = _lane(head, events, stage.dialect)
    job: bide.Job = bide.submit(
        stage.order,
        dialect=stage.dialect,
        now=stage.clock.now(),
        pace=bide.Every(2),
        patience=bide.Patience(deadline=5),
    )
    for at in (0, 8):
        stage.clock.sleep_until(head.now(at * 1000))
        now = stage.clock.now()
        job = lane.open(bide.resume(job, now=now, patience=patience) if isinstance(job, bide.Abandoned) else job, now)
        _, exchange, clock, _ = lane.around(job, stage.exchange, stage.clock)
        while isinstance(job, bide.Waiting):
            clock.sleep_until(job.due)
            job = job.receive(exchange(job.request), now=clock.now())
    return Cassette(head, tuple(events))


def _lane(head: Head, events: list[Event], dialect: bide.Dialect) -> RecordedLane:
    def write(event: Event, *, durable: bool = False) -> None:  # noqa: ARG001
        events.append(event)

    return RecordedLane("job#1", head, dialect, Cleaner(), write)


def test_a_job_that_was_given_up_is_resumed_again_as_it_was() -> None:
    cassette = _left_and_resumed(bide.Patience(deadline=60))
    verify(cassette)
    assert (_done(cassette).state, _opens(cassette)) == ("Completed", [0, 8000])
    made = flow(cassette, pace=bide.Every(3))
    verify(made)
    assert (_done(made).state, _opens(made)) == ("Completed", [0, 8000])


def test_with_the_patience_that_it_had_it_is_given_up_again() -> None:
    made = flow(_left_and_resumed(), pace=bide.Every(3))
    verify(made)
    ends = [(event.t, event.state) for event in made.events if isinstance(event, Done)]
    assert ends == [(5040, "Abandoned"), (13_040, "Abandoned")]


def test_with_more_patience_there_is_nothing_to_resume() -> None:
    made = flow(_left_and_resumed(bide.Patience(deadline=60)), patience=bide.Patience(deadline=90))
    verify(made)
    assert (_done(made).state, _opens(made)) == ("Completed", [0])


def test_what_may_have_been_paid_for_is_not_resumed() -> None:
    unkeyed = SCRIPT.cassette(pace=bide.Every(2), order=bide.Order("m", {}), cancel_at=7.0)
    made = edited(unkeyed, lose_submit_reply())
    verify(made)
    assert (_done(made).says, _opens(made)) == (bide.Reason.AMBIGUOUS.value, [0])


def test_a_cancellation_waits_until_the_job_has_a_name() -> None:
    cancelled = SCRIPT.cassette(pace=bide.Every(2), cancel_at=1.0)
    made = edited(cancelled, insert(503, retry_after=5, at=0.0))
    verify(made)
    assert _opens(made) == [0, 1000]
    assert "Cancelling" not in [event.state for event in made.events if isinstance(event, Wait)]


def test_a_finished_job_may_be_taken_up_for_nothing() -> None:
    cassette = SCRIPT.cassette(pace=bide.Every(2))
    stage, events = SCRIPT.stage(), list[Event]()
    lane = _lane(cassette.head, events, stage.dialect)
    job: bide.Job = bide.submit(stage.order, dialect=stage.dialect, now=stage.clock.now(), seed="job#1")
    while isinstance(job, bide.Waiting):
        stage.clock.sleep_until(job.due)
        job = job.receive(stage.exchange(job.request), now=stage.clock.now())
    lane.open(job, cassette.head.now(30_000))
    twice = replace(cassette, events=(*cassette.events, *events))
    verify(twice)
    assert settle(twice).events == twice.events
    assert flow(twice, pace=bide.Every(3)).events[-1] == _done(flow(cassette, pace=bide.Every(3)))


def test_a_cut_while_a_request_is_out_is_kept() -> None:
    cassette = SCRIPT.cassette(pace=bide.Every(2))
    place = next(n for n, event in enumerate(cassette.events) if isinstance(event, Send) and event.t > 5000)
    cut = replace(cassette, events=cassette.events[: place + 1])
    assert settle(cut).events == cut.events
    later = edited(cut, drop_connection(at=3.0))
    verify(later)
    assert later.events[-1].t <= cut.events[-1].t + 40


@pytest.mark.skipif(not WHOLE, reason="20,000 requests: a part of `nox -s long`")
def test_nobody_asks_for_ever() -> None:
    slow = Script().state(3000, "COMPLETED").cassette(pace=bide.Every(300))
    with pytest.raises(InvalidCassette, match="lane job#1 would take more than 20000 requests: ask less often"):
        flow(slow, pace=bide.Every(0.05), patience=bide.Patience(deadline=3600))


def test_an_edit_waits_for_its_time_where_the_core_goes_its_own_way_before() -> None:
    cassette = SCRIPT.cassette(pace=bide.Every(2))
    wait = next(event for event in cassette.events if isinstance(event, Wait) and event.ms)
    spoilt = replace(cassette, events=tuple(replace(e, ms=77) if e is wait else e for e in cassette.events))
    made = edited(spoilt, insert(429, retry_after=7, at=8.0))
    verify(made)
    hinted = [event.t for event in made.events if isinstance(event, Wait) and event.why == "retry-after"]
    assert hinted == [8200]


def test_a_job_that_began_later_expires_later() -> None:
    cassette = load(RECORDED / "a-job-that-completes.cassette.jsonl")
    made = edited(cassette, insert(429, retry_after=7, at=0.0))
    verify(made)

    def expires(whole: Cassette) -> list[str]:
        jobs = (one.after for one in Story.of(whole).exchanges)
        return [job.past.expires for job in jobs if job is not None and job.past.expires][:1]

    assert expires(cassette) == ["2030-01-05T08:05:00Z"]
    assert expires(made) == ["2030-01-05T08:05:07Z"]
