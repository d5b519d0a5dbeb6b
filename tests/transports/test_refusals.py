"""A service that says no, or sends elsewhere, with either client: what is asked next, and how it ends."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import requests

import bide
from bide.dialects.declared import Declared
from bide.errors import JobAbandoned
from bide_transports.bounded import BoundedAdapter
from bide_transports.emulator import VirtualClock
from bide_transports.trio import Pool
from tests.faces import BY_BOTH, Kind, face, in_trio
from tests.hostile import Server, field_of, read, reset
from tests.reactions import Where, reacts
from tests.transports.acme import (
    ACME,
    DONE,
    KEY,
    KEYLESS,
    QUEUED,
    TOO_MANY,
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
    moved = talk(no(http, "Location: /v2/jobs"))
    async with acme(kind, moved, talk(QUEUED, DONE), declaration=KEYLESS) as (server, client):
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
    "the same for good (301, 308) or for now (302, 307)",
    "for good, the job is at the new address from then on; for now, the old one is asked again",
)
@BY_BOTH
@pytest.mark.parametrize(("http", "later"), [("301 M", "/v2"), ("308 P", "/v2"), ("302 F", ""), ("307 T", "")])
@in_trio
async def test_a_job_that_moves(http: str, later: str, kind: Kind) -> None:
    moved = no(http, "Location: /v2/jobs/7")
    async with acme(kind, talk(moved, QUEUED, *([] if later else [moved]), DONE)) as (server, client):
        assert is_done(await end(client, "7"))
    assert asked(server)[:3] == ["GET /jobs/7", "GET /v2/jobs/7", f"GET {later}/jobs/7"]


@reacts(
    Where.REDIRECT,
    "a redirect of a submission to another host",
    "nothing is sent there; the target is told, without its query",
)
@BY_BOTH
@pytest.mark.parametrize("http", ["307 Temporary Redirect", "308 Permanent Redirect", "302 Found"])
@in_trio
async def test_a_submission_that_is_sent_abroad(http: str, kind: Kind) -> None:
    with Server(talk(QUEUED)) as abroad:
        onward = no(http, f"Location: {abroad.url}/jobs?sig=5ec2e7")
        async with acme(kind, talk(onward)) as (server, client):
            with pytest.raises(JobAbandoned) as caught:
                await client.run("m", {})
    assert (len(server.received), abroad.received) == (1, [])
    assert f"{abroad.url}/jobs" in str(caught.value)
    assert "5ec2e7" not in str(caught.value)


@reacts(
    Where.REDIRECT,
    "a redirect of a look to another host",
    "not followed, and told; the key does not leave",
)
@BY_BOTH
@in_trio
async def test_a_look_that_is_sent_abroad(kind: Kind) -> None:
    with Server(talk(DONE)) as abroad:
        async with acme(kind, talk(no("302 Found", f"Location: {abroad.url}/jobs/7"))) as (_, client):
            assert why(await end(client, "7")) is bide.Reason.REDIRECTED
    assert abroad.received == []


@reacts(Where.REDIRECT, "a redirect from https to http", "not followed, and told; nothing goes unencrypted")
@BY_BOTH
@in_trio
async def test_a_look_that_is_sent_into_the_clear(kind: Kind, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with Server(talk(DONE)) as clear:
        onward = talk(no("302 Found", f"Location: {clear.url}/jobs/7"))
        with Server(onward, tls=contexts[0]) as server:
            async with (
                trusting(kind, contexts[1]) as settings,
                face(kind, KEY, VirtualClock(), dialect=Declared(ACME, server.url), **settings) as client,
            ):
                assert why(await end(client, "7")) is bide.Reason.REDIRECTED
    assert clear.received == []
    assert field_of(server.received[0], "authorization") == f"Bearer {KEY}"


@asynccontextmanager
async def trusting(kind: Kind, context: ssl.SSLContext) -> AsyncGenerator[dict[str, Any]]:
    """What makes a client trust as `context` does."""
    if kind == "trio":
        async with Pool(tls=context) as pool:
            yield {"pool": pool}
        return
    adapter = BoundedAdapter()
    adapter.init_poolmanager(1, 1, ssl_context=context)
    with requests.Session() as session:
        session.mount("https://", adapter)
        yield {"session": session}
