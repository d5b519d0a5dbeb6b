"""A reply that is given at another time: what tells the time in it moves along.

The service's clock goes on, and the instants that it has named stay where they are. So a `Date` moves, and whatever
counts the seconds to such an instant (a refusal's `Retry-After`, the reset of a rate limit) shrinks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from math import ceil

from bide.dates import http_date
from bide.document import moment
from bide.messages import Headers, NoResponse, Reply, Response

_REFUSALS = (429, 503)
_LATEST_DELTA = 1e7  # seconds; a larger figure is an instant
_RESETS = ("x-ratelimit-reset", "ratelimit-reset")
_IN_SECONDS, _IN_MS = "retry-after", ("retry-after-ms", "x-ms-retry-after-ms")
_FIGURE = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_SPAN = re.compile(r"\b(t|reset)=([0-9]{1,7})\b", re.ASCII)
_INSTANT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)")


def later(reply: Reply, ms: int, resets: tuple[str, ...] = ()) -> Reply:
    """`reply` given `ms` later. `resets` are a vendor's own header fields for the reset of its rate limit."""
    if isinstance(reply, NoResponse) or not ms:
        return reply
    pairs = ((name, _later(name, value, ms, reply.status, (*_RESETS, *resets))) for name, value in reply.headers)
    return replace(reply, headers=Headers.of(pairs))


def ahead(reply: Reply, ms: int) -> Reply:
    """`reply` by a clock that is `ms` ahead: each instant in it is another, each span the same."""
    if isinstance(reply, NoResponse):
        return reply
    return replace(reply, headers=Headers.of(_ahead(reply, ms)), body=born_later(reply, ms).body)


def born_later(reply: Response, ms: int) -> Response:
    """`reply` about a job that began `ms` later, so that the instants in its body are later, too."""
    if not ms:
        return reply
    body = _INSTANT.sub(lambda found: _instant(found[0].decode(), ms).encode(), reply.body)
    return replace(reply, body=body)


def imf(at: float) -> str:
    """Seconds since the epoch as an HTTP date (RFC 9110, 5.6.7)."""
    when = datetime.fromtimestamp(at // 1, tz=timezone.utc)
    day, month = "MonTueWedThuFriSatSun"[when.weekday() * 3 :][:3], "JanFebMarAprMayJunJulAugSepOctNovDec"
    return f"{day}, {when:%d} {month[when.month * 3 - 3 :][:3]} {when:%Y %H:%M:%S} GMT"


def _later(name: str, value: str, ms: int, status: int, resets: tuple[str, ...]) -> str:
    if name == "date":
        return _moved_date(value, ms)
    if name == "ratelimit":
        return _SPAN.sub(lambda found: f"{found[1]}={max(0, ceil(int(found[2]) - ms / 1000))}", value)
    if not _FIGURE.fullmatch(value):
        return value
    if name in resets and float(value) < _LATEST_DELTA:
        return _less(value, ms / 1000)
    if status in _REFUSALS and name == _IN_SECONDS:
        return _less(value, ms / 1000)
    return _less(value, ms) if status in _REFUSALS and name in _IN_MS else value


def _ahead(reply: Response, ms: int) -> Iterator[tuple[str, str]]:
    for name, value in reply.headers:
        figure = float(value) if name in _RESETS and _FIGURE.fullmatch(value) else 0.0
        if name in ("date", _IN_SECONDS):
            yield name, _moved_date(value, ms)
        elif figure >= _LATEST_DELTA:
            yield name, str(round(figure + (ms if figure >= 1e12 else ms / 1000)))
        else:
            yield name, value


def _moved_date(value: str, ms: int) -> str:
    at = http_date(value)
    try:
        return value if at is None else imf(at + round(ms / 1000))
    except (ValueError, OverflowError, OSError):
        return value  # it would be in no year that a date can have


def _less(figure: str, by: float) -> str:
    return str(max(0, ceil(float(figure) - by)))


def _instant(text: str, ms: int) -> str:
    at = moment(text)
    if at is None:
        return text
    try:
        moved = at.astimezone(timezone.utc) + timedelta(milliseconds=ms)
    except OverflowError:
        return text  # such as 9999-12-31T23:59:59Z, which means never
    fraction = f".{moved.microsecond:06}" if "." in text else ""
    return f"{moved:%Y-%m-%dT%H:%M:%S}{fraction}Z"
