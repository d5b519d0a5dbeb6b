"""A dialect's own requests are known again, whatever form the dialect gives them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

import bide
from bide.dialect import Dialect
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.vendors import named, names
from bide.errors import CallerError
from bide.messages import Headers, Order, Request, Response
from bide_transports.cassette.foreign.recognising import Recogniser, is_same
from tests import sample_declarations

SAMPLES = [value for value in vars(sample_declarations).values() if isinstance(value, Declaration)]
DIALECTS: list[Dialect] = [
    bide.ModelRoute(),
    *(Declared(named(name)) for name in names()),
    *(Declared(sample) for sample in SAMPLES),
]
ORDERS = [
    Order("acme/flux-1", {"prompt": "a fox", "n": 3, "deep": {"a": [1, None]}}, "key-1"),
    Order("model-1", {}),
    Order("model-1", {"a": "b"}, "key-1", {"team": "foxes"}),
    Order("model-1", {"a": "b"}, None, None, "https://me.example/hook"),
]


def _submitted(dialect: Dialect, order: Order) -> Request | None:
    try:
        return dialect.submit(order)
    except CallerError:
        return None


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_submission_tells_its_order(dialect: Dialect) -> None:
    recogniser = Recogniser(dialect)
    for order in ORDERS:
        request = _submitted(dialect, order)
        if request is None:
            continue
        recognised = recogniser.order(request)
        assert recognised is not None
        assert dialect.submit(recognised[0]) == request
        sent_by_others = replace(request, headers=(*request.headers, ("user-agent", "them")))
        assert recogniser.order(sent_by_others) == recognised


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_looks_and_requests_of_other_services_are_no_submissions(dialect: Dialect) -> None:
    recogniser = Recogniser(dialect)
    request = _submitted(dialect, ORDERS[0])
    elsewhere = Request("POST", "https://elsewhere.example/v1/executions", (), b"{}")
    assert recogniser.order(elsewhere) is None
    if request is not None:
        assert recogniser.order(replace(request, method="TRACE")) is None
        assert recogniser.order(replace(request, body=b"[")) is None or not request.body


def test_what_lacks_a_member_or_has_the_wrong_kind_is_no_submission() -> None:
    dialect = bide.ModelRoute()
    recogniser, request = Recogniser(dialect), dialect.submit(ORDERS[0])
    wrong = (b'{"model": "m"}', b'{"input": {}}', b'{"model": 7, "input": {}}', b'{"model": "m", "input": []}', b"[]")
    for body in wrong:
        assert recogniser.order(replace(request, body=body)) is None
    for key in (" spaces ", "x" * 300):
        assert recogniser.order(replace(request, headers=(("idempotency-key", key),))) is None
    assert recogniser.order(replace(request, body=b'{"model": "", "input": {}}')) is None


def test_calls_to_one_address_are_told_apart_by_their_own_headers() -> None:
    dialect = Declared(named("aws-step-functions"))
    recogniser, request = Recogniser(dialect), dialect.submit(ORDERS[0])
    headers = [(name, "another" if name == "x-amz-target" else value) for name, value in request.headers]
    assert headers != list(request.headers)
    assert recogniser.order(replace(request, headers=tuple(headers))) is None
    looked = dialect.poll("arn:job")
    assert is_same(looked, looked)
    assert not is_same(looked, replace(looked, headers=tuple(headers)))
    assert not is_same(looked, dialect.poll("arn:another"))


@pytest.mark.parametrize(
    ("vendor", "handle", "reply"),
    [
        ("replicate", "p1", {"id": "p1", "status": "processing"}),
        ("aws-step-functions", "arn:p1", {"executionArn": "arn:p1", "status": "RUNNING"}),
        ("azure-core", "https://westus.api.cognitive.microsoft.com/jobs/1?sig=x", {"status": "running"}),
    ],
)
def test_a_look_tells_the_handle(vendor: str, handle: str, reply: dict[str, str]) -> None:
    dialect = Declared(named(vendor))
    body = str(reply).replace("'", '"').encode()
    answer = Response(200, Headers.of([("content-type", "application/json")]), body)
    recogniser, request = Recogniser(dialect), dialect.poll(handle)
    assert recogniser.handle(request, answer) == handle
    assert recogniser.handle(request, replace(answer, body=b"{}")) is None
    assert recogniser.handle(replace(request, method="HEAD"), answer) is None
    assert recogniser.handle(replace(request, url="https://elsewhere.example/"), answer) is None


def test_spellings_of_an_address_do_not_matter() -> None:
    plain, full = (Request("GET", f"https://API.example{port}/v1") for port in ("", ":443"))
    assert is_same(plain, full)
    odd = [Request("GET", f"https://a b/{n}") for n in (1, 1, 2)]
    assert [is_same(one, other) for one, other in product(odd[:1], odd[1:])] == [True, False]
