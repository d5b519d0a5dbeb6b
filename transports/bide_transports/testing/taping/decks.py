"""What a test's tape is laid into: one deck replays, one decides anew, one records, and one does nothing."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import bide
from bide.messages import Request
from bide_transports.cassette.recording import record
from bide_transports.cassette.replaying.playback import Playback, replay
from bide_transports.cassette.tape import Cassette, InvalidCassette
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
    deaf,
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
        self.tape = playback(cassette, wish, settings)

    def so_far(self) -> Cassette | None:
        """What was played."""
        return self.tape.played

    def finish(self) -> None:
        """Raise `ReplayDiverged` for the first thing that was not played."""
        self.tape.close()

    def leave(self) -> None:
        """Nothing is held."""


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
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing = deaf
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


def playback(cassette: Cassette, wish: Wish, settings: CassetteSettings) -> Playback:
    """A tape that plays `cassette` as it is wished for and set up."""
    aliases, rules = settings.aliases, settings.rules
    return replay(cassette, strict=wish.strict, dialect=settings.dialect, aliases=aliases, rules=rules)
