"""A process that is killed at a moment which can be told again: after so many calls and returns."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def die_after(events: int) -> None:
    """`kill -9` this process after so many `events` (calls and returns)."""
    left = events

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal left
        del frame, event, arg
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
