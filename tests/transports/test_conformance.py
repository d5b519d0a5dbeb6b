"""The conformance kit before declarations: right ones conform, and wrong ones are found out."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.places import Sign
from bide.dialects.vendors import named, names
from bide_transports.testing import conformance
from bide_transports.testing.conformance import (
    SCENARIOS,
    NonConformant,
    NotApplicable,
    Outcome,
    Scenario,
    Spoken,
    Verdict,
    check,
    conform,
)
from tests.core.vendors_changes import changes, member
from tests.sample_declarations import DESCRIBE, DONE, ID, LOCATION, SAMPLES
from tests.sampling import WHOLE, some

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
CHANGES = some(
    ((declaration, *change) for declaration in SAMPLES for change in changes(declaration)),
    kind=lambda change: member(change[1]),
)
each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
each_sample = pytest.mark.parametrize("declaration", SAMPLES, ids=lambda declaration: declaration.name)


def failures(declaration: Declaration, spoken: Declaration | None = None) -> dict[str, Outcome]:
    """The scenarios that this declaration fails, before a vendor who speaks as another (or itself) is declared."""
    voices = [None] if spoken is None else Spoken.every(Declared(spoken))
    outcomes = [check(Declared(declaration), scenario, voice) for voice in voices for scenario in SCENARIOS]
    return {outcome.scenario.name: outcome for outcome in outcomes if outcome.verdict is Verdict.FAILS}


def is_noticed(declaration: Declaration, spoken: Declaration) -> bool:
    """Whether any scenario fails, before any vendor who speaks as another is declared."""
    tried = product(Spoken.every(Declared(spoken)), SCENARIOS)
    return any(check(Declared(declaration), scenario, voice).verdict is Verdict.FAILS for voice, scenario in tried)


def not_applicable(declaration: Declaration) -> list[str]:
    outcomes = [check(Declared(declaration), scenario) for scenario in SCENARIOS]
    return [outcome.scenario.name for outcome in outcomes if outcome.verdict is Verdict.NOT_APPLICABLE]


# -- what is right conforms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", some(["/jobs/{id}/log", "{log}"]))
def test_a_declaration_with_a_reason_elsewhere_conforms(log: str) -> None:
    declaration = replace(ID, reason=Call("GET", (log,)), links={"log": ("log",)})
    outcomes = [check(Declared(declaration), scenario) for scenario in SCENARIOS]
    assert [str(outcome) for outcome in outcomes if outcome.verdict is Verdict.FAILS] == []
    assert not_applicable(declaration) == not_applicable(ID)


@pytest.mark.parametrize(("scenario", "name"), some(product(SCENARIOS, names())), ids=str)
def test_the_declarations_that_come_with_bide_conform(scenario: Scenario, name: str) -> None:
    outcome = check(Declared(named(name)), scenario)
    assert outcome.verdict is not Verdict.FAILS, str(outcome)


@pytest.mark.parametrize("scenario", SCENARIOS if WHOLE else SCENARIOS[::3], ids=str)
def test_right_declarations_conform_and_each_scenario_applies_to_some(scenario: Scenario) -> None:
    outcomes = [check(Declared(declaration), scenario) for declaration in SAMPLES]
    assert [str(outcome) for outcome in outcomes if outcome.verdict is Verdict.FAILS] == []
    assert Verdict.CONFORMS in {outcome.verdict for outcome in outcomes}


def test_what_does_not_apply_is_told_with_its_reason() -> None:
    assert not_applicable(ID) == [
        "result elsewhere",
        "result not ready",
        "failure in place of the result",
        "result refused",
        "relative status address",
        "status address moves",
        "status address moves to another origin",
        "Retry-After is not the pace",
    ]
    with pytest.raises(NotApplicable, match='id: "result elsewhere" not applicable: id offers no such call'):
        conform(Declared(ID), BY_NAME["result elsewhere"])


@pytest.mark.parametrize(
    ("declaration", "scenario", "reason"),
    [
        (LOCATION, "expired", "nothing that is declared for a reply to poll means 'expired'"),
        (LOCATION, "a reply about another job", "no reply names the job it is about"),
        (LOCATION, "connection cut on a submission without a key", "a submission is taken once however often it comes"),
        (DESCRIBE, "connection cut on the submission", "a submission is not taken once however often it comes"),
        (DESCRIBE, "progress", "a reply never tells progress"),
        (DESCRIBE, "files", "no place of files is declared"),
        (DONE, "Retry-After: 0 means now", "Retry-After on a reply that is no refusal is not the vendor's pace"),
        (replace(LOCATION, links={"status": ("~",)}), "nothing to follow", "at the address it was submitted to"),
        (replace(LOCATION, links={"status": ("~",)}), "status address moves", "a reply never tells the address"),
        (replace(ID, submit=None), "submission refused", "declared without a submission"),
        (replace(DONE, poll=DONE.fetch or Call()), "result elsewhere", "where the job is looked at"),
    ],
    ids=lambda value: value.name if isinstance(value, Declaration) else None,
)
def test_why_a_scenario_does_not_apply(declaration: Declaration, scenario: str, reason: str) -> None:
    outcome = check(Declared(declaration), BY_NAME[scenario])
    assert outcome.verdict is Verdict.NOT_APPLICABLE, str(outcome)
    assert reason in outcome.why


def test_jobs_that_are_only_watched_can_be_tried_too() -> None:
    assert failures(replace(ID, submit=None)) == {}
    assert "completed" not in not_applicable(replace(ID, submit=None))


# -- what is wrong is found out ----------------------------------------------------------------------------------------

_WRONG_BY_ITSELF: list[tuple[str, Declaration, str]] = [
    ("no word for success", replace(ID, phases={"error": Phase.FAILED}), "completed"),
    ("no word for a failure", replace(ID, phases={"done": Phase.SUCCEEDED}), "failed"),
    ("no place of the status", replace(ID, status=()), "completed"),
    ("no id", replace(ID, id=()), "completed"),
    ("a poll that needs what nobody tells", replace(ID, poll=Call("GET", ("/jobs/{uuid}",))), "completed"),
    ("a link by another name", replace(LOCATION, links={"state": ("@location",)}), "completed"),
    (
        "a sign under a wider one",
        replace(DONE, signs=(DONE.signs[2], *DONE.signs[:2], *DONE.signs[3:])),
        "every sign and word",
    ),
    ("a word under a sign", replace(ID, signs=(Sign(Phase.UNFINISHED, {"state": ("*e*",)}),)), "failed"),
    ("success before failure", replace(DONE, signs=(DONE.signs[3], *DONE.signs)), "failed"),
    ("any 2xx is success", replace(ID, signs=(Sign(Phase.SUCCEEDED),)), "nothing to follow"),
    ("202 is success", replace(LOCATION, signs=(Sign(Phase.SUCCEEDED, http=("202",)), *LOCATION.signs)), "completed"),
    ("output is success", replace(ID, signs=(Sign(Phase.SUCCEEDED, {"output": ("*",)}),)), "partial output"),
    (
        "any 4xx is a failure",
        replace(LOCATION, signs=(Sign(Phase.FAILED, http=("4xx",)), *LOCATION.signs)),
        "429 on a look",
    ),
    ("404 in any case", replace(ID, signs=(Sign(Phase.FAILED, http=("4xx",)),)), "404 for a while"),
    ("any 5xx is a failure", replace(ID, signs=(Sign(Phase.FAILED, http=("5xx",)),)), "503 on a look"),
    ("a page is a failure", replace(ID, signs=(Sign(Phase.FAILED, http=("500",)),)), "a gateway's page is no failure"),
    (
        "a page is a result",
        replace(LOCATION, headers=(), signs=(*LOCATION.signs[:3], Sign(Phase.SUCCEEDED, http=("200",)))),
        "a page for people is no answer",
    ),
    (
        "an unknown word is a failure",
        replace(ID, signs=(Sign(Phase.FAILED, {"state": ("*heard*",)}),)),
        "unknown status word",
    ),
    ("whatever is fetched is a result", replace(DONE, signs=DONE.signs[:5], status=("state",)), "result not ready"),
    (
        "a failure in a 429",
        replace(ID, signs=(Sign(Phase.FAILED, {"state": ("error",)}, ("2xx", "429")),)),
        "429 that sounds like a failure",
    ),
]


@pytest.mark.parametrize(
    ("declaration", "scenario"), [wrong[1:] for wrong in _WRONG_BY_ITSELF], ids=[wrong[0] for wrong in _WRONG_BY_ITSELF]
)
def test_a_declaration_that_contradicts_itself_is_found_out(declaration: Declaration, scenario: str) -> None:
    with pytest.raises(NonConformant) as caught:
        conform(Declared(declaration), BY_NAME[scenario])
    assert str(caught.value).startswith(f'{declaration.name}: "{scenario}" does not conform:\n  ')
    assert caught.value.outcome.verdict is Verdict.FAILS


@each_sample
def test_no_change_to_a_declaration_goes_unnoticed_before_the_vendor_itself(declaration: Declaration) -> None:
    tried = [(what.partition(" Sign(")[0], changed) for whose, what, changed in CHANGES if whose is declaration]
    unnoticed = [what for what, changed in tried if not is_noticed(changed, declaration)]
    assert unnoticed == [what for what, _ in tried if what in _OF_NO_ACCOUNT[declaration.name]]


#: Changes that make no difference before this vendor: usual names, which are found without a place; alternatives in
#: case of need; words that mean "not yet" like any other; conditions that each of its replies meets.
_OF_NO_ACCOUNT = {
    "id": ["output: output", "phases: queued", "headers: ('accept', 'application/json')", "quota: x-limit"],
    "location": [],
    "done": [
        "output: response",
        "output: ",
        "signs[0].when: done",
        "signs[1].when: done",
        "signs[2].when: done",
        "signs[4].when: name",
        "headers: ('accept', 'application/json')",
    ],
    "describe": ["authorization", "headers: ('accept', 'application/json')"],
    "parts": [
        "message: tasks.*.error.message",
        "signs[0]",
        "signs[0].when.tasks.*.state|all: unknown",
        "headers: ('accept', 'application/json')",
        "headers: ('x-request-id', '{request_id}')",
    ],
}


# -- what the report says ----------------------------------------------------------------------------------------------


def test_a_report_says_what_was_said_what_was_expected_what_happened_and_what_to_change() -> None:
    american = replace(ID, phases={"done": Phase.SUCCEEDED, "error": Phase.FAILED, "canceled": Phase.CANCELLED})
    with pytest.raises(NonConformant) as caught:
        conform(Declared(american), BY_NAME["cancelled by the service"], Spoken(Declared(ID)))
    head, said, expected, happened, change = str(caught.value).splitlines()
    assert head == 'id: "cancelled by the service" does not conform:'
    assert said.startswith('  the vendor said: 200 {"id": "job-4711", "error": {"code": "OUT_OF_INK",')
    assert said.endswith(
        '"state": "cancelled"} (content-type: application/json), to poll, GET https://api.id.example/v1/jobs/job-4711'
    )
    assert expected == "  expected:        Cancelled"
    assert happened.startswith(
        "  what happened:   Abandoned: the deadline passed [submit: 201 queued, poll: 200 queued"
    )
    assert change.endswith("give the vendor's word for it in `phases`, in the vendor's spelling (one l or two)")
    assert [type(state).__name__ for state in caught.value.outcome.states[:2]] == ["Submitting", "Polling"]
    assert caught.value.outcome.exchanges[-1].question == "poll"


def test_a_required_scenario_cannot_be_left_out_by_saying_nothing() -> None:
    silent = replace(ID, phases={"done": Phase.SUCCEEDED})
    outcome = check(Declared(silent), BY_NAME["failed"])
    assert str(outcome).splitlines() == [
        'id: "failed" does not conform:',
        "  nothing that is declared for a reply to poll means 'failed'",
        f"  to change:       {BY_NAME['failed'].advice}",
    ]


@pytest.mark.parametrize(
    ("changed", "scenario", "told"),
    [
        (
            replace(ID, poll=Call("GET", ("/job/{id}",))),
            "completed",
            "GET https://api.id.example/v1/job/job-4711 was asked",
        ),
        (replace(ID, message=("message",)), "failed", "correct `message`"),
        (replace(ID, code=("code",)), "failed", "correct `code`"),
        (replace(ID, output=("result",), files=()), "files", "there are none"),
        (replace(ID, progress="percent"), "progress", "correct `progress` and `full`"),
        (replace(ID, status=("status",)), "unknown status word", "poll: 200 HTTP_200"),
        (replace(ID, quota=None), "rate limit spent", "the next request after 30 s"),
        (replace(ID, cadence=False), "Retry-After: 0 means now", "it came after 2.000 s"),
        (replace(ID, authorization=("x-key", "{key}")), "completed", "correct `authorization`"),
        (replace(ID, authorization=None), "completed", "correct `authorization`"),
        (replace(ID, id=("uuid",)), "completed", "Abandoned"),
        (replace(ID, submit=None), "submission refused", "NotOffered"),
        (replace(ID, cancel=None), "cancelled by us", "NotOffered"),
    ],
)
def test_what_is_told_of_a_difference_to_the_vendor(changed: Declaration, scenario: str, told: str) -> None:
    outcome = check(Declared(changed), BY_NAME[scenario], Spoken(Declared(ID)))
    assert outcome.verdict is Verdict.FAILS
    assert told in str(outcome)


def test_a_submission_that_the_vendor_takes_twice_is_noticed() -> None:
    keyless = replace(ID, submit=Call("POST", ("/jobs",), body={"model": "{model}", "input": "{input}"}))
    outcome = check(Declared(ID), BY_NAME["connection cut on a submission without a key"], Spoken(Declared(keyless)))
    assert outcome.verdict is Verdict.CONFORMS
    keyed = replace(keyless, submit=replace(keyless.submit or Call(), method="PUT"))
    put = Spoken(Declared(replace(keyless, submit=replace(keyless.submit or Call(), method="PUT"))))
    assert check(Declared(keyed), BY_NAME["connection cut on the submission"], put).verdict is Verdict.CONFORMS


# -- the kit itself ----------------------------------------------------------------------------------------------------


def test_scenarios_have_names_of_their_own_and_most_have_advice() -> None:
    assert len(BY_NAME) == len(SCENARIOS)
    assert all(scenario.advice for scenario in SCENARIOS if scenario.name != "connection cut on a look")
    assert [scenario.name for scenario in SCENARIOS if scenario.required] == ["completed", "failed"]


def test_what_does_not_apply_is_skipped_by_the_frameworks(tmp_path: Path) -> None:
    test = tmp_path / "test_mine.py"
    test.write_text(
        "from bide.dialects.declared import Declared\n"
        "from bide.dialects.vendors import named\n"
        "from bide_transports.testing.conformance import SCENARIOS, conform\n"
        "import pytest\n"
        "@pytest.mark.parametrize('scenario', SCENARIOS, ids=str)\n"
        "def test_conforms(scenario):\n"
        "    conform(Declared(named('google-lro')), scenario)\n",
        "utf-8",
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-W", "error", str(test)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert 'google-lro: "result elsewhere" not applicable: google-lro offers no such call' in done.stdout
    counts = pytest.RunResult.parse_summary_nouns(done.stdout.splitlines())  # pyright: ignore[reportUnknownMemberType]
    assert counts.keys() == {"passed", "skipped"}


def test_the_kit_needs_no_test_framework_and_no_transport() -> None:
    code = (
        "import sys, bide_transports.testing.conformance; print({'pytest', 'requests', 'h11', 'trio'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"


def test_the_public_face() -> None:
    assert sorted(conformance.__all__) == sorted(set(conformance.__all__))
    assert all(hasattr(conformance, name) for name in conformance.__all__)
