"""What came of a job: `unwrap` gives its result, or raises the error that fits, with the job's last state in it."""

from __future__ import annotations

from typing import cast

from bide.faults import BideError, InvalidHandle
from bide.handles import shown
from bide.job import Abandoned, Cancelled, Completed, Expired, Failed, Finished, Job, Lost, Waiting, no_job
from bide.patience import Reason
from bide.result import Problem, Result

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


class JobError(BideError):
    """There is no result. `job` is the last state; its `past.trace` tells what happened."""

    def __init__(self, message: str, job: Job) -> None:
        super().__init__(message)
        self._job = job

    @property
    def job(self) -> Job:
        """The job's last state."""
        return self._job


class JobUnfinished(JobError):
    """The job is not over yet."""

    @property
    def job(self) -> Waiting:
        """The job's present state."""
        return cast("Waiting", self._job)


class JobFailed(JobError):
    """The service says that the job failed."""

    @property
    def job(self) -> Failed:
        """The job's last state."""
        return cast("Failed", self._job)


class JobRefused(JobFailed):
    """The service refused the submission: there is no job, and `job.handle` is None."""


class JobCancelled(JobError):
    """The job was cancelled, by the caller or by the service."""

    @property
    def job(self) -> Cancelled:
        """The job's last state."""
        return cast("Cancelled", self._job)


class JobExpired(JobError):
    """The service gave up on the job."""

    @property
    def job(self) -> Expired:
        """The job's last state."""
        return cast("Expired", self._job)


class JobLost(JobError):
    """The service no longer knows the job."""

    @property
    def job(self) -> Lost:
        """The job's last state."""
        return cast("Lost", self._job)


class JobAbandoned(JobError):
    """We stopped waiting; the job may go on at the service."""

    @property
    def job(self) -> Abandoned:
        """The job's last state."""
        return cast("Abandoned", self._job)


def unwrap(job: Finished | Waiting) -> Result:
    """The result of a completed job; raises the `JobError` that fits any other state, with `job` attached.

    Raises `InvalidHandle` for what is no job.
    """
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


def _hint(problem: Problem) -> str:
    return " (the service says that trying again may work: that is a new, paid submission)" if problem.retryable else ""


def _because(problem: Problem | None) -> str:
    return f" ({problem})" if problem else ""
