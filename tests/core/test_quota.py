"""What the reply headers say of the rate limit, in all the ways that limiters say it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.dates import http_date
from bide.messages import Headers, Response
from bide.pace import SHORTEST, Why
from bide.quota import CEILING, Hold, Quota, closing, hold, read_quota, retry_after, spent
from tests.laws import START, header_lines

DATE = "Mon, 23 Nov 2026 13:33:27 GMT"  # START, in words


def headers(**fields: str) -> Headers:
    return Headers.of((name.replace("_", "-"), value) for name, value in fields.items())


def test_a_repeated_field_keeps_each_of_its_lines_under_one_name() -> None:
    fields = Headers.of([("Retry-After", "1"), ("Date", DATE), ("RETRY-AFTER", "2")])
    assert (fields.get("retry-after"), fields.every("retry-after")) == ("1", ("1", "2"))
    assert (fields.get("age"), fields.every("age")) == (None, ())
    assert list(fields) == [("retry-after", "1"), ("retry-after", "2"), ("date", DATE)]


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 23 Nov 2026 13:33:27 GMT",
        "Monday, 23-Nov-26 13:33:27 GMT",
        "Mon Nov 23 13:33:27 2026",
    ],
    ids=["IMF-fixdate", "RFC 850", "asctime"],
)
def test_all_three_forms_of_a_date_are_read(text: str) -> None:
    assert http_date(text) == START


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu Jan  1 00:00:00 1970", 0),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
        ("Tuesday, 31-Dec-69 23:59:59 GMT", 3155759999),
        ("Friday, 31-Dec-99 23:59:59 GMT", 946684799),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800),
    ],
    ids=["epoch", "asctime pads with a space", "70 is 1970", "69 is 2069", "99 is 1999", "leap second"],
)
def test_dates_at_the_edges(text: str, seconds: float) -> None:
    assert http_date(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "tomorrow",
        "Mon, 31 Feb 2026 13:33:27 GMT",
        "Mon, 23 Nov 2026 24:00:00 GMT",
        "Mon, 23 Anf 2026 13:33:27 GMT",
        "Mon, 23 Xyz 2026 13:33:27 GMT",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Mon, 23 Nov 2026 13:33:27 CET",
        "Mon, ２３ Nov 2026 13:33:27 GMT",
        "Mon, 23 Nov 2026 13:33:27 GMT\n",
        "2026-11-23T13:33:27Z",
        "0",
    ],
)
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert http_date(text) is None


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["7"], 7),
        (["0"], 0),
        (["1.5"], 1.5),
        ([" 7 "], 7),
        (["3", "120", "60"], 120),
        (["nonsense", "5"], 5),
        (["Mon, 23 Nov 2026 13:34:00 GMT"], 33),
        (["Mon Nov 23 13:34:00 2026"], 33),
        (["Mon, 23 Nov 2026 13:33:00 GMT"], -27),
    ],
)
def test_retry_after_is_the_longest_readable_value(values: list[str], seconds: float) -> None:
    lines = [("Retry-After", value) for value in values]
    assert retry_after(Headers.of([*lines, ("Date", DATE)])) == seconds


@pytest.mark.parametrize(
    "value", ["", "-1", "1e9", "nan", "inf", "1, 120", "３０", "0x10", "9" * 10, "5s", "Fri, 31 Dec 99999 23:59:59 GMT"]
)
def test_a_malformed_retry_after_is_ignored(value: str) -> None:
    assert retry_after(headers(retry_after=value, date=DATE)) is None


def test_a_date_is_trusted_only_against_the_replys_own_date() -> None:
    assert retry_after(headers(retry_after="Mon, 23 Nov 2026 13:34:00 GMT")) is None
    assert retry_after(headers()) is None


@pytest.mark.parametrize(
    ("figure", "reset"),
    [
        ("0", START),
        ("58", START + 58),
        ("0.25", START + 0.25),
        ("9999999", START + 9999999),
        (str(int(START) + 40), START + 40),
        (f"{START + 40:.2f}", START + 40),
        (f"{int(START) + 40}000", START + 40),
    ],
    ids=["now", "delta", "fraction", "greatest delta", "epoch", "fractional epoch", "epoch in milliseconds"],
)
def test_delta_epoch_and_milliseconds_are_told_apart(figure: str, reset: float) -> None:
    assert read_quota(headers(x_ratelimit_remaining="3", x_ratelimit_reset=figure), now=START) == Quota(None, 3, reset)


@pytest.mark.parametrize(
    "figure", ["", "6m0x", "m", "-5", "nan", "10000000", "500000000", "5" * 10, "5" * 13, "1" * 40]
)
def test_a_reset_of_no_known_kind_is_ignored(figure: str) -> None:
    assert read_quota(headers(x_ratelimit_limit="60", x_ratelimit_reset=figure), now=START) == Quota(60, None, None)


@given(st.integers(-(10**6), 10**6), st.integers(0, 86400))
def test_a_skewed_clock_changes_nothing(skew: int, wait: int) -> None:
    """`Date` is theirs, `now` is ours; only the difference on their side counts."""
    said = headers(date=DATE, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(START) + wait))
    ours = START + skew
    assert read_quota(said, now=ours) == Quota(None, 0, ours + wait)


@pytest.mark.parametrize(
    ("fields", "quota"),
    [
        ({"x_ratelimit_limit": "60", "x_ratelimit_remaining": "57", "x_ratelimit_reset": "9"}, (60, 57, 9)),
        ({"x_ratelimit_remaining": "57"}, (None, 57, None)),
        ({"x_ratelimit_remaining": "many"}, (None, None, None)),
        ({"x_ratelimit_remaining": "1" * 10}, (None, None, None)),
        ({"ratelimit_limit": "60", "ratelimit_remaining": "0", "ratelimit_reset": "9"}, (60, 0, 9)),
        ({"ratelimit_reset": "9"}, (None, None, 9)),
        ({"ratelimit": "limit=60, remaining=3, reset=12"}, (60, 3, 12)),
        ({"ratelimit": '"default";r=3;t=12'}, (None, 3, 12)),
        ({"ratelimit": '"default";r=3'}, (None, 3, None)),
        ({"ratelimit": '"default";r=0;t=99999999'}, (None, 0, None)),
        ({"x_ratelimit_remaining": "5", "ratelimit_remaining": "0"}, (None, 5, None)),
    ],
)
def test_every_spelling_of_a_quota(fields: dict[str, str], quota: tuple[int | None, int | None, float | None]) -> None:
    limit, remaining, delta = quota
    reset = None if delta is None else START + delta
    assert read_quota(headers(**fields), now=START) == Quota(limit, remaining, reset)


@pytest.mark.parametrize("fields", [{}, {"x_ratelimit_limit": "60"}, {"ratelimit": ""}, {"ratelimit": "r=;t=x"}])
def test_no_quota_is_none(fields: dict[str, str]) -> None:
    assert read_quota(headers(**fields), now=START) is None


@pytest.mark.parametrize("field", ['"burst";r=0;t=5, "daily";r=900;t=3600', '"daily";r=900;t=3600, "burst";r=0;t=5'])
def test_of_several_policies_a_spent_one_counts(field: str) -> None:
    quota = read_quota(headers(ratelimit=field), now=START)
    assert spent(quota, now=START) == Hold(START + 5, Why.QUOTA)


def test_policies_may_stand_on_lines_of_their_own() -> None:
    lines = Headers.of([("RateLimit", '"daily";r=900;t=3600'), ("RateLimit", '"burst";r=0;t=5')])
    assert spent(read_quota(lines, now=START), now=START) == Hold(START + 5, Why.QUOTA)


# The hold


def held(status: int, fields: dict[str, str], *, cadence: bool = False) -> Hold | None:
    response = Response(status, headers(**fields))
    return hold(response, read_quota(response.headers, now=START), now=START, cadence=cadence)


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
        (429, {"x_ratelimit_remaining": "0"}, None),
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


@pytest.mark.parametrize(
    ("figure", "seconds"), [("6m0s", 360), ("12ms", 0.012), ("1h2m3s", 3723), ("7.66s", 7.66), ("2h", 7200)]
)
def test_a_reset_may_be_a_duration_with_units(figure: str, seconds: float) -> None:
    names = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")
    fields = Headers.of([(names[1], "3"), (names[2], figure)])
    quota = read_quota(fields, now=START, names=names)
    assert quota is not None
    assert quota.remaining == 3
    assert quota.reset == pytest.approx(START + seconds)
    assert read_quota(fields, now=START) is None


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


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("quota", [None, Quota(60, 5, START + 50)])
def test_a_refusal_of_the_limiter_closes_the_whole_key(status: int, quota: Quota | None) -> None:
    closed = closing(quota, Hold(START + 9, Why.RETRY_AFTER), Response(status))
    assert closed == (quota or Quota())._replace(closed=START + 9)


@pytest.mark.parametrize(
    ("status", "found"),
    [(200, Hold(START + 9, Why.RETRY_AFTER)), (404, Hold(START + 9, Why.RETRY_AFTER)), (429, None), (503, None)],
)
def test_any_other_reply_closes_nothing(status: int, found: Hold | None) -> None:
    quota = Quota(60, 5, START + 50)
    assert closing(quota, found, Response(status)) is quota


@given(st.integers(0, 999), st.lists(header_lines, max_size=6).map(Headers.of), st.booleans())
def test_any_headers_give_a_bounded_hold_or_none(status: int, fields: Headers, cadence: bool) -> None:
    found = hold(Response(status, fields), read_quota(fields, now=START), now=START, cadence=cadence)
    assert found is None or START < found.until <= START + CEILING
    assert found is None or math.isfinite(found.until)
