"""One lane while it is recorded: what goes out and comes back is written down redacted, then decided upon again.

The decisions on a cassette are those that the core makes of what the cassette has, so that both always agree; where
the driver waits for something else, redaction has hidden what decided, and the recording is no good.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import bide
from bide.dialect import Dialect
from bide.document import JSON
from bide.job import AnyJob
from bide.messages import Notice, Reply, Request
from bide.steering import before_sending
from bide_transports.cassette.decisions import decision
from bide_transports.cassette.redacting import Cleaner
from bide_transports.cassette.redaction.placeholders import PLACEHOLDER
from bide_transports.cassette.tape import Event, Head, Heard, InvalidCassette, Open, Send, Told
from bide_transports.cassette.tokens import opened
from bide_transports.clock import Clock
from bide_transports.tapes import AsyncClock, AsyncExchange, AsyncLane, Exchange, Hearing, Lane


class Write(Protocol):
    """Takes an event down; a `durable` one must outlive a crash of the machine."""

    def __call__(self, event: Event, *, durable: bool = False) -> None:
        """Take `event` down."""
        ...


@dataclass(slots=True)
class RecordedLane:
    """The lane `name`: its events go to `write`; `dialect` is the one that the cassette speaks.

    `job` is what the core makes of what was written, `read` the instant that the driver was last told.
    """

    name: str
    head: Head
    dialect: Dialect
    cleaner: Cleaner
    write: Write
    job: bide.Job | None = None
    read: float = 0.0
    answered: float | None = None
    order: bide.Order | None = None
    handles: set[str] = field(default_factory=set[str])

    def is_of(self, job: bide.Job) -> bool:
        """Whether `job` is the one that the lane tells of: it has one of its handles, or, before those, its order."""
        mine = opened(self._token(job, self.cleaner.copy()), self.dialect)
        if isinstance(mine, bide.Submitting):
            return mine.order == self.order
        if mine.handle:
            return mine.handle in self.handles
        return self.job is not None and _told_of(mine) == _told_of(self.job)

    def cleaner_of(self, file: str) -> Cleaner | None:
        """A cleaner for a file that the lane's job has led to, which calls by one name what both have to hide."""
        files = self.job.result.files if isinstance(self.job, bide.Completed) else ()
        if not any(PLACEHOLDER.search(one) for one in files):
            return None
        cleaner = self.cleaner.copy()
        return cleaner if cleaner.reference(file) in files else None

    def open(self, job: bide.Job, now: float) -> bide.Job:
        """Write `job` down as taken up at `now`; the job to be followed, whose dice are named after the lane."""
        job = replace(job, terms=replace(job.terms, seed=self.name))
        token, t = self._token(job, self.cleaner), self.head.t(now)
        self.write(Open(self.name, t, token))
        self._decided(opened(token, self.dialect), t)
        return job

    def sends(self, request: Request, now: float) -> None:
        """A request goes out; one that may be paid for is on the disk before."""
        pays = isinstance(self.job, bide.Submitting)
        self.write(Send(self.name, self.head.t(now), self.cleaner.request(request)), durable=pays)

    def hears(self, reply: Reply, now: float) -> None:
        """A reply came, or none will."""
        cleaned, t = self.cleaner.reply(reply), self.head.t(now)
        self.write(Heard(self.name, t, cleaned), durable=isinstance(self.job, bide.Submitting))
        self.answered = now
        if isinstance(self.job, bide.Waiting):
            self._decided(self.job.receive(cleaned, now=now), t)

    def is_told(self, now: float) -> None:
        """A notice changed when the job is due."""
        t = self.head.t(now)
        self.write(Told(self.name, t))
        if isinstance(self.job, bide.Polling | bide.Cancelling):
            self._decided(bide.notice(self.job, Notice("", self.job.handle), now=now), t)

    def waits(self, due: float) -> None:
        """The driver waits until `due`; raises `InvalidCassette` where the cassette would have it wait otherwise."""
        if isinstance(self.job, bide.Waiting) and self.job.due != due:
            raise InvalidCassette(
                f"lane {self.name}: redaction hides what decides when to ask: the client waits until {due}, the "
                f"cassette's core until {self.job.due}. Let the rules `keep` the header that tells it"
            )

    def tells(self, now: float) -> float:
        """The time that the driver is told: that of the last reply first, so that both mean the same instant.

        A driver that slept on past what the service remembers of a submission does not send it any more.
        """
        if self.answered is None and isinstance(self.job, bide.Submitting) and now >= self.job.due:
            over = before_sending(self.job, now=now)
            if over is not self.job:
                self._decided(over, self.head.t(now))
        self.read, self.answered = (now if self.answered is None else self.answered), None
        return self.read

    def around(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """`exchange` and `clock`, listened to."""
        listening = _Listening(self, exchange, clock)
        return Lane(job, listening.exchange, listening)

    def around_async(self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing) -> AsyncLane:
        """The same where exchanges are awaited."""
        listening = _AsyncListening(self, exchange, clock, listener)
        return AsyncLane(job, listening.exchange, listening, listening.hear)

    def _token(self, job: bide.Job, cleaner: Cleaner) -> dict[str, JSON]:
        return cleaner.token(job) | {"dialect": self.dialect.name, "origin": self.dialect.origin}

    def _decided(self, job: bide.Job, t: int) -> None:
        """Write down what the core decided, and keep by what the job is known."""
        self.job = job
        if isinstance(job, bide.Submitting):
            self.order = job.order
        elif job.handle:
            self.handles.add(job.handle)
        self.write(decision(job, self.name, t, self.head))


class _Listening:
    def __init__(self, lane: RecordedLane, exchange: Exchange, clock: Clock) -> None:
        self._lane, self._exchange, self._clock = lane, exchange, clock

    def exchange(self, request: Request) -> Reply:
        self._lane.sends(request, self._clock.now())
        reply = self._exchange(request)
        self._lane.hears(reply, self._clock.now())
        return reply

    def now(self) -> float:
        return self._lane.tells(self._clock.now())

    def sleep_until(self, due: float) -> None:
        self._lane.waits(due)
        self._clock.sleep_until(due)


class _AsyncListening:
    def __init__(self, lane: RecordedLane, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing) -> None:
        self._lane, self._exchange, self._clock, self._listener = lane, exchange, clock, listener

    async def exchange(self, request: Request) -> Reply:
        self._lane.sends(request, self._clock.now())
        reply = await self._exchange(request)
        self._lane.hears(reply, self._clock.now())
        return reply

    def now(self) -> float:
        return self._lane.tells(self._clock.now())

    async def sleep_until(self, due: float, name: str | None = None) -> None:
        self._lane.waits(due)
        await self._clock.sleep_until(due, name)

    def hear(self, job: AnyJob) -> AnyJob:
        after = self._listener(job)
        if after is not job:
            self._lane.is_told(self._clock.now())
        return after


def _told_of(job: bide.Job) -> tuple[type, object]:
    """What a cassette has of an end: not the words of its trace, which may name a proxy."""
    return type(job), job.past._replace(trace=())
