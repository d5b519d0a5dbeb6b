"""Every exception bide raises, by who must act. A server's faults are data until `unwrap` asks for the result.

BideError
├── CallerError                   you: the call itself is wrong, and nothing was sent
│   ├── InvalidOrder              the submission cannot be written as JSON
│   ├── InvalidHandle             the id cannot stand in a path
│   ├── InvalidAddress            the base URL is none, or would send the key in the clear
│   ├── InvalidKey                the API key cannot stand in a header
│   ├── InvalidSetting            a pace or a limit that makes no sense
│   └── InvalidToken              a saved job that cannot be read, or belongs elsewhere
├── JobError                      the job: `.job` is its last state, with its trace
│   ├── JobUnfinished             not over yet: wait on
│   ├── JobFailed                 the service says it failed: read `.job.problem`
│   ├── JobCancelled              cancelled, by you or by the service
│   ├── JobExpired                the service's own time ran out
│   ├── JobLost                   the service no longer knows it
│   └── JobAbandoned              we stopped waiting; the job may go on: resume from `.job`
└── SaveError                     the disk or the storage host: the result is safe at the service
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bide.job import Job


class BideError(Exception):
    """Base of all errors raised on purpose."""


class CallerError(BideError, ValueError):
    """The call is wrong; nothing was sent."""


class InvalidOrder(CallerError):
    """The submission cannot be sent as it is."""


class InvalidHandle(CallerError):
    """The id cannot stand in a path."""


class InvalidAddress(CallerError):
    """The base URL is none, or would send the key in the clear."""


class InvalidKey(CallerError):
    """The API key cannot stand in a header."""


class InvalidSetting(CallerError):
    """A pace or a limit makes no sense."""


class InvalidToken(CallerError):
    """A saved job cannot be read, or belongs to another service."""


class JobError(BideError):
    """There is no result. `job` is the last state; its `past.trace` tells what happened."""

    def __init__(self, message: str, job: Job) -> None:
        super().__init__(message)
        self.job = job

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.job)


class JobUnfinished(JobError):
    """The job is not over yet."""


class JobFailed(JobError):
    """The service says that the job failed."""


class JobCancelled(JobError):
    """The job was cancelled, by the caller or by the service."""


class JobExpired(JobError):
    """The service gave up on the job."""


class JobLost(JobError):
    """The service no longer knows the job."""


class JobAbandoned(JobError):
    """We stopped waiting; the job may go on at the service."""


class SaveError(BideError):
    """A file could not be saved; the result is still at the service."""


class PollingAdvice(UserWarning):
    """The vendor advises against polling as many jobs as this client does."""
