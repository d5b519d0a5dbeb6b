"""Declarations that come with bide: one module each, with a `DECLARATION`, imported only when it is named.

    dialect = Declared(named("replicate"))

Where a dialect is wanted its name is enough, with its usual base URL: `submit(order, dialect="replicate", ...)`. A
module more in this folder is a vendor more; nothing else knows them.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from bide.dialects import Dialect
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.modelroute import ModelRoute
from bide.errors import InvalidSetting, NotOffered


def names() -> tuple[str, ...]:
    """What `named` knows, in alphabetical order."""
    return tuple(sorted(module.name.replace("_", "-") for module in iter_modules(__path__)))


def named(name: str) -> Declaration:
    """The declaration of this name; raises `NotOffered`, which lists all there are."""
    if name not in names():
        raise NotOffered(f"{name[:80]!r} is not among the declarations that come with bide: {', '.join(names())}")
    return cast("Declaration", import_module(f"{__name__}.{name.replace('-', '_')}").DECLARATION)


def spoken(name: str) -> Dialect:
    """The dialect of this name, at its usual base URL; raises `InvalidSetting`, which tells the nearest names."""
    if name == "modelroute":
        return ModelRoute()
    if name in names():
        return Declared(named(name))
    known = ("modelroute", *names())
    near = get_close_matches(name.lower().replace("_", "-"), known)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"give one of {', '.join(known)}"
    raise InvalidSetting(f"dialect is {name!r:.60}, which does not come with bide (Declared(...) speaks yours): {hint}")
