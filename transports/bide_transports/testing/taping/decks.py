"""What a test's tape is laid into: one deck replays, one decides anew, one records, and one does nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Protocol, TypeAlias

import bide
from bide.dialects import Dialect
from bide_transports.cassette.changing.settle import settle
from bide_transports.cassette.files import load, save
from bide_transports.cassette.recording import Recording
from bide_transports.cassette.replaying.matching import in_turn
from bide_transports.cassette.replaying.playback import Playback
from bide_transports.cassette.tape import Cassette, InvalidCassette, Open
from bide_transports.cassette.tokens import dialect_of, opened
from bide_transports.clock import Clock
from bide_transports.tapes import AsyncClock, AsyncExchange, AsyncLane, Exchange, Hearing, Lane, Tape
from bide_transports.testing.taping.settings import CassetteSettings, Wish

#: What really becomes of one cassette; "record" covers a second recording, too.
Playing: TypeAlias = Literal["replay", "record", "settle", "off"]


class Deck(Tape, Protocol):
    """A tape with its two ends: `finish` after a test that passed, `leave` after any other."""

    mode: Playing

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


class Replaying(Playback):
    """A deck that replays the cassette at `wish.path`."""

    mode: Playing = "replay"
    remains: str = ""

    def __init__(self, cassette: Cassette, wish: Wish, settings: CassetteSettings) -> None:
        super().__init__(cassette, wish.strict, settings.dialect, dict(settings.aliases), settings.rules)

    def so_far(self) -> Cassette | None:
        """What was played."""
        tracks = ((name, self._tracks[name]) for name in in_turn(self.cassette.lanes) if name in self._tracks)
        return replace(self.cassette, events=tuple(e for _, track in tracks for e in track.events[: track.at]))

    def finish(self) -> None:
        """Raise `ReplayDiverged` for the first thing that was not played."""
        self.close()

    def leave(self) -> None:
        """Nothing is held."""


class Settling:
    """A deck that decides the cassette anew, under the pace and patience of the jobs that come, and replays that."""

    mode: Playing = "settle"

    def __init__(self, wish: Wish, settings: CassetteSettings) -> None:
        self._recorded = load(wish.path, partial=True)
        self._wish, self._settings = wish, settings
        self._secrets: list[str] = []
        self._settled: Replaying | None = None

    def hide(self, secret: str) -> None:
        """Keep a value out of all messages."""
        self._secrets.append(secret)
        if self._settled is not None:
            self._settled.hide(secret)

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """The lane of a job on the settled cassette."""
        return self._deck(job).lane(job, exchange, clock)

    def async_lane(
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing | None = None
    ) -> AsyncLane:
        """The same for an exchange that is awaited."""
        return self._deck(job).async_lane(job, exchange, clock, listener)

    def so_far(self) -> Cassette | None:
        """What was played of the settled cassette."""
        return None if self._settled is None else self._settled.so_far()

    def finish(self) -> None:
        """Raise `ReplayDiverged` for the first thing that was not played; else replace the file, if it differs."""
        settled = self._settled or self._settle(None)
        settled.finish()
        save(settled.cassette, self._wish.path, overwrite=True)

    def leave(self) -> None:
        """Nothing is held."""

    @property
    def remains(self) -> str:
        """The file as it was."""
        return f"{self._wish.path} stays as it was, since the test did not pass"

    def _deck(self, job: bide.Job) -> Replaying:
        self._settled = self._settled or self._settle(job)
        return self._settled

    def _settle(self, job: bide.Job | None) -> Replaying:
        recorded, dialect = self._recorded, self._settings.dialect or dialect_of(self._recorded.head)
        if job is None or len(_policies(recorded, dialect)) > 1:
            settled = settle(recorded, dialect=dialect)
        else:
            settled = settle(recorded, dialect=dialect, pace=job.terms.pace, patience=job.terms.patience)
        deck = Replaying(settled, self._wish, self._settings)
        for secret in self._secrets:
            deck.hide(secret)
        return deck


class Recorder(Recording):
    """A deck that records into `wish.path`."""

    mode: Playing = "record"

    def __init__(self, wish: Wish, settings: CassetteSettings) -> None:
        inline = wish.inline or settings.inline
        super().__init__(wish.path, True, settings.dialect, dict(settings.aliases), settings.rules, inline)

    def so_far(self) -> Cassette | None:
        """What was recorded, whether it has its name or not."""
        if self.cassette is not None:
            return self.cassette
        return load(self._file.partial, partial=True) if self._head is not None else None

    def finish(self) -> None:
        """Close the recording; raises `InvalidCassette` for one without anything."""
        self.close()
        if self.cassette is None:
            raise InvalidCassette(f"nothing was recorded for {self.path}: give the client tape=cassette")

    def leave(self) -> None:
        """Close the file without giving it its name."""
        self._file.close()
        if self._head is None:
            self._file.partial.unlink(missing_ok=True)

    @property
    def remains(self) -> str:
        """The file without its name."""
        if self._head is None:
            return ""
        return f"the test did not pass, so this recording is no cassette; it is kept in {self._file.partial}"


class Off:
    """A deck that does nothing: the client has its own exchange and clock."""

    mode: Playing = "off"
    remains: str = ""

    def hide(self, secret: str) -> None:
        """Nothing is written anywhere."""

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """All as it came."""
        return Lane(job, exchange, clock)

    def async_lane(
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing | None = None
    ) -> AsyncLane:
        """All as it came."""
        return AsyncLane(job, exchange, clock, listener)

    def so_far(self) -> Cassette | None:
        """Nothing."""
        return None

    def finish(self) -> None:
        """Nothing is left."""

    def leave(self) -> None:
        """Nothing is held."""


def _policies(cassette: Cassette, dialect: Dialect) -> set[tuple[bide.Pace, bide.Patience]]:
    """The pace and patience of all jobs, as they were begun."""
    firsts = (events[0] for events in cassette.lanes.values())
    jobs = (opened(one.token, dialect) for one in firsts if isinstance(one, Open) and one.token is not None)
    return {(job.terms.pace, job.terms.patience) for job in jobs}
