"""The cassette that the tests of edits start from, and what holds for whatever is made of it."""

from __future__ import annotations

import bide
from bide_transports.cassette.changing.bending import Edit
from bide_transports.cassette.changing.edits import edited
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Done
from bide_transports.cassette.verify import verify

SCRIPT = Script().state(0, "PENDING").state(2.5, "PROCESSING").state(14.2, "COMPLETED")
CASSETTE = SCRIPT.cassette(pace=bide.Every(2))


def altered(*edits: Edit, cassette: Cassette = CASSETTE) -> Cassette:
    """The cassette with these edits, which verifies and tells of each."""
    changed = edited(cassette, *edits)
    verify(changed)
    assert changed.head.edits == tuple(edit.said for edit in edits)
    return changed


def done(cassette: Cassette) -> Done:
    """How its last lane ended."""
    event = cassette.events[-1]
    assert isinstance(event, Done)
    return event
