"""The storage origin: files behind presigned URLs, and no other way in (modelroute-api.md, 13.3)."""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from mimetypes import guess_type
from typing import Literal, NamedTuple
from urllib.parse import parse_qs

from bide.file_names import suffix
from bide.messages import Headers, Response
from bide_transports.emulator.png import png
from bide_transports.emulator.replies import http_date

_LIFETIME = 3600  # seconds a presigned URL is good for (modelroute-api.md, 11)
_LARGE = 1_000_000  # pixels
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)


class Stored(NamedTuple):
    """A file that is kept here; `modified` is when it came, seconds since the epoch."""

    content: bytes
    content_type: str
    modified: float


def expiry(at: float) -> int:
    """When an address that is signed at `at` ends (whole seconds since the epoch, the service's clock)."""
    return int(at // 1) + _LIFETIME


def presign(storage_url: str, file_id: str, expires: int, seed: int, method: Literal["GET", "PUT"] = "GET") -> str:
    """A URL that fetches the file, or takes it, until `expires`."""
    signature, folder = _signature(method, file_id, expires, seed), "u" if method == "PUT" else "f"
    return f"{storage_url}/{folder}/{file_id}?sig={signature}&expires={expires}"


def admits(method: str, file_id: str, query: str, seed: int, at: float) -> bool:
    """Whether the query of a presigned URL lets this in at `at` (seconds since the epoch, the service's clock)."""
    fields = parse_qs(query)
    sig, expires = fields.get("sig", [""])[0], fields.get("expires", [""])[0]
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
        return False
    # As bytes: compare_digest refuses text that is not ASCII.
    mine = _signature(method, file_id, int(expires), seed)
    good = hmac.compare_digest(sig.encode("utf-8", "replace"), mine.encode())
    return good and at < int(expires)


def denied() -> Response:
    """What a storage host says to a wrong or expired signature: 403, in XML."""
    return _error(403, "AccessDenied", "The signature does not match, or the request has expired")


def missing() -> Response:
    """What it says when the URL is good but the file is gone: 404, in XML."""
    return _error(404, "NoSuchKey", "The specified key does not exist")


def unmeasured() -> Response:
    """What it says to bytes whose number was not told first: 411, in XML."""
    return _error(411, "MissingContentLength", "You must provide the Content-Length HTTP header")


def taken(content: bytes) -> Response:
    """What it says once the bytes are there."""
    return Response(200, Headers.of([("ETag", f'"{_digest(content)}"')]))


def detected(content: bytes) -> str:
    """The media type that the first bytes call for."""
    return guess_type(f"file{suffix(content[:16])}")[0] or "application/octet-stream"


@lru_cache(maxsize=4)
def picture(file_id: str, width: int, height: int) -> bytes:
    """The file of a run: a small picture, or one of a million pixels or more with the weight of a photograph.

    Three bytes a pixel then; what the picture itself does not need comes after its end, where no reader looks.
    """
    small = png(file_id, width, height)
    weight = 3 * width * height if width * height >= _LARGE else 0
    return small + hashlib.shake_256(file_id.encode()).digest(max(0, weight - len(small)))


def file(content: bytes, asked: Headers, modified: float, content_type: str = "image/png") -> Response:
    """The file, last changed at `modified` (seconds since the epoch), or the range of it that is asked for.

    One range is understood, as RFC 9110, 14.2 has it: ignored where `If-Range` names another version than this.
    """
    tag, changed = f'"{_digest(content)}"', http_date(int(modified // 1))
    lines = [("Content-Type", content_type), ("Accept-Ranges", "bytes"), ("ETag", tag), ("Last-Modified", changed)]
    match = _RANGE.fullmatch(asked.get("range") or "")
    if match is None or asked.get("if-range") not in (None, tag, changed):
        return Response(200, Headers.of(lines), content)
    first, last = _bounds(match[1], match[2], len(content))
    if not first <= last < len(content):
        return Response(416, Headers.of([*lines[1:], ("Content-Range", f"bytes */{len(content)}")]))
    place = ("Content-Range", f"bytes {first}-{last}/{len(content)}")
    return Response(206, Headers.of([*lines, place]), content[first : last + 1])


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """The first and the last byte of a range; a range without its beginning counts from the end."""
    if not first:
        return max(0, size - int(last or 0)), size - 1
    return int(first), min(int(last or size), size - 1)


@lru_cache(maxsize=4)
def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _error(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Response(status, Headers.of([("Content-Type", "application/xml")]), body)


def _signature(method: str, file_id: str, expires: int, seed: int) -> str:
    text = f"{method}\n{file_id}\n{expires}"  # another method is as wrong as a bad signature
    return hmac.new(f"storage {seed}".encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
