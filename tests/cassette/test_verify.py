"""`verify`: the core alone follows every cassette, and says exactly where it would have gone another way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import bide
from bide.messages import NoResponse, Request, Response
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load
from bide_transports.cassette.tape import Cassette, Done, Event, Heard, InvalidCassette, Omitted, Open, Send, Wait
from bide_transports.cassette.verify import Verified, verify
from tests.cassette.scenes import RECORDED, SCENES

CASSETTES = sorted(RECORDED.glob("*.cassette.jsonl"))


def _cassette(name: str) -> Cassette:
    return load(RECORDED / f"{name}.cassette.jsonl")


def _with(cassette: Cassette, index: int, *events: Event, instead: int = 1) -> Cassette:
    """The cassette with `events` at `index`, instead of so many."""
    return replace(cassette, events=(*cassette.events[:index], *events, *cassette.events[index + instead :]))


def _index(cassette: Cassette, kind: type[Event], nth: int = 0) -> int:
    return [n for n, event in enumerate(cassette.events) if isinstance(event, kind)][nth]


def test_there_is_a_cassette_of_every_scene() -> None:
    assert {path.name.removesuffix(".cassette.jsonl") for path in CASSETTES} == SCENES.keys()


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.name.removesuffix(".cassette.jsonl"))
def test_the_core_decides_as_it_did(path: Path) -> None:
    cassette = load(path)
    told = verify(cassette)
    exchanges = sum(isinstance(event, Heard) for event in cassette.events)
    opens = sum(isinstance(event, Open) for event in cassette.events)
    assert told == Verified(1, exchanges, exchanges + opens)
    assert isinstance(cassette.events[-1], Done)


def test_another_wait_is_told_with_both_sides_and_the_way_on() -> None:
    cassette = _cassette("waits-as-long-as-it-is-told")
    index = next(n for n, event in enumerate(cassette.events) if isinstance(event, Wait) and event.why == "retry-after")
    wait = cassette.events[index]
    assert isinstance(wait, Wait)
    with pytest.raises(ReplayDiverged) as caught:
        verify(_with(cassette, index, replace(wait, ms=860, why="backoff")))
    error = caught.value
    assert (error.lane, error.step, error.policy_diff) == (wait.lane, index, ())
    assert (error.expected, error.actual) == (replace(wait, ms=860, why="backoff"), wait)
    message = str(error)
    assert f"replay diverged at step {index + 1} of {len(cassette.events)} (first difference" in message
    assert "cassette (recorded):" in message
    assert "wait 860 ms (backoff)" in message
    assert "code (now)" in message
    assert "wait 7000 ms (retry-after)" in message
    assert "ms   cassette 860   code 7000" in message
    assert f"bide cassette settle {cassette.name}" in message


def test_another_request_is_told() -> None:
    cassette = _cassette("a-job-that-completes")
    index = _index(cassette, Send, 1)
    send = cassette.events[index]
    assert isinstance(send, Send)
    for other in (
        replace(send.request, method="POST"),
        replace(send.request, url=send.request.url + "?x=1"),
        replace(send.request, headers=(*send.request.headers, ("prefer", "wait"))),
        replace(send.request, body=b"{}"),
        replace(send.request, credential=False),
        replace(send.request, repeatable=False),
    ):
        with pytest.raises(ReplayDiverged) as caught:
            verify(_with(cassette, index, replace(send, request=other)))
        assert (caught.value.step, caught.value.actual) == (index, send)


def test_a_request_before_its_time_is_told() -> None:
    cassette = _cassette("a-job-that-completes")
    index = _index(cassette, Send, 1)
    send = cassette.events[index]
    early = replace(send, t=send.t - 1)
    with pytest.raises(ReplayDiverged, match=f"t   cassette {early.t}   code {send.t}"):
        verify(_with(cassette, index, early))


def test_another_end_is_told() -> None:
    cassette = _cassette("fails")
    done = cassette.events[-1]
    assert isinstance(done, Done)
    with pytest.raises(ReplayDiverged, match="SLEEPY") as caught:
        verify(_with(cassette, len(cassette.events) - 1, replace(done, says="SLEEPY")))
    assert caught.value.actual == done


def test_what_is_missing_or_too_much_is_told() -> None:
    cassette = _cassette("a-job-that-completes")
    end, last = len(cassette.events) - 1, cassette.events[-2]
    with pytest.raises(ReplayDiverged, match=r"cassette \(recorded\): nothing more"):
        verify(_with(cassette, end))
    heard = cassette.events[_index(cassette, Heard)]
    with pytest.raises(ReplayDiverged, match=r"code \(now\) *: nothing more"):
        verify(_with(cassette, end + 1, heard, instead=0))
    send = cassette.events[_index(cassette, Send)]
    with pytest.raises(ReplayDiverged):
        verify(_with(cassette, end + 1, replace(send, t=last.t), last, instead=0))


def test_a_reply_that_was_changed_leads_elsewhere() -> None:
    cassette = _cassette("a-job-that-completes")
    index = _index(cassette, Heard, 2)
    heard = cassette.events[index]
    for reply in (Response(429), Response(200), NoResponse(bide.Cause.RESET, sent=True)):
        with pytest.raises(ReplayDiverged) as caught:
            verify(_with(cassette, index, Heard(heard.lane, heard.t, reply)))
        assert caught.value.step == index + 1


def test_wire_heeds_what_is_sent_and_not_when() -> None:
    cassette = _cassette("waits-as-long-as-it-is-told")
    events = tuple(
        replace(event, ms=event.ms + 40, floor=0, why="pace") if isinstance(event, Wait) else event
        for event in cassette.events
    )
    with pytest.raises(ReplayDiverged):
        verify(replace(cassette, events=events))
    assert verify(replace(cassette, events=events), strict="wire").lanes == 1
    wait = events[_index(cassette, Wait)]
    assert isinstance(wait, Wait)
    with pytest.raises(ReplayDiverged, match='state   cassette "Fetching"   code "Submitting"'):
        verify(_with(cassette, _index(cassette, Wait), replace(wait, state="Fetching")), strict="wire")


def test_a_body_that_was_left_out_cannot_be_judged() -> None:
    cassette = _cassette("a-job-that-completes")
    index = _index(cassette, Heard)
    heard = cassette.events[index]
    assert isinstance(heard, Heard)
    with pytest.raises(InvalidCassette, match="of 99999 bytes was too large to be kept"):
        verify(_with(cassette, index, replace(heard, omitted=Omitted(99999, "ab"))))


def test_a_lane_without_a_job_is_left_as_it_is() -> None:
    head = _cassette("fails").head
    get = Request("GET", "https://api.modelroute.test/v1/models")
    events = (Open("any#1", 0), Send("any#1", 0, get), Heard("any#1", 30, Response(200, body=b"[]")))
    assert verify(Cassette(head, events)) == Verified(1, 1, 0)


def test_a_dialect_that_bide_does_not_have_is_asked_for() -> None:
    cassette = _cassette("a-job-that-completes")
    strange = replace(cassette, head=replace(cassette.head, dialect="acme"))
    with pytest.raises(InvalidCassette, match="speaks 'acme', which does not come with bide: give the dialect"):
        verify(strange)
    with pytest.raises(InvalidCassette, match=r"belongs to modelroute at https://api\.modelroute\.test:443, not to"):
        verify(cassette, dialect=bide.ModelRoute("https://else.example"))
