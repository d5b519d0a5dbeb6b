"""The queue for the connections to one origin: bounded for jobs and files, fair, and no fault of the service."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest
import trio
import trio.testing

import bide
from bide import Every, Patience
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide_transports.trio import Client, Pool, exchange
from tests.hostile import reply
from tests.memory_streams import API, canned, network
from tests.transports.clients import KEY

RUNNING = b'{"id": "exec_1", "status": "PROCESSING"}'
URL = f"{API}/v1/executions/exec_1"
LOOK = Request("GET", URL, timeout=10)
GET_FILE = Request("GET", URL, timeout=600)
BUSY = NoResponse(Cause.BUSY, sent=False)


def virtually(action: Callable[[], Awaitable[None]]) -> None:
    """Run `action` under a clock that jumps as soon as everyone waits."""
    trio.run(action, clock=trio.testing.MockClock(autojump_threshold=0))


async def look(pool: Pool) -> None:
    assert isinstance(await exchange(LOOK, pool=pool), Response)


async def slowest(stream: trio.abc.Stream, base: str) -> None:
    """Take nine seconds for an answer, and close."""
    await trio.sleep(9)
    await canned(reply(RUNNING, "Connection: close"))(stream, base)


def test_a_request_waits_for_a_connection_as_long_as_for_a_reply_and_is_not_sent_after_that() -> None:
    ends: list[tuple[Reply, float]] = []

    async def main() -> None:
        async def ask() -> None:
            ends.append((await exchange(LOOK, pool=pool), trio.current_time() - began))

        began = trio.current_time()
        async with network(slowest) as wires, Pool(size=2, dial=wires.dial) as pool:
            async with trio.open_nursery() as nursery:
                for _ in range(7):
                    nursery.start_soon(ask)
            assert (len(wires.all), wires.most) == (4, 2)
            await look(pool)  # those who went away left nothing behind

    virtually(main)
    assert [round(at) for reply, at in ends if reply != BUSY] == [9, 9, 18, 18]  # the time is its own
    assert [round(at) for reply, at in ends if reply == BUSY] == [10, 10, 10]


@pytest.mark.parametrize(("within", "expected", "sent"), [(4, 4, False), (12, 12, True), (30, 18, True)])
def test_the_queue_and_the_exchange_together_are_over_within_what_is_left(
    within: float, expected: float, sent: bool
) -> None:
    async def main() -> None:
        async with network(silent) as wires, Pool(size=1, dial=wires.dial) as pool:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(exchange, replace(LOOK, timeout=9), pool=pool))
                await trio.sleep(1)
                began = trio.current_time()
                reply = await exchange(replace(LOOK, within=within), pool=pool)
                assert trio.current_time() - began == pytest.approx(expected)
            assert reply == (NoResponse(Cause.TIMEOUT, sent=True) if sent else BUSY)

    virtually(main)


async def fetch(pool: Pool) -> None:
    await exchange(GET_FILE, pool=pool, into=lambda _: None)


async def upload(pool: Pool) -> None:
    async def content() -> AsyncGenerator[bytes, None]:
        yield b"x"

    request = Request("PUT", URL + "/upload", (("content-length", "1"),), timeout=600)
    await exchange(request, pool=pool, content=content())


@pytest.mark.parametrize(("size", "at_once"), [(8, 4), (5, 2), (1, 1)])
@pytest.mark.parametrize("move", [fetch, upload])
def test_files_leave_half_of_the_connections_to_other_requests(
    move: Callable[[Pool], Awaitable[None]], size: int, at_once: int
) -> None:
    async def main() -> None:
        began = trio.current_time()
        async with network(slowest) as wires, Pool(size=size, dial=wires.dial) as pool:
            async with trio.open_nursery() as nursery:
                for _ in range(4 * at_once):
                    nursery.start_soon(move, pool)
                await trio.sleep(1)
                assert len(wires.open) == at_once
                await look(pool)
                assert trio.current_time() - began == pytest.approx(10 if size > 1 else 18)  # the very next turn
            assert wires.most == min(size, at_once + 1)
        assert trio.current_time() - began == pytest.approx(36 if size > 1 else 45)

    virtually(main)


def test_whoever_is_cancelled_in_the_queue_takes_no_turn() -> None:
    async def main() -> None:
        async with network(slowest) as wires, Pool(size=2, dial=wires.dial) as pool:
            for queued in (look, fetch):
                async with trio.open_nursery() as nursery:
                    for _ in range(5):
                        nursery.start_soon(queued, pool)
                    await trio.sleep(1)
                    nursery.cancel_scope.cancel()
            async with trio.open_nursery() as nursery:
                began = trio.current_time()
                for _ in range(2):
                    nursery.start_soon(look, pool)
            assert trio.current_time() - began == pytest.approx(9)

    virtually(main)


# -- jobs --------------------------------------------------------------------------------------------------------------


async def silent(stream: trio.abc.Stream, _: str) -> None:
    while await stream.receive_some():
        pass


async def waits(number: int, pool: Pool, patience: Patience) -> list[tuple[bide.Job, float]]:
    """How so many jobs end that are waited for at once, and after how many seconds."""
    ends: list[tuple[bide.Job, float]] = []

    async def wait() -> None:
        following = client.follow("exec_1")
        async for _ in following:
            pass
        ends.append((following.job, trio.current_time() - began))

    began = trio.current_time()
    client = Client(KEY, dialect=bide.ModelRoute(API), pace=Every(1), patience=patience, pool=pool)
    async with client, trio.open_nursery() as nursery:
        for _ in range(number):
            nursery.start_soon(wait)
    return ends


def reasons(ends: list[tuple[bide.Job, float]]) -> set[bide.Reason | None]:
    return {job.reason if isinstance(job, bide.Abandoned) else None for job, _ in ends}


def test_a_queue_of_our_own_is_no_failure_of_the_service() -> None:
    async def main() -> None:
        async with network(slowest) as wires, Pool(size=2, dial=wires.dial) as pool:
            patience = Patience(deadline=100, timeout=10, failures=2, first_contact=1)
            ends = await waits(60, pool, patience)
            assert len(ends) == 60
            assert reasons(ends) == {bide.Reason.DEADLINE}
            assert max(after for _, after in ends) <= 110  # a last look begins at the deadline
            assert len(wires.all) >= 2 * 11  # no turn was lost: one exchange after the other

    virtually(main)


@pytest.mark.parametrize("deadline", [5, 20, 100])
def test_the_deadline_holds_in_a_queue_for_a_service_that_stands_still(deadline: float) -> None:
    async def main() -> None:
        async with network(silent) as wires, Pool(size=8, dial=wires.dial) as pool:
            ends = await waits(60, pool, Patience(deadline=deadline, timeout=30))
            assert reasons(ends) == {bide.Reason.DEADLINE}
            assert max(after for _, after in ends) <= deadline + 0.001

    virtually(main)


def test_a_job_is_looked_at_beside_many_slow_files() -> None:
    async def main() -> None:
        async with network(slowest) as wires, Pool(dial=wires.dial) as pool, trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(fetch, pool)
            await trio.sleep(1)
            ((job, after),) = await waits(1, pool, Patience(deadline=35, timeout=10))
            assert isinstance(job, bide.Abandoned)
            assert (job.reason, job.past.polls, round(after)) == (bide.Reason.DEADLINE, 3, 35)  # cut in its fourth look
            nursery.cancel_scope.cancel()

    virtually(main)
