"""A cassette, checked by the core alone: every decision made anew from what came back, microseconds a step."""

from __future__ import annotations

from dataclasses import dataclass

from bide.dialect import Dialect
from bide_transports.cassette.tape import Cassette, Done, Heard, Open, Send, Told, Wait
from bide_transports.cassette.tokens import dialect_of
from bide_transports.cassette.track import Strict, Track


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared: lanes, exchanges and decisions."""

    lanes: int
    exchanges: int
    decisions: int


def verify(cassette: Cassette, *, dialect: Dialect | None = None, strict: Strict = "exact") -> Verified:
    """Fold the cassette through the core; raises `ReplayDiverged` at the first difference.

    `dialect` is wanted for one that does not come with bide. Raises `InvalidCassette` for a cassette on which
    something is missing.
    """
    spoken = dialect or dialect_of(cassette.head)
    exchanges = decisions = 0
    lanes = cassette.lanes
    for name, events in lanes.items():
        track = Track(cassette, name, spoken, strict, events=events)
        while track.next is not None:
            _step(track)
        exchanges += sum(isinstance(event, Heard) for event in events)
        decisions += sum(isinstance(event, Wait | Done) for event in events)
    return Verified(len(lanes), exchanges, decisions)


def _step(track: Track) -> None:
    match track.next:
        case Open():
            track.take_up()
        case Send(request=request, t=t, omitted=file):
            track.send(request if track.job is None else getattr(track.job, "request", request), t, file)
        case Heard():
            track.receive(track.hear().reply)
        case Told():
            track.be_told()
        case Done() if track.runs_out():
            pass
        case _:
            track.finish()
