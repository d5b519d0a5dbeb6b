"""Bodies as other tools keep them: packed as they came, or unpacked though the header still says that they are packed.

The same file means one or the other by the version of the library below the tool, so the bytes themselves decide.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

LARGEST = 64 * 1024 * 1024  # bytes of one body, unpacked
_GZIP, _ZLIB = 31, 15  # window bits, as zlib has them
_DEFLATE = 8


def unpacked(body: bytes, codings: tuple[str, ...]) -> tuple[bytes, str]:
    """The body without the content codings that its header names, and why that is not to be had, or the empty text."""
    names = [name.strip().lower() for line in codings for name in line.split(",")]
    for name in reversed(names):
        if name in ("", "identity") or not body:
            continue
        how = _KNOWN.get(name)
        if how is None and not _is_text(body):
            return (
                b"",
                f"is packed as {name[:20]!r}, which cannot be unpacked: record it with Accept-Encoding: identity",
            )
        plain = how(body) if how else body
        if len(plain) > LARGEST:
            return b"", f"unpacks to more than {LARGEST} bytes"
        body = plain
    return body, ""


def _gzip(body: bytes) -> bytes:
    return _inflated(body, _GZIP) if body[:2] == b"\x1f\x8b" else body


def _deflate(body: bytes) -> bytes:
    looks_so = len(body) > 1 and body[0] & 15 == _DEFLATE and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflated(body, _ZLIB) if looks_so else body


def _inflated(body: bytes, window: int) -> bytes:
    """The content of all members; the body itself where it is none after all."""
    plain = b""
    try:
        while body and len(plain) <= LARGEST:
            member = zlib.decompressobj(window)
            plain += member.decompress(body, LARGEST + 1 - len(plain))
            if len(plain) <= LARGEST and not member.eof:
                return plain  # cut short, as far as it goes
            rest = member.unused_data
            if rest[:2] != b"\x1f\x8b":
                return plain
            body = rest
    except zlib.error:
        return plain or body
    return plain


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


_KNOWN: dict[str, Callable[[bytes], bytes]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}
