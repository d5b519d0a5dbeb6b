"""One reply to one request of one job or file: read, counted and judged. The states in `bide.job` act on it.

Here stand all decisions that do not depend on which state asks: whether a limit is crossed, whether the
job is lost, when to ask first and next.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Protocol

from bide.dialect import Asked, Phase, Reading
from bide.history import ANSWERS_TO_CANCEL, REFUSALS_OF_CANCEL, History, Terms
from bide.messages import Cause, NoResponse, Order, Reply, Request, Response, head_of
from bide.pace import SHORTEST, Why, backoff, ceil_ms, draw
from bide.patience import Reason
from bide.quota import Hold, Quota, closing, hold, read_quota, spent
from bide.redirect import Redirect, next_redirect, redirect_target
from bide.result import Acknowledgement, Problem
from bide.urls import origin, public

_REASONS = {
    Phase.UNAUTHORISED: Reason.UNAUTHORISED,
    Phase.UNPAID: Reason.UNPAID,
    Phase.REFUSED: Reason.REFUSED,
}
_HOPELESS = {Cause.PRIVATE: Reason.PRIVATE, Cause.UNTRUSTED: Reason.UNTRUSTED}
_NOT_HERE = (301, 307, 308)  # nothing was done, and the address is another (RFC 9110, 15.4)
_LIKE: dict[Asked, Asked] = {"confirm": "poll", "reason": "fetch"}  # what is limited alike
_NEEDS_BODY = (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED, Phase.UNFINISHED, Phase.UNREADABLE)
_TOO_SHORT = 1.5  # by which a hint is stretched each time that it has proved too short


class Asking(Protocol):
    """What a reply is judged by: the job that asked, as every waiting state is."""

    @property
    def terms(self) -> Terms:
        """The dialect and the limits."""
        ...

    @property
    def past(self) -> History:
        """What has happened so far."""
        ...

    @property
    def handle(self) -> str | None:
        """The job at the service."""
        ...

    @property
    def request(self) -> Request:
        """What was asked."""
        ...

    @property
    def redirect(self) -> Redirect | None:
        """Where the request was led to."""
        ...


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
    redirect: Redirect | None = None

    @property
    def status(self) -> int:
        """The status code, or 0 when no response came."""
        return 0 if isinstance(self.reply, NoResponse) else self.reply.status

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


def look_at(job: Asking, reply: Reply, asked: Asked, now: float, order: Order | None = None) -> Look:
    """`reply` to what `job` asked, understood by its dialect and counted in its history."""
    dialect, led = job.terms.dialect, None
    reply, reading = _understood(job, reply, asked, order)
    if reading is not None and reading.phase is Phase.REDIRECTED and isinstance(reply, Response):
        reading, led = _redirected(job, reply, reading, most=1 if asked == "submit" else 3)
    look = counted(job.terms, job.past, job.handle, asked, reply, reading, now, cadence=dialect.cadence)
    if led is not None:
        look.redirect, look.past = led, look.past._replace(failures=job.past.failures)
    return look


def _understood(job: Asking, reply: Reply, asked: Asked, order: Order | None) -> tuple[Reply, Reading | None]:
    """The reply that counts, and what the dialect makes of it.

    Of a reply whose body was cut the head counts: a refusal, a redirect, an answer to a cancel, and the place where a
    submission's job is found. What any other 2xx would have said is for the next request, as if nothing had come.
    """
    heard = head_of(reply, least=200 if asked in ("submit", "cancel") else 300)
    if isinstance(heard, NoResponse):
        return reply, None
    url = job.redirect.url if job.redirect else None
    reading = job.terms.dialect.read(heard, asked=asked, handle=job.handle, order=order, url=url)
    if isinstance(reply, Response) or heard.status >= 300:
        return heard, _usable(reading, asked)
    if asked == "submit" and reading.handle is None and job.request.repeatable:
        return reply, None
    return heard, _of_head(reading, asked, reply.cause)


def _of_head(reading: Reading, asked: Asked, cause: Cause) -> Reading:
    """What the head of a 2xx says, whose body was cut: where the job is found, and neither an end nor a result."""
    if reading.phase not in _NEEDS_BODY:
        return reading
    if asked == "submit" and reading.handle is not None:
        return reading._replace(phase=Phase.UNFINISHED, result=None, problem=None)
    why = Problem("CUT", f"only the head came: {cause.value}")
    return reading._replace(phase=Phase.UNREADABLE, result=None, problem=why)


def _redirected(job: Asking, reply: Response, reading: Reading, *, most: int) -> tuple[Reading, Redirect | None]:
    """What a redirect says, and where it leads, if the request may be sent on: within the API's own origin."""
    target = redirect_target(job.request.url, reply)
    if not target:
        return reading._replace(phase=Phase.TRANSIENT), None
    reading = reading._replace(problem=Problem(f"HTTP_{reply.status}", f"redirected to {public(target)}"))
    if origin(target) != job.terms.dialect.origin:
        return reading, None
    return reading, next_redirect(job.request, target, reply.status, job.redirect, most=most)


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
        kind, refused, again = _LIKE.get(asked, asked), phase is Phase.LIMITED, past.limited
        quota = read_quota(reply.headers, now=now, names=terms.dialect.quota, asked=kind)
        held = hold(reply, quota, now=now, cadence=cadence, wait=reading.wait, refused=refused, again=again)
        quota = closing(quota, held, reply, now=now, refused=refused, again=again) if at_home else None
    hinted = 0
    if held is not None and held.paced and phase is Phase.UNFINISHED and asked != "submit":
        hinted = _hinted(past.hinted, held.until - now)
    past = past.after(reply, reading, quota, terms=terms, asked=asked, now=now)
    past = past._replace(hinted=hinted) if hinted else past
    return Look(terms, past, handle, asked, reply, reading, phase, held, now)


def _usable(reading: Reading, asked: Asked) -> Reading:
    """`reading`, or "not understood" where it claims a phase without what that phase needs."""
    if asked == "submit" and reading.handle is None:
        lacking = reading.phase is Phase.UNFINISHED or (reading.phase is Phase.SUCCEEDED and reading.result is None)
    else:
        lacking = asked == "fetch" and reading.phase is Phase.SUCCEEDED and reading.result is None
    return reading._replace(phase=Phase.UNREADABLE, result=None) if lacking else reading


def is_accepted(look: Look) -> bool:
    """Whether a submission was accepted by a reply that names nothing to follow (RFC 9110, 15.3)."""
    return look.asked == "submit" and look.phase is Phase.UNREADABLE and 200 <= look.status < 300


def is_lost(look: Look) -> bool:
    """Gone for good, or not found for long enough; an id nobody has ever seen is lost at once."""
    past, patience = look.past, look.terms.patience
    if look.phase is not Phase.MISSING or look.answers_cancel:
        return look.phase is Phase.GONE
    if not past.known:
        return True
    return past.missing >= patience.missing and look.now - past.missing_since >= patience.missing_for


def acknowledgement(reply: Response) -> Acknowledgement:
    """What the reply to a submission says, to be kept: all but cookies, within bounds."""
    lines = tuple((name, value[:8192]) for name, value in reply.headers if name != "set-cookie")
    return Acknowledgement(reply.status, lines[:64], reply.body[:65536].decode("utf-8", "replace"))


def may_have_arrived(look: Look) -> bool:
    """Whether an unacknowledged submission may have created the job."""
    if isinstance(look.reply, NoResponse):
        return look.reply.sent
    if look.phase is Phase.REDIRECTED:
        return look.status not in _NOT_HERE
    return look.phase is Phase.TRANSIENT and (look.problem is None or look.problem.retryable is None)


def reason_to_stop(look: Look) -> Reason | None:
    """The limit that this reply crossed, if any."""
    past, patience, reply = look.past, look.terms.patience, look.reply
    if isinstance(reply, NoResponse):
        if reply.cause in _HOPELESS:
            return _HOPELESS[reply.cause]
        if reply.cause is Cause.TOO_LARGE and (past.failures > 1 or look.asked == "submit"):
            return Reason.TOO_LARGE
        if not past.answered and (reply.cause is Cause.UNRESOLVED or past.failures >= patience.first_contact):
            return Reason.UNREACHABLE
    elif look.phase is not Phase.UNFINISHED and look.phase in _REASONS and not look.answers_cancel:
        return _REASONS[look.phase]
    if _leads_nowhere(look):
        return Reason.REDIRECTED
    if past.failures >= patience.failures:
        return Reason.NOT_UNDERSTOOD if look.phase is Phase.UNREADABLE else Reason.FAILURES
    if look.now >= past.deadline:
        return Reason.DEADLINE
    stalled = look.phase is Phase.UNFINISHED and look.now - past.changed >= patience.stall
    return Reason.STALLED if stalled else None


def first_look(past: History, quota: Quota | None) -> tuple[float, float, Why]:
    """The first due time, its floor and its reason: at once, or when `quota`, as last heard, allows it."""
    held = spent(quota, now=past.since, asked="fetch")
    if held is None:
        return past.since, past.since, Why.AT_ONCE
    due = min(ceil_ms(held.until), past.deadline)
    return due, due, held.why


def _leads_nowhere(look: Look) -> bool:
    """Whether a redirect that is not followed ends the wait: one that may pass (a portal's) is given one more try."""
    if look.phase is not Phase.REDIRECTED or look.redirect is not None or look.answers_cancel:
        return False
    return look.past.failures > 1 or look.status in _NOT_HERE or look.asked == "submit"


def next_look(look: Look, *, at_once: bool = False, tries: int = 0) -> tuple[float, float, Why]:
    """The next due time, its floor and its reason: pace or backoff, raised to the hold, cut at the deadline.

    `tries` counts what went wrong before the last thing that went well.
    """
    past, terms, now, held = look.past, look.terms, look.now, look.hold
    trouble = max(past.failures, past.limited, past.missing, tries)
    if at_once or look.redirect is not None:
        due, not_before, why = now, now, Why.AT_ONCE
    elif trouble == 1 and held is not None and not held.paced:
        due, not_before, why = now, now, held.why  # the server's word wins over our backoff, until it proves too short
    elif trouble:
        due = not_before = now + backoff(trouble, draw=draw(terms.seed, "backoff", past.requests))
        why = Why.BACKOFF
    else:
        delay = terms.pace.delay(age=max(0.0, now - past.since), draw=draw(terms.seed, "pace", past.polls))
        due, not_before, why = now + max(delay, SHORTEST), now, Why.PACE
        if held is not None and held.paced:
            due = min(due, now + _stretched(held.until - now, past.hinted))
    if held is not None:
        not_before = max(not_before, held.until)
        if held.until >= due:
            due, why = held.until, held.why
    if due >= past.deadline:  # a hint carries nothing past it, a result in sight is fetched at once
        due, why = (past.deadline, Why.LAST_LOOK) if past.deadline > now else (now, Why.AT_ONCE)
    due = max(ceil_ms(due), now)
    return due, min(ceil_ms(not_before), due), why


def _hinted(before: int, hint: float) -> int:
    """The count of hints in a row, with this one: of those that said "now" below zero, of the others above."""
    return min(before, 0) - 1 if hint <= SHORTEST else max(before, 0) + 1


def _stretched(hint: float, hinted: int) -> float:
    """Seconds to wait by a hint of the service that was given `hinted` times; "now" counts once."""
    if hint <= SHORTEST:
        return hint if hinted >= -1 else inf
    return hint * _TOO_SHORT ** min(hinted - 1, 20)
