"""The client for people, over requests and over trio, on loopback sockets and in virtual time: judged by the server."""

from __future__ import annotations

from pathlib import Path

import pytest

import bide
from bide import Every, Patience
from bide.errors import (
    InvalidHandle,
    InvalidKey,
    InvalidOrder,
    JobAbandoned,
    JobCancelled,
    JobError,
    JobExpired,
    JobFailed,
    JobLost,
    JobUnfinished,
)
from bide_transports.emulator import (
    Drop,
    Fault,
    Limit,
    Variants,
    VirtualClock,
    html,
    png,
    too_many,
    unauthorised,
    unavailable,
)
from bide_transports.emulator.replies import invalid, problem
from bide_transports.emulator.server import serve
from tests.faces import BY_BOTH, KINDS, Awaited, Kind, face, house, in_trio
from tests.transports.clients import FOX, KEY, service


@BY_BOTH
@in_trio
async def test_four_ends_under_a_tight_limit_with_trouble_on_the_way(kind: Kind, tmp_path: Path) -> None:
    trouble = [
        Fault("submit", Drop("after"), nth=1),  # the job is made, its acknowledgement lost
        Fault("submit", Drop("head"), nth=4),
        Fault("poll", too_many(7), nth=5, times=2),
        Fault("poll", Drop("body", reset=True), nth=30),
        Fault("poll", unavailable(), nth=60),
        Fault("result", too_many("11"), nth=1),
        Fault("storage", too_many(3), nth=1),
    ]
    ends: dict[str, type[JobError]] = {"bad": JobFailed, "stopped": JobCancelled, "late": JobExpired}
    async with house(kind, *trouble, variants=Variants(download="url"), pace=Every(0.25)) as (emulator, client):
        result = await client.run("good", FOX)
        paths = await client.save(result, tmp_path)
        for model, error in ends.items():
            with pytest.raises(error):
                await client.run(model, FOX)
    account = emulator.account
    assert account.requests > 4 * 60  # more than fit into the first windows, so the limit was felt
    assert account.limited == 4  # those injected: the limit itself was never overrun
    assert account.early == ()
    assert account.credentials_at_storage == 0
    assert account.executions == 4
    assert account.duplicates == 2
    assert [path.read_bytes() for path in paths] == [png(file, 64, 48) for file in result.files]


@BY_BOTH
@in_trio
async def test_the_client_keeps_to_the_limit_from_one_job_to_the_next(kind: Kind) -> None:
    async with house(kind, limit=Limit(2, 60)) as (emulator, client):
        for _ in range(4):  # submit, result: each job uses the window up
            await client.run("quick", FOX)
    assert emulator.account.limited == 0
    assert emulator.account.early == ()


@BY_BOTH
@in_trio
async def test_a_download_keeps_to_the_limit_that_the_job_has_used_up(kind: Kind, tmp_path: Path) -> None:
    async with house(kind, limit=Limit(2, 60), variants=Variants(download="url")) as (emulator, client):
        await client.save(await client.run("quick", FOX), tmp_path)
    assert emulator.account.limited == 0
    assert emulator.account.early == ()


@BY_BOTH
@pytest.mark.parametrize("when", ["before", "after", "head", "body"])
@pytest.mark.parametrize("reset", [False, True])
@in_trio
async def test_one_submission_makes_one_execution(kind: Kind, when: str, reset: bool) -> None:
    drop = Drop(when, reset)  # type: ignore[arg-type]
    async with house(kind, Fault("submit", drop, times=3)) as (emulator, client):
        await client.run("good", FOX)
    submissions = [seen for seen in emulator.account.seen if seen.kind == "submit"]
    assert emulator.account.executions == 1
    assert len(submissions) == 4
    assert len({seen.key for seen in submissions}) == 1
    assert emulator.account.duplicates == (0 if when == "before" else 3)


@BY_BOTH
@in_trio
async def test_two_submissions_make_two_executions(kind: Kind) -> None:
    async with house(kind) as (emulator, client):
        first, second = await client.run("good", FOX), await client.run("good", FOX)
    assert first.handle != second.handle
    assert emulator.account.executions == 2


@BY_BOTH
@in_trio
async def test_run(kind: Kind) -> None:
    async with house(kind) as (_, client):
        result = await client.run("good", FOX)
    assert result.handle.startswith("exec_")
    assert len(result.files) == 1
    assert str(result.cost) == "0.040"
    assert client.quota is not None
    assert client.quota.limit == 60


@BY_BOTH
@in_trio
async def test_submit_returns_before_the_job_is_over_and_wait_goes_on(kind: Kind) -> None:
    async with house(kind) as (emulator, client):
        job = await client.submit("good", FOX)
        assert isinstance(job, bide.Polling)
        assert emulator.account.requests == 1
        assert (await client.wait(job)).handle == job.handle
        assert (await client.wait(job.handle)).handle == job.handle
    assert emulator.account.executions == 1


@BY_BOTH
@in_trio
async def test_submit_says_what_the_service_refused(kind: Kind) -> None:
    refused = problem(invalid("input.prompt", "TOO_LONG", "at most 1000 characters"))
    async with house(kind, Fault("submit", refused)) as (emulator, client):
        job = await client.submit("good", FOX)
    assert isinstance(job, bide.Failed)
    assert "input.prompt (TOO_LONG) at most 1000 characters" in str(job.problem)
    assert emulator.account.requests == 1


@BY_BOTH
@in_trio
async def test_follow_shows_every_state(kind: Kind) -> None:
    async with house(kind, pace=Every(10)) as (_, client):
        states = [state async for state in client.follow(client.prepare("good", FOX))]
        assert client.quota == states[-1].past.quota is not None
    assert isinstance(states[0], bide.Submitting)
    assert isinstance(states[-2], bide.Fetching)
    assert isinstance(states[-1], bide.Completed)
    heard = [state.past.status for state in states[1:-2]]
    assert heard == ["PENDING"] + ["AWAITING_WEBHOOK"] * 9


@BY_BOTH
@in_trio
async def test_prepare_sends_nothing_and_keeps_the_key_it_is_given(kind: Kind) -> None:
    async with house(kind) as (emulator, client):
        job = client.prepare("good", FOX, metadata={"page": 3}, key="order-17")
        assert emulator.account.requests == 0
        await client.wait(job)
        await client.wait(bide.load(bide.dump(job), dialect=bide.ModelRoute(emulator.base_url)))
    assert {seen.key for seen in emulator.account.seen if seen.kind == "submit"} == {"order-17"}
    assert emulator.account.executions == 1


@BY_BOTH
@in_trio
async def test_cancel_in_time(kind: Kind) -> None:
    async with house(kind) as (emulator, client):
        job = await client.submit("good", FOX)
        assert isinstance(await client.cancel(job), bide.Cancelled)
        with pytest.raises(JobCancelled, match="was cancelled: submit again"):
            await client.wait(job)
    assert [seen.status for seen in emulator.account.seen if seen.kind == "cancel"] == [200]


@BY_BOTH
@in_trio
async def test_cancel_too_late_yields_the_result(kind: Kind) -> None:
    clock = VirtualClock()
    async with house(kind, clock=clock) as (_, client):
        job = await client.submit("good", FOX)
        clock.sleep_until(clock.now() + 100)
        ended = await client.cancel(job)
    assert isinstance(ended, bide.Completed)
    assert ended.result.files


@BY_BOTH
@in_trio
async def test_cancel_by_id_and_of_a_job_that_is_over(kind: Kind) -> None:
    async with house(kind) as (emulator, client):
        job = await client.submit("good", FOX)
        assert isinstance(job, bide.Polling)
        ended = await client.cancel(job.handle)
        asked = emulator.account.requests
        assert await client.cancel(ended) is ended
    assert emulator.account.requests == asked


@BY_BOTH
@in_trio
async def test_result_of_a_job_that_is_over_and_of_one_that_is_not(kind: Kind) -> None:
    clock = VirtualClock()
    async with house(kind, clock=clock) as (emulator, client):
        job = await client.submit("good", FOX)
        assert isinstance(job, bide.Polling)
        asked = emulator.account.requests
        with pytest.raises(JobUnfinished, match="wait for it") as caught:
            await client.result(job.handle)
        assert emulator.account.requests == asked + 1
        assert caught.value.job.past.status == "PENDING"
        clock.sleep_until(clock.now() + 100)
        assert (await client.result(job.handle)).handle == job.handle


@BY_BOTH
@in_trio
async def test_a_second_client_resumes_what_the_first_has_left(kind: Kind) -> None:
    clock = VirtualClock()
    async with house(kind, clock=clock) as (emulator, client):
        token = bide.dump(await client.submit("good", FOX))
        assert emulator.key not in token
        async with face(kind, emulator.key, clock, dialect=emulator.dialect) as other:
            assert (await other.wait(other.resume(token))).files
    assert emulator.account.executions == 1


@BY_BOTH
@in_trio
async def test_a_wrong_key(kind: Kind) -> None:
    with serve(service()) as emulator:
        async with face(kind, KEY[:-1] + "1", VirtualClock(), dialect=emulator.dialect) as wrong:
            with pytest.raises(JobAbandoned, match="check the key") as caught:
                await wrong.run("good", FOX)
    assert caught.value.job.reason is bide.Reason.UNAUTHORISED
    assert emulator.account.requests == 1
    assert KEY[:-1] not in str(caught.value) + repr(caught.value.job) + bide.dump(caught.value.job)


@BY_BOTH
@in_trio
async def test_a_key_that_is_revoked_on_the_way_can_be_followed_by_a_new_one(kind: Kind) -> None:
    async with house(kind, Fault("poll", unauthorised(), nth=3)) as (emulator, client):
        with pytest.raises(JobAbandoned) as caught:
            await client.run("good", FOX)
        assert (await client.wait(client.resume(bide.dump(caught.value.job)))).files
    assert emulator.account.executions == 1


@BY_BOTH
@in_trio
async def test_an_id_that_nobody_knows(kind: Kind) -> None:
    async with house(kind) as (emulator, client):
        with pytest.raises(JobLost, match="check the id"):
            await client.wait("exec_00000000-0000-4000-8000-000000000000")
    assert emulator.account.requests == 1


@BY_BOTH
@pytest.mark.parametrize("method", ["run", "wait"])
@in_trio
async def test_a_host_that_is_not_there(kind: Kind, method: str) -> None:
    with serve() as gone:
        pass
    clock = VirtualClock()
    began = clock.now()
    async with face(kind, KEY, clock, dialect=gone.dialect) as client:
        with pytest.raises(JobAbandoned, match="check the base URL") as caught:
            await client.run("good", FOX) if method == "run" else await client.wait("exec_1")
    job = caught.value.job
    assert job.reason is bide.Reason.UNREACHABLE
    assert job.past.requests == Patience().first_contact
    assert clock.now() - began < 60


@BY_BOTH
@in_trio
async def test_a_portal_in_place_of_the_service(kind: Kind) -> None:
    patience, advice = Patience(failures=5), "a proxy may answer in its place"
    async with house(kind, Fault("any", html(), times=99), patience=patience) as (emulator, client):
        with pytest.raises(JobAbandoned, match=r"sign in to use this network.*look for the job"):
            await client.run("good", FOX)
        assert emulator.account.requests == 1, "what was answered is not sent again"
        with pytest.raises(JobAbandoned, match=advice):
            await client.wait("exec_1")
        assert emulator.account.requests == 6


@BY_BOTH
@in_trio
async def test_a_deadline_is_exact_and_the_last_look_counts(kind: Kind) -> None:
    clock = VirtualClock()
    began = clock.now()
    async with house(kind, clock=clock, patience=Patience(deadline=95.0), pace=Every(60)) as (_, client):
        await client.run("good", FOX)  # ends at its 95th second
    assert clock.now() == began + 95
    async with house(kind, clock=clock, patience=Patience(deadline=94.0), pace=Every(60)) as (emulator, client):
        began = clock.now()
        with pytest.raises(JobAbandoned, match="resume it with a later deadline") as caught:
            await client.run("good", FOX)
        assert clock.now() == began + 94
        assert (await client.wait(client.resume(bide.dump(caught.value.job), patience=Patience()))).files
    assert emulator.account.executions == 1


@BY_BOTH
@in_trio
async def test_what_cannot_be_sent_is_refused_before_anything_is(kind: Kind) -> None:
    async with house(kind) as (emulator, client):
        with pytest.raises(InvalidHandle):
            await client.wait("../account")
        with pytest.raises(InvalidOrder):
            await client.run("good", {"prompt": float("nan")})
        with pytest.raises(InvalidKey):
            async with face(kind, "sk_1\r\nX-Evil: 1", VirtualClock()):
                pass
    assert emulator.account.requests == 0


@BY_BOTH
@in_trio
async def test_a_job_that_has_ended_is_not_unfinished_once_it_was_waited_for(kind: Kind) -> None:
    async with house(kind) as (_, client):
        with pytest.raises(JobFailed) as caught:
            await client.run("bad", FOX)
        client.unfinished[:] = [caught.value.job]
        with pytest.raises(JobFailed):
            await client.wait(caught.value.job)
        assert client.unfinished == []


@BY_BOTH
@in_trio
async def test_no_advice_for_a_hundred_jobs_a_day(kind: Kind) -> None:
    clock = VirtualClock()
    async with house(kind, clock=clock) as (_, client):
        for _ in range(2):  # a warning would be an error here
            for _ in range(100):
                await client.run("short", FOX)
            clock.sleep_until(clock.now() + 86400)


@BY_BOTH
@in_trio
async def test_a_job_counts_once_however_often_it_is_looked_at(kind: Kind) -> None:
    async with house(kind) as (_, client):
        for _ in range(60):
            await client.wait(await client.submit("short", FOX))


@BY_BOTH
@in_trio
async def test_a_job_that_is_only_submitted_is_not_polled(kind: Kind) -> None:
    async with house(kind) as (_, client):
        for _ in range(150):  # a warning would be an error here
            await client.submit("short", FOX, webhook_url="https://example.com/hook")


# -- the same ends, word for word --------------------------------------------------------------------------------------

ENDS: dict[str, tuple[type[JobError], str, tuple[Fault, ...], Patience]] = {
    "failed": (JobFailed, "bad", (), Patience()),
    "cancelled": (JobCancelled, "stopped", (), Patience()),
    "expired": (JobExpired, "late", (), Patience()),
    "refused": (JobFailed, "good", (Fault("submit", problem(invalid("input", "BAD", "no"))),), Patience()),
    "a portal": (JobAbandoned, "good", (Fault("any", html(), times=99),), Patience(failures=5)),
    "the key is taken back": (JobAbandoned, "good", (Fault("poll", unauthorised(), nth=3),), Patience()),
    "the deadline": (JobAbandoned, "good", (), Patience(deadline=94.0)),
    "cut for ever": (JobAbandoned, "good", (Fault("any", Drop("head"), times=99),), Patience(failures=5)),
}


@pytest.mark.parametrize("name", ENDS)
@in_trio
async def test_both_end_in_the_same_words(name: str) -> None:
    error, model, faults, patience = ENDS[name]
    told: list[tuple[type[JobError], str, type[bide.Job], int]] = []
    for kind in KINDS:
        async with house(kind, *faults, patience=patience) as (_, client):
            with pytest.raises(error) as caught:
                await client.wait(client.prepare(model, FOX, key="order-1"))
        job = caught.value.job
        told.append((type(caught.value), str(caught.value), type(job), job.past.requests))
    assert told[0] == told[1]


@BY_BOTH
@in_trio
async def test_the_key_shows_nowhere(kind: Kind) -> None:
    async with face(kind, bide.Secret(KEY), VirtualClock()) as client:
        job = client.prepare("good", FOX)
        made = client.blocking if isinstance(client, Awaited) else client
        parts = [made, vars(made), job, job.request, bide.dump(job)]
        parts += [] if isinstance(client, Awaited) else [vars(client.pool)]
        assert [part for part in map(repr, parts) if KEY in part] == []
