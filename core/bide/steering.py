"""What is done to a job from outside: it is begun, watched, cancelled, held back, told to look, and taken up again.

Each is a function from one frozen state to another; nothing is sent. What a reply makes of a job is the machine's
own matter (`bide.job`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from bide.dialect import Asked, Dialect
from bide.dialects.vendors import as_dialect
from bide.faults import InvalidHandle, InvalidOrder
from bide.handles import is_called
from bide.history import History, Terms
from bide.job import Abandoned, AnyJob, Cancelling, Fetching, Job, Lost, Polling, Submitting, Waiting, no_job
from bide.messages import Notice, Order
from bide.pace import LONGEST_BACKOFF, Growing, Pace, Sparse, Why, as_pace, ceil_ms
from bide.patience import NEVER_AGAIN, Patience, Reason, as_patience
from bide.quota import CEILING, Quota, spent

_ANOTHER_CLOCK = 1.0  # seconds that a job may lie in the future for its clock to be ours
_JUST_NOW = 1.0  # seconds for which "not yet" is news enough to cancel upon
_KINDS: dict[type, Asked] = {Submitting: "submit", Polling: "poll", Fetching: "fetch", Cancelling: "cancel"}


def submit(
    order: Order,
    *,
    dialect: Dialect | str,
    now: float,
    pace: Pace | float = Growing(),
    patience: Patience | float = Patience(),
    seed: str = "",
) -> Submitting:
    """Start a job: send its `request` next. `seed` (default: the order's key) decides its jitter.

    A text as `dialect` is the name of a built-in one. A number as `pace` or `patience` is in seconds: `Every` so many,
    and the deadline. Raises `InvalidOrder` or `NotOffered` for what the service could never take, `InvalidSetting`.
    """
    if not isinstance(cast("object", order), Order):
        raise InvalidOrder(f"the order is {order!r:.60}: give an Order, with the model and its input")
    terms = Terms(as_dialect(dialect), as_pace(pace), as_patience(patience), seed or order.key or order.model)
    terms.dialect.submit(order)
    now = ceil_ms(now)
    return Submitting(terms, History.begin(terms.patience, now=now), order, now, now, Why.AT_ONCE)


def watch(
    handle: str,
    *,
    dialect: Dialect | str,
    now: float,
    pace: Pace | float = Growing(),
    patience: Patience | float = Patience(),
    seed: str = "",
) -> Polling:
    """Wait for a job that was submitted before, known by its handle; raises `InvalidHandle`, `InvalidSetting`.

    When the very first answer is that there is no such job, it is `Lost` at once.
    """
    if not isinstance(cast("object", handle), str):
        raise InvalidHandle(no_job(handle))
    terms = Terms(as_dialect(dialect), as_pace(pace), as_patience(patience), seed or handle)
    now = ceil_ms(now)
    return Polling(terms, History.begin(terms.patience, now=now), terms.dialect.check(handle), now, now, Why.AT_ONCE)


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
    held = spent(quota, now=now, asked=_KINDS[type(job)])
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


def cut_short(job: Job, *, now: float) -> Job:
    """The job after a crash or an interrupt, and whenever it is read from a text: others may have used that, too.

    A submission may have been received since, so one that the service does not recognise again has ended there.
    """
    last = job.last if isinstance(job, Abandoned) else job
    if not isinstance(last, Submitting) or (isinstance(job, Abandoned) and job.reason in NEVER_AGAIN):
        return job
    last = replace(last, unclear=True)
    if is_never_again(last, now=now):
        return Abandoned(last.terms, last.past, None, Reason.AMBIGUOUS, None, last)
    return replace(job, last=last) if isinstance(job, Abandoned) else last


def before_sending(job: Waiting, *, now: float) -> Job:
    """The job whose turn has come; ended, where the wait was so long that the service may have forgotten its key.

    A driver asks this before each request: a machine that was asleep sends what was due long ago.
    """
    if isinstance(job, Submitting) and is_never_again(job, now=now):
        return Abandoned(job.terms, job.past, None, Reason.AMBIGUOUS, None, job)
    return job


def is_never_again(job: Submitting, *, now: float) -> bool:
    """Whether a submission that may have been received is not recognised when it is sent again now."""
    if not job.unclear:
        return False
    return not job.request.repeatable or (job.key_until is not None and now >= job.key_until)


def resume(job: Waiting | Abandoned | Lost, *, now: float, patience: Patience | float | None = None) -> Waiting:
    """Take a job up again: one that still waits as it stands, one we gave up on with a fresh deadline.

    With `patience` its limits count from `now`. A job of a clock that was ahead of ours goes by ours. Raises
    `InvalidOrder` for a submission that may have been received: sent again it could be paid for twice.
    """
    last = job if isinstance(job, Waiting) else job.last
    final = isinstance(job, Abandoned) and job.reason in NEVER_AGAIN
    if final or (isinstance(last, Submitting) and is_never_again(last, now=now)):
        raise InvalidOrder(
            "this submission may have been received: look for the job at the service, prepare it anew if there is none"
        )
    last = _by_our_clock(last, now)
    if isinstance(job, Waiting) and patience is None:
        return last
    terms = last.terms if patience is None else replace(last.terms, patience=as_patience(patience))
    past = last.past.prolonged(terms.patience, now=now)
    due = min(ceil_ms(max(now, last.not_before)), past.deadline)
    fresh = replace(last, terms=terms, past=past, due=due, not_before=min(last.not_before, due), why=Why.AT_ONCE)
    return within(fresh, past.quota, now=now)


def _by_our_clock(job: Waiting, now: float) -> Waiting:
    """`job`, no later than its pace and the limits of hints would have it, whatever clock wrote it down."""
    past, held = job.past, job.why in (Why.RETRY_AFTER, Why.QUOTA)
    ahead = max(past.since, past.seen, past.changed, *(event.at for event in past.trace)) - now
    if ahead > _ANOTHER_CLOCK:
        past = past.shifted(-ahead)
    else:
        ahead = 0.0
    longest = CEILING if held else max(job.terms.pace.delay(age=max(0.0, now - past.since), draw=1.0), LONGEST_BACKOFF)
    due = ceil_ms(min(job.due - ahead, now + longest))
    return (
        job
        if due == job.due and past is job.past
        else replace(job, past=past, due=due, not_before=min(job.not_before, due))
    )


def _told(job: Polling | Cancelling, now: float) -> Polling | Cancelling:
    pace, due = job.terms.pace, ceil_ms(max(now, job.not_before))
    if isinstance(pace, Sparse) and not pace.told:
        job = replace(job, terms=replace(job.terms, pace=replace(pace, told=True)))
    return replace(job, due=due, why=Why.NOTICE) if due < job.due else job
