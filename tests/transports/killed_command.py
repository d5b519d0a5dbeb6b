"""The command in a process that is killed after so many calls and returns: `EVENTS WORD...`; 0 lets it live."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from bide_transports.cli import main


def die_after(events: int) -> None:
    """`kill -9` this process after so many `events`."""
    left = events

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal left
        del frame, event, arg
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)


if __name__ == "__main__":
    if int(sys.argv[1]):
        die_after(int(sys.argv[1]))
    main(sys.argv[2:])
