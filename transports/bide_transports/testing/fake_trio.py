"""A fake server's exchange and clock for a client over trio: nothing takes time, and everything is a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from bide.messages import Reply, Request
from bide_transports.emulator.memory import VirtualClock
from bide_transports.sinks import Into
from bide_transports.sources import Content
from bide_transports.tapes import Exchange
from bide_transports.testing.fake_files import Fetching


@dataclass(frozen=True)
class Awaited:
    """`by`, awaited, and its clock."""

    by: Exchange
    clock: VirtualClock

    async def exchange(self, request: Request) -> Reply:
        """What comes back."""
        await trio.lowlevel.checkpoint()
        return self.by(request)

    def now(self) -> float:
        """The time of this job alone."""
        return self.clock.now()

    async def sleep_until(self, due: float, name: str | None = None) -> None:  # noqa: ARG002  nobody can wake it
        """Jump to `due`."""
        await trio.lowlevel.checkpoint()
        self.clock.sleep_until(due)


@dataclass(frozen=True)
class AwaitedFile:
    """`by`, which fetches a file, awaited; and its clock."""

    by: Fetching

    async def exchange(self, request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
        """What comes back."""
        await trio.lowlevel.checkpoint()
        return self.by.exchange(request, into, content)

    def now(self) -> float:
        """The time of this file alone."""
        return self.by.clock.now()

    async def sleep_until(self, due: float, name: str | None = None) -> None:  # noqa: ARG002  nobody can wake it
        """Jump to `due`."""
        await trio.lowlevel.checkpoint()
        self.by.clock.sleep_until(due)
