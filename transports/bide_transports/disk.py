"""A file on its way to disk: written as `NAME.part` beside its place, made durable, then renamed into it.

The name is always our own, never a server's. A link under that name is not followed, and a file that is
already there is never replaced; where it holds the same bytes, that is as good.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from filecmp import cmp
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from bide.download import Downloaded, Downloading, Undelivered
from bide.errors import SaveError
from bide.handles import shown
from bide_transports.sinks import Into

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the disk quota is used up: free some space",
    errno.EACCES: "the directory may not be written to: choose another",
    errno.EPERM: "the directory may not be written to: choose another",
    errno.EROFS: "the disk is read-only: choose another directory",
    errno.ENOTDIR: "that is a file, not a directory: choose another",
    errno.ELOOP: "a symbolic link stands in the way: move it",
    errno.EEXIST: "a file of that name is already there: move it away",
}
# Not blocking: opening a pipe that lies under that name would wait for its reader; it is refused instead.
_ASKED = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | sum(getattr(os, name, 0) for name in _ASKED)


class Part:
    """`name`.part in `directory`, which is made when missing; a context manager that removes what is unfinished.

    Raises `SaveError` for whatever the disk refuses.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.directory, self.name, self.size = directory, name, 0
        self._path = directory / f"{name}.part"
        self._head = b""
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self._path, _FLAGS, 0o666)
        except OSError as error:
            raise self._refused(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._path.unlink(missing_ok=True)

    def restart(self) -> None:
        """Forget what was written."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self.size, self._head = 0, b""

    def write(self, chunk: bytes) -> int:
        """Append `chunk` whole."""
        try:
            left = memoryview(chunk)
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError as error:
            raise self._refused(error) from None
        self.size += len(chunk)
        self._head = (self._head + chunk[:16])[:16]
        return len(chunk)

    def whole(self, end: Downloaded | Undelivered) -> Downloaded | Undelivered:
        """`end`, with a file that came inside the reply written here too."""
        if isinstance(end, Downloaded) and end.body is not None:
            self.write(end.body)
        return end

    def finish(self, suffix: Callable[[bytes], str]) -> Path:
        """Make the bytes durable and give the file its name, with the ending `suffix` tells from its start."""
        target = self.directory / (self.name + suffix(self._head))
        try:
            os.fsync(self._fd)
            self._name(target)
            _sync(self.directory)
        except OSError as error:
            raise self._refused(error) from None
        return target

    def _name(self, target: Path) -> None:
        """Give the part its name: by a link, which fails where a rename would replace; the same bytes may stand."""
        try:
            os.link(self._path, target)
        except FileExistsError:
            if target.is_symlink() or not cmp(self._path, target, shallow=False):
                raise
        except OSError as error:
            if error.errno not in _NO_LINKS or target.exists():
                raise
            self._path.rename(target)  # a file system without hard links

    def _refused(self, error: OSError) -> SaveError:
        advice = _ADVICE.get(error.errno or 0, f"the disk refused ({error.strerror})")
        return SaveError(
            f"{self.name} could not be saved to {self.directory}: {advice}, then save again; it stays at the service"
        )


def file_into(part: Part, state: Downloading) -> Into:
    """Sends the body to `part` where it is the file, and keeps it in memory where it is an address or an error."""
    return lambda head: part if state.is_file(head) else None


def undelivered(end: Undelivered) -> SaveError:
    """The error for a file that could not be had."""
    because = f" ({end.problem})" if end.problem else ""
    return SaveError(
        f"{shown(end.file)} could not be had: {end.reason.value}{because}; it stays at the service: save again"
    )


def _sync(directory: Path) -> None:
    """Make a rename in `directory` durable, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
