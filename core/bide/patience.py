"""The limits of waiting: how long, how many failures, how still. Nothing is unbounded by default."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import cast

from bide.messages import LARGEST, LARGEST_FILE, TIMEOUT, Request
from bide.pace import LONGEST, SHORTEST, number, positive, whole

_LAST_LOOK = 10.0  # seconds for a look that begins at the deadline


@dataclass(frozen=True, slots=True)
class Patience:
    """When to stop waiting. All times are seconds; raises `InvalidSetting` for limits that make no sense.

    * `deadline`: after submission, exactly: one last look at it, never past it. None takes the job's own
      `expires_at` plus `grace` (at most `longest`), or `fallback` when the service names no end.
    * `failures`: replies in a row that went wrong, connections cut included; `first_contact`: the same
      before the service has answered once, so a wrong address ends soon.
    * `stall`: without any news from a job that the service still calls unfinished.
    * `missing`, `missing_for`: a known job may answer 404 that many times and that long before it is lost.
    * `timeout`: of one whole request; `transfer`: of one file's transfer.
    * `largest`: bytes of one reply body, `largest_file`: of one file. A compressed file may unpack to a hundred times
      what came, and to `largest` in any case.
    """

    deadline: float | None = None
    fallback: float = 3600.0
    grace: float = 30.0
    longest: float = 7 * 86400.0
    failures: int = 20
    first_contact: int = 4
    stall: float = 86400.0
    missing: int = 5
    missing_for: float = 30.0
    timeout: float = TIMEOUT
    largest: int = LARGEST
    transfer: float = 600.0
    largest_file: int = LARGEST_FILE

    def __post_init__(self) -> None:
        for name in ("fallback", "grace", "longest", "stall", "missing_for", "timeout", "transfer"):
            positive(name, getattr(self, name))
        if self.deadline is not None:
            positive("deadline", self.deadline)
        for name in ("failures", "first_contact", "missing", "largest", "largest_file"):
            whole(name, getattr(self, name))

    def bound(self, request: Request, *, left: float = inf) -> Request:
        """`request` with this patience's limits of size and timeout, and no longer than the `left` seconds.

        The last look begins when nothing is left, and has ten seconds.
        """
        timeout = min(self.timeout, left if left > 0 else _LAST_LOOK)
        limits = (timeout, self.largest, self.largest_file)
        if (request.timeout, request.largest, request.largest_file) == limits:
            return request
        return replace(request, timeout=timeout, largest=self.largest, largest_file=self.largest_file)


def as_patience(value: object) -> Patience:
    """`value` as a patience: a number is the deadline in seconds. Raises `InvalidSetting`."""
    if isinstance(value, Patience):
        return value
    number("patience", value, SHORTEST, LONGEST, f"Patience, or seconds ({SHORTEST} or more) for its deadline")
    return Patience(deadline=cast("float", value))
