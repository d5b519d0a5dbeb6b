"""What frames a reply, read to the letter: the head, the lines around chunks and after them. No I/O.

`http.client` guesses where a reply is malformed: a line that is no header ends the head, ` +5` is a chunk size, and a
length that is none is ignored. Whoever stands between may guess otherwise, and then a part of one reply is taken for
the next. Here it is as with h11: what could be read in two ways is refused (RFC 9112, 6 and 7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from bide_transports.header_lines import MOST_LINES, NotHTTP, fields

_STATUS_LINE = re.compile(rb"HTTP/([0-9]\.[0-9]) ([1-9][0-9]{2})(?: ([^\x00\r\n\f\v]*))?")
_LENGTH = re.compile(rb"[0-9]{1,20}")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,20}")
_TRAILERS = re.compile(
    rb"(?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[^\x00\r\n\f\v]*\r?\n(?:[ \t][^\x00\r\n\f\v]*\r?\n)*)*"  # with their folds
)
_SPACE, _DIGITS = b" \t", b"0123456789abcdefABCDEF"
_MOST_BESIDE = 16 * 1024  # bytes in the lines of chunks that are no size
LONGEST_LINE = _MOST_BESIDE + 64  # bytes, before a chunk
_FOR_ONE_BESIDE = 16  # bytes in the chunks that allow for one more of these


class Head(NamedTuple):
    """A status line and its header fields; `length` (bytes) and `chunked` are what they say of the body."""

    version: str
    status: int
    reason: str
    lines: list[tuple[str, str]]
    length: int | None
    chunked: bool
    closes: bool  # the connection carries no further reply (RFC 9112, 9.3)


def head_of(lines: Iterable[bytes]) -> Head:
    """The head in `lines`, the empty one left out; raises `NotHTTP`."""
    first, *rest = map(_bare, lines)
    status = _STATUS_LINE.fullmatch(first)
    if status is None or len(rest) > MOST_LINES:
        raise NotHTTP
    found = fields(rest)
    framing = {b"content-length": _length(found), b"transfer-encoding": _coding(found)}
    found = [field for field in found if field[0].lower() not in framing]
    found += [field for field in framing.items() if field[1]]
    options = [option.strip(_SPACE).lower() for value in _values(found, b"connection") for option in value.split(b",")]
    return Head(
        version=status[1].decode(),
        status=int(status[2]),
        reason=(status[3] or b"").decode("latin-1"),
        lines=[(name.decode(), value.decode("latin-1")) for name, value in found],
        length=int(framing[b"content-length"]) if framing[b"content-length"] else None,
        chunked=bool(framing[b"transfer-encoding"]),
        closes=status[1] != b"1.1" or b"close" in options,
    )


def chunk_size(line: bytes) -> int:
    """The size in the line before a chunk (RFC 9112, 7.1); raises `NotHTTP`."""
    size, extended, extension = line.removesuffix(b"\r\n").partition(b";")
    size = size if extended else size.rstrip(_SPACE)  # some servers fill it up with spaces
    if not line.endswith(b"\r\n") or b"\n" in extension or not _SIZE.fullmatch(size):
        raise NotHTTP
    return int(size, 16)


class Sizes:
    """The sizes of the chunks of one body. What stands in their lines besides is bounded by what the chunks hold."""

    def __init__(self) -> None:
        self._room = _MOST_BESIDE

    def of(self, line: bytes) -> int:
        """The size in the line before a chunk; raises `NotHTTP`."""
        size = chunk_size(line)
        beside = len(line.lstrip(_DIGITS)) - 2  # extensions, white space
        self._room = min(_MOST_BESIDE, self._room - beside + size // _FOR_ONE_BESIDE)
        if self._room < 0:
            raise NotHTTP
        return size


def check_trailers(lines: Iterable[bytes]) -> None:
    """Raises `NotHTTP` unless the `lines` after the last chunk are header fields; nobody needs them."""
    if not _TRAILERS.fullmatch(b"".join(lines)):
        raise NotHTTP


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _values(found: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for known, value in found if known.lower() == name]


def _length(found: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The length that all lines agree upon (RFC 9110, 8.6), empty where there is none."""
    lengths = {length.strip(_SPACE) for value in _values(found, b"content-length") for length in value.split(b",")}
    if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        raise NotHTTP
    return b"".join(lengths)


def _coding(found: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The transfer coding, which is `chunked`, empty where there is none (RFC 9112, 6.1)."""
    codings = [value.lower() for value in _values(found, b"transfer-encoding")]
    if codings not in ([], [b"chunked"]):
        raise NotHTTP
    return b"".join(codings)
