"""Files that belong to one process at a time, on every system.

They are opened so that nothing hangs or leads elsewhere, and let go of by the rules of Windows, too: there no open file
can be renamed or removed, and locks are of another kind.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any


def system_module(name: str) -> Any:
    """A module that only some systems have, or None."""
    try:
        return import_module(name)
    except ImportError:
        return None


_FCNTL, _MSVCRT = system_module("fcntl"), system_module("msvcrt")
# Not blocking: opening a pipe that lies there would wait for its other end; it is refused instead.
READING = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_MAKING = READING | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
_LOCKED_BYTE = 2**31 - 2  # on Windows nobody else can read a byte that is locked: one that no file of ours has
_ELSEWHERE = "another process has it open"
_TRIES, _PAUSE = 100, 0.01  # seconds

_held: dict[int, tuple[int, int]] = {}  # the files that this process has locked, by descriptor


def opened(path: Path, flags: int, mode: int = 0o600) -> int:
    """A descriptor of the file at `path`, which is made when missing.

    Raises `OSError`, also for a link and for what is no file.
    """
    _check_name(path)
    try:
        fd = os.open(path, _MAKING | flags, mode)
    except OSError as error:
        raise _no_file() if error.errno == errno.ENXIO else error from None
    try:
        check_kind(fd)
        _check_name(path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def locked(path: Path, flags: int, *, unshared: bool = False) -> int:
    """A descriptor of the file at `path`, private and this process's alone until it is given to `release`.

    An `unshared` file has no other name (hard link): one that has is left to those, and a new one made. Raises
    `OSError`, also for what is no file, `BlockingIOError` when another process has it, or this one already.
    """
    fd = _locked(path, flags)
    if _is_swapped_by_another(path):
        release(fd)
        raise _taken()
    if unshared and os.fstat(fd).st_nlink > 1:
        remove(path, fd)
        fd = _locked(path, flags)
        if os.fstat(fd).st_nlink > 1:
            release(fd)
            raise OSError(errno.EMLINK, "it has other names (hard links)")
    return fd


def is_own(fd: int) -> bool:
    """Whether this process has `locked` the file that is open as `fd`: not one that was forked off that process."""
    return fd in _held


def check_own(fd: int) -> None:
    """Raise `BlockingIOError` in a process that was forked off the one which has it `locked`."""
    if not is_own(fd):
        raise _taken("it is open in the process that this one was forked off")


def release(fd: int) -> None:
    """Close what was `locked`, and let others have it."""
    try:
        _unlock(fd)
    finally:
        os.close(fd)


def remove(path: Path, fd: int) -> None:
    """Remove the file at `path` that is `locked` as `fd`, and close it; what cannot be removed stays."""
    if not is_own(fd):
        return release(fd)
    try:
        path.unlink(missing_ok=True)  # while it is ours: a moment later it may be another's
    except OSError:  # it is open, on Windows; whoever opens it in the next moment is safe by the same rule
        release(fd)
        with suppress(OSError):
            path.unlink()
    else:
        release(fd)
    return None


@contextmanager
def swapping(path: Path, fd: int, flags: int) -> Generator[Callable[[], int]]:
    """Close the locked `fd` of `path`, so that another file may be put there; no other process can lock it meanwhile.

    Gives a function that opens and locks what lies there then. Raises `OSError`.
    """
    gate = _gate(path)
    lock = _locked(gate, os.O_RDWR)
    try:
        release(fd)
        yield lambda: _patiently(path, flags)
    finally:
        remove(gate, lock)


def check_kind(fd: int) -> None:
    """Raise `OSError` where what was opened is no file: a device, a pipe, a directory."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise _no_file()


def _check_name(path: Path) -> None:
    """Raise for a link: some systems know no O_NOFOLLOW, and no file is to be made where it leads."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link, and none is followed")


def _locked(path: Path, flags: int) -> int:
    while True:
        fd = opened(path, flags)
        try:
            _lock(fd)
        except BaseException:
            os.close(fd)
            raise
        if is_still_there(path, fd):
            return fd
        release(fd)  # replaced between the two calls: the new one is meant


def _lock(fd: int) -> None:
    known = os.fstat(fd)
    file = (known.st_dev, known.st_ino)
    try:
        if _FCNTL is not None:
            _FCNTL.flock(fd, _FCNTL.LOCK_EX | _FCNTL.LOCK_NB)
        elif _MSVCRT is not None:
            _at_locked_byte(fd, _MSVCRT.LK_NBLCK)
        elif file in _held.values():  # no locks: a system of one process
            raise _taken()
    except (BlockingIOError, PermissionError):
        raise _taken("this process has it open already" if file in tuple(_held.values()) else _ELSEWHERE) from None
    _held[fd] = file


def _unlock(fd: int) -> None:
    """Let go of a lock, though forked processes inherited it; it is not theirs to let go of."""
    if _held.pop(fd, None) is None:
        return
    if _FCNTL is not None:
        _FCNTL.flock(fd, _FCNTL.LOCK_UN)
    elif _MSVCRT is not None:
        _at_locked_byte(fd, _MSVCRT.LK_UNLCK)


def _leave() -> None:
    """In a process that was just forked: have no part in its parent's locks, which would last as long as either.

    The descriptors stay taken, so that none comes to mean another file; writing to them is refused.
    """
    inherited = list(_held)
    _held.clear()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for fd in inherited:
        os.dup2(nothing, fd, inheritable=False)
    os.close(nothing)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)


def _at_locked_byte(fd: int, mode: int) -> None:
    os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
    try:
        _MSVCRT.locking(fd, mode, 1)
    finally:
        os.lseek(fd, 0, os.SEEK_SET)


def is_still_there(path: Path, fd: int) -> bool:
    """Whether the file that is open as `fd` still lies at `path`: neither removed nor replaced by another."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))  # noqa: PTH116  the stat of the name, to be compared
    except (FileNotFoundError, NotADirectoryError):
        return False


def _gate(path: Path) -> Path:
    """What is locked while the file at `path` is swapped for another."""
    return path.with_name(path.name + ".swap")


def _is_swapped_by_another(path: Path) -> bool:
    """Whether a process that had `path` locked is about to lock it again; what a crash has left is removed."""
    gate = _gate(path)
    if not gate.exists():
        return False
    try:
        remove(gate, _locked(gate, os.O_RDWR))
    except BlockingIOError:
        return True
    except OSError:  # something else of that name
        return False
    return False


def _patiently(path: Path, flags: int) -> int:
    """Lock what lies at `path`: who else has opened it lets go of it as soon as it sees that it is swapped."""
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            return _locked(path, flags)
        time.sleep(_PAUSE)
    raise _taken()


def _taken(words: str = _ELSEWHERE) -> BlockingIOError:
    return BlockingIOError(errno.EWOULDBLOCK, words)


def _no_file() -> OSError:
    return OSError(errno.EINVAL, "what lies there is no file")
