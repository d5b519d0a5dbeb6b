"""What a test's tape is laid into: one deck replays, one decides anew, one records, and one does nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Protocol, TypeAlias

import bide
from bide.dialects import Dialect
from bide.messages import Request
from bide_transports.cassette.changing.settle import settle
from bide_transports.cassette.files import load, save
from bide_transports.cassette.recording import record
from bide_transports.cassette.replaying.matching import of_files
from bide_transports.cassette.replaying.playback import Playback, replay
from bide_transports.cassette.tape import Cassette, InvalidCassette, Open
from bide_transports.cassette.tokens import dialect_of, opened
from bide_transports.clock import Clock
from bide_transports.tapes import (
    AsyncClock,
    AsyncExchange,
    AsyncFileLane,
    AsyncLane,
    Exchange,
    FileLane,
    Hearing,
    Lane,
    Tape,
)
from bide_transports.testing.taping.settings import CassetteSettings, Wish

#: What really becomes of one cassette; "record" covers a second recording, too.
Playing: TypeAlias = Literal["replay", "record", "settle", "off"]


class Deck(Protocol):
    """A tape with its two ends: `finish` after a test that passed, `leave` after any other."""

    mode: Playing

    @property
    def tape(self) -> Tape:
        """What the client is given."""
        ...

    @property
    def remains(self) -> str:
        """What is left of it where the test does not pass."""
        ...

    def so_far(self) -> Cassette | None:
        """What was played or recorded so far."""
        ...

    def finish(self) -> None:
        """Raise for what the test has left out; what was recorded gets its name."""
        ...

    def leave(self) -> None:
        """Let go of it; nothing gets a name."""
        ...


class Replaying:
    """A deck that replays the cassette at `wish.path`."""

    mode: Playing = "replay"
    remains: str = ""

    def __init__(self, cassette: Cassette, wish: Wish, settings: CassetteSettings) -> None:
        self.tape = _playback(cassette, wish, settings)

    def so_far(self) -> Cassette | None:
        """What was played."""
        return self.tape.played

    def finish(self) -> None:
        """Raise `ReplayDiverged` for the first thing that was not played."""
        self.tape.close()

    def leave(self) -> None:
        """Nothing is held."""


class Settling:
    """A deck, and its tape, that decides the cassette anew under the pace and patience of the jobs that come.

    On the lanes of files nothing is decided: they are played as they are.
    """

    mode: Playing = "settle"

    def __init__(self, wish: Wish, settings: CassetteSettings) -> None:
        recorded = load(wish.path, partial=True)
        files = set(of_files(recorded.lanes))
        self._wish, self._settings = wish, settings
        self._recorded = replace(recorded, events=tuple(event for event in recorded.events if event.lane not in files))
        events = tuple(event for event in recorded.events if event.lane in files)
        self._files = _playback(replace(recorded, events=events), wish, settings)
        self._settled: Playback | None = None
        self._secrets: list[str] = []

    @property
    def tape(self) -> Tape:
        """The deck itself, since the first job tells what is played."""
        return self

    def hide(self, secret: str) -> None:
        """Keep a value out of all messages."""
        self._secrets.append(secret)
        for tape in filter(None, (self._files, self._settled)):
            tape.hide(secret)

    def admit(self, request: Request) -> None:
        """Raise, as any replay does."""
        self._files.admit(request)

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """The lane of a job on the settled cassette."""
        return self._jobs(job).lane(job, exchange, clock)

    def async_lane(
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing | None = None
    ) -> AsyncLane:
        """The same for an exchange that is awaited."""
        return self._jobs(job).async_lane(job, exchange, clock, listener)

    def file_lane(self, file: str, lane: FileLane) -> FileLane:
        """The lane of a file."""
        return self._files.file_lane(file, lane)

    def async_file_lane(self, file: str, lane: AsyncFileLane) -> AsyncFileLane:
        """The same for an exchange that is awaited."""
        return self._files.async_file_lane(file, lane)

    def so_far(self) -> Cassette | None:
        """What was played of the settled cassette."""
        return None if self._settled is None else _both(self._settled.played, self._files.played)

    def finish(self) -> None:
        """Raise `ReplayDiverged` for the first thing that was not played; else replace the file, if it differs."""
        settled = self._settled or self._settle(None)
        settled.close()
        self._files.close()
        save(_both(settled.cassette, self._files.cassette), self._wish.path, overwrite=True)

    def leave(self) -> None:
        """Nothing is held."""

    @property
    def remains(self) -> str:
        """The file as it was."""
        return f"{self._wish.path} stays as it was, since the test did not pass"

    def _jobs(self, job: bide.Job) -> Playback:
        self._settled = self._settled or self._settle(job)
        return self._settled

    def _settle(self, job: bide.Job | None) -> Playback:
        recorded, dialect = self._recorded, self._settings.dialect or dialect_of(self._recorded.head)
        if job is None or len(_policies(recorded, dialect)) > 1:
            settled = settle(recorded, dialect=dialect)
        else:
            settled = settle(recorded, dialect=dialect, pace=job.terms.pace, patience=job.terms.patience)
        tape = _playback(settled, self._wish, self._settings)
        for secret in self._secrets:
            tape.hide(secret)
        return tape


class Recorder:
    """A deck that records into `wish.path`."""

    mode: Playing = "record"

    def __init__(self, wish: Wish, settings: CassetteSettings) -> None:
        self.tape = record(
            wish.path,
            overwrite=True,
            dialect=settings.dialect,
            aliases=settings.aliases,
            rules=settings.rules,
            inline=wish.inline or settings.inline,
        )

    def so_far(self) -> Cassette | None:
        """What was recorded, whether it has its name or not."""
        return self.tape.so_far

    def finish(self) -> None:
        """Close the recording; raises `InvalidCassette` for one without anything."""
        self.tape.close()
        if self.tape.cassette is None:
            raise InvalidCassette(f"nothing was recorded for {self.tape.path}: give the client tape=cassette")

    def leave(self) -> None:
        """Close the file without giving it its name."""
        self.tape.leave()

    @property
    def remains(self) -> str:
        """The file without its name."""
        if self.tape.so_far is None:
            return ""
        return f"the test did not pass, so this recording is no cassette; it is kept in {self.tape.partial}"


class Off:
    """A deck that does nothing, and its tape: the client has its own exchange and clock."""

    mode: Playing = "off"
    remains: str = ""

    @property
    def tape(self) -> Tape:
        """The deck itself."""
        return self

    def hide(self, secret: str) -> None:
        """Nothing is written anywhere."""

    def admit(self, request: Request) -> None:
        """Let everything out."""

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """All as it came."""
        return Lane(job, exchange, clock)

    def async_lane(
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing | None = None
    ) -> AsyncLane:
        """All as it came."""
        return AsyncLane(job, exchange, clock, listener)

    def file_lane(self, file: str, lane: FileLane) -> FileLane:  # noqa: ARG002  whatever it is called
        """All as it came."""
        return lane

    def async_file_lane(self, file: str, lane: AsyncFileLane) -> AsyncFileLane:  # noqa: ARG002
        """All as it came."""
        return lane

    def so_far(self) -> Cassette | None:
        """Nothing."""
        return None

    def finish(self) -> None:
        """Nothing is left."""

    def leave(self) -> None:
        """Nothing is held."""


def _playback(cassette: Cassette, wish: Wish, settings: CassetteSettings) -> Playback:
    aliases, rules = settings.aliases, settings.rules
    return replay(cassette, strict=wish.strict, dialect=settings.dialect, aliases=aliases, rules=rules)


def _both(jobs: Cassette, files: Cassette) -> Cassette:
    """The jobs of one cassette and the files of the other."""
    return replace(jobs, events=(*jobs.events, *files.events))


def _policies(cassette: Cassette, dialect: Dialect) -> set[tuple[bide.Pace, bide.Patience]]:
    """The pace and patience of all jobs, as they were begun."""
    firsts = (events[0] for events in cassette.lanes.values())
    jobs = (opened(one.token, dialect) for one in firsts if isinstance(one, Open) and one.token is not None)
    return {(job.terms.pace, job.terms.patience) for job in jobs}
