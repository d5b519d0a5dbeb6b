"""The body of one reply as its pieces come: unpacked (gzip, deflate), bounded, kept or handed to a file. No I/O.

    body = begin(head, request, into)
    if isinstance(body, NoResponse): ...  # it is not worth reading
    for piece in ...:
        if (refusal := body.take(piece)) is not None: ...
    reply = body.reply()

Both what comes and what it unpacks to are bounded, by `Request.largest` in memory and `Request.largest_file` in a file.
What unpacks to more than a hundred times what came is a bomb, unless it is smaller than any reply may be.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from bide.byte_ranges import announced
from bide.content_codings import can_be_undone, codings
from bide.messages import LARGEST, Cause, NoResponse, Reply, Request, Response
from bide_transports.sinks import Into, Sink

_CHUNK = 65536  # bytes that are unpacked at a time
_PIECE = 8192  # bytes that are given to zlib at a time: it copies what is left of them at each end
_MOST_TIMES = 100  # that a body may grow: text grows tenfold, a page of zeros a thousandfold
_OVERHEAD = 1024  # bytes that coding may add, beside a sixteenth, where there is nothing to make smaller
_ZLIB, _GZIP = 15, 31


def begin(head: Response, request: Request, into: Into | None) -> Body | NoResponse:
    """The body that follows `head`, the status and headers of the reply to `request`; or why it is not read at all.

    `into` is asked for a file to put it in.
    """
    said = codings(head.headers) if "content-encoding" in head.headers.fields else ()
    if not can_be_undone(said):
        unknown = f"its body is compressed as {', '.join(said)[:80]}, which was not asked for"
        return NoResponse(Cause.PROTOCOL, sent=True, detail=unknown, head=head)
    body = Body(head, request, into(head) if into is not None else None, said)
    _, size = announced(head)
    return body if size is None or size <= body.room else body.too_large(f"{body.limit}; it was said to have {size}")


class Body:
    """The body of one response: unpacked and bounded while it comes, kept or handed to a `file`.

    `coded` are the codings to undo, the last one first. `room` bytes may come.
    """

    __slots__ = ("_came", "_chunks", "_decoders", "_file", "_floor", "_most", "head", "room")

    def __init__(self, head: Response, request: Request, file: Sink | None, coded: Sequence[str]) -> None:
        self.head, self._file = head, file
        self._most = request.largest if file is None else request.largest_file
        self.room = self._most + _OVERHEAD + self._most // 16 if coded else self._most
        self._floor = max(request.largest, LARGEST)
        self._came = 0 if file is None else announced(head)[0]
        self._decoders = [_Decoder(coding) for coding in reversed(coded)]
        self._chunks: list[bytes] = []

    def take(self, data: bytes | bytearray) -> NoResponse | None:
        """Take a piece; why the body is refused, if it is."""
        self._came += len(data)
        is_too_large = self._came > self.room
        if is_too_large and not self._decoders:
            return self.too_large(self.limit)
        try:
            for chunk in self._unpacked(bytes(data), self._decoders):
                if self._file is None:
                    self._chunks.append(chunk)
                else:
                    self._file.write(chunk)
        except zlib.error:
            return self._torn()
        except _BombError as error:
            return self.too_large(str(error))
        return self.too_large(self.limit) if is_too_large else None

    def reply(self) -> Reply:
        """The whole response, once all has come; or that the compressed body was not whole."""
        if not all(decoder.whole for decoder in self._decoders):
            return self._torn()
        return Response(self.head.status, self.head.headers, b"".join(self._chunks))

    @property
    def limit(self) -> str:
        """That there is more than may come, in words."""
        return f"the body has more than {self._most} bytes"

    def too_large(self, why: str) -> NoResponse:
        """That the body is larger than allowed, and `why`."""
        return NoResponse(Cause.TOO_LARGE, sent=True, detail=why, head=self.head)

    def _torn(self) -> NoResponse:
        return NoResponse(Cause.PROTOCOL, sent=True, detail="its compressed body is not whole", head=self.head)

    def _unpacked(self, data: bytes, decoders: Sequence[_Decoder]) -> Iterator[bytes]:
        if not decoders:
            yield data
            return
        first, *others = decoders
        for chunk in first.decoded(data):
            if first.given > self._most:
                raise _BombError(f"{self.limit} when it is unpacked")
            if first.given > max(self._floor, self._came * _MOST_TIMES):
                raise _BombError(
                    f"the body is a bomb: its {self._came} bytes unpack to over {_MOST_TIMES} times as many"
                )
            yield from self._unpacked(chunk, others)


class _BombError(Exception):
    """More comes out than may; the text says so."""


class _Decoder:
    """gzip (RFC 1952: one member or several) or deflate, a bounded piece at a time; nothing may follow its end.

    Deflate without its zlib wrapper is understood too: servers have never agreed on that. `given` counts the bytes that
    came out.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._start = b""  # enough of the coded data to tell how to read it
        self._begun = False
        self._zlib = zlib.decompressobj(_GZIP)
        self.given = 0

    @property
    def whole(self) -> bool:
        """Whether the coded data has come to its end, or there is none."""
        return self._zlib.eof or not self._start

    def decoded(self, data: bytes) -> Iterator[bytes]:
        """The decoded bytes, at most 64 KiB at a time; raises `zlib.error`."""
        if not self._begun:
            data = self._start = self._start + data
            if len(data) < 2:
                return
            self._begun, self._zlib = True, zlib.decompressobj(_bits(self._coding, self._start))
        for place in range(0, len(data), _PIECE):
            for chunk in self._of_piece(data[place : place + _PIECE]):
                self.given += len(chunk)
                yield chunk

    def _of_piece(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._zlib.eof:
                if self._coding == "deflate":
                    raise zlib.error("there are bytes after the end")
                self._zlib = zlib.decompressobj(_GZIP)
            chunk = self._zlib.decompress(data, _CHUNK)
            while chunk:
                yield chunk
                chunk = self._zlib.decompress(self._zlib.unconsumed_tail, _CHUNK)
            data = self._zlib.unused_data


def _bits(coding: str, start: bytes) -> int:
    """What zlib must be told of data that begins with these two bytes (RFC 1950, 2.2)."""
    if coding != "deflate":
        return _GZIP
    wrapped = start[0] & 15 == 8 and int.from_bytes(start[:2], "big") % 31 == 0
    return _ZLIB if wrapped else -_ZLIB
