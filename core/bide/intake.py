"""From what a caller has in hand (a model and its input, an id, a token, a job) to a job that can be followed.

The same for every client, whatever transport it drives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bide.dialect import Dialect
from bide.dialects.vendors import as_dialect
from bide.document import JSONInput
from bide.faults import InvalidHandle
from bide.job import Abandoned, Cancelling, Fetching, Finished, Job, Lost, Polling, Submitting, Waiting, no_job
from bide.messages import Order
from bide.pace import Growing, Pace, as_pace
from bide.patience import NEVER_AGAIN, Patience, as_patience
from bide.steering import cancel, cut_short, resume, submit, watch
from bide.token import load

#: What is given for a job: itself, or its handle; None, the handle of a job that the service has not named, is refused.
JobOrHandle: TypeAlias = str | Job | None


@dataclass(frozen=True, slots=True)
class Intake:
    """How a client's jobs are begun. Nothing here sends anything; `now` is seconds since the epoch.

    A number as pace or patience is taken as `submit` takes it; raises `InvalidSetting`. With `any_service` jobs in hand
    may be of another service: what stands in for the network may speak of one.
    """

    dialect: Dialect
    pace: Pace = Growing()
    patience: Patience = Patience()
    any_service: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "dialect", as_dialect(self.dialect))
        object.__setattr__(self, "pace", as_pace(self.pace))
        object.__setattr__(self, "patience", as_patience(self.patience))

    def prepare(
        self,
        model: str,
        input: Mapping[str, JSONInput],  # noqa: A002  the vendor's own word
        *,
        key: str,
        metadata: Mapping[str, JSONInput] | None = None,
        webhook_url: str | None = None,
        patience: Patience | float | None = None,
        now: float,
    ) -> Submitting:
        """A submission under the idempotency key `key`; raises `InvalidOrder`."""
        order = Order(model, input, key, metadata, webhook_url)
        return submit(
            order,
            dialect=self.dialect,
            now=now,
            pace=self.pace,
            patience=self.patience if patience is None else patience,
        )

    def watch(self, job: JobOrHandle, *, now: float) -> Job:
        """The job with this id, or the job itself; raises `InvalidHandle`."""
        if isinstance(job, str):
            return watch(job, dialect=self.dialect, now=now, pace=self.pace, patience=self.patience)
        return self.own(job)

    def own(self, job: object) -> Job:
        """`job`, if it is one, and of this service; raises `InvalidHandle`."""
        if not isinstance(job, Waiting | Finished):
            raise InvalidHandle(no_job(job))
        home, here = job.terms.dialect, self.dialect
        if not self.any_service and (home.name, home.origin) != (here.name, here.origin):
            raise InvalidHandle(
                f"the job belongs to {home.name} at {home.origin}, and this client speaks to {here.name} at "
                f"{here.origin}: give it to a client of its own service"
            )
        return job

    def cancelling(self, job: JobOrHandle, *, now: float) -> Job:
        """The job with a cancellation asked for; one that has ended or completed stays as it is.

        Raises `InvalidHandle` for a submission: a cancellation needs the id that the service gives.
        """
        state = self.watch(job, now=now)
        if isinstance(state, Submitting):
            raise InvalidHandle(
                "the service has not named this job, so it cannot be told which one to end: what was never sent needs "
                "no cancellation; what may have been is waited for first"
            )
        return cancel(state, now=now) if isinstance(state, Polling) else state

    def resume(self, job: str | bytes | Job, *, patience: Patience | float | None = None, now: float) -> Job:
        """The job, or the job in a token; one that was given up gets a fresh deadline. Raises `InvalidToken`.

        With `patience` its limits count from `now`. A submission may have been sent since its token was written: one
        under no key, or under a key that has grown too old, has ended as ambiguous. One in hand is as it is.
        """
        patience = None if patience is None else as_patience(patience)
        if isinstance(job, Waiting | Finished):
            self.own(job)
        else:
            job = cut_short(load(job, dialect=self.dialect), now=now)
            if isinstance(job, Abandoned) and job.reason in NEVER_AGAIN:
                return job
        return resume(job, now=now, patience=patience) if isinstance(job, Waiting | Abandoned | Lost) else job


def is_over(job: Job) -> bool:
    """Whether nothing is left to be asked."""
    return not isinstance(job, Waiting)


def is_acknowledged(job: Job) -> bool:
    """Whether the service has answered the submission, either way."""
    return not isinstance(job, Submitting)


def is_cancel_settled(job: Job) -> bool:
    """Whether it is known what became of a cancellation; a result that was faster is fetched first."""
    return not isinstance(job, Cancelling | Fetching)


def is_known(job: Job) -> bool:
    """Whether the service has said if the job is over, without waiting for it to be."""
    return is_over(job) or (isinstance(job, Polling) and job.past.polls > 0)
