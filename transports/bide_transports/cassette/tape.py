"""What is on a cassette: a head, then events in lanes. One job is one lane, since lanes overlap at random.

The inputs of a job are `Open`, `Heard` and `Told`; what the core made of them are `Wait`, `Send` and `Done`. Times
are whole milliseconds since the head's `t0`, as the core saw them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bide.document import JSON
from bide.errors import BideError
from bide.messages import Reply, Request, Response

VERSION = 1


class InvalidCassette(BideError, ValueError):
    """A cassette that cannot be read, or not be made of what happened; the message names the line and the remedy."""


@dataclass(frozen=True, slots=True)
class Head:
    """Which service was spoken to, since when (`t0`: milliseconds since the epoch), and who wrote it down.

    `base` is the address of the API. `by` is "record", "scenario" or the name of what it was imported from; `edits`
    is what was changed since then.
    """

    t0: int
    dialect: str
    base: str
    by: str = "record"
    lib: str = ""
    edits: tuple[str, ...] = ()

    def now(self, t: int) -> float:
        """The instant that `t` means, in seconds since the epoch: the same float that the core was given."""
        return (self.t0 + t) / 1000

    def t(self, now: float) -> int:
        """The milliseconds since `t0` of an instant in seconds since the epoch."""
        return round(now * 1000) - self.t0


@dataclass(frozen=True, slots=True)
class Open:
    """A job is taken up: begun, watched, cancelled or resumed. `token` is its state, as `bide.dump` has it.

    Without a token the exchanges of the lane are written down, and nothing is known of who decided them.
    """

    lane: str
    t: int
    token: Mapping[str, JSON] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """The core decided: in this `state`, ask `ms` from now, for this reason; `floor` is the earliest allowed."""

    lane: str
    t: int
    state: str
    ms: int
    floor: int
    why: str


@dataclass(frozen=True, slots=True)
class Send:
    """The request that went out, without its timeouts; `omitted` stands for a file that went with it."""

    lane: str
    t: int
    request: Request
    omitted: Omitted | None = None


@dataclass(frozen=True, slots=True)
class Omitted:
    """A body that is not on the cassette: its length in bytes and its SHA-256."""

    length: int
    digest: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back, or why nothing did; `omitted` stands for a body that is not on the cassette.

    `begun` is what had come of a file before it was cut short.
    """

    lane: str
    t: int
    reply: Reply
    omitted: Omitted | None = None
    begun: Response | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A webhook told of the job."""

    lane: str
    t: int


@dataclass(frozen=True, slots=True)
class Done:
    """The end of the job: the kind of its last state, and what it says (a code, a reason, a digest of the result).

    It follows upon a reply, or upon the wait of a submission whose key had aged when its turn came.
    """

    lane: str
    t: int
    state: str
    says: str = ""
    files: tuple[str, ...] = ()


Event: TypeAlias = Open | Wait | Send | Heard | Told | Done
Decision: TypeAlias = Wait | Done


@dataclass(frozen=True, slots=True)
class Cassette:
    """A whole recording. `name` is where it was read from; `lines` are the line numbers of the events there."""

    head: Head
    events: tuple[Event, ...]
    name: str = ""
    lines: tuple[int, ...] = field(default=(), repr=False)

    @property
    def lanes(self) -> dict[str, tuple[Event, ...]]:
        """The events of each lane, in their order."""
        lanes: dict[str, list[Event]] = {}
        for event in self.events:
            lanes.setdefault(event.lane, []).append(event)
        return {name: tuple(events) for name, events in lanes.items()}

    def place(self, event: Event) -> str:
        """Where `event` stands, for people: file and line."""
        index = next((n for n, one in enumerate(self.events) if one is event), None)
        if index is None or index >= len(self.lines):
            return self.name
        return f"{self.name}:{self.lines[index]}"
