"""Vendors' ways of speaking: ModelRoute's, those that are declared as data, and those that come with bide.

    from bide.dialects import Declared, named

    dialect = Declared(named("replicate"))

A name of this module is imported when it is asked for: whoever waits for jobs of ModelRoute needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bide.dialect import Phase
    from bide.dialects.calls import Call
    from bide.dialects.declaration import Declaration
    from bide.dialects.declared import Declared
    from bide.dialects.places import Sign
    from bide.dialects.vendors import named, names

__all__ = ["Call", "Declaration", "Declared", "Phase", "Sign", "named", "names"]

_ROOMS = {
    "Call": "bide.dialects.calls",
    "Declaration": "bide.dialects.declaration",
    "Declared": "bide.dialects.declared",
    "Phase": "bide.dialect",
    "Sign": "bide.dialects.places",
    "named": "bide.dialects.vendors",
    "names": "bide.dialects.vendors",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it has {', '.join(__all__)}")
    return getattr(import_module(_ROOMS[name]), name)
