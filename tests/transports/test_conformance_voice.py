"""The conformance kit before dialects that are code, and before voices written from a vendor's documentation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

import pytest

import bide
from bide.dialect import Asked, Phase, Reading
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.document import JSON
from bide.errors import InvalidHandle, InvalidSetting
from bide.messages import Headers, Order, Request, Response
from bide_transports.testing.conformance import (
    SCENARIOS,
    NonConformant,
    NotApplicable,
    Record,
    Said,
    Scenario,
    Verdict,
    check,
    conform,
    json_reply,
)
from bide_transports.testing.marks import SIGNATURE
from bide_transports.testing.voice import Question

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=str)

# -- ModelRoute, as its documentation has it ---------------------------------------------------------------------------

HOME = "https://api.modelroute.ai/v1"
WORDS = {
    Phase.UNFINISHED: "PROCESSING",
    Phase.SUCCEEDED: "COMPLETED",
    Phase.FAILED: "FAILED",
    Phase.CANCELLED: "CANCELLED",
    Phase.EXPIRED: "EXPIRED",
}


class ModelRouteVoice:
    """modelroute-api.md, 4 to 7, 9 and 13."""

    def request(self, question: Question, record: Record) -> Request:
        job, keyed = f"{HOME}/executions/{record.id}", record.order.key is not None
        method, url = {
            "submit": ("POST", f"{HOME}/executions"),
            "fetch": ("GET", f"{job}/result"),
            "cancel": ("POST", f"{job}/cancel"),
            "file": ("GET", f"{HOME}/files/file_4711/download"),
        }.get(question, ("GET", job))
        return Request(method, url, credential=True, repeatable=keyed)

    def reply(self, said: Said) -> Response:
        if said.phase not in WORDS:
            raise NotApplicable("a refusal is told by its status code")
        document: dict[str, JSON] = {"id": said.id, "status": said.word or WORDS[said.phase]}
        if said.progress is not None:
            document["progress"] = said.progress * 100
        if said.answer and (said.asked == "fetch" or said.phase is Phase.UNFINISHED):
            document["output"] = {"images": [{"file_id": "file_4711"}], "text": said.answer}
        if said.message:
            document["error"] = {"code": "GENERATION_FAILED", "message": said.message, "retryable": True}
        return json_reply(202 if said.asked == "submit" else 200, document)


@each_scenario
def test_modelroute_conforms(scenario: Scenario) -> None:
    outcome = check(bide.ModelRoute(), scenario, ModelRouteVoice())
    assert outcome.verdict is not Verdict.FAILS, str(outcome)


def test_what_modelroute_never_does() -> None:
    outcomes = [check(bide.ModelRoute(), scenario, ModelRouteVoice()) for scenario in SCENARIOS]
    told = {outcome.scenario.name: outcome.why for outcome in outcomes if outcome.verdict is Verdict.NOT_APPLICABLE}
    assert told == {
        "every sign and word": "there is no declaration whose signs and words could be read",
        "relative status address": "a reply never tells the address of the job",
        "status address moves": "a reply never tells the address of the job",
        "status address moves to another origin": "a reply never tells the address of the job",
        "Retry-After: 0 means now": "Retry-After on a reply that is no refusal is not the vendor's pace",
        "Retry-After is the pace": "Retry-After on a reply that is no refusal is not the vendor's pace",
        "hint in milliseconds": "a reply never tells how long to wait, but in Retry-After",
    }


def test_what_is_no_declaration_needs_a_voice() -> None:
    with pytest.raises(InvalidSetting, match="modelroute is not declared as data: give a voice"):
        check(bide.ModelRoute(), BY_NAME["completed"])


# -- dialects with a fault ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Blabbing(bide.ModelRoute):
    """Keeps what the service says as it comes."""

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,
        url: str | None = None,
    ) -> Reading:
        reading = bide.ModelRoute.read(self, response, asked=asked, handle=handle, order=order, url=url)
        return reading._replace(problem=bide.Problem("X", response.body.decode()) if reading.problem else None)


@dataclass(frozen=True, slots=True)
class Fussy(bide.ModelRoute):
    """Does not take the handles that it gives."""

    def check(self, handle: str) -> str:
        raise InvalidHandle(f"{handle} is no id")


@dataclass(frozen=True, slots=True)
class Careless(bide.ModelRoute):
    """Takes every submission for repeatable."""

    def submit(self, order: Order) -> Request:
        return replace(bide.ModelRoute.submit(self, order), repeatable=True)


@dataclass(frozen=True, slots=True)
class Shy(bide.ModelRoute):
    """Looks at jobs without the key."""

    def poll(self, handle: str) -> Request:
        return replace(bide.ModelRoute.poll(self, handle), credential=False)


@dataclass(frozen=True, slots=True)
class Hasty(bide.ModelRoute):
    """Takes whatever it does not know for a failure."""

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,
        url: str | None = None,
    ) -> Reading:
        reading = bide.ModelRoute.read(self, response, asked=asked, handle=handle, order=order, url=url)
        known = {word.lower() for word in WORDS.values()}
        return (
            reading if not reading.status or reading.status.lower() in known else reading._replace(phase=Phase.FAILED)
        )


@dataclass(frozen=True, slots=True)
class Credulous(bide.ModelRoute):
    """Takes any reply for one about the job that was asked about."""

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,
        url: str | None = None,
    ) -> Reading:
        reading = bide.ModelRoute.read(self, response, asked=asked, handle=None, order=order, url=url)
        return reading._replace(handle=handle or reading.handle)


@dataclass(frozen=True, slots=True)
class Telling(bide.ModelRoute):
    """Takes the address of the job for its status."""

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,
        url: str | None = None,
    ) -> Reading:
        reading = bide.ModelRoute.read(self, response, asked=asked, handle=handle, order=order, url=url)
        return reading._replace(status=f"see https://api.modelroute.ai/waiting?signature={SIGNATURE}")


@dataclass(frozen=True, slots=True)
class Sloppy(bide.ModelRoute):
    """Puts a list where a tuple belongs."""

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,
        url: str | None = None,
    ) -> Reading:
        reading = bide.ModelRoute.read(self, response, asked=asked, handle=handle, order=order, url=url)
        problem = replace(reading.problem, details=[("a", "b", "c")]) if reading.problem else None  # type: ignore[arg-type]
        return reading._replace(problem=problem)


@dataclass(frozen=True, slots=True)
class Tidy(bide.ModelRoute):
    """Keeps only the words that it knows."""

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,
        url: str | None = None,
    ) -> Reading:
        reading = bide.ModelRoute.read(self, response, asked=asked, handle=handle, order=order, url=url)
        return reading if reading.status in WORDS.values() else reading._replace(status="UNKNOWN")


_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Forgetful(bide.ModelRoute):
    """Makes a new key with every attempt."""

    def submit(self, order: Order) -> Request:
        return bide.ModelRoute.submit(self, replace(order, key=order.key and f"key-{next(_NUMBERS)}"))


@pytest.mark.parametrize(
    ("dialect", "scenario", "told"),
    [
        (Blabbing(), "401 on a look", "the key to be seen nowhere"),
        (Fussy(), "completed", "a token that brings Polling back"),
        (Careless(), "connection cut on a submission without a key", "2 were created: the vendor heeds no key here"),
        (Shy(), "completed", "it did not with GET https://api.modelroute.ai/v1/executions/job-4711"),
        (Hasty(), "unknown status word", "Failed"),
        (Credulous(), "a reply about another job", "no result to be fetched yet"),
        (Telling(), "completed", "no signature to be shown"),
        (Sloppy(), "failed", "it came back as Failed("),
        (Tidy(), "unknown status word", "the status 'BIDE_UNHEARD_OF' to be kept"),
        (Forgetful(), "connection cut on the submission", "its key or its body changed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, bide.ModelRoute) else None,
)
def test_a_dialect_with_a_fault_is_found_out(dialect: bide.ModelRoute, scenario: str, told: str) -> None:
    assert conform(bide.ModelRoute(), BY_NAME[scenario], ModelRouteVoice()).verdict is Verdict.CONFORMS
    with pytest.raises(NonConformant) as caught:
        conform(dialect, BY_NAME[scenario], ModelRouteVoice())
    assert told in str(caught.value)


# -- a declaration before a voice from the documentation ---------------------------------------------------------------

QUEUE = Declaration(
    name="queue",
    base_url="https://queue.example",
    submit=Call("POST", ("/{model}",), body={"...": "{input}"}),
    poll=Call("GET", ("{status}",)),
    links={"status": ("@location",)},
    status=("state",),
    phases={"finished": Phase.SUCCEEDED, "broken": Phase.FAILED},
    message=("why",),
)


class QueueVoice:
    """A vendor who names jobs by address, and says how they are in words of its own."""

    words = ("running", "finished", "broken")

    def request(self, question: Question, record: Record) -> Request:
        if question == "submit":
            return Request("POST", "https://queue.example/model-1", credential=True, repeatable=False)
        if question in ("poll", "confirm"):
            return Request("GET", record.address, credential=True)
        raise NotApplicable(f"{question} is not offered")

    def reply(self, said: Said) -> Response:
        words = dict(zip((Phase.UNFINISHED, Phase.SUCCEEDED, Phase.FAILED), self.words, strict=True))
        if said.phase not in words:
            raise NotApplicable(f"jobs are never {said.phase.value}")
        document: dict[str, JSON] = {"state": said.word or words[said.phase]}
        if said.message:
            document["why"] = said.message
        if said.answer:
            document["output"] = said.answer
        return json_reply(200, document, [("location", said.address)] if said.address else ())


@each_scenario
def test_a_declaration_conforms_before_the_vendor_it_was_written_from(scenario: Scenario) -> None:
    outcome = check(Declared(QUEUE), scenario, QueueVoice())
    assert outcome.verdict is not Verdict.FAILS, str(outcome)


def test_an_address_that_is_told_and_not_used_is_none() -> None:
    by_id = replace(QUEUE, poll=Call("GET", ("/jobs/{id}",)), id=("@x-id",))
    outcome = check(Declared(by_id), BY_NAME["status address moves"], QueueById())
    assert outcome.verdict is Verdict.NOT_APPLICABLE
    assert outcome.why == "the job is not asked for at an address that replies tell"


class QueueById(QueueVoice):
    """The same vendor, whose addresses are for people to click on."""

    def request(self, question: Question, record: Record) -> Request:
        request = super().request(question, record)
        return request if question == "submit" else replace(request, url=f"https://queue.example/jobs/{record.id}")

    def reply(self, said: Said) -> Response:
        reply = super().reply(said)
        return replace(reply, headers=Headers.of([*reply.headers, ("x-id", said.id)]))


@pytest.mark.parametrize(
    ("changed", "scenario"),
    [
        (replace(QUEUE, phases={"done": Phase.SUCCEEDED, "broken": Phase.FAILED}), "completed"),
        (replace(QUEUE, phases={"finished": Phase.SUCCEEDED, "failed": Phase.FAILED}), "failed"),
        (replace(QUEUE, status=("status",)), "completed"),
        (replace(QUEUE, links={"status": ("@content-location",)}), "completed"),
        (replace(QUEUE, message=("message",)), "failed"),
        (replace(QUEUE, submit=Call("POST", ("/v1/{model}",), body={"...": "{input}"})), "completed"),
        (replace(QUEUE, poll=Call("POST", ("{status}",))), "completed"),
        (replace(QUEUE, poll=Call("GET", ("{status}/status",))), "completed"),
        (replace(QUEUE, authorization=None), "completed"),
    ],
)
def test_a_declaration_that_is_wrong_about_the_vendor_agrees_with_itself_alone(
    changed: Declaration, scenario: str
) -> None:
    assert check(Declared(changed), BY_NAME[scenario]).verdict is Verdict.CONFORMS
    assert check(Declared(changed), BY_NAME[scenario], QueueVoice()).verdict is Verdict.FAILS
