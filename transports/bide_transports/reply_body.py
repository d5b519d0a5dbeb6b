"""The body of one reply as its pieces come: decoded (gzip, deflate), bounded, kept or handed to a file. No I/O."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from bide.messages import Cause, Headers, NoResponse, Reply, Response
from bide_transports.sinks import Sink

CODINGS = ("identity", "gzip", "x-gzip", "deflate")
_CHUNK = 65536  # bytes
_ZLIB, _GZIP = 15, 31


def too_large(largest: int, headers: Headers) -> NoResponse:
    """That a body is larger than `largest` bytes, with what its length was said to be."""
    length = headers.get("content-length")
    said = f"; it was said to have {length}" if length is not None and len(length) < 20 else ""
    return NoResponse(Cause.TOO_LARGE, sent=True, detail=f"the body has more than {largest} bytes{said}")


class Body:
    """The body of one response: decoded while it comes, bounded after decoding, kept or handed to a file.

    `coding` is one of `CODINGS`.
    """

    __slots__ = ("_chunks", "_decoder", "_file", "_largest", "_size", "_status", "headers")

    def __init__(self, status: int, headers: Headers, file: Sink | None, largest: int, coding: str) -> None:
        self._status, self.headers, self._file, self._largest = status, headers, file, largest
        self._decoder = None if coding == "identity" else _Decoder(coding)
        self._chunks: list[bytes] = []
        self._size = 0

    def take(self, data: bytes | bytearray) -> bool:
        """Take a piece; False when the body grows larger than allowed."""
        for chunk in self._decoder.decoded(data) if self._decoder else (bytes(data),):
            self._size += len(chunk)
            if self._file is not None:
                self._file.write(chunk)
            elif self._size > self._largest:
                return False
            else:
                self._chunks.append(chunk)
        return True

    def reply(self) -> Reply:
        """The whole response, or that the coded body was not whole."""
        if self._decoder is not None and not self._decoder.whole:
            return NoResponse(Cause.PROTOCOL, sent=True)
        return Response(self._status, self.headers, b"".join(self._chunks))


class _Decoder:
    """gzip (RFC 1952: one member or several) or deflate, a bounded piece at a time; nothing may follow its end.

    Deflate without its zlib wrapper is understood too: servers have never agreed on that.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._start = b""  # enough of the coded data to tell how to read it
        self._begun = False
        self._zlib = zlib.decompressobj(_GZIP)

    @property
    def whole(self) -> bool:
        """Whether the coded data has come to its end, or there is none."""
        return self._zlib.eof or not self._start

    def decoded(self, data: bytes | bytearray) -> Iterator[bytes]:
        """The decoded bytes, at most 64 KiB at a time; raises `zlib.error`."""
        if not self._begun:
            data = self._start = self._start + data
            if len(data) < 2:
                return
            self._begun, self._zlib = True, zlib.decompressobj(_bits(self._coding, self._start))
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
