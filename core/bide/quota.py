"""What reply headers say of the rate limit, and until when they forbid the next request.

Read before trouble comes: nothing remaining means wait for the reset, not for a 429. `Retry-After` wins
over the rest (RFC 9110, 10.2.3). The spellings stand in `bide.limit_fields`; a malformed field is ignored.

A service may have several limits: some for a route, such as submissions alone, some with a name of their own. The one
that allows least counts; what was heard of the others is kept beside it, so that a reply about one lifts no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bide.limit_fields import MOST, SLOW
from bide.limit_fields import Quota as Quota
from bide.limit_fields import read_quota as read_quota
from bide.limit_fields import retry_after as retry_after
from bide.messages import Response
from bide.pace import SHORTEST, Why, backoff

CEILING = 3600.0  # seconds that one hint may hold a job at the most

_ROUNDED = 2.0  # seconds by which two words on the same instant may differ: both are rounded
_UNPROVEN = 60.0  # seconds that a named policy may hold a kind of request that it was never told for


@dataclass(frozen=True, slots=True)
class Hold:
    """Send nothing before `until` (seconds since the epoch); `paced`: the service paces us, so no later either."""

    until: float
    why: Why
    paced: bool = False


def hold(
    response: Response,
    quota: Quota | None,
    *,
    now: float,
    cadence: bool,
    wait: float | None = None,
    refused: bool = False,
    again: int = 0,
) -> Hold | None:
    """The instant before which this reply forbids the next request, or None when it forbids nothing.

    `quota` is what this very reply says of it. `cadence` is the dialect's word on whether `Retry-After` counts on a
    2xx reply that has quota left: where it does, it is the service's own pace, and 0 means now. `wait` is a vendor's
    finer hint, in seconds, that goes before it. `refused`: the limiter's refusal, whatever its status; `again`: how
    many of them in a row came before.
    """
    refused = refused or response.status == 429
    paced = cadence and response.status < 300 and not refused
    nothing_left = quota is not None and quota.remaining == 0
    until = None if wait is None else now + wait
    if until is None and "retry-after" in response.headers.fields:
        until = _come_again(response, quota, now=now, cadence=cadence, refused=refused)
    if until is not None and (until > now or (paced and not nothing_left)):
        return Hold(min(max(until, now + SHORTEST), now + CEILING), Why.RETRY_AFTER, paced)
    if quota is None:
        return None
    if quota.reset is None and nothing_left:
        return Hold(now + backoff(again + 1, draw=1.0, first=SLOW), Why.QUOTA)
    if quota.reset is not None and refused:
        return Hold(min(max(quota.reset, now + 1), now + CEILING), Why.QUOTA)
    return spent(quota, now=now, asked="poll" if quota.asked == "submit" and not refused else quota.asked)


def spent(quota: Quota | None, *, now: float, asked: str = "") -> Hold | None:
    """Until when `quota`, as last heard, allows no request of its key of the kind `asked`; None once that has passed.

    What a reply said of a policy holds requests of the kind that it answered. It holds all other kinds, too, but
    those whose own replies tell of other policies, or of the same one later.
    """
    if quota is None:
        return None
    if quota.closed is not None and quota.closed > now:
        return Hold(min(quota.closed, now + CEILING), Why.RETRY_AFTER)
    if quota.remaining != 0 and not quota.others:
        return None
    said = (quota, *quota.others)
    own = {one.name: one.at for one in said if one.asked == asked}
    until = max((_end(one, asked, own) for one in said if _is_spent(one, now)), default=now)
    return Hold(min(until, now + CEILING), Why.QUOTA) if until > now else None


def closing(
    quota: Quota | None, hold: Hold | None, response: Response, *, now: float, refused: bool = False, again: int = 0
) -> Quota | None:
    """`quota` with what a refusal of the rate limiter adds: it holds back the whole key, not one job alone.

    So does having nothing left until nobody knows when. A policy with a name of its own holds what it is about.
    """
    refused = refused or response.status == 429
    if hold is not None:
        vague = quota is not None and quota.remaining == 0 and quota.reset is None
        until = hold.until if refused or vague or response.status == 503 else None
    else:
        until = now + backoff(again + 1, draw=1.0) if refused else None
    if until is None or (quota is not None and quota.name and _is_spent(quota, until - 1e-6)):
        return quota
    return (Quota(at=now) if quota is None else quota)._replace(closed=until)


def merged(old: Quota | None, new: Quota | None) -> Quota | None:
    """What is known of the quota from two replies: the later one's word first, and what it does not speak of."""
    if old is None or new is None or old is new:
        return new if old is None else old
    if new.at < old.at:
        old, new = new, old
    if old.closed is None and not old.others and old.asked == new.asked and old.name == new.name:
        return new  # most
    closed = max(old.closed or 0.0, new.closed or 0.0)
    until = closed if closed > new.at else None
    if new.limit is None and new.remaining is None and new.reset is None:
        return old._replace(closed=until)
    others = new.others
    if old.others or old.name != new.name or old.asked != new.asked:
        others = _kept(old, new)
    return new if until == new.closed and others is new.others else new._replace(closed=until, others=others)


def _come_again(response: Response, quota: Quota | None, *, now: float, cadence: bool, refused: bool) -> float | None:
    """The instant that `Retry-After` names, where it is meant for us.

    On a success with quota left, some limiters send the end of their window with every reply. Where nothing is left
    and the two agree but for rounding, the later one is right.
    """
    until = retry_after(response.headers, now=now)
    if until is None or quota is None:
        return until
    if quota.remaining and response.status < 300 and not refused:
        ends = [one.reset for one in (quota, *quota.others) if one.reset is not None]
        return until if cadence and all(abs(until - end) > _ROUNDED for end in ends) else None
    if quota.reset is not None and (refused or quota.remaining == 0) and now < until < quota.reset <= until + _ROUNDED:
        return quota.reset
    return until


def _is_spent(quota: Quota, now: float) -> bool:
    return quota.remaining == 0 and quota.reset is not None and quota.reset > now


def _end(quota: Quota, asked: str, own: Mapping[str, float]) -> float:
    """Until when a spent policy holds requests of the kind `asked`, whose replies told of those in `own` last."""
    reset = quota.reset or 0.0
    if quota.asked == asked:
        return reset
    if own:
        return reset if own.get(quota.name, quota.at) < quota.at else 0.0
    return min(reset, quota.at + _UNPROVEN) if quota.name else reset


def _kept(old: Quota, new: Quota) -> tuple[Quota, ...]:
    """What is kept beside `new`: what has a name, so that it is known which kinds of requests it holds, or is spent."""
    heard = sorted((*old.others, old, *new.others), key=lambda one: one.at)
    said = {(one.name, one.asked): one for one in heard}
    said.pop((new.name, new.asked), None)
    kept = [one for one in said.values() if one.name or _is_spent(one, new.at)]
    kept.sort(key=lambda one: _is_spent(one, new.at))
    return tuple(one._replace(closed=None, others=()) for one in kept[-MOST:])
