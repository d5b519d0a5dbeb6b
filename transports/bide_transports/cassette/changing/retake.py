"""A lane decided anew: the core says what to ask and when, the cassette what comes back.

As long as the core asks for what was recorded, when it was recorded, everything stays as it is. From the first
request that is another one, or the same at another time, answers come by time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import bide
from bide.document import JSON, parse_object
from bide.errors import InvalidOrder
from bide.messages import Cause, NoResponse, Notice, Response
from bide.steering import before_sending
from bide_transports.cassette.changing.by_time import Answer, Answering, Asking, Timeline
from bide_transports.cassette.changing.story import Exchanged, Input, Story, Take
from bide_transports.cassette.decisions import decision
from bide_transports.cassette.redacting import Cleaner, rules_for
from bide_transports.cassette.redaction import STANDARD
from bide_transports.cassette.tape import Done, Event, Heard, InvalidCassette, Open, Send, Told
from bide_transports.cassette.tokens import opened
from bide_transports.cassette.track import alike

ALWAYS = 1 << 60  # ms: no edit ever
_MOST = 20_000  # requests of one lane
_RESUMABLE = (bide.Submitting, bide.Polling, bide.Fetching, bide.Cancelling, bide.Abandoned, bide.Lost)


def _same(answering: Answering) -> Answering:
    return answering


def on_time(t: int) -> int:
    """A request goes out when it is due."""
    return t


@dataclass(slots=True)
class Retake:
    """`story`, told again by `play`; `events` is what came of it.

    Nothing is as recorded from `since` on (ms). `around` puts something between the job and the service, `goes_out`
    says when a request really goes out that is due then. `pace` and `patience` replace the recorded ones.
    `exchanges` are what the service is known by. `departed` says whether anything is otherwise than recorded.
    """

    story: Story
    since: int = ALWAYS
    around: Callable[[Answering], Answering] = _same
    goes_out: Callable[[int], int] = on_time
    pace: bide.Pace | None = None
    patience: bide.Patience | None = None
    exchanges: Sequence[Exchanged] | None = None
    events: list[Event] = field(default_factory=list[Event])
    departed: bool = False
    job: bide.Job | None = None
    t: int = 0
    timeline: Timeline = field(init=False)
    service: Answering = field(init=False)
    cleaner: Cleaner = field(init=False)

    def __post_init__(self) -> None:
        known = self.story.exchanges if self.exchanges is None else self.exchanges
        self.timeline = Timeline(self.story, known)
        self.service = self.around(self.timeline.answer)
        self.cleaner = Cleaner(rules_for(self.story.dialect, STANDARD))

    def play(self) -> tuple[Event, ...]:
        """The events of the lane as they are now; raises `InvalidCassette` where nothing can answer."""
        if not self.story.is_decided:
            return self.story.events
        for take in self.story.takes:
            if self._take_up(take):
                self._follow(take)
        return tuple(self.events)

    def _take_up(self, take: Take) -> bool:
        t = max(take.open.t, self.t)
        if self.job is None or not (self.departed or self.pace or self.patience):
            t, job = take.open.t, self._as_recorded(take)  # also where a clock was set back meanwhile
        else:
            job = self._as_wished(take.job, self.story.cassette.head.now(t))
        if job is None:
            return False
        self.job, self.t = job, t
        token = take.open.token if job == take.job else parse_object(bide.dump(job).encode())
        self.events.append(Open(self.story.name, t, cast("dict[str, JSON]", token)))
        self._decided()
        return True

    def _as_recorded(self, take: Take) -> bide.Job | None:
        job = take.job
        if not isinstance(job, bide.Waiting) or take.open.token is None:
            return job
        terms = replace(job.terms, pace=self.pace or job.terms.pace, patience=self.patience or job.terms.patience)
        return opened(take.open.token, self.story.dialect, replace(job, terms=terms))

    def _as_wished(self, recorded: bide.Job | None, now: float) -> bide.Job | None:
        """What the caller did then, done to the job as it is now; None where there is nothing left to do."""
        mine = self.job
        if not isinstance(recorded, bide.Waiting) or not isinstance(mine, _RESUMABLE):
            return None
        patience = self.patience or recorded.terms.patience
        if not isinstance(mine, bide.Waiting) or patience != mine.terms.patience:
            try:
                mine = bide.resume(mine, now=now, patience=patience)
            except InvalidOrder:
                return None
        if isinstance(mine, bide.Submitting) or not isinstance(recorded, bide.Cancelling):
            return mine
        return bide.cancel(mine, now=now)

    def _follow(self, take: Take) -> None:
        inputs = deque(take.inputs)
        while isinstance(self.job, bide.Waiting):
            if len(self.events) > 4 * _MOST:
                raise InvalidCassette(f"lane {self.story.name} would take more than {_MOST} requests: ask less often")
            if not inputs and take.left is not None and not self.departed:
                return
            recorded = self._recorded(self.job, inputs)
            if recorded is not None and recorded < self.since:
                goes_on = self._by_index(self.job, inputs)
            else:
                self.departed = True
                goes_on = self._by_time(self.job, inputs, take.left, recorded or 0)
            if not goes_on:
                return

    def _recorded(self, job: bide.Waiting, inputs: deque[Input]) -> int | None:
        """When the next input was recorded; None where it is not what the job would have next."""
        if self.departed or not inputs:
            return None
        recorded = inputs[0]
        if isinstance(recorded, Told):
            return recorded.t
        if isinstance(recorded, Done):
            ends = before_sending(job, now=self.story.cassette.head.now(recorded.t)) is not job
            return recorded.t if ends else None
        sent, planned = (recorded, None) if isinstance(recorded, Send) else (recorded.sent, recorded.planned)
        due = self.story.cassette.head.t(job.due)
        in_time = due <= sent.t if planned is None else due == planned <= sent.t
        return sent.t if in_time and alike(sent.request, self.cleaner.request(job.request)) else None

    def _by_index(self, job: bide.Waiting, inputs: deque[Input]) -> bool:
        recorded = inputs.popleft()
        if isinstance(recorded, Told):
            self._be_told(recorded.t)
        elif isinstance(recorded, Done):
            return self._runs_out(job, recorded.t)
        elif isinstance(recorded, Send):
            self.events.append(recorded)
            return False
        else:
            self.events.append(recorded.sent)
            self.timeline.passed(recorded, recorded.sent.t)
            self._hear(job, recorded.heard)
        return True

    def _by_time(self, job: bide.Waiting, inputs: deque[Input], left: int | None, earliest: int) -> bool:
        due = max(self.story.cassette.head.t(job.due), earliest)  # a real client is some milliseconds late
        t = max(self.goes_out(due), self.t)
        while inputs and not isinstance(inputs[0], Told):
            inputs.popleft()
        told = inputs[0] if inputs else None
        if isinstance(told, Told) and told.t <= t:
            inputs.popleft()
            self._be_told(max(told.t, self.t))
            return True
        if left is not None and t > left:
            return False
        if self._runs_out(job, t):
            return True
        request = self.cleaner.request(job.request)
        self.events.append(Send(self.story.name, t, request))
        answer = self._in_time(job, self.service(Asking(job, request, t, t)))
        self._hear(job, Heard(self.story.name, t + answer.ms, answer.reply, answer.omitted))
        return True

    def _runs_out(self, job: bide.Waiting, t: int) -> bool:
        """Whether the job ends at `t`, since it must not be sent any more when its turn comes."""
        over = before_sending(job, now=self.story.cassette.head.now(t))
        if over is job:
            return False
        self.job, self.t = over, t
        self._decided()
        return True

    def _in_time(self, job: bide.Waiting, answer: Answer) -> Answer:
        longest = round(job.request.timeout * 1000)
        if isinstance(answer.reply, Response) and answer.ms > longest:
            return Answer(NoResponse(Cause.TIMEOUT, sent=True), longest)
        return answer

    def _hear(self, job: bide.Waiting, heard: Heard) -> None:
        if heard.omitted is not None:
            raise InvalidCassette(
                f"lane {self.story.name}: the reply at {heard.t / 1000:.3f} s was too large to be kept, and nothing "
                "can be decided without it: record it with a larger `inline`"
            )
        self.events.append(heard)
        self.t = heard.t
        self.job = job.receive(heard.reply, now=self.story.cassette.head.now(self.t))
        self._decided()

    def _be_told(self, t: int) -> None:
        self.t = t
        self.events.append(Told(self.story.name, t))
        if isinstance(self.job, bide.Polling | bide.Cancelling):
            notice = Notice("", self.job.handle)
            self.job = bide.notice(self.job, notice, now=self.story.cassette.head.now(t))
            self._decided()

    def _decided(self) -> None:
        job = cast("bide.Job", self.job)  # each caller has just set it
        self.events.append(decision(job, self.story.name, self.t, self.story.cassette.head))
