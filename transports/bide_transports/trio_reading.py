"""Large replies are read in a thread: JSON of some megabytes takes a second to understand, and other tasks go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio

from bide.messages import Reply, Response
from bide_transports.arguments import check_note

T = TypeVar("T")

_LARGE = 65536  # bytes, which take some milliseconds at the worst


async def received(receive: Callable[[Reply], T], reply: Reply) -> T:
    """What `receive` makes of `reply`. A cancellation waits for it, so what came is never lost."""
    if not isinstance(reply, Response) or len(reply.body) <= _LARGE:
        return receive(reply)
    limiter = trio.CapacityLimiter(1)  # its own: a wait that cannot be cancelled has no queue
    with trio.CancelScope(shield=True):
        return await trio.to_thread.run_sync(receive, reply, limiter=limiter)
    raise AssertionError("nobody cancels this scope")


def noted(note: Callable[[T], object]) -> Callable[[T], None]:
    """`note`, which is the caller's, called in trio's own thread, from wherever a state is noted.

    Raises `InvalidSetting` for what cannot be called.
    """
    check_note(note, "a transfer")

    def told(state: T) -> None:
        if trio.lowlevel.in_trio_task():
            note(state)
        else:
            trio.from_thread.run_sync(note, state)

    return told
