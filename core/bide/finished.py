"""How a job can end: six frozen states with neither request nor receive, and `unwrap`, which judges them.

Each carries the whole `past` of the job, so that the end always tells how it came about.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, cast

from bide.errors import (
    InvalidHandle,
    JobAbandoned,
    JobCancelled,
    JobExpired,
    JobFailed,
    JobLost,
    JobRefused,
    JobUnfinished,
)
from bide.handles import Ended, Known, shown
from bide.history import History, Terms
from bide.result import Acknowledgement, Problem, Result

if TYPE_CHECKING:
    from bide.job import Waiting


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


_NEXT = {
    Reason.DEADLINE: "the job may still finish: resume it with a later deadline",
    Reason.FAILURES: "resume when the service is well again",
    Reason.UNREACHABLE: "check the base URL and the network, then resume",
    Reason.PRIVATE: "if you trust it, allow such hosts by `private` of the dialect, then resume",
    Reason.UNTRUSTED: "check the base URL and the CA certificates, then resume",
    Reason.STALLED: "ask the service about the job, or resume to wait on",
    Reason.UNAUTHORISED: "check the key and what it may do, then resume",
    Reason.UNPAID: "top up the account, then resume",
    Reason.REFUSED: "check the base URL and the id, then resume",
    Reason.NOT_UNDERSTOOD: "check that the base URL is the API's own (a proxy may answer in its place), then resume",
    Reason.REDIRECTED: "give the address it redirects to as the base URL, if that is the API's own",
    Reason.TOO_LARGE: "allow more bytes by Patience(largest=...), or by --largest of the command, then resume",
    Reason.AMBIGUOUS: "look for the job at the service before you prepare it anew: it may have been paid for",
    Reason.UNFOLLOWABLE: "look for the job at the service by what it said; submitted anew it could be paid for twice",
}
#: A submission that ended so is never sent again: it was received, or nobody knows.
NEVER_AGAIN = (Reason.AMBIGUOUS, Reason.UNFOLLOWABLE)


@dataclass(frozen=True, slots=True, repr=False)
class Completed(Known):
    """The result is in hand."""

    terms: Terms
    past: History
    handle: str
    result: Result


@dataclass(frozen=True, slots=True, repr=False)
class Failed(Ended):
    """The service says the job failed, or refused the submission (then there is no handle)."""

    terms: Terms
    past: History
    handle: str | None
    problem: Problem


@dataclass(frozen=True, slots=True, repr=False)
class Cancelled(Ended):
    """The service says the job was cancelled, by the caller or by itself."""

    terms: Terms
    past: History
    handle: str | None
    problem: Problem


@dataclass(frozen=True, slots=True, repr=False)
class Expired(Ended):
    """The service gave up on the job."""

    terms: Terms
    past: History
    handle: str | None
    problem: Problem


@dataclass(frozen=True, slots=True, repr=False)
class Lost(Known):
    """The service no longer knows the job, or its result. `last` can be resumed all the same."""

    terms: Terms
    past: History
    handle: str
    problem: Problem | None
    last: Waiting


@dataclass(frozen=True, slots=True, repr=False)
class Abandoned(Ended):
    """We stopped waiting; the job may go on. `last` is where to resume from (see `bide.resume`).

    `said` is what the service answered to a submission that it accepted, where nothing of it can be followed.
    """

    terms: Terms
    past: History
    handle: str | None
    reason: Reason
    problem: Problem | None
    last: Waiting
    said: Acknowledgement | None = None


Finished: TypeAlias = Completed | Failed | Cancelled | Expired | Lost | Abandoned


def unwrap(job: Finished | Waiting) -> Result:
    """The result of a completed job; raises the `JobError` that fits any other state, with `job` attached.

    Raises `InvalidHandle` for what is no job.
    """
    from bide.job import Waiting  # here, since every job ends by what stands in this module

    if not isinstance(cast("object", job), Waiting | Finished):
        raise InvalidHandle(no_job(job))
    name = shown(job.handle) if job.handle else "the submission"
    match job:
        case Completed():
            return job.result
        case Failed():
            kind = JobRefused if job.handle is None else JobFailed
            raise kind(f"{name} failed: {job.problem}{_hint(job.problem)}", job)
        case Cancelled():
            raise JobCancelled(f"{name} was cancelled: submit again if it is still wanted", job)
        case Expired():
            raise JobExpired(f"{name} expired at the service before it finished: submit again", job)
        case Lost():
            raise JobLost(
                f"{name} is not known to the service{_because(job.problem)}: check the id and whose key is used", job
            )
        case Abandoned():
            because = _because(job.problem) or "".join(f" (last: {event.what})" for event in job.past.trace[-1:])
            raise JobAbandoned(f"stopped waiting for {name}: {job.reason.value}{because}; {_NEXT[job.reason]}", job)
        case _:
            raise JobUnfinished(f"{name} is not over yet ({job.past.status or 'no status known'}): wait for it", job)


def no_job(value: object) -> str:
    """Why what was given for a job is none."""
    if value is None:
        return (
            "None is no job: the `handle` of a job is None until the service has named it, and stays so where it "
            "refused the submission; give the job itself, and what became of it is told"
        )
    if isinstance(value, str):
        return f"{shown(value)[:80]!r} is a text: give the job itself, such as `submit`, `watch` or `resume` returns"
    if isinstance(value, int | float | bytes):
        return f"{value!r:.80} is no job: ids are texts, so give it as one"
    if isinstance(value, Result):
        return f"a Result is no job: job {value.id} is over, and this is what came of it"
    return f"a {type(value).__name__} is no job: give its id as a text, or a job such as `submit` returns"


def _hint(problem: Problem) -> str:
    return " (the service says that trying again may work: that is a new, paid submission)" if problem.retryable else ""


def _because(problem: Problem | None) -> str:
    return f" ({problem})" if problem else ""
