"""The ways in which a declaration lets a vendor say something: by a sign, by a word, or by saying nothing special."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from bide.dialect import Asked, Phase
from bide.dialects.places import NONE, Places, Sign
from bide_transports.testing.naming import Naming
from bide_transports.testing.voice import Said

REFUSALS = {
    Phase.MISSING: 404,
    Phase.GONE: 410,
    Phase.UNAUTHORISED: 401,
    Phase.UNPAID: 402,
    Phase.CONFLICT: 409,
    Phase.REFUSED: 400,
    Phase.LIMITED: 429,
    Phase.TRANSIENT: 503,
}
_CODES = {"2xx": (200, 202, 201), "3xx": (303,), "4xx": (400, 422), "5xx": (500,)}
_2XX: dict[Asked, tuple[int, ...]] = {"submit": (201, 200, 202), "fetch": (200, 201)}  # a fetched 202 is no result


class Way(NamedTuple):
    """One way to say something: the status codes it may have, what must stand where, and who says so."""

    codes: tuple[int, ...]
    when: tuple[tuple[str, Places], ...]
    source: str


@dataclass(frozen=True, slots=True)
class Ways:
    """All ways of a vendor who names its jobs like `naming`."""

    naming: Naming

    def of(self, said: Said) -> Iterator[Way]:
        """Every way to say this, the declared ones first."""
        if not said.word:
            yield from self.declared(said)
            yield from self._undeclared(said)
        elif self._holds_a_word(said):
            yield self._by_word(said, said.word, "a word that is not in `phases`")

    def _undeclared(self, said: Said) -> Iterator[Way]:
        """What needs no declaration: refusals by status code, results that are fetched, words that nobody knows."""
        if said.phase in REFUSALS:
            yield Way((REFUSALS[said.phase],), (), f"the status code {REFUSALS[said.phase]}")
        elif said.phase is Phase.SUCCEEDED and said.asked == "fetch":
            yield Way((200,), (), "a reply to fetch")
        elif said.phase is Phase.FAILED and said.asked == "reason":
            yield Way((200,), (), "a reply to reason")
        elif said.phase is Phase.UNFINISHED:
            if self._holds_a_word(said):
                yield self._by_word(said, "running", "a word that is not in `phases`")
            if said.asked in ("submit", "cancel") or (said.asked == "fetch" and not self._holds_a_word(said)):
                yield Way((202, 200), (), "the status code 202")

    def _by_word(self, said: Said, word: str, source: str) -> Way:
        place = self._status
        if place is None or place == "#":
            return Way(_codes(word, said.asked), (), source)
        return Way(_codes("2xx", said.asked), ((place, (word,)),), source)

    def _holds_a_word(self, said: Said) -> bool:
        """Whether the reply holds a status word.

        A reply to `fetch` is the result. Where no sign tells how one looks that is not ready, expect the worst: the
        same document that a look is answered with.
        """
        declared = self.naming.dialect.declaration
        if said.asked == "reason":
            return False
        if said.asked == "fetch" and (
            said.phase is Phase.SUCCEEDED or any("fetch" in sign.asked for sign in declared.signs)
        ):
            return False
        return self._status not in (None, "#")

    def _may_show(self, sign: Sign, said: Said) -> bool:
        """Whether this voice can give such a reply, which shows nothing that it keeps to itself and needs no other.

        Where the result lies elsewhere than in the job, no sign of a look can say that it is here.
        """
        if sign.here and said.record.apart and said.asked in ("poll", "confirm"):
            return False
        hidden = any(place in sign.when and NONE not in sign.when[place] for place in self.naming.untold)
        handle = None if said.asked == "submit" else self.naming.handle(said.record)
        link = self.naming.dialect.requests.asked_link(said.asked, handle)
        return not hidden and not sign.after and (not sign.links or link in sign.links)

    def declared(self, said: Said) -> Iterator[Way]:
        """The signs and words that the declaration has for a phase in a reply to this question."""
        declared = self.naming.dialect.declaration
        for count, sign in enumerate(declared.signs, start=1):
            if sign.phase is said.phase and said.asked in sign.asked and self._may_show(sign, said):
                for pattern, (when, words) in product(sign.http, _alternatives(sign)):
                    source = f"sign {count} of {len(declared.signs)} (HTTP {pattern}{words})"
                    yield Way(_codes(pattern, said.asked), when, source)
        if self._holds_a_word(said) or (self._status == "#" and said.asked not in ("fetch", "reason")):
            for word, phase in declared.phases.items():
                if phase is said.phase:
                    yield self._by_word(said, word, f"the word {word!r} in `phases`")

    @property
    def _status(self) -> str | None:
        """Where the status word stands."""
        return next(iter(self.naming.chosen(self.naming.dialect.declaration.status)), None)


def _alternatives(sign: Sign) -> Iterator[tuple[tuple[tuple[str, Places], ...], str]]:
    """What may stand where: the first word of each place, then each other word with the first ones of the rest."""
    first = {place: words[:1] for place, words in sign.when.items()}
    yield tuple(first.items()), ""
    for place, words in sign.when.items():
        for word in words[1:]:
            yield tuple({**first, place: (word,)}.items()), f", {place}: {word}"


def _codes(pattern: str, asked: Asked) -> tuple[int, ...]:
    if pattern == "2xx" and asked in _2XX:
        return _2XX[asked]
    if pattern in _CODES:
        return _CODES[pattern]
    return (int(pattern),) if pattern.isascii() and pattern.isdigit() else (200,)  # one that no reply can have
