"""Declarations that come with bide: one module each, with a `DECLARATION`, imported only when it is named.

    dialect = Declared(named("replicate"))

A module more in this folder is a vendor more; nothing else knows them.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from bide.dialects.declaration import Declaration
from bide.errors import NotOffered


def names() -> tuple[str, ...]:
    """What `named` knows, in alphabetical order."""
    return tuple(sorted(module.name.replace("_", "-") for module in iter_modules(__path__)))


def named(name: str) -> Declaration:
    """The declaration of this name; raises `NotOffered`, which lists all there are."""
    if name not in names():
        raise NotOffered(f"{name[:80]!r} is not among the declarations that come with bide: {', '.join(names())}")
    return cast("Declaration", import_module(f"{__name__}.{name.replace('-', '_')}").DECLARATION)
