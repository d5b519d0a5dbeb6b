"""Reading JSON from strangers: total, bounded, and one small function per kind of field.

`json.loads` raises `RecursionError` on deep nesting and `ValueError` on long integers, and refuses a
byte order mark; a server can send all three. Field readers answer None for a value of the wrong kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder, dumps
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qsl, unquote

from bide.faults import InvalidOrder

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
#: What a caller may give as JSON: any mapping and any sequence, whatever narrower type their items have.
JSONInput: TypeAlias = "bool | int | float | str | Sequence[JSONInput] | Mapping[str, JSONInput] | None"

_LONGEST_INTEGER = 4300  # digits: Python reads no longer ones
_SPACE = " \t\n\r"
_DEEP = {str, list, dict}  # types of what may hold a text
_DEEPEST = 100  # containers in one another: within every JSON library's own limit
_LONGEST_TEXT = 300  # characters of a server's word or message that a job keeps
_MONEY = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_BYTES: tuple[type, ...] = (bytes, bytearray, memoryview)  # sequences that are no JSON
_SPECIAL = ("[", "|", "\\")  # what begins a step that is no key
_LONE = re.compile("[\ud800-\udfff]")
_LINK = r"<([^<>]*)>([^<]*)"
_RELATION = r"(?i);\s*rel\s*=\s*\"?([^\";,]+)"
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*(?:([Zz]|UTC|GMT)|([+-])(\d\d):?(\d\d))?", re.ASCII
)


def _integer(figures: str) -> int | str:
    return int(figures) if len(figures) <= _LONGEST_INTEGER else figures


def _nothing(_: str) -> None:
    """For NaN and its like, which are no JSON: JavaScript writes null for them, too."""


def _finite(figures: str) -> float | None:
    figure = float(figures)
    return figure if math.isfinite(figure) else None


_decode = JSONDecoder(parse_constant=_nothing).raw_decode
_decode_long = JSONDecoder(parse_constant=_nothing, parse_int=_integer).raw_decode
_decode_plain = JSONDecoder(parse_constant=_nothing, parse_int=_integer, parse_float=_finite).raw_decode
_decode_strictly = JSONDecoder().raw_decode


def parse(body: bytes) -> JSON:
    """The JSON document in `body`; raises `ValueError`, and nothing else, when there is none.

    NaN is read as null, and an integer of thousands of digits as a text, so that nothing else in there is lost for
    them.
    """
    try:
        return _parsed(body, _decode)
    except JSONDecodeError:
        raise
    except ValueError:
        return _parsed(body, _decode_long)


def parse_plain(body: bytes) -> JSON:
    """The same, to be handed out: a number that is too large for a float is null, too, since no JSON can say it."""
    return _parsed(body, _decode_plain)


def parse_strictly(body: bytes) -> JSON:
    """What we wrote ourselves: NaN stays what it is, to be refused where it stands, and such an integer is no JSON."""
    return _parsed(body, _decode_strictly)


def _parsed(body: bytes, decode: Callable[[str], tuple[Any, int]]) -> JSON:
    text = body.decode().removeprefix("\ufeff").strip(_SPACE)
    try:
        document, end = decode(text)
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


def snapshot(value: Mapping[str, JSONInput], name: str) -> dict[str, JSON]:
    """A copy of a caller's JSON object, as plain `dict` and `list`, that nobody else can change.

    Raises `InvalidOrder`, which names the member that is no JSON.
    """
    if not isinstance(cast("object", value), Mapping):
        raise InvalidOrder(f"{name} is {_kind(value)}: give a dict of names and values")
    if _is_deeper(value, _DEEPEST):
        raise InvalidOrder(f"{name} is nested more than {_DEEPEST} deep: flatten it")
    try:
        copy, _ = _decode(_written(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidOrder(
            f"{_culprit(value, name)} cannot be written as JSON ({error}): use only dict, list, str, numbers and bool"
        ) from None
    return cast("dict[str, JSON]", copy)


def is_writable(value: str) -> bool:
    """Whether a text can be sent: half a surrogate pair is no character, and no JSON (RFC 8259, 8.2)."""
    return value.isascii() or not _LONE.search(value)


def _written(value: object) -> str:
    """`value` as JSON; raises `TypeError` and `ValueError` for what no JSON says the same of."""
    _check_names(value)
    written = dumps(value, allow_nan=False, default=_plain, ensure_ascii=False)
    if not is_writable(written):
        raise ValueError("a text holds half a surrogate pair, which is no character")
    return written


def _check_names(value: object) -> None:
    """Raise `TypeError` for a name that is no text: written as one, it could be that of another member."""
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        wrong = next((name for name in members if not isinstance(name, str)), "")
        if wrong != "":
            raise TypeError(f"names must be texts, and this one is {_kind(wrong)}")
        inner: Iterable[object] = members.values()
    elif isinstance(value, Sequence) and not isinstance(value, (str, *_BYTES)):
        inner = cast("Sequence[object]", value)
    else:
        return
    for item in inner:
        _check_names(item)


def _plain(value: object) -> object:
    """A mapping or a sequence as those that `json` writes."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, _BYTES) or not isinstance(value, Sequence):
        raise TypeError(_kind(value))
    return list(cast("Sequence[object]", value))


def _culprit(value: object, place: str) -> str:
    """Where the innermost part of `value` stands that cannot be written."""
    members: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value).items()
    elif isinstance(value, Sequence) and not isinstance(value, str):
        members = enumerate(cast("Sequence[object]", value))
    for name, inner in members:
        if not _can_be_written({name: inner} if isinstance(value, Mapping) else inner):
            is_plain = isinstance(name, str) and name.isprintable()
            return _culprit(inner, f"{place}.{name:.80}" if is_plain else f"{place}[{name!r:.80}]")
    return place


def _can_be_written(value: object) -> bool:
    try:
        _written(value)
    except (TypeError, ValueError):
        return False
    return True


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _is_deeper(value: object, levels: int) -> bool:
    """Whether containers stand in one another more than `levels` deep; never recurses, ends on circles too."""
    level = [value]
    while level and levels >= 0:
        inner: dict[int, object] = {}  # by identity: a value that stands in many places is looked at once
        for item in level:
            if isinstance(item, Mapping):
                inner |= {id(one): one for one in cast("Mapping[object, object]", item).values()}
            elif isinstance(item, Sequence) and not isinstance(item, str | bytes):
                inner |= {id(one): one for one in cast("Sequence[object]", item)}
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
    """What stands in a document under these steps (`bide.dialects.places.keys`); None where there is nothing.

    A step is a key of an object, or the number of an item of a list, from its end if negative. `*` is every item: what
    the steps after it find in each, as a list. `[key=word]` is the first item with that member; `|json` and its kin
    read a text; whatever follows a backslash is a key.
    """
    for number, step in enumerate(path):
        if step == "*":
            return _of_each(document, path[number + 1 :])
        if step[:1] in _SPECIAL:
            document = _special(document, step)
        elif isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list):
            document = _item(document, step)
        else:
            return None
    return document


def _of_each(document: JSON, path: Sequence[str]) -> JSON:
    items = _items(document)
    found = None if items is None else [at(item, path) for item in items]
    if found is None or "*" not in path:
        return cast("JSON", found)
    return [one for some in found if isinstance(some, list) for one in some]


def _items(document: JSON) -> Sequence[JSON] | None:
    return list(document.values()) if isinstance(document, dict) else document if isinstance(document, list) else None


def _item(items: list[JSON], step: str) -> JSON:
    digits = step.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits[:6]) if digits is step else len(items) - int(digits[:6])
    return items[number] if 0 <= number < len(items) else None


def _special(document: JSON, step: str) -> JSON:
    if step[0] == "\\":
        return document.get(step[1:]) if isinstance(document, dict) else None
    if step[0] == "|":
        return READERS[step[1:]](document) if step[1:] in READERS else None
    name, _, wanted = step[1:-1].partition("=")
    member = name.split(".")
    return next((one for one in _items(document) or () if word_of(at(one, member)).lower() == wanted.lower()), None)


def _json_in(value: JSON) -> JSON:
    try:
        return parse(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else value
    except ValueError:
        return None


def _path_in(value: JSON) -> JSON:
    path = re.split("[?#]", value, maxsplit=1)[0].partition("://") if isinstance(value, str) else ("", "", "")
    return [unquote(piece) for piece in (path[2] or path[0]).split("/") if piece]


def _query_in(value: JSON) -> JSON:
    query = value.partition("#")[0].partition("?")[2] if isinstance(value, str) else ""
    return cast("JSON", dict(reversed(parse_qsl(query, keep_blank_values=True))))  # the first of each name counts


def _links_in(value: JSON) -> JSON:
    """The targets of a `Link` header field by their relations (RFC 8288, 3); the first of each counts."""
    links: dict[str, JSON] = {}
    for match in re.finditer(_LINK, value if isinstance(value, str) else ""):
        relation = re.search(_RELATION, match[2])
        for name in relation[1].lower().split() if relation else ():
            links.setdefault(name, match[1])
    return links


#: What a step such as `|json` makes of the text before it: JSON that is written in it, the segments of an address or
#: of a resource name, the parameters of an address, the links of a header field. `|all` leaves it as it is.
READERS: dict[str, Callable[[JSON], JSON]] = {
    "json": _json_in,
    "path": _path_in,
    "query": _query_in,
    "link": _links_in,
    "all": lambda value: value,
}


def word_of(value: JSON) -> str:
    """A text or figure as the word it is compared by; nothing else is one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


def strings(value: JSON) -> Iterator[str]:
    """Every string value anywhere inside `value`, in document order; never recurses."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list | dict):
            inner = item.values() if isinstance(item, dict) else item
            if not _DEEP.isdisjoint(map(type, inner)):
                stack.extend([one for one in reversed(inner) if type(one) in _DEEP])
