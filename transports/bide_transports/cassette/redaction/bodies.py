"""Bodies taken apart: JSON, multipart forms, and text in whatever coding it came."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from bide.document import JSON

_BOUNDARY = re.compile(r"multipart/[^;]*;.*?boundary=\"?([^\";,]{1,200})", re.IGNORECASE | re.DOTALL)
_PART_NAME = re.compile(r"(?<![\w*])name=\"([^\"]{0,200})\"|(?<![\w*])name=([^\s;\"]{1,200})", re.IGNORECASE)
_PART_TYPE = re.compile(r"^content-type:[ \t]*([^\r\n]{1,200})", re.IGNORECASE | re.MULTILINE)
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body: the name of its field, its content type and its content."""

    name: str
    content_type: str | None
    content: bytes


def is_form(content_type: str | None) -> bool:
    """Whether the body is an urlencoded form."""
    return (content_type or "").strip().lower().startswith("application/x-www-form-urlencoded")


def boundary(content_type: str | None) -> bytes | None:
    """What stands between the parts of a multipart body; None for another body."""
    found = _BOUNDARY.match((content_type or "").strip())
    return found[1].strip().encode("latin-1", "replace") if found else None


def multipart(body: bytes, boundary: bytes, redacted: Callable[[Part], bytes | None]) -> bytes | None:
    """`body` with each part's content as `redacted` gives it; None when one of them may not be stored."""
    parts: list[bytes] = []
    for part in body.split(b"--" + boundary):
        head, content, tail = _taken_apart(part)
        heading = head.decode("latin-1")
        name, kind = _PART_NAME.search(heading), _PART_TYPE.search(heading)
        safer = redacted(Part((name[1] or name[2] or "") if name else "", kind[1] if kind else None, content))
        safer_head = redacted(Part("", None, head))
        if safer is None or safer_head is None:
            return None
        parts.append(safer_head + safer + tail)
    return (b"--" + boundary).join(parts)


def _taken_apart(part: bytes) -> tuple[bytes, bytes, bytes]:
    """The head of a part with the empty line after it, its content, and the line end before the next boundary."""
    end = _END_OF_HEAD.search(part)
    if end is None:
        return b"", part, b""
    content = part[end.end() :]
    kept = content.removesuffix(b"\n").removesuffix(b"\r")
    return part[: end.end()], kept, content[len(kept) :]


def decoded(body: bytes) -> tuple[str, str]:
    """The text of `body` and its coding; anything can be read as latin-1, and ASCII in it is found so."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace"), "utf-16"
    try:
        return body.decode(), "utf-8"
    except UnicodeDecodeError:
        return body.decode("latin-1"), "latin-1"


def readings(body: bytes) -> Iterator[str]:
    """What else `body` may mean: wide characters without a mark, and text among bytes that are none."""
    if b"\0" in body:
        yield from (body.decode(coding, "replace") for coding in ("utf-16-le", "utf-16-be"))
    text = body.decode("utf-8", "replace")
    if "\ufffd" in text:
        yield text


def document_in(text: str) -> JSON:
    """The object, list or string that `text` is in JSON; None for no JSON, and for what would lose by rewriting."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start not in ("{", "[", '"'):
        return None
    try:
        return cast("JSON", json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_unique))
    except (ValueError, RecursionError):
        return None


def strings(document: JSON) -> Iterator[str]:
    """All strings of a document, names too, however deep; in no order."""
    rest: list[JSON] = [document]
    while rest:
        match rest.pop():
            case str(text):
                yield text
            case list(items):
                rest += items
            case dict(members):
                yield from members
                rest += members.values()
            case _:
                pass


def separators(text: str) -> tuple[str, str]:
    """How `text`, which is JSON, sets its commas and colons."""
    return (", ", ": ") if '": ' in text[:200] else (",", ":")


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice")
    return members
