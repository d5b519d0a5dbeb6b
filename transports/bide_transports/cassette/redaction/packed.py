"""Text within base64 and within gzip or zlib, unpacked within bounds."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator

from bide_transports.cassette.redaction.placeholders import Edit, Hide, gaps

LARGEST = 2 * 1024 * 1024  # bytes that are unpacked of one body, or text, before what else is packed is given up

_WORD = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_WRAPPED = re.compile(r"(?:[A-Za-z0-9+/]{60,76}\r?\n)+[A-Za-z0-9+/]{0,76}={0,2}")  # as in mail (RFC 2045, 6.8)
_STANDARD = str.maketrans("-_", "+/")


def in_base64(text: str, holds: Callable[[bytes], bool], hide: Hide) -> Iterator[Edit]:
    """Edits for each word of base64 in which something secret is written, or packed."""
    for start, end in gaps(text):
        for found in _WORD.finditer(text, start, end):
            data = _decoded(found[0])
            if _may_tell(data) and holds(data):
                yield found.start(), found.end(), hide(found[0], "secret")


def in_lines(text: str, holds: Callable[[bytes], bool], hide: Hide) -> Iterator[Edit]:
    """The same for base64 in lines of one length."""
    for found in _WRAPPED.finditer(text) if "\n" in text else ():
        data = _decoded("".join(found[0].split()))
        if _may_tell(data) and holds(data):
            start, end = found.span()
            yield start, end - len(found[0]) + len(found[0].rstrip()), hide(found[0].rstrip(), "secret")


def is_packed(data: bytes) -> bool:
    """Whether this begins as gzip or zlib does, and is no text that happens to."""
    if data[:2] == b"\x1f\x8b":
        return True
    return data[:1] == b"x" and int.from_bytes(data[:2], "big") % 31 == 0 and not _is_text(data)  # RFC 1950, 2.2


def unpacked(data: bytes, room: int) -> bytes | None:
    """All that is in gzip or zlib, or None where it is more than `room` bytes or broken at its start.

    What is cut short is unpacked as far as it goes.
    """
    pieces: list[bytes] = []
    while data and is_packed(data):
        machine = zlib.decompressobj(wbits=47)  # either format
        try:
            pieces.append(machine.decompress(data, room + 1))
        except zlib.error:
            return None
        room -= len(pieces[-1])
        if room < 0:
            return None
        data = machine.unused_data
    return b"".join((*pieces, data))


def _decoded(word: str) -> bytes:
    text = word.rstrip("=").translate(_STANDARD)
    whole = text[: len(text) - (len(text) % 4 == 1)]  # one character alone is less than a byte
    return b64decode(whole + "=" * (-len(whole) % 4))


def _may_tell(data: bytes) -> bool:
    """Whether `data` is text or packed, not the noise that any word becomes when it is taken for base64."""
    if is_packed(data):
        return True
    return _is_text(data) or _is_text(data[:24])  # or text with something else behind it


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
