"""Fuzzing: the laws hold in every run, the signs show, and a broken law is told with no more than it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

import bide
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.messages import Headers, Order, Request, Response
from bide_transports.cassette.changing.story import Story
from bide_transports.cassette.files import load
from bide_transports.cassette.scripted.faults import FAULTS, Dice, dropped, limited, portal, unavailable
from bide_transports.cassette.scripted.fuzz import Fuzzed, fuzz
from bide_transports.cassette.scripted.invariants import LAWS, SIGNS
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Done, Event, Heard, Open, Send
from bide_transports.cassette.verify import verify
from tests.cassette.scenes import RECORDED
from tests.sampling import WHOLE

SCRIPT = Script().state(2.5, "PROCESSING").state(14.2, "COMPLETED")
CASSETTE = SCRIPT.refuse(429, retry_after=7, at=3.0).cassette(pace=bide.Every(2))
RUNS = 160 if WHOLE else 60
UNKEYED = Order("model-1", {"prompt": "a fox"})


@dataclass(frozen=True, slots=True)
class Careless(bide.ModelRoute):
    """Takes every submission for repeatable."""

    def submit(self, order: Order) -> Request:
        return replace(bide.ModelRoute.submit(self, order), repeatable=True)


def _with(old: Event, new: Event, cassette: Cassette = CASSETTE) -> Story:
    return Story.of(replace(cassette, events=tuple(new if event is old else event for event in cassette.events)))


def _sent(nth: int, cassette: Cassette = CASSETTE) -> Send:
    return [event for event in cassette.events if isinstance(event, Send)][nth]


@pytest.mark.parametrize("pace", [bide.Growing(), bide.Every(2), bide.Sparse()], ids=repr)
def test_the_laws_hold_whatever_goes_wrong(pace: bide.Pace) -> None:
    fuzzed = fuzz(SCRIPT, pace, seeds=range(RUNS))
    assert fuzzed.failure is None, str(fuzzed.failure)
    assert fuzzed.runs == RUNS
    assert not fuzzed.unseen, dict(fuzzed.seen)


def test_the_laws_hold_without_a_key() -> None:
    fuzzed = fuzz(SCRIPT, bide.Every(2), seeds=range(RUNS), order=UNKEYED)
    assert fuzzed.failure is None, str(fuzzed.failure)


@pytest.mark.parametrize("name", ["azure-core", "runway", "replicate"])
def test_the_laws_hold_for_declared_vendors(name: str) -> None:
    dialect = Declared(named(name))
    word = next(word for word, phase in dialect.declaration.phases.items() if phase.value == "succeeded")
    script = Script().state(14.2, word)
    fuzzed = fuzz(script, bide.Every(2), seeds=range(RUNS // 4), dialect=dialect)
    assert fuzzed.failure is None, str(fuzzed.failure)


def test_a_seed_is_the_same_run_everywhere() -> None:
    one, other = (fuzz(SCRIPT, bide.Growing(), seeds=range(20)) for _ in range(2))
    assert one == other
    assert Dice("7").number(0, 99) == Dice("7").number(0, 99)
    assert 1.0 <= Dice("7").between(1.0, 2.0) <= 2.0


def test_a_job_that_is_paid_for_twice_is_found_and_shrunk_to_the_one_fault() -> None:
    fuzzed = fuzz(SCRIPT, bide.Every(2), seeds=range(500), dialect=Careless(), order=UNKEYED)
    failure = fuzzed.failure
    assert failure is not None
    assert failure.law == "never pays twice"
    assert len(failure.faults) == 1
    assert "without a key" in str(failure)
    verify(failure.cassette, dialect=Careless())
    assert failure.cassette.head.edits == failure.faults
    assert len([one for one in Story.of(failure.cassette, dialect=Careless()).exchanges if one.is_submission]) > 1


def test_faults_that_lead_nowhere_are_told() -> None:
    fuzzed = fuzz(SCRIPT, bide.Every(2), seeds=range(10), faults=[unavailable])
    assert set(fuzzed.unseen) == set(SIGNS)
    assert Fuzzed(1, 1, {"a": 0, "b": 2}).unseen == ("a",)


def test_a_run_that_does_not_recover_is_a_failure() -> None:
    impatient = (bide.Every(2), bide.Patience(deadline=600, failures=1))
    failure = fuzz(SCRIPT, impatient, seeds=range(200), faults=[portal, dropped, limited]).failure
    assert failure is not None
    assert failure.law == "recovers"
    assert len(failure.faults) == 1
    assert "ended as Abandoned" in failure.why


def test_every_fault_can_be_told() -> None:
    assert all(fault(Dice(f"{n}")).said for n in range(5) for fault in FAULTS)


# -- each law, broken on purpose ---------------------------------------------------------------------------------------


def _refused() -> Send:
    """The request after the one that was refused."""
    place = next(
        n
        for n, event in enumerate(CASSETTE.events)
        if isinstance(event, Heard) and isinstance(event.reply, Response) and event.reply.status == 429
    )
    following = CASSETTE.events[place + 2]
    assert isinstance(following, Send)
    return following


BROKEN: dict[str, Story] = {
    "waits as told": _with(_refused(), replace(_refused(), t=_refused().t - 500)),
    "comes when due": _with(_sent(2), replace(_sent(2), t=_sent(2).t - 1)),
    "ends": Story.of(replace(CASSETTE, events=CASSETTE.events[:-1])),
    "goes forward": _with(_sent(2), replace(_sent(2), t=0)),
    "ends in time": _with(CASSETTE.events[-1], replace(CASSETTE.events[-1], t=10**9)),
    "asks within reason": Story.of(
        replace(CASSETTE, events=(CASSETTE.events[0], *(e for _ in range(400) for e in CASSETTE.events[2:4])))
    ),
}


@pytest.mark.parametrize("law", BROKEN)
def test_a_law_that_is_broken_says_so(law: str) -> None:
    assert LAWS[law](Story.of(CASSETTE)) is None
    assert LAWS[law](BROKEN[law]) is not None


def test_a_submission_under_a_key_that_has_aged_breaks_a_law() -> None:
    lost = SCRIPT.drop(at=0.0).cassette(pace=bide.Every(2))
    second = _sent(1, lost)
    assert LAWS["never pays twice"](Story.of(lost)) is None
    late = LAWS["never pays twice"](_with(second, replace(second, t=86_400_000), lost))
    assert late == "submitted again at 86400000 ms after its key had aged"


def test_a_submission_that_was_sent_on_is_paid_for_once() -> None:
    cassette = load(RECORDED / "is-submitted-at-another-address.cassette.jsonl")
    first, second, *_ = Story.of(cassette).exchanges
    assert (first.is_submission, second.is_submission) == (True, True)
    assert (first.may_have_arrived, second.may_have_arrived) == (False, True)
    assert LAWS["never pays twice"](Story.of(cassette)) is None


def test_two_keys_for_one_submission_break_a_law() -> None:
    lost = SCRIPT.drop(at=0.0).cassette(pace=bide.Every(2))
    second = _sent(1, lost)
    headers = tuple((n, "another" if n == "idempotency-key" else v) for n, v in second.request.headers)
    other = _with(second, replace(second, request=replace(second.request, headers=headers)), lost)
    assert LAWS["keeps one key"](Story.of(lost)) is None
    assert LAWS["keeps one key"](other) == "2 keys for one submission"


def test_what_happens_after_the_end_breaks_a_law() -> None:
    done = CASSETTE.events[-1]
    assert isinstance(done, Done)
    after = replace(CASSETTE, events=(*CASSETTE.events, _sent(0), done))
    assert LAWS["ends"](Story.of(after)) == "something happens after the end"
    again = replace(CASSETTE, events=(*CASSETTE.events, CASSETTE.events[0], done))
    assert isinstance(again.events[0], Open)
    assert LAWS["ends"](Story.of(again)) is None


def test_a_hint_is_read_without_the_cores_help() -> None:
    dated = "Sat, 05 Jan 2030 08:00:15 GMT"
    cassette = SCRIPT.refuse(503, retry_after=dated, at=3.0).cassette(pace=bide.Every(2))
    heard = next(
        e for e in cassette.events if isinstance(e, Heard) and isinstance(e.reply, Response) and e.reply.status == 503
    )
    assert LAWS["waits as told"](Story.of(cassette)) is None
    assert isinstance(heard.reply, Response)
    lines = [(n, "Sat, 05 Jan 2030 09:00:15 GMT" if n == "retry-after" else v) for n, v in heard.reply.headers]
    longer = replace(heard, reply=replace(heard.reply, headers=Headers.of(lines)))
    assert LAWS["waits as told"](_with(heard, longer, cassette)) is not None
