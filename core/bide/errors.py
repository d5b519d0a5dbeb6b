"""Every exception bide raises, by who must act. A server's faults are data until `unwrap` asks for the result.

BideError
├── CallerError                   you: the call itself is wrong, and nothing was sent
│   ├── InvalidOrder              the submission cannot be sent, such as an input that is no JSON
│   ├── InvalidHandle             what was given for a job is none, or its id cannot stand in a path
│   ├── InvalidAddress            the base URL is none, or would send in the clear what must not go so
│   ├── InvalidKey                the API key is missing, or cannot stand in a header
│   ├── InvalidSetting            a pace, a limit, a dialect or another argument that makes no sense
│   ├── InvalidDeclaration        a vendor's way of speaking, declared wrongly
│   ├── NotOffered                the service has no such call
│   └── InvalidToken              a saved job that cannot be read
│       └── ForeignToken          one that belongs to another service
├── JobError                      the job: `.job` is its last state, with its trace
│   ├── JobUnfinished             not over yet: wait on
│   ├── JobFailed                 the service says it failed: read `.job.problem`
│   │   └── JobRefused            it refused the submission: there is no job
│   ├── JobCancelled              cancelled, by you or by the service
│   ├── JobExpired                the service's own time ran out
│   ├── JobLost                   the service no longer knows it
│   └── JobAbandoned              we stopped waiting; the job may go on: resume from `.job`
├── InvalidWebhook                the sender: a notification that must not be believed; `.kind` says why
├── UploadError                   the disk, the storage host or the service: the file is not there, no job has it
└── SaveError                     the disk or the storage host: the result is safe at the service
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from bide.finished import Abandoned, Cancelled, Expired, Failed, Lost
    from bide.job import Job, Waiting


def carried(error: BaseException) -> tuple[Any, ...]:
    """How an exception is pickled and copied with all its attributes, whatever its `__init__` takes.

    An exception is made anew from its `args` otherwise, which need not be what its class is called with.
    """
    return _made, (type(error), *error.args), vars(error)


def _made(kind: type[BaseException], *args: object) -> BaseException:
    return kind.__new__(kind, *args)


class BideError(Exception):
    """Base of all errors raised on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return carried(self)


class CallerError(BideError, ValueError):
    """The call is wrong; nothing was sent."""


class InvalidOrder(CallerError):
    """The submission cannot be sent as it is."""


class InvalidHandle(CallerError):
    """What was given for a job is none, or its id cannot stand in a path."""


class InvalidAddress(CallerError):
    """The base URL is none, or would send in the clear what must not go so."""


class InvalidKey(CallerError):
    """The API key is missing, or cannot stand in a header."""


class InvalidSetting(CallerError):
    """A pace, a limit or another argument makes no sense."""


class InvalidDeclaration(CallerError):
    """A declared dialect cannot be read."""


class NotOffered(CallerError):
    """The service offers no such call, or none that is declared."""


class InvalidToken(CallerError):
    """A saved job cannot be read, or belongs to another service."""


class ForeignToken(InvalidToken):
    """A saved job belongs to another service, or to another address of it."""


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


class Flaw(Enum):
    """Why a notification is not believed. The value is the wording people read."""

    UNSIGNED = "it is not signed"
    WRONG_SIGNATURE = "no signature fits"
    STALE = "it is too old"
    FROM_THE_FUTURE = "it is from the future"
    NOT_UNDERSTOOD = "it cannot be understood"


class InvalidWebhook(BideError):
    """A notification that must not be believed, or one that cannot be understood."""

    def __init__(self, message: str, kind: Flaw = Flaw.NOT_UNDERSTOOD) -> None:
        super().__init__(message)
        self.kind = kind


class UploadError(BideError):
    """A file could not be uploaded; nothing was paid for."""


class SaveError(BideError):
    """A file could not be saved; the result is still at the service."""


class UnreadableEntry(UserWarning):
    """An entry of a journal cannot be taken up: it stays there, and all other jobs are taken up."""


class PollingAdvice(UserWarning):
    """The vendor advises against polling as many jobs as this client does."""
