"""A file that comes too slowly is given up for a while, long before the timeout of its transfer; others are not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide_transports.flow import Floor, Flow
from bide_transports.sinks import Into
from bide_transports.trio import Pool, exchange
from tests.hostile import head
from tests.memory_streams import API, Attend, network

FLOOR = Floor()
LEAST, PERIOD = 65536, 60
SLOW = NoResponse(Cause.TIMEOUT, sent=True)
SIZE = 10 * LEAST


def test_the_end_moves_with_what_comes_and_never_after_the_last() -> None:
    flow = Flow(last=1000, floor=FLOOR, now=100)
    assert flow.end == 100 + PERIOD
    flow.moved(LEAST - 1, now=150)
    assert flow.end == 100 + PERIOD
    flow.moved(1, now=151)
    assert flow.end == 151 + PERIOD
    flow.moved(1, now=200)
    assert flow.end == 151 + PERIOD
    flow.moved(10 * LEAST, now=990)
    assert flow.end == 1000


def test_what_is_no_file_has_until_the_last_whatever_comes() -> None:
    flow = Flow(last=1000, floor=None, now=100)
    flow.moved(1, now=900)
    flow.moved(LEAST, now=901)
    assert flow.end == 1000


def test_no_file_outlasts_its_transfer() -> None:
    assert Flow(last=130, floor=FLOOR, now=100).end == 130


# -- on the wire -------------------------------------------------------------------------------------------------------


class Chunks:
    """Counts what it takes."""

    size = 0

    def write(self, chunk: bytes, /) -> None:
        self.size += len(chunk)


def sends(chunk: int, *, every: float, first: float = 0.0) -> Attend:
    """A server that sends a file by and by."""

    async def attend(stream: trio.abc.Stream, base: str) -> None:  # noqa: ARG001
        await stream.receive_some()
        await trio.sleep(first)
        await stream.send_all(head(f"Content-Length: {SIZE}"))
        for _ in range(0, SIZE, chunk):
            await trio.sleep(every)
            await stream.send_all(bytes(chunk))
        await stream.receive_some()

    return attend


async def fetched(pool: Pool, *, file: bool = True) -> tuple[Reply, float, int]:
    """What came back, after how many seconds, and how many bytes of a file with it."""
    sink, began = Chunks(), trio.current_time()
    into: Into | None = (lambda _: sink) if file else None
    reply = await exchange(Request("GET", API + "/a.mp4", timeout=600, largest=SIZE), pool=pool, into=into)
    return reply, trio.current_time() - began, sink.size


def virtually(action: Callable[[], Awaitable[None]]) -> None:
    """Run `action` under a clock that jumps as soon as everyone waits."""
    trio.run(action, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize(
    ("server", "whole", "after"),
    [
        (sends(LEAST, every=50), True, 500),
        (sends(LEAST // 2, every=25), True, 500),
        (sends(LEAST, every=59, first=59), False, 60),
        (sends(LEAST, every=61), False, 60),
        (sends(1024, every=1), False, 60),
        (sends(1, every=0.25), False, 60),
        (sends(SIZE, every=0, first=10_000), False, 60),
        (sends(LEAST, every=59.9), True, 599),
        (sends(LEAST, every=59.9, first=0.01), True, 599.01),
    ],
    ids=["slow", "in halves", "late", "too slow", "slower", "a byte at a time", "nothing", "just so", "just in time"],
)
def test_a_file_comes_fast_enough_or_is_given_up(server: Attend, whole: bool, after: float) -> None:
    ends: list[tuple[Reply, float, int]] = []

    async def main() -> None:
        async with network(server) as wires, Pool(dial=wires.dial) as pool:
            ends.append(await fetched(pool))

    virtually(main)
    ((reply, took, size),) = ends
    assert (size == SIZE) is whole
    assert reply == SLOW if not whole else isinstance(reply, Response)
    assert took == pytest.approx(after, abs=1)


def test_what_goes_to_no_file_may_take_all_of_its_time() -> None:
    async def main() -> None:
        async with network(sends(SIZE, every=0, first=590)) as wires, Pool(dial=wires.dial) as pool:
            ends.append(await fetched(pool, file=False))

    ends: list[tuple[Reply, float, int]] = []
    virtually(main)
    assert isinstance(ends[0][0], Response)
    assert ends[0][1] == pytest.approx(590)


def test_files_that_hang_keep_others_waiting_for_a_minute_and_no_longer() -> None:
    async def main() -> None:
        async with (
            network(sends(1, every=1)) as wires,
            Pool(size=8, dial=wires.dial) as pool,
            trio.open_nursery() as nursery,
        ):
            for _ in range(4):
                nursery.start_soon(fetched, pool)
            await trio.sleep(1)
            wires.attend = sends(SIZE, every=0)
            ends.append(await fetched(pool))

    ends: list[tuple[Reply, float, int]] = []
    virtually(main)
    ((reply, took, size),) = ends
    assert isinstance(reply, Response)
    assert size == SIZE
    assert took == pytest.approx(59, abs=1)
