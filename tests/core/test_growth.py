"""What servers say is not kept once nobody has it any more, however much of it there was."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest

import bide
from bide.urls import address
from tests.laws import DIALECT, HANDLE, START

LONG = 100_000  # characters


def parse(number: int) -> None:
    assert address(f"https://storage.example/{number}/" + "a" * LONG) is not None


def look(number: int) -> None:
    body = f'{{"id": "{HANDLE}", "status": "{number}{"W" * LONG}"}}'.encode()
    bide.watch(HANDLE, dialect=DIALECT, now=START).receive(bide.Response(200, body=body), now=START)


@pytest.mark.parametrize("meet", [parse, look])
def test_long_texts_are_given_back(meet: Callable[[int], None]) -> None:
    meet(0)
    tracemalloc.start()
    try:
        for number in range(1, 21):
            meet(number)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 5 * LONG
    finally:
        tracemalloc.stop()


def test_jobs_that_hear_the_same_share_it() -> None:
    def hears() -> bide.Polling:
        job = bide.watch(HANDLE, dialect=DIALECT, now=START)
        after = job.receive(bide.Response(200, body=f'{{"id": "{HANDLE}", "status": "QUEUED"}}'.encode()), now=START)
        assert isinstance(after, bide.Polling)
        return after

    one, other = hears().past, hears().past
    assert one.status is other.status
    assert one.trace[0].what is other.trace[0].what
