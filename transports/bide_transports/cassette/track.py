"""One lane being played: what the cassette has next, compared with what the core says now.

Whoever plays it, the core alone or a client with a transport below, takes the job up, sends, hears and receives here;
the first difference ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, TypeVar, cast

import bide
from bide.dialect import Dialect
from bide.messages import Notice, Reply, Request
from bide.steering import before_sending
from bide_transports.cassette.decisions import decision
from bide_transports.cassette.divergence import ReplayDiverged, diverged
from bide_transports.cassette.redacting import Cleaner
from bide_transports.cassette.tape import (
    Cassette,
    Done,
    Event,
    Heard,
    InvalidCassette,
    Omitted,
    Open,
    Send,
    Told,
    Wait,
)
from bide_transports.cassette.tokens import opened

Strict: TypeAlias = Literal["exact", "wire"]
AnyEvent = TypeVar("AnyEvent", bound=Event)

_NO_REQUEST = Request("", "")


@dataclass(slots=True)
class Track:
    """The lane `name` of `cassette`, played to `dialect`; `at` is the number of its next event.

    `exact` compares every decision; `wire` what was sent and how it ended, whatever the pace.
    """

    cassette: Cassette
    name: str
    dialect: Dialect
    strict: Strict = "exact"
    cleaner: Cleaner = field(default_factory=Cleaner)
    job: bide.Job | None = None
    at: int = 0
    t: int = 0
    events: tuple[Event, ...] = ()
    _asked: Request = _NO_REQUEST
    _sent: Request = _NO_REQUEST

    def __post_init__(self) -> None:
        self.events = self.events or self.cassette.lanes[self.name]

    @property
    def next(self) -> Event | None:
        """The event that the cassette has next; None at the end of the lane."""
        return self.events[self.at] if self.at < len(self.events) else None

    @property
    def reopening(self) -> Open | None:
        """Where the job is taken up next, if nothing is left to be done before but a request that was cut."""
        ahead = self.events[self.at : self.at + 2]
        event = ahead[-1] if ahead and isinstance(ahead[0], Send) else self.next
        return event if isinstance(event, Open) else None

    def take_up(self, mine: bide.Job | None = None) -> bide.Job | None:
        """The job as the cassette has it, under the pace and patience of `mine`; None where it holds no job."""
        if isinstance(self.next, Send) and self.reopening is not None:
            self.at += 1
        event = self._pop(Open, None)
        self.t = event.t
        self.job = None if event.token is None else opened(event.token, self.dialect, mine)
        if self.job is not None:
            self._decided()
        return self.job

    def send(self, request: Request, t: int | None = None, file: Omitted | None = None) -> None:
        """Compare a request that is about to be sent, with a `file` or none."""
        recorded = self.next
        if isinstance(recorded, Send) and request is recorded.request:  # played by the core, which knows no other
            self._asked = self._sent = request
        elif request != self._asked:  # one poll is the next one's twin, and redacted alike
            self._asked, self._sent = request, self.cleaner.request(request)
        sent = self._sent
        now = Send(self.name, self.t if t is None else t, sent, file)
        over = self.job is not None and not isinstance(self.job, bide.Waiting)
        if over or not isinstance(recorded, Send) or not alike(recorded.request, sent) or recorded.omitted != file:
            raise self._differs(recorded, now)
        if self.strict == "exact" and self._is_early(recorded):
            raise self._differs(recorded, replace(now, t=self.cassette.head.t(cast("bide.Waiting", self.job).due)))
        self.at += 1
        self.t = max(self.t, recorded.t)

    def hear(self) -> Heard:
        """What came back; nothing does unless something was sent."""
        if not (self.at and isinstance(self.events[self.at - 1], Send)):
            raise self._differs(self.next, None)
        event = self._pop(Heard, None)
        self.t = max(self.t, event.t)
        return event

    def receive(self, reply: Reply) -> None:
        """Let the core judge a reply, and compare its decision."""
        if isinstance(self.job, bide.Waiting):
            self.job = self.job.receive(reply, now=self.cassette.head.now(self.t))
            self._decided()

    def be_told(self) -> None:
        """Let the core hear of a notice, and compare its decision."""
        event = self._pop(Told, None)
        self.t = max(self.t, event.t)
        if isinstance(self.job, bide.Polling | bide.Cancelling):
            self.job = bide.notice(self.job, Notice("", self.job.handle), now=self.cassette.head.now(self.t))
            self._decided()

    def runs_out(self) -> bool:
        """Whether the job ends here, since it must not be sent any more when its turn comes; compares that decision."""
        recorded, job = self.next, self.job
        if not isinstance(recorded, Done) or not isinstance(job, bide.Waiting):
            return False
        over = before_sending(job, now=self.cassette.head.now(recorded.t))
        if over is job:
            return False
        self.job, self.t = over, max(self.t, recorded.t)
        self._decided()
        return True

    def finish(self) -> None:
        """Raise for what the cassette still has; a request at its very end was cut, and is not missed."""
        if self.next is not None and not (isinstance(self.next, Send) and self.at == len(self.events) - 1):
            raise self._differs(self.next, None)

    def _is_early(self, sent: Send) -> bool:
        """Whether the cassette has a request before the time that the core says."""
        return isinstance(self.job, bide.Waiting) and self.cassette.head.now(sent.t) < self.job.due

    def _decided(self) -> None:
        if self.job is None:
            return
        made = decision(self.job, self.name, self.t, self.cassette.head)
        recorded = self.next
        if not isinstance(recorded, Wait | Done) or not self._agree(recorded, made):
            raise self._differs(recorded, made)
        self.at += 1

    def _agree(self, recorded: Wait | Done, made: Wait | Done) -> bool:
        if self.strict == "exact":
            return recorded == made
        return type(recorded) is type(made) and recorded.state == made.state

    def _pop(self, kind: type[AnyEvent], made: Event | None) -> AnyEvent:
        event = self.next
        if not isinstance(event, kind):
            raise self._differs(event, made)
        if isinstance(event, Heard) and self.job is not None:
            self.check_kept(event)
        self.at += 1
        return event

    def check_kept(self, event: Heard) -> None:
        """Raise `InvalidCassette` for a reply without its body."""
        if event.omitted is not None:
            raise InvalidCassette(
                f"{self.cassette.place(event)}: this reply of {event.omitted.length} bytes was too large to be kept, "
                f"{'or is a file that looks as if it held a secret, ' if self.job is None else ''}"
                "and nothing can be decided without it: record it with a larger `inline`"
            )

    def _differs(self, recorded: Event | None, made: Event | None) -> ReplayDiverged:
        terms = self.job.terms if self.job is not None else None
        return diverged(self.cassette, self.name, self.at, recorded, made, terms)


def alike(recorded: Request, made: Request) -> bool:
    """Whether two requests ask for the same."""
    return _essence(recorded) == _essence(made)


def _essence(request: Request) -> tuple[object, ...]:
    headers = sorted((name.lower(), value) for name, value in request.headers)
    return request.method, request.url, headers, request.body, request.credential, request.repeatable
