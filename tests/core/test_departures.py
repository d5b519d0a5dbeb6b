"""A submission that cannot be repeated leaves once: an earlier state of it, taken up again, has ended."""

from __future__ import annotations

import pytest

import bide
from bide.departures import MOST, Departures
from tests.core.test_submitting_once import DOWN, declared
from tests.laws import DIALECT, START

KEYLESS = declared()


def submitting(key: str | None = "key-1", since: float = START, dialect: bide.Dialect = KEYLESS) -> bide.Submitting:
    return bide.submit(bide.Order("m", {}, key), dialect=dialect, now=since)


def is_over(departures: Departures, job: bide.Submitting) -> bool:
    after = departures.once(job, now=START + 9)
    assert after is job or (isinstance(after, bide.Abandoned) and after.reason is bide.Reason.AMBIGUOUS)
    return after is not job


def test_an_earlier_state_has_ended_once_it_has_left() -> None:
    departures, job = Departures(), submitting()
    assert not is_over(departures, job)
    departures.leaves(job)
    assert is_over(departures, job)
    assert not is_over(departures, submitting("key-2"))


def test_a_state_after_it_surely_did_not_arrive_goes_on() -> None:
    departures, job = Departures(), submitting()
    departures.leaves(job)
    after = job.receive(DOWN, now=START + 1)
    assert isinstance(after, bide.Submitting)
    assert not is_over(departures, after)
    departures.leaves(after)
    assert is_over(departures, after)


@pytest.mark.parametrize("job", [submitting(dialect=DIALECT), submitting(None)], ids=["repeatable", "nameless"])
def test_what_the_service_knows_again_or_nobody_can_tell_apart_is_not_held_back(job: bide.Submitting) -> None:
    departures = Departures(forgotten=START + 1)
    departures.leaves(job)
    assert not is_over(departures, job)
    assert departures.sent == {}


def test_no_other_state_is_touched() -> None:
    job = bide.watch("1", dialect=KEYLESS, now=START)
    assert Departures(forgotten=START + 1).once(job, now=START) is job


def test_what_is_remembered_is_bounded_and_what_is_forgotten_has_left() -> None:
    departures = Departures({f"k{number}": (1, START + number) for number in range(MOST)})
    for number in range(MOST, MOST + 10):
        departures.leaves(submitting(f"k{number}", START + number))
    departures.leaves(submitting("k15", START + 15))  # once more: the last that left
    departures.leaves(submitting("new", START + 10**6))
    assert len(departures.sent) == MOST
    assert departures.forgotten == START + 10
    assert is_over(departures, submitting("k3", START + 3))
    assert is_over(departures, submitting("k15", START + 15))
    assert is_over(departures, submitting("any", START + 9.5))
    assert not is_over(departures, submitting("any", START + 10))
