"""Sending without waiting: what a socket takes at once is on its way before anything else is done."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def sent_at_once(descriptor: int, data: bytes) -> bytes:
    """Give a socket that never blocks what it takes of `data` now, and return the rest.

    A fault is not told here: send the rest, and it is. On Windows a socket is no file descriptor, and all is left.
    """
    if sys.platform != "win32":
        with suppress(OSError):
            return data[os.write(descriptor, data) :]
    return data
