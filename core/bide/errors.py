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

from bide.faults import (
    BideError,
    CallerError,
    Flaw,
    ForeignToken,
    InvalidAddress,
    InvalidDeclaration,
    InvalidHandle,
    InvalidKey,
    InvalidOrder,
    InvalidSetting,
    InvalidToken,
    InvalidWebhook,
    NotOffered,
    PollingAdvice,
    SaveError,
    UnreadableEntry,
    UploadError,
)
from bide.outcome import JobAbandoned, JobCancelled, JobError, JobExpired, JobFailed, JobLost, JobRefused, JobUnfinished

__all__ = [
    "BideError",
    "CallerError",
    "Flaw",
    "ForeignToken",
    "InvalidAddress",
    "InvalidDeclaration",
    "InvalidHandle",
    "InvalidKey",
    "InvalidOrder",
    "InvalidSetting",
    "InvalidToken",
    "InvalidWebhook",
    "JobAbandoned",
    "JobCancelled",
    "JobError",
    "JobExpired",
    "JobFailed",
    "JobLost",
    "JobRefused",
    "JobUnfinished",
    "NotOffered",
    "PollingAdvice",
    "SaveError",
    "UnreadableEntry",
    "UploadError",
]
