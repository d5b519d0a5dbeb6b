"""A service that is too busy, with either client: when it is asked again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest

import bide
from bide_transports.emulator import VirtualClock
from tests.faces import BY_BOTH, Kind, in_trio
from tests.reactions import Where, reacts
from tests.transports.acme import (
    DONE,
    TOO_MANY,
    acme,
    is_done,
    no,
    said,
    talk,
)


async def pauses(kind: Kind, replies: Iterable[bytes], **settings: Any) -> list[float]:
    """The seconds between the requests of one job."""
    clock = VirtualClock()
    async with acme(kind, talk(*replies), clock=clock, **settings) as (_, client):
        states = [state async for state in client.follow("7")]
    assert is_done(states[-1]), states[-1]
    times = [state.due for state in states if isinstance(state, bide.Waiting)]
    return [round(after - before, 3) for before, after in pairwise(times)]


@reacts(
    Where.LIMIT,
    "5xx, one after the other",
    "asked again, later each time, with jitter; `Patience(failures=)` bounds it",
)
@BY_BOTH
@in_trio
async def test_a_service_that_is_ill(kind: Kind) -> None:
    waits = await pauses(kind, [*[no("503 Service Unavailable")] * 6, DONE], pace=bide.Growing())
    assert len(waits) == 6
    assert waits[-1] > waits[0]
    assert len(set(waits)) == 6


@reacts(Where.LIMIT, "429 without `Retry-After`", "asked again later and later, with jitter; it is no failure")
@BY_BOTH
@in_trio
async def test_a_limit_that_tells_no_time(kind: Kind) -> None:
    replies = [*[no(TOO_MANY)] * 8, DONE]
    waits = await pauses(kind, replies, pace=bide.Growing(), patience=bide.Patience(failures=3))
    assert len(waits) == 8
    assert max(waits) > 4 * min(waits)


@reacts(
    Where.LIMIT,
    "`Retry-After` in the past, or 0",
    "our own pace holds; said of an unfinished job it means at once, once",
)
@BY_BOTH
@pytest.mark.parametrize("value", ["0", "Fri, 31 Dec 1999 23:59:59 GMT"])
@in_trio
async def test_a_time_that_is_past(value: str, kind: Kind) -> None:
    waits = await pauses(kind, [*[no(TOO_MANY, f"Retry-After: {value}")] * 4, DONE])
    assert min(waits) > 0
    waits = await pauses(kind, [*[said("queued", f"Retry-After: {value}")] * 4, DONE])
    assert sum(wait < 1.0 for wait in waits) <= 1


@reacts(Where.LIMIT, "an absurd `Retry-After`: huge, the year 99999", "at most an hour; never an error")
@BY_BOTH
@pytest.mark.parametrize("value", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
@in_trio
async def test_a_time_that_is_absurd(value: str, kind: Kind) -> None:
    patience = bide.Patience(deadline=86400.0)
    (wait,) = await pauses(kind, [no(TOO_MANY, f"Retry-After: {value}"), DONE], patience=patience)
    assert wait <= 3601


@reacts(Where.LIMIT, "a `Retry-After` that is none: -5, 1.5.2, full-width digits, nan", "as if it were not there")
@BY_BOTH
@pytest.mark.parametrize("value", ["-5", "1.5.2", "nan", "soon", "Fri, 31 Foo 99999 23:59:59 GMT", "３０"])
@in_trio
async def test_a_time_that_is_none(value: str, kind: Kind) -> None:
    (wait,) = await pauses(kind, [no(TOO_MANY, f"Retry-After: {value}"), DONE])
    assert 0 < wait <= 60


@reacts(
    Where.LIMIT,
    "`Retry-After` on each reply of a limiter, though quota is left",
    "the end of its window, and no hint for the pace of the job",
)
@BY_BOTH
@in_trio
async def test_a_time_that_is_the_limiters(kind: Kind) -> None:
    left = ["X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 58", "X-RateLimit-Reset: 50", "Retry-After: 50"]
    assert max(await pauses(kind, [*[said("queued", *left)] * 2, DONE])) <= 10


@reacts(Where.LIMIT, "several `Retry-After`", "the longest that can be read")
@BY_BOTH
@in_trio
async def test_several_times(kind: Kind) -> None:
    lines = [f"Retry-After: {value}" for value in ("40", "soon", "7")]
    (wait,) = await pauses(kind, [no(TOO_MANY, *lines), DONE])
    assert 40 <= wait <= 50


@reacts(Where.LIMIT, "a clock that is not the service's", "dates are read against the reply's own `Date`")
@BY_BOTH
@in_trio
async def test_a_date_against_its_own_clock(kind: Kind) -> None:
    lines = ["Date: Fri, 31 Dec 1999 23:59:00 GMT", "Retry-After: Fri, 31 Dec 1999 23:59:33 GMT"]
    (wait,) = await pauses(kind, [no(TOO_MANY, *lines), DONE])
    assert 33 <= wait <= 40


@reacts(
    Where.LIMIT,
    "`X-RateLimit-Reset` as seconds, an instant, milliseconds, a duration (`6m0s`)",
    "told apart by their size, against `Date`; else unread",
)
@BY_BOTH
@pytest.mark.parametrize("value", ["21", "1893456021", "1893456021000", "0m21s"])
@in_trio
async def test_a_reset_of_each_kind(value: str, kind: Kind) -> None:
    spent = ["X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 0", f"X-RateLimit-Reset: {value}"]
    (wait,) = await pauses(kind, [no(TOO_MANY, "Date: Tue, 01 Jan 2030 00:00:00 GMT", *spent), DONE])
    assert 21 <= wait <= 30
