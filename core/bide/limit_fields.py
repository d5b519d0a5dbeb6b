"""What the header fields of a reply say of rate limits, in the spellings that are in use.

* `X-RateLimit-*`, `RateLimit-*`, `X-Rate-Limit-*`, also with a vendor's word before it and with a word for what is
  counted: `x-ratelimit-remaining-tokens`, `anthropic-ratelimit-requests-reset`.
* `RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers, 3 to 10.
* `Retry-After` (RFC 9110, 10.2.3).

Several lines of a field are one list (RFC 9110, 5.3). A figure that cannot be read is None. An instant is compared
with the reply's own `Date`, never with our clock, so a skewed clock on either side changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from sys import intern
from typing import NamedTuple, TypeAlias

from bide.dates import http_date, span
from bide.document import moment
from bide.field_lists import items, members
from bide.messages import Headers

SLOW = 10.0  # seconds to wait where nothing remains and nobody says until when
MOST = 8  # policies that are kept beside the one that allows least

_FOR_EVER = 1e9  # seconds; whoever obeys a hint has a ceiling
_STALE = 3600.0  # seconds; an instant longer ago is no reset but a default, such as the year 1
_MOST_FIELDS = 32  # that are looked at
_LONGEST_LISTS = 1024  # characters of structured lists that are looked at: they have some hundred
_MOST_PARTS = 16  # of a figure with parameters
_LONGEST = 100  # characters of the name of a field or a policy

# Patterns are compiled when they are first used: most replies need none of them, and `import bide` should be quick.
_FIELD = r"((?:.*-)?rate-?limit-?)(.*)"
_FIGURE = (
    r"(?:^|-)(?:(limit)|(remaining|left|available)|(?:after|(?:reset|retry)(?:-(?:after|at|in|on|time|date))?)"
    r"(?:-(?:(ms|milliseconds)|seconds))?)(?=-|$)"
)
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}  # as Kong names its policies
_COUNT = r"(?a)([+-]?)([0-9]+)(?:\.[0-9]*)?"
_TIME = r"(?ai)\+?([0-9]{1,19})(?:\.([0-9]{0,9})[0-9]*)?(e\+?[0-9]{1,2})?"
_DELAY = r"(?a)([0-9]{1,9})(?:\.([0-9]{0,9})[0-9]*)?"

_Item: TypeAlias = tuple[str, dict[str, str]]


class Quota(NamedTuple):
    """The rate limit as one reply announced it, on our clock, in seconds since the epoch.

    Of several policies it is the one that allows least: `name` is its name, empty where the service does not tell them
    apart, `asked` the kind of request that was answered, `at` when. `others` are further policies, as last heard.
    `closed` is the instant before which a refused request asked all of its key to wait.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    closed: float | None = None
    name: str = ""
    asked: str = ""
    at: float = 0.0
    others: tuple[Quota, ...] = ()


class _Family(NamedTuple):
    """The fields of one policy; with each reset the seconds of its unit."""

    name: str
    limit: str = ""
    remaining: str = ""
    resets: tuple[tuple[str, float], ...] = ()


class _Layout(NamedTuple):
    """Which fields of a reply speak of rate limits, and how."""

    families: tuple[_Family, ...]
    lists: tuple[str, ...]  # `RateLimit`
    windows: tuple[str, ...]  # `RateLimit-Policy`, and the figures that had its parameters in older drafts
    in_use: str  # names the policy of the plain fields, at GitHub and Discord
    is_plain: bool  # one policy, without a name: limit, remaining, reset


def read_quota(
    headers: Headers, *, now: float, names: tuple[str, str, str] | None = None, asked: str = ""
) -> Quota | None:
    """The quota in the headers of a reply to what was `asked`, or None without any.

    Of several policies the one that allows least comes first: nothing before something, then the latest reset.
    `names` are a vendor's own fields of limit, remaining and reset.
    """
    layout = _layout(tuple(headers.fields), names)
    if layout is None:
        return None
    plain = _in_plain_fields(layout.families[0], headers, now, asked) if layout.is_plain else None
    if plain is not None:
        return plain  # most
    said = sorted(_policies(layout, headers, now), key=partial(_freedom, now))
    by_name = {policy.name: policy for policy in reversed(said)}
    least = [policy._replace(asked=asked, at=now) for policy in said if by_name[policy.name] is policy]
    return least[0]._replace(others=tuple(least[1 : MOST + 1])) if least else None


def reset_fields(headers: Headers, names: tuple[str, str, str] | None = None) -> dict[str, float]:
    """The fields of a reply that say when a rate limit resets, each with the seconds that a figure of 1 means there."""
    layout = _layout(tuple(headers.fields), names)
    return {} if layout is None else {field: unit for family in layout.families for field, unit in family.resets}


def retry_after(headers: Headers, *, now: float) -> float | None:
    """The instant that `Retry-After` names, on our clock: the latest of its readable values, or None."""
    ends = [_end_of_wait(value.strip(), headers, now) for value in members(headers.every("retry-after"))]
    return max((end for end in ends if end is not None), default=None)


def _end_of_wait(value: str, headers: Headers, now: float) -> float | None:
    match = re.fullmatch(_DELAY, value)
    if match is not None:
        return now + float(f"{match[1]}.{match[2] or 0}")
    if value.isdigit() and value.isascii() and len(value) < 300:  # too many for seconds: Unix time, or for ever
        figure = float(value)
        is_time = 1e9 <= figure < 4e9 or 1e12 <= figure < 4e18
        return _by_size(figure, headers, now) if is_time else now + _FOR_EVER
    return _instant(value, headers, now)


def _freedom(now: float, policy: Quota) -> tuple[int, float]:
    """How much a policy allows."""
    if policy.remaining:
        return 1, policy.remaining
    until = now + SLOW if policy.reset is None else policy.reset
    return 2 if policy.remaining is None else 0, -until


@lru_cache(maxsize=32)
def _layout(fields: tuple[str, ...], names: tuple[str, str, str] | None) -> _Layout | None:
    """What the names of the fields mean, if anything; kept, since a service sends the same ones in each reply."""
    found: dict[tuple[str, str], _Family] = {}
    others: dict[str, list[str]] = {"": [], "policy": [], "resource": [], "bucket": []}
    for field in [field for field in fields if "limit" in field][:_MOST_FIELDS]:
        match = re.fullmatch(_FIELD, field) if len(field) <= _LONGEST and field not in (names or ()) else None
        if match is None:
            continue
        place, rest = match[1].rstrip("-"), match[2]
        if figure := re.search(_FIGURE, rest):
            name = (rest[: figure.start()] + rest[figure.end() :]).strip("-")
            found[place, name] = _with(found.get((place, name), _Family(name)), field, figure)
        elif rest in others:
            others[rest].append(field)
    own = () if names is None else (_Family("", names[0], names[1], ((names[2], 1.0),)),)
    told = (*own, *found.values())
    families = tuple(_lent(family, told) for family in told)
    families = tuple(family for family in families if family.remaining or family.resets)
    figures = (field for family in told for field in (family.limit, family.remaining) if field)
    in_use = next(iter(others["resource"] + others["bucket"]), "")
    if not families and not others[""]:
        return None
    is_plain = len(families) == 1 and _is_plain(families[0]) and not others[""] and not in_use
    return _Layout(families, tuple(others[""]), (*others["policy"], *figures), in_use, is_plain)


def _is_plain(family: _Family) -> bool:
    is_whole = family.limit != "" and family.remaining != "" and len(family.resets) == 1
    return is_whole and family.name == "" and family.resets[0][1] == 1.0


def _with(family: _Family, field: str, figure: re.Match[str]) -> _Family:
    if figure[1]:
        return family._replace(limit=field)
    if figure[2]:
        return family._replace(remaining=field)
    return family._replace(resets=(*family.resets, (field, 1e-3 if figure[3] else 1.0)))


def _lent(family: _Family, families: Iterable[_Family]) -> _Family:
    """`family`, with the resets of its namesakes or of the plain fields where it has none of its own."""
    if family.resets:
        return family
    for name in (family.name, ""):
        resets = [reset for other in families if other.name == name for reset in other.resets]
        if resets:
            return family._replace(resets=tuple(resets))
    return family


def _in_plain_fields(family: _Family, headers: Headers, now: float, asked: str) -> Quota | None:
    """The policy in the commonest spelling, one line of digits a field; None in any other. It is the quick way."""
    lines = headers.fields
    limits, lefts, resets = lines.get(family.limit), lines.get(family.remaining), lines.get(family.resets[0][0])
    if not (limits and lefts and resets and len(limits) == len(lefts) == len(resets) == 1):
        return None
    limit, left, reset = limits[0], lefts[0], resets[0]
    digits = limit + left + reset
    if not (0 < len(limit) < 20 > len(reset) > 0 < len(left) < 10 and digits.isdigit() and digits.isascii()):
        return None
    return Quota(
        int(limit) if len(limit) < 10 else None, int(left), _by_size(float(reset), headers, now), None, "", asked, now
    )


def _policies(layout: _Layout, headers: Headers, now: float) -> list[Quota]:
    """All policies that the reply tells of."""
    said = [policy for family in layout.families for policy in _in_family(family, layout.in_use, headers, now)]
    for name, item in _items(layout.lists, headers):
        left = _count(_either(item, "remaining", "r"))
        if left is not None:
            limit, reset = _count(_either(item, "limit", "q")), _reset(_either(item, "reset", "t"), headers, now)
            said.append(Quota(limit, left, reset, name=intern(name[:_LONGEST])))
    if all(policy.limit is not None and (policy.remaining or policy.reset is not None) for policy in said):
        return said
    return _completed(said, _items(layout.windows, headers), now)


def _in_family(family: _Family, in_use: str, headers: Headers, now: float) -> list[Quota]:
    fields = headers.fields
    left = [_count(value) for value in members(fields.get(family.remaining, ()))]
    limits = [_count(value) for value in members(fields.get(family.limit, ()))]
    resets = [
        _reset(value, headers, now, unit) for field, unit in family.resets for value in members(fields.get(field, ()))
    ]
    if not left and not resets:
        return []
    name = family.name or (headers.get(in_use) or "")[:_LONGEST]
    if len(resets) != len(left) or not left:
        readable = [reset for reset in resets if reset is not None]
        resets = [max(readable) if readable else None] * (len(left) or 1)
    if len(limits) != len(left) or not left:
        limits = (limits[:1] or [None]) * (len(left) or 1)
    each = zip(limits, left or [None], resets, strict=True)
    return [Quota(limit, remaining, reset, name=intern(name)) for limit, remaining, reset in each]


def _items(fields: Iterable[str], headers: Headers) -> list[_Item]:
    """The items in the first of the lines."""
    lines, found, left = (line for field in fields for line in headers.every(field)), list[_Item](), _LONGEST_LISTS
    for line in lines:
        found += items(line[:left])
        left -= len(line) + 1
        if left <= 0:
            break
    return found


def _either(item: dict[str, str], long: str, short: str) -> str:
    return item.get(long, item.get(short, ""))


def _completed(said: list[Quota], windows: Iterable[_Item], now: float) -> list[Quota]:
    """The policies with the limits and, where nothing remains, the ends of the windows that are told beside them.

    A window is known by the name of its policy, else by its limit; else the longest one counts.
    """
    limits: dict[str, int] = {}
    longest: dict[str | int | None, float] = {}
    for name, item in windows:
        limit, window = _count(_either(item, "q", "limit") or name), _count(item.get("w", ""))
        if limit is not None:
            limits.setdefault(name, limit)
        for key in () if window is None else (name, limit, None):
            longest[key] = max(longest.get(key, 0.0), window or 0.0)
    return [_with_window(policy, limits, longest, now) for policy in said]


def _with_window(
    policy: Quota, limits: Mapping[str, int], longest: Mapping[str | int | None, float], now: float
) -> Quota:
    limit, reset = limits.get(policy.name) if policy.limit is None else policy.limit, policy.reset
    if policy.remaining == 0 and reset is None:
        known = (
            longest.get(policy.name),
            longest.get(limit),
            longest.get(None),
            _WINDOWS.get(policy.name.rpartition("-")[2]),
        )
        window = next((window for window in known if window is not None), None)
        reset = None if window is None else now + window
    return policy._replace(limit=limit, reset=reset)


def _count(value: str) -> int | None:
    """A figure of at most nine digits, which may have parameters; a negative one is none left."""
    if len(value) < 10 and value.isdigit() and value.isascii():
        return int(value)
    for part in value.split(";", _MOST_PARTS)[:_MOST_PARTS]:
        if match := re.fullmatch(_COUNT, part.strip(' \t"')):
            digits = "" if match[1] == "-" else match[2].lstrip("0")
            return int(digits or "0") if len(digits) < 10 else None
    return None


def _reset(value: str, headers: Headers, now: float, unit: float = 1.0) -> float | None:
    """A reset on our clock: a figure (`unit` is the seconds that 1 means), a span of time with units, or a date."""
    value = value.strip(' \t"')
    match = re.fullmatch(_TIME, value)
    if match is None:
        seconds = span(value)
        return _instant(value, headers, now) if seconds is None else now + min(seconds, 1e9)
    return _by_size(float(f"{match[1]}.{match[2] or 0}{match[3] or ''}") * unit, headers, now)


def _by_size(figure: float, headers: Headers, now: float) -> float | None:
    """What a figure means: seconds from now, or Unix time in s, ms, µs or ns."""
    if figure < 1e7:
        return now + figure
    while 4e9 <= figure < 4e18:
        figure /= 1e3
    return _on_our_clock(figure, headers, now) if 1e9 <= figure < 4e9 else None


def _on_our_clock(at: float, headers: Headers, now: float) -> float | None:
    date = http_date(headers.get("date"))
    at = at if date is None else now + at - date
    return at if at > now - _STALE else None


def _instant(value: str, headers: Headers, now: float) -> float | None:
    """An HTTP date or RFC 3339 on our clock, which stands in where the reply has no `Date` (RFC 9110, 6.6.1)."""
    at = http_date(value)
    if at is None:
        found = moment(value)
        at = None if found is None else found.timestamp()
    return None if at is None else _on_our_clock(at, headers, now)
