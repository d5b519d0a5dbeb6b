"""HTTP dates as servers really write them (RFC 9110, 5.6.7): today's form, and the two older ones."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_MINUTE = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) ([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_SECONDS = {f":{second:02} GMT": second for second in range(61)}
_RFC850 = re.compile(r"([A-Z][a-z]{2})[a-z]{3,6}, (\d\d)-([A-Z][a-z]{2})-(\d\d) ([\d:]{8}) GMT", re.ASCII)
_ASCTIME = re.compile(r"([A-Z][a-z]{2}) ([A-Z][a-z]{2}) ([ \d]\d) ([\d:]{8}) (\d{4})", re.ASCII)
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_EPOCH = date(1970, 1, 1).toordinal()


def http_date(value: str | None) -> float | None:
    """Seconds since the epoch of an HTTP date in any of its three forms, or None when it is none."""
    if not value:
        return None
    modern = value if len(value) == 29 else _modernised(value)
    minute, second = _minute(modern[:22]), _SECONDS.get(modern[22:])
    return None if minute is None or second is None else minute + second


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
