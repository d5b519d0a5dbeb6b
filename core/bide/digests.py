"""What a reply says the bytes of a file must hash to: `Repr-Digest` and its relatives (RFC 9530, RFC 3230, RFC 1864).

Storage hosts have fields of their own: `x-amz-checksum-*` of S3, `x-goog-hash` of Google Cloud Storage.
A field that cannot be read is ignored: it says nothing, and the size is checked all the same.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import NamedTuple

from bide.messages import Headers

#: The algorithms by the names that fields give them, the best first: what hashlib calls each, and its size in bytes.
_ALGORITHMS = {"sha-512": ("sha512", 64), "sha-256": ("sha256", 32), "sha": ("sha1", 20), "md5": ("md5", 16)}
_OF_THE_WHOLE = ("repr-digest", "digest")
_OF_THE_CONTENT = ("content-digest",)
#: Fields of one algorithm; they too speak of the content of this one reply.
_ALONE = (("x-amz-checksum-sha256", "sha-256"), ("x-amz-checksum-sha1", "sha"), ("content-md5", "md5"))
#: Of the object as it is stored: a host that keeps it compressed may send it unpacked (Cloud Storage, "Transcoding").
_OF_THE_STORED, _STORED_AS = "x-goog-hash", "x-goog-stored-content-encoding"

_MOST = 64  # digests in one field that are looked at


class Digest(NamedTuple):
    """What the whole file must hash to: the algorithm as hashlib calls it, and the digest in hexadecimal digits."""

    algorithm: str
    value: str

    @property
    def is_sound(self) -> bool:
        """Whether it can be a digest at all."""
        sizes = dict(_ALGORITHMS.values())
        digits = frozenset(self.value) <= frozenset("0123456789abcdef")
        return digits and len(self.value) == 2 * sizes.get(self.algorithm, -1)


def digest_of(headers: Headers, *, whole: bool) -> Digest | None:
    """The digest of the whole file that a reply names, the best of several; None where it names none.

    `whole` says that the reply holds the whole file: else what it says of its own content tells nothing of the file.
    """
    found = dict(reversed(list(_named(headers, whole=whole))))  # the first of each algorithm counts
    return next((found[name] for name, _ in _ALGORITHMS.values() if name in found), None)


def _named(headers: Headers, *, whole: bool) -> Iterator[tuple[str, Digest]]:
    is_stored_so = whole and (headers.get(_STORED_AS) or "identity").strip().lower() == "identity"
    stored = (_OF_THE_STORED,) if is_stored_so else ()
    for field in _OF_THE_WHOLE + (_OF_THE_CONTENT if whole else ()) + stored:
        for item in ",".join(headers.every(field)).split(",", _MOST)[:_MOST]:
            name, _, value = item.strip().partition("=")
            yield from _read(name.lower(), value.partition(";")[0].strip().strip(":"))
    for field, name in _ALONE if whole else ():
        yield from _read(name, (headers.get(field) or "").strip())


def _read(name: str, value: str) -> Iterator[tuple[str, Digest]]:
    algorithm, size = _ALGORITHMS.get(name, ("", 0))
    try:
        raw = b64decode(value, validate=True)
    except ValueError:
        return
    if algorithm and len(raw) == size:
        yield algorithm, Digest(algorithm, raw.hex())
