"""`NAME.part` and what lies beside it while it grows: the bytes of a file that is not whole yet, and whose they are.

`NAME.part.json` tells to what version of the file the bytes belong, so that another process can go on with them: how
many there are, the disk says. Whatever a crash leaves of the two is either enough to go on with or begun anew: what
is told of one version never meets the bytes of another. It is the lock as well, so that no two write the same part.

Nothing here follows a link that lies under one of these names. Every function raises `OSError`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from filecmp import cmp
from pathlib import Path

from bide.digests import Digest
from bide_transports.durable import sync, sync_directory, write_all
from bide_transports.locks import check_own, is_own, locked, opened, release, remove

LARGEST_TOKEN = 65536  # bytes
_CHUNK = 256 * 1024  # bytes
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)


_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class InTheWay(OSError):
    """Something that is no file stands under a file's name; `strerror` names it."""


def check_way(path: Path) -> None:
    """Raise `InTheWay` where anything but a file stands at `path`; a link is one, wherever it leads."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        what = next((word for is_one, word in _KINDS if is_one(mode)), "a device")
        raise InTheWay(errno.EEXIST, f"{what} of that name stands in the way")


def make_directory(path: Path) -> None:
    """Make the directory where it is missing; raises `NotADirectoryError` for what else stands there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None


class PartFiles:
    """The two files of `name` in `directory`, which is made when missing; this process's alone until `close`.

    `size` bytes are there, and `token` tells of which file, unless it is empty.
    """

    def __init__(self, directory: Path, name: str) -> None:
        make_directory(directory)
        self._directory, self._stem = directory, name
        self._path, self._beside = directory / f"{name}.part", directory / f"{name}.part.json"
        self._lock, self._fd = locked(self._beside, os.O_RDWR, unshared=True), -1
        try:
            self._fd = opened(self._path, os.O_RDWR, 0o666)
            self.size = os.fstat(self._fd).st_size
            self.token = os.read(self._lock, LARGEST_TOKEN).decode("utf-8", "replace")
        except BaseException:
            self._release()
            raise

    @property
    def is_named(self) -> bool:
        """Whether the part has the file's own name already, and is whole therefore: nothing may be written to it."""
        return os.fstat(self._fd).st_nlink > 1

    def restart(self) -> None:
        """Forget the bytes, and then what was told of them."""
        check_own(self._lock)
        if self.is_named:
            self._close_part()
            self._path.unlink()
            self._fd = opened(self._path, os.O_RDWR | os.O_EXCL, 0o666)
        os.ftruncate(self._fd, 0)
        os.ftruncate(self._lock, 0)
        self.size, self.token = 0, ""

    def remember(self, token: str) -> None:
        """Note whose the bytes are that come now."""
        check_own(self._lock)
        if token != self.token:
            os.lseek(self._lock, 0, os.SEEK_SET)
            write_all(self._lock, token.encode("utf-8"))
            os.ftruncate(self._lock, len(token.encode("utf-8")))
            self.token = token

    def append(self, data: bytes) -> None:
        """Write `data` whole; what the disk has taken counts even where it did not take all."""
        check_own(self._lock)
        os.lseek(self._fd, self.size, os.SEEK_SET)
        left = memoryview(data)
        while left:
            count = os.write(self._fd, left)
            self.size, left = self.size + count, left[count:]

    def beginning(self, count: int) -> bytes:
        """The first `count` bytes, or as many as there are."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        return os.read(self._fd, count)

    def digest(self, told: Digest) -> str:
        """The digest of the bytes by the algorithm of the one that was told, in hexadecimal digits."""
        hashed = hashlib.new(told.algorithm, usedforsecurity=False)
        os.lseek(self._fd, 0, os.SEEK_SET)
        while chunk := os.read(self._fd, _CHUNK):
            hashed.update(chunk)
        return hashed.hexdigest()

    def become(self, suffix: Callable[[bytes], str], *, overwrite: bool) -> Path:
        """Make the bytes durable and give the file its name, with the ending that its first 16 bytes call for.

        A file that is there already is replaced only to `overwrite` it; where it holds the same bytes, that is as good.
        Whatever else stands there is never replaced. Nothing can be written any more.
        """
        check_own(self._lock)
        target = self._directory / (self._stem + suffix(self.beginning(16)))
        check_way(target)
        sync(self._fd)
        self._close_part()  # Windows renames no open file
        if overwrite:
            self._path.replace(target)
        else:
            self._name(target)
        sync_directory(self._directory)
        return target

    def close(self, *, keep: bool) -> None:
        """Let others have the files, to `keep` and go on with, or none; what the disk will not let go of stays."""
        self._close_part()
        if not keep and is_own(self._lock):
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            with suppress(OSError):
                os.ftruncate(self._lock, 0)
        self._release()

    def _release(self) -> None:
        self._close_part()
        if os.fstat(self._lock).st_size == 0:
            remove(self._beside, self._lock)
        else:
            release(self._lock)

    def _close_part(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _name(self, target: Path) -> None:
        """Give the part its name by a link, which fails where a rename would replace."""
        try:
            os.link(self._path, target)
        except FileExistsError:
            check_way(target)
            if not cmp(self._path, target, shallow=False):
                raise
        except OSError as error:
            if error.errno not in _NO_LINKS or target.exists():
                raise
            self._path.rename(target)  # a file system without hard links
