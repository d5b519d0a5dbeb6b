"""The bytes of files on their way past a tape: how many they are, their digest, and as many as may be kept."""

from __future__ import annotations

from hashlib import sha256

from bide.messages import Response
from bide_transports.cassette.tape import Omitted
from bide_transports.sinks import Into, Sink
from bide_transports.sources import Content


def weight(content: Content | None) -> Omitted | None:
    """What stands on a cassette for a file that is sent; raises `UploadError` for one that cannot be read."""
    if content is None:
        return None
    length, digest = 0, sha256()
    for piece in content.pieces():
        length += len(piece)
        digest.update(piece)
    return Omitted(length, digest.hexdigest())


class Tapped:
    """`into`, listened to, and then the sink that it has given.

    `head` is what belongs to a file, None where nothing does. `body` is what came of the file, None where that was
    more than `most` bytes; `omitted` stands for it then.
    """

    def __init__(self, into: Into | None, most: int) -> None:
        self._into, self._most = into, most
        self._sink: Sink
        self._kept, self._length, self._digest = bytearray(), 0, sha256()
        self.head: Response | None = None

    def __call__(self, head: Response) -> Sink | None:
        """Where the body of this response goes: here, if `into` wants it."""
        sink = self._into(head) if self._into is not None else None
        if sink is None:
            return None
        self.head, self._sink = head, sink
        return self

    def write(self, chunk: bytes, /) -> object:
        """Hand `chunk` on whole."""
        written = self._sink.write(chunk)
        self._length += len(chunk)
        self._digest.update(chunk)
        if self._length <= self._most:
            self._kept += chunk
        return written

    @property
    def body(self) -> bytes | None:
        """All that came, if it is not too much."""
        return bytes(self._kept) if self._length <= self._most else None

    @property
    def omitted(self) -> Omitted:
        """What stands for all that came."""
        return Omitted(self._length, self._digest.hexdigest())
