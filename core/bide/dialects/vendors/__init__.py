"""Declarations that come with bide: one module each, with a `DECLARATION`, imported only when it is named.

    dialect = Declared(named("replicate"))

Where a dialect is wanted its name is enough, with its usual base URL: `submit(order, dialect="replicate", ...)`. A
module more in this folder is a vendor more; nothing else knows them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from bide.dialect import Dialect
from bide.dialects.modelroute import ModelRoute
from bide.faults import InvalidSetting, NotOffered

if TYPE_CHECKING:
    from bide.dialects.declaration import Declaration


def names() -> tuple[str, ...]:
    """What `named` knows, in alphabetical order."""
    from pkgutil import iter_modules

    return tuple(sorted(module.name.replace("_", "-") for module in iter_modules(__path__)))


def named(name: str) -> Declaration:
    """The declaration of this name; raises `NotOffered`, which lists all there are."""
    if name not in names():
        raise NotOffered(f"{name[:80]!r} is not among the declarations that come with bide: {', '.join(names())}")
    return cast("Declaration", import_module(f"{__name__}.{name.replace('-', '_')}").DECLARATION)


def as_dialect(value: object) -> Dialect:
    """`value`, if it can speak, or the dialect of that name that comes with bide.

    Raises `InvalidSetting` for an unknown name, and for a declaration or a class in a dialect's place.
    """
    if isinstance(value, str):
        return spoken(value)
    if isinstance(value, type) or not all(callable(getattr(value, name, None)) for name in ("submit", "poll", "read")):
        raise InvalidSetting(
            f"dialect is {value!r:.60}: give ModelRoute(), the name of a built-in one such as 'replicate', "
            "or Declared(...) of a declaration"
        )
    return cast("Dialect", value)


def spoken(name: str) -> Dialect:
    """The dialect of this name, at its usual base URL; raises `InvalidSetting`, which tells the nearest names."""
    if name == "modelroute":
        return ModelRoute()
    from difflib import get_close_matches  # here, since few ask by name, and reading declarations takes long

    from bide.dialects.declared import Declared

    if name in names():
        return Declared(named(name))
    known = ("modelroute", *names())
    near = get_close_matches(name.lower().replace("_", "-"), known)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"give one of {', '.join(known)}"
    raise InvalidSetting(f"dialect is {name!r:.60}, which does not come with bide (Declared(...) speaks yours): {hint}")
