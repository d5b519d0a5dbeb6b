"""The service that speaks any declaration: what it says, what it knows, and how both transports do before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest
import trio

import bide
from bide.dialect import Asked, Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.places import Facts, Places, Sign
from bide.document import JSON
from bide.messages import Request, Response
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.emulator import VirtualClock
from bide_transports.testing.conformance import (
    SCENARIOS,
    NotApplicable,
    Record,
    Rehearsal,
    Said,
    Scenario,
    Spoken,
    Verdict,
    judge,
)
from bide_transports.testing.draft import Draft, example
from bide_transports.testing.fake import is_like
from bide_transports.testing.marks import KEY
from bide_transports.testing.voice import Contradiction
from tests.drivers import TrioVirtualClock
from tests.sample_declarations import DESCRIBE, DONE, ID, LOCATION, SAMPLES
from tests.sampling import WHOLE
from tests.stage import stage

COMPLETED = SCENARIOS[1]
ORDER = bide.Order("model-1", {"prompt": "a fox"}, "key-1")


def record(declaration: Declaration, *, apart: bool = False) -> Record:
    dialect = Declared(declaration)
    return Record(ORDER, "job-1", f"{dialect.origin}/waiting/job-1?sig=s", "https://files.example", apart)


def said(declaration: Declaration, phase: Phase, asked: Asked = "poll", **more: object) -> Said:
    plain = Said(asked, phase, record(declaration), "job-1", record(declaration).address)
    return replace(plain, **more)  # type: ignore[arg-type]


def reply(declaration: Declaration, phase: Phase, asked: Asked = "poll", **more: object) -> Response:
    return Spoken(Declared(declaration)).reply(said(declaration, phase, asked, **more))


def document(response: Response) -> JSON:
    parsed: JSON = json.loads(response.body)
    return parsed


# -- writing at places -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        r"a\.b.\*", "a.-1", "-2.b", "a.*.b", "*", "a[b=c].d", "a[b.c=d].e", "[a=b].c.*", "a|json.b", "a|json.*.b|all",
        "a|path.-1", "a|path.2", "a|query.id", "|text", "|text|json.a", "|text|path.1", "@location|path.-2",
        "@location|query.id", "@link|link.next", "@x-state|json.a.b", r"\[a=b]",
    ],
)  # fmt: skip
def test_a_value_at_any_kind_of_place_is_found_there(place: str) -> None:
    draft = Draft(200)
    assert draft.is_free(place)
    for value in ("old", "one two"):
        draft.put(place, value)
        assert not draft.is_free(place)
        assert Facts(draft.response()).first((place,)) == value


def test_values_in_one_text_stand_beside_each_other() -> None:
    draft = Draft(200)
    for place, value in (("a|json.state", "done"), ("a|json.id", 7), ("b[type=x].c", 1), ("b[type=x].d", 2)):
        draft.put(place, value)
    draft.put("@location|path.0", "jobs")
    draft.put("@location|path.1", "a/b")
    facts = Facts(draft.response())
    assert [facts.value(place) for place in ("a|json.state", "a|json.id", "b.0.c", "b.0.d", "b.1")] == [
        "done", 7, 1, 2, None,
    ]  # fmt: skip
    assert facts.value("@location") == "jobs/a%2Fb"


@pytest.mark.parametrize(
    ("place", "document"),
    [
        ("a", {"a": 1}),
        ("a.b", {"a": {"b": 1}}),
        ("a.1.b", {"a": [None, {"b": 1}]}),
        ("0", [1]),
        ("", 1),
    ],
)
def test_a_value_is_written_where_it_would_be_looked_for(place: str, document: JSON) -> None:
    draft = Draft(200)
    draft.put(place, 1)
    assert draft.document == document


def test_headers_and_the_status_code_are_places_too() -> None:
    draft = Draft(200)
    draft.put("@Location", "/a")
    draft.put("@location", "/b")
    draft.put("#", 303)
    response = draft.response()
    assert (response.status, response.headers.every("location"), response.body) == (303, ("/b",), b"")


def test_a_value_replaces_what_stands_in_its_way() -> None:
    draft = Draft(200, document={"error": "broken", "id": 7})
    draft.put("error.code", 1)
    assert draft.document == {"error": {"code": 1}, "id": 7}


def test_a_value_is_put_at_the_first_place_that_is_free() -> None:
    draft = Draft(200, document={"error": {"code": 1}})
    draft.put_first(("error", "#", "error.code.name", "detail"), "why")
    draft.put_first(("detail",), "not again")
    draft.put_first(("@x-why",), "why")
    draft.put_first(("@x-why",), "not again")
    assert draft.document == {"error": {"code": 1}, "detail": "why"}
    assert draft.headers == [("x-why", "why")]


@pytest.mark.parametrize(
    ("place", "words", "document"),
    [
        ("state", ("done", "over"), {"state": "done", "error": "no"}),
        ("error", ("*",), {"error": "no"}),
        ("error", ("!",), {"error": None}),
        ("error", ("!", "none"), {"error": "none"}),
        ("error.code", ("1",), {"error": {"code": 1}}),
        ("done", ("true",), {"error": "no", "done": True}),
        ("why", ("*",), {"error": "no", "why": "any"}),
        ("", ("!",), None),
        ("#", ("!",), {"error": "no"}),
        ("@x-a", ("!",), {"error": "no"}),
    ],
)
def test_a_place_is_made_to_say_one_of_the_words(place: str, words: Places, document: JSON) -> None:
    draft = Draft(200, [("x-a", "a")], {"error": "no"})
    draft.make_say(place, words)
    assert draft.document == document
    assert (draft.headers == []) is (place == "@x-a")


@pytest.mark.parametrize(
    ("word", "value"),
    [("true", True), ("4", 4), ("04", "04"), ("*", "any"), ("*/not-ready", "/not-ready"), ("a?c", "axc"), ("?*", "x")],
)
def test_a_word_stands_for_a_value(word: str, value: JSON) -> None:
    assert example(word) == value


# -- a declaration read backwards --------------------------------------------------------------------------------------


def test_a_word_of_the_phases_is_written_at_the_status_place() -> None:
    response = reply(ID, Phase.FAILED, message="why")
    assert document(response) == {"id": "job-1", "error": {"code": "OUT_OF_INK", "message": "why"}, "state": "error"}


def test_the_first_sign_that_is_understood_is_shown() -> None:
    assert document(reply(DONE, Phase.FAILED, message="why")) == {
        "name": "job-1",
        "error": {"code": "OUT_OF_INK", "message": "why"},
        "done": True,
    }
    assert document(reply(DONE, Phase.EXPIRED)) == {"name": "job-1", "done": True, "error": {"code": 4}}
    assert reply(LOCATION, Phase.UNFINISHED).status == 202
    assert reply(LOCATION, Phase.CANCELLED, "confirm").status == 404


def test_a_submission_names_the_job() -> None:
    response = reply(LOCATION, Phase.UNFINISHED, "submit", address="/waiting/job-1?sig=s")
    assert response.headers.get("operation-location") == "/waiting/job-1?sig=s"
    response = reply(DESCRIBE, Phase.UNFINISHED, "submit")
    assert document(response) == {"JobId": "job-1", "Job": {"Status": "running"}}
    assert response.headers.every("set-cookie") == ("AFFINITY=affinity-4711; Path=/; HttpOnly",)


def test_progress_hints_output_and_files_stand_at_their_places() -> None:
    response = reply(ID, Phase.UNFINISHED, progress=0.25, wait=1.5)
    assert document(response) == {"id": "job-1", "progress": {"percent": 25}, "poll_after_ms": 1500, "state": "queued"}
    assert document(reply(DONE, Phase.UNFINISHED, progress=0.255)) == {
        "name": "job-1",
        "metadata": {"total": 100, "progress": 25.5},
    }
    response = reply(ID, Phase.SUCCEEDED, answer="fox")
    assert document(response) == {
        "id": "job-1",
        "output": {"answer": "fox"},
        "files": "https://files.example/files/fox.png?sig=s",
        "state": "done",
    }


def test_a_result_that_is_fetched_is_not_told_in_the_job() -> None:
    apart = record(DONE, apart=True)
    told = document(reply(DONE, Phase.SUCCEEDED, answer="fox", record=apart))
    assert told == {
        "name": "job-1",
        "metadata": {"links": [{"href": "https://done.example:443/result/job-1"}]},
        "done": True,
    }
    fetched = document(reply(DONE, Phase.SUCCEEDED, "fetch", answer="fox", record=apart))
    assert fetched == {"response": {"answer": "fox", "pictures": "file-fox"}}
    assert reply(DONE, Phase.UNFINISHED, "fetch", record=apart).status == 400


def test_a_refusal_has_its_usual_code_unless_it_has_one_of_its_own() -> None:
    assert reply(ID, Phase.MISSING).status == 404
    assert document(reply(DESCRIBE, Phase.MISSING)) == {"JobId": "job-1", "__type": "NotFoundException"}


def test_a_code_that_was_given_another_meaning_is_not_used_for_the_usual_one() -> None:
    lazy = replace(ID, signs=(Sign(Phase.UNFINISHED, http=("404",)),))
    with pytest.raises(NotApplicable, match="404 means 'unfinished'"):
        reply(lazy, Phase.MISSING)


@pytest.mark.parametrize("phase", [Phase.EXPIRED, Phase.CANCELLED])
def test_what_is_not_declared_is_not_said(phase: Phase) -> None:
    with pytest.raises(NotApplicable, match=f"nothing that is declared for a reply to poll means '{phase.value}'"):
        reply(LOCATION, phase)


def test_a_sign_that_an_earlier_one_hides_is_a_contradiction() -> None:
    hidden = replace(ID, phases={}, signs=(Sign(Phase.SUCCEEDED), Sign(Phase.FAILED, {"state": ("error",)})))
    with pytest.raises(Contradiction, match=r"sign 2 of 2 \(HTTP 2xx\) means 'failed', but .* reads as 'succeeded'"):
        reply(hidden, Phase.FAILED)


def test_a_submission_that_does_not_tell_what_the_poll_needs_is_a_contradiction() -> None:
    nameless = replace(ID, id=())
    with pytest.raises(Contradiction, match=r"tells nothing that fits /jobs/\{id\}, where"):
        reply(nameless, Phase.UNFINISHED, "submit")


def test_a_job_that_cannot_be_polled_is_a_contradiction() -> None:
    with pytest.raises(Contradiction, match="cannot be polled with what the replies tell"):
        Spoken(Declared(replace(ID, poll=Call("GET", ("/jobs/{uuid}",))))).request("poll", record(ID))


def test_a_sign_that_would_lead_the_job_astray_is_not_shown() -> None:
    sign = Sign(Phase.UNFINISHED, {"@operation-location": ("*/elsewhere/*",)}, asked=("submit",))
    told = reply(replace(LOCATION, signs=(sign,)), Phase.UNFINISHED, "submit")
    assert told.headers.get("operation-location") == record(LOCATION).address


def test_the_status_code_may_be_the_word() -> None:
    coded = replace(LOCATION, signs=(), status=("#",), phases={"200": Phase.SUCCEEDED, "202": Phase.UNFINISHED})
    assert reply(coded, Phase.SUCCEEDED).status == 200
    assert reply(coded, Phase.UNFINISHED, "submit").status == 202


def test_a_code_that_no_reply_can_have_is_never_heard() -> None:
    shouted = replace(ID, signs=(Sign(Phase.FAILED, http=("4XX",)),), phases={"done": Phase.SUCCEEDED})
    with pytest.raises(Contradiction, match=r"sign 1 of 1 \(HTTP 4XX\) means 'failed'"):
        reply(shouted, Phase.FAILED)


def test_a_declaration_with_several_addresses_or_places_speaks_of_several_vendors() -> None:
    both = replace(ID, poll=Call("GET", ("{status}", "{other}", "/jobs/{id}")), links={"status": ("@location", "url")})
    voices = Spoken.every(Declared(both))
    assert [(voice.polled, voice.choice) for voice in voices] == [(0, 0), (0, 1), (2, 0), (2, 1)]
    told = [voice.reply(said(both, Phase.UNFINISHED, "submit")) for voice in voices]
    assert [reply.headers.get("location") is not None for reply in told] == [True, False, False, False]
    assert ["url" in str(document(reply)) for reply in told] == [False, True, False, False]
    asked = [voice.request("poll", record(both)).url for voice in voices]
    assert asked[1:3] == [record(both).address, "https://api.id.example/v1/jobs/job-1"]


def test_a_job_that_is_only_watched_is_known_by_what_the_poll_needs() -> None:
    for urls, handle in ((("/jobs/{id}",), "job-1"), (("{status}",), record(ID).address)):
        watched = Declared(replace(ID, submit=None, poll=Call("GET", urls), id=(), links={}))
        assert Spoken.every(watched)[0].naming.handle(record(ID)) == handle


# -- what the service knows --------------------------------------------------------------------------------------------


def test_a_request_is_known_by_all_that_belongs_to_it() -> None:
    asked = Request("POST", "https://a.example/x?b=2&a=1", (("X-Target", "Get"),), b'{"id": "1"}')
    lines = (("x-target", "Get"), ("accept", "text/html"), ("user-agent", "fox"))
    assert is_like(replace(asked, url="https://A.example:443/x?a=1&b=2", headers=lines, body=b'{"id":"1"}'), asked)
    assert is_like(asked, replace(asked, headers=(("accept", "application/json"),), body=b""))
    for other in (
        replace(asked, method="GET"),
        replace(asked, url="https://a.example/x?a=1"),
        replace(asked, url="https://b.example/x?b=2&a=1"),
        replace(asked, url="nowhere"),
        replace(asked, headers=(("x-target", "Stop"),)),
        replace(asked, body=b'{"id": "2"}'),
        replace(asked, body=b"no JSON"),
    ):
        assert not is_like(other, asked)


def test_the_service_notes_what_it_saw_and_refuses_what_it_does_not_know() -> None:
    rehearsal = Rehearsal(Declared(ID), COMPLETED, Spoken(Declared(ID)))
    states = rehearsal.play()
    questions = [(one.question, one.keyed, one.signed, one.abroad) for one in rehearsal.service.exchanges]
    assert questions == [("submit", True, True, False), *[("poll", True, True, False)] * 3]
    assert isinstance(states[-1], bide.Completed)
    answer = rehearsal.service.handle(Request("GET", "https://api.id.example/v2"), now=0.0)
    assert isinstance(answer, Response)
    assert answer.status == 404
    assert rehearsal.service.exchanges[-1].documented is None


def test_a_key_is_noticed_wherever_it_is() -> None:
    service = Rehearsal(Declared(ID), COMPLETED, Spoken(Declared(ID))).service
    url = "https://elsewhere.example/x"
    for request in (
        Request("GET", f"{url}?key={KEY}"),
        Request("GET", url, (("x-any", KEY),)),
        Request("POST", url, (), KEY.encode()),
    ):
        service.handle(request, now=0.0)
    assert [(one.keyed, one.signed, one.abroad) for one in service.exchanges] == [(True, False, True)] * 3


def test_a_driver_that_takes_the_key_elsewhere_is_found_out() -> None:
    dialect = Declared(LOCATION)
    moves = next(scenario for scenario in SCENARIOS if scenario.name == "status address moves to another origin")
    rehearsal = Rehearsal(dialect, moves, Spoken(dialect))
    job = rehearsal.begin()
    states = [job]
    while isinstance(job, bide.Waiting):
        rehearsal.clock.sleep_until(job.due)
        sent = replace(job.request, headers=(*job.request.headers, dialect.authorization(KEY)))
        answer = rehearsal.service.handle(sent, now=rehearsal.clock.now())
        assert isinstance(answer, Response)
        job = job.receive(answer, now=rehearsal.clock.now())
        states.append(job)
    outcome = judge(rehearsal, states)
    assert outcome.verdict is Verdict.FAILS
    assert "the key to go to the API alone" in outcome.why


def test_a_job_that_was_not_driven_is_judged_too() -> None:
    rehearsal = Rehearsal(Declared(ID), COMPLETED, Spoken(Declared(ID)))
    outcome = judge(rehearsal, [rehearsal.begin()])
    assert outcome.verdict is Verdict.FAILS
    assert outcome.why.startswith("the vendor said: nothing yet")


# -- over sockets ------------------------------------------------------------------------------------------------------

Follow: TypeAlias = Callable[[bide.Job, bide.Dialect, VirtualClock], list[bide.Job]]


def by_requests(job: bide.Job, dialect: bide.Dialect, clock: VirtualClock) -> list[bide.Job]:
    with over_requests.Client(KEY, dialect=dialect, clock=clock) as client:
        return list(client.follow(job))


def by_trio(job: bide.Job, dialect: bide.Dialect, clock: VirtualClock) -> list[bide.Job]:
    async def main() -> list[bide.Job]:
        async with over_trio.Client(KEY, dialect=dialect, clock=TrioVirtualClock(clock)) as client:
            return [state async for state in client.follow(job)]

    return trio.run(main)


DRIVERS: dict[str, Follow] = {"requests": by_requests, "trio": by_trio}
SHORT = [scenario for scenario in SCENARIOS if not (scenario.words or scenario.cancels or scenario.files)]


@pytest.mark.parametrize("follow", DRIVERS.values(), ids=DRIVERS)
@pytest.mark.parametrize("declaration", SAMPLES, ids=lambda declaration: declaration.name)
def test_both_transports_conform_over_real_sockets(declaration: Declaration, follow: Follow) -> None:
    applied: list[Scenario] = []
    scenarios = SHORT if WHOLE else SHORT[SAMPLES.index(declaration) :: len(SAMPLES)]
    with stage(lambda: clock.now()) as (home, elsewhere, put_on):
        for scenario in scenarios:
            clock = VirtualClock()
            dialect = Declared(declaration, f"{home}/api")
            rehearsal = Rehearsal(dialect, scenario, Spoken(dialect), elsewhere, clock)
            put_on(rehearsal.service)
            try:
                job = rehearsal.begin()
            except NotApplicable:
                continue
            outcome = judge(rehearsal, follow(job, dialect, clock))
            assert outcome.verdict is not Verdict.FAILS, outcome
            applied += [scenario] * (outcome.verdict is Verdict.CONFORMS)
    assert len(applied) >= len(scenarios) / 2
