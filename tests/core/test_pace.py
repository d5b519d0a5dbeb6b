"""When to ask next, if nobody else has a say; and the limits that make no sense."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.dialects.modelroute import SMALL, TESTING
from bide.errors import InvalidSetting
from bide.messages import Request
from bide.pace import SHORTEST, Every, Growing, Sparse, as_pace, backoff, ceil_ms, draw, floor_ms
from bide.patience import Patience, as_patience

SPANS = ("fallback", "grace", "longest", "stall", "missing_for", "timeout", "transfer")
COUNTS = ("failures", "first_contact", "missing", "largest")
SETTINGS: list[tuple[Any, str]] = [
    (Every, "interval"),
    (partial(Every, 5), "jitter"),
    *((Growing, name) for name in ("first", "factor", "cap")),
    *((Sparse, name) for name in ("pace", "factor", "cap", "until")),
    *((Patience, name) for name in ("deadline", *SPANS, *COUNTS)),
    (as_pace, "value"),
    (as_patience, "value"),
]

draws = st.floats(0, 1, exclude_max=True)
ages = st.floats(0, 1e6)
moments = st.floats(0, 4e9)  # seconds since the epoch, to 2096


@given(draws, ages)
def test_every_looks_at_its_interval_give_or_take_its_jitter(roll: float, age: float) -> None:
    assert Every(2).delay(age=age, draw=roll) == 2
    assert 3 <= Every(4, jitter=1).delay(age=age, draw=roll) <= 5


def test_the_jitter_of_every_uses_its_whole_range() -> None:
    pace = Every(4, jitter=1)
    assert [pace.delay(age=0, draw=roll) for roll in (0.0, 0.5, 0.75)] == [3, 4, 4.5]


@given(draws, ages)
def test_growing_grows_from_first_to_cap_with_a_tenth_of_jitter(roll: float, age: float) -> None:
    delay = Growing(1, 1.1, 15).delay(age=age, draw=roll)
    interval = min(15, 1 + 0.1 * age)
    assert 0.95 * interval - 1e-9 <= delay <= 1.05 * interval + 1e-9


def test_growing_intervals_are_a_geometric_series() -> None:
    pace, age, intervals = Growing(1, 2, 1e6), 0.0, list[float]()
    for _ in range(6):
        intervals.append(pace.delay(age=age, draw=0.5))
        age += intervals[-1]
    assert intervals == pytest.approx([1, 2, 4, 8, 16, 32])


def test_the_vendors_interval_table() -> None:
    assert (Every(2), Every(4, jitter=1)) == (TESTING, SMALL)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Every(0),
        lambda: Every(-1),
        lambda: Every(SHORTEST / 2),
        lambda: Every(math.nan),
        lambda: Every(math.inf),
        lambda: Every(2, jitter=-1),
        lambda: Every(2, jitter=3),
        lambda: Every(2, jitter=math.nan),
        lambda: Growing(first=0),
        lambda: Growing(cap=0),
        lambda: Growing(factor=0.5),
        lambda: Growing(factor=11),
        lambda: Growing(factor=math.nan),
        lambda: Patience(deadline=0),
        lambda: Patience(deadline=math.inf),
        lambda: Patience(fallback=0),
        lambda: Patience(grace=-1),
        lambda: Patience(longest=math.inf),
        lambda: Patience(stall=0),
        lambda: Patience(missing_for=0),
        lambda: Patience(timeout=0),
        lambda: Patience(transfer=0),
        lambda: Patience(failures=0),
        lambda: Patience(first_contact=0),
        lambda: Patience(missing=-1),
        lambda: Patience(largest=0),
        lambda: Every(1e300),
        lambda: Every(10**400),
        lambda: Sparse(as_pace(Sparse())),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        lambda: as_pace(0),
        lambda: as_pace(math.nan),
        lambda: as_patience(-5),
        lambda: as_patience(math.inf),
        *(partial(Patience, **{name: 2**60}) for name in COUNTS),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_and_says_what_to_give(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidSetting, match="give"):
        wrong()


@pytest.mark.parametrize("value", ["5", b"5", True, [5], {}, Decimal(5), timedelta(seconds=5), Every, object()])
@pytest.mark.parametrize(("kind", "name"), SETTINGS)
def test_a_setting_of_another_kind_is_refused_where_it_is_given(kind: Any, name: str, value: object) -> None:
    with pytest.raises(InvalidSetting, match=r"\w+ is .*: give"):
        kind(**{name: value})


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_is_a_whole_number(name: str) -> None:
    settings: dict[str, Any] = {name: 1.5}
    with pytest.raises(InvalidSetting, match=rf"{name} is 1\.5: give 1 or more, as a whole number"):
        Patience(**settings)


def test_a_number_is_a_pace_and_a_deadline() -> None:
    assert (as_pace(2), as_pace(2.5)) == (Every(2), Every(2.5))
    four: Any = 4
    assert Sparse(four, factor=2) == Sparse(Every(4), factor=2)
    assert (as_patience(60), as_patience(0.5)) == (Patience(deadline=60), Patience(deadline=0.5))
    for pace in (Every(3), Growing(), Sparse()):
        assert as_pace(pace) is pace
    patience = Patience(failures=3)
    assert as_patience(patience) is patience
    assert Patience(deadline=None).deadline is None


@given(st.integers(1, 10**6), draws)
def test_backoff_doubles_to_its_cap_and_half_of_it_is_jitter(count: int, roll: float) -> None:
    ceiling = min(60, 0.5 * 2 ** (min(count, 20) - 1))
    assert ceiling / 2 <= backoff(count, draw=roll) <= ceiling
    assert backoff(count, draw=0) == ceiling / 2


@given(st.text(), st.text(), st.integers())
def test_a_draw_is_a_number_below_one_with_six_digits(seed: str, name: str, count: int) -> None:
    roll = draw(seed, name, count)
    assert 0 <= roll < 1
    assert round(roll, 6) == roll
    assert roll == draw(seed, name, count)


def test_draws_never_change_since_recordings_hold_them() -> None:
    assert [draw("key-1", "pace", n) for n in range(3)] == [0.608862, 0.162157, 0.998193]


def test_draws_are_spread_evenly() -> None:
    rolls = [draw("seed", "pace", n) for n in range(2000)]
    assert sum(rolls) / 2000 == pytest.approx(0.5, abs=0.03)
    assert all(150 < sum(tenth <= 10 * roll < tenth + 1 for roll in rolls) < 250 for tenth in range(10))


def test_draws_differ_by_seed_name_and_count() -> None:
    assert len({draw("a", "pace", 1), draw("b", "pace", 1), draw("a", "backoff", 1), draw("a", "pace", 2)}) == 4
    assert draw("\ud800", "pace", 1) == draw("?", "pace", 1)


@given(moments)
def test_now_goes_down_and_due_goes_up_to_the_millisecond(at: float) -> None:
    assert at - 0.001 <= floor_ms(at) <= at + 2e-5
    assert at - 2e-5 <= ceil_ms(at) <= at + 0.001 + 1e-5


@given(st.integers(0, 4 * 10**12))
def test_whole_milliseconds_stay_as_they_are(ms: int) -> None:
    assert floor_ms(ms / 1000) == ceil_ms(ms / 1000) == ms / 1000


def test_a_request_takes_the_limits_of_the_patience() -> None:
    request = Request("GET", "https://api.modelroute.ai/v1/executions/e")
    assert Patience().bound(request) is request
    bound = Patience(timeout=5, largest=1000).bound(request)
    assert (bound.timeout, bound.largest, bound.url) == (5, 1000, request.url)
