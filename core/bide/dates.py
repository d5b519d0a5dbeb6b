"""HTTP dates as servers really write them (RFC 9110, 5.6.7): today's form, and the two older ones."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_DAY = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) ", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60) GMT", re.ASCII)
_RFC850 = re.compile(r"([A-Z][a-z]{2})[a-z]{3,6}, (\d\d)-([A-Z][a-z]{2})-(\d\d) ([\d:]{8}) GMT", re.ASCII)
_ASCTIME = re.compile(r"([A-Z][a-z]{2}) ([A-Z][a-z]{2}) ([ \d]\d) ([\d:]{8}) (\d{4})", re.ASCII)
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_EPOCH = date(1970, 1, 1).toordinal()


def http_date(value: str | None) -> float | None:
    """Seconds since the epoch of an HTTP date in any of its three forms, or None when it is none."""
    if not value:
        return None
    modern = value if len(value) == 29 else _modernised(value)
    midnight, time = _midnight(modern[:17]), _TIME.fullmatch(modern, 17)
    if midnight is None or time is None:
        return None
    hours, minutes, seconds = time.groups()
    return midnight + int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def _modernised(value: str) -> str:
    """A date of RFC 850 or asctime in today's form; empty when it is neither."""
    if match := _RFC850.fullmatch(value):
        weekday, day, month, year, time = match.groups()
        return f"{weekday}, {day} {month} {'20' if year < '70' else '19'}{year} {time} GMT"
    if match := _ASCTIME.fullmatch(value):
        weekday, month, day, time, year = match.groups()
        return f"{weekday}, {day.replace(' ', '0')} {month} {year} {time} GMT"
    return ""


@lru_cache(maxsize=16)
def _midnight(day: str) -> float | None:
    """The beginning of a day; kept, since nearly every reply of a day asks for the same one."""
    match = _DAY.fullmatch(day)
    place = _MONTHS.find(match[2]) if match else -1
    if match is None or place % 3:  # no month, or a piece of two
        return None
    try:
        return (date(int(match[3]), place // 3 + 1, int(match[1])).toordinal() - _EPOCH) * 86400.0
    except ValueError:
        return None
