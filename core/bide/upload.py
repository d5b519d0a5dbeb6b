"""One file on its way to the service, before a job can be given it: a machine of the same shape as a job.

    while isinstance(file, Uploading):
        sleep_until(file.due)
        reply = exchange(file.request, content=open(path, "rb") if file.carries_file else None)
        file = file.receive(reply, now=clock())

The service is asked for a place and answers with an address at the storage host, which gets the bytes without any
credential; then it is told that they are there, if it wants to be. An address that has expired is replaced by a
fresh one, and so is one where the bytes have been cut off twice: a host that refuses them may hang up before it is
heard. Nothing is paid for here, so every step may be taken again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from bide.dialect import Dialect, Phase, Reading
from bide.faults import NotOffered
from bide.history import History, Terms
from bide.link import speaks_against
from bide.look import Look, counted, first_look, next_look, reason_to_stop
from bide.messages import Reply, Request, Response, head_of
from bide.pace import Growing, Why, ceil_ms
from bide.patience import Patience, Reason, as_patience
from bide.quota import Quota
from bide.result import Problem
from bide.ticket import Source, Ticket

Step: TypeAlias = Literal["ask", "put", "confirm"]
_NO_SUCH_STEP = (404, 405, 501)  # a service that does not want to be told
_TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class Uploading:
    """Take the next `step` at `due`; `ticket` is the place that was given, `sent` the bytes that have gone there.

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
    sent: int = 0

    @property
    def size(self) -> int:
        """The bytes of the whole file."""
        return self.source.size

    @property
    def request(self) -> Request:
        """The POST for a place, the PUT of the bytes, or the POST that says they are there."""
        dialect, terms = self.terms.dialect, self.terms
        if self.ticket is None:
            return terms.bound(_offered(dialect.upload(self.source, self.refusal), dialect))
        if self.step == "put":
            return replace(terms.bound(self.ticket.request), timeout=terms.patience.transfer)
        return terms.bound(_offered(dialect.confirm(self.ticket.file), dialect))

    @property
    def carries_file(self) -> bool:
        """Whether the file's bytes are the body of this request."""
        return self.step == "put"

    def grown(self, sent: int) -> Uploading:
        """The same with `sent` bytes of the file gone out."""
        return replace(self, sent=sent)

    def receive(self, reply: Reply, *, now: float) -> Uploading | Uploaded | NotUploaded:
        """The next state, after `reply` came at `now`."""
        reply = head_of(reply, least=300 if self.ticket is None else 200)
        reading = _reading(self, reply) if isinstance(reply, Response) else None
        look = counted(self.terms, self.past, None, "fetch", reply, reading, now, at_home=self.step != "put")
        if isinstance(reply, Response):
            if look.phase is Phase.SUCCEEDED or (self.step == "confirm" and reply.status in _NO_SUCH_STEP):
                return self._taken(look, reply)
            other = self._other_way(look)
            if other is not None:
                return other
        refused = self.step != "put" and look.phase in (Phase.REFUSED, Phase.MISSING, Phase.GONE)
        reason = Reason.REFUSED if refused else reason_to_stop(look)
        return self._again(look) if reason is None else self._stopped(look, reason, look.problem)

    def _taken(self, look: Look, reply: Response) -> Uploading | Uploaded | NotUploaded:
        dialect = self.terms.dialect
        if self.ticket is None:
            try:
                ticket = dialect.ticket(reply, self.source, self.refusal)
            except ValueError as error:
                return self._stopped(look, Reason.REFUSED, Problem("FOREIGN_ADDRESS", str(error)))
            return replace(self._at_once(look), step="put", ticket=ticket)
        if self.step == "put" and dialect.confirm(self.ticket.file) is not None:
            return replace(self._at_once(look), past=look.past, step="confirm", sent=self.size)
        return Uploaded(self.ticket.file, self.size, look.past)

    def _other_way(self, look: Look) -> Uploading | None:
        """The same question in the service's other words, where its refusal calls for them."""
        if self.step != "ask" or self.refusal is not None or look.phase is not Phase.REFUSED or look.problem is None:
            return None
        if self.terms.dialect.upload(self.source, look.problem) is None:
            return None
        return replace(self._at_once(look), refusal=look.problem)

    def _at_once(self, look: Look) -> Uploading:
        """The next step now; until the bytes are in their place, what went wrong on the way there still counts."""
        due, not_before, why = next_look(look, at_once=True)
        past = look.past._replace(failures=self.past.failures)
        return replace(self, past=past, due=due, not_before=not_before, why=why)

    def _again(self, look: Look) -> Uploading:
        """The same step later; a place that does not take the bytes is replaced by a fresh one."""
        due, not_before, why = next_look(look)
        again = replace(self, past=look.past, due=due, not_before=not_before, why=why)
        if self.step != "put":
            return again
        status = look.reply.status if isinstance(look.reply, Response) else 0
        if speaks_against(status) or look.past.failures > 1:
            return replace(again, step="ask", ticket=None, sent=0)
        return replace(again, sent=0)

    def _stopped(self, look: Look, reason: Reason, problem: Problem | None) -> NotUploaded:
        return NotUploaded(self.source, reason, problem, self._again(look))


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The file is at the service, all `size` bytes: give a job `file` as its input."""

    file: str
    size: int
    past: History

    @property
    def sent(self) -> int:
        """The bytes that are there: all."""
        return self.size


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

    @property
    def sent(self) -> int:
        """The bytes that are at the service, which may not have been told of them."""
        return self.last.sent

    @property
    def size(self) -> int:
        """The bytes of the whole file."""
        return self.source.size


Upload: TypeAlias = Uploading | Uploaded | NotUploaded


def upload(
    source: Source, *, dialect: Dialect, now: float, quota: Quota | None = None, patience: Patience | float = Patience()
) -> Uploading:
    """Start to upload a file, not before `quota`, as last seen, allows; raises `NotOffered`."""
    _offered(dialect.upload(source, None), dialect)
    terms = Terms(dialect, Growing(), as_patience(patience), source.name)
    past = History.begin(terms.patience, now=ceil_ms(now))
    return Uploading(terms, past, source, *first_look(past, quota))


def _offered(request: Request | None, dialect: Dialect) -> Request:
    if request is None:
        raise NotOffered(f"{dialect.name} takes no uploads: give the job an address of the file, if it takes one")
    return request


def _reading(file: Uploading, reply: Response) -> Reading:
    """Done, or what the refusal says; of a storage host only the status code counts."""
    if 200 <= reply.status < 300:
        return Reading(Phase.SUCCEEDED if file.ticket is not None or _has_ticket(file, reply) else Phase.UNREADABLE)
    if file.step != "put":
        return file.terms.dialect.read(reply, asked="fetch", handle=None)
    if reply.status == _TOO_LARGE:
        return Reading(Phase.REFUSED, problem=Problem("HTTP_413", "the storage host takes no file of this size"))
    return Reading(Phase.LIMITED if reply.status == 429 else Phase.TRANSIENT, problem=Problem(f"HTTP_{reply.status}"))


def _has_ticket(file: Uploading, reply: Response) -> bool:
    try:
        return file.terms.dialect.ticket(reply, file.source, file.refusal) is not None
    except ValueError:
        return True  # there is one, and it must not be followed
