"""A service that plays a scenario in a vendor's voice, and notes what it saw.

It knows a request by what the vendor documents: method, address (in whatever order its query comes), and the
header lines and body without which it would be another one. All else is answered 404, and noted, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from bide.dialect import Asked, Phase
from bide.document import parse
from bide.messages import Headers, Request, Response
from bide.urls import address, origin
from bide_transports.emulator.faults import Broken
from bide_transports.emulator.replies import stamped
from bide_transports.testing.marks import FILE, KEY
from bide_transports.testing.scenario import Scenario, Turn
from bide_transports.testing.voice import Contradiction, NotApplicable, Question, Record, Voice
from bide_transports.testing.wording import moved, told

_OF_NO_ACCOUNT = ("accept", "accept-encoding")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One request at `at` (seconds since the epoch) and what came of it.

    `question` and `documented` are None for a request that the vendor does not document, `answer` where the
    connection was cut. `abroad` says that it came to another origin than the API's, `keyed` that it carried the key
    somewhere, `signed` that it did as the vendor wants it.
    """

    at: float
    question: Question | None
    request: Request
    documented: Request | None
    answer: Response | None
    turn: Turn | None
    abroad: bool
    keyed: bool
    signed: bool


class FakeService:
    """Plays `scenario` for the one job of `record`; `exchanges` tells what it saw.

    `signature` is the header line that carries the key, `quota` names the vendor's fields of limit, remaining and
    reset. Once the scenario turns out not to apply, or the voice to contradict itself, `stopped` says why, and every
    request is refused. Not thread-safe.
    """

    def __init__(
        self,
        voice: Voice,
        scenario: Scenario,
        record: Record,
        *,
        signature: tuple[str, str],
        quota: tuple[str, str, str] | None = None,
    ) -> None:
        self.exchanges: list[Exchanged] = []
        self.stopped: NotApplicable | Contradiction | None = None
        self._voice, self._scenario, self._record = voice, scenario, record
        self._signature = (signature[0].lower(), signature[1])
        self._quota = quota or ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
        self._home = origin(record.address)
        self._counts: dict[Question, int] = {}

    def handle(self, request: Request, *, now: float) -> Response | Broken:
        """The reply to `request`, or what happens on the wire instead of one."""
        if self.stopped is None:
            try:
                return self._process(request, now)
            except (NotApplicable, Contradiction) as stopped:
                self.stopped = stopped
        return stamped(Response(401), now)

    def documented(self) -> Iterator[tuple[Question, Request]]:
        """The requests that the vendor documents for the job as it stands."""
        questions: tuple[Question, ...] = ("submit", "poll", "cancel", "fetch", "reason", "file")
        for question in questions:
            with suppress(NotApplicable):
                yield question, self._voice.request(question, self._record)

    def _process(self, request: Request, now: float) -> Response | Broken:
        found = (one for one in self.documented() if is_like(request, one[1]))
        question, documented = next(found, (None, None))
        turn = None
        if question is None:
            answer: Response | Broken = stamped(Response(404), now)
        elif question == "file":
            answer = stamped(Response(200, Headers.of([("content-type", "image/png")]), FILE), now)
        else:
            asked: Asked = "confirm" if question == "poll" and "cancel" in self._counts else question
            turn = self._turn(asked)
            answer = self._answer(asked, turn, now)
        abroad = origin(request.url) != self._home
        reply = answer if isinstance(answer, Response) else None
        keyed = _carries_key(request)
        signed = self._signature in [(name.lower(), value) for name, value in request.headers]
        self.exchanges.append(Exchanged(now, question, request, documented, reply, turn, abroad, keyed, signed))
        return answer

    def _turn(self, asked: Asked) -> Turn:
        scenario = self._scenario
        turns = {
            "submit": scenario.submissions,
            "poll": scenario.looks,
            "confirm": scenario.confirmations,
            "fetch": scenario.fetches,
            "reason": (Turn(Phase.FAILED),),
            "cancel": scenario.cancels or (Turn(),),
        }[asked]
        count = self._counts[asked] = self._counts.get(asked, 0) + 1
        return turns[min(count, len(turns)) - 1]

    def _answer(self, asked: Asked, turn: Turn, now: float) -> Response | Broken:
        if isinstance(turn.instead, Response):
            return stamped(turn.instead, now)
        limit = () if turn.left is None else zip(self._quota, ("60", str(turn.left), "30"), strict=True)
        reply = stamped(told(self._voice, asked, turn, self._record), now, (*turn.headers, *limit))
        self._record = moved(self._record, turn)
        return reply if turn.instead is None else Broken(turn.instead, reply)


def is_like(request: Request, documented: Request) -> bool:
    """Whether a request is the one that is documented: nothing that belongs to it is missing or different."""
    lines = {(name.lower(), value) for name, value in request.headers}
    wanted = {(name.lower(), value) for name, value in documented.headers if name.lower() not in _OF_NO_ACCOUNT}
    return (
        request.method == documented.method
        and _whole(request.url) == _whole(documented.url)
        and wanted <= lines
        and (not documented.body or _content(request.body) == _content(documented.body))
    )


def _whole(url: str) -> tuple[str, str, list[str]] | None:
    """An address in one spelling, the order of its query aside."""
    place = address(url)
    if place is None:
        return None
    path, _, query = place.target.partition("?")
    return place.origin, path, sorted(query.split("&"))


def _content(body: bytes) -> object:
    try:
        return parse(body)
    except ValueError:
        return body


def _carries_key(request: Request) -> bool:
    return any(KEY in value for _, value in request.headers) or KEY in request.url or KEY.encode() in request.body
