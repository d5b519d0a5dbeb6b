"""The arrows of the machine, read off the return annotations of the four `receive` methods."""

from __future__ import annotations

from typing import get_args, get_type_hints

import bide


def arrows() -> list[tuple[str, str]]:
    """Every (state, next state) that `receive` may make, in the order of the annotations."""
    return [
        (state.__name__, after.__name__)
        for state in get_args(bide.Waiting)
        for after in get_args(get_type_hints(state.receive)["return"])
    ]
