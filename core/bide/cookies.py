"""Cookies that a service wants back (RFC 6265): what a reply says of them, and what the next request sends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from bide.dates import http_date
from bide.handles import COOKIE, handle_of, links

_LARGEST, _MOST = 4096, 50  # characters of one, and how many: what RFC 6265, 6.1, asks of a client
_LONG_AGO = 1e9  # the end of a cookie that is taken back lies before this, whatever the time is


def told_cookies(lines: Iterable[str], wanted: Iterable[str], *, date: str | None) -> tuple[str, ...]:
    """The wanted cookies in the lines of `Set-Cookie`, each as `name=value`; one that is taken back has no value.

    `wanted` are names, `*` stands for any text in one. `date` is the reply's own: by it a cookie has come to its end.
    """
    patterns, now = tuple(wanted), http_date(date) or _LONG_AGO
    return tuple(pair for line in lines for pair in _pair(line, patterns, now))


def kept_cookies(known: str, told: Iterable[str]) -> str:
    """The line that the next request sends (5.4): the `known` cookies, with what a reply `told` of them."""
    jar = dict(pair.split("=", 1) for pair in known.split("; ") if "=" in pair)
    for pair in told:
        name, _, value = pair.partition("=")
        jar.pop(name, None)
        if value and len(jar) < _MOST:
            jar[name] = value
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def with_cookies(handle: str, told: tuple[str, ...]) -> str:
    """The handle of a job with what a reply `told` of the cookies."""
    if not told:
        return handle
    parts = links(handle)
    cookies = kept_cookies(parts.pop(COOKIE, ""), told)
    return handle_of({**parts, COOKIE: cookies} if cookies else parts) or handle


def _pair(line: str, wanted: tuple[str, ...], now: float) -> Iterator[str]:
    pair, _, attributes = line.partition(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    sendable = pair.isascii() and pair.isprintable() and len(pair) <= _LARGEST
    if name and equals and sendable and any(fnmatchcase(name, pattern) for pattern in wanted):
        yield f"{name}={'' if _is_over(attributes, now) else value}"


def _is_over(attributes: str, now: float) -> bool:
    """Whether a cookie is taken back (5.2.2 and 5.3): its age is none, or its end lies in the past."""
    parted = (attribute.partition("=") for attribute in attributes[:_LARGEST].split(";"))
    named = {name.strip().lower(): value.strip() for name, _, value in parted}
    age, end = named.get("max-age", ""), http_date(named.get("expires"))
    if age.lstrip("-").isdigit():
        return age.startswith("-") or not age.strip("0")
    return end is not None and end <= now
