"""The limits of waiting: how long, how many failures, how still. Nothing is unbounded; and why waiting stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import inf
from typing import cast

from bide.messages import LARGEST, LARGEST_FILE, TIMEOUT, Request
from bide.pace import LONGEST, SHORTEST, number, positive, whole

_LAST_LOOK = 10.0  # seconds for a look that begins at the deadline


class Reason(Enum):
    """Why we stopped waiting. The value is the wording people read."""

    DEADLINE = "the deadline passed"
    FAILURES = "too many requests in a row went wrong"
    UNREACHABLE = "the service could not be reached"
    PRIVATE = "the service names a host whose address is in a private network"
    UNTRUSTED = "the service's TLS certificate was not accepted"
    STALLED = "nothing has changed for too long"
    UNAUTHORISED = "the service does not accept the API key"
    UNPAID = "the service asks for payment"
    REFUSED = "the service refuses the request"
    REDIRECTED = "the service redirects to an address that is not followed"
    TOO_LARGE = "the reply is larger than allowed"
    NOT_UNDERSTOOD = "the service's replies could not be understood"
    AMBIGUOUS = "the submission may or may not have been received"
    UNFOLLOWABLE = "the service answered the submission, but with nothing that can be followed"


#: A submission that ended so is never sent again: it was received, or nobody knows.
NEVER_AGAIN = (Reason.AMBIGUOUS, Reason.UNFOLLOWABLE)


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
