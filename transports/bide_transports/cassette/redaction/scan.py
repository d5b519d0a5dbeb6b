"""The gate before a cassette gets its name: a search for secrets by other means than those that removed them.

The redactor replaces coded values where they stand; this decodes everything that can be decoded and reads it. It has
its own list of names and shapes, and takes long random words for secrets whatever they are called.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from bide_transports.cassette.redaction import suspicion
from bide_transports.cassette.redaction.names import PLAIN, plain
from bide_transports.cassette.redaction.placeholders import PLACEHOLDER
from bide_transports.cassette.redaction.randomness import is_named_random, random_words
from bide_transports.cassette.redaction.rules import STANDARD, Rules
from bide_transports.cassette.redaction.views import Room, TooMuch, views

Kind: TypeAlias = Literal["known", "name", "pattern", "entropy", "unread"]

_FEWEST_DIGITS = 6  # of a number that is a secret; a cassette counts its own placeholders by kind
_GONE = "\N{BULLET}"  # what a placeholder is for this search
_SHOWN = re.compile(r"[A-Za-z0-9_$@:./-]{1,40}")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What may be a secret: the line, counted from 1, the place in its JSON, and what speaks for it.

    `kind` is "known" for a value that the rules know, "name" for a member that is called so, "pattern" for the shape
    of a key, "entropy" for a long random word, "unread" for what decodes to more than can be searched. The value
    itself is never told.
    """

    line: int
    path: str
    kind: Kind

    def __str__(self) -> str:
        return f"line {self.line}, {self.path}: {self.kind}"


def scan(text: str | Iterable[str], rules: Rules = STANDARD) -> list[Finding]:
    """Places in a cassette, or in any text, that may hold a secret; in order, and empty when there are none."""
    lines = text.split("\n") if isinstance(text, str) else text
    search = _Search(rules)
    return [
        Finding(number, path, kind)
        for number, line in enumerate(lines, 1)
        if line.strip()
        for path, kind in dict.fromkeys(search.line(line.rstrip("\r\n")))
    ]


class _Members(list["tuple[str, Any]"]):
    """A JSON object as it was written: a name may stand twice in it."""


class _Search:
    def __init__(self, rules: Rules) -> None:
        self._known = frozenset(secret for secret in rules.secrets if len(secret) >= suspicion.SHORTEST)
        self._fields = frozenset(rules.secrets)
        self._allowed = frozenset(rules.allow)
        self._names: dict[str, tuple[Kind, ...]] = {}
        self._room = Room()
        self._judge = suspicion.Judge(map(plain, rules.secret_names), map(plain, rules.plain_names))

    def line(self, line: str) -> Iterator[tuple[str, Kind]]:
        """What is found in one line, with its place."""
        self._room.widen(line)
        document = _parsed(line)
        if document is None:
            yield from self._string(line, "$", "")
        else:
            yield from self._walk(document, "$", "", secret=False)

    def _walk(self, value: Any, path: str, name: str, *, secret: bool) -> Iterator[tuple[str, Kind]]:
        if isinstance(value, _Members):
            for inner, item in value:
                speaks = self._of_name(inner)
                place = f"{path}.{inner if not speaks and _SHOWN.fullmatch(inner) else '*'}"
                for kind in speaks:
                    yield place, kind
                hides = self._judge.is_secret(inner) or (secret and plain(inner) not in PLAIN)
                yield from self._walk(item, place, inner, secret=hides)
        elif isinstance(value, list):
            for number, item in enumerate(cast("Iterable[Any]", value)):
                yield from self._walk(item, f"{path}[{number}]", name, secret=secret)
        elif isinstance(value, str):
            if self._is_told(PLACEHOLDER.sub(_GONE, value), name, secret=secret):
                yield path, "name"
            yield from self._string(value, path, name)
        elif self._is_secret_number(value, name, secret=secret):
            yield path, "name"

    def _is_told(self, value: str, name: str, *, secret: bool) -> bool:
        """Whether the name of `value` says that it is a secret, and it is not hidden."""
        if secret:
            return not suspicion.is_harmless(value, _GONE)
        return self._judge.may_be_secret(name) and not suspicion.is_word(value, _GONE)

    def _is_secret_number(self, value: object, name: str, *, secret: bool) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        long = len(str(value)) >= _FEWEST_DIGITS
        return str(value) in self._fields or (secret and long and self._judge.is_numeric(name))

    def _string(self, text: str, path: str, name: str) -> Iterator[tuple[str, Kind]]:
        if text in self._allowed:
            return
        if PLACEHOLDER.sub("", text) and text in self._fields:
            yield path, "known"
        try:
            for depth, view in enumerate(views(PLACEHOLDER.sub(_GONE, text), self._room)):
                yield from self._view(PLACEHOLDER.sub(_GONE, view), path, "" if depth else name, first=depth == 0)
        except TooMuch:
            yield path, "unread"

    def _view(self, view: str, path: str, name: str, *, first: bool) -> Iterator[tuple[str, Kind]]:
        if any(secret in view for secret in self._known):
            yield path, "known"
        if suspicion.has_shape(view):
            yield path, "pattern"
        if self._judge.names_secret(view, _GONE):
            yield path, "name"
        inner = _parsed(view)
        if inner is not None:
            yield from self._walk(inner, path, "", secret=False)
        elif (first and not is_named_random(name) and any(random_words(view, self._allowed))) or suspicion.draws(
            view, self._allowed
        ):
            yield path, "entropy"

    def _of_name(self, name: str) -> tuple[Kind, ...]:
        """What speaks for a name being a secret itself: then it stands in no path."""
        if name not in self._names:
            self._names[name] = tuple(kind for _, kind in self._string(name, "", ""))
        return self._names[name]


def _parsed(text: str) -> Any:
    """The object or list that `text` is, or None."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text, object_pairs_hook=_Members)
    except (ValueError, RecursionError):
        return None
