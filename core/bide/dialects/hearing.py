"""One reply to a declared dialect, understood.

What a vendor's own client gets wrong is decided here once, for all of them: a job that cannot be followed is not
done, an address is resolved against the one that was asked, a result is taken only from a reply that says "done",
and a reply about another job is not understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from bide.dialects import Asked, Phase, Reading
from bide.dialects.calls import is_link
from bide.dialects.http import refusal
from bide.dialects.places import Facts, keys
from bide.document import JSON, number, strings, text
from bide.handles import COOKIE, ID, STATUS, handle_of, links
from bide.messages import Order, Response
from bide.result import Problem, Result
from bide.secret import redact
from bide.urls import may_follow, origin

if TYPE_CHECKING:
    from bide.dialects.declared import Declared

ASKED_ADDRESS = "~"
_ENDS_BADLY = (Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED)
_ABOUT_THE_JOB = (Phase.UNFINISHED, Phase.SUCCEEDED, *_ENDS_BADLY)


@dataclass(slots=True)
class Hearing:
    """`response` to what `dialect` `asked` of `handle`, or of a submission of `order`."""

    dialect: Declared
    response: Response
    asked: Asked
    handle: str | None
    order: Order | None
    facts: Facts = field(init=False)
    word: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.facts = Facts(self.response)
        self.word = self.facts.first(self.dialect.declaration.status)

    def reading(self) -> Reading:
        """What the reply says."""
        phase = Phase.UNREADABLE if self._is_about_another() or self._is_page() else self._phase()
        fine = self._is_fine() and phase in (Phase.UNFINISHED, Phase.SUCCEEDED)
        problem = None if fine else self._problem(phase)
        if phase not in _ABOUT_THE_JOB:
            return Reading(phase, self.handle, problem=problem, wait=self._wait())
        moved = self.handle if self.asked == "fetch" else self._moved(phase)
        result = self._result(moved) if phase is Phase.SUCCEEDED else None
        return Reading(phase, moved, text(self.word) or "", self._progress(), result, problem, wait=self._wait())

    def _is_fine(self) -> bool:
        return 200 <= self.response.status < 300

    def _is_about_another(self) -> bool:
        """Whether the reply names another job than the one asked about: caches mix replies up."""
        known = links(self.handle).get(ID) if self.handle else None
        told = self.facts.first(self.dialect.declaration.id)
        return self._is_fine() and self.asked != "fetch" and None not in (known, told) and known != told

    def _is_page(self) -> bool:
        """Whether this is a page for people where JSON was asked for: a portal or a proxy in place of the API."""
        asked_for_json = ("accept", "application/json") in self.dialect.declaration.headers
        answered = self.response.status == 200 and self.response.body and not self.facts.is_json
        return bool(asked_for_json and answered) and self.facts.says("@content-type", ("text/html*",))

    def _phase(self) -> Phase:
        link = self.dialect.asked_link(self.asked, self.handle)
        for sign in self.dialect.declaration.signs:
            if sign.holds(self.facts, self.asked, link):
                return sign.phase
        if not self._is_fine():
            return refusal(self.response.status, retryable=None, asked=self.asked)
        if self.asked == "fetch":
            return Phase.UNFINISHED if self.response.status == 202 else Phase.SUCCEEDED
        if self.word is not None:
            spoken = {word.lower(): phase for word, phase in self.dialect.declaration.phases.items()}
            return spoken.get(self.word.lower(), Phase.UNFINISHED)
        return Phase.UNFINISHED if self.asked == "submit" else Phase.UNREADABLE

    def _moved(self, phase: Phase) -> str | None:
        """The handle with what this reply says of it; None where the job could not be polled with it."""
        parts, submitted = links(self.handle) if self.handle else {}, self.asked == "submit"
        told = self.facts.first(self.dialect.declaration.id)
        if submitted and told is not None:
            parts[ID] = told
        for name, places in self.dialect.declaration.links.items():
            if name == STATUS and not submitted and phase is not Phase.UNFINISHED:
                continue  # what a finished reply points to is not where the job is polled
            url = next((url for place in places if (url := self._link(place))), None)
            if url is not None:
                parts[name] = url
        cookies = self._cookies(parts.get(COOKIE, ""))
        if cookies:
            parts[COOKIE] = cookies
        handle = handle_of(parts)
        return handle if handle is not None and self.dialect.finds(self.dialect.declaration.poll, handle) else None

    def _link(self, place: str) -> str | None:
        if place == ASKED_ADDRESS:
            return self._url() if self.asked == "submit" else None
        return self._followed(self.facts.value(place))

    def _followed(self, said: JSON) -> str | None:
        """An address in the reply, whole; None for one that must not be followed."""
        if not isinstance(said, str) or not said:
            return None
        try:
            url = said if "://" in said else urljoin(self._url(), said)
        except ValueError:
            return None
        return url if may_follow(url, self.dialect.base_url) else None

    def _url(self) -> str:
        return self.dialect.asked_url(self.asked, self.handle, self.order)

    def _result(self, handle: str | None) -> Result | None:
        """The result in this reply; None where it must be fetched from elsewhere."""
        if self.asked != "fetch" and handle and self._lies_elsewhere(handle):
            return None
        if not self.facts.is_json:  # no document but a file, to be had again at its address
            return Result(handle or "", (self._url(),) if self.response.body else ())
        places = self.dialect.declaration.output
        place = next((place for place in places if self.facts.value(place) is not None), None)
        raw = self.response.body.decode("utf-8-sig")
        path = None if place is None else keys(place)
        return Result(handle or "", tuple(dict.fromkeys(self._files())), raw=raw, place=path)

    def _lies_elsewhere(self, handle: str) -> bool:
        """Whether there is a result to fetch, by another request than the one that this is the reply to."""
        declared, known = self.dialect.declaration, self.handle or ""
        if not self.dialect.finds(declared.fetch, handle):
            return False
        looked = self.asked in ("poll", "confirm") and self.dialect.finds(declared.poll, known)
        return not looked or self.dialect.poll(known) != self.dialect.fetch(handle)

    def _files(self) -> Iterator[str]:
        declared = self.dialect.declaration
        by_address = any(map(is_link, declared.file.urls))
        for said in (said for place in declared.files for said in strings(self.facts.value(place))):
            if may_follow(said, self.dialect.base_url) if by_address else said:
                yield said

    def _problem(self, phase: Phase) -> Problem:
        declared, facts = self.dialect.declaration, self.facts
        word = self.word if phase in _ENDS_BADLY else None
        code = facts.first(declared.code) or (word.upper() if word else f"HTTP_{self.response.status}")
        said = facts.first(declared.message) or ""
        if not facts.is_json:
            said = self.response.body[:200].decode("utf-8", "replace")
        request_id = text(facts.first(declared.request_id))
        return Problem(text(redact(code)) or "", text(redact(said)) or "", None, request_id)

    def _progress(self) -> float | None:
        declared = self.dialect.declaration
        if declared.progress is None:
            return None
        done = _figure(self.facts.value(declared.progress))
        full = _figure(declared.full) or _figure(self.facts.value(declared.full))
        return done / full if done is not None and full and 0 <= done <= full else None

    def _wait(self) -> float | None:
        milliseconds = _figure(self.facts.first(self.dialect.declaration.wait_ms))
        return milliseconds / 1000 if milliseconds is not None and milliseconds >= 0 else None

    def _cookies(self, known: str) -> str:
        """The declared cookies as the next request sends them (RFC 6265, 5.4); only the API's own are taken."""
        wanted = self.dialect.declaration.cookies
        if not wanted or origin(self._url()) != self.dialect.origin:
            return known
        jar = dict(pair.split("=", 1) for pair in known.split("; ") if "=" in pair)
        for line in self.facts.lines("set-cookie"):
            name, equals, value = line.partition(";")[0].strip().partition("=")
            if equals and name in wanted and value.isascii() and value.isprintable():
                jar[name] = value
        return "; ".join(f"{name}={value}" for name, value in jar.items())


def _figure(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value[:40])
        except ValueError:
            return None
    return number(value)
