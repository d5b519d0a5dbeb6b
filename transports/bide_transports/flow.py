"""How slowly a file may come: 64 KiB a minute at the least. No clock: the time is told.

The timeout of a transfer is long, since files are large. A server that sends next to nothing would hold a connection
for all of it, and a few such files would keep every other file waiting.
"""

from __future__ import annotations

from math import inf

LEAST = 65536  # bytes, which must come in each period: no line is slower, unless something is wrong
PERIOD = 60.0  # seconds; the first includes the connection, and whatever a service does before it sends


class Flow:
    """The time that a reply has: until `end`, which moves on with what comes, and is never after `last`.

    A reply that is no `file` simply has until then.
    """

    def __init__(self, *, last: float, file: bool, now: float) -> None:
        self._last, self._period, self._came = last, PERIOD if file else inf, 0
        self.end = min(last, now + self._period)

    def came(self, size: int, *, now: float) -> None:
        """Note that `size` bytes have come."""
        self._came += size
        if self._came >= LEAST:
            self._came = 0
            self.end = min(self._last, now + self._period)
