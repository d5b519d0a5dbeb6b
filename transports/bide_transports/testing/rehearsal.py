"""One dialect, one scenario, one voice: the job is begun, and driven to its end in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import bide
from bide.dialect import Dialect
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide.secret import Secret, credential_for
from bide_transports.emulator.memory import VirtualClock
from bide_transports.testing.fake import FakeService
from bide_transports.testing.marks import JOB, KEY, SIGNATURE
from bide_transports.testing.scenario import Scenario, Turn
from bide_transports.testing.spoken import Spoken
from bide_transports.testing.voice import NotApplicable, Record, Voice

ELSEWHERE = "https://elsewhere.example"
_PACE = bide.Every(2.0)
_LONGEST = 10_000  # states of one job


@dataclass(slots=True)
class Rehearsal:
    """Plays `scenario` to `dialect` in the words of `voice`; `elsewhere` is the origin of another host.

    `begin` makes the job, `service` answers it, `play` does both. A driver of one's own may stand in for `play`.
    """

    dialect: Dialect
    scenario: Scenario
    voice: Voice
    elsewhere: str = ELSEWHERE
    clock: VirtualClock = field(default_factory=VirtualClock)
    record: Record = field(init=False)
    service: FakeService = field(init=False)

    def __post_init__(self) -> None:
        order = bide.Order("model-1", {"prompt": "a fox"}, "key-4711" if self.scenario.keyed else None)
        address = f"{self.dialect.origin}/waiting/{JOB}?signature={SIGNATURE}"
        self.record = Record(order, JOB, address, self.elsewhere, not self.scenario.inline)
        vendor = self._vendor
        signature = vendor.authorization(KEY)
        self.service = FakeService(self.voice, self.scenario, self.record, signature=signature, quota=vendor.quota)

    @property
    def _vendor(self) -> Dialect:
        """Who knows the vendor's manners best."""
        return self.voice.dialect if isinstance(self.voice, Spoken) else self.dialect

    def begin(self) -> bide.Job:
        """The job before its first request; raises `NotApplicable` where the vendor has no such course of events."""
        self._refuse_what_is_not_offered()
        patience, now = self.scenario.patience, self.clock.now()
        try:
            documented = self.voice.request("submit", self.record)
        except NotApplicable:
            if self.scenario.submissions != (Turn(),):
                raise
            handle = self.voice.naming.handle(self.record) if isinstance(self.voice, Spoken) else self.record.id
            return bide.watch(handle, dialect=self.dialect, now=now, pace=_PACE, patience=patience)
        if self.scenario.repeatable not in (None, documented.repeatable):
            heeds = "is" if documented.repeatable else "is not"
            raise NotApplicable(f"a submission {heeds} taken once however often it comes")
        return bide.submit(self.record.order, dialect=self.dialect, now=now, pace=_PACE, patience=patience)

    def play(self) -> list[bide.Job]:
        """Every state of the job, driven in memory."""
        states = [self.begin()]
        while isinstance(job := states[-1], bide.Waiting) and self.service.stopped is None and len(states) < _LONGEST:
            if isinstance(job, bide.Polling) and self._is_to_be_cancelled(job, states):
                states.append(bide.cancel(job, now=self.clock.now()))
                continue
            self.clock.sleep_until(job.due)
            states.append(job.receive(self.exchange(job.request), now=self.clock.now()))
        if self.scenario.files and isinstance(job, bide.Completed):
            for file in job.result.files:
                self.exchange(self.dialect.locate(file))
        return states

    def exchange(self, request: Request) -> Reply:
        """What the service answers, the key lent to the request where it belongs."""
        lent = credential_for(request, self.dialect, Secret(KEY))
        sent = replace(request, headers=(*request.headers, *lent))
        answer = self.service.handle(sent, now=self.clock.now())
        return answer if isinstance(answer, Response) else NoResponse(Cause.RESET, sent=True)

    def _is_to_be_cancelled(self, job: bide.Polling, states: list[bide.Job]) -> bool:
        cancelled = any(isinstance(state, bide.Cancelling) for state in states)
        return bool(self.scenario.cancels) and job.past.polls > 0 and not cancelled

    def _refuse_what_is_not_offered(self) -> None:
        """Raise `NotApplicable` for a course of events that the vendor's offer has no room for."""
        scenario, voice = self.scenario, self.voice
        if scenario.cancels:
            voice.request("cancel", self.record)
        if scenario.apart:
            voice.request("fetch", self.record)
        if scenario.files:
            voice.request("file", self.record)
        if not scenario.followable and isinstance(voice, Spoken) and voice.naming.follows_itself:
            raise NotApplicable("the job is asked for at the address it was submitted to")
        if scenario.paced not in (None, self._vendor.cadence):
            is_pace = "is" if self._vendor.cadence else "is not"
            raise NotApplicable(f"Retry-After on a reply that is no refusal {is_pace} the vendor's pace")
