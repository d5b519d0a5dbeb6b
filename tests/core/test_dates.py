"""Dates and spans of time in the forms that servers write."""

from __future__ import annotations

import pytest

from bide.dates import http_date, span
from tests.laws import START


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 23 Nov 2026 13:33:27 GMT",
        "Monday, 23-Nov-26 13:33:27 GMT",
        "Mon Nov 23 13:33:27 2026",
        "Mon, 23 Nov 2026 13:33:27 UTC",
        "Mon, 23 Nov 2026 13:33:27 +0000",
        "Mon, 23 Nov 2026 13:33:27 -00:00",
        "Mon, 23 Nov 2026 13:33:27 gmt",
        "Mon, 23 Nov 2026 13:33:27 utc",
        "Mon, 23 Nov 2026 13:33:27Z",
        "Mon, 23 Nov 2026 14:33:27 +0100",
        "Mon, 23 Nov 2026 08:03:27 -0530",
        "MON, 23 NOV 2026 13:33:27 GMT",
        "23 Nov 2026 13:33:27 GMT",
        "Mon, 23-Nov-2026 13:33:27 GMT",
        "Monday, 23-Nov-26 13:33:27 UTC",
        "Mon Nov 23 13:33:27 UTC 2026",
    ],
)
def test_every_form_of_a_date_is_read(text: str) -> None:
    assert http_date(text) == START


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 1 Jan 1970 00:00:00 GMT", 0),
        ("Thu Jan  1 00:00:00 1970", 0),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
        ("Tuesday, 31-Dec-69 23:59:59 GMT", 3155759999),
        ("Friday, 31-Dec-99 23:59:59 GMT", 946684799),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800),
        ("Sat, 31 Dec 2016 23:59:60 UTC", 1483228800),
    ],
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
        "Mon, 23 Nov 2026 13:33:61 GMT",
        "Mon, 23 Nov 2026 13:33:61 UTC",
        "Mon, 23 Anf 2026 13:33:27 GMT",
        "Mon, 23 Xyz 2026 13:33:27 GMT",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Mon, 23 Nov 2026 13:33:27 CET",
        "Mon, 23 Nov 2026 13:33:27",
        "Mon, ２３ Nov 2026 13:33:27 GMT",
        "Mon, 23 Nov 2026 13:33:27 GMT\n",
        "2026-11-23T13:33:27Z",
        "0",
    ],
)
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert http_date(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360),
        ("12ms", 0.012),
        ("1.234567ms", 0.001234567),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("250\u00c2\u00b5s", 0.00025),
        ("40ns", 4e-8),
        ("1h2m3s", 3723),
        ("1h30m", 5400),
        ("7.66s", 7.66),
        ("1.5000000000000000000001s", 1.5),
        ("2h", 7200),
        ("1d", 86400),
        ("30 seconds", 30),
        ("1 hour, 5 mins", 3900),
        ("90S", 90),
        ("PT30S", 30),
        ("pt1m30.5s", 90.5),
        ("P1DT2H", 93600),
    ],
)
def test_a_span_of_time_has_units(text: str, seconds: float) -> None:
    assert span(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "30", "m", "6m0x", "-5s", "PT", "P", "P1M", "1e3s", "5 parsecs", "1s" * 40])
def test_what_is_no_span_is_none(text: str) -> None:
    assert span(text) is None
