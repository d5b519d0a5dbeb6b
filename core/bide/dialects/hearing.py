"""One reply to a declared dialect, understood.

What a vendor's own client gets wrong is decided here once, for all of them: a job that cannot be followed is not
done, an address is resolved against the one that was asked, a result is taken only from a reply that says "done",
and a reply about another job is not understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from json import dumps

from bide.cookies import told_cookies, with_cookies
from bide.dialect import Asked, Phase, Reading
from bide.dialects.calls import is_link, is_sayable, link_of
from bide.dialects.http import another_job, excerpt, refusal
from bide.dialects.outputs import files_in
from bide.dialects.places import ANY, Facts, Sign, fits, keys, verdict
from bide.dialects.requests import Requests
from bide.document import JSON, number, text, word_of
from bide.handles import ID, SEEN, STATUS, handle_of, links, same_id
from bide.messages import Order, Request, Response
from bide.references import whole, why_unfit
from bide.result import Problem, Refused, Result
from bide.secret import redact
from bide.urls import origin

ASKED_ADDRESS = "~"
_PAGES = ("text/html", "application/xhtml+xml")
_LONGEST = 1000  # characters of a service's words that are looked at to be shown
_ENDS_BADLY = (Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED)
_ASIDE = ("fetch", "reason")  # the reply is the result, or tells of the failure: neither finds the job again
_ABOUT_THE_JOB = (Phase.UNFINISHED, Phase.SUCCEEDED, *_ENDS_BADLY)


@dataclass(slots=True)
class Hearing:
    """`response` to what `dialect` `asked` of `handle`, or of a submission of `order`; at `url`, if not its own."""

    dialect: Requests
    response: Response
    asked: Asked
    handle: str | None
    order: Order | None
    url: str | None = None
    facts: Facts = field(init=False)
    word: str | None = field(init=False, default=None)
    spoken: Phase | None = field(init=False, default=None)  # what the word means
    sign: Sign | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.facts = Facts(self.response)
        words = self.facts.words(self.dialect.declaration.status)
        if words is not None:
            self.spoken, self.word = verdict(words, self.dialect.declaration.phases)

    def reading(self) -> Reading:
        """What the reply says."""
        another = self._another_job()
        phase = Phase.UNREADABLE if another or self._is_page() else self._phase()
        if phase is Phase.SUCCEEDED and not self._is_whole():
            phase = Phase.UNREADABLE
        cookies = self._cookies()
        known = self.handle and with_cookies(self.handle, cookies)
        fine = self._is_fine() and phase in (Phase.UNFINISHED, Phase.SUCCEEDED)
        problem = another if fine or another else self._problem(phase)
        if phase not in _ABOUT_THE_JOB or self.asked == "reason":
            return Reading(phase, known, problem=problem, wait=self._wait(), cookies=cookies)
        moved = known if self.asked == "fetch" else self._moved(phase, cookies)
        result = self._result(moved) if phase is Phase.SUCCEEDED else None
        status, expires = text(self.word) or "", text(self.facts.first(self.dialect.declaration.expires))
        return Reading(phase, moved, status, self._progress(), result, problem, None, expires, self._wait(), cookies)

    def _is_fine(self) -> bool:
        return 200 <= self.response.status < 300

    def _another_job(self) -> Problem | None:
        """That the reply names another job than the one that was asked about by its id."""
        if not self._is_fine() or self.asked in _ASIDE or not self.handle:
            return None
        known, told = links(self.handle).get(ID), self.facts.first(self.dialect.declaration.id)
        if known is None or told is None or same_id(known, told):
            return None
        return another_job(told, known) if self.dialect.asks_by_id(self.asked, self.handle) else None

    def _is_here(self) -> bool:
        """Whether it is declared that the result lies in this very reply."""
        return self.sign is not None and self.sign.here

    def _asks_for_json(self) -> bool:
        return ("accept", "application/json") in self.dialect.declaration.headers

    def _is_page(self) -> bool:
        """Whether this is a page for people where JSON was asked for: a portal or a proxy in place of the API."""
        answered = self.response.status == 200 and self.response.body and not self.facts.is_json
        return bool(answered) and self._asks_for_json() and self._type() in _PAGES

    def _type(self) -> str:
        """The media type of the body, in lower case and without parameters."""
        return (self.response.headers.get("content-type") or "").partition(";")[0].strip().lower()

    def _is_file(self) -> bool:
        """Whether the body is plainly something else than JSON that was cut, or a page or a line in its place."""
        kind = self._type()
        if self.facts.is_json and (self.asked != "fetch" or kind.endswith("octet-stream")):
            return False
        said = kind not in ("", "text/plain", *_PAGES) and "json" not in kind.replace("jsonl", "").replace("ndjson", "")
        return said and bool(self.response.body)

    def _is_whole(self) -> bool:
        """Whether a reply that says "done" is what it should be: nobody asked for a part (RFC 9110, 15.3.7)."""
        if self.response.status in (204, 206):
            return self.response.status == 204 and (self.sign is not None or self.asked != "fetch")
        if self._is_here() and not self.response.body:
            return True
        if self.asked != "fetch":
            return self.facts.is_json or "json" not in self._type() or not self.response.body or self._is_file()
        brings, kind = self.dialect.brings, self._type()
        if brings == "json":
            return self.facts.is_json or self._is_file()
        if self._led_elsewhere():
            return True
        return bool(self.response.body) and (kind not in _PAGES or not self._asks_for_json())

    def _phase(self) -> Phase:
        link = self.dialect.asked_link(self.asked, self.handle)
        seen = links(self.handle).get(SEEN, "") if self.handle else ""
        for sign in self.dialect.declaration.signs:
            if sign.holds(self.facts, self.asked, link, seen):
                self.sign = sign
                return sign.phase
        if self.asked == "fetch" and self._led_elsewhere():
            return Phase.SUCCEEDED
        if not self._is_fine():
            return refusal(self.response.status, retryable=None, asked=self.asked)
        if self.asked == "reason":
            return Phase.FAILED
        if self.asked == "fetch":
            return Phase.UNFINISHED if self.response.status == 202 else Phase.SUCCEEDED
        if self.spoken is not None:
            return self.spoken
        return Phase.UNFINISHED if self.asked == "submit" else Phase.UNREADABLE

    def _led_elsewhere(self) -> bool:
        """Whether the result is a file at another origin's address: it is downloaded from there, without the key."""
        if self.dialect.brings != "file" or self.response.status not in (301, 302, 303, 307, 308):
            return False
        url = self._followed(self.response.headers.get("location"))
        return url is not None and origin(url) != self.dialect.origin

    def _moved(self, phase: Phase, cookies: tuple[str, ...]) -> str | None:
        """The handle with what this reply says of it; None where the job could not be polled with it."""
        parts, submitted = links(self.handle) if self.handle else {}, self.asked == "submit"
        told = self.facts.first(self.dialect.declaration.id)
        if submitted and told is not None and is_sayable(told):
            parts[ID] = told
        if submitted and self.order is not None:
            parts |= self.dialect.kept(self.order)
        if self.word and any(fits(self.word, sign.after) for sign in self.dialect.declaration.signs):
            parts[SEEN] = text(self.word) or ""
        for name, places in self.dialect.declaration.links.items():
            if name == STATUS and not submitted and phase is not Phase.UNFINISHED:
                continue  # what a finished reply points to is not where the job is polled
            url = next((url for place in places if (url := self._link(place))), None)
            if url is not None:
                parts[name] = url
        handle = handle_of(parts)
        if handle is None or not self.dialect.finds(self.dialect.declaration.poll, handle):
            return None
        return with_cookies(handle, cookies)

    def _link(self, place: str) -> str | None:
        if place == ASKED_ADDRESS:
            return self._url() if self.asked == "submit" else None
        return self._followed(self.facts.value(place))

    def _followed(self, said: JSON) -> str | None:
        """An address in the reply, whole; None for one that must not be followed."""
        if not isinstance(said, str) or not said:
            return None
        try:
            url = whole(said, self._url())
        except ValueError:
            return None
        return url if is_sayable(url) and self.dialect.may_follow(url) else None

    def _url(self) -> str:
        return self.url or self.dialect.asked_url(self.asked, self.handle, self.order)

    def _result(self, handle: str | None) -> Result | None:
        """The result in this reply; None where it must be fetched from elsewhere."""
        brings = self.dialect.brings if self.asked == "fetch" else "json"
        if self.asked != "fetch" and handle and not self._is_here() and self._lies_elsewhere(handle):
            return None
        if brings == "text":
            return Result(handle or "", raw=dumps(self.response.body.decode("utf-8", "replace")), place=())
        if brings == "file" or self._is_file():  # no document but a file, to be had again at its address
            return Result(handle or "", (self._url(),))
        if not self.facts.is_json:
            return Result(handle or "", (self._url(),) if self.response.body else ())
        places = self.dialect.declaration.output
        place = next((place for place in places if self.facts.value(place) is not None), None)
        raw = self.response.body.decode("utf-8-sig")
        path = None if place is None else keys(place)
        files, refused = self._files()
        if self.asked != "fetch" and not self._is_here() and not self._is_in_hand():
            refused = (*refused, *self._unfetched())
        return Result(handle or "", files, raw=raw, place=path, refused=refused, more=self._more())

    def _more(self) -> str | None:
        """Where the rest of a list is: an address, or what the service calls the next part of it."""
        said = (self.facts.value(place) for place in self.dialect.declaration.next)
        there = next((value for value in said if word_of(value) not in ("", "false")), None)
        told = word_of(there)
        return (self._followed(told) if told[:1] in ("/", "?") or "://" in told else None) or text(told) or None

    def _lies_elsewhere(self, handle: str) -> bool:
        """Whether there is a result to fetch, by another request than the one that this is the reply to."""
        declared, known = self.dialect.declaration, self.handle or ""
        if self._is_in_hand() or not self.dialect.finds(declared.fetch, handle):
            return False
        looked = self.asked in ("poll", "confirm") and self.dialect.finds(declared.poll, known)
        return not looked or _place(self.dialect.poll(known)) != _place(self.dialect.fetch(handle))

    def _unfetched(self) -> Iterator[Refused]:
        """The addresses of the result that this reply tells and that are not asked, where there is no other."""
        declared = self.dialect.declaration
        for url in declared.fetch.urls if declared.fetch is not None else ():
            for place in declared.links.get(link_of(url), ()):
                said = self.facts.value(place)
                if isinstance(said, str) and said and place != ASKED_ADDRESS and self._followed(said) is None:
                    yield Refused(
                        said,
                        why_unfit(said, self._url(), self.dialect.base_url, private=declared.private),
                    )

    def _is_in_hand(self) -> bool:
        """Whether the output stands in this reply, in a member of its own."""
        places = self.dialect.declaration.output if self.dialect.brings == "json" else ()
        return any(place and self.facts.says(place, (ANY,)) for place in places)

    def _files(self) -> tuple[tuple[str, ...], tuple[Refused, ...]]:
        declared, dialect = self.dialect.declaration, self.dialect
        values = [self.facts.value(place) for place in declared.files]
        by_link = [is_link(url) for url in declared.file.urls]
        by_id = None if all(by_link) else dialect.locate
        size = len(self.response.body)
        return files_in(values, self._url(), dialect.why_not, by_id, by_address=any(by_link), size=size)

    def _problem(self, phase: Phase) -> Problem:
        declared, facts = self.dialect.declaration, self.facts
        word = self.word if phase in _ENDS_BADLY else None
        told = self.asked == "reason" and phase is Phase.FAILED  # of a failure that has a code already
        code = facts.first(declared.code) or ("" if told else word.upper() if word else f"HTTP_{self.response.status}")
        said = text(redact((facts.first(declared.message) or "")[:_LONGEST])) or excerpt(self.response)
        request_id = text(facts.first(declared.request_id))
        retryable = True if self.sign is not None and phase is Phase.TRANSIENT else None  # that is declared
        return Problem(text(redact(code[:_LONGEST])) or "", said, retryable, request_id)

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

    def _cookies(self) -> tuple[str, ...]:
        """What the reply says of the declared cookies; only the API's own are taken."""
        wanted = self.dialect.declaration.cookies
        if not wanted or origin(self._url()) != self.dialect.origin:
            return ()
        return told_cookies(self.facts.lines("set-cookie"), wanted, date=self.response.headers.get("date"))


def _place(request: Request) -> tuple[str, str, bytes]:
    """What tells one resource from another: cookies, which may change with every reply, do not."""
    return request.method, request.url, request.body


def _figure(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value[:40])
        except ValueError:
            return None
    return number(value)
