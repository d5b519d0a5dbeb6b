"""Files that clients bring: a place is asked for, it gets the bytes, then the service is told of them.

The pages disagree about all three (modelroute-api.md, 13.1 and 13.2): `Variants.upload` and `Variants.confirm` choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bide.document import JSON, parse_object
from bide.messages import Headers, Response
from bide_transports.emulator import documents, storage
from bide_transports.emulator.account import Account
from bide_transports.emulator.names import name
from bide_transports.emulator.replies import Refused, document, invalid, nowhere
from bide_transports.emulator.routes import Call
from bide_transports.emulator.variants import Variants

LARGEST = 150_000_000  # bytes, of the new pages (modelroute-api.md, 13.4)
_LARGEST_DECLARED = 104_857_600  # bytes, of the old ones (modelroute-api.md, 13.1)
_PURPOSES = ("INPUT", "UPLOAD")


@dataclass(frozen=True, slots=True)
class Place:
    """What was asked for: the media type and the size in bytes, where they were declared; `stored` once it came."""

    content_type: str | None = None
    size: int | None = None
    stored: storage.Stored | None = None
    confirmed: bool = False

    def takes(self, headers: Headers) -> bool:
        """Whether a body with these header lines is the one that was declared."""
        typed = self.content_type in (None, headers.get("content-type"))
        return typed and str(self.size) in ("None", headers.get("content-length"))


@dataclass(frozen=True, slots=True)
class Uploads:
    """The places by file id. Every method raises `Refused` to say no."""

    variants: Variants
    account: Account
    seed: int
    places: dict[str, Place] = field(default_factory=dict[str, Place])

    def ask(self, call: Call, storage_url: str, now: float) -> Response:
        """A place for a file, asked for in either way that this service takes."""
        place = _asked(parse_object(call.body), self.variants)
        file_id = name("file", self.seed, "upload", len(self.places))
        self.places[file_id] = place
        expires = storage.expiry(now + self.variants.skew)
        url = storage.presign(storage_url, file_id, expires, self.seed, "PUT")
        return document(200, documents.place(file_id, url, expires))

    def put(self, call: Call, now: float) -> Response:
        """What the storage host says to the bytes of a file, once the signature has let them in."""
        if "content-length" not in call.headers.fields:
            return storage.unmeasured()
        place = self.places.get(call.handle)
        if place is None or not place.takes(call.headers):
            return storage.denied()
        stored = storage.Stored(call.body, place.content_type or storage.detected(call.body), now)
        self.places[call.handle] = replace(place, stored=stored)
        self.account.uploads += 1
        return storage.taken(call.body)

    def confirm(self, call: Call) -> Response:
        """What the service says when it is told that the bytes are there; a body of our own, since none is shown."""
        if not self.variants.confirm:
            raise nowhere()
        file_id = (parse_object(call.body) or {}).get("file_id")
        place = self.places.get(file_id) if isinstance(file_id, str) else None
        if place is None or place.stored is None:
            raise Refused(400, "FILE_NOT_FOUND", "no bytes have come for this file")
        self.places[str(file_id)] = replace(place, confirmed=True)
        return document(200, {"file_id": file_id, "size_bytes": len(place.stored.content)})

    def file(self, file_id: str) -> storage.Stored | None:
        """The file, once it may be used."""
        place = self.places.get(file_id)
        return place.stored if place is not None and (place.confirmed or not self.variants.confirm) else None


def _asked(content: Mapping[str, JSON] | None, variants: Variants) -> Place:
    if content is None:
        raise invalid("body", "INVALID_JSON", "the body is no JSON object")
    if variants.upload != "particulars" and ("purpose" in content or variants.upload == "purpose"):
        if content.get("purpose") not in _PURPOSES:
            raise invalid("purpose", "REQUIRED", f"give one of {', '.join(_PURPOSES)}")
        return Place()
    filename, kind, size = (content.get(key) for key in ("filename", "content_type", "size_bytes"))
    if not (isinstance(filename, str) and filename):
        raise invalid("filename", "REQUIRED", "name the file")
    if not (isinstance(kind, str) and "/" in kind):
        raise invalid("content_type", "REQUIRED", "give its media type")
    if not (type(size) is int and 0 <= size <= _LARGEST_DECLARED):
        raise invalid("size_bytes", "OUT_OF_RANGE", f"give its size, {_LARGEST_DECLARED} bytes at the most")
    return Place(kind, size)
