"""How slowly a file may go, out or in: 64 KiB a minute at the least. No clock: the time is told.

The timeout of a transfer is long, since files are large. A server that sends or takes next to nothing would hold a
connection for all of it, and a few such files would keep every other file waiting.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

#: Stands for a number of bytes once a file has gone out whole: its answer has a period of its own.
WHOLE = inf


class Floor(NamedTuple):
    """The slowest that a file may be: `size` bytes in each period of so many seconds.

    The first period includes the connection, and whatever a service does before it sends.
    """

    size: int = 65536  # no line is slower, unless something is wrong
    seconds: float = 60.0


_NONE = Floor(seconds=inf)


class Flow:
    """The time that an exchange has: until `end`, which moves on with what goes out and comes in, up to `last`.

    One without a `floor` simply has until then.
    """

    def __init__(self, *, last: float, floor: Floor | None, now: float) -> None:
        self._last, self._floor, self._moved = last, floor or _NONE, 0.0
        self.end = min(last, now + self._floor.seconds)

    def moved(self, size: float, *, now: float) -> None:
        """Note that `size` bytes have gone or come."""
        self._moved += size
        if self._moved >= self._floor.size:
            self._moved = 0.0
            self.end = min(self._last, now + self._floor.seconds)
