"""A request with gaps, filled."""

from __future__ import annotations

import json

import pytest

from bide.dialects.calls import Call, gaps, is_link, strays, with_query
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
    "true": True,
    "lone": "\ud800",
    "result": "https://elsewhere.example/r/7/",
    "queue": {"name": "q/1", "a.b": "c", "deep": {"at": 3}, "none": None},
}


@pytest.mark.parametrize(
    ("urls", "url"),
    [
        (("/jobs/{id}",), f"{BASE}/jobs/job-7"),
        (("/models/{model}/runs",), f"{BASE}/models/acme/fox:2/runs"),
        (("{status}", "/jobs/{id}"), "https://elsewhere.example/op/7?sig=1"),
        (("{status}:cancel",), "https://elsewhere.example/op/7:cancel?sig=1"),
        (("{nothing}", "/jobs/{id}/results"), f"{BASE}/jobs/job-7/results"),
        (("{status}/results/{id}",), "https://elsewhere.example/op/7/results/job-7?sig=1"),
        (("{status}/results?of={id}&at={true}",), "https://elsewhere.example/op/7/results?sig=1&of=job-7&at=true"),
        (("{status}/{nothing}", "{status}"), "https://elsewhere.example/op/7?sig=1"),
        (("{result}/files",), "https://elsewhere.example/r/7/files"),
        (("{result}?x={id}",), "https://elsewhere.example/r/7/?x=job-7"),
        (
            ("/x?of={status}&q={odd}",),
            f"{BASE}/x?of=https%3A%2F%2Felsewhere.example%2Fop%2F7%3Fsig%3D1%23there&q=a%20b%2F%C3%BC%3Fx%3D1%23y%252f",
        ),
        (("/x?of={blank}",), f"{BASE}/x?of="),
        (("/x?of={nothing}", "/y"), f"{BASE}/y"),
        (("/x/{queue.name}/{queue.deep.at}",), f"{BASE}/x/q/1/3"),
        ((r"/x/{queue.a\.b}",), f"{BASE}/x/c"),
        (("/x/{queue.nothing}",), None),
        (("/x/{queue.none}",), None),
        (("/x/{queue.deep}",), None),
        (("/x/{queue}",), None),
        (("/x/{id.part}",), None),
        (("/x/{lone}",), None),
        (("/x/{{{id}}}/{{}}",), f"{BASE}/x/%7Bjob-7%7D/%7B%7D"),
        (("/x/{Model}",), None),
        (("/x/{id}/{}",), None),
        (("/x/{id}}", "/y"), f"{BASE}/y"),
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
        ({"n": "{input.n}", "p": "{input.prompt}!", "x": "{input.nothing}"}, {"n": 2, "p": "a {fox}!"}),
        ({"{id}": 1, "of-{nothing}": 2, "{{id}}": 3}, {"job-7": 1, "{id}": 3}),
        ("query($i:ID!){{job(id:$i){{id {id}}}}}", "query($i:ID!){job(id:$i){id job-7}}"),
        ("query($i:ID!){job(id:$i){id}}", "query($i:ID!){job(id:$i){id}}"),
        (["{id}", "{id} of {Model}", "{{id}}", "{", "}}"], ["job-7", "{id} of {Model}", "{id}", "{", "}"]),
        ({"lone": "{lone}", "part": "{lone}!"}, {"lone": "\ud800"}),
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


def test_braces_that_are_no_gaps_are_found() -> None:
    assert strays("{id} {{id}} {input.size} {a_1}") == ()
    assert strays("{Model}{}{ id }{a-b}{input.}{1}") == ("{Model}", "{}", "{ id }", "{a-b}", "{input.}", "{1}")
    assert strays("}{{a}}{") == ("}", "{")
    assert strays("query{job(id:7){id}}") == ("{job(id:7)", "}")
    assert gaps("{id} of {Model}") == frozenset()


def test_a_figure_and_a_truth_are_said_in_a_header_as_json_has_them() -> None:
    call = Call("POST", headers=(("x-size", "{queue.deep.at}/{number}"), ("x-on", "{true}"), ("x-no", "{queue.deep}")))
    assert call.lines(NAMES) == (("x-size", "3/7"), ("x-on", "true"))


def test_what_the_body_says_of_the_job_is_known_without_what_may_be_missing() -> None:
    body: JSON = {"a": ["{id}", "{key}"], "{input.size}": {"b": "{request_id} {now}"}, "c": "{Model} {x}"}
    call = Call("POST", (), body=body)
    assert call.said == {"id"}
    assert call.gaps == {"id", "key", "input", "request_id", "now"}


def test_gaps_are_found_wherever_they_are() -> None:
    call = Call("POST", ("/{a}", "{b}"), (("x", "{c}"),), query=(("q", "{f.g}"),), body={"k": ["{d}", {"...": "{e}"}]})
    assert call.gaps == {"a", "b", "c", "d", "e", "f"}
    assert gaps("{x}{y_z}") == {"x", "y_z"}
    assert is_link("{status}:cancel")
    assert not is_link("/jobs/{id}")
