"""The emulator's webhooks: endpoints, events in both shapes, signatures, what is tried again, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import bide
from bide.messages import Request, Response
from bide.webhook import verify
from bide_transports.emulator import (
    Delivery,
    Drop,
    Fault,
    Late,
    Limit,
    Lost,
    Plan,
    Repeated,
    Service,
    Status,
    Variants,
    too_many,
)
from bide_transports.emulator.faults import Deed, Kind, Post

START = 1893830400.0
HOOK = "https://hooks.example/bide?token=5ec2e75ec2e75ec2"
ENDPOINTS = "/v1/webhooks/endpoints"
PLANS = {
    "fails": Plan(duration=8, outcome=Status.FAILED),
    "expires": Plan(outcome=Status.EXPIRED, expires_after=50),
    "slow": Plan(duration=200, expires_after=900),
}


def service(*faults: Fault, **variants: Any) -> Service:
    return Service(plans=PLANS, variants=Variants(**variants), limit=Limit(10_000), faults=faults)


def ask(at: Service, method: str, path: str, content: object = None, now: float = START) -> Response:
    body = b"" if content is None else json.dumps(content).encode()
    headers = (("authorization", f"Bearer {at.key}"),)
    answer = at.handle(Request(method, at.api_url + path, headers, body), now=now)
    assert isinstance(answer, Response)
    return answer


def submit(at: Service, model: str = "flux", now: float = START, url: str | None = HOOK) -> str:
    content: dict[str, object] = {"model": model, "input": {}}
    if url is not None:
        content["webhook_url"] = url
    return str(json.loads(ask(at, "POST", "/v1/executions", content, now).body)["id"])


def register(at: Service, now: float = START, **content: object) -> dict[str, Any]:
    reply = ask(at, "POST", ENDPOINTS, {"url": "https://hooks.example/all", **content}, now)
    assert reply.status == 201
    return dict(json.loads(reply.body))


def posted(at: Service, until: float, answer: Callable[[Delivery], int | None] = lambda _: 200) -> list[Delivery]:
    """Carry the post to its receivers, each delivery at the very instant it is due."""
    carried = list[Delivery]()
    while (now := at.webhooks.next) is not None and now <= until:
        for delivery in at.webhooks.due(now):
            carried.append(delivery)
            at.webhooks.settle(delivery, answer(delivery), now)
    return carried


def payload(delivery: Delivery) -> dict[str, Any]:
    return dict(json.loads(delivery.request.body))


def notice(delivery: Delivery, secret: str, now: float = START) -> bide.Notice:
    request, signature = delivery.request, bide.ModelRoute().webhook
    return verify(request.headers, request.body, secrets=secret, signature=signature, now=now)


# Events


@pytest.mark.parametrize("shape", ["overview", "short"])
def test_an_execution_tells_when_it_starts_and_when_it_completes(shape: str) -> None:
    at = service(webhook_payload=shape)
    name = submit(at)
    assert at.webhooks.next == START + 1
    started, completed = posted(at, START + 100)
    assert [(sent.at, sent.kind, sent.status) for sent in at.webhooks.sent] == [
        (START + 1, "execution.started", 200),
        (START + 10, "execution.completed", 200),
    ]
    assert started.event != completed.event
    for delivery, kind in ((started, "execution.started"), (completed, "execution.completed")):
        assert notice(delivery, at.webhooks.secret) == bide.Notice(delivery.event, name, kind)
    content = payload(completed)
    assert content["data"]["status"] == "COMPLETED"
    assert content["data"]["cost"] == "0.040"
    assert ("execution_id" in content) is (shape == "overview")
    assert ("event_type" in content) is (shape == "overview") is not ("type" in content)
    assert ("result" in content["data"]) is (shape == "overview")
    assert payload(started)["data"]["status"] == "PROCESSING"
    assert at.webhooks.next is None


def test_deliveries_are_as_the_pages_say() -> None:
    at = service()
    submit(at)
    started, *_ = posted(at, START + 1)
    assert (started.request.method, started.request.url) == ("POST", HOOK)
    headers = dict(started.request.headers)
    assert headers.keys() == {"Content-Type", "User-Agent", "X-Signature", "X-Signature-Timestamp"}
    assert headers["X-Signature-Timestamp"] == str(int(START) + 1)
    assert headers["User-Agent"] == "ModelRoute-Webhooks/1.0"
    assert "5ec2e7" not in at.webhooks.sent[0].url
    assert at.webhooks.secret not in repr(started)


def test_the_services_own_clock_stamps_them() -> None:
    at = service(skew=-90.0)
    submit(at)
    started, *_ = posted(at, START + 1)
    assert dict(started.request.headers)["X-Signature-Timestamp"] == str(int(START) - 89)
    assert payload(started)["timestamp"] == "2030-01-05T07:58:31Z"


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        ("flux", ["execution.started", "execution.completed"]),
        ("fails", ["execution.started", "execution.failed"]),
        ("expires", ["execution.started"]),
    ],
)
def test_each_end_has_its_event_but_expiry_has_none(model: str, kinds: list[str]) -> None:
    at = service()
    submit(at, model)
    assert [delivery.kind for delivery in posted(at, START + 1000)] == kinds
    assert at.webhooks.due(START + 2000) == []


def test_a_cancelled_execution_tells_that_at_once_and_nothing_else() -> None:
    at = service()
    early, late = submit(at, "slow"), submit(at, "slow")
    ask(at, "POST", f"/v1/executions/{early}/cancel", {}, START + 0.5)
    ask(at, "POST", f"/v1/executions/{late}/cancel", {}, START + 20)
    posted(at, START + 1000)
    assert [(sent.at - START, sent.kind) for sent in at.webhooks.sent] == [
        (0.5, "execution.cancelled"),
        (1, "execution.started"),
        (20, "execution.cancelled"),
    ]


def test_what_nobody_asked_for_is_not_sent() -> None:
    at = service()
    submit(at, url=None)
    assert (at.webhooks.next, at.webhooks.due(START + 100)) == (None, [])


def test_a_repeated_submission_tells_once() -> None:
    at = service()
    content: dict[str, object] = {"model": "flux", "input": {}, "webhook_url": HOOK}
    headers = (("authorization", f"Bearer {at.key}"), ("idempotency-key", "key-1"))
    for _ in range(3):
        request = Request("POST", f"{at.api_url}/v1/executions", headers, json.dumps(content).encode())
        at.handle(request, now=START)
    assert len(posted(at, START + 100)) == 2


@pytest.mark.parametrize(
    "url", ["http://hooks.example/", "ftp://hooks.example/", "hooks", "", 7, ["https://a.example"]]
)
def test_an_address_that_is_none_is_refused(url: object) -> None:
    at = service()
    reply = ask(at, "POST", "/v1/executions", {"model": "flux", "input": {}, "webhook_url": url})
    assert reply.status == 400
    assert b"webhook_url" in reply.body
    assert at.executions == {}
    assert ask(at, "POST", ENDPOINTS, {"url": url}).status == 400


# Trying again


@pytest.mark.parametrize(
    ("schedule", "minutes"), [("docs", [0, 2, 6, 14, 30, 60]), ("blog", [0, 1, 6, 21, 51])], ids=["docs", "blog"]
)
@pytest.mark.parametrize("status", [500, 404, 302, None])
def test_what_is_not_taken_is_tried_again(schedule: str, minutes: list[float], status: int | None) -> None:
    at = service(webhook_retries=schedule)
    submit(at, "slow")
    carried = [one for one in posted(at, START + 86400, lambda _: status) if one.kind == "execution.started"]
    times = [sent.at - START - 1 for sent in at.webhooks.sent if sent.kind == "execution.started"]
    assert times == [60 * minute for minute in minutes]
    assert [one.attempt for one in carried] == list(range(1, len(minutes) + 1))
    assert len({one.event for one in carried}) == 1
    assert len({one.request.body for one in carried}) == 1
    stamps = [dict(one.request.headers)["X-Signature-Timestamp"] for one in carried]
    assert stamps == [str(int(START + 1 + time)) for time in times]
    assert notice(carried[-1], at.webhooks.secret, START + 1 + times[-1]).id == carried[0].event


def test_what_is_taken_in_the_end_is_not_tried_again() -> None:
    at = service()
    submit(at)
    posted(at, START + 86400, lambda delivery: 200 if delivery.attempt == 3 else 503)
    assert [sent.attempt for sent in at.webhooks.sent if sent.kind == "execution.completed"] == [1, 2, 3]


# Endpoints


@pytest.mark.parametrize("shape", ["is_active", "status"])
def test_an_endpoint_is_registered_listed_changed_and_deleted(shape: str) -> None:
    at = service(webhook_state=shape)
    made = register(at, description="all of them", events=["execution.completed"])
    assert str(made["id"]).startswith("wh_")
    assert str(made["secret"]).startswith("whsec_")
    assert made["secret"] != at.webhooks.secret
    state = {"status": "active"} if shape == "status" else {"is_active": True}
    assert state.items() <= made.items()
    assert ("description" in made) is ("created_at" in made) is (shape == "is_active")
    (listed,) = json.loads(ask(at, "GET", ENDPOINTS).body)["endpoints"]
    assert listed["events"] == ["execution.completed"]
    assert (listed["failure_count"], listed["last_success"]) == (0, None)
    assert "secret" not in listed
    place = f"{ENDPOINTS}/{made['id']}"
    changed = json.loads(ask(at, "PATCH", place, {"events": [], "description": "fewer"}).body)
    assert changed["events"] == []
    assert ask(at, "DELETE", place).status == 204
    assert json.loads(ask(at, "GET", ENDPOINTS).body) == {"endpoints": []}
    assert [ask(at, method, place, {}).status for method in ("PATCH", "DELETE")] == [404, 404]


def test_an_endpoint_is_sent_the_events_it_wants_signed_with_its_own_secret() -> None:
    at = service()
    everything = register(at, headers={"x-team": "foxes", "x-bad": 7})
    ends = register(at, events=["execution.completed", "execution.failed"])
    submit(at, url=None)
    carried = posted(at, START + 100)
    assert [(one.kind, one.endpoint.id) for one in carried] == [
        ("execution.started", everything["id"]),
        ("execution.completed", everything["id"]),
        ("execution.completed", ends["id"]),
    ]
    assert carried[1].event == carried[2].event
    assert dict(carried[0].request.headers)["x-team"] == "foxes"
    for one, endpoint in zip(carried, (everything, everything, ends), strict=True):
        assert notice(one, endpoint["secret"]).kind == one.kind
    (listed, _) = json.loads(ask(at, "GET", ENDPOINTS).body)["endpoints"]
    assert listed["last_success"] == "2030-01-05T08:00:10Z"


def test_an_execution_may_tell_at_its_own_address_and_at_an_endpoint() -> None:
    at = service()
    endpoint = register(at)
    submit(at)
    carried = posted(at, START + 1)
    assert [one.endpoint.id for one in carried] == ["", endpoint["id"]]


def test_an_endpoint_hears_nothing_of_before_its_making_and_after_its_end() -> None:
    at = service()
    register(at)
    submit(at, "slow", url=None)
    late = register(at, now=START + 5)
    ask(at, "DELETE", f"{ENDPOINTS}/{late['id']}", now=START + 6)
    assert [one.endpoint.id == late["id"] for one in posted(at, START + 100)] == [False]


def test_an_endpoint_that_fails_ten_times_in_a_row_is_sent_nothing_more() -> None:
    at = service()
    endpoint = register(at)
    for second in range(20):
        submit(at, "slow", START + second, url=None)
    posted(at, START + 86400, lambda _: 500)
    assert len(at.webhooks.sent) == 10
    assert not at.webhooks.endpoints[endpoint["id"]].active
    (listed,) = json.loads(ask(at, "GET", ENDPOINTS).body)["endpoints"]
    assert (listed["is_active"], listed["failure_count"]) == (False, 10)


def test_a_test_event_names_no_job() -> None:
    at = service()
    endpoint = register(at)
    assert ask(at, "POST", f"{ENDPOINTS}/{endpoint['id']}/test").status == 202
    (test,) = posted(at, START + 1)
    assert payload(test).keys() == {"id", "event_type", "timestamp"}
    assert ask(at, "POST", f"{ENDPOINTS}/wh_other/test").status == 404


@pytest.mark.parametrize(
    "content", [[], {"url": "https://a.example", "events": "all"}, {"url": "https://a.example", "events": [1]}]
)
def test_what_makes_no_endpoint_is_refused(content: object) -> None:
    at = service()
    assert ask(at, "POST", ENDPOINTS, content).status == 400
    assert at.webhooks.endpoints == {}


def test_endpoints_need_the_key_and_know_their_methods() -> None:
    at = service()
    answer = at.handle(Request("GET", at.api_url + ENDPOINTS), now=START)
    assert isinstance(answer, Response)
    assert answer.status == 401
    assert ask(at, "PUT", ENDPOINTS).headers.get("allow") == "POST, GET"
    assert ask(at, "GET", f"{ENDPOINTS}/wh_1").headers.get("allow") == "PATCH, DELETE"
    assert ask(at, "GET", "/v1/webhooks").status == 404
    assert at.account.seen[1].kind == "unknown"


# What goes wrong


def test_a_lost_delivery_never_arrives_and_is_not_tried_again() -> None:
    at = service(Fault("delivery", Lost(), nth=2))
    submit(at)
    assert [one.kind for one in posted(at, START + 86400)] == ["execution.started"]
    assert [sent.status for sent in at.webhooks.sent] == [200, None]


def test_a_repeated_delivery_comes_with_the_same_id() -> None:
    at = service(Fault("delivery", Repeated(3)))
    submit(at)
    carried = posted(at, START + 1)
    assert len(carried) == 3
    assert len({one.event for one in carried}) == 1


def test_a_late_delivery_comes_later() -> None:
    at = service(Fault("delivery", Late(30.0)))
    submit(at)
    posted(at, START + 100)
    assert [(sent.at - START, sent.kind) for sent in at.webhooks.sent] == [
        (10, "execution.completed"),
        (31, "execution.started"),
    ]


def test_any_request_is_none_of_the_services_own() -> None:
    at = service(Fault("any", too_many(), nth=2, times=100))
    submit(at)
    assert [one.kind for one in posted(at, START + 100)] == ["execution.started", "execution.completed"]


@pytest.mark.parametrize(
    ("kind", "deed"), [("poll", Lost()), ("any", Late()), ("delivery", Drop()), ("delivery", too_many())]
)
def test_a_deed_that_cannot_happen_there_is_refused(kind: Kind, deed: Deed | Post) -> None:
    with pytest.raises(ValueError, match=f"cannot strike at {kind}"):
        Fault(kind, deed)


def test_two_services_with_one_seed_send_the_same() -> None:
    both = service(), service()
    for at in both:
        register(at)
        submit(at)
    assert posted(both[0], START + 100) == posted(both[1], START + 100)
