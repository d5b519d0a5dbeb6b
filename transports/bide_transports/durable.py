"""The few system calls that a file needs to outlive a crash: read whole, written whole, named for good."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from bide_transports.locks import READING, check_kind, system_module

_FCNTL = system_module("fcntl")
_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.ENOTTY)


def write_all(fd: int, data: bytes) -> None:
    """Write `data` whole."""
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def sync(fd: int) -> None:
    """Make what was written durable: on macOS past the drive's own cache, too, where the file system can (fcntl(2))."""
    full = getattr(_FCNTL, "F_FULLFSYNC", None)
    if full is not None:
        try:
            _FCNTL.fcntl(fd, full)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
        else:
            return
    os.fsync(fd)


def replace_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path`, durably: what was there stays whole until it is replaced whole, and lends its mode.

    A new file is private. Of several that write at once the last wins. A link is replaced, not followed. Raises
    `OSError`, also for a pipe, a device and whatever else is no file: it stays.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "what lies there is no file")
    fd, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        try:
            write_all(fd, data)
            sync(fd)
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
            sync(fd)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
        finally:
            os.close(fd)


def read_file(path: Path, largest: int) -> bytes:
    """The whole file at `path`; raises `OSError`, also for what is no file or has more than `largest` bytes."""
    with os.fdopen(os.open(path, os.O_RDONLY | READING), "rb") as file:
        check_kind(file.fileno())
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(errno.EFBIG, f"it has more than {largest} bytes")
    return data


def read_text(path: Path, largest: int = 65536) -> str:
    """The text in the file at `path`, in UTF-8 or as PowerShell writes it; raises `OSError` as `read_file` does."""
    data = read_file(path, largest)
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "it is no text in UTF-8") from None
