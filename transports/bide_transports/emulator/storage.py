"""The storage origin: files behind presigned URLs, and no other way in (modelroute-api.md, 13.3)."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs

from bide.messages import Headers, Response

LIFETIME = 3600  # seconds a download URL is good for (modelroute-api.md, 11)


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


def picture(content: bytes) -> Response:
    """The file itself."""
    return Response(200, Headers.of([("Content-Type", "image/png")]), content)


def _error(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Response(status, Headers.of([("Content-Type", "application/xml")]), body)


def _signature(file_id: str, expires: int, secret: bytes) -> str:
    return hmac.new(secret, f"GET\n{file_id}\n{expires}".encode(), hashlib.sha256).hexdigest()
