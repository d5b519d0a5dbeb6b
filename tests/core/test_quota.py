"""Until when a reply forbids the next request, and what is remembered of the limits for the other jobs of the key."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.messages import Headers, Response
from bide.pace import SHORTEST, Why
from bide.quota import CEILING, Hold, Quota, closing, hold, merged, read_quota, spent
from tests.laws import START, header_lines

DATE = "Mon, 23 Nov 2026 13:33:27 GMT"  # START, in words


def headers(**fields: str) -> Headers:
    return Headers.of((name.replace("_", "-"), value) for name, value in fields.items())


# The hold


def held(
    status: int,
    fields: dict[str, str],
    *,
    cadence: bool = False,
    refused: bool = False,
    again: int = 0,
    asked: str = "",
) -> Hold | None:
    response = Response(status, headers(**fields))
    quota = read_quota(response.headers, now=START, asked=asked)
    return hold(response, quota, now=START, cadence=cadence, refused=refused, again=again)


LEFT = {"x_ratelimit_remaining": "9", "x_ratelimit_reset": "50"}
SPENT = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "50"}


@pytest.mark.parametrize(
    ("status", "fields", "expected"),
    [
        (200, {}, None),
        (200, LEFT, None),
        (200, {"retry_after": "7"}, (7, Why.RETRY_AFTER)),
        (200, {"retry_after": "7"} | LEFT, None),
        (200, {"retry_after": "7"} | SPENT, (7, Why.RETRY_AFTER)),
        (200, {"retry_after": "7", "x_ratelimit_remaining": "?"}, (7, Why.RETRY_AFTER)),
        (200, SPENT, (50, Why.QUOTA)),
        (200, {"retry_after": "-7"} | SPENT, (50, Why.QUOTA)),
        (302, {"retry_after": "7"} | LEFT, (7, Why.RETRY_AFTER)),
        (503, {"retry_after": "7"} | LEFT, (7, Why.RETRY_AFTER)),
        (503, LEFT, None),
        (429, {}, None),
        (429, LEFT, (50, Why.QUOTA)),
        (429, {"retry_after": "7"} | SPENT, (7, Why.RETRY_AFTER)),
        (429, {"retry_after": "0"}, None),
        (200, {"x_ratelimit_remaining": "0"}, (10, Why.QUOTA)),
        (200, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "soon"}, (10, Why.QUOTA)),
        (200, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "0"}, None),
        (200, {"retry_after": "7", "x_ratelimit_remaining": "0"}, (7, Why.RETRY_AFTER)),
        (429, {"x_ratelimit_remaining": "0"}, (10, Why.QUOTA)),
        (429, {"ratelimit": '"d";r=0', "ratelimit_policy": '"d";q=4;w=60'}, (60, Why.QUOTA)),
        (429, {"x_ratelimit_reset": str(int(START) - 90)}, (1, Why.QUOTA)),
    ],
)
def test_until_when_a_reply_forbids_the_next_request(
    status: int, fields: dict[str, str], expected: tuple[float, Why] | None
) -> None:
    assert held(status, fields) == (None if expected is None else Hold(START + expected[0], expected[1]))


def test_a_dialect_with_a_cadence_obeys_retry_after_with_quota_left() -> None:
    assert held(200, {"retry_after": "7"} | LEFT, cadence=True) == Hold(START + 7, Why.RETRY_AFTER, paced=True)
    assert held(429, {"retry_after": "7"} | LEFT, cadence=True) == Hold(START + 7, Why.RETRY_AFTER)


def test_nothing_to_wait_for_means_now_where_the_service_sets_the_pace() -> None:
    assert held(202, {"retry_after": "0"}, cadence=True) == Hold(START + SHORTEST, Why.RETRY_AFTER, paced=True)
    assert held(429, {"retry_after": "0"}, cadence=True) is None


def test_a_finer_hint_of_the_vendor_goes_before_retry_after() -> None:
    fields = Headers.of([("retry-after", "7")])
    reply = Response(200, fields)
    assert hold(reply, None, now=START, cadence=True, wait=0.25) == Hold(START + 0.25, Why.RETRY_AFTER, paced=True)


@pytest.mark.parametrize("end", ["48", "49", "50", "51", "52"])
def test_the_end_of_a_limiters_window_is_not_the_pace_of_a_job(end: str) -> None:
    assert held(200, {"retry_after": end} | LEFT, cadence=True) is None
    assert held(429, {"retry_after": end} | LEFT, cadence=True) is not None
    assert held(200, {"retry_after": end, "x_ratelimit_reset": "50"}, cadence=True) is not None


def test_a_pace_is_told_from_the_end_of_every_window() -> None:
    fields = {"ratelimit": '"burst";r=3;t=2, "daily";r=90;t=3000'}
    assert held(200, fields | {"retry_after": "2"}, cadence=True) is None
    assert held(200, fields | {"retry_after": "3000"}, cadence=True) is None
    assert held(200, fields | {"retry_after": "9"}, cadence=True) == Hold(START + 9, Why.RETRY_AFTER, paced=True)


@pytest.mark.parametrize(
    ("wait", "seconds"), [("47.9", 47.9), ("48", 50), ("49", 50), ("50", 50), ("51", 51), ("70", 70), ("0", 50)]
)
@pytest.mark.parametrize("status", [200, 429, 503])
def test_of_two_words_on_the_same_instant_the_later_counts(status: int, wait: str, seconds: float) -> None:
    found = held(status, {"retry_after": wait} | SPENT)
    assert found is not None
    assert found.until == pytest.approx(START + seconds)


def test_with_nothing_left_now_is_no_pace() -> None:
    assert held(200, {"retry_after": "0"} | SPENT, cadence=True) == Hold(START + 50, Why.QUOTA)
    assert held(200, {"retry_after": "0", "x_ratelimit_remaining": "0"}, cadence=True) == Hold(START + 10, Why.QUOTA)


@pytest.mark.parametrize(("again", "seconds"), [(0, 10), (1, 20), (2, 40), (3, 60), (99, 60)])
def test_a_service_that_says_not_until_when_is_asked_more_and_more_seldom(again: int, seconds: float) -> None:
    assert held(429, {"x_ratelimit_remaining": "0"}, again=again) == Hold(START + seconds, Why.QUOTA)


@pytest.mark.parametrize("status", [200, 202, 403])
def test_a_refusal_of_the_limiter_is_one_whatever_its_status(status: int) -> None:
    assert held(status, LEFT, cadence=True, refused=True) == Hold(START + 50, Why.QUOTA)
    fields = {"retry_after": "7"} | LEFT
    assert held(status, fields, cadence=True, refused=True) == Hold(START + 7, Why.RETRY_AFTER)


def test_a_named_policy_holds_other_requests_than_it_was_told_for_a_minute_at_most() -> None:
    daily = {"ratelimit": '"create";r=0;t=3000'}
    assert held(202, daily, asked="submit") == Hold(START + 60, Why.QUOTA)
    assert held(429, daily, asked="submit") == Hold(START + 3000, Why.QUOTA)
    assert held(200, daily, asked="poll") == Hold(START + 3000, Why.QUOTA)
    assert held(202, {"ratelimit": '"create";r=0;t=30'}, asked="submit") == Hold(START + 30, Why.QUOTA)
    assert held(202, SPENT, asked="submit") == Hold(START + 50, Why.QUOTA)


@pytest.mark.parametrize(
    "fields",
    [
        {"retry_after": "999999999"},
        {"x_ratelimit_reset": "9999999"},
        {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "9999999"},
        {"retry_after": "Sat, 23 Nov 2086 13:33:27 GMT", "date": DATE},
    ],
)
def test_an_absurd_hint_is_cut_to_the_ceiling(fields: dict[str, str]) -> None:
    found = held(429, fields)
    assert found is not None
    assert found.until == START + CEILING


@pytest.mark.parametrize(
    ("quota", "until"),
    [
        (None, None),
        (Quota(60, 0, None), None),
        (Quota(60, None, START + 5), None),
        (Quota(60, 1, START + 5), None),
        (Quota(60, 0, START + 5), START + 5),
        (Quota(60, 0, START + 0.25), START + 0.25),
        (Quota(60, 0, START), None),
        (Quota(60, 0, START - 5), None),
        (Quota(60, 0, START + 1e6), START + CEILING),
    ],
)
def test_a_spent_quota_holds_until_its_reset(quota: Quota | None, until: float | None) -> None:
    assert spent(quota, now=START) == (None if until is None else Hold(until, Why.QUOTA))


@pytest.mark.parametrize(
    ("closed", "until"), [(START + 9, START + 9), (START + 1e6, START + CEILING), (START, None), (START - 9, None)]
)
def test_a_key_asked_to_wait_is_held_until_then(closed: float, until: float | None) -> None:
    found = spent(Quota(60, 5, START + 50, closed), now=START)
    assert found == (None if until is None else Hold(until, Why.RETRY_AFTER))


# What a refusal adds


@pytest.mark.parametrize(("status", "refused"), [(429, False), (503, False), (403, True), (200, True)])
@pytest.mark.parametrize("quota", [None, Quota(60, 5, START + 50)])
def test_a_refusal_of_the_limiter_closes_the_whole_key(status: int, refused: bool, quota: Quota | None) -> None:
    found = Hold(START + 9, Why.RETRY_AFTER)
    closed = closing(quota, found, Response(status), now=START, refused=refused)
    assert closed == (quota or Quota(at=START))._replace(closed=START + 9)


@pytest.mark.parametrize(("status", "refused"), [(429, False), (403, True)])
@pytest.mark.parametrize(("again", "seconds"), [(0, 0.5), (3, 4), (99, 60)])
def test_a_refusal_without_a_hint_closes_the_key_as_long_as_its_job_backs_off(
    status: int, refused: bool, again: int, seconds: float
) -> None:
    closed = closing(None, None, Response(status), now=START, refused=refused, again=again)
    assert closed == Quota(closed=START + seconds, at=START)


@pytest.mark.parametrize(
    ("status", "found"),
    [(200, Hold(START + 9, Why.RETRY_AFTER)), (404, Hold(START + 9, Why.RETRY_AFTER)), (200, None), (503, None)],
)
def test_any_other_reply_closes_nothing(status: int, found: Hold | None) -> None:
    quota = Quota(60, 5, START + 50)
    assert closing(quota, found, Response(status), now=START) is quota


def test_having_nothing_left_until_nobody_knows_when_closes_the_key() -> None:
    quota = Quota(60, 0)
    assert closing(quota, Hold(START + 10, Why.QUOTA), Response(200), now=START) == Quota(60, 0, None, START + 10)


def test_a_refusal_under_a_policy_of_its_own_leaves_the_others_open() -> None:
    create = Quota(60, 0, START + 50, name="create", asked="submit")
    assert closing(create, Hold(START + 50, Why.QUOTA), Response(429), now=START) is create
    longer = closing(create, Hold(START + 70, Why.RETRY_AFTER), Response(429), now=START)
    assert longer == create._replace(closed=START + 70)


# What is known from several replies

CREATE = Quota(None, 0, START + 30, name="create", asked="submit", at=START)
READ = Quota(None, 100, START + 60, name="read", asked="poll", at=START + 1)


def until(quota: Quota | None, asked: str, *, now: float = START + 2) -> float | None:
    found = spent(quota, now=now, asked=asked)
    return None if found is None else found.until - START


def test_one_policy_does_not_wipe_out_another() -> None:
    quota = merged(CREATE, READ)
    assert quota == READ._replace(others=(CREATE,))
    assert until(quota, "submit") == 30
    assert until(quota, "submit", now=START + 30) is None
    assert until(quota, "poll") is None


def test_a_kind_of_request_that_has_not_been_answered_yet_waits_for_all_policies() -> None:
    quota = merged(CREATE, READ)
    assert until(quota, "cancel") == 30
    assert until(CREATE, "poll") == 30
    assert until(CREATE._replace(reset=START + 3000), "poll") == 60
    assert until(CREATE._replace(reset=START + 3000), "poll", now=START + 61) is None
    assert until(CREATE._replace(reset=START + 3000), "submit") == 3000


def test_a_policy_that_two_kinds_share_holds_both() -> None:
    before = Quota(None, 1, START + 30, name="all", asked="submit", at=START)
    after = Quota(None, 0, START + 30, name="all", asked="poll", at=START + 1)
    assert until(merged(before, after), "submit") == 30
    assert until(merged(before, after), "poll") == 30
    assert until(merged(after, before._replace(at=START + 2)), "submit", now=START + 3) is None


@pytest.mark.parametrize("asked", ["submit", "poll", "fetch", "cancel", ""])
def test_a_quota_without_a_name_is_that_of_the_whole_key(asked: str) -> None:
    assert until(Quota(60, 0, START + 30, asked="submit", at=START), asked) == 30


def test_a_route_may_have_a_quota_of_its_own() -> None:
    create = Quota(5, 0, START + 30, asked="submit", at=START)
    quota = merged(create, Quota(100, 99, START + 60, asked="poll", at=START + 1))
    assert until(quota, "submit") == 30
    assert until(quota, "poll") is None
    refilled = merged(quota, Quota(5, 4, START + 30, asked="submit", at=START + 3))
    assert refilled == Quota(5, 4, START + 30, asked="submit", at=START + 3)


def test_of_several_spent_policies_the_latest_reset_counts() -> None:
    daily = CREATE._replace(name="daily", reset=START + 3000, at=START + 1)
    assert until(merged(CREATE, daily), "submit") == 3000
    assert until(merged(daily, CREATE._replace(at=START + 2)), "submit") == 3000


def test_what_came_first_counts_less_whoever_tells_it() -> None:
    newer = READ._replace(remaining=99, at=START + 5)
    assert merged(newer, READ) == newer
    assert merged(READ, newer) == newer
    assert merged(newer, newer) is newer
    assert merged(None, newer) is newer
    assert merged(newer, None) is newer


def test_a_key_stays_closed_though_another_reply_came_through() -> None:
    closed = Quota(closed=START + 60, at=START)
    assert merged(closed, READ) == READ._replace(closed=START + 60)
    assert merged(READ._replace(closed=START + 60, at=START), READ) == READ._replace(closed=START + 60)
    assert merged(closed, READ._replace(at=START + 60)) == READ._replace(at=START + 60)
    assert merged(READ, Quota(closed=START + 9, at=START + 2)) == READ._replace(closed=START + 9)


def test_what_is_remembered_is_bounded_and_what_is_spent_goes_last() -> None:
    quota: Quota | None = CREATE._replace(reset=START + 3000)
    for number in range(100):
        quota = merged(quota, READ._replace(name=f"read-{number}", at=START + 1 + number))
    assert quota is not None
    assert len(quota.others) == 8
    assert until(quota, "submit", now=START + 200) == 3000


def test_what_has_no_name_and_holds_nothing_is_not_kept() -> None:
    submitted = Quota(60, 59, START + 60, asked="submit", at=START)
    polled = Quota(60, 58, START + 60, asked="poll", at=START + 1)
    assert merged(submitted, polled) == polled


@given(st.integers(0, 999), st.lists(header_lines, max_size=6).map(Headers.of), st.booleans())
def test_any_headers_give_a_bounded_hold_or_none(status: int, fields: Headers, cadence: bool) -> None:
    found = hold(Response(status, fields), read_quota(fields, now=START), now=START, cadence=cadence)
    assert found is None or START < found.until <= START + CEILING
    assert found is None or math.isfinite(found.until)
