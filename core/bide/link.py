"""Where the bytes of a file can be had: the address a service names, how long it is good, where it may lead on to."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, Protocol, runtime_checkable
from urllib.parse import urldefrag

from bide.dates import http_date
from bide.dialect import Dialect
from bide.document import moment
from bide.messages import Request, Response
from bide.references import whole, why_not
from bide.urls import host, is_id, origin

_MOST_HOPS = 3  # redirects in a row
_REDIRECTS = (301, 302, 303, 307, 308)
_MAY_PASS = (408, 416, 425, 429)  # 4xx of a storage host that do not speak against the address
_PLAIN = ("accept-encoding", "identity")  # a compressed file has other lengths, ranges and digests


@runtime_checkable
class Storing(Protocol):
    """What a dialect may know of its storage beyond what `Dialect` asks of every one."""

    def elsewhere(self, file: str) -> Request | None:
        """Another way to ask for a file, where `locate` meets with 404 or 405; None where there is none."""
        ...

    def expires(self, response: Response) -> str | None:
        """Until when the address in a reply to `locate` is good, as ISO 8601, where the reply says so."""
        ...

    def stored(self, url: str) -> Request:
        """The request for bytes at an address that the storage host redirects to; raises `ValueError` for others."""
        ...


@runtime_checkable
class Typing(Protocol):
    """What a dialect may know of the kind of a file."""

    def media_type(self, response: Response) -> str | None:
        """The media type of the file that the address in a reply to `locate` leads to, where the reply says so."""
        ...


class Link(NamedTuple):
    """An address of a file's bytes, asked without any credential.

    `size` is how many bytes were announced with it, `expires` when it ends (seconds since the epoch, our clock);
    `hops` counts the redirects that led to it, `kind` is the media type that was announced. One that `is_home` is
    another address of the service itself, which is asked as the first one was.
    """

    request: Request
    size: int | None = None
    expires: float | None = None
    hops: int = 0
    kind: str = ""
    is_home: bool = False


def other_way(dialect: Dialect, file: str) -> Request | None:
    """The second way to ask for a file, where the dialect knows one."""
    return dialect.elsewhere(file) if isinstance(dialect, Storing) else None


def link_in(dialect: Dialect, reply: Response, *, now: float) -> Link | None:
    """The address in a 200 reply to `locate`, or None where that is the file; raises `ValueError` for a foreign one.

    Its end is told by the server's clock, which is read off the reply's own `Date`.
    """
    request = dialect.located(reply)
    if request is None:
        return None
    end = moment(dialect.expires(reply)) if isinstance(dialect, Storing) else None
    date = http_date(reply.headers.get("date"))
    expires = None if end is None else end.timestamp() + (0.0 if date is None else now - date)
    kind = dialect.media_type(reply) if isinstance(dialect, Typing) else None
    return Link(request, dialect.announced(reply), expires, kind=kind or "")


def speaks_against(status: int) -> bool:
    """Whether a storage host says by this status that the address it was asked at is good no more."""
    return 400 <= status < 500 and status not in _MAY_PASS


def leads_on(reply: Response) -> bool:
    """Whether this reply is a redirect."""
    return reply.status in _REDIRECTS and bool(reply.headers.get("location"))


def is_led_astray(reply: Response, link: Link | None) -> bool:
    """Whether this reply is one redirect too many."""
    return leads_on(reply) and link is not None and link.hops >= _MOST_HOPS


def led_on(dialect: Dialect, file: str, asked: Request, reply: Response, link: Link | None) -> Link:
    """Where a redirect of `asked` leads; raises `ValueError` for an address that must not be followed."""
    try:
        url = urldefrag(whole(reply.headers.get("location") or "", asked.url)).url
    except ValueError as error:
        raise ValueError(f"the file's address leads on to another one, and {error}") from None
    link = link or Link(asked, is_home=origin(asked.url) == dialect.origin)
    if link.is_home and origin(url) == dialect.origin:
        return link._replace(request=replace(asked, url=url), hops=link.hops + 1)
    return link._replace(request=_admitted(dialect, file, asked, url), hops=link.hops + 1, is_home=False)


def _admitted(dialect: Dialect, file: str, asked: Request, url: str) -> Request:
    """The request for `url`, if the dialect's storage, the host just asked, or whoever names files by address may."""
    request = Request("GET", url, (_PLAIN,))
    if origin(url) is not None and origin(url) == origin(asked.url) != dialect.origin:
        return request
    if isinstance(dialect, Storing):
        return dialect.stored(url)
    reason = why_not(url, dialect.origin, private=getattr(dialect, "private", False)) or (
        "the service names only an id: get it by hand if you trust it" if is_id(file) else ""
    )
    if reason:
        raise ValueError(
            f"the file's address leads on to {host(url) or 'no host'}, where it is not asked for: {reason}"
        )
    return request
