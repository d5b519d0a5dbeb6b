"""A reply being written: values put at the places where `bide.dialects.places` would look for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote, urlencode

from bide.dialects.places import ANY, EVERY, NONE, TEXT, Facts, keys
from bide.document import JSON, at
from bide.messages import Headers, Response


@dataclass(slots=True)
class Draft:
    """A reply to be; without a `document` its body is the plain `text`, if there is one."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    document: JSON = None
    text: str | None = None

    def response(self) -> Response:
        """The reply as it stands."""
        if self.document is None:
            return Response(self.status, Headers.of(self.headers), (self.text or "").encode())
        named = [*self.headers] if self._has("content-type") else [*self.headers, ("content-type", "application/json")]
        return Response(self.status, Headers.of(named), json.dumps(self.document).encode())

    def put(self, place: str, value: JSON) -> None:
        """Write `value` at a place, over whatever stands in the way."""
        if place == "#":
            self.status = int(str(value))
        elif place[:1] == "@":
            name, bar, reading = place[1:].partition("|")
            old = next((line[1] for line in self.headers if line[0] == name.lower()), None)
            self._drop(name)
            self.headers.append((name.lower(), str(_with(old, keys(bar + reading), value))))
        elif keys(place)[:1] == (TEXT,):
            self.text = str(_with(self.text, keys(place)[1:], value))
        else:
            self.document = _with(self.document, keys(place), value)

    def put_first(self, places: Iterable[str], value: JSON) -> None:
        """Write `value` at the first of the places that is free; nowhere, if none is."""
        place = next((place for place in places if self.is_free(place)), None)
        if place is not None:
            self.put(place, value)

    def put_progress(self, place: str, full: str, progress: float) -> None:
        """Write a figure that is `progress` (0 to 1) of `full`, which is a figure or the place of one."""
        try:
            whole = float(full)
        except ValueError:
            whole = 100.0
            self.put(full, 100)
        done = progress * whole
        self.put(place, int(done) if done == int(done) else done)

    def is_free(self, place: str) -> bool:
        """Whether a value fits there and none stands there yet."""
        if place == "#" or place[:1] == "@":
            return place != "#" and not self._has(place[1:].partition("|")[0].lower())
        path = keys(place)
        if path[:1] == (TEXT,):
            return self.document is None and self.text is None
        above = (at(self.document, path[:depth]) for depth in range(len(path)))
        return at(self.document, path) is None and all(item is None or isinstance(item, dict | list) for item in above)

    def make_say(self, place: str, words: Sequence[str]) -> None:
        """Let one of `words` stand at a place, unless one does already."""
        if Facts(self.response()).says(place, words):
            return
        word = next((word for word in words if word != NONE), NONE)
        if word == NONE:
            self._clear(place)
        else:
            self.put(place, example(word))

    def _clear(self, place: str) -> None:
        if place[:1] == "@":
            self._drop(place[1:].partition("|")[0])
        elif place == "":
            self.document = None
        elif place != "#":
            self.document = _with(self.document, keys(place), None)

    def _drop(self, name: str) -> None:
        self.headers = [line for line in self.headers if line[0] != name.lower()]

    def _has(self, name: str) -> bool:
        return any(line[0] == name for line in self.headers)


def example(word: str) -> JSON:
    """A value that a word of a declaration stands for: `*` is any text, `true` a boolean, digits a figure."""
    if word in ("true", "false"):
        return word == "true"
    if word.isascii() and word.isdigit() and str(int(word)) == word:
        return int(word)
    return "any" if word == ANY else word.replace("*", "").replace("?", "x") or "any"


def _with(document: JSON, path: Sequence[str], value: JSON) -> JSON:
    if not path:
        return value
    key, rest = path[0], path[1:]
    if key[:1] in ("|", "[", "\\") or key == EVERY:
        return _made(document, key, rest, value)
    digits = key.removeprefix("-")
    if digits.isascii() and digits.isdigit() and not isinstance(document, dict):
        items = [*document] if isinstance(document, list) else []
        items += [None] * (int(digits) + (digits == key) - len(items))
        number = int(digits) if digits == key else len(items) - int(digits)
        items[number] = _with(items[number], rest, value)
        return items
    members = {**document} if isinstance(document, dict) else {}
    members[key] = _with(members.get(key), rest, value)
    return members


def _made(document: JSON, step: str, rest: Sequence[str], value: JSON) -> JSON:
    """What a step that is no plain key reads `value` from: one item for all, a text for what is read in it."""
    old = at(document, ("0",)) if step == EVERY else at(document, (step,))
    inner = _with(old, rest, value)
    if step == EVERY:
        return [inner]
    if step[0] == "\\":
        return {**(document if isinstance(document, dict) else {}), step[1:]: inner}
    if step[0] == "[":
        name, _, word = step[1:-1].partition("=")
        others = [one for one in document if one is not old] if isinstance(document, list) else []
        return [*others, _with(inner, name.split("."), word)]
    return _WRITERS[step](inner) if step in _WRITERS else inner


def _path(segments: JSON) -> str:
    return "/".join("x" if one is None else quote(str(one), safe="") for one in cast("list[JSON]", segments))


def _links(targets: JSON) -> str:
    return ", ".join(f'<{target}>; rel="{name}"' for name, target in cast("dict[str, JSON]", targets).items())


#: The reverse of `bide.document.READERS`.
_WRITERS: dict[str, Callable[[JSON], str]] = {
    "|json": json.dumps,
    "|path": _path,
    "|query": lambda parameters: f"?{urlencode(cast('dict[str, str]', parameters))}",
    "|link": _links,
}
