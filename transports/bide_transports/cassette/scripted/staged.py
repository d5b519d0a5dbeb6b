"""A script on stage: the service that it tells of, answering in memory, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from bide.dialect import Asked, Dialect, Phase
from bide.errors import InvalidSetting
from bide.messages import Headers, NoResponse, Order, Reply, Request, Response
from bide_transports.emulator.limits import Window
from bide_transports.emulator.memory import VirtualClock
from bide_transports.emulator.replies import stamped
from bide_transports.emulator.variants import Variants
from bide_transports.testing.fake import is_like
from bide_transports.testing.marks import FILE, JOB, SIGNATURE
from bide_transports.testing.rehearsal import ELSEWHERE
from bide_transports.testing.scenario import Turn
from bide_transports.testing.voice import Contradiction, NotApplicable, Question, Record, Said, Voice
from bide_transports.testing.wording import told

if TYPE_CHECKING:
    from bide_transports.cassette.scripted.script import Script

_QUESTIONS: Final[tuple[Asked, ...]] = ("fetch", "poll", "cancel", "reason")
_ENDS: Final = (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED)


@dataclass(frozen=True, slots=True)
class Worded:
    """`voice`, with this status word and this output in place of its own."""

    voice: Voice
    word: str
    answer: str

    def request(self, question: Question, record: Record) -> Request:
        """As the voice makes it."""
        return self.voice.request(question, record)

    def reply(self, said: Said) -> Response:
        """As the voice says it, in these words."""
        answer = self.answer if said.answer else ""
        word = self.word if said.asked != "fetch" else ""
        return self.voice.reply(replace(said, word=word or said.word, answer=answer))


@dataclass(slots=True)
class Stage:
    """Plays `script` for one job of `order`; `exchange` moves `clock`. `submitted` holds each key that arrived.

    Raises `InvalidSetting` where the vendor has no words for what the script says.
    """

    script: Script
    dialect: Dialect
    voice: Voice
    order: Order
    clock: VirtualClock
    began: float | None = None
    cancelled: bool = False
    submitted: list[str | None] = field(default_factory=list[str | None])
    record: Record = field(init=False)
    _start: float = field(init=False)
    _struck: list[int] = field(init=False)
    _window: Window | None = None

    def __post_init__(self) -> None:
        address = f"{self.dialect.origin}/waiting/{JOB}?signature={SIGNATURE}"
        self.record = Record(self.order, JOB, address, ELSEWHERE, apart=True)
        self._start = self.clock.now()
        self._struck = [0] * len(self.script.mishaps)

    def exchange(self, request: Request) -> Reply:
        """What the service answers, or why nothing comes back."""
        started = self.clock.now()
        reply = self._reply(request, started + self.script.seconds / 2)
        self.clock.sleep_until(started + self.script.seconds)
        return reply

    def _reply(self, request: Request, now: float) -> Reply:
        for n, mishap in enumerate(self.script.mishaps):
            due = now - self._start >= mishap.at and self._struck[n] < mishap.times
            if due and (mishap.on is None or self._is(mishap.on, request)):
                self._struck[n] += 1
                if mishap.arrives:
                    self._heard(request, now)
                return self._dated(mishap.reply, now)
        return self._heard(request, now)

    def _dated(self, reply: Reply, now: float) -> Reply:
        return reply if isinstance(reply, NoResponse) else stamped(reply, now + self.script.ahead)

    def _heard(self, request: Request, now: float) -> Reply:
        headers: tuple[tuple[str, str], ...] = ()
        if self.script.quota is not None:
            self._window = self.script.quota.take(self._window, now)
            headers = self._window.headers(Variants(skew=self.script.ahead), now)
            if not self._window.admitted:
                return stamped(Response(429, Headers.of(headers)), now + self.script.ahead)
        try:
            return stamped(self._said(request, now), now + self.script.ahead, headers)
        except (NotApplicable, Contradiction) as problem:
            raise InvalidSetting(f"{self.dialect.name} cannot say what the script tells: {problem}") from None

    def _said(self, request: Request, now: float) -> Response:
        if self._is("file", request):
            return Response(200, Headers.of([("content-type", "image/png")]), FILE)
        question: Asked | None = next((one for one in _QUESTIONS if self._is(one, request)), None)
        if question is None and request.method != self.voice.request("submit", self.record).method:
            return Response(404)
        if question is None:
            self._submit(request, now)
            return self._told("submit", now)
        self.began = now if self.began is None else self.began
        return self._told(question, now)

    def _is(self, question: Question, request: Request) -> bool:
        try:
            return is_like(request, self.voice.request(question, self.record))
        except NotApplicable:
            return False

    def _submit(self, request: Request, now: float) -> None:
        self.submitted.append(Headers.of(request.headers).get("idempotency-key"))
        self.began = now if self.began is None else self.began

    def _told(self, asked: Asked, now: float) -> Response:
        state, phase = self.script.at(now - (self.began or now), self.dialect)
        word = "" if self.cancelled else state.word
        over = phase in _ENDS
        if asked == "cancel":
            self.cancelled = self.cancelled or not over
            turn = Turn(Phase.CONFLICT) if over else Turn()
            return told(self.voice, asked, turn, self.record)
        if asked == "submit":
            turn = Turn(phase, code=self.script.code, headers=self.script.headers)
        elif self.cancelled:
            turn = Turn(Phase.CANCELLED)
            asked = "confirm" if asked == "poll" else asked
        else:
            turn = Turn(phase, progress=state.progress if phase is Phase.UNFINISHED else None)
        reply = told(Worded(self.voice, word, self.script.answer), asked, turn, self.record)
        return Response(reply.status, Headers.of([*reply.headers, *turn.headers]), reply.body)
