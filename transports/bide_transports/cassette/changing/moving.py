"""A reply that is given at another time: what tells the time in it moves along.

The service's clock goes on, and the instants that it has named stay where they are. So a `Date` moves, and whatever
counts the seconds to such an instant (a refusal's `Retry-After`, the reset of a rate limit) shrinks.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from math import ceil

from bide.dates import http_date, span
from bide.document import moment
from bide.limit_fields import reset_fields
from bide.messages import Headers, NoResponse, Reply, Response

_REFUSALS = (429, 503)
_LATEST_DELTA = 1e7  # seconds; a larger figure is an instant, as `bide.limit_fields` has it
_LATEST_SECONDS = 4e9  # a larger figure is Unix time in ms, µs or ns
_IN_SECONDS, _IN_MS = "retry-after", ("retry-after-ms", "x-ms-retry-after-ms")
_FIGURE = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_SPAN = re.compile(r"\b(t|reset)=([0-9]{1,7})\b", re.ASCII)
_INSTANT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)")


def later(reply: Reply, ms: int, quota: tuple[str, str, str] | None = None) -> Reply:
    """`reply` given `ms` later. `quota` are a vendor's own header fields of its rate limit: limit, remaining, reset."""
    if isinstance(reply, NoResponse) or not ms:
        return reply
    units = reset_fields(reply.headers, quota)
    pairs = ((name, _later(name, value, ms, reply.status, units.get(name))) for name, value in reply.headers)
    return replace(reply, headers=Headers.of(pairs))


def ahead(reply: Reply, ms: int, quota: tuple[str, str, str] | None = None) -> Reply:
    """`reply` by a clock that is `ms` ahead: each instant in it is another, each span the same."""
    if isinstance(reply, NoResponse):
        return reply
    units = reset_fields(reply.headers, quota)
    pairs = ((name, _ahead(name, value, ms, units.get(name))) for name, value in reply.headers)
    return replace(reply, headers=Headers.of(pairs), body=born_later(reply, ms).body)


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


def _later(name: str, value: str, ms: int, status: int, unit: float | None) -> str:
    """The value of a field; `unit` are the seconds of 1 in one that says when a rate limit resets."""
    if name == "date":
        return _moved_date(value, ms)
    if unit is not None:
        return ",".join(_counted_down(part, ms / 1000, unit) for part in value.split(","))
    if "ratelimit" in name:
        return _SPAN.sub(lambda found: f"{found[1]}={max(0, ceil(int(found[2]) - ms / 1000))}", value)
    if status not in _REFUSALS or not _FIGURE.fullmatch(value):
        return value
    if name == _IN_SECONDS:
        return _less(value, ms / 1000)
    return _less(value, ms) if name in _IN_MS else value


def _counted_down(part: str, seconds: float, unit: float) -> str:
    """What is left of a reset that much later: of a figure, or of a span with units; an instant stays."""
    told = part.strip()
    if _FIGURE.fullmatch(told):
        return _less(told, seconds / unit) if float(told) * unit < _LATEST_DELTA else part
    left = span(told)
    return part if left is None else f"{max(0.0, left - seconds):.3f}".rstrip("0").rstrip(".") + "s"


def _ahead(name: str, value: str, ms: int, unit: float | None) -> str:
    if name in ("date", _IN_SECONDS):
        return _moved_date(value, ms)
    if unit is None:
        return value
    if not _FIGURE.fullmatch(value):
        return _moved_date(value, ms) if http_date(value) is not None else _instant(value, ms)
    seconds, scale = float(value) * unit, 1 / unit
    if seconds < _LATEST_DELTA:
        return value
    while seconds >= _LATEST_SECONDS:
        seconds, scale = seconds / 1000, scale * 1000
    return str(round(float(value) + ms / 1000 * scale))


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
