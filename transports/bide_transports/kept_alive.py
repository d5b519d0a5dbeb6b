"""Which connections to one origin are kept open, and which of them may carry the next exchange. No I/O.

The youngest is used first, so the others can grow old and go. One that the peer has closed meanwhile, or that
has something to say which nobody asked for, is never used again (RFC 9112, 9.5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bide_transports.h11_client import Connection

Stream = TypeVar("Stream")


@dataclass(slots=True)
class Line(Generic[Stream]):
    """One open connection and the protocol on it; `is_sent` says whether the last request went out whole."""

    stream: Stream
    protocol: Connection
    idle_since: float = 0.0
    is_sent: bool = True


@dataclass(slots=True)
class KeptAlive(Generic[Stream]):
    """The idle connections to one origin, each kept for `idle` seconds; `stale` are those the caller must close."""

    idle: float
    lines: list[Line[Stream]] = field(default_factory=list[Line[Stream]])
    stale: list[Line[Stream]] = field(default_factory=list[Line[Stream]])

    def take(self, now: float, has_news: Callable[[Stream], bool]) -> Line[Stream] | None:
        """The youngest connection that is still sound, or None; `has_news` tells whether one can be read from."""
        while self.lines and self.lines[0].idle_since <= now - self.idle:
            self.stale.append(self.lines.pop(0))
        while self.lines:
            line = self.lines.pop()
            if not has_news(line.stream):
                return line
            self.stale.append(line)
        return None

    def give_back(self, line: Line[Stream], now: float, *, sound: bool) -> None:
        """Keep a connection for the next exchange, or have it closed."""
        if sound and line.is_sent and line.protocol.release():
            line.idle_since = now
            self.lines.append(line)
        else:
            self.stale.append(line)

    def discard(self, *lines: Line[Stream]) -> None:
        """Have these connections closed, and every idle one."""
        self.stale += [*lines, *self.lines]
        self.lines.clear()
