"""The storage origin: files behind presigned URLs, and no other way in (modelroute-api.md, 13.3)."""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from urllib.parse import parse_qs

from bide.messages import Headers, Response
from bide_transports.emulator.png import png
from bide_transports.emulator.replies import http_date

LIFETIME = 3600  # seconds a download URL is good for (modelroute-api.md, 11)
_LARGE = 1_000_000  # pixels
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)


def presign(storage_url: str, file_id: str, expires: int, secret: bytes) -> str:
    """A URL that fetches the file until `expires` (whole seconds since the epoch, the service's clock)."""
    return f"{storage_url}/f/{file_id}?sig={_signature(file_id, expires, secret)}&expires={expires}"


def admits(file_id: str, query: str, secret: bytes, at: float) -> bool:
    """Whether the query of a presigned URL opens the file at `at` (seconds since the epoch, the service's clock)."""
    fields = parse_qs(query)
    sig, expires = fields.get("sig", [""])[0], fields.get("expires", [""])[0]
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
        return False
    # As bytes: compare_digest refuses text that is not ASCII.
    good = hmac.compare_digest(sig.encode("utf-8", "replace"), _signature(file_id, int(expires), secret).encode())
    return good and at < int(expires)


def denied() -> Response:
    """What a storage host says to a wrong or expired signature: 403, in XML."""
    return _error(403, "AccessDenied", "The signature does not match, or the request has expired")


def missing() -> Response:
    """What it says when the URL is good but the file is gone: 404, in XML."""
    return _error(404, "NoSuchKey", "The specified key does not exist")


@lru_cache(maxsize=4)
def picture(file_id: str, width: int, height: int) -> bytes:
    """The file of a run: a small picture, or one of a million pixels or more with the weight of a photograph.

    Three bytes a pixel then; what the picture itself does not need comes after its end, where no reader looks.
    """
    small = png(file_id, width, height)
    weight = 3 * width * height if width * height >= _LARGE else 0
    return small + hashlib.shake_256(file_id.encode()).digest(max(0, weight - len(small)))


def file(content: bytes, asked: Headers, modified: float) -> Response:
    """The file, last changed at `modified` (seconds since the epoch), or the range of it that is asked for.

    One range is understood, as RFC 9110, 14.2 has it: ignored where `If-Range` names another version than this.
    """
    tag, changed = f'"{_digest(content)}"', http_date(int(modified // 1))
    lines = [("Content-Type", "image/png"), ("Accept-Ranges", "bytes"), ("ETag", tag), ("Last-Modified", changed)]
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


def _signature(file_id: str, expires: int, secret: bytes) -> str:
    return hmac.new(secret, f"GET\n{file_id}\n{expires}".encode(), hashlib.sha256).hexdigest()
