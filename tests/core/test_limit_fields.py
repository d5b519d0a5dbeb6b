"""What header fields say of rate limits, in all the ways that limiters say it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.limit_fields import MOST, Quota, read_quota, reset_fields, retry_after
from bide.messages import Headers
from tests.laws import START

DATE = "Mon, 23 Nov 2026 13:33:27 GMT"  # START, in words
LATER = "Mon, 23 Nov 2026 13:34:00 GMT"  # 33 s after it


def headers(**fields: str) -> Headers:
    return Headers.of((name.replace("_", "-"), value) for name, value in fields.items())


def figures(quota: Quota | None) -> tuple[int | None, int | None, float | None] | None:
    """Limit, remaining, and the seconds to the reset."""
    if quota is None:
        return None
    return quota.limit, quota.remaining, None if quota.reset is None else round(quota.reset - START, 5)


def read(fields: dict[str, str] | list[tuple[str, str]]) -> tuple[int | None, int | None, float | None] | None:
    given = headers(**fields) if isinstance(fields, dict) else Headers.of(fields)
    return figures(read_quota(given, now=START))


def test_a_repeated_field_keeps_each_of_its_lines_under_one_name() -> None:
    fields = Headers.of([("Retry-After", "1"), ("Date", DATE), ("RETRY-AFTER", "2")])
    assert (fields.get("retry-after"), fields.every("retry-after")) == ("1", ("1", "2"))
    assert (fields.get("age"), fields.every("age")) == (None, ())
    assert list(fields) == [("retry-after", "1"), ("retry-after", "2"), ("date", DATE)]


# Retry-After


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["7"], 7),
        (["0"], 0),
        (["1.5"], 1.5),
        (["1.50000000000000000001"], 1.5),
        ([" 7 "], 7),
        (["3", "120", "60"], 120),
        (["3, 120, 60"], 120),
        (["nonsense", "5"], 5),
        ([LATER], 33),
        ([f"{LATER}, 5"], 33),
        (["Mon Nov 23 13:34:00 2026"], 33),
        (["Mon, 23 Nov 2026 13:34:00 UTC"], 33),
        (["Mon, 23 Nov 2026 14:34:00 +0100"], 33),
        (["Mon, 23 Nov 2026 13:34:00 gmt"], 33),
        (["2026-11-23T13:34:00Z"], 33),
        (["Mon, 23 Nov 2026 13:33:00 GMT"], -27),
    ],
)
def test_retry_after_is_the_longest_readable_value(values: list[str], seconds: float) -> None:
    lines = [("Retry-After", value) for value in values]
    assert retry_after(Headers.of([*lines, ("Date", DATE)]), now=START) == START + seconds


@pytest.mark.parametrize(
    "value", ["", "-1", "1e9", "nan", "inf", "３０", "0x10", "5s", "Fri, 31 Dec 99999 23:59:59 GMT"]
)
def test_a_malformed_retry_after_is_ignored(value: str) -> None:
    assert retry_after(headers(retry_after=value, date=DATE), now=START) is None
    assert retry_after(headers(date=DATE), now=START) is None


def test_a_date_is_measured_against_the_replys_own_else_against_its_arrival() -> None:
    assert retry_after(headers(retry_after=LATER, date=DATE), now=START + 500) == START + 533
    assert retry_after(headers(retry_after=LATER), now=START + 3) == START + 33
    assert retry_after(headers(retry_after=LATER, date="today"), now=START + 3) == START + 33


# The reset


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("0", 0),
        ("58", 58),
        ("0.25", 0.25),
        ("+12", 12),
        ("12.", 12),
        (" 12 ", 12),
        ("9999999", 9999999),
        (str(int(START) + 40), 40),
        (f"{START + 40:.2f}", 40),
        (f"{int(START) + 40}.2500000000000000000000000000000001", 40.25),
        (f"{int(START) + 40}." + "0" * 5000, 40),
        ("1.79544084e+09", 33),
        (f"{int(START) + 40}000", 40),
        (f"{int(START) + 40}250.5", 40.2505),
        (f"{int(START) + 40}000000", 40),
        (f"{int(START) + 40}000000000", 40),
        ("6m0s", 360),
        ("120ms", 0.12),
        ("PT45S", 45),
        ("9999999d", 1e9),
        (LATER, 33),
        ("Mon, 23 Nov 2026 13:34:00 UTC", 33),
        ("2026-11-23T13:34:00Z", 33),
        ("2026-11-23T14:34:00.5+01:00", 33.5),
        ("2026-11-23t13:34:00.123456789012z", 33.12346),
        ("2026-11-23 08:04:00-05:30", 33),
        ("2026-11-23 13:34:00 UTC", 33),
    ],
    ids=lambda value: f"{value!s:.30}",
)
def test_a_reset_is_a_span_or_unix_time_or_a_date(told: str, seconds: float) -> None:
    assert read({"date": DATE, "x_ratelimit_remaining": "3", "x_ratelimit_reset": told}) == (None, 3, seconds)


@pytest.mark.parametrize(
    "told",
    [
        *("", "6m0x", "m", "-5", "nan", "inf", "soon", "9e99", "10000000", "500000000", "5" * 10, "5" * 13, "1" * 40),
        *("1" * 5000, "0001-01-01T00:00:00Z", str(int(START) - 4000)),
    ],
    ids=lambda value: f"{value:.30}",
)
def test_a_reset_of_no_known_kind_is_ignored(told: str) -> None:
    assert read({"x_ratelimit_limit": "60", "x_ratelimit_reset": told}) == (60, None, None)


@given(st.integers(-(10**6), 10**6), st.integers(0, 86400))
def test_a_skewed_clock_changes_nothing(skew: int, wait: int) -> None:
    """`Date` is theirs, `now` is ours; only the difference on their side counts."""
    said = headers(date=DATE, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(START) + wait))
    quota = read_quota(said, now=START + skew)
    assert quota is not None
    assert quota.reset == START + skew + wait


# The fields


@pytest.mark.parametrize(
    ("fields", "quota"),
    [
        ({"x_ratelimit_limit": "60", "x_ratelimit_remaining": "57", "x_ratelimit_reset": "9"}, (60, 57, 9)),
        ({"x_ratelimit_remaining": "57"}, (None, 57, None)),
        ({"x_ratelimit_remaining": "57.0"}, (None, 57, None)),
        ({"x_ratelimit_remaining": " 57 "}, (None, 57, None)),
        ({"x_ratelimit_remaining": '"57"'}, (None, 57, None)),
        ({"x_ratelimit_remaining": "0.0"}, (None, 0, None)),
        ({"x_ratelimit_remaining": "-1"}, (None, 0, None)),
        ({"x_ratelimit_remaining": "-" + "9" * 5000}, (None, 0, None)),
        ({"x_ratelimit_remaining": "0" * 5000}, (None, 0, None)),
        ({"x_ratelimit_remaining": "many"}, (None, None, None)),
        ({"x_ratelimit_remaining": "1" * 10}, (None, None, None)),
        ({"x_ratelimit_remaining": "٣"}, (None, None, None)),
        ({"x_ratelimit_limit": "", "x_ratelimit_remaining": "3", "x_ratelimit_reset": "9"}, (None, 3, 9)),
        ({"ratelimit_limit": "60", "ratelimit_remaining": "0", "ratelimit_reset": "9"}, (60, 0, 9)),
        ({"x_rate_limit_limit": "60", "x_rate_limit_remaining": "0", "x_rate_limit_reset": "9"}, (60, 0, 9)),
        ({"x_ratelimit_left": "4", "x_ratelimit_reset": "9"}, (None, 4, 9)),
        ({"x_ratelimit_available": "4", "x_ratelimit_reset": "9"}, (None, 4, 9)),
        ({"rate_limit_remaining": "4", "rate_limit_reset": "9"}, (None, 4, 9)),
        ({"x_acme_ratelimit_remaining": "4", "x_acme_ratelimit_reset": "9"}, (None, 4, 9)),
        ({"ratelimit_reset": "9"}, (None, None, 9)),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset_after": "12.5"}, (None, 0, 12.5)),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset_after_ms": "1250"}, (None, 0, 1.25)),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset_at": str(int(START) + 5)}, (None, 0, 5)),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_retry_after": "8"}, (None, 0, 8)),
        ({"x_rate_limit_remaining": "0", "x_rate_limit_retry_after_seconds": "8"}, (None, 0, 8)),
        ({"x_rate_limit_remaining": "0", "x_rate_limit_retry_after_milliseconds": "800"}, (None, 0, 0.8)),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "?", "x_ratelimit_reset_after": "3"}, (None, 0, 3)),
        ({"x_ratelimit_remaining_requests": "7", "x_ratelimit_reset_requests": "6m0s"}, (None, 7, 360)),
        ({"x_ratelimit_remaining": "0", "ratelimit_reset": "9"}, (None, 0, 9)),
        ({"x_ratelimit_remaining_minute": "0", "x_ratelimit_limit_minute": "5"}, (5, 0, 60)),
        ({"x_ratelimit_remaining_minute": "0", "ratelimit_reset": "9"}, (None, 0, 9)),
        ({"x_ms_ratelimit_remaining_subscription_reads": "0"}, (None, 0, None)),
        ({"x_ms_ratelimit_remaining_resource": "A/Get3Min;239,A/Get30Min;12"}, (None, 12, None)),
        ({"ratelimit_limit": "100;w=21600", "ratelimit_remaining": "76;w=21600"}, (100, 76, None)),
        ({"ratelimit_limit": "100, 100;w=60", "ratelimit_remaining": "0"}, (100, 0, 60)),
        ({"ratelimit_remaining": "0;w=60"}, (None, 0, 60)),
        ({"ratelimit_limit": "100", "ratelimit_remaining": "0", "ratelimit_policy": "10;w=1, 100;w=90"}, (100, 0, 90)),
        ({"ratelimit_remaining": "0", "ratelimit_policy": "10;w=1, 100;w=90"}, (None, 0, 90)),
        ({"ratelimit_remaining": "0", "ratelimit_policy": "10, 100;w=x"}, (None, 0, None)),
        ({"ratelimit": "limit=60, remaining=3, reset=12"}, (60, 3, 12)),
        ({"ratelimit": "limit=60, remaining=0", "ratelimit_policy": "60;w=30"}, (60, 0, 30)),
        ({"ratelimit": '"default";r=3;t=12'}, (None, 3, 12)),
        ({"ratelimit": "default; r=3; t=12"}, (None, 3, 12)),
        ({"ratelimit": '"default";r=3'}, (None, 3, None)),
        ({"ratelimit": '"default";r=-3;t=12'}, (None, 0, 12)),
        ({"ratelimit": '"default";r=0;t=99999999'}, (None, 0, None)),
        ({"ratelimit": '"d";r=3;t=12', "ratelimit_policy": '"c";q=5;w=9, "d";q=8;w=60'}, (8, 3, 12)),
        ({"ratelimit": '"d";r=0', "ratelimit_policy": '"c";q=5;w=9, "d";q=8;w=60'}, (8, 0, 60)),
        ({"ratelimit": '"r=0;t=9";r=50'}, (None, 50, None)),
        ({"ratelimit": r'"a \"b\", r=0";r=50;t=10'}, (None, 50, 10)),
        ({"x_ratelimit": "limit=60, remaining=3, reset=12"}, (60, 3, 12)),
    ],
)
def test_every_spelling_of_a_quota(fields: dict[str, str], quota: tuple[int | None, int | None, float | None]) -> None:
    assert read(fields) == quota


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"x_ratelimit_limit": "60"},
        {"x_ratelimit_used": "3", "x_ratelimit_resource": "core"},
        {"ratelimit": ""},
        {"ratelimit": "r=;t=x"},
        {"ratelimit": '"default";t=5'},
        {"ratelimit_policy": '"default";q=5;w=60'},
        {"x_content_limit": "0"},
        {"x_unlimited_remaining": "0"},
        {"x_ratelimit_remaining" + "-x" * 100: "0"},
    ],
)
def test_no_quota_is_none(fields: dict[str, str]) -> None:
    assert read(fields) is None


# The least counts


@pytest.mark.parametrize(
    ("fields", "quota"),
    [
        ([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Remaining", "99"), ("X-RateLimit-Reset", "30")], (None, 0, 30)),
        ([("X-RateLimit-Remaining", "99, 0"), ("X-RateLimit-Reset", "30")], (None, 0, 30)),
        ([("X-RateLimit-Remaining", "0, 99"), ("X-RateLimit-Reset", "5, 3600")], (None, 0, 5)),
        (
            [("X-RateLimit-Limit", "9, 100"), ("X-RateLimit-Remaining", "3, 2"), ("X-RateLimit-Reset", "5, 6")],
            (100, 2, 6),
        ),
        ([("X-RateLimit-Remaining", "0, 0"), ("X-RateLimit-Reset", f"{LATER}, {DATE}"), ("Date", DATE)], (None, 0, 33)),
        ([("X-RateLimit-Remaining", "5"), ("RateLimit-Remaining", "0"), ("RateLimit-Reset", "7")], (None, 0, 7)),
        ([("RateLimit", '"burst";r=0;t=5, "daily";r=900;t=3600')], (None, 0, 5)),
        ([("RateLimit", '"daily";r=900;t=3600'), ("RateLimit", '"burst";r=0;t=5')], (None, 0, 5)),
        ([("RateLimit", '"a";r=0;t=5, "b";r=0;t=50')], (None, 0, 50)),
        ([("RateLimit", '"a";r=0;t=5, "b";r=0')], (None, 0, None)),
        ([("RateLimit", '"a";r=0;t=50, "b";r=0')], (None, 0, 50)),
        ([("RateLimit", "limit=9, remaining=8, reset=5, limit=60, remaining=1, reset=12")], (60, 1, 12)),
        ([("X-RateLimit-Remaining", "?"), ("RateLimit-Remaining", "8"), ("RateLimit-Reset", "7")], (None, 8, 7)),
        (
            [
                ("X-RateLimit-Remaining-Requests", "5"),
                ("X-RateLimit-Reset-Requests", "12ms"),
                ("X-RateLimit-Remaining-Tokens", "0"),
                ("X-RateLimit-Reset-Tokens", "1m30s"),
            ],
            (None, 0, 90),
        ),
        (
            [
                ("anthropic-ratelimit-requests-limit", "50"),
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2026-11-23T13:34:00Z"),
                ("anthropic-ratelimit-tokens-remaining", "40000"),
                ("anthropic-ratelimit-tokens-reset", "2026-11-23T13:59:00Z"),
            ],
            (50, 0, 33),
        ),
    ],
)
def test_of_several_limits_the_least_counts(
    fields: list[tuple[str, str]], quota: tuple[int | None, int | None, float | None]
) -> None:
    assert read([*fields, ("Date", DATE)]) == quota


def test_the_policies_keep_their_names_and_the_least_comes_first() -> None:
    line = '"a";r=5;t=9, "b";r=0;t=5, "b";r=1;t=6, "c";r=7'
    quota = read_quota(headers(ratelimit=line), now=START, asked="poll")
    assert quota is not None
    assert (quota.name, quota.asked, quota.at) == ("b", "poll", START)
    assert [(one.name, one.remaining, one.asked, one.at) for one in quota.others] == [
        ("a", 5, "poll", START),
        ("c", 7, "poll", START),
    ]


def test_the_policy_in_use_may_be_named_beside_the_plain_fields() -> None:
    quota = read_quota(
        headers(x_ratelimit_remaining="0", x_ratelimit_reset="9", x_ratelimit_resource="core"), now=START
    )
    assert quota is not None
    assert quota.name == "core"


def test_of_very_many_policies_some_are_kept() -> None:
    quota = read_quota(headers(ratelimit=",".join(f'"{n}";r={n};t=9' for n in range(5000))), now=START)
    assert quota is not None
    assert (quota.remaining, len(quota.others)) == (0, MOST)


@pytest.mark.parametrize(
    ("told", "seconds"), [("9", 9), ("6m0s", 360), (LATER, 33), ("2026-11-23T13:34:00Z", 33), ("1.5e1", 15)]
)
def test_a_vendors_own_fields_are_read_in_every_spelling(told: str, seconds: float) -> None:
    names = ("acme-limit", "acme-left", "acme-reset")
    said = headers(acme_limit="60", acme_left="0", acme_reset=told, date=DATE)
    assert figures(read_quota(said, now=START, names=names)) == (60, 0, seconds)
    assert read_quota(said, now=START) is None
    assert read_quota(headers(date=DATE), now=START, names=names) is None


def test_beside_a_vendors_own_fields_the_others_count() -> None:
    names = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")
    said = headers(x_ratelimit_remaining_requests="7", x_ratelimit_remaining_tokens="0", x_ratelimit_reset_tokens="9s")
    assert figures(read_quota(said, now=START, names=names)) == (None, 0, 9)


_WORDS = st.sampled_from(
    ["x", "ratelimit", "rate", "limit", "remaining", "reset", "after", "ms", "policy", "resource", "requests", "retry"]
)
_VALUES = st.sampled_from(["0", "-1", "1e9", DATE, "5, 0", '"a";r=0;w=5', "limit=1, remaining=0", ";;", '"', "6m0s"])


@given(
    st.lists(
        st.tuples(st.lists(_WORDS, min_size=1, max_size=5).map("-".join), _VALUES | st.text(max_size=20)), max_size=8
    )
)
def test_any_fields_give_finite_figures_or_none(fields: list[tuple[str, str]]) -> None:
    names = ("x-limit", "x-remaining", "x-reset")
    quota = read_quota(Headers.of(fields), now=START, names=names)
    for one in () if quota is None else (quota, *quota.others):
        assert one.remaining is None or 0 <= one.remaining < 10**9
        assert one.reset is None or (math.isfinite(one.reset) and 0 < one.reset < 1e12)


@pytest.mark.parametrize("piece", ["0,", "1", ";", "-", '"', "a;", "0;w=1,", "1s", "Mon, ", " ", "é"])
@pytest.mark.parametrize("field", ["x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "ratelimit-policy"])
def test_a_huge_line_takes_no_longer_than_it_is_long(field: str, piece: str) -> None:
    lines = [
        ("x-ratelimit-remaining", "0"),
        ("ratelimit-remaining", "0"),
        (field, piece * 50_000),
        ("retry-after", piece * 50_000),
    ]
    assert read_quota(Headers.of(lines), now=START) is not None
    retry_after(Headers.of(lines), now=START)


def test_very_many_fields_take_no_longer_than_they_are_many() -> None:
    said = headers(**{f"x{n}_ratelimit_{word}": "1" for n in range(5000) for word in ("reset", "remaining_x")})
    assert figures(read_quota(said, now=START)) == (None, 1, 1)


@pytest.mark.parametrize(
    ("value", "wait"), [("4294967296", 1e9), ("9" * 40, 1e9), ("1795440837", 30.0), ("1795440837500", 30.5)]
)
def test_a_retry_after_of_too_many_digits_is_a_time_or_for_ever(value: str, wait: float) -> None:
    said = headers(retry_after=value, date="Mon, 23 Nov 2026 13:33:27 GMT")
    assert retry_after(said, now=1795440807.0) == pytest.approx(1795440807.0 + wait)


def test_the_fields_of_resets_come_with_their_units() -> None:
    headers = Headers.of([("X-RateLimit-Reset", "9"), ("x-ratelimit-reset-after-ms", "9000"), ("x-other-reset", "9")])
    assert reset_fields(headers) == {"x-ratelimit-reset": 1.0, "x-ratelimit-reset-after-ms": 1e-3}
    own = ("x-own-limit", "x-own-left", "x-own-reset")
    assert reset_fields(Headers.of([("x-own-reset", "9")]), own) == {"x-own-reset": 1.0}
    assert reset_fields(Headers.of([("date", "today")])) == {}


def test_of_endless_lists_the_beginning_counts() -> None:
    line = '"a";r=0;t=9,' + "b;r=1," * 10000
    quota = read_quota(Headers.of([("ratelimit", line), ("ratelimit", '"c";r=0;t=99')]), now=START)
    assert quota is not None
    assert (quota.name, quota.remaining, quota.reset) == ("a", 0, START + 9)
