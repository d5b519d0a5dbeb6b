"""Declarations as JSON: what is written reads back the same, and what people write wrongly is named exactly."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import Sign
from bide.dialects.vendors import named, names
from bide.dialects.written import read, write
from bide.document import JSON
from bide.errors import InvalidDeclaration
from bide.webhook import Signature
from tests.declarations import SOUND, declarations

LEAST = {"name": "acme", "base_url": "https://api.acme.example"}


def reading(**members: object) -> Declaration:
    """A declaration with little in it, and these members."""
    return read(json.dumps(LEAST | members))


@given(declarations)
def test_whatever_is_written_reads_back_the_same(declaration: Declaration) -> None:
    assert read(write(declaration)) == declaration
    assert read(write(declaration).encode()) == declaration


@pytest.mark.parametrize("name", names())
def test_every_declaration_that_is_built_in_reads_back_the_same(name: str) -> None:
    assert read(write(named(name))) == named(name)


def test_members_equal_to_their_default_are_left_out() -> None:
    assert json.loads(write(Declaration("acme", "https://api.acme.example"))) == LEAST
    members = json.loads(write(SOUND))
    assert members["fetch"] == {"urls": ["/jobs/{id}/result"]}
    assert members["signs"][0] == {"phase": "failed", "when": {"error.code": ["*"]}}
    assert not {"file", "headers", "authorization", "full", "cadence", "quota", "files"} & members.keys()


def test_what_differs_from_a_default_is_there_even_if_it_is_nothing() -> None:
    written = write(Declaration("acme", "https://api.acme.example", headers=(), authorization=None, cadence=False))
    assert json.loads(written) == LEAST | {"headers": [], "authorization": None, "cadence": False}


def test_it_is_laid_out_for_people() -> None:
    declaration = Declaration(
        "acme",
        "https://api.acme.example",
        poll=Call("GET", ("/jobs/{id}",)),
        phases={"done": Phase.SUCCEEDED, "error": Phase.FAILED},
        signs=tuple(Sign(Phase.LIMITED, {"error.code": ("throttled",)}, ("400",)) for _ in range(2)),
        code=("a" * 60, "b" * 60),
    )
    assert write(declaration).splitlines() == [
        "{",
        '  "name": "acme",',
        '  "base_url": "https://api.acme.example",',
        '  "poll": {"urls": ["/jobs/{id}"]},',
        '  "phases": {"done": "succeeded", "error": "failed"},',
        '  "signs": [',
        '    {"phase": "limited", "when": {"error.code": ["throttled"]}, "http": ["400"]},',
        '    {"phase": "limited", "when": {"error.code": ["throttled"]}, "http": ["400"]}',
        "  ],",
        '  "code": [',
        f'    "{"a" * 60}",',
        f'    "{"b" * 60}"',
        "  ]",
        "}",
    ]


def test_a_text_may_stand_for_a_list_of_one() -> None:
    loose = reading(id="id", poll={"urls": "/jobs/{id}"}, links={"status": "@location"}, output="")
    assert (loose.id, loose.poll.urls, loose.links, loose.output) == (
        ("id",),
        ("/jobs/{id}",),
        {"status": ("@location",)},
        ("",),
    )
    sign = {"phase": "failed", "when": {"error": "*"}, "http": "4xx", "asked": "poll"}
    assert reading(signs=[sign]).signs == (Sign(Phase.FAILED, {"error": ("*",)}, ("4xx",), ("poll",)),)


def test_every_phase_is_written_by_its_name_in_lower_case() -> None:
    phases = {phase.name.lower(): phase for phase in Phase}
    assert reading(phases={word: word for word in phases}).phases == phases


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read("\ufeff" + write(SOUND)) == read(b"\xef\xbb\xbf" + write(SOUND).encode()) == SOUND


def test_a_whole_number_may_stand_for_any() -> None:
    webhook = {"signature": "x-signature", "timestamp": "x-time", "tolerance": 60}
    assert reading(webhook=webhook).webhook == Signature("x-signature", "x-time", tolerance=60.0)


@pytest.mark.parametrize("body", [None, True, 0, 0.5, "{input}", [], {}, {"a": [{"b": None}, 10**30]}])
def test_a_body_may_be_any_json(body: JSON) -> None:
    declaration = replace(SOUND, poll=Call("POST", body=body))
    assert read(write(declaration)).poll.body == body


# What extends a built-in declaration


def extending(built_in: object, /, **members: object) -> Declaration:
    return read(json.dumps({"extends": built_in, **members}))


@pytest.mark.parametrize("name", names())
def test_what_extends_a_built_in_declaration_and_changes_nothing_is_that(name: str) -> None:
    assert extending(name) == named(name)
    assert write(extending(name)) == write(named(name))


def test_what_is_given_replaces_what_is_built_in() -> None:
    arm = named("azure-arm")
    changed = extending(
        "azure-arm",
        name="mine",
        submit={"method": "PATCH", "query": [["api-version", "2024-07-01"]]},
        fetch=None,
        status="state",
        progress=None,
    )
    submit = Call("PATCH", ("/{model}",), query=(("api-version", "2024-07-01"),), body={"...": "{input}"})
    assert changed == replace(arm, name="mine", submit=submit, fetch=None, status=("state",), progress=None)
    assert "extends" not in write(changed)


def test_words_links_and_the_webhook_are_changed_one_by_one() -> None:
    openai, fal = named("openai-batches"), named("fal")
    changed = extending("openai-batches", phases={"done": "succeeded", "expired": None}, webhook={"tolerance": 60})
    phases = {word: phase for word, phase in openai.phases.items() if word != "expired"} | {"done": Phase.SUCCEEDED}
    assert openai.webhook is not None
    assert changed == replace(openai, phases=phases, webhook=replace(openai.webhook, tolerance=60.0))
    links = {"status": ("@location",), "response": fal.links["response"]}
    assert extending("fal", links={"status": "@location", "cancel": None}) == replace(fal, links=links)


def test_three_dots_in_a_list_stand_for_what_is_built_in() -> None:
    core = named("azure-core")
    first, last = {"phase": "failed", "when": {"error": "*"}}, {"phase": "gone", "http": "410"}
    changed = extending("azure-core", signs=[first, "...", last], poll={"urls": ["...", "/jobs/{id}"]})
    signs = (Sign(Phase.FAILED, {"error": ("*",)}), *core.signs, Sign(Phase.GONE, http=("410",)))
    assert changed == replace(core, signs=signs, poll=Call("GET", (*core.poll.urls, "/jobs/{id}")))


@pytest.mark.parametrize("body", [{"...": "{input}", "a": 1}, {"model": "{model}"}, ["..."], "...", None])
def test_a_body_is_replaced_whole(body: JSON) -> None:
    submit = extending("replicate", submit={"body": body}).submit
    assert submit is not None
    assert submit.body == body


def test_what_is_not_built_in_is_given_whole() -> None:
    fetch = {"urls": "/predictions/{id}/result"}
    assert extending("replicate", fetch=fetch).fetch == Call("GET", ("/predictions/{id}/result",))


@pytest.mark.parametrize(
    ("name", "members", "says"),
    [
        ("azure-amr", {}, 'extends: "azure-amr" does not come with bide: did you mean "azure-arm"?'),
        ("acme", {}, 'extends: "acme" does not come with bide: give one of aws-step-functions, '),
        (7, {}, "extends: 7 does not come with bide: give one of"),
        (["fal"], {}, "extends: a list does not come with bide: did you mean"),
        (None, {}, "extends: null does not come with bide: give one of"),
        ("fal", {"submitt": {}}, 'submitt: there is no such member: did you mean "submit"?'),
        ("fal", {"submit": {"methd": "PUT"}}, 'submit.methd: there is no such member: did you mean "method"?'),
        ("fal", {"submit": "PUT"}, 'submit: "PUT" does not fit: give an object'),
        ("fal", {"poll": None}, "poll: null does not fit: give an object"),
        ("fal", {"phases": {"done": "suceeded"}}, 'phases.done: "suceeded" does not fit: did you mean "succeeded"?'),
        ("fal", {"signs": ["..", "..."]}, 'signs[0]: ".." does not fit: give an object'),
    ],
)
def test_what_cannot_be_extended_is_refused_with_its_place(name: object, members: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        extending(name, **members)
    assert str(caught.value).startswith(says)


# What people get wrong: the place, what is there, what belongs there


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"base_url": 7}, "base_url: 7 does not fit: give a text"),
        ({"cadence": 1}, "cadence: 1 does not fit: give true or false"),
        ({"id": 7}, "id: 7 does not fit: give a list of texts"),
        ({"id": ["id", None]}, "id[1]: null does not fit: give a text"),
        ({"poll": []}, "poll: a list does not fit: give an object"),
        ({"poll": None}, "poll: null does not fit: give an object"),
        ({"fetch": "/x"}, 'fetch: "/x" does not fit: give an object'),
        ({"poll": {"urls": ["/a", 1]}}, "poll.urls[1]: 1 does not fit: give a text"),
        ({"headers": "accept"}, 'headers: "accept" does not fit: give a list of lists of 2 texts'),
        ({"headers": [["a", "b", "c"]]}, "headers[0]: a list does not fit: give a list of 2 texts"),
        ({"quota": ["a"]}, "quota: a list does not fit: give a list of 3 texts"),
        ({"authorization": "Bearer"}, 'authorization: "Bearer" does not fit: give a list of 2 texts'),
        ({"links": []}, "links: a list does not fit: give an object of lists of texts"),
        ({"links": {"status": {}}}, "links.status: an object does not fit: give a list of texts"),
        ({"phases": "done"}, 'phases: "done" does not fit: give an object of words'),
        ({"phases": {"in progress": 1}}, 'phases["in progress"]: 1 does not fit: give one of unfinished, succeeded,'),
        ({"phases": {"done": "succeded"}}, 'phases.done: "succeded" does not fit: did you mean "succeeded"?'),
        ({"phases": {"done": "SUCCEEDED"}}, 'phases.done: "SUCCEEDED" does not fit: did you mean "succeeded"?'),
        ({"phases": {"stop": "canceled"}}, 'phases.stop: "canceled" does not fit: did you mean "cancelled"?'),
        ({"signs": "x"}, 'signs: "x" does not fit: give a list of objects'),
        ({"signs": [{"phase": "failed"}, {}]}, "signs[1].phase is missing: give one of unfinished, succeeded,"),
        ({"signs": [{"phase": "failed", "when": 7}]}, "signs[0].when: 7 does not fit: give an object of lists of"),
        (
            {"signs": [{"phase": "failed", "when": {"error.code": [7]}}]},
            'signs[0].when["error.code"][0]: 7 does not fit: give a text',
        ),
        ({"signs": [{"phase": "failed", "asked": 7}]}, "signs[0].asked: 7 does not fit: give a list of words"),
        (
            {"signs": [{"phase": "failed", "asked": ["pol"]}]},
            'signs[0].asked[0]: "pol" does not fit: did you mean "poll"?',
        ),
        ({"webhook": {"signature": "x"}}, "webhook.timestamp is missing: give a text"),
        (
            {"webhook": {"signature": "x", "timestamp": "y", "tolerance": "300"}},
            'webhook.tolerance: "300" does not fit: give a number',
        ),
        (
            {"webhook": {"signature": "x", "timestamp": "y", "tolerance": 1e300}},
            "webhook.tolerance: 1e+300 does not fit: give a number",
        ),
        (
            {"webhook": {"signature": "x", "timestamp": "y", "coding": "base32"}},
            'webhook.coding: "base32" does not fit: did you mean "base64"?',
        ),
        ({"statuss": "status"}, 'statuss: there is no such member: did you mean "status"?'),
        ({"poll": {"url": "/jobs/{id}"}}, 'poll.url: there is no such member: did you mean "urls"?'),
        ({"poll": {"zzz": 1}}, "poll.zzz: there is no such member: give one of method, urls, headers, query, body,"),
        ({"is": "Declaration"}, "is: there is no such member"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place_and_advice(members: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        reading(**members)
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("member", LEAST)
def test_what_every_declaration_must_have_is_asked_for(member: str) -> None:
    with pytest.raises(InvalidDeclaration, match=f"^{member} is missing: give a text$"):
        read(json.dumps({name: value for name, value in LEAST.items() if name != member}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"line 1, column 1: this is no JSON"),
        ('{\n  "name": "acme",\n}', r"line \d, column \d+: this is no JSON"),
        ("[]", "the declaration: a list does not fit: give an object"),
        ("null", "the declaration: null does not fit"),
        ('{"name": "a", "base_url": "b", "poll": {"body": {"x": 1, "x": 2}}}', '"x" stands more than once'),
        ('{"name": "a", "base_url": "b", "poll": {"body": NaN}}', "NaN is no JSON"),
        ("[" * 100_000, "this is no JSON"),
        ('{"name": ' + "9" * 5000 + "}", "this is no JSON|does not fit"),
        (b"\xff\xfe{}", "this is no JSON"),
        ("\ud800", "line 1, column 1: this is no JSON"),
    ],
    ids=["empty", "comma", "list", "null", "twice", "NaN", "deep", "long", "utf-16", "surrogate"],
)
def test_what_is_no_json_is_refused(text: str | bytes, says: str) -> None:
    with pytest.raises(InvalidDeclaration, match=says):
        read(text)


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        reading(cadence="x" * 100_000)
    assert len(str(caught.value)) < 200


def _deep() -> JSON:
    value: JSON = "x"
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("body", [float("nan"), float("inf"), _deep()], ids=["nan", "inf", "deep"])
def test_a_body_that_is_no_json_is_not_written(body: JSON) -> None:
    with pytest.raises(InvalidDeclaration, match="acme cannot be written as JSON"):
        write(replace(SOUND, poll=Call("POST", body=body)))
