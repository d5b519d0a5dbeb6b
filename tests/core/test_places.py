"""Where a value stands in a reply, and which words it shows there."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from bide.dialect import Phase
from bide.dialects.places import Facts, Sign, keys, verdict
from bide.document import JSON
from bide.messages import Headers, Response
from tests.laws import responses

DOCUMENT: JSON = {
    "status": " Running ",
    "done": False,
    "count": 3,
    "empty": [],
    "urls": {"get": "https://x.example"},
    "jobs": [{"status": "ok"}],
    "a[b]": "c",
    "text": "ns#ThrottlingException",
    "a.b": {"*": "starred", "x|y": "bar", "[z]": "bracket", "\\": "slash"},
    "tasks": [{"state": "DONE", "error": None}, {"state": "LOST", "error": {"code": 5}}, {}],
    "named": {"one": {"state": "a"}, "two": {"state": "b"}},
    "conditions": [{"type": "Ready", "ok": "False"}, {"type": "Complete", "ok": "True", "by": {"id": 4}}],
    "nested": [{"parts": [{"n": 1}, {"n": 2}]}, {"parts": []}, {}],
    "payload": '{"state": "ok", "items": [{"n": 1}]}',
    "name": "projects/p1/operations/op-7",
    "address": "https://x.example/jobs/a%20b/status/?id=9&id=8&empty=#part",
}


def facts(document: JSON = DOCUMENT, status: int = 200) -> Facts:
    headers = Headers.of(
        [
            ("Location", "/jobs/7?sig=a.b|c"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("Link", '</jobs?page=2>; rel="next", </jobs?page=1>; rel="prev first"'),
            ("Link", "</jobs/7>; title=x; rel=monitor, <https://x.example/?a=<b>; rel=next, </y>"),
            ("X-State", '{"state": "busy"}'),
        ]
    )
    return Facts(Response(status, headers, json.dumps(document).encode()))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("urls.get", "https://x.example"),
        ("jobs.0.status", "ok"),
        ("jobs.1.status", None),
        ("jobs.x", None),
        ("jobs.²", None),
        ("status.deeper", None),
        ("missing", None),
        ("", DOCUMENT),
        ("@location", "/jobs/7?sig=a.b|c"),
        ("@LOCATION", "/jobs/7?sig=a.b|c"),
        ("@location|path.-1", "7"),
        ("@Location|path.0", "jobs"),
        ("@location|query.sig", "a.b|c"),
        ("@missing|path.0", None),
        ("@link|link.next", "/jobs?page=2"),
        ("@link|link.first", "/jobs?page=1"),
        ("@link|link.monitor", "/jobs/7"),
        ("@x-state|json.state", "busy"),
        ("@x-state|nothing", None),
        ("jobs.-1.status", "ok"),
        ("jobs.-2.status", None),
        ("jobs.-0", None),
        ("jobs.--1", None),
        ("jobs.0²", None),
        (r"a\.b.\*", "starred"),
        (r"a\.b.x\|y", "bar"),
        (r"a\.b.\[z]", "bracket"),
        (r"a\.b.[z]", "bracket"),
        (r"a\.b.\\", "slash"),
        ("a[b]", "c"),
        ("tasks.*.state", ["DONE", "LOST", None]),
        ("tasks.*.error.code", [None, 5, None]),
        ("named.*.state", ["a", "b"]),
        ("nested.*.parts.*.n", [1, 2]),
        ("tasks.*.state|all", ["DONE", "LOST", None]),
        ("empty.*.state", []),
        ("missing.*.state", None),
        ("count.*", None),
        ("conditions[type=Complete].ok", "True"),
        ("conditions[TYPE=Complete].ok", None),
        ("conditions[type=complete].by.id", 4),
        ("conditions[by.id=4].type", "Complete"),
        ("conditions[type=Failed].ok", None),
        ("count[type=x]", None),
        ("payload|json.state", "ok"),
        ("payload|json.items.*.n", [1]),
        ("urls|json.get", "https://x.example"),
        ("status|json.x", None),
        ("name|path.-1", "op-7"),
        ("name|path.1", "p1"),
        ("address|path.-2", "a b"),
        ("address|path.0", "x.example"),
        ("address|query.id", "9"),
        ("address|query.empty", ""),
        ("count|path.0", None),
        ("count|query.a", None),
        ("count|link.next", None),
        ("status|link.next", None),
        (r"status\.x", None),
        (r"count.\*", None),
        ("@missing", None),
        ("#", "200"),
    ],
)
def test_a_place_leads_to_a_value(place: str, value: JSON) -> None:
    assert facts().value(place) == value


def test_the_first_text_or_figure_is_the_word() -> None:
    assert facts().first(("missing", "urls", "empty", "status")) == "Running"
    assert facts().first(("count",)) == "3"
    assert facts().first(("done",)) == "false"
    assert facts().first(("missing", "empty.*")) is None
    assert facts().first(("missing.*", "tasks.*.error.code")) == "5"
    assert facts().lines("set-cookie") == ("a=1", "b=2")


@pytest.mark.parametrize(
    ("place", "words", "fits"),
    [
        ("status", ("running",), True),
        ("status", ("run",), False),
        ("status", ("done", "RUN*"), True),
        ("done", ("false",), True),
        ("done", ("*",), False),
        ("done", ("!",), True),
        ("count", ("3",), True),
        ("urls", ("*",), True),
        ("urls", ("https*",), False),
        ("empty", ("!",), True),
        ("missing", ("!",), True),
        ("missing", ("*",), False),
        ("text", ("*ThrottlingException",), True),
        ("text", ("*throttling*",), True),
        ("a[b]", ("[c]",), False),
        ("a[b]", ("c",), True),
        ("status", ("runnin?",), False),
        ("status", (), False),
    ],
)
def test_a_word_fits_without_regard_to_case(place: str, words: tuple[str, ...], fits: bool) -> None:
    assert facts().says(place, words) is fits


@pytest.mark.parametrize(
    ("states", "any_", "all_", "none", "none_of_all"),
    [
        (["ok"], True, True, False, False),
        (["ok", "OK "], True, True, False, False),
        (["ok", "bad"], True, False, False, False),
        (["bad"], False, False, False, False),
        (["ok", None], True, False, True, False),
        ([None, ""], False, False, True, True),
        ([], False, False, True, False),
        (None, False, False, True, False),
    ],
)
def test_a_sign_may_ask_for_one_of_the_items_or_for_all(
    states: list[JSON] | None, any_: bool, all_: bool, none: bool, none_of_all: bool
) -> None:
    said = facts({"jobs": None if states is None else [{"s": state} for state in states]})
    assert said.says("jobs.*.s", ("ok",)) is any_
    assert said.says("jobs.*.s|all", ("ok",)) is all_
    assert said.says("jobs.*.s", ("!",)) is none
    assert said.says("jobs.*.s|all", ("!",)) is none_of_all


@pytest.mark.parametrize(
    ("words", "phase", "word"),
    [
        (["done", "DONE"], Phase.SUCCEEDED, "done"),
        (["done", "running"], Phase.UNFINISHED, "running"),
        (["done", ""], Phase.UNFINISHED, ""),
        (["running", "error", "done"], Phase.FAILED, "error"),
        (["stopped", "error"], Phase.FAILED, "error"),
        (["stopped", "late"], Phase.EXPIRED, "late"),
        (["done", "lost", "running"], Phase.GONE, "lost"),
        ([], Phase.UNFINISHED, ""),
    ],
)
def test_the_parts_of_a_job_decide_together(words: list[str], phase: Phase, word: str) -> None:
    phases = {
        "Done": Phase.SUCCEEDED,
        "error": Phase.FAILED,
        "stopped": Phase.CANCELLED,
        "late": Phase.EXPIRED,
        "lost": Phase.GONE,
    }
    assert verdict(words, phases) == (phase, word)


def test_the_words_of_all_items_are_those_of_the_first_place_that_is_there() -> None:
    assert facts().words(("missing", "missing.*.state", "tasks.*.state")) == ("DONE", "LOST", "")
    assert facts().words(("empty.*.state", "status")) == ()
    assert facts().words(("empty", "status")) == ("Running",)
    assert facts().words(("missing",)) is None


def test_a_body_of_plain_text_is_a_place() -> None:
    said = Facts(Response(200, body=b"\xef\xbb\xbf RUNNING\r\n"))
    assert said.first(("status", "|text")) == "RUNNING"
    assert said.says("|text", ("run*",))
    assert not said.is_json
    assert Facts(Response(200, body=b"\xff")).value("|text") == "\ufffd"
    assert Facts(Response(200, body=b"state=a/b")).value("|text|path.1") == "b"


@pytest.mark.parametrize(
    ("place", "steps"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a..b", ("a", "", "b")),
        (".", ("", "")),
        ("a.", ("a", "")),
        ("a[b=c].d", ("a", "[b=c]", "d")),
        ("[b=c.d/e|f].d", ("[b=c.d/e|f]", "d")),
        ("a|json|path.1", ("a", "|json", "|path", "1")),
        ("a\\", ("a\\",)),
    ],
)
def test_a_place_is_taken_apart(place: str, steps: tuple[str, ...]) -> None:
    assert keys(place) == steps


def test_a_sign_may_need_a_word_that_was_shown_before() -> None:
    sign = Sign(Phase.GONE, {"status": ("running",)}, after=("start*", "active"))
    assert sign.holds(facts(), "poll", seen="Started")
    assert not sign.holds(facts(), "poll", seen="queued")
    assert not sign.holds(facts(), "poll")


@pytest.mark.parametrize(
    ("pattern", "status", "has"),
    [("2xx", 204, True), ("2xx", 404, False), ("404", 404, True), ("404", 400, False), ("2xx", 20, False)],
)
def test_a_status_code_or_its_class(pattern: str, status: int, has: bool) -> None:
    assert facts(status=status).has_code(pattern) is has


def test_a_sign_holds_when_all_of_it_holds() -> None:
    sign = Sign(Phase.FAILED, {"status": ("running",), "count": ("3", "4")}, http=("200", "5xx"), asked=("poll",))
    assert sign.holds(facts(), "poll")
    assert sign.holds(facts(status=503), "poll")
    assert not sign.holds(facts(status=201), "poll")
    assert not sign.holds(facts(), "submit")
    assert not sign.holds(facts({"status": "running", "count": 5}), "poll")


def test_the_reply_to_a_fetch_shows_no_sign_unless_it_says_so() -> None:
    assert not Sign(Phase.FAILED).holds(facts(), "fetch")
    assert Sign(Phase.FAILED, asked=("fetch",)).holds(facts(), "fetch")


@given(responses)
def test_facts_are_total(response: Response) -> None:
    said = Facts(response)
    assert said.value("#") == str(response.status)
    assert said.is_json or said.document is None
    for place in ("*", "*.a.*", "output.*.x|all", "[a=b]", "a|json", "@link|link.x", "|text|json.a", "*|path.0"):
        said.says(place, ("*", "!", "a*"))
        said.first((place,))
    for place in ("", "a.b", "0", "@date", "status"):
        assert said.says(place, ("*",)) is not said.says(place, ("!",))
