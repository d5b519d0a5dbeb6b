"""Redirects of looks, fetches and cancels: followed within the API's own origin, three in a row; told elsewhere."""

from __future__ import annotations

import json

import pytest

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.errors import InvalidToken, JobAbandoned
from tests.laws import DIALECT, HANDLE, START

API = "https://api.things.example"
DECLARATION = Declaration(
    name="things",
    base_url=API,
    submit=Call("POST", ("/things",), body={"...": "{input}"}),
    poll=Call("GET", ("{status}", "/things/{id}")),
    fetch=Call("GET", ("{status}/result", "/things/{id}/result")),
    cancel=Call("POST", ("/things/{id}/cancel",)),
    id=("id",),
    links={"status": ("url",)},
    status=("status",),
    phases={"done": Phase.SUCCEEDED},
)
THINGS = Declared(DECLARATION)
RUNNING = b'{"id": "7", "status": "running"}'
DONE = b'{"id": "7", "status": "done"}'


def answer(status: int, body: bytes = b"", **headers: str) -> bide.Response:
    return bide.Response(status, bide.Headers.of(headers.items()), body)


def polling(handle: str = "7", dialect: bide.Dialect = THINGS) -> bide.Polling:
    return bide.watch(handle, dialect=dialect, now=START, pace=bide.Every(4))


def after(job: bide.Job, *replies: bide.Reply) -> bide.Job:
    for reply in replies:
        assert isinstance(job, bide.Waiting)
        job = job.receive(reply, now=job.due)
    return job


def url(job: bide.Job) -> str:
    assert isinstance(job, bide.Waiting)
    return job.request.url


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("said", "target"), [("/v2/things/7", f"{API}/v2/things/7"), ("8?x=1#f", f"{API}/things/8?x=1")]
)
def test_a_look_is_sent_on_at_once(status: int, said: str, target: str) -> None:
    job = after(polling(), answer(status, location=said))
    assert isinstance(job, bide.Polling)
    assert (url(job), job.due, job.past.failures) == (target, START, 0)
    assert job.request.credential
    assert bide.load(bide.dump(job), dialect=THINGS) == job


def test_a_redirect_for_now_is_asked_for_each_time() -> None:
    job = after(polling(), answer(302, location="/there"), answer(200, RUNNING))
    assert url(job) == f"{API}/things/7"
    assert isinstance(job, bide.Polling)
    assert (job.due, job.handle) == (START + 4, "7")


def test_a_permanent_redirect_is_remembered() -> None:
    job = after(
        polling(), answer(308, location="/v2/things/7"), answer(200, RUNNING), answer(503), answer(200, RUNNING)
    )
    assert url(job) == f"{API}/v2/things/7"
    fetching = after(job, answer(200, DONE))
    assert url(fetching) == f"{API}/things/7/result"


def test_a_permanent_redirect_moves_the_address_in_the_handle() -> None:
    handle = json.dumps({"id": "7", "status": f"{API}/old/7"})
    job = after(polling(handle), answer(301, location="/new/7"), answer(200, RUNNING))
    assert isinstance(job, bide.Polling)
    assert json.loads(job.handle) == {"id": "7", "status": f"{API}/new/7"}
    assert (url(job), job.redirect) == (f"{API}/new/7", None)
    assert url(after(job, answer(200, DONE))) == f"{API}/new/7/result"


def test_relative_addresses_of_a_reply_are_those_of_where_it_came_from() -> None:
    job = after(polling(), answer(302, location="/deep/in/there"), answer(200, b'{"status": "running", "url": "next"}'))
    assert url(job) == f"{API}/deep/in/next"


def test_three_in_a_row_and_no_more() -> None:
    hops = [answer(302, location=f"/{number}") for number in range(4)]
    job = after(polling(), *hops[:3])
    assert url(job) == f"{API}/2"
    again = after(polling(), *hops[:3], answer(200, RUNNING), *hops[:3])
    assert url(again) == f"{API}/2"
    lost = after(job, hops[3])
    assert isinstance(lost, bide.Polling)
    assert lost.past.failures == 1, "it may be a portal, which goes away"
    assert isinstance(after(lost, *hops), bide.Abandoned)


@pytest.mark.parametrize("status", [301, 308])
def test_a_loop_ends_at_once(status: int) -> None:
    job = after(polling(), answer(status, location="/things/7"))
    assert isinstance(job, bide.Abandoned)
    assert job.reason is bide.Reason.REDIRECTED


@pytest.mark.parametrize(
    "target",
    ["https://other.example/7", "http://api.things.example/7", "https://api.things.example:444/7", "ftp://x/7", "//[/"],
)
@pytest.mark.parametrize(("status", "tries"), [(301, 1), (302, 2), (303, 2), (307, 1), (308, 1)])
def test_one_that_leads_elsewhere_is_told(status: int, tries: int, target: str) -> None:
    job: bide.Job = polling()
    for _ in range(tries):
        assert isinstance(job, bide.Polling)
        job = after(job, answer(status, location=target))
    assert isinstance(job, bide.Abandoned)
    with pytest.raises(JobAbandoned, match=r"redirected to \S+.*base URL") as told:
        bide.unwrap(job)
    assert "sig=" not in str(told.value)
    assert url(bide.resume(job, now=START + 9)) == f"{API}/things/7"


def test_a_portal_that_goes_away_costs_no_job() -> None:
    portal = answer(302, location="https://portal.example/login?sig=1")
    job = after(polling(), portal, answer(200, RUNNING), portal, answer(200, RUNNING))
    assert isinstance(job, bide.Polling)
    assert job.past.failures == 0


def test_without_an_address_it_is_trouble_that_may_pass() -> None:
    for reply in (answer(302), answer(302, location=""), answer(302, location="/" * 9000)):
        job = after(polling(), *[reply] * 5)
        assert isinstance(job, bide.Polling)
        assert job.past.failures == 5


def test_a_fetch_is_sent_on_too() -> None:
    fetching = after(polling(), answer(200, DONE))
    job = after(fetching, answer(303, location="/results/7"))
    assert isinstance(job, bide.Fetching)
    assert url(job) == f"{API}/results/7"
    assert isinstance(after(job, answer(200, b'{"x": 1}')), bide.Completed)
    elsewhere = after(fetching, answer(308, location="https://store.example/7"))
    assert isinstance(elsewhere, bide.Abandoned)


def test_a_cancel_is_sent_on_where_its_method_is_kept() -> None:
    cancelling = bide.cancel(polling(), now=START)
    job = after(cancelling, answer(307, location="/v2/cancel/7"))
    assert isinstance(job, bide.Cancelling)
    assert (job.request.method, url(job)) == ("POST", f"{API}/v2/cancel/7")
    asked = after(job, answer(202))
    assert url(asked) == f"{API}/things/7"
    refused = after(cancelling, answer(302, location="/login"))
    assert isinstance(refused, bide.Cancelling)
    assert refused.refusal is not None
    assert isinstance(after(refused, answer(200, RUNNING)), bide.Polling)


def test_a_repeated_deletion_that_finds_nothing_has_worked() -> None:
    dialect = Declared(
        Declaration(
            name="things",
            base_url=API,
            poll=Call("GET", ("/things/{id}",)),
            cancel=Call("DELETE", ("/things/{id}",)),
            status=("status",),
            phases={"done": Phase.SUCCEEDED},
        )
    )
    seen = after(polling(dialect=dialect), answer(200, RUNNING))
    assert isinstance(seen, bide.Polling)
    lost = after(bide.cancel(seen, now=START), bide.NoResponse(bide.Cause.RESET, sent=True), answer(200, RUNNING))
    assert isinstance(lost, bide.Cancelling)
    assert (lost.request.method, lost.tries) == ("DELETE", 1)
    asked = after(lost, answer(404))
    assert isinstance(asked, bide.Cancelling)
    assert (asked.asked, asked.refusal) == (True, None)


def test_a_token_that_leads_elsewhere_is_refused() -> None:
    job = after(polling(), answer(302, location="/there"))
    with pytest.raises(InvalidToken, match="leads elsewhere"):
        bide.load(bide.dump(job).replace(f"{API}/there", "https://evil.example/there"), dialect=THINGS)


def test_what_is_shown_of_a_redirect_holds_no_query() -> None:
    job = after(polling(HANDLE, DIALECT), answer(302, location="/there?sig=5ec2e75ec2e75ec2"))
    assert "there" in repr(job)
    assert "5ec2e7" not in repr(job)
