"""The chunks of a body (RFC 9112, 7.1) as their bytes come, put together before h11 sees them. No I/O.

    for_h11 = chunks.take(received)

h11 takes some microseconds for each chunk, and for white space in its line the square of the length: a body of tiny
chunks would hold up everything else. What is given on is chunked too, in as few chunks as it came in pieces.
"""

from __future__ import annotations

import re

from bide_transports.header_lines import NotHTTP
from bide_transports.reply_head import LONGEST_LINE, Sizes

_SMALL = rb"0{0,18}[1-9A-Fa-f]\r\n(?:%b)\r\n" % b"|".join(
    rb"(?<=[%x%X]\r\n)(?s:.){%d}" % (size, size, size) for size in range(1, 16)
)
_RUN, _DATA = re.compile(b"(?:%b)*" % _SMALL), re.compile(_SMALL.replace(b"(?:", b"(", 1))


class Chunks:
    """Takes a chunked body apart; the trailers and what follows are left to h11, as they came."""

    def __init__(self) -> None:
        self._held = b""  # a line that is not whole
        self._left = 0  # bytes of the chunk that has begun
        self._sizes = Sizes()
        self._is_due = False  # the line end after a chunk's data
        self._is_over = False

    def take(self, data: bytes) -> bytes:
        """What h11 is given of `data`; raises `NotHTTP`."""
        if self._is_over:
            return data
        data, self._held = self._held + data, b""
        found: list[bytes] = []
        place, after = -1, 0
        while place < after < len(data) and not self._is_over:
            place, after = after, self._next(data, after, found)
        rest, whole = data[after:], b"".join(found)
        given = b"%x\r\n%b\r\n" % (len(whole), whole) if whole else b""
        if self._is_over:
            return given + b"0\r\n" + rest
        if len(rest) > LONGEST_LINE:
            raise NotHTTP
        self._held = rest
        return given

    def _next(self, data: bytes, place: int, found: list[bytes]) -> int:
        """Where the next piece ends; the same place where more is wanted."""
        if self._left:
            piece = data[place : place + self._left]
            self._left -= len(piece)
            self._is_due = not self._left
            found.append(piece)
            return place + len(piece)
        if self._is_due:
            return self._line_end(data, place)
        run = _RUN.match(data, place)
        if run is not None and run.end() > place:
            found += _DATA.findall(data, place, run.end())
            return run.end()
        end = data.find(b"\n", place) + 1
        if not end:
            return place
        self._left = self._sizes.of(data[place:end])
        self._is_over = not self._left
        return end

    def _line_end(self, data: bytes, place: int) -> int:
        end = data[place : place + 2]
        if not b"\r\n".startswith(end):
            raise NotHTTP
        if len(end) < 2:
            return place
        self._is_due = False
        return place + 2
