"""What the services themselves do wrong, on real sockets with either client: what is asked next, and how it ends."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

import bide
from bide.dialects import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.places import Sign
from bide_transports.emulator import VirtualClock
from tests.faces import BY_BOTH, Face, Kind, face, in_trio
from tests.hostile import Script, Server, field_of, read, reply, reset, send
from tests.reactions import Where, reacts

KEY = "sk_" + "0" * 64
SUBMIT = Call("POST", ("/jobs",), (("idempotency-key", "{key}"),), body="{input}")
ACME = Declaration(
    name="acme",
    base_url="https://api.acme.example",
    submit=SUBMIT,
    poll=Call("GET", ("{status}", "/jobs/{id}")),
    cancel=Call("POST", ("/jobs/{id}/cancel",)),
    id=("id",),
    links={"status": ("@location",)},
    status=("status",),
    phases={"done": Phase.SUCCEEDED, "error": Phase.FAILED, "stopped": Phase.CANCELLED},
    output=("output",),
    message=("message",),
)
KEYLESS = replace(ACME, submit=replace(SUBMIT, headers=()))
FETCHED = replace(ACME, fetch=Call("GET", ("/jobs/{id}/result",)), output=("",))
PACE = bide.Every(10.0)


def said(status: str = "queued", *lines: str, http: str = "200 OK", **members: object) -> bytes:
    """A reply of the service about its job 7."""
    return reply(json.dumps({"id": "7", "status": status, **members}).encode(), *lines, status=http)


def no(http: str, *lines: str, body: bytes = b"{}") -> bytes:
    """A reply that is none about a job."""
    return reply(body, *lines, status=http)


def talk(*replies: bytes) -> Script:
    """A connection on which requests are answered so, one after the other."""
    return [step for one in replies for step in (read, send(one))]


QUEUED, DONE = said(), said("done", output="a fox")
TOO_MANY = "429 Too Many Requests"


@asynccontextmanager
async def acme(
    kind: Kind, *scripts: Script, declaration: Declaration = ACME, clock: VirtualClock | None = None, **settings: Any
) -> AsyncGenerator[tuple[Server, Face]]:
    """A server whose n-th connection goes by the n-th script, and a client of its service."""
    with Server(*scripts) as server:
        settings = {"pace": PACE, "dialect": Declared(declaration, server.url), **settings}
        async with face(kind, KEY, clock or VirtualClock(), **settings) as client:
            yield server, client


async def end(client: Face, job: str | bide.Job) -> bide.Job:
    """The last state of a job; nothing is raised for it."""
    *_, last = [state async for state in client.follow(job)]
    return last


def order(client: Face) -> bide.Submitting:
    return client.prepare("m", {"prompt": "a fox"})


def asked(server: Server) -> list[str]:
    """Method and target of each request."""
    return [b" ".join(one.split(b" ", 2)[:2]).decode() for one in server.received]


def is_done(job: bide.Job) -> bool:
    return isinstance(job, bide.Completed) and job.result.output == "a fox"


def why(job: bide.Job) -> bide.Reason:
    assert isinstance(job, bide.Abandoned), job
    return job.reason


# -- nothing came back -------------------------------------------------------------------------------------------------


@reacts(
    Where.CONNECTION,
    "the connection is refused, or not made in time",
    "nothing was sent, so any request is sent again, even a submission without a key; at a first contact four times",
)
@BY_BOTH
@in_trio
async def test_a_refused_connection(kind: Kind) -> None:
    with Server() as gone:
        pass
    async with acme(kind, declaration=KEYLESS, dialect=Declared(KEYLESS, gone.url)) as (_, client):
        job = await end(client, order(client))
    assert why(job) is bide.Reason.UNREACHABLE
    assert job.past.requests == bide.Patience().first_contact


@reacts(
    Where.CONNECTION,
    "cut before the status, no reply in time; a cut mid body",
    "a look is sent again; a submission with its key, within the key's lifetime; one without is never sent again",
)
@BY_BOTH
@pytest.mark.parametrize(
    ("cut", "keyless"),
    [
        ((read, reset), bide.Reason.AMBIGUOUS),
        ((read,), bide.Reason.AMBIGUOUS),
        ((read, send(QUEUED[:30]), reset), bide.Reason.AMBIGUOUS),
        ((read, send(QUEUED[:-4])), bide.Reason.UNFOLLOWABLE),  # it was taken: the head says so
    ],
)
@in_trio
async def test_a_cut(cut: Script, keyless: bide.Reason, kind: Kind) -> None:
    async with acme(kind, cut, talk(QUEUED), cut, talk(DONE)) as (server, client):
        assert is_done(await end(client, order(client)))
    keys = {field_of(one, "idempotency-key") for one in server.received[:2]}
    assert asked(server) == ["POST /jobs", "POST /jobs", "GET /jobs/7", "GET /jobs/7"]
    assert len(keys) == 1
    async with acme(kind, cut, talk(QUEUED), declaration=KEYLESS) as (server, client):
        job = await end(client, order(client))
    assert why(job) is keyless
    assert asked(server) == ["POST /jobs"]


@reacts(Where.REPLY, "HTTP/1.0 without a length, cut mid body", "what is cut is no JSON: a look is sent again")
@BY_BOTH
@in_trio
async def test_a_cut_that_only_the_json_tells(kind: Kind) -> None:
    cut = b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + b'{"id":"7","status":"done","outp'
    async with acme(kind, (read, send(cut)), talk(DONE)) as (server, client):
        assert is_done(await end(client, "7"))
    assert len(server.received) == 2


# -- it is not the service that speaks ---------------------------------------------------------------------------------


@reacts(
    Where.JOB,
    "200 with HTML, empty, a list, null, another type",
    "asked again, as often as `Patience(failures=)` says; then it ends as not understood, with the beginning of it",
)
@BY_BOTH
@pytest.mark.parametrize("body", [b"<!doctype html><title>Sign in</title>", b"", b"[]", b"null", b"{", b"\xff\xfe"])
@in_trio
async def test_a_portal(body: bytes, kind: Kind) -> None:
    async with acme(kind, talk(no("200 OK", body=body), DONE)) as (_, client):
        assert is_done(await end(client, "7"))
    async with acme(kind, talk(*[no("200 OK", body=body)] * 9), patience=bide.Patience(failures=3)) as (server, client):
        job = await end(client, "7")
    assert why(job) is bide.Reason.NOT_UNDERSTOOD
    assert len(server.received) == 3


@reacts(
    Where.JOB,
    "JSON that breaks readers: nested too deeply, numbers of thousands of digits, two documents, lone surrogates",
    "as any other page that is none of the service's: asked again, and never an error",
)
@BY_BOTH
@pytest.mark.parametrize("body", [b"[" * 50_000, b'{"n":' + b"9" * 5000 + b"}", b"{} {}", b'{"status":"\\ud800"}'])
@in_trio
async def test_json_that_is_hardly_any(body: bytes, kind: Kind) -> None:
    async with acme(kind, talk(no("200 OK", body=body), DONE)) as (server, client):
        job = await end(client, "7")
        assert is_done(client.resume(bide.dump(job)))
    assert len(server.received) == 2


@reacts(
    Where.JOB, "a status word that nobody knows", "the job goes on, asked for less and less often; it is never a result"
)
@BY_BOTH
@in_trio
async def test_an_unknown_word(kind: Kind) -> None:
    async with acme(kind, talk(said("melting"), said("melting"), DONE)) as (_, client):
        states = [state async for state in client.follow("7")]
    assert is_done(states[-1])
    assert [state.past.status for state in states[1:3]] == ["melting", "melting"]
    assert all(isinstance(state, bide.Polling) for state in states[:3])


@reacts(Where.JOB, "a status that goes backwards", "an end stays the end: nothing is asked once it was heard")
@BY_BOTH
@in_trio
async def test_backwards(kind: Kind) -> None:
    async with acme(kind, talk(said("running"), said("queued"), DONE, QUEUED)) as (server, client):
        job = await end(client, "7")
        assert is_done(job)
        assert await end(client, job) is job
    assert len(server.received) == 3


# -- it says no --------------------------------------------------------------------------------------------------------


@reacts(
    Where.NO,
    "404 just after the submission",
    "the job may not be everywhere yet: asked again, at least five times and for 30 s",
)
@BY_BOTH
@in_trio
async def test_not_found_at_first(kind: Kind) -> None:
    async with acme(kind, talk(QUEUED, *[no("404 Not Found")] * 4, DONE)) as (_, client):
        assert is_done(await end(client, order(client)))


@reacts(
    Where.NO,
    "404 for good, of a job that was known",
    "five times and for 30 s, then it is lost; its token can be resumed",
)
@BY_BOTH
@in_trio
async def test_not_found_for_good(kind: Kind) -> None:
    clock = VirtualClock()
    began = clock.now()
    async with acme(kind, talk(QUEUED, *[no("404 Not Found")] * 20), clock=clock) as (server, client):
        job = await end(client, order(client))
    assert isinstance(job, bide.Lost)
    assert len(server.received) >= 1 + 5
    assert clock.now() - began >= 30


@reacts(
    Where.NO, "401 or 403 while the job runs", "it is put by, to be resumed with another key; nothing is sent again"
)
@BY_BOTH
@pytest.mark.parametrize("http", ["401 Unauthorized", "403 Forbidden"])
@in_trio
async def test_a_key_that_is_taken_back(http: str, kind: Kind) -> None:
    async with acme(kind, talk(QUEUED, no(http), DONE)) as (server, client):
        job = await end(client, order(client))
        assert why(job) is bide.Reason.UNAUTHORISED
        assert len(server.received) == 2
        assert is_done(await end(client, client.resume(bide.dump(job))))


@reacts(Where.NO, "402", "it is put by; sent again only by hand")
@BY_BOTH
@in_trio
async def test_an_account_that_is_empty(kind: Kind) -> None:
    async with acme(kind, talk(no("402 Payment Required"), QUEUED, DONE)) as (server, client):
        job = await end(client, order(client))
        assert why(job) is bide.Reason.UNPAID
        assert len(server.received) == 1
        assert is_done(await end(client, client.resume(bide.dump(job))))


@reacts(Where.NO, "400 or 422 to a submission", "it has failed, and what the service said of it is told")
@BY_BOTH
@pytest.mark.parametrize("http", ["400 Bad Request", "422 Unprocessable Content"])
@in_trio
async def test_a_submission_that_is_refused(http: str, kind: Kind) -> None:
    async with acme(kind, talk(no(http, body=b'{"message":"prompt: too long"}'))) as (server, client):
        job = await end(client, order(client))
    assert isinstance(job, bide.Failed)
    assert "prompt: too long" in str(job.problem)
    assert len(server.received) == 1


@reacts(Where.NO, "410", "the job is over at the service: it ends, and its id is kept")
@BY_BOTH
@in_trio
async def test_gone(kind: Kind) -> None:
    async with acme(kind, talk(QUEUED, no("410 Gone"))) as (server, client):
        job = await end(client, order(client))
    assert isinstance(job, bide.Lost | bide.Expired)
    assert job.handle is not None
    assert len(server.received) == 2


@reacts(
    Where.NO, "409 to a submission sent again: the first is still being taken", "asked again later with the same key"
)
@BY_BOTH
@in_trio
async def test_a_conflict(kind: Kind) -> None:
    async with acme(kind, (read, reset), talk(no("409 Conflict"), QUEUED, DONE)) as (server, client):
        assert is_done(await end(client, order(client)))
    assert len({field_of(one, "idempotency-key") for one in server.received[:3]}) == 1
    assert asked(server)[:3] == ["POST /jobs"] * 3


@reacts(Where.NO, "409 to a cancel: it was too late", "a look tells what has come of the job; a result is a result")
@BY_BOTH
@in_trio
async def test_a_cancel_too_late(kind: Kind) -> None:
    async with acme(kind, talk(no("409 Conflict"), DONE)) as (server, client):
        assert is_done(await client.cancel("7"))
    assert asked(server) == ["POST /jobs/7/cancel", "GET /jobs/7"]


@reacts(Where.NO, "5xx or 429 to a cancel", "a look goes before the next try: the job may have ended meanwhile")
@BY_BOTH
@pytest.mark.parametrize("http", ["500 Internal Server Error", TOO_MANY])
@in_trio
async def test_a_cancel_that_fails(http: str, kind: Kind) -> None:
    async with acme(kind, talk(no(http), said("running"), said("stopped"), said("stopped"))) as (server, client):
        assert isinstance(await client.cancel("7"), bide.Cancelled)
    assert asked(server)[:3] == ["POST /jobs/7/cancel", "GET /jobs/7", "POST /jobs/7/cancel"]


# -- it is too busy ----------------------------------------------------------------------------------------------------


async def pauses(kind: Kind, replies: Iterable[bytes], **settings: Any) -> list[float]:
    """The seconds between the requests of one job."""
    clock = VirtualClock()
    async with acme(kind, talk(*replies), clock=clock, **settings) as (_, client):
        states = [state async for state in client.follow("7")]
    assert is_done(states[-1]), states[-1]
    times = [state.due for state in states if isinstance(state, bide.Waiting)]
    return [round(after - before, 3) for before, after in pairwise(times)]


@reacts(
    Where.LIMIT,
    "5xx, one after the other",
    "asked again, later each time, with jitter; `Patience(failures=)` bounds it",
)
@BY_BOTH
@in_trio
async def test_a_service_that_is_ill(kind: Kind) -> None:
    waits = await pauses(kind, [*[no("503 Service Unavailable")] * 6, DONE], pace=bide.Growing())
    assert len(waits) == 6
    assert waits[-1] > waits[0]
    assert len(set(waits)) == 6


@reacts(Where.LIMIT, "429 without `Retry-After`", "asked again later and later, with jitter; it is no failure")
@BY_BOTH
@in_trio
async def test_a_limit_that_tells_no_time(kind: Kind) -> None:
    replies = [*[no(TOO_MANY)] * 8, DONE]
    waits = await pauses(kind, replies, pace=bide.Growing(), patience=bide.Patience(failures=3))
    assert len(waits) == 8
    assert max(waits) > 4 * min(waits)


@reacts(
    Where.LIMIT,
    "`Retry-After` in the past, or 0",
    "our own pace holds; said of an unfinished job it means at once, once",
)
@BY_BOTH
@pytest.mark.parametrize("value", ["0", "Fri, 31 Dec 1999 23:59:59 GMT"])
@in_trio
async def test_a_time_that_is_past(value: str, kind: Kind) -> None:
    waits = await pauses(kind, [*[no(TOO_MANY, f"Retry-After: {value}")] * 4, DONE])
    assert min(waits) > 0
    waits = await pauses(kind, [*[said("queued", f"Retry-After: {value}")] * 4, DONE])
    assert sum(wait < 1.0 for wait in waits) <= 1


@reacts(Where.LIMIT, "an absurd `Retry-After`: huge, the year 99999", "at most an hour; never an error")
@BY_BOTH
@pytest.mark.parametrize("value", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
@in_trio
async def test_a_time_that_is_absurd(value: str, kind: Kind) -> None:
    patience = bide.Patience(deadline=86400.0)
    (wait,) = await pauses(kind, [no(TOO_MANY, f"Retry-After: {value}"), DONE], patience=patience)
    assert wait <= 3601


@reacts(Where.LIMIT, "a `Retry-After` that is none: -5, 1.5.2, full-width digits, nan", "as if it were not there")
@BY_BOTH
@pytest.mark.parametrize("value", ["-5", "1.5.2", "nan", "soon", "Fri, 31 Foo 99999 23:59:59 GMT", "３０"])
@in_trio
async def test_a_time_that_is_none(value: str, kind: Kind) -> None:
    (wait,) = await pauses(kind, [no(TOO_MANY, f"Retry-After: {value}"), DONE])
    assert 0 < wait <= 60


@reacts(
    Where.LIMIT,
    "`Retry-After` on each reply of a limiter, though quota is left",
    "the end of its window, and no hint for the pace of the job",
)
@BY_BOTH
@in_trio
async def test_a_time_that_is_the_limiters(kind: Kind) -> None:
    left = ["X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 58", "X-RateLimit-Reset: 50", "Retry-After: 50"]
    assert max(await pauses(kind, [*[said("queued", *left)] * 2, DONE])) <= 10


@reacts(Where.LIMIT, "several `Retry-After`", "the longest that can be read")
@BY_BOTH
@in_trio
async def test_several_times(kind: Kind) -> None:
    lines = [f"Retry-After: {value}" for value in ("40", "soon", "7")]
    (wait,) = await pauses(kind, [no(TOO_MANY, *lines), DONE])
    assert 40 <= wait <= 50


@reacts(Where.LIMIT, "a clock that is not the service's", "dates are read against the reply's own `Date`")
@BY_BOTH
@in_trio
async def test_a_date_against_its_own_clock(kind: Kind) -> None:
    lines = ["Date: Fri, 31 Dec 1999 23:59:00 GMT", "Retry-After: Fri, 31 Dec 1999 23:59:33 GMT"]
    (wait,) = await pauses(kind, [no(TOO_MANY, *lines), DONE])
    assert 33 <= wait <= 40


@reacts(
    Where.LIMIT,
    "`X-RateLimit-Reset` as seconds, an instant, milliseconds, a duration (`6m0s`)",
    "told apart by their size, against `Date`; else unread",
)
@BY_BOTH
@pytest.mark.parametrize("value", ["21", "1893456021", "1893456021000", "0m21s"])
@in_trio
async def test_a_reset_of_each_kind(value: str, kind: Kind) -> None:
    spent = ["X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 0", f"X-RateLimit-Reset: {value}"]
    (wait,) = await pauses(kind, [no(TOO_MANY, "Date: Tue, 01 Jan 2030 00:00:00 GMT", *spent), DONE])
    assert 21 <= wait <= 30


# -- it sends elsewhere ------------------------------------------------------------------------------------------------


@reacts(
    Where.REDIRECT,
    "307 or 308 to a submission, within the API's own origin",
    "nothing was made: it is sent there, once",
)
@BY_BOTH
@pytest.mark.parametrize("http", ["307 Temporary Redirect", "308 Permanent Redirect"])
@in_trio
async def test_a_submission_that_is_sent_elsewhere(http: str, kind: Kind) -> None:
    async with acme(kind, talk(no(http, "Location: /v2/jobs"), QUEUED, DONE), declaration=KEYLESS) as (server, client):
        assert is_done(await end(client, order(client)))
    assert asked(server)[:2] == ["POST /jobs", "POST /v2/jobs"]


@reacts(
    Where.REDIRECT,
    "a look that is redirected within the API's own origin",
    "followed, at most three times; a loop ends there",
)
@BY_BOTH
@in_trio
async def test_a_look_that_is_sent_elsewhere(kind: Kind) -> None:
    async with acme(kind, talk(no("302 Found", "Location: /v2/jobs/7"), DONE)) as (server, client):
        assert is_done(await end(client, "7"))
    assert asked(server) == ["GET /jobs/7", "GET /v2/jobs/7"]
    async with acme(kind, talk(*[no("302 Found", "Location: /jobs/7")] * 9)) as (server, client):
        assert why(await end(client, "7")) is bide.Reason.REDIRECTED
    assert len(server.received) <= 4


@reacts(
    Where.REDIRECT,
    "a redirect to another host, or from https to http",
    "not followed, and told; the key does not leave",
)
@BY_BOTH
@in_trio
async def test_a_look_that_is_sent_abroad(kind: Kind) -> None:
    with Server(talk(DONE)) as abroad:
        async with acme(kind, talk(no("302 Found", f"Location: {abroad.url}/jobs/7"))) as (_, client):
            assert why(await end(client, "7")) is bide.Reason.REDIRECTED
    assert abroad.received == []


# -- it says yes, and too little -------------------------------------------------------------------------------------


@reacts(
    Where.JOB,
    "2xx to a submission with nothing to follow in it",
    "it ends with all that was said, and is never sent again",
)
@BY_BOTH
@in_trio
async def test_accepted_and_not_followable(kind: Kind) -> None:
    async with acme(kind, talk(no("202 Accepted", body=b'{"ticket":"A-17"}'))) as (server, client):
        job = await end(client, order(client))
    assert why(job) is bide.Reason.UNFOLLOWABLE
    assert isinstance(job, bide.Abandoned)
    assert job.said is not None
    assert job.said.body == '{"ticket":"A-17"}'
    assert len(server.received) == 1


@reacts(
    Where.JOB, "the key's lifetime passes while the service is away", "it is ambiguous from then on, and not sent again"
)
@BY_BOTH
@in_trio
async def test_a_key_that_is_too_old(kind: Kind) -> None:
    declaration = replace(ACME, key_lifetime=100.0)
    cuts: list[Script] = [(read, reset)] * 50
    clock = VirtualClock()
    began = clock.now()
    async with acme(
        kind, *cuts, declaration=declaration, clock=clock, patience=bide.Patience(failures=50, first_contact=50)
    ) as (_, client):
        job = await end(client, order(client))
    assert why(job) is bide.Reason.AMBIGUOUS
    assert clock.now() - began <= 100


@reacts(
    Where.JOB, "a reply to a fetch that is cut, empty, HTML, or says no type", "never a result: asked again, bounded"
)
@BY_BOTH
@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b'{"text":"a f'])
@in_trio
async def test_a_result_that_is_none(body: bytes, kind: Kind) -> None:
    good = no("200 OK", body=b'"a fox"')
    async with acme(kind, talk(said("done"), no("200 OK", body=body), good), declaration=FETCHED) as (server, client):
        assert is_done(await end(client, "7"))
    assert len(server.received) == 3


@reacts(
    Where.LIMIT,
    "a limiter that answers 403 or 200, with a code of its own",
    "where it is declared, as a 429: it ends no job",
)
@BY_BOTH
@pytest.mark.parametrize("http", ["403 Forbidden", "200 OK"])
@in_trio
async def test_a_limiter_in_other_words(http: str, kind: Kind) -> None:
    limits = replace(ACME, signs=(Sign(Phase.LIMITED, {"error": ("throttled",)}, ("200", "403")),))
    spent = no(http, "Retry-After: 30", body=b'{"error":"throttled"}')
    clock = VirtualClock()
    began = clock.now()
    async with acme(kind, talk(spent, DONE), declaration=limits, clock=clock) as (_, client):
        assert is_done(await end(client, "7"))
    assert clock.now() - began >= 30


@reacts(Where.JOB, "an id in the other case (a GUID)", "the same job (RFC 9562, 4)")
@BY_BOTH
@in_trio
async def test_an_id_in_capitals(kind: Kind) -> None:
    name = "0d3b6f0a-1111-4222-8333-abcdefabcdef"
    shouted = reply(json.dumps({"id": name.upper(), "status": "done", "output": "a fox"}).encode())
    async with acme(kind, talk(shouted)) as (_, client):
        assert is_done(await end(client, name))
