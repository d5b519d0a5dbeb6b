"""A fake server's exchange and clock for a client over trio: nothing takes time, and everything is a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from bide.messages import Reply, Request
from bide_transports.emulator.memory import VirtualClock
from bide_transports.tapes import Exchange


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
