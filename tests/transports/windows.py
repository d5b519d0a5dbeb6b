"""The rules that Windows has for files, for a whole run of tests: `pytest -p tests.transports.windows`. It needs Linux.

No open file can be renamed or removed, locks are those of msvcrt, and what else POSIX has for files is missing. What
is not imposed: Windows' names, its console, its sockets, and that no other process may read what is locked.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

#: What the `os` of Windows does not have.
MISSING = ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_DIRECTORY", "fchmod", "fork", "mkfifo")


class Msvcrt(ModuleType):
    """Locks of Windows by those of Linux that belong to an open file, too, and not to its process (fcntl(2))."""

    LK_UNLCK, LK_NBLCK = 0, 2

    def locking(self, fd: int, mode: int, count: int) -> None:
        """Lock or unlock so many bytes from where the file stands."""
        kind = fcntl.F_UNLCK if mode == self.LK_UNLCK else fcntl.F_WRLCK
        place = os.lseek(fd, 0, os.SEEK_CUR)
        try:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, place, count, 0))
        except BlockingIOError as error:
            raise PermissionError(13, "Permission denied") from error


def impose() -> None:
    """From now on, in this process."""
    import_module("subprocess")  # before: it takes any msvcrt for a sign of Windows
    sys.modules["fcntl"] = None  # type: ignore[assignment]
    sys.modules["msvcrt"] = Msvcrt("msvcrt")
    for name in MISSING:
        delattr(os, name)
    for name in ("unlink", "remove", "rename", "replace"):
        setattr(os, name, _refusing(getattr(os, name)))


def _refusing(call: Callable[..., Any]) -> Callable[..., Any]:
    def refusing(path: Any, *others: Any, **settings: Any) -> Any:
        places: list[Any] = [path, *others[:1]]
        for one in places:
            if _is_open(one):
                raise PermissionError(13, "The process cannot access the file because it is being used", str(one))
        return call(path, *others, **settings)

    return refusing


def _is_open(path: Any) -> bool:
    try:
        wanted = Path(path).lstat()
    except (OSError, TypeError):  # none, or no path
        return False
    return any(_is_same(int(number), wanted) for number in os.listdir("/proc/self/fd"))  # noqa: PTH208


def _is_same(fd: int, wanted: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), wanted)
    except OSError:  # the list's own
        return False


impose()
