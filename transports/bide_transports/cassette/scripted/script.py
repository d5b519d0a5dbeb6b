"""A script: what a service does with one job, told by the clock. It makes cassettes, and answers in place of a service.

    script = Script().submit(202, retry_after=2).state(2.5, "PROCESSING", progress=0.2).state(14.2, "COMPLETED")
    cassette = script.cassette(pace=bide.Every(2))      # what the core does with it, head by="scenario"
    stage = script.stage()                              # or live: stage.exchange(request), stage.clock

The core itself decides what stands on the cassette, so the two can never disagree. Any dialect will do: a declared one
is read backwards, another needs a `voice` (see `bide_transports.testing.voice`). All times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import bide
from bide.dialect import Dialect, Phase
from bide.dialects.declared import Declared
from bide.errors import InvalidSetting
from bide.messages import Cause, Headers, NoResponse, Order, Reply, Response
from bide_transports.cassette.recorded import RecordedLane
from bide_transports.cassette.redacting import Cleaner, rules_for
from bide_transports.cassette.redaction import STANDARD
from bide_transports.cassette.scripted.modelroute_voice import WORDS, ModelRouteVoice
from bide_transports.cassette.scripted.staged import Stage
from bide_transports.cassette.tape import Cassette, Event
from bide_transports.cassette.tokens import head_of
from bide_transports.emulator.limits import Limit
from bide_transports.emulator.memory import VirtualClock
from bide_transports.testing.spoken import Spoken
from bide_transports.testing.voice import Question, Voice

ORDER = Order("model-1", {"prompt": "a fox"}, "key-1")


@dataclass(frozen=True, slots=True)
class State:
    """What the job is from `at` on (seconds after its submission); an empty `word` is the vendor's usual one."""

    at: float
    word: str = ""
    progress: float | None = None
    phase: Phase | None = None


@dataclass(frozen=True, slots=True)
class Mishap:
    """What `times` requests get that come at `at` or next, all or those that ask `on` this.

    `arrives` says whether the service hears them.
    """

    at: float
    reply: Reply
    times: int = 1
    arrives: bool = False
    on: Question | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """Each method gives a script with one thing more; begin with `Script()`."""

    states: tuple[State, ...] = ()
    mishaps: tuple[Mishap, ...] = ()
    code: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    answer: str = "the-result"
    seconds: float = 0.04
    quota: Limit | None = None
    ahead: float = 0.0

    def submit(
        self,
        status: int | None = None,
        *,
        retry_after: float | str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Script:
        """How a submission is taken: by default with the vendor's own status code."""
        hint = [] if retry_after is None else [("retry-after", f"{retry_after}")]
        return replace(self, code=status, headers=(*hint, *headers))

    def state(self, at: float, word: str = "", *, progress: float | None = None, phase: Phase | None = None) -> Script:
        """What the job is from `at` on. What a word means is the dialect's to say, unless it is told by `phase`."""
        states = sorted((*self.states, State(at, word, progress, phase)), key=lambda state: state.at)
        return replace(self, states=tuple(states))

    def result(self, text: str) -> Script:
        """What stands in the output."""
        return replace(self, answer=text)

    def latency(self, seconds: float) -> Script:
        """How long each exchange takes; the service hears the request half-way."""
        return replace(self, seconds=seconds)

    def limit(self, requests: int, window: float = 60.0) -> Script:
        """At most so many requests in each window, told in the vendor's header fields."""
        return replace(self, quota=Limit(requests, window, aligned=False))

    def skew(self, seconds: float) -> Script:
        """How far the service's clock is ahead."""
        return replace(self, ahead=seconds)

    def refuse(
        self,
        status: int = 429,
        *,
        retry_after: float | str | None = None,
        at: float = 0.0,
        times: int = 1,
        on: Question | None = None,
    ) -> Script:
        """A refusal that the service never hears of, whatever is asked, or `on` one question."""
        told = [] if retry_after is None else [("retry-after", f"{retry_after}")]
        return self.mishap(Mishap(at, Response(status, Headers.of(told)), times, on=on))

    def drop(self, *, at: float = 0.0, times: int = 1, sent: bool = True) -> Script:
        """A connection that is cut before the reply, or (not `sent`) never made."""
        cause = Cause.RESET if sent else Cause.UNREACHABLE
        return self.mishap(Mishap(at, NoResponse(cause, sent=sent), times, arrives=sent))

    def mishap(self, mishap: Mishap) -> Script:
        """Any other one."""
        return replace(self, mishaps=(*self.mishaps, mishap))

    def at(self, age: float, dialect: Dialect) -> tuple[State, Phase]:
        """The job so long after its submission, and what that means to `dialect`."""
        state = next((state for state in reversed(self.states) if state.at <= age), State(0.0))
        return state, state.phase or meaning(state.word, dialect)

    def stage(self, dialect: Dialect = bide.ModelRoute(), *, order: Order = ORDER, voice: Voice | None = None) -> Stage:
        """The service, live in memory: `exchange(request)` and its `clock`. Raises `InvalidSetting` without a voice."""
        return Stage(self, dialect, voice or voice_of(dialect), order, VirtualClock())

    def cassette(
        self,
        dialect: Dialect = bide.ModelRoute(),
        *,
        pace: bide.Pace = bide.Growing(),
        patience: bide.Patience = bide.Patience(),
        order: Order = ORDER,
        seed: str = "job#1",
        voice: Voice | None = None,
        cancel_at: float | None = None,
    ) -> Cassette:
        """What the core does with it. `seed` names the lane and its dice; the caller cancels at `cancel_at`."""
        stage = self.stage(dialect, order=order, voice=voice)
        head, events = head_of(dialect, stage.clock.now(), by="scenario"), list[Event]()

        def write(event: Event, *, durable: bool = False) -> None:  # noqa: ARG001  nothing is on a disk here
            events.append(event)

        lane = RecordedLane(seed, head, dialect, Cleaner(rules_for(dialect, STANDARD)), write)
        job: bide.Job = bide.submit(
            order, dialect=dialect, now=stage.clock.now(), pace=pace, patience=patience, seed=seed
        )
        leave = None if cancel_at is None else stage.clock.now() + cancel_at
        _follow(lane, job, stage, leave)
        return Cassette(head, tuple(events))


def meaning(word: str, dialect: Dialect) -> Phase:
    """What a status word means to `dialect`."""
    if isinstance(dialect, Declared):
        words = {said.lower(): phase for said, phase in dialect.declaration.phases.items()}
    else:
        words = {said.lower(): phase for phase, said in WORDS.items()}
    return words.get(word.lower(), Phase.UNFINISHED)


def voice_of(dialect: Dialect) -> Voice:
    """The voice of a dialect that comes with bide or is declared; raises `InvalidSetting` for any other."""
    if isinstance(dialect, Declared):
        return Spoken.every(dialect)[0]
    if isinstance(dialect, bide.ModelRoute):
        return ModelRouteVoice(dialect)
    raise InvalidSetting(f"{dialect.name} is not declared as data: give a voice")


def _follow(lane: RecordedLane, job: bide.Job, stage: Stage, leave: float | None) -> None:
    """Drive `job` to its end on `lane`; it is left and cancelled at `leave`."""
    _, exchange, clock, _ = lane.around(job, stage.exchange, stage.clock)
    job = lane.open(job, stage.clock.now())
    while isinstance(job, bide.Waiting):
        if leave is not None and isinstance(job, bide.Polling) and job.due > leave:
            stage.clock.sleep_until(leave)
            now, leave = stage.clock.now(), None
            job = lane.open(bide.cancel(job, now=now), now)
            continue
        clock.sleep_until(job.due)
        job = job.receive(exchange(job.request), now=clock.now())
