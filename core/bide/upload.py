"""One file on its way to the service, before a job can be given it: a machine of the same shape as a job.

    while isinstance(file, Uploading):
        sleep_until(file.due)
        reply = exchange(file.request, content=open(path, "rb") if file.carries_file else None)
        file = file.receive(reply, now=clock())

The service is asked for a place and answers with an address at the storage host, which gets the bytes without any
credential; then it is told that they are there, if it wants to be. An address that has expired is replaced by a
fresh one. Nothing is paid for here, so every step may be taken again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from bide.dialects import Dialect, Phase, Reading
from bide.errors import NotOffered
from bide.finished import Reason
from bide.history import History, Terms
from bide.look import Look, next_look, reason_to_stop
from bide.messages import Reply, Request, Response
from bide.pace import Growing, Why, ceil_ms
from bide.patience import Patience
from bide.quota import Quota, closing, hold, read_quota, spent
from bide.result import Problem
from bide.ticket import Source, Ticket

Step: TypeAlias = Literal["ask", "put", "confirm"]
_NO_SUCH_STEP = (404, 405, 501)  # a service that does not want to be told
_MAY_PASS = (408, 425, 429)  # 4xx of a storage host that do not speak against the address


@dataclass(frozen=True, slots=True)
class Uploading:
    """Take the next `step` at `due`; `ticket` is the place that was given, `places` how many there have been.

    `refusal` is the service's no to the first way of asking.
    """

    terms: Terms
    past: History
    source: Source
    due: float
    not_before: float
    why: Why
    step: Step = "ask"
    ticket: Ticket | None = None
    refusal: Problem | None = None
    places: int = 0

    @property
    def request(self) -> Request:
        """The POST for a place, the PUT of the bytes, or the POST that says they are there."""
        dialect, patience = self.terms.dialect, self.terms.patience
        if self.ticket is None:
            return patience.bound(_offered(dialect.upload(self.source, self.refusal), dialect))
        if self.step == "put":
            return replace(patience.bound(self.ticket.request), timeout=patience.transfer)
        return patience.bound(_offered(dialect.confirm(self.ticket.file), dialect))

    @property
    def carries_file(self) -> bool:
        """Whether the file's bytes are the body of this request."""
        return self.step == "put"

    def receive(self, reply: Reply, *, now: float) -> Uploading | Uploaded | NotUploaded:
        """The next state, after `reply` came at `now`."""
        look = _look(self, reply, now)
        if isinstance(reply, Response):
            if look.phase is Phase.SUCCEEDED or (self.step == "confirm" and reply.status in _NO_SUCH_STEP):
                return self._taken(look, reply)
            other = self._other_way(look)
            if other is not None:
                return other
        refused = self.step != "put" and look.phase in (Phase.REFUSED, Phase.MISSING, Phase.GONE)
        reason = Reason.REFUSED if refused else reason_to_stop(look)
        return (
            self._again(look) if reason is None else NotUploaded(self.source, reason, look.problem, self._again(look))
        )

    def _taken(self, look: Look, reply: Response) -> Uploading | Uploaded | NotUploaded:
        dialect = self.terms.dialect
        if self.ticket is None:
            try:
                ticket = dialect.ticket(reply, self.source, self.refusal)
            except ValueError as error:
                problem = Problem("FOREIGN_ADDRESS", str(error))
                return NotUploaded(self.source, Reason.REFUSED, problem, self._again(look))
            if self.places >= self.terms.patience.failures:  # each was refused again: the fault is not in their age
                return NotUploaded(self.source, Reason.FAILURES, look.problem, self._again(look))
            return replace(self._at_once(look, "put", ticket), places=self.places + 1)
        if self.step == "put" and dialect.confirm(self.ticket.file) is not None:
            return self._at_once(look, "confirm", self.ticket)
        return Uploaded(self.ticket.file, look.past)

    def _other_way(self, look: Look) -> Uploading | None:
        """The same question in the service's other words, where its refusal calls for them."""
        if self.step != "ask" or self.refusal is not None or look.phase is not Phase.REFUSED or look.problem is None:
            return None
        if self.terms.dialect.upload(self.source, look.problem) is None:
            return None
        return replace(self._at_once(look, "ask", None), refusal=look.problem)

    def _at_once(self, look: Look, step: Step, ticket: Ticket | None) -> Uploading:
        due, not_before, why = next_look(look, at_once=True)
        return replace(self, past=look.past, due=due, not_before=not_before, why=why, step=step, ticket=ticket)

    def _again(self, look: Look) -> Uploading:
        """The same step later; an address that the storage host refuses is replaced by a fresh one."""
        due, not_before, why = next_look(look)
        status = look.reply.status if isinstance(look.reply, Response) else 0
        expired = self.step == "put" and 400 <= status < 500 and status not in _MAY_PASS
        again = replace(self, past=look.past, due=due, not_before=not_before, why=why)
        return replace(again, step="ask", ticket=None) if expired else again


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The file is at the service: give a job `file` as its input."""

    file: str
    past: History


@dataclass(frozen=True, slots=True)
class NotUploaded:
    """We stopped trying. `last` is where to go on."""

    source: Source
    reason: Reason
    problem: Problem | None
    last: Uploading

    @property
    def past(self) -> History:
        """What has happened."""
        return self.last.past


def upload(
    source: Source, *, dialect: Dialect, now: float, quota: Quota | None = None, patience: Patience = Patience()
) -> Uploading:
    """Start to upload a file, not before `quota`, as last seen, allows; raises `NotOffered`."""
    _offered(dialect.upload(source, None), dialect)
    terms = Terms(dialect, Growing(), patience, source.name)
    now = ceil_ms(now)
    past, held = History.begin(patience, now=now), spent(quota, now=now)
    due = now if held is None else min(ceil_ms(held.until), past.deadline)
    return Uploading(terms, past, source, due, due, Why.AT_ONCE if held is None else held.why)


def _offered(request: Request | None, dialect: Dialect) -> Request:
    if request is None:
        raise NotOffered(f"{dialect.name} takes no uploads: give the job an address of the file, if it takes one")
    return request


def _look(file: Uploading, reply: Reply, now: float) -> Look:
    terms, quota, held, reading = file.terms, None, None, None
    if isinstance(reply, Response):
        reading = _reading(file, reply)
        quota = read_quota(reply.headers, now=now, names=terms.dialect.quota)
        held = hold(reply, quota, now=now, cadence=False)
        quota = None if file.step == "put" else closing(quota, held, reply)  # the storage host has no say in the API's
    past = file.past.after(reply, reading, quota, terms=terms, asked="fetch", now=now)
    return Look(terms, past, None, "fetch", reply, reading, reading.phase if reading else None, held, now)


def _reading(file: Uploading, reply: Response) -> Reading:
    """Done, or what the refusal says; of a storage host only the status code counts."""
    if 200 <= reply.status < 300:
        return Reading(Phase.SUCCEEDED if file.ticket is not None or _has_ticket(file, reply) else Phase.UNREADABLE)
    if file.step == "put":
        return Reading(Phase.TRANSIENT, problem=Problem(f"HTTP_{reply.status}"))
    return file.terms.dialect.read(reply, asked="submit", handle=None)


def _has_ticket(file: Uploading, reply: Response) -> bool:
    try:
        return file.terms.dialect.ticket(reply, file.source, file.refusal) is not None
    except ValueError:
        return True  # there is one, and it must not be followed
