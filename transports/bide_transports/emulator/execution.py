"""What a run does, as a function of time: nothing here ticks, the status is read off the plan.

PENDING ──dispatched──> PROCESSING ──handed_over──> AWAITING_WEBHOOK ──duration──> COMPLETED, FAILED, CANCELLED
   └───────────────────────────┴───────── cancel ────────┴──> CANCELLED     expires_after ──> EXPIRED
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal, TypeAlias


class Status(Enum):
    """The seven statuses (modelroute-api.md, 5)."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    AWAITING_WEBHOOK = "AWAITING_WEBHOOK"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @property
    def terminal(self) -> bool:
        """Whether it never changes afterwards."""
        return self not in _UNDER_WAY


_UNDER_WAY = frozenset({Status.PENDING, Status.PROCESSING, Status.AWAITING_WEBHOOK})
Outcome: TypeAlias = Literal[Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED]


@dataclass(frozen=True, slots=True)
class Plan:
    """What every run of one model will do; all times are seconds since its submission.

    It ends as `outcome` after `duration`, or as EXPIRED after `expires_after`, whichever comes first; an
    `outcome` of EXPIRED waits for `expires_after`. `error_code` is told when it FAILED, `width` and `height`
    are the pixels of the picture when it COMPLETED.
    """

    duration: float = 10.0
    outcome: Outcome = Status.COMPLETED
    error_code: str = "GENERATION_FAILED"
    dispatched: float = 1.0
    handed_over: float = 4.0
    expires_after: float = 300.0
    width: int = 64
    height: int = 48

    @property
    def last(self) -> tuple[float, Outcome]:
        """When it ends (seconds since submission), and as what."""
        if self.outcome is Status.EXPIRED or self.duration > self.expires_after:
            return self.expires_after, Status.EXPIRED
        return self.duration, self.outcome


@dataclass(frozen=True, slots=True)
class Execution:
    """One run: its plan, when it was submitted, and when a cancel came, if one did (seconds since the epoch)."""

    id: str
    file_id: str
    model: str
    plan: Plan
    created: float
    cancelled: float | None = None

    @property
    def ended(self) -> float:
        """When it becomes terminal, seconds since the epoch."""
        return self.created + self.plan.last[0] if self.cancelled is None else self.cancelled

    @property
    def expires(self) -> float:
        """When it times out without a result, seconds since the epoch."""
        return self.created + self.plan.expires_after

    def status(self, now: float) -> Status:
        """The status at `now`."""
        if now >= self.ended:
            return Status.CANCELLED if self.cancelled is not None else self.plan.last[1]
        if now >= self.created + self.plan.handed_over:
            return Status.AWAITING_WEBHOOK
        return Status.PROCESSING if now >= self.created + self.plan.dispatched else Status.PENDING

    def cancel(self, now: float) -> Execution:
        """The same run, cancelled at `now`; a run that is over stays as it is."""
        return self if self.status(now).terminal else replace(self, cancelled=now)
