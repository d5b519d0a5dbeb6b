"""Why a job failed, where the service tells that at an address of its own: how it is asked, and what is made of it.

A failure that is known stays known: whatever comes back from there, or does not, the job has failed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, runtime_checkable

from bide.dialect import Dialect, Phase
from bide.faults import NotOffered
from bide.handles import shown
from bide.look import Look, reason_to_stop
from bide.messages import Cause, NoResponse, Request
from bide.result import Problem

_MOST_TRIES = 3
_MAY_PASS = (None, Phase.LIMITED, Phase.TRANSIENT, Phase.UNREADABLE, Phase.UNFINISHED, Phase.REDIRECTED)


@runtime_checkable
class Explaining(Protocol):
    """What a dialect may know of failures beyond what `Dialect` asks of every one."""

    def reason(self, handle: str) -> Request | None:
        """How to ask why a job has failed; None where the service has not said where, or tells all at once."""
        ...


def asking_why(dialect: Dialect, handle: str) -> Request:
    """The request for the reason of a failure; raises `NotOffered` where there is none."""
    request = dialect.reason(handle) if isinstance(dialect, Explaining) else None
    if request is None:
        raise NotOffered(f"{dialect.name} has not said where to ask why {shown(handle)} failed")
    return request


def has_more_to_say(look: Look) -> bool:
    """Whether the reason of the failure that this reply tells can still be asked for: never past the deadline."""
    dialect = look.terms.dialect
    if look.handle is None or look.now >= look.past.deadline or not isinstance(dialect, Explaining):
        return False
    return dialect.reason(look.handle) is not None


def tries_after(look: Look, tries: int) -> int:
    """The count of replies without a reason, with this one; where nobody was asked, none is due."""
    asked_nobody = isinstance(look.reply, NoResponse) and look.reply.cause is Cause.BUSY
    return tries + (look.redirect is None and not asked_nobody)


def is_asked_again(look: Look, tries: int) -> bool:
    """Whether the reason is asked for again after this reply: only trouble that may pass, and a few times."""
    return look.phase in _MAY_PASS and tries < _MOST_TRIES and reason_to_stop(look) is None


def explained(failure: Problem, look: Look) -> Problem:
    """The `failure` with what this reply says of its reason; what was said before stays, but for JSON as it came."""
    told = look.problem
    if told is None or look.phase is not Phase.FAILED:
        return failure
    before = "" if failure.message[:1] in ("{", "[") else failure.message
    added = f" ({before})" if before and before not in told.message else ""
    return replace(
        failure,
        code=told.code or failure.code,
        message=told.message + added if told.message else failure.message,
        request_id=told.request_id or failure.request_id,
        details=failure.details + told.details,
    )
