"""A fake server's addresses: what was recorded, or is documented, of one origin is played at another."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import bide
from bide.dialect import Dialect
from bide.dialects.declared import Declared
from bide.messages import Headers, NoResponse, Reply, Request
from bide.urls import origin

_LEFT_OUT = ("host", "connection", "accept-encoding", "user-agent", "content-length")


def base_of(dialect: Dialect) -> str:
    """The address of the API."""
    return dialect.base_url if isinstance(dialect, bide.ModelRoute | Declared) else dialect.origin


def site(url: str) -> str:
    """Scheme, host and port, as `url` spells them."""
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc}"


def path(url: str) -> str:
    """The path that everything at this base address begins with."""
    return urlsplit(url).path.rstrip("/")


def arrived(request: Request, here: str, home: str) -> Request:
    """A request to a server at `here`, as it would have come to the one at `home`."""
    url, body = request.url.replace(here, home), request.body.replace(here.encode(), home.encode())
    headers = tuple((name, value.replace(here, home)) for name, value in request.headers if _is_kept(name))
    return replace(request, url=url, headers=headers, body=body)


def returned(reply: Reply, home: str, here: str) -> Reply:
    """A reply of the server at `home`, as the one at `here` would give it, with the length that it has so."""
    if isinstance(reply, NoResponse) or home == here:
        return reply
    body, pairs = reply.body, [(name, value) for name, value in reply.headers if name != "content-length"]
    for spelt in (origin(home) or home, home):  # with its port, and without
        body = body.replace(spelt.encode(), here.encode())
        pairs = [(name, value.replace(spelt, here)) for name, value in pairs]
    return replace(reply, headers=Headers.of([*pairs, ("content-length", str(len(body)))]), body=body)


def _is_kept(name: str) -> bool:
    return name.lower() not in _LEFT_OUT
