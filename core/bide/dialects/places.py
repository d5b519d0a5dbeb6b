"""Where in a reply a value stands, and what it means there: the vocabulary of declared dialects.

A *place* is text: `urls.get` are keys of the JSON body, one after the other, the empty text is the whole body;
`@location` is a header field; `#` the status code; `|text` the body as plain text. In a list digits count (`-1` is the
last item), `*` is every item, `[type=Complete]` the first item with that member. After a place, `|json` reads the JSON
in a text, `|path` the segments of an address, `|query` its parameters, `|link` the links of a `Link` field. A
backslash makes the character after it part of a key.

A *word* is what may stand there, regardless of case: `*` stands for any text within it. Alone, `*` is any value but an
empty one, and `!` is none. Where a place names items, one of them must show a word; all of them, if it ends in `|all`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TypeAlias

from bide.dialect import Asked, Phase
from bide.document import JSON, at, parse, word_of
from bide.messages import Response

Places: TypeAlias = tuple[str, ...]
ANY, NONE = "*", "!"
EVERY, ALL, TEXT = "*", "|all", "|text"  # steps of a place
#: The requests whose replies speak of the job; the reply to a fetch is the result itself, unless a sign says more.
ABOUT_THE_JOB: tuple[Asked, ...] = ("submit", "poll", "cancel", "confirm")
ANY_REQUEST: tuple[Asked, ...] = (*ABOUT_THE_JOB, "fetch")

_RANKS = {Phase.FAILED: 0, Phase.EXPIRED: 1, Phase.CANCELLED: 2, Phase.UNFINISHED: 4, Phase.SUCCEEDED: 5}
_SELECTOR = r"\[[^\[\]=]+=[^\[\]]*\]"
_STEP = re.compile(rf"(\.)|({_SELECTOR}|\|[^.|\[]*)|((?:\\.|(?!{_SELECTOR})[^.|\\]|\\$)+)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sign:
    """What a reply means when all of `when` holds: at each place one of its words.

    It counts in replies with one of the status codes in `http` (`2xx` for all of them) to one of the requests in
    `asked`; `confirm` is the look at a job after the service took its cancellation. With `links` it counts only
    where the request took its address from one of them: what a code means may depend on which one was asked. With
    `after` it counts only once the job has shown one of these words at `status`: what was running and is nowhere now
    is gone. A sign of success may say that the result lies `here`, in this very reply: then nothing is fetched.
    """

    phase: Phase
    when: Mapping[str, Places] = field(default_factory=dict[str, Places])
    http: Places = ("2xx",)
    asked: tuple[Asked, ...] = ABOUT_THE_JOB
    links: Places = ()
    here: bool = False
    after: Places = ()

    def holds(self, facts: Facts, asked: Asked, link: str = "", seen: str = "") -> bool:
        """Whether this reply to `asked`, at the address of that link, shows the sign; `seen` is a word of before."""
        return (
            asked in self.asked
            and (not self.links or link in self.links)
            and (not self.after or fits(seen, self.after))
            and any(facts.has_code(code) for code in self.http)
            and all(facts.says(place, words) for place, words in self.when.items())
        )


class Facts:
    """One reply, to be asked what stands where; total over every response."""

    __slots__ = ("_response", "document", "is_json")

    def __init__(self, response: Response) -> None:
        self._response = response
        self.document: JSON = None
        try:
            self.document, self.is_json = parse(response.body), True
        except ValueError:
            self.is_json = False

    def value(self, place: str) -> JSON:
        """What stands at a place, None where nothing does; a list where the place names items."""
        if place[:1] == "@":
            name, bar, reading = place[1:].partition("|")
            lines = self.lines(name.lower())
            return at(", ".join(lines), keys(bar + reading)) if bar and lines else lines[0] if lines else None
        if place == "#":
            return str(self._response.status)
        path = keys(place)
        if path[:1] == (TEXT,):
            return at(self._response.body.decode("utf-8-sig", "replace"), path[1:])
        return at(self.document, path)

    def lines(self, name: str) -> tuple[str, ...]:
        """All lines of a header field; `name` is lower-case."""
        return self._response.headers.every(name)

    def first(self, places: Iterable[str]) -> str | None:
        """The first text or figure that stands at one of the places."""
        for place in places:
            value = self.value(place)
            for one in value if isinstance(value, list) and is_many(place) else (value,):
                word = word_of(one)
                if word:
                    return word
        return None

    def words(self, places: Iterable[str]) -> tuple[str, ...] | None:
        """The word of each item that the first place which is there names; None where none is there."""
        for place in places:
            value = self.value(place)
            if isinstance(value, list) and is_many(place):
                return tuple(map(word_of, value))
            word = word_of(value)
            if word:
                return (word,)
        return None

    def says(self, place: str, words: Iterable[str]) -> bool:
        """Whether one of the words stands at the place."""
        value = self.value(place)
        if not is_many(place):
            return _shows(value, words)
        items, patterns = value if isinstance(value, list) else [], tuple(words)
        if ALL in keys(place):
            return bool(items) and all(_shows(one, patterns) for one in items)
        return any(_shows(one, patterns) for one in items or [None])

    def has_code(self, pattern: str) -> bool:
        """Whether the status code is this one, or of this class (`2xx`)."""
        code = str(self._response.status)
        return pattern == code or (pattern[1:] == "xx" and pattern[:1] == code[:1] and len(code) == 3)


@lru_cache(maxsize=1024)
def keys(place: str) -> tuple[str, ...]:
    """The steps that lead to a place in the body, as `bide.document.at` takes them."""
    steps, is_due = list[str](), bool(place)  # a key is due at the beginning and after each dot
    for dot, special, key in _STEP.findall(place):
        if not dot:
            steps.append(special or _key(key))
        elif is_due:
            steps.append("")
        is_due = bool(dot)
    return (*steps, "") if is_due else tuple(steps)


@lru_cache(maxsize=1024)
def is_many(place: str) -> bool:
    """Whether a place names items, however many there are."""
    return EVERY in keys(place)


def verdict(words: Iterable[str], phases: Mapping[str, Phase]) -> tuple[Phase, str]:
    """The phase of a job whose parts show these words, and the word that decides.

    The bad end of one part is the job's; it has succeeded when all have. Without any part it is unfinished.
    """
    known = {word.lower(): phase for word, phase in phases.items()}
    spoken = [(known.get(word.lower(), Phase.UNFINISHED), word) for word in words]
    return min(spoken, key=lambda said: _RANKS.get(said[0], 3), default=(Phase.UNFINISHED, ""))


def fits(word: str, patterns: Iterable[str]) -> bool:
    """Whether a word, or none, is one of these."""
    return any(_fits(pattern, word, empty=not word) for pattern in patterns)


def _key(raw: str) -> str:
    """A key without its escapes, marked by a backslash where it would be taken for another kind of step."""
    key = raw if "\\" not in raw else _ESCAPED.sub(r"\1", raw)
    return f"\\{key}" if raw != EVERY and key[:1] in ("*", "[", "|", "\\") else key


def _shows(value: JSON, words: Iterable[str]) -> bool:
    word, empty = word_of(value), _is_empty(value)
    return any(_fits(pattern, word, empty=empty) for pattern in words)


def _fits(pattern: str, word: str, *, empty: bool) -> bool:
    if pattern in (ANY, NONE):
        return empty is (pattern == NONE)
    return fnmatchcase(word.lower(), re.sub(r"[?\[]", r"[\g<0>]", pattern.lower()))


def _is_empty(value: JSON) -> bool:
    return value is None or value is False or value in ("", [], {})
