"""One reply to one request of one job or file: read, counted and judged. The states in `bide.job` act on it.

Here stand all decisions that do not depend on which state asks: whether a limit is crossed, whether the
job is lost, when to ask first and next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bide.dialects import Asked, Phase, Reading
from bide.finished import Reason
from bide.history import ANSWERS_TO_CANCEL, REFUSALS_OF_CANCEL, History, Terms
from bide.messages import Cause, NoResponse, Order, Reply
from bide.pace import SHORTEST, Why, backoff, ceil_ms, draw
from bide.quota import Hold, Quota, closing, hold, read_quota, spent
from bide.result import Problem

if TYPE_CHECKING:
    from bide.job import Waiting

_REASONS = {
    Phase.UNAUTHORISED: Reason.UNAUTHORISED,
    Phase.UNPAID: Reason.UNPAID,
    Phase.REFUSED: Reason.REFUSED,
}


@dataclass(slots=True)
class Look:
    """One reply, read and counted: all that the decisions need. `reading` is None when no response came."""

    terms: Terms
    past: History
    handle: str | None
    asked: Asked
    reply: Reply
    reading: Reading | None
    phase: Phase | None
    hold: Hold | None
    now: float

    @property
    def problem(self) -> Problem | None:
        """What the service says went wrong, if it says so."""
        return self.reading.problem if self.reading else None

    @property
    def answers_cancel(self) -> bool:
        """Whether this settles the question of a cancel request, whichever way."""
        return self.asked == "cancel" and self.phase in ANSWERS_TO_CANCEL

    @property
    def refusal(self) -> Problem | None:
        """The service's no to a cancel request; a reply that says nothing is a yes."""
        if self.phase is None or self.asked != "cancel" or self.phase not in REFUSALS_OF_CANCEL:
            return None
        return self.problem or Problem(self.phase.value)


def look_at(job: Waiting, reply: Reply, asked: Asked, now: float, order: Order | None = None) -> Look:
    """`reply` to what `job` asked, understood by its dialect and counted in its history."""
    dialect, reading = job.terms.dialect, None
    if not isinstance(reply, NoResponse):
        reading = _usable(dialect.read(reply, asked=asked, handle=job.handle, order=order), asked)
    return counted(job.terms, job.past, job.handle, asked, reply, reading, now, cadence=dialect.cadence)


def counted(
    terms: Terms,
    past: History,
    handle: str | None,
    asked: Asked,
    reply: Reply,
    reading: Reading | None,
    now: float,
    *,
    cadence: bool = False,
    at_home: bool = True,
) -> Look:
    """A look at `reply`, understood as `reading`; a host that is not `at_home` has no say in the API's quota."""
    quota, held, phase = None, None, None
    if reading is not None and not isinstance(reply, NoResponse):
        phase, handle = reading.phase, reading.handle or handle
        quota = read_quota(reply.headers, now=now, names=terms.dialect.quota)
        held = hold(reply, quota, now=now, cadence=cadence, wait=reading.wait)
        quota = closing(quota, held, reply) if at_home else None
    past = past.after(reply, reading, quota, terms=terms, asked=asked, now=now)
    return Look(terms, past, handle, asked, reply, reading, phase, held, now)


def _usable(reading: Reading, asked: Asked) -> Reading:
    """`reading`, or "not understood" where it claims a phase without what that phase needs."""
    if asked == "submit" and reading.handle is None:
        lacking = reading.phase is Phase.UNFINISHED or (reading.phase is Phase.SUCCEEDED and reading.result is None)
    else:
        lacking = asked == "fetch" and reading.phase is Phase.SUCCEEDED and reading.result is None
    return Reading(Phase.UNREADABLE) if lacking else reading


def is_lost(look: Look) -> bool:
    """Gone for good, or not found for long enough; an id nobody has ever seen is lost at once."""
    past, patience = look.past, look.terms.patience
    if look.phase is not Phase.MISSING or look.answers_cancel:
        return look.phase is Phase.GONE
    if not past.known:
        return True
    return past.missing >= patience.missing and look.now - past.missing_since >= patience.missing_for


def may_have_arrived(look: Look) -> bool:
    """Whether an unacknowledged submission may have created the job."""
    if isinstance(look.reply, NoResponse):
        return look.reply.sent
    unclear = look.phase is Phase.TRANSIENT and (look.problem is None or look.problem.retryable is None)
    return unclear or look.phase in (Phase.UNREADABLE, Phase.CONFLICT)


def reason_to_stop(look: Look) -> Reason | None:
    """The limit that this reply crossed, if any."""
    past, patience, reply = look.past, look.terms.patience, look.reply
    if isinstance(reply, NoResponse):
        if reply.cause is Cause.UNTRUSTED:
            return Reason.UNTRUSTED
        if not past.answered and (reply.cause is Cause.UNRESOLVED or past.failures >= patience.first_contact):
            return Reason.UNREACHABLE
    elif look.phase is not Phase.UNFINISHED and look.phase in _REASONS and not look.answers_cancel:
        return _REASONS[look.phase]
    if past.failures >= patience.failures:
        return Reason.NOT_UNDERSTOOD if look.phase is Phase.UNREADABLE else Reason.FAILURES
    if look.now >= past.deadline:
        return Reason.DEADLINE
    stalled = look.phase is Phase.UNFINISHED and look.now - past.changed >= patience.stall
    return Reason.STALLED if stalled else None


def first_look(past: History, quota: Quota | None) -> tuple[float, float, Why]:
    """The first due time, its floor and its reason: at once, or when `quota`, as last heard, allows it."""
    held = spent(quota, now=past.since)
    if held is None:
        return past.since, past.since, Why.AT_ONCE
    due = min(ceil_ms(held.until), past.deadline)
    return due, due, held.why


def next_look(look: Look, *, at_once: bool = False) -> tuple[float, float, Why]:
    """The next due time, its floor and its reason: pace or backoff, raised to the hold, cut at the deadline."""
    past, terms, now = look.past, look.terms, look.now
    trouble = max(past.failures, past.limited, past.missing)
    if at_once:
        due, not_before, why = now, now, Why.AT_ONCE
    elif look.hold is not None and look.hold.paced != (trouble > 0):
        due, not_before, why = now, now, look.hold.why  # the server's word wins over a pace or a backoff of ours
    elif trouble:
        due = not_before = now + backoff(trouble, draw=draw(terms.seed, "backoff", past.requests))
        why = Why.BACKOFF
    else:
        age = max(0.0, now - past.since)
        delay = terms.pace.delay(age=age, draw=draw(terms.seed, "pace", past.polls))
        due, not_before, why = now + max(delay, SHORTEST), now, Why.PACE
    if look.hold is not None:
        not_before = max(not_before, look.hold.until)
        if look.hold.until >= due:
            due, why = look.hold.until, look.hold.why
    if due >= past.deadline > now:
        due, why = past.deadline, Why.LAST_LOOK
    due = max(ceil_ms(due), now)
    return due, min(ceil_ms(not_before), due), why
