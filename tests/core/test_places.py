"""Where a value stands in a reply, and which words it shows there."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from bide.dialects import Phase
from bide.dialects.places import Facts, Sign
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
}


def facts(document: JSON = DOCUMENT, status: int = 200) -> Facts:
    headers = Headers.of([("Location", "/jobs/7"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
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
        ("@location", "/jobs/7"),
        ("@LOCATION", "/jobs/7"),
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
    assert facts().first(("missing",)) is None
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
    for place in ("", "a.b", "0", "@date", "status"):
        assert said.says(place, ("*",)) is not said.says(place, ("!",))
