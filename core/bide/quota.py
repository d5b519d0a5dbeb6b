"""What reply headers say of the rate limit, and until when they forbid the next request.

Read before trouble comes: nothing remaining means wait for the reset, not for a 429. `Retry-After` wins
over the rest (RFC 9110, 10.2.3). Times of the server are compared with the reply's own `Date`,
never with our clock, so a skewed clock on either side changes nothing. A malformed field is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from bide.dates import http_date
from bide.messages import Headers, Response
from bide.pace import SHORTEST, Why

CEILING = 3600.0  # seconds that one hint may hold a job at the most

_FAMILIES = tuple(
    (f"{prefix}ratelimit-limit", f"{prefix}ratelimit-remaining", f"{prefix}ratelimit-reset") for prefix in ("x-", "")
)
_DELAY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_DURATION = re.compile(
    r"(?=[0-9])(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m(?!s))?(?:([0-9]{1,6}(?:\.[0-9]{1,9})?)s)?(?:([0-9]{1,9})ms)?",
    re.ASCII,
)
_ITEM = re.compile(r"\b(limit|remaining|reset|r|t)=([0-9]{1,15})", re.ASCII)


class Quota(NamedTuple):
    """The rate limit as one reply announced it, on our clock, in seconds since the epoch.

    `closed` is the instant before which a refused request asked all of its key to wait.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    closed: float | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Send nothing before `until` (seconds since the epoch); `paced`: the service paces us, so no later either."""

    until: float
    why: Why
    paced: bool = False


def read_quota(headers: Headers, *, now: float, names: tuple[str, str, str] | None = None) -> Quota | None:
    """The quota in `X-RateLimit-*`, `RateLimit-*` or the IETF `RateLimit` field, or None without any.

    `names` are a vendor's own fields of limit, remaining and reset.
    """
    fields = headers.fields
    for limit, remaining, reset in _FAMILIES if names is None else (names, *_FAMILIES):
        if remaining in fields or reset in fields:
            left = _count(headers.get(remaining))
            return Quota(_count(headers.get(limit)), left, _reset(headers.get(reset), headers, now=now))
    return _structured(headers, now=now) if "ratelimit" in fields else None


def hold(
    response: Response, quota: Quota | None, *, now: float, cadence: bool, wait: float | None = None
) -> Hold | None:
    """The instant before which this reply forbids the next request, or None when it forbids nothing.

    `cadence` is the dialect's word on whether `Retry-After` counts on a 2xx reply that has quota left:
    some limiters send the end of the window with every reply. Where it counts there, it is the service's own
    pace: 0 means now. `wait` is a vendor's finer hint, in seconds, that goes before it.
    """
    if wait is None and "retry-after" in response.headers.fields:
        counts = response.status >= 300 or cadence or quota is None or not quota.remaining
        wait = retry_after(response.headers) if counts else None
    paced = cadence and response.status < 300
    if wait is not None and (wait > 0 or paced):
        return Hold(now + min(max(wait, SHORTEST), CEILING), Why.RETRY_AFTER, paced)
    if response.status == 429 and quota is not None and quota.reset is not None:
        return Hold(min(max(quota.reset, now + 1), now + CEILING), Why.QUOTA)
    return spent(quota, now=now)


def spent(quota: Quota | None, *, now: float) -> Hold | None:
    """Until when `quota`, as last heard, allows no request of its key; None once that has passed."""
    if quota is None:
        return None
    if quota.closed is not None and quota.closed > now:
        return Hold(min(quota.closed, now + CEILING), Why.RETRY_AFTER)
    if quota.reset is None or quota.remaining is None or quota.remaining > 0 or quota.reset <= now:
        return None
    return Hold(min(quota.reset, now + CEILING), Why.QUOTA)


def closing(quota: Quota | None, hold: Hold | None, response: Response) -> Quota | None:
    """`quota` with what a refusal of the rate limiter adds: it holds back the whole key, not one job alone."""
    if hold is None or response.status not in (429, 503):
        return quota
    return (Quota() if quota is None else quota)._replace(closed=hold.until)


def retry_after(headers: Headers) -> float | None:
    """Seconds to wait by `Retry-After` (RFC 9110, 10.2.3): the longest of its readable values, or None.

    A date is measured against the reply's own `Date`; without one a date cannot be trusted and is ignored.
    """
    waits = [wait for value in headers.every("retry-after") if (wait := _wait(value.strip(), headers)) is not None]
    return max(waits, default=None)


def _wait(value: str, headers: Headers) -> float | None:
    if _DELAY.fullmatch(value):
        return float(value)
    at, date = http_date(value), http_date(headers.get("date"))
    return None if at is None or date is None else at - date


def _count(value: str | None) -> int | None:
    return int(value) if value and len(value) < 10 and value.isascii() and value.isdigit() else None


def _reset(value: str | None, headers: Headers, *, now: float) -> float | None:
    """A reset on our clock: the figure is a delta, epoch seconds or epoch milliseconds, told by its size."""
    if not value:
        return None
    if not _DECIMAL.fullmatch(value):
        return _after(value, now)
    figure = float(value)
    if figure < 1e7:
        return now + figure
    if 1e12 <= figure < 4e12:
        figure /= 1000
    elif not 1e9 <= figure < 4e9:
        return None
    date = http_date(headers.get("date"))
    return now + figure - date if date is not None else figure


def _after(value: str, now: float) -> float | None:
    """A reset told as a duration with units, such as `6m0s` or `12ms`."""
    match = _DURATION.fullmatch(value)
    if match is None:
        return None
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return now + hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _structured(headers: Headers, *, now: float) -> Quota | None:
    """`RateLimit: limit=60, remaining=3, reset=12` (drafts to 7) or `RateLimit: "default";r=3;t=12` (later).

    Of several policies the one that allows least counts.
    """
    value = ",".join(headers.every("ratelimit"))
    policies = value.split(",") if ";" in value else [value]
    quotas = [_policy(dict(_ITEM.findall(policy)), now=now) for policy in policies]
    known = [quota for quota in quotas if quota is not None]
    return min(known, key=lambda quota: (quota.remaining or 0, -(quota.reset or 0)), default=None)


def _policy(items: dict[str, str], *, now: float) -> Quota | None:
    remaining, reset = _count(items.get("remaining", items.get("r"))), _count(items.get("reset", items.get("t")))
    if remaining is None:
        return None
    return Quota(_count(items.get("limit")), remaining, None if reset is None or reset >= 1e7 else now + reset)
