"""The machine: one job from its submission to its end.

A waiting state *is* an instruction: send `request`, not before `due`, and hand what comes back to
`receive`, which answers with the next state. That is the whole life of a job:

    while isinstance(job, Waiting):
        sleep_until(job.due)
        job = job.receive(exchange(job.request), now=clock())

    Submitting ──> Polling ──> Fetching ──> Completed
                      │ cancel()
                   Cancelling

The arrows are the return annotations of the four `receive` methods, and nothing else: the diagram and the
exhaustive test are read off them. Every waiting state can also end in the other finished states.

* Nothing here does I/O, reads a clock or rolls dice. `now` comes in, `due` goes out: float seconds since
  the epoch, whole milliseconds.
* `receive` is total: any status, headers and bytes, or no reply at all (`NoResponse`). It never raises.
* States are frozen. A driver that is cancelled half-way keeps the last state, and it still stands.
* What is done to a job from outside stands in `bide.steering`: begun, cancelled, told to look, held back, resumed.
* `not_before` is the floor that is not ours to break: the server's hint, the quota, a backoff. `due` is
  when this job would ask if it were alone, and never lies before it. Both end at the deadline.
* A redirect within the API's own origin is followed; `redirect` is where it leads (`bide.redirect`).
* A submission is sent again only while the service is known to recognise it. What a 2xx says of it stands, even
  where it says too little; after a try that may have been received, no refusal proves that it was not.
* A finished status is absorbing: a job seen completed is only fetched, whatever unfinished status a later
  reply shows; only another end, told in place of the result, is believed.
* A job that failed is `Fetching` once more where the service says why at an address of its own (`bide.failure`).
* Left undone: pacing many jobs under one quota.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from typing import TypeAlias, TypeVar

from bide.cookies import kept_cookies, with_cookies
from bide.dialect import Asked, Dialect, Phase
from bide.dialects.moments import Moment
from bide.failure import asking_why, explained, has_more_to_say, is_asked_again, tries_after
from bide.handles import COOKIE, Ended, Known, shown
from bide.history import History, Terms
from bide.look import (
    Look,
    acknowledgement,
    is_accepted,
    is_lost,
    look_at,
    may_have_arrived,
    next_look,
    reason_to_stop,
)
from bide.messages import Cause, NoResponse, Order, Reply, Request, Response
from bide.pace import Why
from bide.patience import Reason
from bide.redirect import Redirect, arrived
from bide.result import Acknowledgement, Problem, Result

_TOO_LARGE = Problem("TOO_LARGE", "its reply is larger than allowed: Patience(largest=...) allows more")
_REFUSALS = (Phase.REFUSED, Phase.MISSING, Phase.GONE)  # of a submission


@dataclass(frozen=True, slots=True)
class Submitting:
    """The submission is not acknowledged yet; sent again only while the service recognises it.

    `unclear` says that an earlier try may have been received.
    """

    terms: Terms
    past: History
    order: Order
    due: float
    not_before: float
    why: Why
    unclear: bool = False
    redirect: Redirect | None = None
    cookies: str = field(default="", repr=False)

    @property
    def handle(self) -> None:
        """None: the service has not named the job yet."""

    @property
    def id(self) -> None:
        """None, likewise."""

    @property
    def request(self) -> Request:
        """The POST that submits the order."""
        request = _bound(self, _speaking(self, "submit").submit(self.order))
        return replace(request, headers=(*request.headers, (COOKIE, self.cookies))) if self.cookies else request

    @property
    def key_until(self) -> float | None:
        """The instant until which the service recognises the idempotency key; None where none is sent."""
        lifetime = self.terms.dialect.key_lifetime(self.order)
        return None if lifetime is None else self.past.since + lifetime

    def receive(
        self, reply: Reply, *, now: float
    ) -> Submitting | Polling | Fetching | Completed | Failed | Cancelled | Expired | Abandoned:
        """The next state, after `reply` to `request` came at `now`."""
        look = look_at(self, reply, "submit", now, self.order)
        job = self._with_cookies(look)
        if look.redirect is not None:
            return _stopped(look, job) or replace(_asked_again(job, look), redirect=look.redirect)
        ended = _ended(look)
        if ended is not None:
            return ended
        if look.phase is Phase.UNFINISHED and look.handle is not None:
            known = Polling(look.terms, look.past, look.handle, *next_look(look))
            return _stopped(look, known) or known
        return job._unacknowledged(look)  # noqa: SLF001  of its own class

    def _with_cookies(self, look: Look) -> Submitting:
        """This submission with the cookies that its reply wants back; so has the job, if that named it."""
        told = look.reading.cookies if look.reading else ()
        cookies = kept_cookies(self.cookies, told) if told else self.cookies
        if look.handle is not None and cookies:
            look.handle = with_cookies(look.handle, tuple(cookies.split("; ")))
        return replace(self, cookies=cookies) if told else self

    def _unacknowledged(self, look: Look) -> Submitting | Completed | Failed | Abandoned:
        """After a reply that names no job, or none at all."""
        request, deleted = self.request, look.phase in (Phase.MISSING, Phase.GONE) and self.unclear
        if request.method == "DELETE" and (deleted or look.status == 204):
            return Completed(look.terms, look.past, "", Result(""))
        unclear = self.unclear or may_have_arrived(look)
        again = replace(_asked_again(self, look), unclear=unclear)
        if is_accepted(look) and isinstance(look.reply, Response):
            return _unfollowable(look, look.reply, again)
        until, stopped = self.key_until, _stopped(look, again)
        if look.phase in _REFUSALS or (look.phase is Phase.CONFLICT and until is None):
            problem = look.problem or Problem(f"HTTP_{look.status}")
            return (
                _abandoned(look, Reason.AMBIGUOUS, again) if unclear else Failed(look.terms, look.past, None, problem)
            )
        if stopped is not None and stopped.reason is Reason.TOO_LARGE:
            return stopped if request.repeatable else replace(stopped, reason=Reason.UNFOLLOWABLE, problem=_TOO_LARGE)
        if unclear and (not request.repeatable or look.phase is Phase.REDIRECTED):
            return _abandoned(look, Reason.AMBIGUOUS, again)
        if unclear and until is not None and again.due >= until:
            return stopped or _abandoned(look, Reason.AMBIGUOUS, again)
        return stopped or again


@dataclass(frozen=True, slots=True, repr=False)
class Polling(Known):
    """The service knows the job: ask again at `due`."""

    terms: Terms
    past: History
    handle: str
    due: float
    not_before: float
    why: Why
    redirect: Redirect | None = None

    @property
    def request(self) -> Request:
        """The GET that looks at the job."""
        return _bound(self, _speaking(self, "poll").poll(self.handle))

    def receive(
        self, reply: Reply, *, now: float
    ) -> Polling | Fetching | Completed | Failed | Cancelled | Expired | Lost | Abandoned:
        """The next state, after `reply` to `request` came at `now`."""
        look = look_at(self, reply, "poll", now)
        over = None if look.phase is Phase.UNFINISHED else _ended(look) or _lost(look, self)  # most are not
        handle, redirect = look.handle or self.handle, look.redirect
        if self.redirect is not None and redirect is None:
            handle, redirect = arrived(self.redirect, handle, self.terms.dialect.poll(self.handle).url)
        return over or _stopped(look, self) or Polling(look.terms, look.past, handle, *next_look(look), redirect)


@dataclass(frozen=True, slots=True, repr=False)
class Fetching(Known):
    """The job completed; its result is still to be had. Or it failed, by `failure`: then its reason is.

    After a failure nothing leads to another end: where the reason cannot be had, after a few `tries`, the failure
    stands as it was told first.
    """

    terms: Terms
    past: History
    handle: str
    due: float
    not_before: float
    why: Why
    redirect: Redirect | None = None
    failure: Problem | None = None
    tries: int = 0

    @property
    def request(self) -> Request:
        """The request that fetches the result, or the reason of the failure."""
        dialect = _speaking(self, self._asks)
        return _bound(self, dialect.fetch(self.handle) if self.failure is None else asking_why(dialect, self.handle))

    @property
    def _asks(self) -> Asked:
        return "fetch" if self.failure is None else "reason"

    def receive(
        self, reply: Reply, *, now: float
    ) -> Fetching | Completed | Failed | Cancelled | Expired | Lost | Abandoned:
        """The next state, after `reply` to `request` came at `now`."""
        look = look_at(self, reply, self._asks, now)
        if self.failure is not None:
            return self._explained(look, self.failure)
        handle = look.handle or self.handle
        return (
            _ended(look)
            or _lost(look, self)
            or _stopped(look, self)
            or Fetching(look.terms, look.past, handle, *next_look(look), look.redirect)
        )

    def _explained(self, look: Look, failure: Problem) -> Fetching | Failed:
        """After a reply to the question why the job failed."""
        handle, tries = look.handle or self.handle, tries_after(look, self.tries)
        if not is_asked_again(look, tries):
            return Failed(look.terms, look.past, handle, explained(failure, look))
        when = next_look(look, tries=tries)
        return Fetching(look.terms, look.past, handle, *when, look.redirect, failure, tries)


@dataclass(frozen=True, slots=True, repr=False)
class Cancelling(Known):
    """A cancel is asked for; once `asked`, looks until the job has ended. `refusal` is the service's no.

    Where a cancel would take the result of a job that has ended away, it is `looked` at first, and so it is after
    each of the `tries` that came to nothing. A job that completed first still yields its result; one that goes on
    after a refusal is polled again.
    """

    terms: Terms
    past: History
    handle: str
    due: float
    not_before: float
    why: Why
    asked: bool = False
    refusal: Problem | None = None
    looked: bool = True
    tries: int = 0
    redirect: Redirect | None = None

    @property
    def request(self) -> Request:
        """The request that cancels, then the one that looks."""
        dialect, cancels = _speaking(self, self._asks), self._asks == "cancel"
        return _bound(self, dialect.cancel(self.handle) if cancels else dialect.poll(self.handle))

    @property
    def _asks(self) -> Asked:
        """What the request is: the cancel, a look at what came of it, or a look as usual before it or after a no."""
        if not self.looked or self.refusal is not None:
            return "poll"
        return "confirm" if self.asked else "cancel"

    def receive(
        self, reply: Reply, *, now: float
    ) -> Cancelling | Polling | Fetching | Completed | Failed | Cancelled | Expired | Lost | Abandoned:
        """The next state, after `reply` to `request` came at `now`."""
        look = look_at(self, reply, self._asks, now)
        if look.redirect is not None:
            return _stopped(look, self) or replace(_asked_again(self, look), redirect=look.redirect)
        if self._is_gone(look):
            when = next_look(look, at_once=True)
            return replace(_asked_again(self, look, when), asked=True)
        over = _ended(look) or _lost(look, self) or _stopped(look, self)
        if over is not None:
            return over
        handle = look.handle or self.handle
        if look.phase is Phase.UNFINISHED and self.refusal is not None:
            return Polling(look.terms, look.past, handle, *next_look(look))
        if look.asked == "cancel" and not look.answers_cancel:
            return self._tried(look)
        refusal, looked = look.refusal or self.refusal, self.looked or look.phase is Phase.UNFINISHED
        when = next_look(look, at_once=look.answers_cancel or looked is not self.looked)
        asked = self.asked or look.answers_cancel
        return Cancelling(look.terms, look.past, handle, *when, asked, refusal, looked, self.tries)

    def _is_gone(self, look: Look) -> bool:
        """Whether a DELETE that was sent before finds nothing any more: it has worked."""
        gone = look.asked == "cancel" and look.phase in (Phase.MISSING, Phase.GONE) and self.tries > 0
        return gone and self.request.method == "DELETE"

    def _tried(self, look: Look) -> Cancelling | Abandoned:
        """After a cancel that came to nothing: a look goes before the next try, since the job may have ended."""
        if isinstance(look.reply, NoResponse) and look.reply.cause is Cause.BUSY:
            return _asked_again(self, look)
        tries = self.tries + 1
        if tries >= look.terms.patience.failures:
            return _abandoned(look, Reason.FAILURES, self)
        again = _asked_again(self, look, next_look(look, tries=tries))
        return replace(again, looked=False, tries=tries)


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


Waiting: TypeAlias = Submitting | Polling | Fetching | Cancelling
Finished: TypeAlias = Completed | Failed | Cancelled | Expired | Lost | Abandoned
Job: TypeAlias = Waiting | Finished
AnyJob = TypeVar("AnyJob", bound=Job)
AnyWaiting = TypeVar("AnyWaiting", bound=Waiting)


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


def _ended(look: Look) -> Fetching | Completed | Failed | Cancelled | Expired | None:
    reading = look.reading
    if reading is None or reading.phase is Phase.UNFINISHED:
        return None
    problem = reading.problem or Problem(reading.status or reading.phase.value)
    match reading.phase:
        case Phase.SUCCEEDED if reading.result is not None:
            return Completed(look.terms, look.past, look.handle or "", reading.result)
        case Phase.SUCCEEDED if look.handle is not None:
            return Fetching(look.terms, look.past, look.handle, *next_look(look, at_once=True))
        case Phase.FAILED if look.handle is not None and has_more_to_say(look):
            when = next_look(look, at_once=True)
            return Fetching(look.terms, look.past, look.handle, *when, failure=problem)
        case Phase.FAILED:
            return Failed(look.terms, look.past, look.handle, problem)
        case Phase.CANCELLED:
            return Cancelled(look.terms, look.past, look.handle, problem)
        case Phase.EXPIRED:
            return Expired(look.terms, look.past, look.handle, problem)
        case _:
            return None


def _lost(look: Look, job: Polling | Fetching | Cancelling) -> Lost | None:
    if not is_lost(look):
        return None
    return Lost(look.terms, look.past, job.handle, look.problem, _to_resume(look, job))


def _stopped(look: Look, job: Waiting) -> Abandoned | None:
    reason = reason_to_stop(look)
    return None if reason is None else _abandoned(look, reason, job)


def _abandoned(look: Look, reason: Reason, job: Waiting) -> Abandoned:
    return Abandoned(look.terms, look.past, look.handle, reason, look.problem, _to_resume(look, job))


def _unfollowable(look: Look, reply: Response, job: Submitting) -> Abandoned:
    said, problem = acknowledgement(reply), look.problem
    told = said.problem
    if not said.body and problem is not None and problem.message:  # why no body came
        told = replace(told, message="; ".join(part for part in (told.message, problem.message) if part))
    return Abandoned(look.terms, look.past, None, Reason.UNFOLLOWABLE, told, _to_resume(look, job), said)


def _to_resume(look: Look, job: Waiting) -> Waiting:
    """`job` with this look in its past, and what the reply forbade still forbidden."""
    return _asked_again(job, look)


def _asked_again(job: AnyWaiting, look: Look, when: tuple[float, float, Why] | None = None) -> AnyWaiting:
    """`job` with this look in its past, at its next time, and at its own address but for a permanent redirect's."""
    due, not_before, why = when or next_look(look)
    redirect = job.redirect if job.redirect is not None and job.redirect.permanent else None
    return replace(job, past=look.past, due=due, not_before=not_before, why=why, redirect=redirect)


def _speaking(job: Waiting, asked: Asked) -> Dialect:
    """The dialect, told which request it makes, where its requests say so."""
    dialect, past = job.terms.dialect, job.past
    at = getattr(dialect, "at", None)  # `Momentary`, without the cost of a check by isinstance
    return dialect if at is None else at(Moment(job.terms.seed, past.since, asked, past.requests, job.due))


def _bound(job: Waiting, request: Request) -> Request:
    """`request` within the limits of the job, at the address where a redirect has led."""
    if job.redirect is not None:
        request = replace(request, url=job.redirect.url)
    left = job.past.deadline - job.due
    if left <= 0 and isinstance(job, Fetching) and job.failure is None:
        left = inf  # the result is there
    bound = job.terms.bound(request, left=left)
    within = left if left > 0 else bound.timeout
    return bound if within >= 2 * bound.timeout else replace(bound, within=within)
