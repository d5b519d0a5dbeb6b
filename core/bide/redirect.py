"""Redirects of the API itself (RFC 9110, 15.4): followed within its own origin only, a few in a row.

A transport follows none: where a key may go is no matter of transports.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urldefrag, urljoin

from bide.handles import links, moved_to
from bide.messages import Request, Response
from bide.urls import address, public

_LONGEST = 8192  # characters of an address
_KEEPS_METHOD = (307, 308)
_PERMANENT = (301, 308)


class Redirect(NamedTuple):
    """The address that a job's request goes to in place of the dialect's own.

    `hops` counts the redirects in a row that led to it; `permanent` says that all of them were, so that it stays.
    """

    url: str
    hops: int = 1
    permanent: bool = False

    def __repr__(self) -> str:
        return f"Redirect({public(self.url)})"


def redirect_target(asked: str, reply: Response) -> str:
    """The address that a reply points to, whole and without a fragment; the empty text where it points nowhere."""
    said = reply.headers.get("location") or ""
    try:
        return urldefrag(urljoin(asked, said)).url if said and len(said) <= _LONGEST else ""
    except ValueError:
        return said[:_LONGEST]


def next_redirect(asked: Request, target: str, status: int, before: Redirect | None, *, most: int) -> Redirect | None:
    """Where to send the request next; None where it must not be sent there, or was sent on `most` times already.

    Anything but a GET is sent on only where its method is kept (RFC 9110, 15.4.8 and 15.4.9).
    """
    hops = before.hops if before else 0
    changes_method = asked.method != "GET" and status not in _KEEPS_METHOD
    if hops >= most or changes_method or target == asked.url or address(target) is None:
        return None
    permanent = status in _PERMANENT and (before is None or before.permanent)
    return Redirect(target, hops + 1, permanent)


def arrived(redirect: Redirect | None, handle: str, asked: str) -> tuple[str, Redirect | None]:
    """What stays of a redirect whose address was answered: the handle, and what is asked in place of `asked`.

    A permanent one moves the address in the handle; where none of the handle's is `asked`, it stays beside it.
    """
    if redirect is None or not redirect.permanent:
        return handle, None
    if asked in links(handle).values():
        return moved_to(handle, asked, redirect.url), None
    return handle, redirect._replace(hops=0)
