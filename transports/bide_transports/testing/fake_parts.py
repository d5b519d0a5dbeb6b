"""The parts that a fake server plays: a script, or a lane of a cassette. Each job gets a player of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Protocol, TypeAlias

import bide
from bide.dialect import Dialect
from bide.messages import Cause, NoResponse, Order, Reply, Request
from bide_transports.cassette.changing.by_time import Asking, Timeline
from bide_transports.cassette.changing.moving import ahead
from bide_transports.cassette.changing.story import Story
from bide_transports.cassette.files import load
from bide_transports.cassette.redacting import Cleaner, rules_for
from bide_transports.cassette.redaction import STANDARD
from bide_transports.cassette.replaying.matching import in_turn
from bide_transports.cassette.scripted.script import Script, voice_of
from bide_transports.cassette.scripted.staged import Stage
from bide_transports.cassette.tape import Cassette, InvalidCassette
from bide_transports.cassette.tokens import dialect_of
from bide_transports.emulator.memory import VirtualClock
from bide_transports.testing.fake import is_like
from bide_transports.testing.fake_addresses import arrived, base_of, returned, site
from bide_transports.testing.marks import JOB
from bide_transports.testing.voice import NotApplicable, Question, Voice

Source: TypeAlias = Script | Cassette | str | Path


class Player(Protocol):
    """Answers for one job; `exchange` moves `clock`."""

    @property
    def clock(self) -> VirtualClock:
        """The time of this job alone."""
        ...

    def exchange(self, request: Request) -> Reply:
        """What comes back."""
        ...

    def is_called(self, handle: str) -> bool:
        """Whether its job has this handle."""
        ...

    def knows(self, request: Request) -> bool:
        """Whether the request is about its job, and none that begins one."""
        ...

    def begins(self, request: Request) -> bool:
        """Whether the request begins such a job."""
        ...


class Part(Protocol):
    """What can be played for any number of jobs."""

    def player(self, dialect: Dialect, now: float, order: Order, handle: str | None) -> Player:
        """A player for a job of this order, or one that was begun elsewhere and has this handle."""
        ...


def parts_of(source: Source, voice: Voice | None) -> Iterator[Part]:
    """The parts in a source: a cassette has one in each lane of a job. Raises `InvalidCassette`."""
    if isinstance(source, Script):
        yield ScriptPart(source, voice)
        return
    cassette = source if isinstance(source, Cassette) else load(source)
    names = in_turn(cassette.lanes)
    if not names:
        raise InvalidCassette(f"{cassette.name or 'the cassette'} has no job whose service could be played")
    yield from (LanePart(cassette, name) for name in names)


@dataclass(frozen=True)
class ScriptPart:
    """A script; `voice` is wanted for a dialect that is not declared as data."""

    script: Script
    voice: Voice | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def player(self, dialect: Dialect, now: float, order: Order, handle: str | None) -> Player:
        """A stage whose job has a name of its own."""
        stage = Stage(self.script, dialect, self.voice or voice_of(dialect), order, VirtualClock(now))
        name, record = f"{JOB}-{next(self._numbers):04}", stage.record
        stage.record = replace(record, id=name, address=record.address.replace(JOB, name))
        if handle is not None:
            stage.record = replace(record, id=handle, address=handle)
        return Staged(stage)


@dataclass(frozen=True)
class Staged:
    """A stage as a player."""

    stage: Stage

    @property
    def clock(self) -> VirtualClock:
        """The stage's own."""
        return self.stage.clock

    def exchange(self, request: Request) -> Reply:
        """As the script says."""
        return self.stage.exchange(request)

    def is_called(self, handle: str) -> bool:
        """By the name that only this job has."""
        return self.stage.record.id in handle

    def knows(self, request: Request) -> bool:
        """Whether it asks for this job by its name."""
        questions: tuple[Question, ...] = ("poll", "fetch", "cancel", "reason", "file")
        return any(self._is(question, request) for question in questions)

    def begins(self, request: Request) -> bool:
        """Whether it may be a submission."""
        return request.method == self.stage.voice.request("submit", self.stage.record).method

    def _is(self, question: Question, request: Request) -> bool:
        try:
            return is_like(request, self.stage.voice.request(question, self.stage.record))
        except NotApplicable:
            return False


@dataclass(frozen=True)
class LanePart:
    """The lane `name` of a cassette; what it was asked for stands for any order."""

    cassette: Cassette
    name: str

    def player(self, dialect: Dialect, now: float, order: Order, handle: str | None) -> Player:  # noqa: ARG002
        """The service as it was then, at another time."""
        head = self.cassette.head
        if dialect.name != head.dialect:
            raise InvalidCassette(
                f"{self.cassette.name or 'the cassette'} speaks {head.dialect}, and the client {dialect.name}"
            )
        here, home = site(base_of(dialect)), site(head.base)
        story = Story(self.cassette, self.name, dialect if here == home else dialect_of(head))
        return Retold(story, VirtualClock(now), round(now * 1000) - head.t0, here, home)


@dataclass
class Retold:
    """What a lane tells, `begun` milliseconds after the cassette, and `here` instead of at `home`."""

    story: Story
    clock: VirtualClock
    begun: int
    here: str
    home: str
    _timeline: Timeline = field(init=False)
    _cleaner: Cleaner = field(init=False)

    def __post_init__(self) -> None:
        self.begun -= self.story.events[0].t
        self._timeline = Timeline(self.story, self.story.exchanges)
        self._cleaner = Cleaner(rules_for(self.story.dialect, STANDARD))

    def exchange(self, request: Request) -> Reply:
        """What came back then to the like, at this time of the job."""
        started = self.clock.now()
        t = self.story.cassette.head.t(started) - self.begun
        answer = self._timeline.answer(Asking(self._job, self._asked(request), t, t))
        if answer.omitted is not None:
            raise InvalidCassette(f"lane {self.story.name}: a reply is not on the cassette: record a larger `inline`")
        if answer.ms > request.timeout * 1000:
            self.clock.sleep_until(started + request.timeout)
            return NoResponse(Cause.TIMEOUT, sent=True)
        self.clock.sleep_until(started + answer.ms / 1000)
        return returned(ahead(answer.reply, self.begun), self.home, self.here)

    def is_called(self, handle: str) -> bool:
        """By a name that it has on the cassette."""
        called = handle.replace(self.here, self.home)
        return any(one.after is not None and one.after.handle == called for one in self.story.exchanges)

    def knows(self, request: Request) -> bool:
        """Whether the like was asked about the job after its submission."""
        asked = _essence(self._there(request))
        return any(_essence(one.sent.request) == asked for one in self.story.exchanges if not one.is_submission)

    def begins(self, request: Request) -> bool:
        """Whether it goes where the recorded submission went."""
        asked = self._there(request)
        return self._submission is not None and _essence(asked)[:2] == _essence(self._submission)[:2]

    @property
    def _submission(self) -> Request | None:
        return next((one.sent.request for one in self.story.exchanges if one.is_submission), None)

    @property
    def _job(self) -> bide.Waiting:
        job = self.story.takes[0].job
        if not isinstance(job, bide.Waiting):
            raise InvalidCassette(f"lane {self.story.name}: nothing was asked for this job")
        return job

    def _asked(self, request: Request) -> Request:
        """The request as it was recorded: a submission of anything stands for the one that was."""
        submission = self._submission
        if submission is not None and self.begins(request) and not self.knows(request):
            return submission
        return self._there(request)

    def _there(self, request: Request) -> Request:
        """The request as the cassette would have it."""
        return self._cleaner.request(arrived(request, self.here, self.home))


def _essence(request: Request) -> tuple[str, str, bytes]:
    return request.method, request.url, request.body
