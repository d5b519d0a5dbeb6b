"""Decide anew: what came back stays, what was decided on it is decided again by the core as it is now."""

from __future__ import annotations

import bide
from bide.dialects import Dialect
from bide_transports.cassette.changing.retake import Retake
from bide_transports.cassette.changing.story import Story, with_lanes
from bide_transports.cassette.tape import Cassette
from bide_transports.cassette.tokens import dialect_of

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
    ones. A lane that was cut off, or left, ends where it was. Raises `InvalidCassette` where nothing can answer.
    """
    spoken = dialect or dialect_of(cassette.head)
    takes = {lane: Retake(Story(cassette, lane, spoken), pace=pace, patience=patience) for lane in cassette.lanes}
    lanes = {lane: take.play() for lane, take in takes.items()}
    by_time = any(take.departed for take in takes.values()) and BY_TIME not in cassette.head.edits
    return with_lanes(cassette, lanes, *([BY_TIME] if by_time else []))
