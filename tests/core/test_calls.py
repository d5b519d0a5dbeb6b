"""A request with gaps, filled."""

from __future__ import annotations

import json

import pytest

from bide.dialects.calls import Call, gaps, is_link, with_query
from bide.document import JSON

BASE = "https://api.example/v1"
NAMES: dict[str, JSON] = {
    "id": "job-7",
    "model": "acme/fox:2",
    "input": {"prompt": "a {fox}", "n": 2},
    "key": "key-1",
    "webhook": None,
    "status": "https://elsewhere.example/op/7?sig=1#there",
    "odd": "a b/ü?x=1#y%2f",
    "up": "a/../b",
    "slash": "/a",
    "number": 7,
    "blank": "",
}


@pytest.mark.parametrize(
    ("urls", "url"),
    [
        (("/jobs/{id}",), f"{BASE}/jobs/job-7"),
        (("/models/{model}/runs",), f"{BASE}/models/acme/fox:2/runs"),
        (("{status}", "/jobs/{id}"), "https://elsewhere.example/op/7?sig=1"),
        (("{status}:cancel",), "https://elsewhere.example/op/7:cancel?sig=1"),
        (("{result}", "/jobs/{id}/results"), f"{BASE}/jobs/job-7/results"),
        (("/x/{odd}",), f"{BASE}/x/a%20b/%C3%BC%3Fx%3D1%23y%252f"),
        (("/x/{status}",), None),
        (("/x/{up}",), None),
        (("/x/{slash}",), None),
        (("/x/{blank}",), None),
        (("/x/{number}",), f"{BASE}/x/7"),
        (("/x/{missing}",), None),
        (("{id}",), None),
        (("/a b",), None),
        (("https://other.example/fixed",), "https://other.example/fixed"),
        ((), None),
    ],
)
def test_the_first_address_whose_gaps_can_be_filled(urls: tuple[str, ...], url: str | None) -> None:
    assert Call(urls=urls).url(BASE, NAMES) == url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.example/a", "https://x.example/a?v=1&q=a%20b"),
        ("https://x.example/a?v=2", "https://x.example/a?v=2&q=a%20b"),
        ("https://x.example/a?q", "https://x.example/a?q&v=1"),
        ("https://x.example/a?", "https://x.example/a?v=1&q=a%20b"),
    ],
)
def test_a_parameter_is_added_where_it_is_missing(url: str, expected: str) -> None:
    assert with_query(url, (("v", "1"), ("q", "a b"))) == expected


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("{input}", {"prompt": "a {fox}", "n": 2}),
        ({"input": "{input}", "name": "run-{id}"}, {"input": {"prompt": "a {fox}", "n": 2}, "name": "run-job-7"}),
        ({"model": "{model}", "...": "{input}"}, {"model": "acme/fox:2", "prompt": "a {fox}", "n": 2}),
        ({"hook": "{webhook}", "x": None, "part": "{webhook}!"}, {"x": None}),
        ({"jobs": ["{id}"], "n": 3, "...": "{id}"}, {"jobs": ["job-7"], "n": 3}),
        ({}, {}),
    ],
)
def test_a_body_is_filled(body: JSON, sent: JSON) -> None:
    assert json.loads(Call("POST", body=body).content(NAMES)) == sent


def test_a_call_without_a_body_sends_none() -> None:
    assert Call("POST").content(NAMES) == b""
    assert Call("POST").lines(NAMES) == ()


def test_a_header_line_whose_gap_is_empty_is_left_out() -> None:
    call = Call("POST", headers=(("idempotency-key", "{key}"), ("x-hook", "{webhook}"), ("x-version", "1")), body={})
    assert call.lines(NAMES) == (("content-type", "application/json"), ("idempotency-key", "key-1"), ("x-version", "1"))


def test_a_parameter_whose_gap_is_empty_is_left_out() -> None:
    call = Call("POST", ("/jobs",), query=(("hook", "{webhook}"), ("name", "run {id}"), ("v", "1")))
    assert call.url(BASE, NAMES) == f"{BASE}/jobs?name=run%20job-7&v=1"
    assert call.gaps == {"webhook", "id"}


def test_gaps_are_found_wherever_they_are() -> None:
    call = Call("POST", ("/{a}", "{b}"), (("x", "{c}"),), body={"k": ["{d}", {"...": "{e}"}], "f": "no {G} {h-i}"})
    assert call.gaps == {"a", "b", "c", "d", "e"}
    assert gaps("{x}{y_z}") == {"x", "y_z"}
    assert is_link("{status}:cancel")
    assert not is_link("/jobs/{id}")
