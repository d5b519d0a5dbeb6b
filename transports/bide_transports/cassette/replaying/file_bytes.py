"""How the bytes of a file were carried, for what an adapter must see again: its length, or none; compressed, or not.

A file that was cut short ends where it did, in the middle of whatever carries it.
"""

from __future__ import annotations

import zlib

from bide.messages import Cause, NoResponse, Reply, Response

_CHUNK = 8192  # bytes; an adapter may lose the piece in which it is cut, so each is whole
_GZIP = 31
#: In place of the next chunk: no length.
NO_CHUNK = b"there is no such length\r\n"


def carried(part: Response, end: Reply) -> tuple[list[tuple[str, str]], bytes]:
    """The header lines about the body of `part` and its bytes on the wire; `end` is the reply, or why there is none."""
    length = part.headers.get("content-length")
    if length is not None:
        return [("content-length", length)], part.body
    is_coded = "content-encoding" in part.headers.fields
    lines = [("content-encoding", "gzip")] if is_coded else []
    body, more = _packed(part.body, end) if is_coded else (part.body, b"x")
    chunks = [_chunk(body[at : at + _CHUNK]) for at in range(0, len(body), _CHUNK)]
    return [*lines, ("transfer-encoding", "chunked")], b"".join((*chunks, _end(end, more)))


def _packed(body: bytes, end: Reply) -> tuple[bytes, bytes]:
    """`body` as it came, whole or cut, and a byte more of it."""
    packer = zlib.compressobj(wbits=_GZIP)
    if isinstance(end, Response):
        return packer.compress(body) + packer.flush(), b""
    return packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH), packer.compress(b"x") + packer.flush(
        zlib.Z_SYNC_FLUSH
    )


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _end(end: Reply, more: bytes) -> bytes:
    """What comes after the last piece: the end, nothing, what makes the reply invalid, or `more` than may come."""
    if isinstance(end, NoResponse):
        return {Cause.PROTOCOL: NO_CHUNK, Cause.TOO_LARGE: _chunk(more)}.get(end.cause, b"")
    return _chunk(b"")
