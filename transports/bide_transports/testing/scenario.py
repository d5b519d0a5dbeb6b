"""A scenario as data: what the service does at each turn, and how the job must end. It speaks of no vendor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import bide
from bide.dialect import Phase
from bide.messages import Response
from bide_transports.emulator.faults import Drop

Turns: TypeAlias = "tuple[Turn, ...]"
#: How the service names the job's address: as ever, relative, at a new path, or at another origin.
Address: TypeAlias = Literal["usual", "relative", "moved", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the service does with one request: say `phase` with all that is not empty here, or do something `instead`.

    `code` is a status code that does not fit, `unheard` gives a status word nobody has heard of, `another` names
    another job, `partial` shows output before the end, `wait` is the vendor's own hint in seconds, `left` how many
    requests a rate limit allows within 30 seconds. `next_in` is when the next request must come, in seconds, and not
    much later.
    """

    phase: Phase = Phase.UNFINISHED
    code: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    address: Address = "usual"
    unheard: bool = False
    another: bool = False
    partial: bool = False
    progress: float | None = None
    wait: float | None = None
    left: int | None = None
    next_in: float | None = None
    instead: Response | Drop | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One course of events: the turns of the replies to each kind of request (the last goes on), and the end.

    `ends` are the ends that are right, `reason` why it was abandoned. `advice` says what to change when it ends
    otherwise. A `required` scenario is one that no vendor can do without; the others need not apply. The submission
    has an idempotency key if `keyed`; `repeatable` says that the vendor must (or must not) heed it, `apart` that the
    result must lie elsewhere, `inline` that it lies in the job if it can, `files` that they are asked for, `followable`
    that the submission tells where to look, `paced` that Retry-After is the vendor's pace. With `words` nothing is
    played: each sign and each word is read once.
    """

    name: str
    ends: tuple[type, ...] = (bide.Completed,)
    advice: str = ""
    submissions: Turns = (Turn(),)
    looks: Turns = (Turn(), Turn(Phase.SUCCEEDED))
    fetches: Turns = (Turn(Phase.SUCCEEDED),)
    cancels: Turns = ()
    confirmations: Turns = (Turn(Phase.CANCELLED),)
    reason: bide.Reason | None = None
    required: bool = False
    keyed: bool = True
    repeatable: bool | None = None
    apart: bool = False
    inline: bool = False
    files: bool = False
    words: bool = False
    followable: bool = True
    paced: bool | None = None
    patience: bide.Patience = bide.Patience(deadline=120.0)

    def __str__(self) -> str:
        return self.name
