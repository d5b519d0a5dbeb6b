"""The linter: silent about what is sound, and each fault found where it is, with advice."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call, gaps
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.lint import Finding, Severity, lint
from bide.dialects.places import Facts, Sign
from bide.dialects.vendors import named, names
from bide.document import JSON
from bide.webhook import Signature
from tests.declarations import SOUND, declarations
from tests.laws import START

SECRET = "sk_live_0123456789abcdef"
WORDS = SOUND.phases


def errors(declaration: Declaration) -> list[Finding]:
    return [finding for finding in lint(declaration) if finding.severity is Severity.ERROR]


KEYED = (("idempotency-key", "{key}"),)


def posting(
    *urls: str,
    body: JSON = "{input}",
    headers: tuple[tuple[str, str], ...] = KEYED,
    query: tuple[tuple[str, str], ...] = (),
) -> Call:
    """A submission with no fault of its own."""
    return Call("POST", urls or ("/jobs/{model}",), headers, query, body)


def test_a_sound_declaration_has_no_findings() -> None:
    assert lint(SOUND) == ()


@pytest.mark.parametrize("name", names())
def test_what_is_built_in_has_no_errors(name: str) -> None:
    assert errors(named(name)) == []


def test_findings_tell_all_and_errors_come_first() -> None:
    findings = lint(Declaration("acme", "https://api.acme.example"))
    assert [finding.severity.value for finding in findings] == ["error", "warning", "warning"]
    assert str(findings[-2]) == (
        "warning in source: nobody can look up whether this is right. Name the page of the API."
    )


@given(declarations)
def test_any_declaration_can_be_judged_and_each_finding_has_advice(declaration: Declaration) -> None:
    for finding in lint(declaration):
        assert finding.problem
        assert finding.advice
        assert finding.place.split(".")[0].split("[")[0] in Declaration.__dataclass_fields__


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    # the ends of a job
    "no success": ({"phases": {"error": Phase.FAILED}}, "phases", "no job would ever complete"),
    "success in a fetch alone": (
        {
            "phases": {"error": Phase.FAILED},
            "signs": (Sign(Phase.SUCCEEDED, {"ok": ("true",)}, asked=("fetch", "submit")),),
        },
        "phases",
        "no job would ever complete",
    ),
    "no place of a word": ({"status": ()}, "phases", "no job would ever complete"),
    "success by a link that is not there": (
        {"phases": {}, "signs": (Sign(Phase.SUCCEEDED, {"ok": ("true",)}, links=("result",)),)},
        "phases",
        "no job would ever complete",
    ),
    "success that is hidden": (
        {"phases": {}, "signs": (Sign(Phase.FAILED, {"ok": ("*",)}), Sign(Phase.SUCCEEDED, {"ok": ("true",)}))},
        "phases",
        "no job would ever complete",
    ),
    # words
    "a word twice": ({"phases": {**WORDS, "DONE": Phase.FAILED}}, 'phases["DONE"]', 'the same word as "done"'),
    "a word with spaces": ({"phases": {**WORDS, " x": Phase.FAILED}}, 'phases[" x"]', "spaces around it"),
    "an empty word": ({"phases": {**WORDS, "": Phase.FAILED}}, 'phases[""]', "no reply holds this word"),
    "a pattern for a word": ({"phases": {**WORDS, "err*": Phase.FAILED}}, 'phases["err*"]', "* stands for itself"),
    # signs
    "no such code": ({"signs": (Sign(Phase.FAILED, http=("2XX",)),)}, "signs[0].http", '"2XX" is no status code'),
    "half a code": ({"signs": (Sign(Phase.FAILED, http=("40",)),)}, "signs[0].http", '"40" is no status code'),
    "no code": ({"signs": (Sign(Phase.FAILED, http=()),)}, "signs[0].http", "counts in no reply"),
    "no word": ({"signs": (Sign(Phase.FAILED, {"a": ()}),)}, 'signs[0].when["a"]', "no word is named"),
    "asked of nothing": ({"signs": (Sign(Phase.FAILED, asked=()),)}, "signs[0].asked", "replies to nothing only"),
    "accepted is not done": (
        {"signs": (Sign(Phase.SUCCEEDED, asked=("poll",)),)},
        "signs[0].http",
        "202 means that the job was accepted",
    ),
    "cancelled is not done": (
        {"signs": (Sign(Phase.SUCCEEDED, http=("200",)),)},
        "signs[0].asked",
        "would read as success",
    ),
    "words hidden": ({"signs": (Sign(Phase.UNFINISHED),)}, "phases", "no job would ever complete"),
    # the key
    "a key for a variable": ({"environment": "sk-0123456789abcdef"}, "environment", "no name of a variable"),
    # requests
    "base URL in the clear": ({"base_url": "http://api.acme.example"}, "base_url", "unencrypted"),
    "base URL in the clear, without a key": (
        {"base_url": "http://api.acme.example", "authorization": None, "fetch": None},
        "base_url",
        "would send the jobs and their results unencrypted",
    ),
    "no base URL": ({"base_url": "api.acme.example"}, "base_url", "is no base URL"),
    "no address": ({"poll": Call("GET", ())}, "poll.urls", "no address"),
    "a path without a slash": ({"fetch": Call("GET", ("jobs/{id}",))}, "fetch.urls[0]", "it is no address"),
    "a gap in the host": ({"fetch": Call("GET", ("https://{id}.acme.example",))}, "fetch.urls[0]", "no plain address"),
    "an address in the clear": (
        {"file": Call("GET", ("http://files.acme.example/{file}",))},
        "file.urls[0]",
        "unencrypted",
    ),
    "a method in lower case": ({"poll": Call("get", ("/jobs/{id}",))}, "poll.method", '"get" is no method'),
    "a poll that nothing fills": ({"id": (), "links": {}}, "poll.urls", "nothing fills {id}, {status}"),
    "an id for an address": ({"poll": Call("GET", ("{id}",))}, "poll.urls", "nothing fills {id}"),
    "a link for a part": ({"poll": Call("GET", ("/x/{status}",))}, "poll.urls", "nothing fills {status}"),
    "a fetch that nothing fills": ({"fetch": Call("GET", ("{result}",))}, "fetch.urls", "nothing fills {result}"),
    "a cancel that nothing fills": ({"cancel": Call("PUT", ("{cancel}/x",))}, "cancel.urls", "nothing fills {cancel}"),
    "a body that nothing fills": (
        {"poll": Call("POST", ("/jobs",), body={"jobs": ["{name}"]})},
        "poll",
        "nothing fills {name}",
    ),
    "a header that nothing fills": (
        {"poll": Call("GET", ("/jobs/{id}",), (("x-job", "{name}"),))},
        "poll",
        "nothing fills {name}",
    ),
    "a submission that nothing fills": ({"submit": posting("/jobs/{id}")}, "submit.urls", "nothing fills {id}"),
    "a submission to a link": ({"submit": posting("{model}")}, "submit.urls", "nothing fills {model}"),
    "a file that nothing fills": ({"file": Call("GET", ("/files/{id}/{file}",))}, "file.urls", "nothing fills {id}"),
    "a poll for all": ({"poll": Call("GET", ("/jobs",))}, "poll.urls[0]", "the same for all jobs"),
    "a file for all": ({"file": Call("GET", ("/file",))}, "file.urls[0]", "the same for all files"),
    "a link by the name of id": ({"links": {**SOUND.links, "id": ("a",)}}, "links.id", "no name for a link"),
    "a link by the name of a key": ({"links": {**SOUND.links, "key": ("a",)}}, "links.key", "no name for a link"),
    # credentials
    "no key": ({"authorization": ("x-api-key", "k")}, "authorization", "key goes nowhere"),
    "a key in its header": ({"authorization": ("x-key", f"{{key}} {SECRET}")}, "authorization", "is written into it"),
    "a header with a key": ({"headers": (("Authorization", "x"),)}, "headers", "written into Authorization"),
    "a header with a cookie": ({"headers": (("cookie", "x"),)}, "headers", "written into cookie"),
    "a header that looks like one": ({"headers": (("x-version", SECRET),)}, "headers", "written into x-version"),
    "a call with a key": (
        {"poll": Call("GET", ("/jobs/{id}",), (("X-API-Key", "x"),))},
        "poll.headers",
        "written into X-API-Key",
    ),
    "the wrong key": (
        {"submit": posting(headers=(("x-api-key", "{key}"),))},
        "submit.headers",
        "idempotency key, never the caller's own",
    ),
    "the wrong key in a poll": (
        {"poll": Call("GET", ("/jobs/{id}",), (("x-auth-token", "{key}"),))},
        "poll.headers",
        "idempotency key, never the caller's own",
    ),
    "a gap in all headers": ({"headers": (("x-name", "{name}"),)}, "headers", "is never filled"),
    "a gap beside the key": ({"authorization": ("x-key", "{id}:{key}")}, "authorization", "nothing fills {id}"),
    "a key in a body": ({"submit": posting(body={"a": [SECRET], "b": "{input}"})}, "submit.body", "is written into it"),
    "a key in a query": (
        {"poll": Call("GET", ("/jobs/{id}",), query=(("k", SECRET),))},
        "poll.urls",
        "is written into it",
    ),
    "a key in an address": ({"poll": Call("GET", (f"/jobs/{{id}}?k={SECRET}",))}, "poll.urls", "is written into it"),
    # spelling
    "no name": ({"name": " "}, "name", "it is empty"),
    "an empty key": ({"output": ("a..b",)}, "output[0]", "empty key"),
    "a key with spaces": ({"message": ("a", "b. c")}, "message[1]", "or spaces"),
    "no header field": ({"id": ("@",)}, "id[0]", "names no header field"),
    "a field with spaces": ({"links": {"status": ("@x y",)}}, "links.status[0]", "names no header field"),
    "the address for a place": ({"status": ("~",)}, "status[0]", "is the address that was asked"),
    "an empty key of a sign": ({"signs": (Sign(Phase.FAILED, {".a": ("b",)}),)}, "signs[0].when", "empty key"),
    "an empty key of progress": ({"progress": "a."}, "progress", "empty key"),
    "an empty key of its end": ({"full": ".total"}, "full", "empty key"),
    "output in a header": ({"output": ("@location",)}, "output[0]", "not in the body"),
    "output in the code": ({"output": ("#",)}, "output[0]", "not in the body"),
    "no header line": ({"headers": (("a b", "c"),)}, "headers", "no header line"),
    "a header line too many": (
        {"poll": Call("GET", ("/{id}",), (("a", "b\r\nc: d"),))},
        "poll.headers",
        "no header line",
    ),
    "no line for the key": ({"authorization": ("", "{key}")}, "authorization", "no header line"),
    "a quota of no field": ({"quota": ("x limit", "x-left", "x-reset")}, "quota", "no header field"),
    "an id that differs each time, in an address": (
        {"poll": Call("GET", ("/jobs/{request_id}",))},
        "poll.urls",
        "nothing fills {request_id}",
    ),
    "a key that nobody recognises": ({"key_lifetime": 0.0}, "key_lifetime", "no key would ever be recognised"),
    "a reader that is none": ({"message": ("error|yaml.text",)}, "message[0]", '"|yaml" reads nothing'),
    "all of one": ({"signs": (Sign(Phase.FAILED, {"error|all": ("*",)}),)}, "signs[0].when", "ends the place of items"),
    "no cookie": ({"cookies": ("a=b",)}, "cookies", "no name of a cookie"),
    "no end of progress": ({"full": "0"}, "full", "no progress can be measured"),
    "an empty end of progress": ({"full": ""}, "full", "no progress can be measured"),
    "an unsigned webhook": ({"webhook": Signature("", "x")}, "webhook.signature", "header that holds it is missing"),
    "a timeless webhook": ({"webhook": Signature("x", "")}, "webhook.timestamp", "header that holds it is missing"),
    "a webhook in capitals": (
        {"webhook": Signature("x", "y", signed="{timestamp}.{body}{Url}")},
        "webhook.signed",
        '"{Url}" is no gap',
    ),
    "a nameless webhook": (
        {"webhook": Signature("x", "y", signed="{id}.{timestamp}.{body}")},
        "webhook.id",
        "header that holds it is missing",
    ),
    "an empty webhook": ({"webhook": Signature("x", "y", signed="{timestamp}")}, "webhook.signed", "is not signed"),
    "a webhook's gap": (
        {"webhook": Signature("x", "y", signed="{timestamp}.{body}.{url}")},
        "webhook.signed",
        "nothing fills {url}",
    ),
    "a webhook of no job": ({"webhook": Signature("x", "y", job=())}, "webhook.job", "which job"),
    "a webhook's place": ({"webhook": Signature("x", "y", kind=("a..b",))}, "webhook.kind[0]", "empty key"),
    "an impatient webhook": ({"webhook": Signature("x", "y", tolerance=0.0)}, "webhook.tolerance", "too old"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_an_error_in_its_place(name: str) -> None:
    change, place, says = FAULTS[name]
    found = errors(replace(SOUND, **change))
    assert [finding for finding in found if finding.place == place and says in finding.problem], found


@pytest.mark.parametrize("name", [name for name in FAULTS if "key" in name or "looks" in name])
def test_no_finding_repeats_a_credential(name: str) -> None:
    assert SECRET not in "\n".join(map(str, lint(replace(SOUND, **FAULTS[name][0]))))


ODD: dict[str, tuple[dict[str, Any], str, str]] = {
    "a variable for no key": (
        {"authorization": None, "environment": "ACME_API_KEY"},
        "environment",
        "declared to want no key",
    ),
    "no source": ({"source": ""}, "source", "nobody can look up"),
    "cancelled unheard": (
        {"phases": {"done": Phase.SUCCEEDED}},
        "cancel",
        "nobody would learn that it worked",
    ),
    "cannot be repeated": (
        {"submit": Call("POST", ("/jobs/{model}",), body="{input}")},
        "submit",
        "it cannot be repeated",
    ),
    "no model": (
        {"submit": Call("POST", ("/jobs",), (("idempotency-key", "{key}"),), body="{input}")},
        "submit",
        "the model that the caller names goes nowhere",
    ),
    "another origin": (
        {"fetch": Call("GET", ("https://results.acme.example/{id}",))},
        "fetch.urls[0]",
        "asked without the key",
    ),
    "one address too many": (
        {"fetch": Call("GET", ("{result}", "/jobs/{id}"))},
        "fetch.urls[0]",
        "nothing fills {result}",
    ),
    "an address that is never used": (
        {"fetch": Call("POST", ("/jobs", "/jobs/{id}"), body="{id}")},
        "fetch.urls[0]",
        "never used",
    ),
    "a link that no call uses": ({"links": {**SOUND.links, "logs": ("a",)}}, "links.logs", "no call uses it"),
    "an end of no progress": ({"progress": None, "full": "1"}, "full", "there is none"),
    "a webhook without a time": ({"webhook": Signature("x", "", signed="{body}")}, "webhook.signed", "sent again"),
    "no failure": ({"phases": {**WORDS, "error": Phase.CANCELLED}, "signs": ()}, "phases", "until the deadline"),
    "words of no place": (
        {"status": (), "signs": (*SOUND.signs, Sign(Phase.SUCCEEDED, {"done": ("true",)})), "cancel": None},
        "phases",
        "no place to read them from",
    ),
    "a fetch that is not made": (
        {"fetch": None, "signs": (Sign(Phase.FAILED, {"a": ("b",)}, asked=("fetch",)),)},
        "signs[0].asked",
        "no such request is made",
    ),
    "a cancellation that is not made": (
        {"cancel": None, "signs": (Sign(Phase.FAILED, {"a": ("b",)}, asked=("cancel", "confirm")),)},
        "signs[0].asked",
        "cancel and confirm only",
    ),
    "no such link": (
        {"signs": (Sign(Phase.FAILED, {"a": ("b",)}, links=("result",)),)},
        "signs[0].links",
        'no link "result"',
    ),
    "after no word": (
        {
            "status": (),
            "phases": {},
            "cancel": None,
            "signs": (
                Sign(Phase.GONE, {"error.code": ("!",), "a": ("b",)}, after=("running",)),
                Sign(Phase.SUCCEEDED, {"done": ("true",)}),
                Sign(Phase.FAILED, {"done": ("false",)}),
            ),
        },
        "signs[0].after",
        "no word is read",
    ),
    "covered": (
        {"signs": (Sign(Phase.FAILED, {"error": ("*",)}), Sign(Phase.EXPIRED, {"error": ("timeout",), "x": ("1",)}))},
        "signs[1]",
        "signs[0] is seen in every reply that shows this one",
    ),
    "words hidden": (
        {
            "cancel": None,
            "signs": (
                Sign(Phase.SUCCEEDED, {"done": ("true",)}),
                Sign(Phase.FAILED, {"error": ("*",)}),
                Sign(Phase.UNFINISHED),
            ),
        },
        "phases",
        "the words are never looked at",
    ),
    "a cancel for all": ({"cancel": Call("PUT", ("/{id}", "/jobs"))}, "cancel.urls[1]", "the same for all jobs"),
    "no input": ({"submit": posting(body={"model": "{model}"})}, "submit", "it takes no input"),
    "a member twice": (
        {"submit": posting(query=(("format", "{input.format}"),))},
        "submit",
        "{input.format} is sent twice",
    ),
    "put without a key": (
        {"submit": Call("PUT", ("/jobs/{model}",), body="{input}")},
        "submit",
        "without a key it is sent again",
    ),
    "a link that stands nowhere": ({"links": {"status": ()}}, "links.status", "it stands nowhere"),
    "one item of a list": ({"status": ("jobs.0.state",)}, "status[0]", "other items of that list count for nothing"),
    "nothing to accept": ({"accepted": ("no-key",)}, "accepted[0]", 'there is no warning "no-key"'),
    "a webhook at any time": ({"webhook": Signature("x", "y", signed="{body}")}, "webhook.signed", "sent again"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_may_be_meant_so_is_a_warning_and_nothing_else(name: str) -> None:
    change, place, says = ODD[name]
    (finding,) = lint(replace(SOUND, **change))
    assert (finding.severity, finding.place) == (Severity.WARNING, place)
    assert says in finding.problem


SOUND_TOO: dict[str, dict[str, Any]] = {
    "a variable that holds the key": {"environment": "ACME_API_KEY"},
    "words that are only shown": {
        "phases": {},
        "signs": (Sign(Phase.SUCCEEDED, {"done": ("true",)}), *SOUND.signs),
        "cancel": None,
    },
    "watched only, by id or address": {"submit": None, "id": (), "links": {}},
    "on this machine": {"base_url": "http://127.0.0.1:8000"},
    "no key is wanted": {"authorization": None, "fetch": Call("GET", ("https://results.acme.example/{id}",))},
    "in one's own network, without a key": {
        "base_url": "http://renderer:8188",
        "authorization": None,
        "file": Call("GET", ("http://192.168.1.10/{file}",)),
    },
    "a delete without a key": {"submit": Call("DELETE", ("/{model}",), body="{input}")},
    "a key by another name": {"submit": posting(headers=(("x-client-token", "{key}"),))},
    "figures that are no credential": {"headers": (("x-max-tokens", "100"),)},
    "a key in the lines of all": {
        "submit": Call("POST", ("/{model}",), body="{input}"),
        "headers": (("idempotency-key", "{key}"),),
    },
    "put that is declared": {
        "submit": Call("PUT", ("/jobs/{model}",), body="{input}", repeatable=False),
    },
    "what differs each time": {
        "headers": (("x-request-id", "{request_id}"),),
        "submit": posting(headers=(*KEYED, ("repeatability-first-sent", "{since}")), query=(("at", "{now}"),)),
    },
    "members of the input": {"submit": posting(body={"size": "{input.size}", "at": "{input.options.at}"})},
    "what was submitted": {
        "poll": Call("GET", ("/{model}/{id}",), (("x-key", "{key}"),), (("q", "{input.a}"),)),
        "links": {},
    },
    "what is behind a link": {"fetch": Call("GET", ("{status}/results/{id}?of={status}",))},
    "braces that are meant": {
        "poll": Call("POST", ("/jobs/{id}",), body={"query": "{{ job {{ state }} }}"}),
        "links": {},
    },
    "items, readers and keys": {
        "id": ("@location|path.-1",),
        "status": ("jobs.*.state", "conditions[type=Complete].status", r"a\.b", "|text", "payload|json.state"),
        "signs": (*SOUND.signs, Sign(Phase.FAILED, {"jobs.*.error|all": ("*",)})),
        "next": ("@link|link.next", "nextLink"),
    },
    "accepted 202 told before": {
        "signs": (Sign(Phase.UNFINISHED, http=("202",)), Sign(Phase.SUCCEEDED, asked=("poll",))),
        "phases": {},
        "cancel": None,
        "accepted": ("no-failure",),
    },
    "accepted by its code": {"source": "", "accepted": ("no-source",)},
    "accepted by its place": {"source": "", "accepted": ("source",)},
    "a time inside": {"webhook": Signature("x", "x", prefix="v1=")},
    "cookies find the job": {"poll": Call("GET", ("/job",)), "cookies": ("session",), "links": {}},
    "input as a text": {"submit": posting(body={"in": "{input_json}"})},
    "a link for each call": {
        "links": {"status": ("a",), "result": ("b",), "stop": ("~",)},
        "poll": Call(),
        "fetch": Call("GET", ("{result}",)),
        "cancel": Call("PUT", ("{stop}/cancel",)),
        "id": (),
    },
    "an id in a body": {"poll": Call("POST", ("/",), body={"jobs": ["{id}"]}), "links": {}},
    "a cookie to be sent back": {"cookies": ("session",)},
    "the whole body": {"output": ("",), "files": ("", "@location")},
    "a figure of its own": {"full": "metadata.total"},
    "the narrow sign first": {
        "signs": (Sign(Phase.EXPIRED, {"error": ("timeout",)}), Sign(Phase.FAILED, {"error": ("*",)}))
    },
    "signs of other codes": {"signs": (Sign(Phase.FAILED, {"a": ("*",)}), Sign(Phase.GONE, {"a": ("b",)}, ("4xx",)))},
    "signs of other requests": {
        "signs": (
            Sign(Phase.FAILED, {"a": ("*",)}, asked=("poll",)),
            Sign(Phase.GONE, {"a": ("b",)}, asked=("poll", "fetch")),
        )
    },
    "signs of other links": {
        "signs": (Sign(Phase.FAILED, {"a": ("*",)}, links=("status",)), Sign(Phase.GONE, {"a": ("b",)})),
    },
    "signs of other places": {"signs": (Sign(Phase.FAILED, {"a": ("*",)}), Sign(Phase.GONE, {"b": ("b",)}))},
    "anything is not nothing": {"signs": (Sign(Phase.FAILED, {"a": ("*",)}), Sign(Phase.GONE, {"a": ("!",)}))},
    "anything is not false": {"signs": (Sign(Phase.FAILED, {"a": ("*",)}), Sign(Phase.GONE, {"a": ("false", "x")}))},
    "done by its code": {"signs": (Sign(Phase.SUCCEEDED, http=("200", "204"), asked=("poll",)),), "phases": WORDS},
    "cancelled by its code": {
        "phases": {"done": Phase.SUCCEEDED},
        "signs": (*SOUND.signs, Sign(Phase.CANCELLED, http=("404",), asked=("confirm",))),
    },
}


@pytest.mark.parametrize("name", SOUND_TOO)
def test_what_is_right_is_left_alone(name: str) -> None:
    assert lint(replace(SOUND, **SOUND_TOO[name])) == ()


BRACES = ("{Model}", "{}", "{ id }", "{", "}", "{model-name}", "{input.}", "{node(id:7)")


@pytest.mark.parametrize("braces", BRACES)
@pytest.mark.parametrize("member", ["urls", "headers", "query", "body", "key"])
def test_what_is_in_braces_and_no_gap_is_an_error_that_names_it(member: str, braces: str) -> None:
    call = {
        "urls": Call("GET", (f"/jobs/{{id}}/{braces}",)),
        "headers": Call("GET", ("/jobs/{id}",), (("x-job", f"a {braces}"),)),
        "query": Call("GET", ("/jobs/{id}",), query=(("q", f"{braces}"),)),
        "body": Call("POST", ("/jobs/{id}",), body={"a": [{"b": f"of {{id}} and {braces}"}]}),
        "key": Call("POST", ("/jobs/{id}",), body={"a": {f"{{id}} {braces}": 1}}),
    }[member]
    (finding,) = errors(replace(SOUND, poll=call))
    assert finding.place == f"poll.{'body' if member == 'key' else member}"
    assert f'"{braces}"' in finding.problem
    assert "{{ and }}" in finding.advice


def test_an_error_is_never_accepted() -> None:
    wrong = replace(SOUND, phases={}, accepted=("phases", ""))
    assert [finding.place for finding in errors(wrong)] == ["phases"]


VARIATIONS: dict[str, dict[str, Any]] = {
    "without a fetch": {"fetch": None},
    "without a cancellation": {"cancel": None},
    "without a submission": {"submit": None},
    "without words for files": {"files": (), "progress": None, "wait_ms": (), "webhook": None},
    "without a source": {"source": "", "code": (), "message": (), "request_id": ()},
    "by a DELETE": {"submit": Call("DELETE", ("/{model}",))},
    "by an action": {"submit": Call("POST", ("/{model}",))},
    "by an export": {"submit": Call("GET", ("/{model}",), (("prefer", "respond-async"),))},
    "by a fixed address": {"submit": Call("PUT", ("/export",), body={"...": "{input}"})},
    "with a quota in capitals": {"quota": ("X-Limit", "X-Left", "X-Reset")},
}


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("change", VARIATIONS)
def test_a_built_in_declaration_that_was_changed_has_no_errors(name: str, change: str) -> None:
    assert errors(replace(named(name), **VARIATIONS[change])) == []


@pytest.mark.parametrize("name", names())
def test_a_sign_may_be_put_before_those_of_a_built_in_declaration(name: str) -> None:
    first = Sign(Phase.FAILED, {"error": ("*",)}, ("2xx", "4xx", "5xx"))
    assert errors(replace(named(name), signs=(first, *named(name).signs))) == []


# The linter against the speaker: what is called unreachable is never seen, and what is called sound can be asked

PATTERNS = ("*", "!", "a", "A", "a*", "*b", "**", "ab", "false", "f*", "", "?", "a?", "[a]", "[*")
VALUES: tuple[JSON, ...] = (
    None, True, False, 0, 1.5, "", " ", "a", "AB", "acb", "a?", "?", "[a]", "false", "fb", [], ["a"], {}, {"a": 1},
)  # fmt: skip


def is_called_unreachable(earlier: Sign, later: Sign) -> bool:
    return any("shows this one" in finding.problem for finding in lint(replace(SOUND, signs=(earlier, later))))


@pytest.mark.parametrize("wide", PATTERNS)
def test_a_word_called_covered_is_never_seen_alone(wide: str) -> None:
    covered: list[str] = []
    for narrow in PATTERNS:
        earlier, later = (Sign(Phase.FAILED, {"x": (pattern,)}) for pattern in (wide, narrow))
        if is_called_unreachable(earlier, later):
            covered.append(narrow)
            for value in VALUES:
                facts = Facts(bide.Response(200, body=json.dumps({"x": value}).encode()))
                assert earlier.holds(facts, "poll") or not later.holds(facts, "poll"), (wide, narrow, value)
    assert wide in covered


def test_a_word_is_covered_by_each_pattern_it_fits() -> None:
    for wide, narrow in (("*", "a"), ("*", "a*"), ("a*", "ab"), ("a*", "A"), ("*b", "ab"), ("[*", "[a]"), ("**", "ab")):
        earlier, later = (Sign(Phase.FAILED, {"x": (pattern,)}) for pattern in (wide, narrow))
        assert is_called_unreachable(earlier, later), (wide, narrow)


@pytest.mark.parametrize("wide", [("2xx",), ("200", "404"), ("2xx", "4xx"), ("404",)])
@pytest.mark.parametrize("narrow", [("2xx",), ("200",), ("404", "200"), ("202",)])
def test_a_code_called_covered_is_never_seen_alone(wide: tuple[str, ...], narrow: tuple[str, ...]) -> None:
    earlier, later = Sign(Phase.FAILED, http=wide), Sign(Phase.GONE, {"x": ("a",)}, narrow)
    facts = [Facts(bide.Response(status, body=b'{"x": "a"}')) for status in (200, 202, 299, 404, 409)]
    alone = [each for each in facts if later.holds(each, "poll") and not earlier.holds(each, "poll")]
    assert is_called_unreachable(earlier, later) is not bool(alone)


def test_a_submission_knows_all_that_the_linter_says_it_does() -> None:
    (finding,) = errors(replace(SOUND, submit=posting(body={"in": "{input}", "x": "{nothing}"})))
    known = gaps(finding.advice)
    dialect = Declared(replace(SOUND, submit=posting(body={name: f"{{{name}}}" for name in known})))
    order = bide.Order("m", {"a": 1}, "key-1", {"run": 7}, "https://hooks.example/h")
    assert json.loads(dialect.submit(order).body).keys() == known
    assert {"model", "input", "key"} < known


_urls = st.sampled_from(["/jobs/{id}", "/{id}/x", "{status}", "{status}/x", "{result}", "/jobs", "{id}", "/x/{status}"])
_calls = st.builds(Call, st.sampled_from(["GET", "POST"]), st.lists(_urls, min_size=1, max_size=2).map(tuple))
_places = st.sampled_from(["id", "job.id", "@x-id", "jobs.0.id"])


@given(
    st.fixed_dictionaries(
        {
            "id": st.lists(_places, max_size=1).map(tuple),
            "links": st.dictionaries(st.sampled_from(["status", "result"]), st.just(("@location", "url")), max_size=2),
            "poll": _calls,
            "fetch": st.none() | _calls,
            "cancel": st.none() | _calls,
        }
    )
)
def test_what_has_no_errors_can_be_asked_after_a_submission(members: dict[str, Any]) -> None:
    declaration = replace(SOUND, **members)
    assume(not errors(declaration))
    job = bide.submit(bide.Order("m", {"a": 1}, "key-1"), dialect=Declared(declaration), now=START)
    told = {"id": "7", "job": {"id": "7"}, "jobs": [{"id": "7"}], "url": "/jobs/7", "status": "new"}
    headers = bide.Headers.of([("x-id", "7"), ("location", "/jobs/7")])
    polling = job.receive(bide.Response(202, headers, json.dumps(told).encode()), now=START)
    assert isinstance(polling, bide.Polling)
    assert polling.request.url.startswith("https://api.acme.example/")
    if declaration.cancel is not None:
        assert bide.cancel(polling, now=START).request.url.startswith("https://api.acme.example/")
    done = polling.receive(bide.Response(200, body=json.dumps(told | {"status": "done"}).encode()), now=START)
    assert isinstance(done, bide.Completed if declaration.fetch is None else bide.Fetching | bide.Completed)
