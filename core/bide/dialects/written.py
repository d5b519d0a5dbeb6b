"""A declaration as JSON that people read and write, and back.

A member that is left out has its default; a text may stand for a list of one text; a phase is written by its name
in lower case. Whatever else does not fit is refused with its place, and with what belongs there instead.

With `"extends": "NAME"` what is left out is as in the built-in declaration of that name. A call, the webhook, `links`,
`phases` are merged member by member, where null takes a link or a word away; all else is replaced whole, except that
the item "..." in a list stands for all items of the built-in's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from difflib import get_close_matches
from enum import Enum
from json import JSONDecodeError, dumps, loads
from typing import Any, NoReturn, cast, get_args, get_origin

from bide.codec import Misfit, decode, encode, hints, inside, is_record, spellings
from bide.dialects.declaration import Declaration
from bide.dialects.vendors import named, names
from bide.faults import InvalidDeclaration

_WIDTH = 100  # columns that an object or a list may take before it is broken into lines
_EXTENDS, _REST = "extends", "..."
_KINDS: dict[Any, tuple[str, str]] = {
    str: ("a text", "texts"),
    bool: ("true or false", "booleans"),
    float: ("a number", "numbers"),
}


def write(declaration: Declaration) -> str:
    """The declaration as JSON; members equal to their default are left out.

    Raises `InvalidDeclaration` for a body that cannot be written as JSON.
    """
    try:
        return _laid_out(encode(declaration, _Plain()), "", 0)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidDeclaration(
            f"{declaration.name} cannot be written as JSON ({error}): use only dict, list, str, numbers and bool"
        ) from None


def read(text: str | bytes) -> Declaration:
    """The declaration in a text that `write` or a person wrote.

    Raises `InvalidDeclaration`, which names the place that is wrong and what to write instead. What is well written
    may still make no sense: ask `bide.dialects.lint`.
    """
    try:
        return cast("Declaration", decode(Declaration, _extended(_parsed(text)), "", _Plain()))
    except Misfit as error:
        raise InvalidDeclaration(_explained(error)) from None


class _Plain:
    """A record as an object of those members that are not as usual."""

    def spelt(self, member: Enum) -> str:
        return member.name.lower()

    def listed(self, value: object, kind: Any) -> list[object] | None:
        if isinstance(value, str) and (kind is str or spellings(kind, self)):
            return [value]
        return cast("list[object]", value) if isinstance(value, list) else None

    def write(self, record: object) -> object:
        members = ((field, getattr(record, field.name)) for field in fields(cast("Any", record)))
        return {field.name: encode(value, self) for field, value in members if value != _default(field)}

    def read(self, kinds: tuple[type, ...], value: object, place: str) -> object:
        kind: Any = kinds[0]
        if not isinstance(value, dict):
            raise Misfit(place, kind, value)
        members, wanted = cast("dict[str, object]", value), hints(kind)
        unknown = [name for name in members if name not in wanted]
        if unknown:
            raise InvalidDeclaration(f"{inside(place, unknown[0])}: there is no such member{_near(unknown[0], wanted)}")
        for field in fields(kind):
            if field.name not in members and _default(field) is MISSING:
                raise InvalidDeclaration(f"{inside(place, field.name)} is missing: give {_wanted(wanted[field.name])}")
        return kind(**{name: decode(wanted[name], item, inside(place, name), self) for name, item in members.items()})


class _Whole(_Plain):
    """A record with all its members."""

    def write(self, record: object) -> object:
        return {field.name: encode(getattr(record, field.name), self) for field in fields(cast("Any", record))}


def _extended(document: object) -> object:
    """The document with all that it takes from the built-in declaration which it extends."""
    if not isinstance(document, dict):
        return document
    members = cast("dict[str, object]", document)
    if _EXTENDS not in members:
        return members
    base = members[_EXTENDS]
    if base not in names():
        raise InvalidDeclaration(
            f"{_EXTENDS}: {_said(base)} does not come with bide{_near(base, dict.fromkeys(names()))}"
        )
    given = {name: value for name, value in members.items() if name != _EXTENDS}
    return _merged(cast("dict[str, object]", encode(named(str(base)), _Whole())), given)


def _merged(base: dict[str, object], given: dict[str, object]) -> dict[str, object]:
    return base | {
        name: value if name == "body" else _one(name, base.get(name), value) for name, value in given.items()
    }


def _one(name: str, base: object, given: object) -> object:
    """What a member is that both have, or only the document."""
    if isinstance(base, list) and isinstance(given, list):
        items = cast("list[object]", given)
        return [one for item in items for one in (cast("list[object]", base) if item == _REST else [item])]
    if not (isinstance(base, dict) and isinstance(given, dict)):
        return given
    merged = _merged(cast("dict[str, object]", base), cast("dict[str, object]", given))
    return {key: value for key, value in merged.items() if value is not None or name not in ("links", "phases")}


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _parsed(text: str | bytes) -> object:
    try:
        plain = text.decode() if isinstance(text, bytes) else text
        return loads(plain.removeprefix("\ufeff"), object_pairs_hook=_members, parse_constant=_no_json)
    except InvalidDeclaration:
        raise
    except JSONDecodeError as error:
        raise InvalidDeclaration(f"line {error.lineno}, column {error.colno}: this is no JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise InvalidDeclaration(f"this is no JSON ({error}): give a file that holds one declaration") from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidDeclaration(f'"{twice}" stands more than once in one object: keep one of them')
    return members


def _no_json(word: str) -> NoReturn:
    raise InvalidDeclaration(f"{word} is no JSON: give a number, or null")


def _explained(error: Misfit) -> str:
    words = spellings(error.hint, _Plain())
    hint = _near(error.value, words) if words else f": give {_wanted(error.hint)}"
    return f"{error.place or 'the declaration'}: {_said(error.value)} does not fit{hint}"


def _near(given: object, known: Mapping[str, object]) -> str:
    """The known name that was probably meant, or all of them."""
    for name in get_close_matches(str(given).lower(), known, n=1):
        return f': did you mean "{name}"?'
    return f": give one of {', '.join(known)}"


def _said(value: object) -> str:
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else dumps(value)[:80]


def _wanted(hint: Any, *, many: bool = False) -> str:
    """What belongs in a place, in words."""
    if words := spellings(hint, _Plain()):
        return "words" if many else f"one of {', '.join(words)}"
    kinds, origin = get_args(hint), get_origin(hint)
    if is_record(hint):
        return "objects" if many else "an object"
    if origin is tuple:
        count = "" if kinds[-1] is Ellipsis else f"{len(kinds)} "
        return f"{'lists' if many else 'a list'} of {count}{_wanted(kinds[0], many=True)}"
    if origin is not None and issubclass(origin, Mapping):
        return f"an object of {_wanted(kinds[1], many=True)}"
    return _KINDS[hint][many]


def _laid_out(value: object, margin: str, used: int) -> str:
    """JSON with an item a line, except where all of it fits into one."""
    line = dumps(value, allow_nan=False)
    if not isinstance(value, dict | list) or not value or (margin and used + len(line) <= _WIDTH):
        return line
    inner = f"{margin}  "
    if isinstance(value, dict):
        items = [(f"{dumps(name)}: ", item) for name, item in cast("dict[str, object]", value).items()]
    else:
        items = [("", item) for item in cast("list[object]", value)]
    lines = [f"{inner}{head}{_laid_out(item, inner, len(inner) + len(head))}" for head, item in items]
    return "\n".join((line[0], ",\n".join(lines), margin + line[-1]))
