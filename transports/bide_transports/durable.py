"""The few system calls that a file needs to outlive a crash: opened by one process, written whole, named for good."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

try:
    import fcntl
except ImportError:  # no POSIX locks here
    fcntl = None  # type: ignore[assignment]

_FLAGS = os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def locked(path: Path, flags: int) -> int:
    """A descriptor of the file at `path`, private and this process's alone until it is closed.

    Raises `OSError`, also for what is no file, `BlockingIOError` when another process has it.
    """
    while True:
        fd = os.open(path, _FLAGS | flags, 0o600)
        try:
            check_kind(fd)
            if fcntl is not None:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still_there(path, fd):
                return fd
        except BlockingIOError:
            os.close(fd)
            raise BlockingIOError(errno.EWOULDBLOCK, "another process has it open") from None
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # replaced between the two calls: the new one is meant


def check_kind(fd: int) -> None:
    """Raise `OSError` where what was opened is no file: a device, a pipe, a directory."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise OSError(errno.EINVAL, "what lies there is no file")


def write_all(fd: int, data: bytes) -> None:
    """Write `data` whole."""
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def replace_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path`, durably: what was there stays whole until it is replaced whole, and lends its mode.

    A new file is private. Of several that write at once the last wins. Raises `OSError`.
    """
    fd, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        try:
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        if path.is_file() and not path.is_symlink():
            shutil.copymode(path, draft)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make a new name in `directory` durable, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _is_still_there(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))  # noqa: PTH116  the stat of the name, to be compared
    except FileNotFoundError:
        return False
