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
* A finished status is absorbing: a job seen completed is only fetched, whatever unfinished status a later
  reply shows; only another end, told in place of the result, is believed.
* Left undone: pacing many jobs under one quota.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from bide.dialects import Asked, Phase
from bide.finished import Abandoned, Cancelled, Completed, Expired, Failed, Finished, Lost, Reason
from bide.handles import Named
from bide.history import History, Terms
from bide.look import Look, is_lost, look_at, may_have_arrived, next_look, reason_to_stop
from bide.messages import Order, Reply, Request
from bide.pace import Why
from bide.result import Problem


@dataclass(frozen=True, slots=True)
class Submitting:
    """The submission is not acknowledged yet; sent again only under an idempotency key."""

    terms: Terms
    past: History
    order: Order
    due: float
    not_before: float
    why: Why

    @property
    def handle(self) -> None:
        """None: the service has not named the job yet."""

    @property
    def request(self) -> Request:
        """The POST that submits the order."""
        return self.terms.patience.bound(self.terms.dialect.submit(self.order))

    def receive(
        self, reply: Reply, *, now: float
    ) -> Submitting | Polling | Fetching | Completed | Failed | Cancelled | Expired | Abandoned:
        """The next state, after `reply` to `request` came at `now`."""
        look = look_at(self, reply, "submit", now, self.order)
        ended = _ended(look)
        if ended is not None:
            return ended
        if look.phase is Phase.UNFINISHED and look.handle is not None:
            known = Polling(look.terms, look.past, look.handle, *next_look(look))
            return _stopped(look, known) or known
        if look.phase in (Phase.REFUSED, Phase.MISSING, Phase.GONE):
            return Failed(look.terms, look.past, None, look.problem or Problem(look.phase.value))
        if not self.request.repeatable and may_have_arrived(look):
            return _abandoned(look, Reason.AMBIGUOUS, self)
        return _stopped(look, self) or Submitting(look.terms, look.past, self.order, *next_look(look))


@dataclass(frozen=True, slots=True, repr=False)
class Polling(Named):
    """The service knows the job: ask again at `due`."""

    terms: Terms
    past: History
    handle: str
    due: float
    not_before: float
    why: Why

    @property
    def request(self) -> Request:
        """The GET that looks at the job."""
        return self.terms.patience.bound(self.terms.dialect.poll(self.handle))

    def receive(
        self, reply: Reply, *, now: float
    ) -> Polling | Fetching | Completed | Failed | Cancelled | Expired | Lost | Abandoned:
        """The next state, after `reply` to `request` came at `now`."""
        look = look_at(self, reply, "poll", now)
        over = None if look.phase is Phase.UNFINISHED else _ended(look) or _lost(look, self)  # most are not
        handle = look.handle or self.handle
        return over or _stopped(look, self) or Polling(look.terms, look.past, handle, *next_look(look))


@dataclass(frozen=True, slots=True, repr=False)
class Fetching(Named):
    """The job completed; its result is still to be had."""

    terms: Terms
    past: History
    handle: str
    due: float
    not_before: float
    why: Why

    @property
    def request(self) -> Request:
        """The GET that fetches the result."""
        return self.terms.patience.bound(self.terms.dialect.fetch(self.handle))

    def receive(
        self, reply: Reply, *, now: float
    ) -> Fetching | Completed | Failed | Cancelled | Expired | Lost | Abandoned:
        """The next state, after `reply` to `request` came at `now`."""
        look = look_at(self, reply, "fetch", now)
        handle = look.handle or self.handle
        return (
            _ended(look)
            or _lost(look, self)
            or _stopped(look, self)
            or Fetching(look.terms, look.past, handle, *next_look(look))
        )


@dataclass(frozen=True, slots=True, repr=False)
class Cancelling(Named):
    """A cancel is asked for; once `asked`, looks until the job has ended. `refusal` is the service's no.

    Where a cancel would take the result of a job that has ended away, it is `looked` at first. A job that
    completed first still yields its result; one that goes on after a refusal is polled again.
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

    @property
    def request(self) -> Request:
        """The request that cancels, then the one that looks."""
        dialect, cancels = self.terms.dialect, self._asks == "cancel"
        return self.terms.patience.bound(dialect.cancel(self.handle) if cancels else dialect.poll(self.handle))

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
        over = _ended(look) or _lost(look, self) or _stopped(look, self)
        if over is not None:
            return over
        handle = look.handle or self.handle
        if look.phase is Phase.UNFINISHED and self.refusal is not None:
            return Polling(look.terms, look.past, handle, *next_look(look))
        refusal, looked = look.refusal or self.refusal, self.looked or look.phase is Phase.UNFINISHED
        when = next_look(look, at_once=look.answers_cancel or looked is not self.looked)
        return Cancelling(look.terms, look.past, handle, *when, self.asked or look.answers_cancel, refusal, looked)


Waiting: TypeAlias = Submitting | Polling | Fetching | Cancelling
Job: TypeAlias = Waiting | Finished
AnyJob = TypeVar("AnyJob", bound=Job)


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


def _to_resume(look: Look, job: Waiting) -> Waiting:
    """`job` with this look in its past, and what the reply forbade still forbidden."""
    due, not_before, why = next_look(look)
    return replace(job, past=look.past, due=due, not_before=not_before, why=why)
