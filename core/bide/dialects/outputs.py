"""Which texts at the places of a job's files are references to files, and which of these may be fetched.

Such a place may hold one address, a list of them, or a document in which addresses stand among prompts, media types
and names. Whatever begins as an absolute address is one. A relative one looks like many another text, so where it
stands counts as well: alone or among its kind at the place itself, or in a member with such a name as `url`; in any
other member only if it begins as a path does or ends as a file's name does, and no member beside it is an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from enum import IntEnum
from functools import lru_cache
from itertools import chain, islice
from typing import cast

from bide.data_urls import content, is_data
from bide.document import JSON
from bide.faults import InvalidHandle
from bide.references import whole
from bide.result import Refused

_ABSOLUTE = re.compile(
    r"[a-z][a-z0-9+.-]*://(?=\S)|//[a-z0-9-]+(?:\.[a-z0-9-]+)+[/:]|(?:https?|file|blob):(?=\S)"
    r"|data:(?:[,;]|[\w.+-]+/[\w.+-]+)",
    re.ASCII | re.IGNORECASE,
)
_SCHEMED = re.compile(r"[a-z][a-z0-9+.-]*:[^\s/]*/\S+", re.ASCII | re.IGNORECASE)  # such as arn:aws:s3:::bucket/key
_ROOTED = re.compile(r"(?:\.{0,2}/)+[^\s/.]\S*|//[^\s/]+/?|\?[\w.~%-]+=\S*")
_PATH = re.compile(r"[\w.~%@+-]+(?:/[\w.~%@+:=,-]+)+(?:\?\S*)?")
_NAME = re.compile(r"[\w~%@+-][\w.~%@+-]*(?:\?\S*)?")
_ENDING = re.compile(r"[A-Za-z][A-Za-z0-9]{1,4}", re.ASCII)
_MEDIA_TYPE = re.compile(r"(?:image|audio|video|text|font|model|application|multipart|message)/[\w.+-]+")
_SIGNS = re.compile(r"[./:?]")  # without one of these no text is an address
_SPACE = re.compile(r"\s")
_STRONG = re.compile(r"(?m)[/:]|^[^\S\n]*\?")  # nor is it one without these, unless it stands where addresses do
_DEEP, _CONTAINERS = {str, list, dict}, {list, dict}  # types of what may hold one
_MOST = 3000  # files of one result: each address takes its time to be judged, twice that if it is refused
#: What a search may cost, and how many bytes of a reply allow for one more: a text costs most, a container less.
_MOST_COST, _BYTES_A_COST = 12288, 96
_TEXT, _CONTAINER, _MEMBER = 4, 2, 1
_MANY, _LEVELS = 64, 6  # items that are passed over together, where none of them holds an address so far down
_LONGEST = 1024  # characters of a path: Base64 of a picture may begin as one does
_SHORTEST = 5  # characters of a path: N/A and its like are none
_OF_ADDRESSES = re.compile(
    r"(?i:ur[il]s?)$|(?:^|[_-])(?i:href|link|src|location|file|download)s?$"
    r"|[a-z0-9](?:Href|Link|Src|Location|File|Download)s?$"
)


class _Trust(IntEnum):
    """What a text may be, by where it stands."""

    ABSOLUTE = 0
    PATHS = 1
    ALL = 2
    UNSEARCHED = 3  # it stands for all that was not looked at


def files_in(
    values: Iterable[JSON],
    asked: str,
    why_not: Callable[[str], str],
    by_id: Callable[[str], object] | None,
    *,
    by_address: bool,
    size: int = 0,
) -> tuple[tuple[str, ...], tuple[Refused, ...]]:
    """The references to files in `values`, which stand in a reply from `asked`, and those that are not fetched.

    With `by_address` they are addresses, each asked unless `why_not` says why; what is no address is an id, which
    `by_id` takes or raises `InvalidHandle`. What of a reply of `size` bytes is not searched for files is among those
    that are not fetched, by the reply's own address.
    """
    found: dict[str, str | Refused] = {}
    judged = 0
    most = _MOST_COST + size // _BYTES_A_COST
    for said, trust in (one for value in values for one in _texts(value, most, figures=by_id is not None)):
        if said in found:
            continue
        if trust is _Trust.UNSEARCHED:
            found[said] = Refused(
                asked, "it has too many small parts to be searched whole: see whether its document names more"
            )
            break
        is_address = by_address and _is_reference(said, trust)
        if (is_address or by_id is not None) and judged >= _MOST:
            found[said] = Refused(said, f"it is one of more than {_MOST} files: get it and those after it by hand")
            break
        if is_address:
            found[said] = _address(said.strip(), asked, why_not)
        elif by_id is not None:
            found[said] = _id(said, by_id)
        judged += 2 if isinstance(found.get(said), Refused) else said in found
    each = dict.fromkeys(found.values())
    return tuple(one for one in each if isinstance(one, str)), tuple(one for one in each if isinstance(one, Refused))


def _address(said: str, asked: str, why_not: Callable[[str], str]) -> str | Refused:
    try:
        if is_data(said):
            content(said)
            return said
        url = whole(said, asked)
    except ValueError as error:
        return Refused(said, f"{error}: ask the service for a sound one")
    reason = why_not(url)
    return Refused(said, reason) if reason else url


def _id(said: str, by_id: Callable[[str], object]) -> str | Refused:
    try:
        by_id(said)
    except InvalidHandle:
        return Refused(said, "it cannot stand in the address that is declared for files: see to `file`")
    return said


def _texts(value: JSON, most: int, *, figures: bool) -> Iterator[tuple[str, _Trust]]:
    """Every text inside `value` that may be a reference, and the `figures` at the place itself, which may be ids.

    They come in document order, each with what it may be. When the search has cost `most`, the rest is left. Never
    recurses, and passes over what holds no text: a reply may be nothing but empty lists.
    """
    stack: list[Iterator[tuple[JSON, _Trust]]] = [iter([(value, _Trust.ALL)])]
    while stack:
        one = next(stack[-1], None)
        if one is None:
            stack.pop()
            continue
        item, trust = one
        most -= _cost(item)
        if most < 0:
            break
        if isinstance(item, str):
            if item.strip():
                yield item, trust
        elif isinstance(item, list):
            stack.append(_items(item, trust, figures=figures))
        elif isinstance(item, dict):
            stack.append(_members(item, figures=figures))
        elif figures and isinstance(item, int) and not isinstance(item, bool) and trust is _Trust.ALL:
            yield str(item), _Trust.ABSOLUTE
    if stack:
        yield "", _Trust.UNSEARCHED


def _cost(item: JSON) -> int:
    if isinstance(item, dict):
        return _CONTAINER + _MEMBER * len(item)
    return _CONTAINER if isinstance(item, list) else _TEXT


def _items(item: list[JSON], trust: _Trust, *, figures: bool) -> Iterator[tuple[JSON, _Trust]]:
    """The items of a list that may hold a reference, with what each may be."""
    if len(item) == 1 and isinstance(item[0], list):
        item = _innermost(item[0])
    kinds, of_texts = set(map(type, item)), trust
    if str in kinds and trust is not _Trust.ABSOLUTE:
        texts = islice(filter(str.strip, _texts_of(item, kinds)), _MOST)
        of_texts = trust if all(_is_reference(one, trust) for one in texts) else _Trust.ABSOLUTE
    elif kinds.isdisjoint(_DEEP) and not (figures and int in kinds):
        return
    if not figures and len(item) > _MANY:
        blocks = (item[place : place + _MANY] for place in range(0, len(item), _MANY))
        item = [one for block in blocks if _may_hold_some(block, trust) for one in block]
    for one in item:
        if figures or _may_hold_one(one):
            yield one, of_texts if isinstance(one, str) else trust


def _innermost(item: list[JSON]) -> list[JSON]:
    """The list that stands in lists of one item each."""
    inner: JSON = item
    with suppress(ValueError):
        while isinstance(inner, list):
            item, (inner,) = inner, inner
    return item


def _may_hold_some(level: Sequence[JSON], trust: _Trust) -> bool:
    """Whether an address may stand in one of these, as far as a quick look a few levels down tells."""
    signs = _SIGNS if trust is _Trust.ALL else _STRONG
    for _ in range(_LEVELS):
        kinds = set(map(type, level))
        if str in kinds and signs.search("\n".join(_texts_of(level, kinds))):
            return True
        if kinds.isdisjoint(_CONTAINERS):
            return False
        objects = [one for one in level if isinstance(one, dict) and one] if dict in kinds else []
        if objects and any(map(_is_of_addresses, set[str]().union(*objects))):
            return True
        lists = [one for one in level if isinstance(one, list)] if list in kinds else []
        signs = signs if lists else _STRONG
        level = [*chain.from_iterable(lists), *chain.from_iterable([one.values() for one in objects])]
    return True


def _texts_of(level: Sequence[JSON], kinds: set[type]) -> Sequence[str]:
    """The texts among items of these kinds."""
    return cast("Sequence[str]", level) if kinds == {str} else [one for one in level if isinstance(one, str)]


def _members(item: dict[str, JSON], *, figures: bool) -> Iterator[tuple[JSON, _Trust]]:
    """The members of an object that may hold a reference, with what each may be."""
    if not figures and len(item) > _MANY and not _may_hold_some((item,), _Trust.PATHS):
        return
    found = [(name, one) for name, one in item.items() if figures or _may_hold_one(one)]
    if not found:
        return
    texts = [(name, one) for name, one in item.items() if isinstance(one, str)]
    known = any(_is_of_addresses(name) or _ABSOLUTE.match(one.strip()) for name, one in texts)
    others: dict[type, _Trust] = {str: _Trust.ABSOLUTE} if known else {}
    for name, one in found:
        trust = _Trust.ALL if _is_of_addresses(name) else others.get(type(one), _Trust.PATHS)
        if figures or _may_be_one(one, trust):
            yield one, trust


def _may_be_one(one: JSON, trust: _Trust) -> bool:
    """Whether a text may be an address here: but for one's own name, only a slash or a colon makes it one."""
    return trust is _Trust.ALL or not isinstance(one, str) or _STRONG.search(one) is not None


@lru_cache(maxsize=1024)
def _is_of_addresses(name: str) -> bool:
    """Whether members with this name hold addresses."""
    return _OF_ADDRESSES.search(name) is not None


def _may_hold_one(one: JSON) -> bool:
    """Whether an address may stand in a member of an object: nobody need know what it is called, if none can."""
    if isinstance(one, str):
        return _SIGNS.search(one) is not None
    return (isinstance(one, dict) and bool(one)) or (isinstance(one, list) and not _DEEP.isdisjoint(map(type, one)))


def _is_reference(said: str, trust: _Trust) -> bool:
    if not _SIGNS.search(said):
        return False
    text = said.strip()
    is_one_word = not _SPACE.search(text)
    if _ABSOLUTE.match(text):
        return is_one_word or is_data(text) or trust is _Trust.ALL or _ends_as_a_file(text)
    if trust is _Trust.ABSOLUTE or len(text) > _LONGEST:
        return False
    if is_one_word and _ROOTED.fullmatch(text):
        return True
    if trust is _Trust.PATHS:
        return bool(_PATH.fullmatch(text)) and _ends_as_a_file(text) and not _MEDIA_TYPE.fullmatch(text)
    if is_one_word:
        is_path = bool(_PATH.fullmatch(text)) and len(text) >= _SHORTEST
        return is_path or bool(_SCHEMED.fullmatch(text)) or (bool(_NAME.fullmatch(text)) and _ends_as_a_file(text))
    first, slash, _ = text.lstrip("./").partition("/")
    return bool(slash) and not _SPACE.search(first) and _ends_as_a_file(text)


def _ends_as_a_file(text: str) -> bool:
    """Whether the last segment of a path has a name and an ending, and the text no second line."""
    last = re.split(r"[?#]", text, maxsplit=1)[0].rpartition("/")[2]
    stem, _, ending = last.rpartition(".")
    return bool(stem) and "\n" not in text and _ENDING.fullmatch(ending) is not None
