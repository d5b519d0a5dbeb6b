"""Reading JSON from strangers: total, bounded, and one small function per kind of field.

`json.loads` raises `RecursionError` on deep nesting and `ValueError` on long integers, and refuses a
byte order mark; a server can send all three. Field readers answer None for a value of the wrong kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from json import JSONDecoder, dumps
from typing import TypeAlias, cast

from bide.errors import InvalidOrder

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

_decode = JSONDecoder().raw_decode
_SPACE = " \t\n\r"
_DEEPEST = 100  # containers in one another: within every JSON library's own limit
_LONGEST_TEXT = 300  # characters of a server's word or message that a job keeps
_MONEY = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*(?:([Zz]|UTC|GMT)|([+-])(\d\d):?(\d\d))?", re.ASCII
)


def parse(body: bytes) -> JSON:
    """The JSON document in `body`; raises `ValueError`, and nothing else, when there is none."""
    text = body.decode().removeprefix("\ufeff").strip(_SPACE)
    try:
        document, end = _decode(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    if end != len(text):
        raise ValueError("there is more than one JSON document")
    return cast("JSON", document)


def parse_object(body: bytes) -> dict[str, JSON] | None:
    """The JSON object in `body`, or None when it holds anything else."""
    try:
        document = parse(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def snapshot(value: Mapping[str, JSON], name: str) -> dict[str, JSON]:
    """A copy of a caller's JSON object that nobody else can change; raises `InvalidOrder` if it is none."""
    if _is_deeper(value, _DEEPEST):
        raise InvalidOrder(f"{name} is nested more than {_DEEPEST} deep: flatten it")
    try:
        copy, _ = _decode(dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidOrder(
            f"{name} cannot be written as JSON ({error}): use only dict, list, str, numbers and bool"
        ) from None
    return cast("dict[str, JSON]", copy)


def _is_deeper(value: object, levels: int) -> bool:
    """Whether containers stand in one another more than `levels` deep; never recurses, ends on circles too."""
    level = [value]
    while level and levels >= 0:
        inner: dict[int, object] = {}  # by identity: a value that stands in many places is looked at once
        for item in level:
            if isinstance(item, Mapping):
                inner |= {id(one): one for one in cast("Mapping[object, object]", item).values()}
            elif isinstance(item, list | tuple):
                inner |= {id(one): one for one in cast("list[object]", item)}
        level, levels = list(inner.values()), levels - 1
    return bool(level)


def text(value: object) -> str | None:
    """A string fit to keep and print: control characters and lone surrogates replaced, length bounded."""
    if not isinstance(value, str):
        return None
    if len(value) <= _LONGEST_TEXT and value.isprintable():
        return value
    return "".join(c if c.isprintable() else "\ufffd" for c in value[:_LONGEST_TEXT])


def number(value: object) -> float | None:
    """A finite number, or None; a boolean is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def money(value: object) -> Decimal | None:
    """A sum as `Decimal`, from a decimal string or a JSON number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, int) and abs(value) >= 10**40:  # Python refuses to write thousands of digits
        return None
    figure = str(value)
    if not _MONEY.fullmatch(figure):
        return None
    amount = Decimal(figure)
    return amount if abs(amount.adjusted()) <= 30 else None


def moment(value: object) -> datetime | None:
    """An aware time from ISO 8601 text; text without a zone is read as UTC."""
    match = _ISO.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) if sign else timedelta()
    microsecond = int((fraction or "").ljust(6, "0")[:6])
    try:
        zone = timezone(-offset if sign == "-" else offset) if offset else timezone.utc
        return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, zone)
    except ValueError:
        return None


def at(document: JSON, path: Sequence[str]) -> JSON:
    """What stands in a document under these keys (or places in a list, as digits); None where there is nothing."""
    for key in path:
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and key.isascii() and key.isdigit() and int(key[:6]) < len(document):
            document = document[int(key[:6])]
        else:
            return None
    return document


def strings(value: JSON) -> Iterator[str]:
    """Every string value anywhere inside `value`, in document order; never recurses."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            stack.extend(reversed(item.values()))
        elif isinstance(item, list):
            stack.extend(reversed(item))
