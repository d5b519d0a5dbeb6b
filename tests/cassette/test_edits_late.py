"""Edits of what a real client recorded: each request goes out some milliseconds after it was due."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

import bide
from bide.messages import Cause, NoResponse, Reply, Response
from bide_transports.cassette.changing.bending import Edit
from bide_transports.cassette.changing.edits import (
    delay,
    drop_connection,
    duplicate,
    edited,
    insert,
    lose_submit_reply,
    outage,
    replace_reply,
)
from bide_transports.cassette.changing.edits_of_time import expire_link, flap, stuck, suspend
from bide_transports.cassette.changing.story import Exchanged, Story
from bide_transports.cassette.recording import record
from bide_transports.cassette.tape import Cassette, InvalidCassette
from bide_transports.emulator import Drop, Fault, InMemory, Plan, Service, VirtualClock, unavailable
from bide_transports.requests import follow
from tests.cassette.altered import altered, done

LATE = 0.007  # seconds
STRIKES: dict[str, Callable[[float], Edit]] = {
    "insert": lambda at: insert(503, at=at),
    "replace_reply": lambda at: replace_reply(503, at=at),
    "outage": lambda at: outage(at=at, for_ms=1, status=503),
    "drop_connection": lambda at: drop_connection(at=at),
    "delay": lambda at: delay(at=at, ms=900),
}
#: By the end of the lane in seconds.
NOTHINGS: dict[str, Callable[[float], Edit]] = {
    "insert": lambda end: insert(503, at=end),
    "replace": lambda end: replace_reply(503, at=end),
    "drop": lambda end: drop_connection(at=end),
    "outage at the end": lambda end: outage(at=end - 1, for_ms=1),
    "outage between two requests": lambda _: outage(at=0.009, for_ms=1),
    "delay": lambda _: delay(at=1.0, ms=0),
    "suspend": lambda _: suspend(at=1.0, ms=1),
    "stuck": lambda _: stuck("PROCESSING", for_ms=0),
    "expire": lambda _: expire_link(after=9999.0),
}


class _Late(VirtualClock):
    @override
    def sleep_until(self, due: float) -> None:
        super().sleep_until(max(due, self.now()) + LATE)


def _recorded(path: Path, *faults: Fault) -> Cassette:
    clock, service = _Late(), Service(default=Plan(duration=9.0), faults=faults)
    order = bide.Order("flux-1.1-pro", {"prompt": "a heron"}, "11111111-2222-4333-8444-555555555555")
    job = bide.submit(order, dialect=service.dialect, now=clock.now(), pace=bide.Every(2))
    with record(path / "late.cassette.jsonl") as tape:
        lane = tape.lane(job, InMemory(service, clock, latency=0.04).exchange, clock)
        assert [*follow(lane.job, lane.exchange, lane.clock)]
    assert tape.cassette is not None
    return tape.cassette


@pytest.fixture
def late(tmp_path: Path) -> Cassette:
    return _recorded(tmp_path)


def _exchanges(cassette: Cassette) -> tuple[Exchanged, ...]:
    return Story.of(cassette).exchanges


def _replies(cassette: Cassette) -> list[Reply]:
    return [one.heard.reply for one in _exchanges(cassette)]


def _looks(cassette: Cassette) -> list[int]:
    return [n for n, one in enumerate(_exchanges(cassette)) if one.is_look]


def test_no_request_of_the_recording_goes_out_when_it_is_due(late: Cassette) -> None:
    assert all(one.sent.t - (one.planned or 0) == 7 for one in _exchanges(late))


def test_the_reply_to_the_submission_is_the_one_that_is_lost(late: Cassette) -> None:
    made = altered(lose_submit_reply(), cassette=late)
    first, second = _exchanges(made)[:2]
    assert (first.is_submission, second.is_submission) == (True, True)
    assert first.heard.reply == NoResponse(Cause.RESET, sent=True)
    assert first.sent == _exchanges(late)[0].sent, "it goes out when it did"
    assert done(made).state == "Completed"


@pytest.mark.parametrize("fault", [unavailable(), Drop("before")], ids=["refused", "cut"])
def test_what_loses_its_reply_is_a_submission_that_arrived(tmp_path: Path, fault: Response | Drop) -> None:
    recorded = _recorded(tmp_path, Fault("submit", fault))
    made = altered(lose_submit_reply(), cassette=recorded)
    first, second, third = _exchanges(made)[:3]
    assert all(one.is_submission for one in (first, second, third))
    assert first == _exchanges(recorded)[0]
    assert second.heard.reply == NoResponse(Cause.RESET, sent=True)
    assert isinstance(third.heard.reply, Response)


@pytest.mark.parametrize("strike", STRIKES)
@pytest.mark.parametrize("n", [0, 1, 2, -1], ids=["the first", "the second", "the third", "the last"])
def test_an_edit_strikes_the_request_that_goes_out_at_its_instant(late: Cassette, strike: str, n: int) -> None:
    before = _exchanges(late)
    struck = before[n]
    made = _exchanges(altered(STRIKES[strike](struck.sent.t / 1000), cassette=late))
    n %= len(before)
    assert [one.sent for one in made[: n + 1]] == [one.sent for one in before[: n + 1]]
    assert made[:n] == before[:n]
    assert made[n].heard != struck.heard


def test_a_copy_of_a_reply_is_given_to_the_next_request(late: Cassette) -> None:
    (_, second, third, *_) = _looks(late)
    made = altered(duplicate(at=_exchanges(late)[second].sent.t / 1000), cassette=late)
    assert _replies(made)[second] == _replies(made)[third] == _replies(late)[second]


def test_a_word_goes_back_at_the_look_after_it_was_first_said(late: Cassette) -> None:
    said = [one.after.past.status for one in _exchanges(late) if one.after is not None and one.is_look]
    words = [*dict.fromkeys(said[:-1])]
    assert len(words) > 1
    first = next(n for n in _looks(late) if _exchanges(late)[n].after.past.status == words[1])  # type: ignore[union-attr]
    made = altered(flap(words[0], words[1]), cassette=late)
    assert [_exchanges(made)[n].after.past.status for n in (first, first + 1)] == [words[1], words[0]]  # type: ignore[union-attr]


def test_a_machine_falls_asleep_before_the_request_that_is_late(late: Cassette) -> None:
    second = _exchanges(late)[1].sent.t
    made = altered(suspend(at=(second - 3) / 1000, ms=5000), cassette=late)
    assert _exchanges(made)[1].sent.t == second - 3 + 5000


@pytest.mark.parametrize("nothing", NOTHINGS)
def test_an_edit_that_strikes_nothing_is_refused(late: Cassette, nothing: str) -> None:
    with pytest.raises(InvalidCassette, match=r"changes nothing in lane|so none is signed"):
        edited(late, NOTHINGS[nothing](late.events[-1].t / 1000))


def test_a_reply_that_no_request_is_left_for_is_not_given_twice(late: Cassette) -> None:
    with pytest.raises(InvalidCassette, match="changes nothing in lane"):
        edited(late, duplicate(at=_exchanges(late)[-1].sent.t / 1000))
