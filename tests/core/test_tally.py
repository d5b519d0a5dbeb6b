"""The vendor's advice is given once, when a day brings more jobs than it is meant for."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from bide.dialect import Advice
from bide.tally import Tally
from tests.laws import START

ADVICE = Advice(daily=3, text="use webhooks")
DAY = 86400.0


def said(looks: Iterable[tuple[str, float]], advice: Advice | None = ADVICE) -> list[str | None]:
    """What was said at each look, given as (handle, seconds since the start)."""
    tally = Tally()
    return [tally.count(handle, advice, now=START + at) for handle, at in looks]


def test_advice_comes_with_the_first_job_too_many() -> None:
    assert said((f"exec_{n}", 0) for n in range(4)) == [None, None, None, "use webhooks"]


def test_advice_is_given_once() -> None:
    assert said((f"exec_{n}", n) for n in range(20)).count("use webhooks") == 1


def test_a_job_counts_once_however_often_it_is_looked_at() -> None:
    assert said((f"exec_{n % 3}", n) for n in range(300)) == [None] * 300


def test_jobs_older_than_a_day_do_not_count() -> None:
    assert said((f"exec_{n}", n * DAY / 3) for n in range(30)) == [None] * 30
    early = [("exec_1", 0.0), ("exec_2", 0.0), ("exec_3", 0.0)]
    assert said([*early, ("exec_4", DAY - 1)])[-1] == "use webhooks"
    assert said([*early, ("exec_4", DAY)])[-1] is None


def test_a_vendor_without_advice_gives_none() -> None:
    assert said(((f"exec_{n}", 0) for n in range(500)), advice=None) == [None] * 500


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 2 * DAY)), max_size=40))
def test_a_tally_stays_small(looks: list[tuple[str, float]]) -> None:
    tally, now = Tally(), START
    for handle, gap in looks:
        now += gap
        tally.count(handle, ADVICE, now=now)
        assert len(tally.polled) <= ADVICE.daily + 1
