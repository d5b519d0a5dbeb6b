"""A request read back from the bytes that an adapter sends: enough of HTTP/1.1 for requests of our own."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from bide.messages import Request
from bide.secret import Credential
from bide.urls import address

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_RESERVED = "%!#$&'()*+,/:;=?@[]"  # what `quote` is to leave alone (RFC 3986, 2.2)
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]", re.ASCII)


class Asked(NamedTuple):
    """One whole request on the wire; header names are in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def of(cls, request: Request, credential: Credential) -> Asked:
        """What `request` should be on the wire, without what an adapter adds of its own but the host."""
        place = address(request.url)
        target, host = ("", "") if place is None else (place.target, place.authority)
        lines = (("host", host), *request.headers, *credential)
        return cls(request.method, target, tuple((name.lower(), value) for name, value in lines), request.body)


def read_request(data: bytes) -> Asked | None:
    """The request in `data`, or None while more is wanted."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
    length = int(dict(headers).get("content-length", "0"))
    return Asked(method, target, headers, body) if len(body) >= length else None


def needed(data: bytes) -> int:
    """How many bytes the request that begins with `data` has; 0 while nobody can know."""
    found = _LENGTH.search(data, 0, data.find(b"\r\n\r\n") + 2)
    return data.find(b"\r\n\r\n") + 4 + int(found[1]) if found else 0


def spelt(target: str) -> str:
    """A target in one spelling of its escapes (RFC 3986, 6.2.2): adapters differ in it, servers do not."""
    return quote(_ESCAPE.sub(_escape, target), safe=_RESERVED)


def _escape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if _UNRESERVED.fullmatch(character) else found[0].upper()
