"""What the tests of downloads share: the replies of two hosts, a dialect that knows both, downloads on their way."""

from __future__ import annotations

import json
from typing import TypeVar

import bide
from bide.document import JSON, parse_object, text
from bide.download import Downloading, download
from tests.laws import DIALECT, START

T = TypeVar("T")
FILE = "file_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
LINK = "https://storage.modelroute.ai/f/abc?sig=xyz"
TAG = '"abc-1"'
NOON, LATER = "Mon, 23 Nov 2026 12:00:00 GMT", "Mon, 23 Nov 2026 12:01:00 GMT"
CUT = bide.NoResponse(bide.Cause.RESET, sent=True)
UNSENT = bide.NoResponse(bide.Cause.UNREACHABLE, sent=False)


class TwoWays(bide.ModelRoute):
    """A dialect that says all that one may know of its storage."""

    def elsewhere(self, file: str) -> bide.Request | None:
        return bide.Request("GET", f"{self.base_url}/v1/files/{file}/url", credential=True)

    def expires(self, response: bide.Response) -> str | None:
        return text((parse_object(response.body) or {}).get("expires_at"))

    def stored(self, url: str) -> bide.Request:
        return bide.Request("GET", self._storage(url))


def expect(kind: type[T], file: object) -> T:
    """`file`, which must be of this kind."""
    assert isinstance(file, kind), file
    return file


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bide.Response:
    """A reply; an underscore in the name of a header line is a hyphen."""
    return bide.Response(status, bide.Headers.of((n.replace("_", "-"), v) for n, v in headers.items()), body)


def in_json(document: JSON, **headers: str) -> bide.Response:
    """A reply of the service."""
    return answer(200, json.dumps(document).encode(), content_type="application/json", **headers)


ADDRESS = in_json({"url": LINK, "expires_at": "2030-01-05T09:00:00Z", "content_type": "image/png", "size_bytes": 3})
UNSIZED = in_json({"url": LINK, "expires_at": "2030-01-05T09:00:00Z"})
BYTES = answer(200, content_type="image/png")
WHOLE = answer(200, etag=TAG, content_length="500000")


def locating(patience: bide.Patience = bide.Patience()) -> Downloading:
    """Before the service is asked."""
    return download(FILE, dialect=DIALECT, now=START, patience=patience)


def transferring(patience: bide.Patience = bide.Patience()) -> Downloading:
    """Before the storage host is asked for the three bytes that were announced."""
    return expect(Downloading, locating(patience).receive(ADDRESS, received=0, now=START))


def unsized(patience: bide.Patience = bide.Patience()) -> Downloading:
    """Before the storage host is asked, which alone knows the size."""
    return expect(Downloading, locating(patience).receive(UNSIZED, received=0, now=START))


def cut_at(received: int, file: Downloading | None = None, head: bide.Response = WHOLE) -> Downloading:
    """After a transfer that was cut when so many bytes were on disk."""
    heard = (file or unsized()).heard(head)
    assert heard is not None
    return expect(Downloading, heard.receive(CUT, received=received, now=START))


def rest_from(first: int, tag: str = TAG, size: int = 500_000) -> bide.Response:
    """The rest of a file from this byte on."""
    return answer(206, etag=tag, content_range=f"bytes {first}-{size - 1}/{size}")
