"""How the rest of a file is asked for, and whether what comes is that rest (RFC 9110, 8.8, 13.1.5 and 14).

Bytes of two versions of a file must never stand in one: the rest is asked for on the condition that the file is
still the same, by a validator that changes whenever a byte does, and every answer is held against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bide.content_codings import codings
from bide.dates import http_date
from bide.digests import Digest, digest_of
from bide.messages import Headers, Response

# Apart by more than clocks usually are: a date so close to now may stand for two versions (RFC 9110, 8.8.2.2).
_SETTLED = 60.0  # seconds
_STRONG = re.compile(r'"[!#-~]{0,500}"', re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)
_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15}|\*)", re.ASCII | re.IGNORECASE)
_UNSATISFIED = re.compile(r"bytes \*/([0-9]{1,15})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Partial:
    """What of a file is on disk, and what tells whether the rest still belongs to it.

    `received` bytes of `size` (None: nobody has said) are there. `validator` is what `If-Range` will hold; without
    one the file can only be begun anew. The whole must have `digest`. `linked` says that the bytes came from an
    address the service named, not from the service itself.
    """

    received: int = 0
    size: int | None = None
    validator: str | None = None
    digest: Digest | None = None
    linked: bool = False

    @property
    def can_go_on(self) -> bool:
        """Whether it is worth keeping."""
        return self.received > 0 and self.validator is not None

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The header lines that ask for the rest alone, none where the whole must be asked for."""
        if not self.received or self.validator is None:
            return ()
        return (("range", f"bytes={self.received}-"), ("if-range", self.validator))

    def grown(self, received: int) -> Partial:
        """The same with `received` bytes there."""
        return replace(self, received=received)

    def continued(self, headers: Headers) -> Partial | None:
        """The same with what a 206 adds to it, or None when that 206 holds anything but the rest of this very file."""
        match = _RANGE.fullmatch((headers.get("content-range") or "").strip())
        if match is None or not self.can_go_on or _is_coded(headers):
            return None
        first, last = int(match[1]), int(match[2])
        size = self.size if match[3] == "*" else int(match[3])
        digest = digest_of(headers, whole=False)
        misplaced = first != self.received or last < first or (size is not None and last >= size)
        changed = size != (size if self.size is None else self.size) or not self._is_of(headers, silence=False)
        if misplaced or changed or (None not in (digest, self.digest) and digest != self.digest):
            return None
        return replace(self, size=size, digest=self.digest or digest)

    def is_whole(self, headers: Headers) -> bool:
        """Whether a 416 means that nothing is missing any more."""
        match = _UNSATISFIED.fullmatch((headers.get("content-range") or "").strip())
        size = self.size if match is None else int(match[1])
        return self.can_go_on and size == self.received and self._is_of(headers, silence=True)

    def _is_of(self, headers: Headers, *, silence: bool) -> bool:
        """Whether a reply speaks of the same version; `silence` on it may count as a yes (RFC 9110, 15.3.7)."""
        if self.validator is None or not self.validator.startswith('"'):
            return headers.get("last-modified") in (None, self.validator)
        tags = headers.every("etag")
        return tags == (self.validator,) or (silence and not tags)


def begun(headers: Headers, *, linked: bool) -> Partial:
    """What a 200 says of the file that its body is; nothing of it is on disk yet."""
    if _is_coded(headers):
        return Partial(linked=linked)
    return Partial(0, _length(headers), _validator(headers), digest_of(headers, whole=True), linked)


def is_validator(value: str) -> bool:
    """Whether `value` can stand in `If-Range`."""
    return _STRONG.fullmatch(value) is not None or http_date(value) is not None


def _validator(headers: Headers) -> str | None:
    """A strong entity tag; a date only where there is no tag at all, and it is old enough (RFC 9110, 13.1.5)."""
    tags, changed = headers.every("etag"), headers.get("last-modified")
    if (headers.get("accept-ranges") or "").strip().lower() == "none":
        return None
    if tags:
        return tags[0] if len(tags) == 1 and _STRONG.fullmatch(tags[0]) else None
    date, at = http_date(headers.get("date")), http_date(changed)
    return changed if date is not None and at is not None and date - at >= _SETTLED else None


def announced(head: Response) -> tuple[int, int | None]:
    """With which byte of the whole the body of this response begins, and how many the whole is said to have."""
    length = _length(head.headers)
    match = _RANGE.fullmatch((head.headers.get("content-range") or "").strip()) if head.status == 206 else None
    if match is None:
        return 0, length
    first = int(match[1])
    return first, int(match[3]) if match[3] != "*" else None if length is None else first + length


def _length(headers: Headers) -> int | None:
    """The bytes that a body is said to have on its way; None where nobody says so."""
    told = headers.get("content-length") or ""
    return int(told) if _LENGTH.fullmatch(told) and "transfer-encoding" not in headers.fields else None


def _is_coded(headers: Headers) -> bool:
    """Whether the body is compressed: its length, its ranges and its digests are then not those of the file."""
    return bool(codings(headers))
