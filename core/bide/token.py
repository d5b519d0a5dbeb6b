"""A job as plain JSON, and back: to be kept on disk, sent to another process, taken up by another version.

A token holds no credential (the core never sees one) and no code. It names the dialect and the origin it
belongs to, and is refused anywhere else. Reading is driven by the annotations of the states: whatever does
not fit them exactly is refused with the place where it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from json import dumps
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from bide.dialects import Dialect
from bide.document import JSON, moment, money, number, parse
from bide.errors import CallerError, InvalidToken
from bide.finished import Abandoned, Completed, Lost
from bide.job import Job, Waiting

VERSION = 1
LARGEST = 64 * 1024 * 1024  # bytes of a token: a result of the largest size, every character escaped


def dump(job: Job) -> str:
    """The job as one line of JSON; keep it private all the same, since it holds the job's input."""
    dialect = job.terms.dialect
    head = {"bide": VERSION, "dialect": dialect.name, "origin": dialect.origin}
    return dumps({**head, "job": _encode(job)}, separators=(",", ":"))


def load(data: str | bytes, *, dialect: Dialect) -> Job:
    """The job in a token made by `dump`; raises `InvalidToken` when it is not whole or belongs elsewhere."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > LARGEST:
        raise InvalidToken(f"the token has {len(raw)} bytes, more than any job needs: is it the right file?")
    try:
        document = parse(raw)
    except ValueError:
        raise InvalidToken("the token is not JSON: it is cut short, or not a token of bide") from None
    if not isinstance(document, dict) or "bide" not in document:
        raise InvalidToken("this is no token of bide: give a file that `bide` or `dump` wrote")
    if document["bide"] != VERSION or document["bide"] is True:
        raise InvalidToken(
            f"the token has version {document['bide']!r:.40}, this bide reads {VERSION}: use the bide that wrote it"
        )
    home = (document.get("dialect"), document.get("origin"))
    if home != (dialect.name, dialect.origin):
        raise InvalidToken(
            f"the token belongs to {home[0]} at {home[1]}, not to {dialect.name} at {dialect.origin}: "
            "give the base URL it was made with"
        )
    try:
        return _checked(cast("Job", _decode(Job, document.get("job"), "job", dialect)))
    except InvalidToken:
        raise
    except CallerError as error:
        raise InvalidToken(f"the token is damaged: {error}") from None


def _checked(job: Job) -> Job:
    """`job`, once its handles are known to be sendable: a state read from a token must not raise later."""
    for state in (job, job.last) if isinstance(job, Lost | Abandoned) else (job,):
        if state.handle is not None and not isinstance(state, Completed):
            state.terms.dialect.check(state.handle)
        if isinstance(state, Waiting):
            _ = state.request
    return job


def _encode(value: object) -> object:
    if isinstance(value, Enum):
        return value.name
    kind: Any = type(value)
    if _is_record(kind):
        members = {name: _encode(getattr(value, name)) for name in _hints(kind) if name != "dialect"}
        return {"is": kind.__name__, **members}
    if isinstance(value, tuple):
        return [_encode(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, localns={"Waiting": Waiting, "JSON": JSON})


def _is_record(kind: Any) -> bool:
    """Whether values of this kind have named members: a dataclass, or a named tuple."""
    return is_dataclass(kind) or (isinstance(kind, type) and hasattr(kind, "_fields"))


def _decode(hint: Any, value: object, path: str, dialect: Dialect) -> object:
    """`value` as `hint` says it must be, or `InvalidToken` with the path to what does not fit."""
    if get_origin(hint) in (Union, UnionType):
        return _choose(get_args(hint), value, path, dialect)
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), value, path, dialect)
    if _is_record(hint):
        return _record(cast("type", hint), value, path, dialect)
    if get_origin(hint) is not None and issubclass(get_origin(hint), Mapping) and isinstance(value, dict):
        return cast("dict[str, object]", value)
    if isinstance(hint, type):
        plain = _plain(hint, value)
        if plain is not None:
            return plain
    raise InvalidToken(f"the token is damaged at {path}")


def _choose(hints: tuple[Any, ...], value: object, path: str, dialect: Dialect) -> object:
    if value is None and type(None) in hints:
        return None
    name = _members(value).get("is")
    named = [hint for hint in hints if _is_record(hint) and getattr(hint, "__name__", None) == name]
    others = [hint for hint in hints if hint is not type(None) and not _is_record(hint)]
    if not (named or others):
        raise InvalidToken(f"the token is damaged at {path}: no known kind of value")
    return _decode((named or others)[0], value, path, dialect)


def _members(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _tuple(hints: tuple[Any, ...], value: object, path: str, dialect: Dialect) -> object:
    if not isinstance(value, list):
        raise InvalidToken(f"the token is damaged at {path}: a list is missing")
    items = cast("list[object]", value)
    kinds = [hints[0]] * len(items) if hints[-1] is Ellipsis else list(hints)
    if len(kinds) != len(items):
        raise InvalidToken(f"the token is damaged at {path}: {len(kinds)} items are wanted")
    return tuple(
        _decode(kind, item, f"{path}[{i}]", dialect) for i, (kind, item) in enumerate(zip(kinds, items, strict=True))
    )


def _record(cls: type, value: object, path: str, dialect: Dialect) -> object:
    members = _members(value)
    hints = _hints(cls)
    wanted = {name: hint for name, hint in hints.items() if name != "dialect"}
    if members.get("is") != cls.__name__ or members.keys() - {"is"} != wanted.keys():
        raise InvalidToken(f"the token is damaged at {path}: it does not fit {cls.__name__}")
    read = {name: _decode(hint, members[name], f"{path}.{name}", dialect) for name, hint in wanted.items()}
    return cls(**({"dialect": dialect} if "dialect" in hints else {}), **read)


def _plain(kind: type, value: object) -> object | None:
    """A value of one of the plain kinds, or None when it is not of that kind."""
    if issubclass(kind, Enum):
        return kind.__members__.get(value) if isinstance(value, str) else None
    if kind is Decimal:
        return money(value) if isinstance(value, str) else None
    if kind is datetime:
        return moment(value)
    if kind is float:
        figure = number(value)
        return figure if figure is not None and abs(figure) < 1e12 else None
    if kind is int and isinstance(value, int) and abs(value) > 2**53:
        return None
    return value if type(value) is kind else None
