"""Where in a reply a value stands, and what it means there: the vocabulary of declared dialects.

A *place* is text: `urls.get` are keys of the JSON body, one after the other (digits count in a list), the empty
text is the whole body; `@location` is a header field; `#` the status code. A *word* is what may stand there,
regardless of case: `*` stands for any text within it. Alone, `*` is any value but an empty one, and `!` is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeAlias

from bide.dialects import Asked, Phase
from bide.document import JSON, at, parse
from bide.messages import Response

Places: TypeAlias = tuple[str, ...]
ANY, NONE = "*", "!"
#: The requests whose replies speak of the job; the reply to a fetch is the result itself, unless a sign says more.
ABOUT_THE_JOB: tuple[Asked, ...] = ("submit", "poll", "cancel", "confirm")
ANY_REQUEST: tuple[Asked, ...] = (*ABOUT_THE_JOB, "fetch")


@dataclass(frozen=True, slots=True)
class Sign:
    """What a reply means when all of `when` holds: at each place one of its words.

    It counts in replies with one of the status codes in `http` (`2xx` for all of them) to one of the requests in
    `asked`; `confirm` is the look at a job after the service took its cancellation. With `links` it counts only
    where the request took its address from one of them: what a code means may depend on which one was asked.
    A sign of success may say that the result lies `here`, in this very reply: then nothing is fetched.
    """

    phase: Phase
    when: Mapping[str, Places] = field(default_factory=dict[str, Places])
    http: Places = ("2xx",)
    asked: tuple[Asked, ...] = ABOUT_THE_JOB
    links: Places = ()
    here: bool = False

    def holds(self, facts: Facts, asked: Asked, link: str = "") -> bool:
        """Whether this reply to `asked`, at the address of that link, shows the sign."""
        return (
            asked in self.asked
            and (not self.links or link in self.links)
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
        """What stands at a place, None where nothing does."""
        if place[:1] == "@":
            return self._response.headers.get(place[1:].lower())
        if place == "#":
            return str(self._response.status)
        return at(self.document, keys(place))

    def lines(self, name: str) -> tuple[str, ...]:
        """All lines of a header field; `name` is lower-case."""
        return self._response.headers.every(name)

    def first(self, places: Iterable[str]) -> str | None:
        """The first text or figure that stands at one of the places."""
        return next((word for place in places if (word := _word(self.value(place)))), None)

    def says(self, place: str, words: Iterable[str]) -> bool:
        """Whether one of the words stands at the place."""
        value = self.value(place)
        word = _word(value)
        return any(_fits(pattern, word, empty=_is_empty(value)) for pattern in words)

    def has_code(self, pattern: str) -> bool:
        """Whether the status code is this one, or of this class (`2xx`)."""
        code = str(self._response.status)
        return pattern == code or (pattern[1:] == "xx" and pattern[:1] == code[:1] and len(code) == 3)


def keys(place: str) -> tuple[str, ...]:
    """The keys that lead to a place in the body."""
    return tuple(place.split(".")) if place else ()


def _word(value: JSON) -> str:
    """A text or figure as the word it is compared by; nothing else is one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


def _fits(pattern: str, word: str, *, empty: bool) -> bool:
    if pattern in (ANY, NONE):
        return empty is (pattern == NONE)
    return fnmatchcase(word.lower(), re.sub(r"[?\[]", r"[\g<0>]", pattern.lower()))


def _is_empty(value: JSON) -> bool:
    return value is None or value is False or value in ("", [], {})
