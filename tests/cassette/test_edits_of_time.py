"""What if the service took another course, or a clock did; and the law that whatever is edited verifies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.messages import Cause, NoResponse, Response
from bide_transports.cassette.changing.bending import Edit
from bide_transports.cassette.changing.edits import (
    corrupt,
    delay,
    drop_connection,
    duplicate,
    edited,
    insert,
    lose_submit_reply,
    outage,
    replace_reply,
    truncate_body,
)
from bide_transports.cassette.changing.edits_of_time import cut, expire_link, flap, skew, step_wall, stuck, suspend
from bide_transports.cassette.changing.settle import settle
from bide_transports.cassette.changing.story import Story
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import loads, text_of
from bide_transports.cassette.scripted.invariants import LAWS
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Event, Heard, InvalidCassette, Send, Wait
from bide_transports.cassette.verify import verify
from tests.cassette.altered import CASSETTE, SCRIPT, altered, done


def _sent(cassette: Cassette) -> list[int]:
    return [event.t for event in cassette.events if isinstance(event, Send)]


def _statuses(cassette: Cassette) -> list[str]:
    jobs = (one.after for one in Story.of(cassette).exchanges)
    return [job.past.status for job in jobs if job is not None]


def test_a_clock_that_is_ahead_changes_no_wait() -> None:
    made = altered(skew(server_ms=90_000))
    assert [event for event in made.events if not isinstance(event, Heard)] == [
        event for event in CASSETTE.events if not isinstance(event, Heard)
    ]
    dates = [e.reply.headers.get("date") for e in made.events if isinstance(e, Heard) and isinstance(e.reply, Response)]
    assert dates[0] == "Sat, 05 Jan 2030 08:01:30 GMT"


@pytest.mark.parametrize("server_ms", [-90_000, 90_000, 86_400_000])
def test_a_date_is_waited_for_by_the_services_own_clock(server_ms: int) -> None:
    told = "Sat, 05 Jan 2030 08:00:13 GMT"
    refused = SCRIPT.refuse(429, retry_after=told, at=3.0).cassette(pace=bide.Every(2))
    made = altered(skew(server_ms=server_ms), cassette=refused)
    waits = [event for event in made.events if isinstance(event, Wait) and event.why == "retry-after"]
    assert [wait.ms for wait in waits] == [9000]  # told at 08:00:04 by the same clock
    assert [e.ms for e in refused.events if isinstance(e, Wait) and e.why == "retry-after"] == [9000]


def test_a_job_that_is_stuck_is_that_much_later() -> None:
    made = altered(stuck("PROCESSING", for_ms=30_000))
    first = next(
        one.sent.t for one in Story.of(CASSETTE).exchanges if one.after and one.after.past.status == "PROCESSING"
    )
    assert [t for t in _sent(made) if t <= first] == [t for t in _sent(CASSETTE) if t <= first]
    assert 44_200 <= done(made).t <= 44_200 + 2000 + 120
    assert done(made).says == done(CASSETTE).says


def test_a_stuck_job_may_outlast_the_patience() -> None:
    impatient = SCRIPT.cassette(pace=bide.Every(2), patience=bide.Patience(deadline=20))
    made = altered(stuck("PROCESSING", for_ms=30_000), cassette=impatient)
    assert (done(made).t, done(made).says) == (20_040, bide.Reason.DEADLINE.value)


def test_a_status_may_go_back() -> None:
    statuses = _statuses(altered(flap("PENDING", "PROCESSING")))
    assert statuses[:5] == ["PENDING", "PENDING", "PROCESSING", "PENDING", "PROCESSING"]


def test_what_was_seen_completed_is_only_fetched() -> None:
    made = altered(flap("PROCESSING", "COMPLETED"))
    after = [event.state for event in made.events if isinstance(event, Wait) and event.t > 14_200]
    assert after == ["Fetching", "Fetching"]
    assert done(made).state == "Completed"


def test_nothing_can_flap_once_the_job_is_over() -> None:
    inline = Script().state(0, "queued").state(14.2, "failed").cassette(Declared(named("runway")))
    words = [word for word in _statuses(inline) if word]
    with pytest.raises(InvalidCassette, match="nothing is asked once lane"):
        edited(inline, flap(words[0], words[-1]))


def test_what_is_due_while_the_machine_sleeps_goes_out_when_it_wakes() -> None:
    made = altered(suspend(at=3.0, ms=60_000))
    assert _sent(made)[:3] == [0, 2040, 63_000]
    assert done(made).t == 63_000 + 40 + 40


def test_a_clock_that_is_set_forward_asks_at_once_and_the_job_is_no_further() -> None:
    made = altered(step_wall(at=3.0, ms=60_000))
    assert _sent(made)[:3] == [0, 2040, 63_000]
    assert _statuses(made)[2] == "PENDING"  # as last seen at 3 s by the service's clock
    assert done(made).t >= 74_200


def test_a_clock_that_is_set_back_stands_still() -> None:
    made = altered(step_wall(at=3.0, ms=-10_000))
    assert _sent(made) == sorted(_sent(made))
    assert done(made).t < 14_200  # by the client's clock; by the service's it is 24 s
    dated = [e.reply.headers.get("date") for e in made.events if isinstance(e, Heard) and isinstance(e.reply, Response)]
    assert dated[2] == "Sat, 05 Jan 2030 08:00:14 GMT"


def test_a_jump_past_the_deadline_allows_one_last_look() -> None:
    impatient = SCRIPT.cassette(pace=bide.Every(2), patience=bide.Patience(deadline=20))
    made = altered(step_wall(at=3.0, ms=60_000), cassette=impatient)
    assert (done(made).state, len(_sent(made))) == ("Abandoned", 3)


@pytest.mark.parametrize(("hours", "ends"), [(23, "Completed"), (24, "Abandoned"), (80, "Abandoned")])
def test_a_submission_whose_key_has_aged_meanwhile_is_not_sent_again(hours: int, ends: str) -> None:
    patient = SCRIPT.cassette(patience=bide.Patience(deadline=7 * 86400.0))
    made = altered(lose_submit_reply(), suspend(at=0.1, ms=hours * 3_600_000), cassette=patient)
    posts = [event.t for event in made.events if isinstance(event, Send) and event.request.method == "POST"]
    assert (done(made).state, len(posts)) == (ends, 2 if ends == "Completed" else 1)
    assert LAWS["never pays twice"](Story.of(made)) is None
    settled = settle(made)
    assert (settled.events, settled.head) == (made.events, made.head)
    assert settle(made, pace=bide.Every(9)).events[-1].t >= 100


def test_an_end_that_is_too_early_or_no_such_end_is_told() -> None:
    patient = SCRIPT.cassette(patience=bide.Patience(deadline=7 * 86400.0))
    made = altered(lose_submit_reply(), suspend(at=0.1, ms=90_000_000), cassette=patient)
    early = replace(made, events=(*made.events[:-1], replace(made.events[-1], t=3_600_000)))
    with pytest.raises(ReplayDiverged, match="nothing more"):
        verify(early)
    wrong = replace(made, events=(*made.events[:-1], replace(done(made), says="another word")))
    with pytest.raises(ReplayDiverged, match="another word"):
        verify(wrong)
    settled = settle(early)
    verify(settled)
    assert len(_sent(settled)) > len(_sent(made))  # its key has not aged by then: it is sent again


def test_a_reply_that_comes_after_the_deadline_is_none() -> None:
    patient = SCRIPT.cassette(pace=bide.Every(2), patience=bide.Patience(deadline=10))
    made = altered(delay(at=8.0, ms=9000), cassette=patient)
    late = made.events[-2]
    assert isinstance(late, Heard)
    assert (late.t, late.reply) == (10_000, NoResponse(Cause.TIMEOUT, sent=True))
    assert done(made).says == bide.Reason.DEADLINE.value


@pytest.mark.parametrize("at", [0.0, 0.03, 2.04, 5.0])
def test_a_cut_leaves_what_came_before(at: float) -> None:
    made = altered(cut(at=at))
    assert made.events == CASSETTE.events[: len(made.events)]
    assert made.events[-1].t <= at * 1000
    assert settle(made).events == made.events


# -- laws --------------------------------------------------------------------------------------------------------------

AT = st.integers(0, 16_000).map(lambda ms: ms / 1000)
WORDS = st.sampled_from(["PENDING", "PROCESSING", "COMPLETED"])
SPANS, JUMPS = st.integers(1, 60_000), st.integers(-60_000, 60_000)
STATUSES = st.sampled_from([401, 404, 429, 500, 503])
EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(insert, STATUSES, retry_after=st.sampled_from([None, 0, 7]), at=AT),
    st.builds(replace_reply, STATUSES, at=AT),
    st.builds(outage, at=AT, for_ms=SPANS),
    st.builds(drop_connection, at=AT, phase=st.sampled_from(["connect", "send", "head", "body"])),
    st.builds(lose_submit_reply),
    st.builds(delay, at=AT, ms=SPANS),
    st.builds(truncate_body, at=AT, n=st.integers(0, 60)),
    st.builds(corrupt, at=AT),
    st.builds(duplicate, at=AT),
    st.builds(flap, WORDS, WORDS),
    st.builds(stuck, WORDS, for_ms=SPANS),
    st.builds(skew, server_ms=st.integers(-(10**8), 10**8)),
    st.builds(step_wall, at=AT, ms=JUMPS),
    st.builds(suspend, at=AT, ms=SPANS),
    st.builds(cut, at=AT),
)
PACES = st.one_of(st.just(bide.Growing()), st.just(bide.Sparse()), st.floats(0.1, 9).map(bide.Every))


def _script(working: float, ended: float, end: str, latency: float, refused: float) -> Script:
    told = Script().state(0, "PENDING").state(min(working, ended), "PROCESSING").state(ended, end)
    return told.latency(latency).refuse(429, retry_after=3, at=refused)


SCRIPTS = st.builds(
    _script,
    st.floats(0, 20),
    st.floats(0, 20),
    st.sampled_from(["COMPLETED", "FAILED", "EXPIRED"]),
    st.sampled_from([0.0, 0.04, 1.2]),
    st.floats(0, 30),
)


@given(script=SCRIPTS, pace=PACES, edits=st.lists(EDITS, min_size=1, max_size=3), keyed=st.booleans())
def test_any_edit_of_any_scenario_verifies(script: Script, pace: bide.Pace, edits: list[Edit], keyed: bool) -> None:
    order = bide.Order("model-1", {"prompt": "a fox"}, "key-1" if keyed else None)
    cassette = script.cassette(pace=pace, patience=bide.Patience(deadline=90), order=order)
    for edit in edits:
        try:
            cassette = edited(cassette, edit)
        except InvalidCassette:
            continue
        verify(cassette)
        assert _is_in_order(cassette.events)
        assert settle(cassette).events == cassette.events
        assert loads(text_of(cassette)).events == cassette.events


def _is_in_order(events: tuple[Event, ...]) -> bool:
    return [event.t for event in events] == sorted(event.t for event in events)


def test_an_edit_shows_what_it_is() -> None:
    assert repr(stuck("PENDING", for_ms=5)) == "Edit(stuck at PENDING for 5 ms)"
    assert expire_link(after=3.0).said == "signed addresses expire after 3.000 s"
