"""Secrets in `name=value` members: of links, absolute or not, of forms, and of connection strings in running text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from bide_transports.cassette.redaction.placeholders import Edit, Hide

#: The kind of a secret called so, or None; the flag before it says whether that stands in a query or fragment.
Judge: TypeAlias = Callable[[bool, str], "str | None"]
Look: TypeAlias = Callable[[str], str]  # a text looked into once more

_RUN = re.compile(r"[^\s\"'<>`]+")
_IN_LINK = re.compile(r"[?&#]|\\{1,32}u0026")
_ELSEWHERE = re.compile(r"[&;]|\\{1,32}u0026")
_NOT_OF_A_NAME = re.compile(r"[^\w.%\[\]~$-]")
_LONGEST_NAME = 80


def in_text(text: str, judge: Judge, hide: Hide, look: Look) -> Iterator[Edit]:
    """Edits for secret members anywhere in running text."""
    for found in _RUN.finditer(text):
        run = found[0]
        if "=" not in run and "%" not in run:
            continue
        run = run if len(run) == len(text) else run.rstrip(".,:!)]}")
        for start, end, instead in in_link(run, judge, hide, look):
            yield found.start() + start, found.start() + end, instead


def in_link(link: str, judge: Judge, hide: Hide, look: Look) -> Iterator[Edit]:
    """Edits for secret members of a text without blanks; such as a link, when there is a `?` or `#` in it."""
    is_link = "?" in link or "#" in link
    in_query = False
    done = 0
    for start, end, before in _parts(link, _IN_LINK if is_link else _ELSEWHERE):
        in_query = in_query or before in ("?", "#")
        if start < done:
            continue
        for edit in _member(link, start, end, judge, in_query, hide, look):
            done = edit[1]
            yield edit


def in_form(form: str, judge: Callable[[str], str | None], hide: Hide, look: Look) -> Iterator[Edit]:
    """Edits for secret fields of an urlencoded form."""
    for start, end, _ in _parts(form, re.compile("&")):
        split = form.find("=", start, end)
        if split < 0:
            continue
        value = unquote_plus(form[split + 1 : end])
        kind = judge(unquote_plus(form[start:split]))
        safer = hide(value, kind) if kind else look(value)
        if safer != value:
            yield split + 1, end, quote_plus(safer, errors="replace")


def _parts(text: str, separator: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
    """Where the parts between separators are, each with the separator before it."""
    start, before = 0, ""
    for found in separator.finditer(text):
        yield start, found.start(), before
        start, before = found.end(), found[0]
    yield start, len(text), before


def _member(text: str, start: int, end: int, judge: Judge, in_query: bool, hide: Hide, look: Look) -> Iterator[Edit]:
    """Edits for one part, `name=value`; the value may have more of its own, as in `a=b,token=c`."""
    name, split = start, text.find("=", start, end)
    while split >= 0:
        called = _name(text[max(name, split - _LONGEST_NAME) : split])
        if kind := called and judge(in_query and name == start, called):
            end = _end(text, split + 1, end)
            value = unquote(text[split + 1 : end])
            if (safer := hide(value, kind)) != value:
                yield split + 1, end, quote(safer, safe="/:+,", errors="replace")
            return
        name, split = split + 1, text.find("=", split + 1, end)
    start = text.find("=", start, end) + 1 or start
    inner = unquote(text[start:end])
    if inner != text[start:end] and (safer := look(inner)) != inner:
        yield start, end, quote(safer, safe="/:", errors="replace")


def _end(text: str, start: int, end: int) -> int:
    """Where a value ends that seemed to end at `end`: a `?` is one of its characters, and so is a `#` at its start."""
    while text[end : end + 1] == "?" or (start == end and text[end : end + 1] == "#"):
        found = _IN_LINK.search(text, end + 1)
        end = found.start() if found else len(text)
    return end


def _name(text: str) -> str:
    name = _NOT_OF_A_NAME.split(text)[-1]
    return unquote(name) if "%" in name else name
