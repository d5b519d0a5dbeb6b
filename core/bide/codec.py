"""Frozen values as plain JSON, and back, as their annotations say; what does not fit is refused with its place.

Tokens and written declarations are two formats of this one kind. How each writes its records, how it spells the
members of an `Enum` and what it takes for a list is its `Style`; all the rest is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Literal, Protocol, Union, cast, get_args, get_origin, get_type_hints

from bide.document import moment, money, number
from bide.faults import carried


class Misfit(ValueError):
    """What stands at `place` is no `hint`."""

    def __init__(self, place: str, hint: Any, value: object) -> None:
        super().__init__(f"{place} does not fit")
        self.place, self.hint, self.value = place, hint, value

    def __reduce__(self) -> tuple[Any, ...]:
        return carried(self)


class Style(Protocol):
    """What is particular about one format. A record is a value with named members: a dataclass or a named tuple."""

    def spelt(self, member: Enum) -> str:
        """How a member of an `Enum` is written."""
        ...

    def listed(self, value: object, kind: Any) -> list[object] | None:
        """The items of a list of `kind`, or None where `value` is no list."""
        ...

    def write(self, record: object) -> object:
        """A record, encoded."""
        ...

    def read(self, kinds: tuple[type, ...], value: object, place: str) -> object:
        """The record of one of `kinds`; raises `Misfit`, or an error of the format's own."""
        ...


def encode(value: object, style: Style) -> object:
    """`value` as JSON."""
    if isinstance(value, Enum):
        return style.spelt(value)
    if is_record(type(value)):
        return style.write(value)
    if isinstance(value, tuple):
        return [encode(item, style) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, Mapping):
        return {name: encode(item, style) for name, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def decode(hint: Any, value: object, place: str, style: Style) -> object:
    """The value that `hint` describes; raises `Misfit`. A JSON value, of whatever kind, has the hint `object`."""
    kind = get_origin(hint)
    if kind in (Union, UnionType):
        return _choose(get_args(hint), value, place, style)
    if is_record(hint):
        return style.read((hint,), value, place)
    if kind is tuple:
        return _tuple(hint, value, place, style)
    if kind is not None and kind is not Literal and issubclass(kind, Mapping) and isinstance(value, dict):
        inner, members = get_args(hint)[1], cast("dict[str, object]", value)
        return {name: decode(inner, item, inside(place, name), style) for name, item in members.items()}
    words = spellings(hint, style)
    found = words.get(value) if words and isinstance(value, str) else _plain(hint, value)
    if found is None and hint is not object:
        raise Misfit(place, hint, value)
    return found


def spellings(hint: Any, style: Style) -> dict[str, object]:
    """What each of the words means that may stand where only certain words may."""
    if get_origin(hint) is Literal:
        return {word: word for word in get_args(hint)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {style.spelt(member): member for member in hint}
    return {}


@cache
def hints(record: type, **names: Any) -> dict[str, Any]:
    """The types of a record's members; `names` are those that its module imports for type checkers only."""
    return get_type_hints(record, localns={**names, "JSON": object, "JSONInput": object})


def is_record(kind: Any) -> bool:
    """Whether values of this kind have named members."""
    return is_dataclass(kind) or (isinstance(kind, type) and hasattr(kind, "_fields"))


def inside(place: str, name: str) -> str:
    """The place of a member."""
    if not name.isidentifier():
        return f'{place}["{name}"]'
    return f"{place}.{name}" if place else name


def _choose(kinds: tuple[Any, ...], value: object, place: str, style: Style) -> object:
    if value is None and type(None) in kinds:
        return None
    records = tuple(kind for kind in kinds if is_record(kind))
    if records:
        return style.read(records, value, place)
    return decode(next(kind for kind in kinds if kind is not type(None)), value, place, style)


def _tuple(hint: Any, value: object, place: str, style: Style) -> object:
    kinds = get_args(hint)
    items = style.listed(value, kinds[0])
    if items is not None and kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    if items is None or len(items) != len(kinds):
        raise Misfit(place, hint, value)
    pairs = enumerate(zip(kinds, items, strict=True))
    return tuple(decode(kind, item, f"{place}[{i}]", style) for i, (kind, item) in pairs)


def _plain(kind: Any, value: object) -> object | None:
    """A value of one of the plain kinds, or None when it is not of that kind."""
    read = _READERS.get(kind)
    if read is not None:
        return read(value)
    return value if kind is object or type(value) is kind else None


def _float(value: object) -> float | None:
    figure = number(value)
    return figure if figure is not None and abs(figure) < 1e12 else None


def _int(value: object) -> int | None:
    return value if type(value) is int and abs(value) <= 2**53 else None


def _money(value: object) -> Decimal | None:
    return money(value) if isinstance(value, str) else None


_READERS: dict[Any, Callable[[object], object]] = {float: _float, int: _int, Decimal: _money, datetime: moment}
