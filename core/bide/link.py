"""Where the bytes of a file can be had: the address a service names, how long it is good, where it may lead on to."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable
from urllib.parse import urldefrag, urljoin

from bide.dates import http_date
from bide.dialects import Dialect
from bide.document import moment
from bide.messages import Request, Response
from bide.urls import host, is_id, may_follow, origin

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


class Link(NamedTuple):
    """An address of a file's bytes, asked without any credential.

    `size` is how many bytes were announced with it, `expires` when it ends (seconds since the epoch, our clock);
    `hops` counts the redirects that led to it.
    """

    request: Request
    size: int | None = None
    expires: float | None = None
    hops: int = 0


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
    return Link(request, dialect.announced(reply), expires)


def speaks_against(status: int) -> bool:
    """Whether a storage host says by this status that the address it was asked at is good no more."""
    return 400 <= status < 500 and status not in _MAY_PASS


def leads_on(reply: Response, link: Link | None) -> bool:
    """Whether this reply is a redirect, and not one too many."""
    followed = link.hops if link else 0
    return reply.status in _REDIRECTS and bool(reply.headers.get("location")) and followed < _MOST_HOPS


def led_on(dialect: Dialect, file: str, asked: Request, reply: Response, link: Link | None) -> Link:
    """Where a redirect of `asked` leads; raises `ValueError` for an address that must not be followed."""
    url = urldefrag(urljoin(asked.url, reply.headers.get("location") or "")).url
    link = link or Link(asked)
    return link._replace(request=_admitted(dialect, file, asked, url), hops=link.hops + 1)


def _admitted(dialect: Dialect, file: str, asked: Request, url: str) -> Request:
    """The request for `url`, if the dialect's storage, the host just asked, or whoever names files by address may."""
    request = Request("GET", url, (_PLAIN,))
    if origin(url) is not None and origin(url) == origin(asked.url) != dialect.origin:
        return request
    if isinstance(dialect, Storing):
        return dialect.stored(url)
    if is_id(file) or not may_follow(url, dialect.origin):
        raise ValueError(f"the file's address leads on to {host(url) or 'no host'}, which may not be asked for it")
    return request
