"""A local file on its way to the service, whatever transport takes it: each state of its upload, and its bytes.

What goes wrong is an `UploadError` that says what to do. The bytes are those of one moment: a file that is written to
meanwhile is given up, since nobody could say what had arrived.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from io import FileIO
from mimetypes import guess_type
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from typing_extensions import Self

from bide.errors import UploadError
from bide.messages import Reply
from bide.patience import Reason
from bide.ticket import Source
from bide.upload import NotUploaded, Upload, Uploaded, Uploading

#: Is told of each state of an upload, and of the present one again with every 256 KiB that go.
UploadNote: TypeAlias = Callable[[Upload], object]

_STEP = 256 * 1024  # bytes
_CHUNK = 65536  # bytes
# Not blocking: opening a pipe would wait for its other end; it is refused instead.
_NOT_BLOCKING = getattr(os, "O_NONBLOCK", 0)
_ADVICE = {
    errno.ENOENT: "there is no such file: check the name",
    errno.ENOTDIR: "there is no such file: check the name",
    errno.EACCES: "it may not be read: check its permissions",
    errno.EPERM: "it may not be read: check its permissions",
    errno.EISDIR: "it is a directory: pack it into one file first",
    errno.EINVAL: "it is no regular file: copy what it gives into one first",
}
_NEXT = {
    Reason.DEADLINE: "upload it again with a later deadline",
    Reason.UNREACHABLE: "check the base URL and the network, then upload it again",
    Reason.PRIVATE: "if you trust it, allow such hosts by `private` of the dialect, then upload it again",
    Reason.UNTRUSTED: "check the base URL and the CA certificates, then upload it again",
    Reason.UNAUTHORISED: "check the key and what it may do, then upload it again",
    Reason.UNPAID: "top up the account, then upload it again",
    Reason.REFUSED: "mend what it says, then upload it again",
    Reason.NOT_UNDERSTOOD: "check that the base URL is the API's own, then upload it again",
}


class Sending:
    """One local file while it is sent; a context manager. `state` is its upload before the next request.

    `begin` starts the upload of a `Source`; its errors pass. The media type is told from the name unless it is given.
    Raises `UploadError` for what is no regular file, cannot be read, or changes meanwhile.
    """

    def __init__(
        self, path: Path, begin: Callable[[Source], Uploading], *, content_type: str | None, note: UploadNote
    ) -> None:
        self._path, self._begin, self._content_type, self._note = path, begin, content_type, note
        self._content: Content
        self.state: Uploading

    def __enter__(self) -> Self:
        self._content = Content(self._path, self._told)
        try:
            name = local_name(self._path)
            self.state = self._begin(Source(name, len(self._content), self._content_type or media_type(name)))
            self._note(self.state)
        except BaseException:
            self._content.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._content.close()

    @property
    def content(self) -> Content | None:
        """The body of the next request, from its first byte on; None where the request has its own."""
        if not self.state.carries_file:
            return None
        self._content.rewind()
        return self._content

    def receive(self, reply: Reply, *, now: float) -> Upload:
        """The state after `reply`."""
        if self.state.carries_file:
            self._content.check()
        after = self.state.receive(reply, now=now)
        if isinstance(after, Uploading):
            self.state = after
        return after

    def tell(self, state: Upload) -> None:
        """Tell the caller of a state that came."""
        self._note(state)

    @property
    def into(self) -> None:
        """None: the reply is no file."""

    def finish(self, end: Uploaded | NotUploaded) -> str:
        """The reference of the file at the service; raises where there is none."""
        if isinstance(end, Uploaded):
            return end.file
        because = str(end.problem or end.past.trace[-1].what.partition(": ")[2])
        raise UploadError(
            f"{self._path} could not be uploaded: {end.reason.value} ({because}); "
            f"{_NEXT.get(end.reason, 'upload it again')}"
        )

    def _told(self, sent: int) -> None:
        if sent - self.state.sent >= _STEP:
            self.state = self.state.grown(sent)
            self._note(self.state)


class Content(FileIO):
    """The bytes of a regular file as the body of a request, for blocking and for asynchronous readers; its length too.

    `told` is told of the bytes read so far. Every method raises `UploadError`.
    """

    def __init__(self, path: Path, told: Callable[[int], None]) -> None:
        self._path, self._told = path, told
        try:
            super().__init__(path, "rb", opener=lambda name, flags: os.open(name, flags | _NOT_BLOCKING))
            self._first = os.fstat(self.fileno())
        except (OSError, ValueError) as error:
            raise self._refused(error) from None
        try:
            self._check_kind()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return self._first.st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes, `size` at the most; raises where the file has become shorter."""
        left = len(self) - self.tell()
        wanted = left if size is None or size < 0 else min(size, left)
        chunk = self._bytes(wanted)
        if wanted and not chunk:
            raise self._changed
        self._told(self.tell())
        return chunk

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = self.read(_CHUNK)
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def rewind(self) -> None:
        """Begin anew, if the file is still the same."""
        self.check()
        self.seek(0)

    def pieces(self) -> Iterator[bytes]:
        """All its bytes, of which nobody is told, for a look at them beforehand."""
        self.rewind()
        while chunk := self._bytes(min(_CHUNK, len(self) - self.tell())):
            yield chunk
        self.rewind()

    def check(self) -> None:
        """Raise where the file has been written to since it was opened."""
        now = os.fstat(self.fileno())
        if (now.st_size, now.st_mtime_ns) != (self._first.st_size, self._first.st_mtime_ns):
            raise self._changed

    def _check_kind(self) -> None:
        """Raise for what is no regular file, or does not tell how long it is, as none of the kernel's own does."""
        if not stat.S_ISREG(self._first.st_mode) or (not len(self) and self._bytes(1)):
            raise self._refused(OSError(errno.EINVAL, ""))

    def _bytes(self, size: int) -> bytes:
        try:
            return super().read(size) or b""
        except OSError as error:
            raise self._refused(error) from None

    @property
    def _changed(self) -> UploadError:
        return UploadError(
            f"{self._path} changed while it was uploaded: upload it again once nothing writes to it any more"
        )

    def _refused(self, error: OSError | ValueError) -> UploadError:
        known = _ADVICE.get(error.errno or 0) if isinstance(error, OSError) else None
        return UploadError(f"{self._path} could not be uploaded: {known or f'it cannot be read ({error})'}")


def local_name(path: str | Path) -> str:
    """What a file is called to others."""
    return Path(path).name.encode("utf-8", "replace").decode()


def media_type(name: str) -> str:
    """The media type that a file's name calls for; of one that is compressed on top it would say too little."""
    kind, coding = guess_type(name)
    return kind if kind is not None and coding is None else "application/octet-stream"
