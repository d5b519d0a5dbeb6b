"""What is done to a job from outside: it is begun, watched, cancelled, held back, told to look, and taken up again.

Each is a function from one frozen state to another; nothing is sent. What a reply makes of a job is the machine's
own matter (`bide.job`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from bide.dialects import Dialect
from bide.errors import InvalidOrder
from bide.finished import Abandoned, Lost, Reason
from bide.handles import is_called
from bide.history import History, Terms
from bide.job import AnyJob, Cancelling, Fetching, Job, Polling, Submitting, Waiting
from bide.messages import Notice, Order
from bide.pace import Growing, Pace, Sparse, Why, ceil_ms
from bide.patience import Patience
from bide.quota import Quota, spent

_JUST_NOW = 1.0  # seconds for which "not yet" is news enough to cancel upon


def submit(
    order: Order,
    *,
    dialect: Dialect,
    now: float,
    pace: Pace = Growing(),
    patience: Patience = Patience(),
    seed: str = "",
) -> Submitting:
    """Start a job: send its `request` next. `seed` (default: the order's key) decides its jitter.

    Raises `InvalidOrder` or `NotOffered` for what the service could never take.
    """
    dialect.submit(order)
    terms = Terms(dialect, pace, patience, seed or order.key or order.model)
    now = ceil_ms(now)
    return Submitting(terms, History.begin(patience, now=now), order, now, now, Why.AT_ONCE)


def watch(
    handle: str,
    *,
    dialect: Dialect,
    now: float,
    pace: Pace = Growing(),
    patience: Patience = Patience(),
    seed: str = "",
) -> Polling:
    """Wait for a job that was submitted before, known by its handle; raises `InvalidHandle`.

    When the very first answer is that there is no such job, it is `Lost` at once.
    """
    terms = Terms(dialect, pace, patience, seed or handle)
    now = ceil_ms(now)
    return Polling(terms, History.begin(patience, now=now), dialect.check(handle), now, now, Why.AT_ONCE)


def cancel(job: Polling | Fetching | Cancelling, *, now: float) -> Cancelling | Fetching:
    """Ask the service to end the job; one that has completed already is still fetched.

    Raises `NotOffered` where the service has no such call.
    """
    if not isinstance(job, Polling):
        return job
    job.terms.dialect.cancel(job.handle)
    due = max(now, min(ceil_ms(max(now, job.not_before)), job.past.deadline))
    just_seen = job.past.polls > 0 and now - job.past.seen < _JUST_NOW
    looked = just_seen or not job.terms.dialect.cancel_forgets
    return Cancelling(job.terms, job.past, job.handle, due, min(job.not_before, due), Why.AT_ONCE, looked=looked)


def within(job: Waiting, quota: Quota | None, *, now: float) -> Waiting:
    """The job, held back while `quota`, last heard by any job of the same key, allows nothing."""
    held = spent(quota, now=now)
    if held is None:
        return job
    until = max(now, min(ceil_ms(held.until), job.past.deadline))
    if until > job.due:
        return replace(job, due=until, not_before=until, why=held.why)
    return replace(job, not_before=max(job.not_before, until))


def notice(job: AnyJob, event: Notice, *, now: float) -> AnyJob:
    """The job after a verified notification: look now, as far as the rate limit allows; never proof by itself.

    One about another job changes nothing.
    """
    if not isinstance(job, Polling | Cancelling) or not is_called(job.handle, event.handle):
        return job
    return cast("AnyJob", _told(job, now))


def cut_short(job: Job) -> Job:
    """The job after a crash or an interrupt: a submission under no key may have been received, so it ends there."""
    if isinstance(job, Submitting) and not job.request.repeatable:
        return Abandoned(job.terms, job.past, None, Reason.AMBIGUOUS, None, job)
    return job


def resume(job: Waiting | Abandoned | Lost, *, now: float, patience: Patience | None = None) -> Waiting:
    """Take a job up again: one that still waits as it stands, one we gave up on with a fresh deadline.

    With `patience` its limits count from `now`. Raises `InvalidOrder` for an ambiguous submission: sent
    again it could be paid for twice.
    """
    if isinstance(job, Abandoned) and job.reason is Reason.AMBIGUOUS:
        raise InvalidOrder(
            "this submission may have been received: look for it at the service, then submit anew if it is not there"
        )
    last = job if isinstance(job, Waiting) else job.last
    if last is job and patience is None:
        return last
    terms = replace(last.terms, patience=patience or last.terms.patience)
    past = last.past.prolonged(terms.patience, now=now)
    due = min(ceil_ms(max(now, last.not_before)), past.deadline)
    fresh = replace(last, terms=terms, past=past, due=due, not_before=min(last.not_before, due), why=Why.AT_ONCE)
    return within(fresh, past.quota, now=now)


def _told(job: Polling | Cancelling, now: float) -> Polling | Cancelling:
    pace, due = job.terms.pace, ceil_ms(max(now, job.not_before))
    if isinstance(pace, Sparse) and not pace.told:
        job = replace(job, terms=replace(job.terms, pace=replace(pace, told=True)))
    return replace(job, due=due, why=Why.NOTICE) if due < job.due else job
