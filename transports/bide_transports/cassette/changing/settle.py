"""Decide anew: what came back stays, what was decided on it is decided again by the core as it is now."""

from __future__ import annotations

from dataclasses import replace

import bide
from bide.dialect import Dialect
from bide_transports.cassette.changing.retake import Retake
from bide_transports.cassette.changing.story import Story, with_lanes
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import loads, text_of
from bide_transports.cassette.tape import Cassette, Event, Heard, InvalidCassette, Open, Send
from bide_transports.cassette.tokens import dialect_of
from bide_transports.cassette.verify import verify

BY_TIME = "settled by time"  # what the head says of a cassette with answers at other times than recorded


def settle(
    cassette: Cassette,
    *,
    dialect: Dialect | None = None,
    pace: bide.Pace | None = None,
    patience: bide.Patience | None = None,
) -> Cassette:
    """The cassette with decisions that fit it; for one that was edited by hand, was cut short, or is of an older core.

    Each lane keeps its exchanges as long as the core asks for the same at the same time; from the first that it
    asks otherwise, answers come by time, and the head's `edits` say so. `pace` and `patience` replace the recorded
    ones. A lane that was cut off, or left, ends where it was. Raises `InvalidCassette` where nothing can answer, and
    for a reply that comes before its request.
    """
    for events in cassette.lanes.values():
        _check_replies(cassette, events)
    spoken = dialect or dialect_of(cassette.head)
    takes = {lane: Retake(Story(cassette, lane, spoken), pace=pace, patience=patience) for lane in cassette.lanes}
    lanes = {lane: take.play() for lane, take in takes.items()}
    by_time = any(take.departed for take in takes.values()) and BY_TIME not in cassette.head.edits
    settled = with_lanes(cassette, lanes, *([BY_TIME] if by_time else []))
    _check_written(settled, spoken)
    return settled


def _check_replies(cassette: Cassette, events: tuple[Event, ...]) -> None:
    """Raise for a reply that stands before its request, or is of an earlier time: nothing would be made of it."""
    if not any(isinstance(event, Open) for event in events):
        return  # stays as it is
    sent: Send | None = None
    for event in events:
        if isinstance(event, Heard):
            if sent is None or event.t < sent.t:
                raise InvalidCassette(
                    f"{cassette.place(event)}: this reply of lane {event.lane} at {event.t} ms comes before its "
                    "request: put it after the request, with a time that is not before it"
                )
            sent = None
        elif isinstance(event, Send | Open):
            sent = event if isinstance(event, Send) else None


def _check_written(settled: Cassette, dialect: Dialect) -> None:
    """Raise unless the settled cassette verifies as it will be read from its file; lanes that nothing opens apart."""
    written = loads(text_of(settled), name=settled.name or "the cassette")
    begun = {lane for lane, events in written.lanes.items() if isinstance(events[0], Open)}
    events = tuple(event for event in written.events if event.lane in begun)
    try:
        verify(replace(written, events=events, lines=()), dialect=dialect)
    except ReplayDiverged as error:
        raise InvalidCassette(f"{settled.name or 'the cassette'} cannot be settled: {error}") from None
