"""Secrets behind a label in text that is no document: JSON cut short or in a log line, `name="value"`, XML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from bide_transports.cassette.redaction.placeholders import Edit, Hide

_LABEL = re.compile(r"(?<![\w.-])([\w.-]+)(?:\\{0,32}[\"'])?\s{0,8}[:=]\s{0,8}b?(\\{0,32})([\"'])")
_LINE = re.compile(r"(?<![\w.-])([\w.-]+):[ \t]{1,8}([^\s\"'<>,;(){}\[\]\\]{6,})")
_UNLIKE_A_WORD = re.compile(r"[0-9]|[a-z][A-Z]")
_ELEMENT = re.compile(r"<([\w:.-]+)>([^<>]+)<")
_UNTIL = {quote: re.compile(rf"[^{quote}\\]*(?:\\.[^{quote}\\]*)*", re.DOTALL) for quote in "\"'"}


def quoted(text: str, judge: Callable[[str], str | None], hide: Hide) -> Iterator[Edit]:
    """Edits for quoted values behind a secret name; one whose end was cut off reaches to the end."""
    if '"' not in text and "'" not in text:
        return
    end = 0
    for found in _LABEL.finditer(text):
        kind = judge(found[1]) if found.start() >= end else None
        if kind is None:
            continue
        start = found.end()
        end = _closed(text, start, found[2], found[3])
        value = _unescaped(text[start:end]).strip()
        if value and (safer := hide(value, kind)) != value:
            yield start, end, safer


def lines(text: str, judge: Callable[[str], str | None], hide: Hide) -> Iterator[Edit]:
    """Edits for values behind `name: `, as in a header or in YAML, unless they look like a word."""
    for found in _LINE.finditer(text) if ": " in text or ":\t" in text else ():
        if _UNLIKE_A_WORD.search(found[2]) and (kind := judge(found[1])):
            yield *found.span(2), hide(found[2], kind)


def elements(text: str, judge: Callable[[str], str | None], hide: Hide) -> Iterator[Edit]:
    """Edits for the text of XML elements with a secret name."""
    if "</" not in text:
        return
    for found in _ELEMENT.finditer(text):
        kind = judge(found[1])
        if kind is not None:
            yield *found.span(2), hide(found[2], kind)


def _closed(text: str, start: int, escape: str, quote: str) -> int:
    """Where the value that begins at `start` ends; escaped quotes, as in JSON within JSON, end it as they began it."""
    if escape:
        end = text.find(escape + quote, start)
        return end if end >= 0 else len(text)
    value = _UNTIL[quote].match(text, start)
    return value.end() if value else start


def _unescaped(value: str) -> str:
    """`value` as JSON means it, so that one secret has one placeholder."""
    if "\\" not in value:
        return value
    try:
        return str(json.loads(f'"{value}"'))
    except ValueError:
        return value
