"""What the services themselves do wrong, with either client: what is asked next, and how it ends."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import bide
from bide.dialect import Phase
from bide.dialects.declared import Declared
from bide.dialects.places import Sign
from bide_transports.emulator import VirtualClock
from tests.faces import BY_BOTH, Kind, in_trio
from tests.hostile import Script, Server, field_of, read, reply, reset, send
from tests.reactions import Where, reacts
from tests.transports.acme import (
    ACME,
    DONE,
    FETCHED,
    KEYLESS,
    QUEUED,
    acme,
    asked,
    end,
    is_done,
    no,
    order,
    said,
    talk,
    why,
)

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
    "JSON that breaks readers: nested too deeply, two documents, no status but lone surrogates or thousands of digits",
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


# -- it says yes, and too little ---------------------------------------------------------------------------------------


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
