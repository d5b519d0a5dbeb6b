"""Scripts: a service told by the clock, as a cassette that the core decided, and live in memory."""

from __future__ import annotations

import pytest

import bide
from bide.dialect import Phase
from bide.dialects.declared import Declared
from bide.dialects.vendors import named, names
from bide.errors import InvalidSetting
from bide.messages import Request, Response
from bide_transports.cassette.files import loads, text_of
from bide_transports.cassette.redaction import STANDARD, scan
from bide_transports.cassette.scripted.script import Script, meaning, voice_of
from bide_transports.cassette.tape import Cassette, Done, Heard, Open, Wait
from bide_transports.cassette.verify import verify
from bide_transports.requests import Client, run
from bide_transports.testing.voice import Record
from tests.laws import DIALECTS

SCRIPT = Script().submit(202, retry_after=2).state(0, "PENDING").state(2.5, "PROCESSING", progress=0.2)
DONE = SCRIPT.state(14.2, "COMPLETED").result("a picture of a fox")


def _heard(cassette: Cassette) -> list[Response]:
    return [e.reply for e in cassette.events if isinstance(e, Heard) and isinstance(e.reply, Response)]


def _done(cassette: Cassette) -> Done:
    done = cassette.events[-1]
    assert isinstance(done, Done)
    return done


def test_a_script_is_a_cassette_that_the_core_decided() -> None:
    cassette = DONE.cassette(pace=bide.Every(2))
    verify(cassette)
    assert (cassette.head.by, cassette.head.dialect) == ("scenario", "modelroute")
    waits = [(event.ms, event.why) for event in cassette.events if isinstance(event, Wait)]
    assert waits[:3] == [(0, "at once"), (2000, "retry-after"), (2000, "pace")]
    assert [b'"progress": 0.2' in reply.body for reply in _heard(cassette)][1:4] == [False, True, True]
    assert b"a picture of a fox" in _heard(cassette)[-1].body
    assert 14_200 <= _done(cassette).t <= 14_200 + 2000 + 160


def test_equal_scripts_are_equal_cassettes() -> None:
    texts = {text_of(DONE.cassette(pace=bide.Growing())) for _ in range(5)}
    assert len(texts) == 1
    (text,) = texts
    assert loads(text).head == DONE.cassette().head
    assert scan(text.decode(), STANDARD) == []
    assert text_of(DONE.cassette(seed="job#2")) != text


def test_the_order_does_not_matter_in_which_states_are_told() -> None:
    turned = Script().state(14.2, "COMPLETED").state(0, "PENDING").state(2.5, "PROCESSING", progress=0.2)
    assert turned.submit(202, retry_after=2).result("a picture of a fox") == DONE


@pytest.mark.parametrize("name", names())
def test_any_declared_vendor_follows_a_script(name: str) -> None:
    dialect, call = Declared(named(name)), named(name).submit
    assert call is not None
    takes_input = bool(call.gaps & {"input", "input_json"})  # a DELETE has no place for any
    order = bide.Order("model-1", {"prompt": "a fox"} if takes_input else {}, "key-1")
    cassette = Script().state(5, phase=Phase.SUCCEEDED).cassette(dialect, pace=bide.Every(2), order=order)
    verify(cassette)
    assert _done(cassette).state == "Completed"
    assert 5000 <= _done(cassette).t <= 7200
    failed = Script().state(5, phase=Phase.FAILED).cassette(dialect, pace=bide.Every(2), order=order)
    assert _done(failed).state == "Failed"


def test_a_word_means_what_the_dialect_says() -> None:
    runway = Declared(named("runway"))
    assert meaning("SUCCEEDED", runway) is Phase.SUCCEEDED
    assert meaning("succeeded", bide.ModelRoute()) is Phase.UNFINISHED
    assert meaning("completed", bide.ModelRoute()) is Phase.SUCCEEDED
    assert meaning("", bide.ModelRoute()) is Phase.UNFINISHED


@pytest.mark.parametrize(
    ("word", "state"),
    [("FAILED", "Failed"), ("EXPIRED", "Expired"), ("CANCELLED", "Cancelled"), ("COMPLETED", "Completed")],
)
def test_a_job_may_be_over_at_once_or_end_in_any_way(word: str, state: str) -> None:
    assert _done(Script().state(0, word).cassette()).state == state
    assert _done(Script().state(9, word).cassette()).state == state


def test_a_refusal_is_heard_at_its_time_and_so_often() -> None:
    cassette = DONE.refuse(429, retry_after=7, at=5.0, times=2).cassette(pace=bide.Every(2))
    verify(cassette)
    assert [reply.status for reply in _heard(cassette)].count(429) == 2
    assert [e.ms for e in cassette.events if isinstance(e, Wait) and e.why == "retry-after"] == [2000, 7000, 7000]


def test_a_limit_is_told_in_the_vendors_fields() -> None:
    cassette = DONE.limit(3, window=30).cassette(pace=bide.Every(2))
    verify(cassette)
    assert [reply.headers.get("x-ratelimit-remaining") for reply in _heard(cassette)][:3] == ["2", "1", "0"]
    assert 429 not in [reply.status for reply in _heard(cassette)]  # the core reads it before it is refused
    assert "quota" in [event.why for event in cassette.events if isinstance(event, Wait)]


def test_a_client_that_does_not_keep_to_the_limit_is_refused() -> None:
    stage = DONE.limit(1).stage()
    look = stage.voice.request("poll", stage.record)
    assert [getattr(stage.exchange(look), "status", None) for _ in range(2)] == [200, 429]


def test_a_lost_submission_arrives_once() -> None:
    stage = DONE.drop(at=0.0).stage()
    job = bide.submit(stage.order, dialect=stage.dialect, now=stage.clock.now())
    assert isinstance(run(job, stage.exchange, stage.clock), bide.Completed)
    assert stage.submitted == ["key-1", "key-1"]
    unmade = DONE.drop(at=0.0, sent=False).stage()
    job = bide.submit(unmade.order, dialect=unmade.dialect, now=unmade.clock.now())
    assert isinstance(run(job, unmade.exchange, unmade.clock), bide.Completed)
    assert unmade.submitted == ["key-1"]


def test_a_clock_that_is_ahead_decides_nothing() -> None:
    def waits(skew: float) -> list[int]:
        cassette = DONE.limit(3, window=30).skew(skew).cassette(pace=bide.Every(2))
        return [event.ms for event in cassette.events if isinstance(event, Wait)]

    assert waits(0.0) == waits(90.0) == waits(-3600.0)


def test_a_caller_may_cancel() -> None:
    cassette = SCRIPT.cassette(pace=bide.Every(2), cancel_at=7.0)
    verify(cassette)
    assert [event.t for event in cassette.events if isinstance(event, Open)] == [0, 7000]
    assert _done(cassette).state == "Cancelled"
    too_late = Script().state(6.5, "COMPLETED").cassette(pace=bide.Every(3), cancel_at=7.0)
    verify(too_late)
    assert _done(too_late).state == "Completed"


def test_a_stage_stands_in_for_a_service() -> None:
    stage = DONE.stage()
    with Client(bide.NoKey(), clock=stage.clock) as client:
        order = client.prepare("any-model", {"prompt": "anything"})
        done = run(order, stage.exchange, stage.clock)
    assert isinstance(done, bide.Completed)
    assert "a picture of a fox" in done.result.raw
    (file,) = done.result.files
    picture = stage.exchange(stage.dialect.locate(file))
    assert isinstance(picture, Response)
    assert picture.body.startswith(b"\x89PNG")


def test_a_result_is_not_there_before_its_time() -> None:
    stage = DONE.stage()
    early = stage.exchange(stage.voice.request("fetch", stage.record))
    assert isinstance(early, Response)
    assert (early.status, b"RESULT_NOT_FOUND" in early.body) == (404, True)


def test_a_refusal_has_the_status_code_that_every_vendor_has_for_it() -> None:
    cassette = SCRIPT.state(3.0, phase=Phase.UNPAID).cassette(pace=bide.Every(2))
    assert _heard(cassette)[-1].status == 402
    assert _done(cassette).says == bide.Reason.UNPAID.value


def test_a_stage_knows_no_other_address() -> None:
    reply = DONE.stage().exchange(Request("GET", "https://api.modelroute.ai/v1/else"))
    assert isinstance(reply, Response)
    assert reply.status == 404


def test_a_vendor_without_such_words_says_why() -> None:
    told = Script().state(2, "Running", progress=0.5)
    with pytest.raises(InvalidSetting, match="fal cannot say what the script tells: a reply never tells progress"):
        told.cassette(Declared(named("fal")))


def test_a_dialect_that_is_code_needs_a_voice() -> None:
    class Other:
        name = "other"

    with pytest.raises(InvalidSetting, match="other is not declared as data: give a voice"):
        voice_of(Other())  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", [dialect for dialect, _ in DIALECTS], ids=lambda dialect: dialect.name)
def test_a_voice_is_found_for_what_speaks_for_itself(dialect: bide.Dialect) -> None:
    record = Record(bide.Order("m", {}, "key"), "job-1", f"{dialect.origin}/waiting/job-1", "https://elsewhere.example")
    assert voice_of(dialect).request("submit", record).method in ("POST", "PUT")
