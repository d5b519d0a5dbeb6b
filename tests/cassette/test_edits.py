"""What if one reply had been another: what the core then does, by its own rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

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
from bide_transports.cassette.changing.edits_of_time import cut, expire_link, flap, skew, stuck, suspend
from bide_transports.cassette.changing.story import Exchanged, Story
from bide_transports.cassette.files import loads, text_of
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Heard, InvalidCassette, Open, Send, Wait
from tests.cassette.altered import CASSETTE, SCRIPT, altered, done

STRUCK = 4080  # ms: the look that goes out after 3 s


def _struck(cassette: Cassette, t: int = STRUCK) -> tuple[Heard, Wait, Send]:
    """What was heard of the request at `t`, what was decided on it, and the request after."""
    start = next(n for n, event in enumerate(cassette.events) if isinstance(event, Send) and event.t == t)
    heard, wait, send = cassette.events[start + 1 : start + 4]
    assert isinstance(heard, Heard)
    assert isinstance(wait, Wait)
    assert isinstance(send, Send)
    return heard, wait, send


def _submissions(cassette: Cassette) -> list[Exchanged]:
    return [one for one in Story.of(cassette).exchanges if one.is_submission]


def test_before_the_edit_all_is_as_recorded() -> None:
    made = altered(insert(429, retry_after=7, at=3.0))
    same = [event for event in CASSETTE.events if event.t < STRUCK]
    assert list(made.events[: len(same)]) == same


def test_an_inserted_429_is_waited_out() -> None:
    heard, wait, send = _struck(altered(insert(429, retry_after=7, at=3.0)))
    assert isinstance(heard.reply, Response)
    assert heard.reply.status == 429
    assert (wait.ms, wait.floor, wait.why) == (7000, 7000, "retry-after")
    assert send.t == heard.t + 7000


def test_an_inserted_429_may_name_a_date() -> None:
    made = altered(insert(429, retry_after="Sat, 05 Jan 2030 08:00:09 GMT", at=3.0))
    _, wait, _ = _struck(made)
    assert (wait.ms, wait.why) == (5000, "retry-after")  # the service's clock tells 08:00:04


def test_a_submission_that_is_refused_at_first_makes_the_job_later() -> None:
    made = altered(insert(503, at=0.0))
    first, second = _submissions(made)
    assert first.sent.request == second.sent.request
    delayed = second.sent.t - first.sent.t
    looks = [one for one in Story.of(made).exchanges if one.is_unfinished]
    assert all(one.sent.t < 14_200 + delayed for one in looks)
    assert done(made).t >= 14_200 + delayed


def test_a_lost_reply_to_the_submission_makes_no_second_job() -> None:
    made = altered(lose_submit_reply())
    first, second = _submissions(made)
    assert first.heard.reply == NoResponse(Cause.RESET, sent=True)
    assert first.sent.request == second.sent.request
    assert ("idempotency-key", "redacted-key-1") in second.sent.request.headers
    urls = {one.sent.request.url for one in Story.of(made).exchanges if one.is_look}
    assert len(urls) == 1
    assert done(made).state == "Completed"


def test_a_lost_reply_without_a_key_is_never_asked_for_again() -> None:
    unkeyed = SCRIPT.cassette(order=bide.Order("model-1", {"prompt": "a fox"}))
    made = altered(lose_submit_reply(), cassette=unkeyed)
    assert len(_submissions(made)) == 1
    assert (done(made).state, done(made).says) == ("Abandoned", bide.Reason.AMBIGUOUS.value)


def test_a_connection_that_was_never_made_is_tried_again_even_without_a_key() -> None:
    unkeyed = SCRIPT.cassette(order=bide.Order("model-1", {"prompt": "a fox"}))
    made = altered(drop_connection(at=0.0, phase="connect"), cassette=unkeyed)
    first, second = _submissions(made)
    assert first.heard.reply == NoResponse(Cause.UNREACHABLE, sent=False)
    assert second.after is not None
    assert done(made).state == "Completed"


@pytest.mark.parametrize("phase", ["send", "head", "body"])
def test_a_connection_that_is_cut_is_backed_off_from(phase: str) -> None:
    heard, wait, _ = _struck(altered(drop_connection(at=3.0, phase=phase)))  # type: ignore[arg-type]
    assert heard.reply == NoResponse(Cause.RESET, sent=True)
    assert wait.why == "backoff"
    assert 250 <= wait.ms <= 500


@pytest.mark.parametrize("phase", ["head", "body"])
def test_the_head_of_a_reply_whose_body_is_cut_is_heard(phase: str) -> None:
    limited = insert(429, retry_after=7, at=3.0)
    made = altered(limited, drop_connection(at=3.0, phase=phase))  # type: ignore[arg-type]
    heard, wait, _ = _struck(made)
    assert isinstance(heard.reply, NoResponse)
    assert (heard.reply.head is None) is (phase == "head")
    assert heard.reply.head is None or (heard.reply.head.status, heard.reply.head.body) == (429, b"")
    assert (wait.why == "retry-after") is (phase == "body")
    assert loads(text_of(made)).events == made.events


def test_a_certificate_that_is_not_accepted_ends_it() -> None:
    made = altered(drop_connection(at=3.0, phase="connect", cause=Cause.UNTRUSTED))
    assert (done(made).state, done(made).says) == ("Abandoned", bide.Reason.UNTRUSTED.value)


def test_a_reply_that_was_replaced_is_not_known_of() -> None:
    end = next(one for one in Story.of(CASSETTE).exchanges if one.is_end)
    made = altered(replace_reply(503, at=end.sent.t / 1000))
    heard, wait, _ = _struck(made, end.sent.t)
    assert isinstance(heard.reply, Response)
    assert (heard.reply.status, wait.why) == (503, "backoff")
    with_insert = altered(insert(503, at=end.sent.t / 1000))
    assert done(with_insert).state == "Completed"
    assert done(made).state == "Abandoned"  # the only reply that told of the end never came


def test_replacing_the_only_submission_leaves_its_reply_to_the_next() -> None:
    made = altered(replace_reply(503, at=0.0))
    assert len(_submissions(made)) == 2
    assert done(made).state == "Completed"


def test_an_outage_refuses_all_that_is_asked_meanwhile() -> None:
    made = altered(outage(at=3.0, for_ms=5000))
    meanwhile = [one for one in Story.of(made).exchanges if 3000 <= one.sent.t < 8000]
    replies = [one.heard.reply for one in meanwhile]
    assert len(replies) > 1
    assert all(isinstance(reply, Response) and reply.status == 503 for reply in replies)
    assert done(made).state == "Completed"


def test_a_delay_is_waited_for_and_no_longer_than_the_timeout() -> None:
    heard, _, _ = _struck(altered(delay(at=3.0, ms=900)))
    assert heard.t == STRUCK + 40 + 900
    heard, wait, _ = _struck(altered(delay(at=3.0, ms=60_000)))
    assert heard.t == STRUCK + 30_000
    assert heard.reply == NoResponse(Cause.TIMEOUT, sent=True)
    assert wait.why == "backoff"


@pytest.mark.parametrize("edit", [truncate_body(at=3.0, n=9), corrupt(at=3.0)], ids=repr)
def test_a_spoilt_body_is_asked_for_again(edit: Edit) -> None:
    _, wait, _ = _struck(altered(edit))
    assert (wait.state, wait.why) == ("Polling", "backoff")


def test_a_spoilt_result_is_never_taken_for_one() -> None:
    fetched = next(one for one in Story.of(CASSETTE).exchanges if isinstance(one.before, bide.Fetching))
    made = altered(truncate_body(at=fetched.sent.t / 1000, n=20))
    assert _struck(made, fetched.sent.t)[1].state == "Fetching"
    assert (done(made).state, done(made).says) == ("Completed", done(CASSETTE).says)


def test_a_duplicate_tells_nothing_new() -> None:
    before_the_end = [one for one in Story.of(CASSETTE).exchanges if one.is_unfinished][-1]
    made = altered(duplicate(at=before_the_end.sent.t / 1000))
    kept = [one.heard.reply for one in Story.of(made).exchanges if one.sent.t >= before_the_end.sent.t]
    assert kept[0] == kept[1] == before_the_end.heard.reply
    assert done(made).t > done(CASSETTE).t


def test_a_body_that_is_not_there_cannot_be_spoilt() -> None:
    lost = altered(drop_connection(at=3.0))
    with pytest.raises(InvalidCassette, match=r"the reply at 4.120 s has no body"):
        edited(lost, corrupt(at=3.0))


def test_edits_go_one_after_another_and_are_told() -> None:
    made = altered(insert(429, retry_after=7, at=3.0), stuck("PROCESSING", for_ms=9000), cut(at=20.0))
    assert made.events[-1].t <= 20_000
    assert loads(text_of(made)).events == made.events
    assert loads(text_of(made)).head == made.head


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (insert(at=99.0), r"lane job#1 ends at 14\.\d+ s, before 99.000 s"),
        (insert(at=14.35), r"changes nothing in lane job#1: nothing is asked then"),
        (suspend(at=3.0, ms=10), r"suspended for 10 ms at 3.000 s changes nothing"),
        (stuck("PONDERING", for_ms=5), r"is never seen at the status 'PONDERING'; it is seen at: PENDING, PROCESSING"),
        (flap("PENDING", "PONDERING"), r"never seen at the status 'PONDERING'"),
        (expire_link(after=3.0), r"no address in lane job#1 has a query, so none is signed"),
        (cut(at=-1.0), r"lane job#1 begins only at 0.000 s"),
        (skew(server_ms=0), r"changes nothing"),
    ],
    ids=repr,
)
def test_an_edit_that_makes_no_sense_says_why(edit: Edit, why: str) -> None:
    with pytest.raises(InvalidCassette, match=why):
        edited(CASSETTE, edit)


def test_only_a_submission_can_lose_its_reply() -> None:
    watched = replace(CASSETTE, events=SCRIPT.cassette(pace=bide.Every(2), cancel_at=7.0).events)
    second = [n for n, event in enumerate(watched.events) if isinstance(event, Open)][1]
    with pytest.raises(InvalidCassette, match=r"no submission in lane job#1 was answered"):
        edited(replace(watched, events=watched.events[second:]), lose_submit_reply())


def test_nothing_can_be_edited_where_nothing_is_asked_or_nobody_decides() -> None:
    with pytest.raises(InvalidCassette, match=r"no submission in lane job#1 was answered"):
        edited(replace(CASSETTE, events=CASSETTE.events[:2]), lose_submit_reply())
    bare = replace(CASSETTE, events=(Open("job#1", 0), *CASSETTE.events[2:4]))
    with pytest.raises(InvalidCassette, match="has exchanges without a job"):
        edited(bare, insert())


def test_only_the_lane_that_is_named_changes() -> None:
    other = tuple(replace(event, lane="job#2") for event in CASSETTE.events if not isinstance(event, Open))
    opened = [replace(event, lane="job#2") for event in CASSETTE.events if isinstance(event, Open)]
    two = replace(CASSETTE, events=(*CASSETTE.events, *opened, *other))
    made = edited(two, insert(503, at=3.0), lane="job#1")
    assert made.lanes["job#2"] == two.lanes["job#2"]
    assert made.lanes["job#1"] == altered(insert(503, at=3.0)).lanes["job#1"]


def test_a_signed_address_runs_out() -> None:
    signed = Script().state(14.2, "Succeeded").cassette(Declared(named("azure-core")), pace=bide.Every(2))
    made = altered(expire_link(after=5.0), cassette=signed)
    assert (done(made).state, done(made).says) == ("Abandoned", bide.Reason.UNAUTHORISED.value)
    assert 5000 <= done(made).t < 14_000
