"""Time for drivers that block: anchored to the wall once, then monotonic, in whole milliseconds."""

from __future__ import annotations

import time
from typing import Protocol

from bide.pace import floor_ms


class Clock(Protocol):
    """What a driver needs to know of time: seconds since the epoch, in whole milliseconds."""

    def now(self) -> float:
        """The present instant; never goes backwards."""
        ...

    def sleep_until(self, due: float) -> None:
        """Return at `due` or later, at once when it has passed."""
        ...


class SystemClock:
    """The machine's clock. A step of the wall clock (NTP, a user) after the start changes nothing."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds since the epoch."""
        return floor_ms(self._offset + time.monotonic())

    def sleep_until(self, due: float) -> None:
        """Block until `due`; an interrupt passes through."""
        while (left := due - self.now()) > 0:
            time.sleep(left)
