"""Instants and spans of time as servers really write them in header fields.

HTTP dates have today's form and two older ones (RFC 9110, 5.6.7); some servers write the zone as mail does
(RFC 5322, 3.3). Spans have units (`6m0s`, `12ms`), or are ISO 8601 (`PT30S`).
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_MINUTE = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) ([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_SECONDS = {f":{second:02} GMT": second for second in range(61)}
_MAIL = (  # RFC 850, too, which has hyphens
    r"(?ai)(?:[a-z]{3,9},? )?(\d{1,2})[ -]([a-z]{3})[ -](\d{4}|\d\d) (\d\d:\d\d)(:\d\d) ?"
    r"(?:gmt|utc?|z|([+-])(\d\d):?([0-5]\d))"
)
_ASCTIME = r"(?ai)[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d\d:\d\d)(:\d\d) (?:gmt |utc )?(\d{4})"
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_EPOCH = date(1970, 1, 1).toordinal()

_UNITS = {
    unit: seconds
    for units, seconds in (
        ("d day days", 86400.0),
        ("h hr hrs hour hours", 3600.0),
        ("m min mins minute minutes", 60.0),
        ("s sec secs second seconds", 1.0),
        ("ms msec millisecond milliseconds", 1e-3),
        ("us µs μs âµs", 1e-6),  # the last is UTF-8 taken for Latin-1, in lower case
        ("ns", 1e-9),
    )
    for unit in units.split()
}
_PART = r"([0-9]{1,9}(?:\.[0-9]*)?) ?([a-zâµμ]+)[ ,]*"
_ISO_SPAN = r"p([0-9.]+d)?(?:t([0-9.hms]+))?"
_LONGEST_SPAN = 64  # characters


def http_date(value: str | None) -> float | None:
    """Seconds since the epoch of an HTTP date in any of its three forms, or None when it is none."""
    if not value:
        return None
    second = _SECONDS.get(value[22:])
    minute = None if second is None else _minute(value[:22])
    return _otherwise(value) if minute is None or second is None else minute + second


def span(value: str) -> float | None:
    """Seconds of a span of time with units, or None when it is none."""
    text = value.lower()
    if len(text) > _LONGEST_SPAN:
        return None
    if iso := re.fullmatch(_ISO_SPAN, text):
        text = (iso[1] or "") + (iso[2] or "")
    parts = re.findall(_PART, text)
    if not parts or re.sub(_PART, "", text) or any(unit not in _UNITS for _, unit in parts):
        return None
    return sum(float(figure) * _UNITS[unit] for figure, unit in parts)


def _otherwise(value: str) -> float | None:
    """A date in an older form, or with its zone written otherwise."""
    if match := re.fullmatch(_MAIL, value):
        day, month, year, time, second, sign, hours, minutes = match.groups()
        if len(year) == 2:
            year = f"{'20' if year < '70' else '19'}{year}"
    elif match := re.fullmatch(_ASCTIME, value):
        month, day, time, second, year = match.groups()
        sign, hours, minutes = None, "0", "0"
    else:
        return None
    minute = _minute(f"Day, {day.strip():0>2} {month.title()} {year} {time}")
    seconds = _SECONDS.get(f"{second} GMT")
    if minute is None or seconds is None:
        return None
    ahead = (int(hours) * 60 + int(minutes)) * 60 if sign else 0
    return minute + seconds + (ahead if sign == "-" else -ahead)


@lru_cache(maxsize=16)
def _minute(text: str) -> float | None:
    """The beginning of a minute; kept, since replies come many a minute."""
    match = _MINUTE.fullmatch(text)
    place = _MONTHS.find(match[2]) if match else -1
    if match is None or place % 3:  # no month, or a piece of two
        return None
    day, _, year, hour, minute = match.groups()
    try:
        midnight = (date(int(year), place // 3 + 1, int(day)).toordinal() - _EPOCH) * 86400.0
    except ValueError:
        return None
    return midnight + int(hour) * 3600 + int(minute) * 60
