"""What stands in a secret's place: `redacted-KIND-N`, safe in a URL, a header and JSON, and never redacted again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

PLACEHOLDER = re.compile(r"redacted-([a-z]{1,16})-([0-9]{1,9})", re.ASCII)

Edit: TypeAlias = "tuple[int, int, str]"  # from here, up to there, and what stands there from now on
Hide: TypeAlias = Callable[[str, str], str]  # a value and its kind, answered by what stands for it

_START = "redacted-"
_KIND = re.compile(r"[a-z]{1,16}", re.ASCII)
_SCHEME = re.compile(r"\s*(?:(?:bearer|basic|digest|token|key)\s+)?", re.IGNORECASE)


class Placeholders:
    """The numbering of one lane: by first appearance and kind; one value, one placeholder."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._last: dict[str, int] = {}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of each kind there are."""
        return dict(self._last)

    def of(self, value: str, kind: str) -> str:
        """The placeholder of `value`; raises `ValueError` unless `kind` is 1 to 16 lower-case ASCII letters."""
        if _KIND.fullmatch(kind) is None:
            raise ValueError(f"{kind!r} is no kind of placeholder: use 1 to 16 lower-case letters")
        if PLACEHOLDER.fullmatch(value):
            return value
        if value not in self._given:
            number = self._last[kind] = self._last.get(kind, 0) + 1
            self._given[value] = f"redacted-{kind}-{number}"
        return self._given[value]

    def hide(self, value: str, kind: str) -> str:
        """All of `value` hidden but blanks, the word of an authorization scheme, and placeholders in it."""
        self.note(value)
        return spliced(value, self._hidden(value, kind))

    def note(self, text: str) -> None:
        """Go on numbering after the placeholders that came in with `text`."""
        for found in PLACEHOLDER.finditer(text) if _START in text else ():
            kind, number = found[1], int(found[2])
            self._last[kind] = max(number, self._last.get(kind, 0))

    def _hidden(self, value: str, kind: str) -> Iterator[Edit]:
        for start, end in gaps(value):
            piece = value[start:end]
            first = start + (scheme.end() if (scheme := _SCHEME.match(piece)) else 0)
            last = start + len(piece.rstrip())
            if first < last:
                yield first, last, self.of(value[first:last], kind)


def gaps(text: str) -> Iterator[tuple[int, int]]:
    """Where `text` holds something else than placeholders."""
    start = 0
    if _START in text:
        for found in PLACEHOLDER.finditer(text):
            if start < found.start():
                yield start, found.start()
            start = found.end()
    if start < len(text):
        yield start, len(text)


def spliced(text: str, edits: Iterable[Edit]) -> str:
    """`text` with edits in the order of their places; one that begins within the last is left out."""
    pieces: list[str] = []
    done = 0
    for start, end, instead in edits:
        if start < done:
            continue
        pieces += text[done:start], instead
        if text[end : end + 1].isdigit():
            pieces.append("-")  # or the digit would be taken for one of the placeholder's number
        done = end
    return "".join((*pieces, text[done:])) if pieces else text
