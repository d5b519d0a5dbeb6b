"""trio's time for many waits at once: one timer serves all sleepers, so a wait is little more than its task.

`trio.sleep_until` gives each sleeper a cancel scope of its own, a quarter of what a waiting job weighs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

import trio
from trio.lowlevel import Abort, RaiseCancelT, Task

from bide.pace import floor_ms


class TrioClock:
    """trio's clock, anchored to the wall once (or to `start`, seconds since the epoch), in whole milliseconds."""

    def __init__(self, start: float | None = None) -> None:
        self._offset = (time.time() if start is None else start) - trio.current_time()
        self._sleepers: list[_Sleeper] = []  # a heap
        self._alarm: trio.CancelScope | None = None

    def now(self) -> float:
        """Seconds since the epoch."""
        return floor_ms(self._offset + trio.current_time())

    async def sleep_until(self, due: float, name: str | None = None) -> None:
        """Return at `due` or later, or when somebody wakes who sleeps under this name; a checkpoint in any case."""
        sleeper = _Sleeper(due - self._offset, name)
        heappush(self._sleepers, sleeper)
        if self._alarm is None:
            self._alarm = trio.CancelScope(deadline=sleeper.deadline)
            trio.lowlevel.spawn_system_task(self._ring)
        elif self._sleepers[0] is sleeper:
            self._alarm.deadline = sleeper.deadline
        await trio.lowlevel.wait_task_rescheduled(sleeper.abort)

    def wake(self, is_meant: Callable[[str], bool]) -> None:
        """Wake those whose name is meant, whether they are due or not."""
        for sleeper in self._sleepers:
            if sleeper.task is not None and sleeper.name is not None and is_meant(sleeper.name):
                trio.lowlevel.reschedule(sleeper.task)
                sleeper.task = None

    async def _ring(self) -> None:
        """Wake the sleepers as they fall due, until none is left."""
        try:
            while self._sleepers:
                with trio.CancelScope(deadline=self._sleepers[0].deadline) as self._alarm:
                    await trio.sleep_forever()
                while self._sleepers and self._sleepers[0].deadline <= trio.current_time():
                    task = heappop(self._sleepers).task
                    if task is not None:
                        trio.lowlevel.reschedule(task)
        finally:
            self._alarm = None


@dataclass(slots=True, order=True)
class _Sleeper:
    """A task until `deadline`, in trio's time; none once it was cancelled or woken."""

    deadline: float
    name: str | None = field(compare=False)
    task: Task | None = field(default_factory=trio.lowlevel.current_task, compare=False)

    def abort(self, _: RaiseCancelT) -> Abort:
        """Called by trio when the task is cancelled."""
        self.task = None
        return Abort.SUCCEEDED
