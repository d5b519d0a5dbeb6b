"""A cassette as a service: what would it have answered to this, at that time?"""

from __future__ import annotations

from dataclasses import replace

import pytest

import bide
from bide.messages import Headers, Reply, Response
from bide_transports.cassette.changing.by_time import Asking, Bracket, Timeline, bracket
from bide_transports.cassette.changing.moving import ahead, born_later, imf, later
from bide_transports.cassette.changing.story import Story
from bide_transports.cassette.files import load
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Heard, InvalidCassette
from tests.cassette.scenes import RECORDED

CASSETTE = Script().state(2.5, "PROCESSING").state(14.2, "COMPLETED").cassette(pace=bide.Every(2))


def _story(cassette: Cassette = CASSETTE) -> Story:
    return Story.of(cassette)


def _asks(story: Story, kind: type, t: int) -> Asking:
    job = next(one.before for one in story.exchanges if isinstance(one.before, kind))
    assert isinstance(job, bide.Waiting)
    sent = next(one.sent.request for one in story.exchanges if isinstance(one.before, kind))
    return Asking(job, sent, t, t)


def _status(reply: Reply) -> str:
    assert isinstance(reply, Response)
    return next(word for word in ("PROCESSING", "COMPLETED") if word.encode() in reply.body)


def test_a_look_at_the_recorded_instant_has_the_recorded_answer() -> None:
    story = _story()
    for one in story.exchanges:
        answer = Timeline(story, story.exchanges).answer(Asking(one.before, one.sent.request, one.sent.t, one.sent.t))  # type: ignore[arg-type]
        assert (answer.reply, answer.ms) == (one.heard.reply, one.ms)


def test_between_two_looks_the_last_one_holds() -> None:
    story = _story()
    timeline = Timeline(story, story.exchanges)
    end = next(one for one in story.exchanges if one.is_end)
    assert _status(timeline.answer(_asks(story, bide.Polling, end.sent.t - 1)).reply) == "PROCESSING"
    assert _status(timeline.answer(_asks(story, bide.Polling, end.sent.t)).reply) == "COMPLETED"
    assert _status(timeline.answer(_asks(story, bide.Polling, 10**6)).reply) == "COMPLETED"


def test_a_look_before_the_first_one_is_told_what_the_submission_was() -> None:
    story = _story(Script().state(1.0, "COMPLETED").cassette(pace=bide.Every(4)))
    answer = Timeline(story, story.exchanges).answer(_asks(story, bide.Polling, 500))
    assert _status(answer.reply) == "PROCESSING"
    assert answer.ms == 40


def test_where_that_tells_nothing_the_first_look_is_told_no_earlier_than_it_was() -> None:
    story = _story(Script().state(1.0, "COMPLETED").cassette(pace=bide.Every(4)))
    end = next(one for one in story.exchanges if one.is_end)
    looks = [one for one in story.exchanges if not one.is_submission]
    answer = Timeline(story, looks).answer(_asks(story, bide.Polling, 500))
    assert 500 + answer.ms == end.heard.t


def test_a_submission_that_arrives_later_makes_the_job_later() -> None:
    story = _story()
    timeline = Timeline(story, story.exchanges)
    submitted = timeline.answer(_asks(story, bide.Submitting, 7000))
    end = next(one for one in story.exchanges if one.is_end)
    assert isinstance(submitted.reply, Response)
    assert _status(timeline.answer(_asks(story, bide.Polling, end.sent.t + 6999)).reply) == "PROCESSING"
    assert _status(timeline.answer(_asks(story, bide.Polling, end.sent.t + 7000)).reply) == "COMPLETED"


def test_a_cancellation_has_its_effect_whenever_it_comes() -> None:
    story = _story(Script().cassette(pace=bide.Every(2), cancel_at=9.0))
    timeline = Timeline(story, story.exchanges)
    look = _asks(story, bide.Polling, 60_000)
    assert _status(timeline.answer(look).reply) == "PROCESSING"
    timeline.answer(_asks(story, bide.Cancelling, 70_000))
    after = timeline.answer(look._replace(t=71_000, at=71_000)).reply
    assert isinstance(after, Response)
    assert b"CANCELLED" in after.body


def test_looks_and_cancellations_are_told_apart_by_the_job_alone() -> None:
    at_the_end = (
        Script()
        .state(40.0, "COMPLETED")
        .refuse(503, on="cancel")
        .cassette(pace=bide.Every(2), patience=bide.Patience(deadline=9.0), cancel_at=8.0)
    )
    kinds = [one.is_cancellation for one in _story(at_the_end).exchanges if isinstance(one.before, bide.Cancelling)]
    assert kinds == [True, False, True, False]
    sent_on = load(RECORDED / "is-cancelled-at-the-second-try.cassette.jsonl")
    second = [one for one in _story(sent_on).exchanges if isinstance(one.before, bide.Cancelling)]
    assert [(one.is_look, one.is_cancellation) for one in second] == [(False, True), (True, False), (False, True)]


def test_a_look_that_is_sent_on_is_a_look() -> None:
    story = _story(load(RECORDED / "is-found-at-another-address.cassette.jsonl"))
    looks = [one for one in story.exchanges if one.is_look]
    assert len(looks) == len(story.exchanges) - 2  # beside the submission and the result
    assert sum(one.is_unfinished for one in looks) == len(looks) - 3  # two were sent on, one saw the end


def test_a_submission_that_is_sent_on_begins_the_job_where_it_arrives() -> None:
    story = _story(load(RECORDED / "is-submitted-at-another-address.cassette.jsonl"))
    timeline = Timeline(story, story.exchanges)
    first, second, *_ = story.exchanges
    timeline.passed(first, 0)
    assert timeline.born is None
    timeline.passed(second, 5040)
    assert timeline.late == 5000


def test_what_was_never_asked_has_no_answer() -> None:
    story = _story()
    asking = _asks(story, bide.Polling, 3000)
    with pytest.raises(InvalidCassette, match=r"lane job#1 now asks GET https://elsewhere.example/ at 3.000 s"):
        Timeline(story, story.exchanges).answer(
            asking._replace(request=replace(asking.request, url="https://elsewhere.example/"))
        )


def test_an_end_is_known_as_a_bracket() -> None:
    story = _story()
    known = bracket(story.exchanges)
    assert known is not None
    assert known.after <= 14_200 <= known.by
    assert known.by - known.after <= 2 * 2000
    unfinished = replace(CASSETTE, events=CASSETTE.events[:8])
    assert bracket(_story(unfinished).exchanges) is None


def test_an_end_at_the_first_look_is_bracketed_by_the_submission() -> None:
    story = _story(Script().state(1.0, "COMPLETED").cassette(pace=bide.Every(4)))
    assert bracket(story.exchanges) == Bracket(0, 4080)


# -- replies at another time -------------------------------------------------------------------------------------------


def _moved(status: int, ms: int, *fields: tuple[str, str], quota: tuple[str, str, str] | None = None) -> dict[str, str]:
    reply = later(Response(status, Headers.of(fields)), ms, quota)
    assert isinstance(reply, Response)
    return dict(reply.headers)


def test_the_services_clock_goes_on() -> None:
    assert _moved(200, 61_000, ("Date", "Sat, 05 Jan 2030 08:00:00 GMT")) == {"date": "Sat, 05 Jan 2030 08:01:01 GMT"}
    assert _moved(200, 61_000, ("Date", "yesterday")) == {"date": "yesterday"}
    assert imf(1893830400.9) == "Sat, 05 Jan 2030 08:00:00 GMT"


@pytest.mark.parametrize(
    ("name", "status", "value", "then"),
    [
        ("retry-after", 429, "7", "5"),
        ("retry-after", 503, "1", "0"),
        ("retry-after", 200, "7", "7"),  # the service's own pace: told anew with each reply
        ("retry-after", 429, "Sat, 05 Jan 2030 08:00:00 GMT", "Sat, 05 Jan 2030 08:00:00 GMT"),
        ("retry-after-ms", 429, "7000", "4500"),
        ("x-ratelimit-reset", 200, "30", "28"),
        ("x-ratelimit-reset", 200, "1893830460", "1893830460"),
        ("x-ratelimit-reset", 200, "6m0s", "357.5s"),
        ("x-ratelimit-reset", 200, "90ms", "0s"),
        ("x-ratelimit-reset", 200, "30, 6m0s,soon", "28,357.5s,soon"),
        ("x-ratelimit-reset-after", 200, "12.5", "10"),
        ("x-rate-limit-reset", 200, "30", "28"),
        ("x-ratelimit-reset-tokens", 200, "1m", "57.5s"),
        ("x-ratelimit-reset-after-ms", 200, "30000", "27500"),
        ("x-ratelimit-reset", 200, "1893830460000", "1893830460000"),
        ("anthropic-ratelimit-requests-reset", 200, "2030-01-05T08:01:00Z", "2030-01-05T08:01:00Z"),
        ("x-ratelimit-reset", 200, "Sat, 05 Jan 2030 08:01:00 GMT", "Sat, 05 Jan 2030 08:01:00 GMT"),
        ("ratelimit", 200, '"default";r=3;t=12', '"default";r=3;t=10'),
        ("x-own-reset", 200, "30", "28"),
        ("x-other", 200, "30", "30"),
    ],
)
def test_what_counts_down_to_an_instant_shrinks(name: str, status: int, value: str, then: str) -> None:
    assert _moved(status, 2500, (name, value), quota=("x-own-limit", "x-own-left", "x-own-reset")) == {name: then}


def test_a_clock_that_is_ahead_tells_other_instants_and_the_same_spans() -> None:
    fields = [("date", "Sat, 05 Jan 2030 08:00:00 GMT"), ("retry-after", "7"), ("x-ratelimit-reset", "1893830460")]
    reply = ahead(Response(429, Headers.of(fields), b'{"expires_at":"2030-01-05T08:05:00Z"}'), 90_000)
    assert isinstance(reply, Response)
    assert dict(reply.headers) == {
        "date": "Sat, 05 Jan 2030 08:01:30 GMT",
        "retry-after": "7",
        "x-ratelimit-reset": "1893830550",
    }
    assert reply.body == b'{"expires_at":"2030-01-05T08:06:30Z"}'


@pytest.mark.parametrize(
    ("name", "value", "then"),
    [
        ("x-ratelimit-reset", "30", "30"),
        ("x-ratelimit-reset", "1893830460000", "1893830550000"),
        ("x-rate-limit-reset", "1893830460", "1893830550"),
        ("x-ratelimit-reset-ms", "1893830460000", "1893830550000"),
        ("x-ratelimit-reset", "6m0s", "6m0s"),
        ("x-ratelimit-reset", "Sat, 05 Jan 2030 08:01:00 GMT", "Sat, 05 Jan 2030 08:02:30 GMT"),
        ("anthropic-ratelimit-requests-reset", "2030-01-05T08:01:00Z", "2030-01-05T08:02:30Z"),
        ("x-own-reset", "1893830460", "1893830550"),
    ],
)
def test_the_end_of_a_limit_is_told_by_the_clock_that_is_ahead(name: str, value: str, then: str) -> None:
    reply = ahead(Response(200, Headers.of([(name, value)])), 90_000, ("x-own-limit", "x-own-left", "x-own-reset"))
    assert isinstance(reply, Response)
    assert dict(reply.headers) == {name: then}


def test_a_job_that_began_later_ends_later() -> None:
    reply = Response(200, body=b'{"a":"2030-01-05T08:05:00.250Z","b":"2030-13-05T08:05:00Z"}')
    assert born_later(reply, 1500).body == b'{"a":"2030-01-05T08:05:01.750000Z","b":"2030-13-05T08:05:00Z"}'


def test_what_did_not_come_does_not_move() -> None:
    lost = bide.NoResponse(bide.Cause.RESET, sent=True)
    assert later(lost, 5000) is lost
    assert ahead(lost, 5000) is lost


def test_the_only_lane_is_meant_unless_one_is_named() -> None:
    two = replace(CASSETTE, events=(*CASSETTE.events, *(replace(e, lane="job#2") for e in CASSETTE.events)))
    with pytest.raises(InvalidCassette, match="has 2 lanes: name one of"):
        Story.of(two)
    with pytest.raises(InvalidCassette, match="has no lane 'job#3'"):
        Story.of(two, "job#3")
    assert len([e for e in Story.of(two, "job#1").events if isinstance(e, Heard)]) == len(_story().exchanges)
