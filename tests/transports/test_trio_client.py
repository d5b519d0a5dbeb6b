"""The async client for people, on loopback sockets and in virtual time: judged from the server's side, by its twin."""

from __future__ import annotations

import gc
import json
import threading
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

import bide
from bide import Every, Patience
from bide.document import JSON
from bide.errors import (
    BideError,
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
    PollingAdvice,
    SaveError,
)
from bide.secret import Secret
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
from bide_transports.emulator.faults import Kind
from bide_transports.emulator.replies import invalid, problem
from bide_transports.emulator.server import Emulator, serve
from bide_transports.requests import Client as SyncClient
from bide_transports.trio import Client, Pool, run, step
from bide_transports.trio import follow as follow_job
from tests.drivers import TrioVirtualClock
from tests.hostile import Server, field_of, head, read, reply, send, stall, tell
from tests.transports.clients import FOX, KEY, service


@asynccontextmanager
async def house(
    *faults: Fault,
    variants: Variants = Variants(),
    limit: Limit = Limit(),
    clock: VirtualClock | None = None,
    pace: bide.Pace = Every(2.0),
    patience: Patience = Patience(),
    pool: Pool | None = None,
) -> AsyncGenerator[tuple[Emulator, Client]]:
    """An emulator on loopback and a client of it; both live in the time of `clock`, so nobody waits."""
    clock = clock or VirtualClock()
    with serve(service(*faults, variants=variants, limit=limit), clock=clock.now) as emulator:
        async with Client(
            emulator.key,
            dialect=bide.ModelRoute(emulator.base_url),
            pace=pace,
            patience=patience,
            pool=pool,
            clock=TrioVirtualClock(clock),
        ) as client:
            yield emulator, client


def in_trio(test: Callable[[], Awaitable[None]]) -> None:
    trio.run(test)


# -- the scenario of the first issue -----------------------------------------------------------------------------------


def test_four_ends_under_a_tight_limit_with_trouble_on_the_way(tmp_path: Path) -> None:
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

    async def main() -> None:
        async with house(*trouble, variants=Variants(download="url"), pace=Every(0.25)) as (emulator, client):
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
        assert (account.executions, account.duplicates) == (4, 2)
        assert [path.read_bytes() for path in paths] == [png(file, 64, 48) for file in result.files]
        assert client.unfinished == []

    in_trio(main)


@pytest.mark.parametrize("when", ["before", "after", "head", "body"])
@pytest.mark.parametrize("reset", [False, True])
def test_one_submission_makes_one_execution(when: str, reset: bool) -> None:
    async def main() -> None:
        drop = Drop(when, reset)  # type: ignore[arg-type]
        async with house(Fault("submit", drop, times=3)) as (emulator, client):
            await client.run("good", FOX)
        submissions = [seen for seen in emulator.account.seen if seen.kind == "submit"]
        assert emulator.account.executions == 1
        assert len(submissions) == 4
        assert len({seen.key for seen in submissions}) == 1

    in_trio(main)


# -- many at once ------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::bide.errors.PollingAdvice")
def test_two_hundred_waits_at_once_in_the_callers_nursery() -> None:
    results: list[bide.Result] = []

    async def one(client: Client, number: int) -> None:
        results.append(await client.run("short", {"page": number}))

    async def main() -> None:
        opened, most = 0, 0
        alive: list[trio.SocketStream] = []

        async def dial(host: str, port: int) -> trio.abc.Stream:
            nonlocal opened, most
            alive.append(await trio.open_tcp_stream(host, port))
            opened += 1
            most = max(most, sum(stream.socket.fileno() >= 0 for stream in alive))
            return alive[-1]

        async with Pool(size=8, dial=dial) as pool, house(limit=Limit(100_000), pool=pool) as (emulator, client):
            async with trio.open_nursery() as nursery:
                for number in range(200):
                    nursery.start_soon(one, client, number)
            assert most <= 8
            assert opened <= 8  # all of them kept alive
            assert emulator.account.executions == 200
            assert emulator.account.limited == 0
        assert all(stream.socket.fileno() < 0 for stream in alive)

    in_trio(main)
    assert len({result.handle for result in results}) == 200


def test_what_one_job_hears_of_the_quota_the_next_one_knows() -> None:
    async def main() -> None:
        async with house(limit=Limit(2, 60)) as (emulator, client):
            for _ in range(4):  # submit, result: each job uses the window up
                await client.run("quick", FOX)
        assert emulator.account.limited == 0
        assert emulator.account.early == ()

    in_trio(main)


# -- what each method does ---------------------------------------------------------------------------------------------


def test_run() -> None:
    async def main() -> None:
        async with house() as (_, client):
            result = await client.run("good", FOX)
        assert result.handle.startswith("exec_")
        assert len(result.files) == 1
        assert str(result.cost) == "0.040"
        assert client.quota is not None
        assert client.quota.limit == 60

    in_trio(main)


def test_submit_returns_before_the_job_is_over_and_wait_goes_on() -> None:
    async def main() -> None:
        async with house() as (emulator, client):
            job = await client.submit("good", FOX)
            assert isinstance(job, bide.Polling)
            assert emulator.account.requests == 1
            assert (await client.wait(job)).handle == job.handle
            assert (await client.wait(job.handle)).handle == job.handle
        assert emulator.account.executions == 1

    in_trio(main)


def test_submit_says_what_the_service_refused() -> None:
    async def main() -> None:
        refused = problem(invalid("input.prompt", "TOO_LONG", "at most 1000 characters"))
        async with house(Fault("submit", refused)) as (emulator, client):
            job = await client.submit("good", FOX)
        assert isinstance(job, bide.Failed)
        assert "input.prompt (TOO_LONG) at most 1000 characters" in str(job.problem)
        assert emulator.account.requests == 1

    in_trio(main)


def test_follow_shows_every_state() -> None:
    async def main() -> None:
        async with house(pace=Every(10)) as (_, client):
            states = [state async for state in client.follow(client.prepare("good", FOX))]
        assert isinstance(states[0], bide.Submitting)
        assert isinstance(states[-2], bide.Fetching)
        assert isinstance(states[-1], bide.Completed)
        assert client.quota == states[-1].past.quota is not None
        heard = [state.past.status for state in states[1:-2]]
        assert heard == ["PENDING"] + ["AWAITING_WEBHOOK"] * 9

    in_trio(main)


def test_follow_may_be_left_at_any_state_and_taken_up_there() -> None:
    async def main() -> None:
        async with house(pace=Every(10), pool=Pool(size=1)) as (emulator, client):
            job: bide.Job = client.prepare("good", FOX)
            steps = 0
            while isinstance(job, bide.Waiting):
                async for state in client.follow(job):
                    if state is not job:
                        job = state
                        break
                steps += 1
                assert steps == emulator.account.requests
            assert isinstance(job, bide.Completed)
            async for state in follow_job(job, client.exchange, client.clock):
                assert state is job
                break
            assert emulator.account.executions == 1
            await client.pool.aclose()

    in_trio(main)
    gc.collect()  # a generator that was left half-way would warn, and here a warning is an error


def test_the_thin_drivers_agree() -> None:
    async def main() -> None:
        async with house(pace=Every(10)) as (_, client):
            job = client.prepare("good", FOX)
            last = await run(job, client.exchange, client.clock)
            assert isinstance(last, bide.Completed)
            assert await run(last, client.exchange, client.clock) is last
            first = await step(job, client.exchange, client.clock)  # the same key: the same execution
            assert first.handle == last.handle

    in_trio(main)


def test_prepare_sends_nothing_and_keeps_the_key_it_is_given() -> None:
    async def main() -> None:
        async with house() as (emulator, client):
            job = client.prepare("good", FOX, metadata={"page": 3}, key="order-17")
            await trio.testing.wait_all_tasks_blocked()
            assert emulator.account.requests == 0
            await client.wait(job)
            await client.wait(bide.load(bide.dump(job), dialect=bide.ModelRoute(emulator.base_url)))
        assert {seen.key for seen in emulator.account.seen if seen.kind == "submit"} == {"order-17"}
        assert emulator.account.executions == 1

    in_trio(main)


def test_cancel_in_time() -> None:
    async def main() -> None:
        async with house() as (emulator, client):
            job = await client.submit("good", FOX)
            assert isinstance(await client.cancel(job), bide.Cancelled)
            with pytest.raises(JobCancelled, match="was cancelled: submit again"):
                await client.wait(job)
        assert [seen.status for seen in emulator.account.seen if seen.kind == "cancel"] == [200]

    in_trio(main)


def test_cancel_too_late_yields_the_result() -> None:
    async def main() -> None:
        clock = VirtualClock()
        async with house(clock=clock) as (_, client):
            job = await client.submit("good", FOX)
            clock.sleep_until(clock.now() + 100)
            ended = await client.cancel(job)
        assert isinstance(ended, bide.Completed)
        assert ended.result.files

    in_trio(main)


def test_cancel_by_id_and_of_a_job_that_is_over() -> None:
    async def main() -> None:
        async with house() as (emulator, client):
            job = await client.submit("good", FOX)
            assert isinstance(job, bide.Polling)
            ended = await client.cancel(job.handle)
            asked = emulator.account.requests
            assert await client.cancel(ended) is ended
        assert emulator.account.requests == asked

    in_trio(main)


def test_result_of_a_job_that_is_over_and_of_one_that_is_not() -> None:
    async def main() -> None:
        clock = VirtualClock()
        async with house(clock=clock) as (emulator, client):
            job = await client.submit("good", FOX)
            assert isinstance(job, bide.Polling)
            asked = emulator.account.requests
            with pytest.raises(JobUnfinished, match="wait for it"):
                await client.result(job.handle)
            assert emulator.account.requests == asked + 1
            clock.sleep_until(clock.now() + 100)
            assert (await client.result(job.handle)).handle == job.handle

    in_trio(main)


def test_a_second_client_resumes_what_the_first_has_left() -> None:
    async def main() -> None:
        async with house() as (emulator, client):
            token = bide.dump(await client.submit("good", FOX))
            assert emulator.key not in token
            dialect = bide.ModelRoute(emulator.base_url)
            async with Client(emulator.key, dialect=dialect, clock=client.clock) as other:
                assert (await other.wait(other.resume(token))).files
        assert emulator.account.executions == 1

    in_trio(main)


# -- how it can end: as with the other client, word for word -----------------------------------------------------------

ENDS: dict[str, tuple[type[BideError], str, tuple[Fault, ...], Patience]] = {
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
def test_errors_are_those_of_the_other_client(name: str) -> None:
    kind, model, faults, patience = ENDS[name]

    async def main() -> JobError:
        async with house(*faults, patience=patience) as (_, client):
            with pytest.raises(kind) as caught:
                await client.wait(client.prepare(model, FOX, key="order-1"))
        assert isinstance(caught.value, JobError)
        return caught.value

    def twin() -> JobError:
        clock = VirtualClock()
        with (
            serve(service(*faults), clock=clock.now) as emulator,
            SyncClient(
                emulator.key,
                dialect=bide.ModelRoute(emulator.base_url),
                pace=Every(2.0),
                patience=patience,
                clock=clock,
            ) as client,
            pytest.raises(kind) as caught,
        ):
            client.wait(client.prepare(model, FOX, key="order-1"))
        assert isinstance(caught.value, JobError)
        return caught.value

    ours, theirs = trio.run(main), twin()
    assert type(ours) is type(theirs)
    assert str(ours) == str(theirs)
    assert type(ours.job) is type(theirs.job)
    assert ours.job.past.requests == theirs.job.past.requests


def test_a_wrong_key() -> None:
    async def main() -> None:
        async with house() as (emulator, client):
            wrong = Client(KEY[:-1] + "1", dialect=bide.ModelRoute(emulator.base_url), clock=client.clock)
            async with wrong:
                with pytest.raises(JobAbandoned, match="check the key") as caught:
                    await wrong.run("good", FOX)
        assert caught.value.job.reason is bide.Reason.UNAUTHORISED
        assert emulator.account.requests == 1
        assert KEY[:-1] not in str(caught.value) + repr(caught.value.job) + bide.dump(caught.value.job)

    in_trio(main)


def test_an_id_that_nobody_knows() -> None:
    async def main() -> None:
        async with house() as (emulator, client):
            with pytest.raises(JobLost, match="check the id"):
                await client.wait("exec_00000000-0000-4000-8000-000000000000")
        assert emulator.account.requests == 1

    in_trio(main)


def test_a_host_that_is_not_there() -> None:
    with serve() as gone:
        pass

    async def main() -> None:
        clock = TrioVirtualClock(VirtualClock())
        async with Client(KEY, dialect=bide.ModelRoute(gone.base_url), clock=clock) as client:
            with pytest.raises(JobAbandoned, match="check the base URL") as caught:
                await client.run("good", FOX)
        assert caught.value.job.reason is bide.Reason.UNREACHABLE
        assert caught.value.job.past.requests == Patience().first_contact

    in_trio(main)


def test_what_cannot_be_sent_is_refused_before_anything_is() -> None:
    async def main() -> None:
        async with house() as (emulator, client):
            with pytest.raises(InvalidHandle):
                await client.wait("../account")
            with pytest.raises(InvalidOrder):
                await client.run("good", {"prompt": float("nan")})
            with pytest.raises(InvalidKey):
                Client("sk_1\r\nX-Evil: 1")
        assert emulator.account.requests == 0

    in_trio(main)


# -- the vendor's advice -----------------------------------------------------------------------------------------------


def test_the_advice_comes_once_and_points_at_the_line_that_started_the_job() -> None:
    async def main() -> None:
        async with house(limit=Limit(100_000)) as (_, client):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                for _ in range(100):
                    await client.run("short", FOX)
                assert caught == []
                for _ in range(3):
                    await client.run("short", FOX)
        assert [(warning.category, warning.filename) for warning in caught] == [(PollingAdvice, __file__)]

    in_trio(main)


# -- pools, and what never leaves for the storage host -----------------------------------------------------------------


@pytest.mark.parametrize("mine", [False, True])
def test_the_own_pool_is_closed_and_only_that(mine: bool) -> None:
    gone = threading.Event()
    pending = reply(b'{"id":"exec_1","status":"PENDING"}')

    async def main(url: str) -> None:
        async with Pool() as pool:
            async with Client(KEY, dialect=bide.ModelRoute(url), pool=pool if mine else None) as client:
                await client.submit("good", FOX)
                assert not gone.is_set()
            if mine:
                async with Client(KEY, dialect=bide.ModelRoute(url), pool=pool) as client:
                    await client.submit("good", FOX)
                assert server.connections == 1
            else:
                assert await trio.to_thread.run_sync(gone.wait, 10)
        assert await trio.to_thread.run_sync(gone.wait, 10)

    with Server((*(read, send(pending)) * (2 if mine else 1), stall, tell(gone))) as server:
        trio.run(main, server.url)
    assert server.connections == 1


@asynccontextmanager
async def two_hosts() -> AsyncGenerator[tuple[Server, Server, Client]]:
    """An API whose file is at another host, and a client of it."""
    with Server((read, send(reply(png("file_1", 8, 8))))) as storage:
        place: dict[str, JSON] = {"url": f"{storage.url}/f?sig=secret", "expires_at": "2030-01-05T09:00:00Z"}
        api = [
            reply(b'{"id":"exec_1","status":"PENDING"}', "Set-Cookie: track=1; Path=/"),
            reply(b'{"id":"exec_1","status":"COMPLETED","output":{"image":"file_1"}}'),
            reply(json.dumps(place).encode()),
        ]
        with Server([part for one in api for part in (read, send(one))]) as server:
            async with Client(
                KEY, dialect=bide.ModelRoute(server.url), clock=TrioVirtualClock(VirtualClock())
            ) as client:
                yield server, storage, client


def test_the_storage_host_gets_no_credential(tmp_path: Path) -> None:
    async def main() -> None:
        async with two_hosts() as (server, storage, client):
            await client.save(await client.run("good", FOX), tmp_path)
        (fetched,) = storage.received
        assert fetched.startswith(b"GET /f?sig=secret HTTP/1.1\r\n")
        assert [field_of(fetched, name) for name in ("authorization", "cookie", "x-api-key")] == [None] * 3
        assert KEY.encode() not in fetched
        assert {field_of(request, "authorization") for request in server.received} == {f"Bearer {KEY}"}
        assert {field_of(request, "cookie") for request in server.received} == {None}

    in_trio(main)


def test_a_presigned_address_elsewhere_is_not_followed(tmp_path: Path) -> None:
    place = b'{"url":"https://storage.evil.example/f?sig=secret","expires_at":"2030-01-05T09:00:00Z"}'

    async def main(url: str) -> None:
        clock = TrioVirtualClock(VirtualClock())
        async with Client(KEY, dialect=bide.ModelRoute(url), clock=clock) as client:
            with pytest.raises(SaveError, match=r"storage\.evil\.example") as caught:
                await client.save(bide.Result("exec_1", ("file_1",)), tmp_path)
        assert "sig=" not in str(caught.value)

    with Server((read, send(reply(place)))) as server:
        trio.run(main, server.url)
    assert list(tmp_path.iterdir()) == []


def test_the_key_shows_nowhere() -> None:
    async def main() -> None:
        async with Client(Secret(KEY)) as client:
            job = client.prepare("good", FOX)
            shown = f"{client!r} {vars(client)!r} {vars(client.pool)!r} {job!r} {job.request!r} {bide.dump(job)}"
        assert KEY not in shown

    in_trio(main)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("download", ["bytes", "url"])
def test_save(download: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "pictures"

    async def main() -> None:
        async with house(variants=Variants(download=download)) as (emulator, client):  # type: ignore[arg-type]
            result = await client.run("good", FOX)
            (path,) = await client.save(result, target)
        assert path == target / f"{result.files[0]}.png"
        assert path.read_bytes() == png(result.files[0], 64, 48)
        assert list(target.iterdir()) == [path]
        assert emulator.account.credentials_at_storage == 0

    in_trio(main)


@pytest.mark.parametrize("at", ["download", "storage"])
@pytest.mark.parametrize("when", ["before", "after", "head", "body"])
def test_a_transfer_that_is_cut_begins_anew(at: Kind, when: str, tmp_path: Path) -> None:
    async def main() -> None:
        variants = Variants(download="url" if at == "storage" else "bytes")
        drop = Fault(at, Drop(when, reset=when == "after"), times=2)  # type: ignore[arg-type]
        async with house(drop, variants=variants) as (_, client):
            result = await client.run("good", FOX)
            (path,) = await client.save(result, str(tmp_path))
        assert path.read_bytes() == png(result.files[0], 64, 48)

    in_trio(main)


def test_a_large_file_is_streamed_and_nothing_of_a_cut_one_is_left(tmp_path: Path) -> None:
    first, second = b"\x89PNG\r\n\x1a\n" + bytes(3_000_000), b"\xff\xd8\xff" + bytes(range(256)) * 40_000
    cut = head(f"Content-Length: {len(first)}") + first[:2_000_000]
    whole = head(f"Content-Length: {len(second)}") + second

    async def main(url: str) -> None:
        clock, patience = TrioVirtualClock(VirtualClock()), Patience(largest=65536)  # no bound for files
        async with Client(KEY, dialect=bide.ModelRoute(url), clock=clock, patience=patience) as client:
            (path,) = await client.save(bide.Result("exec_1", ("file_1",)), tmp_path)
        assert path.name == "file_1.jpg"
        assert path.read_bytes() == second

    with Server((read, send(cut)), (read, send(whole))) as server:
        trio.run(main, server.url)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with house(variants=Variants(retention=0)) as (_, client):
            result = await client.run("good", FOX)
            with pytest.raises(SaveError, match="could not be had"):
                await client.save(result, tmp_path)
        assert list(tmp_path.iterdir()) == []

    in_trio(main)


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    async def main() -> None:
        async with house() as (_, client):
            result = await client.run("good", FOX)
            (tmp_path / f"{result.files[0]}.png").write_bytes(b"mine")
            with pytest.raises(SaveError, match="already there: move it away"):
                await client.save(result, tmp_path)
            (there,) = tmp_path.glob("*.png")
            assert there.read_bytes() == b"mine"
            there.unlink()
            assert await client.save(result, tmp_path) == [there]  # what came the first time was kept
        assert list(tmp_path.iterdir()) == [there]

    in_trio(main)


def test_a_save_that_is_cancelled_leaves_no_part_behind(tmp_path: Path) -> None:
    begun = head("Content-Length: 3000000") + b"\x89PNG\r\n\x1a\n" + bytes(1000)

    async def main(url: str) -> None:
        clock = TrioVirtualClock(VirtualClock())
        async with Client(KEY, dialect=bide.ModelRoute(url), clock=clock) as client:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(client.save, bide.Result("exec_1", ("file_1",)), tmp_path))
                assert await trio.to_thread.run_sync(sent.wait, 10)
                while not any(path.stat().st_size for path in tmp_path.iterdir()):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            assert list(tmp_path.iterdir()) == []

    sent = threading.Event()
    with Server((read, send(begun), tell(sent), stall)) as server:
        trio.run(main, server.url)
