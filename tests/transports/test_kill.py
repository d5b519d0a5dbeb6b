"""`kill -9` at random points of real processes: each result is on disk in the end, and no job is paid for twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from random import Random

import pytest
from typing_extensions import Self

from bide_transports.emulator import Limit, Plan, Service
from bide_transports.emulator.png import png
from bide_transports.emulator.server import Emulator, serve
from tests.sampling import WHOLE

RUNS, BATCHES, AT_ONCE = (200, 4, 10) if WHOLE else (20, 1, 4)
EVENTS = 50_000  # calls and returns in a process that is left alone
PLAN = Plan(duration=3, width=64, height=48)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A service whose time passes with its requests: a job is done after a few looks."""
    ticks = count(1_800_000_000)
    with serve(Service(default=PLAN, limit=Limit(10**6, 60)), clock=lambda: float(next(ticks))) as running:
        yield running


class Orders:
    """Processes to be had one after the other, forked off one that has imported all they need."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.transports.killed_worker"]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._child:  # closes its stdin, which ends it
            pass

    def run(self, emulator: Emulator, place: Path, events: int | None) -> int:
        """The exit code of one process; negative for the signal that ended it."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps([emulator.base_url, emulator.key, str(place), events]) + "\n")
        self._child.stdin.flush()
        return int(self._child.stdout.readline())


def run(emulator: Emulator, places: list[Path], random: Random) -> int:
    """One job in each place, its process killed up to three times on the way; how often that was."""
    kills = 0
    with Orders() as orders:
        for place in places:
            place.mkdir()
            code: int | None = None
            for events in (*(random.randrange(1, EVENTS) for _ in range(random.randrange(1, 4))), None):
                code = orders.run(emulator, place, events)
                assert code in (0, -signal.SIGKILL)
                if code == 0:
                    break
                kills += 1
            assert code == 0
    return kills


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whenever_it_is_killed_the_result_is_saved_and_paid_for_once(
    batch: int, emulator: Emulator, tmp_path: Path
) -> None:
    runs = RUNS // BATCHES
    places = [tmp_path / f"job-{number}" for number in range(runs)]
    chances = [Random(batch * AT_ONCE + lane) for lane in range(AT_ONCE)]  # noqa: S311  repeatable, no secret
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lanes = [pool.submit(run, emulator, places[lane::AT_ONCE], chances[lane]) for lane in range(AT_ONCE)]
        kills = sum(lane.result() for lane in lanes)
    assert kills > runs / 2
    account = emulator.account
    assert account.executions == runs
    assert account.credentials_at_storage == 0
    for place in places:
        (picture,) = place.glob("*.png")
        assert picture.read_bytes() == png(picture.stem, 64, 48)
        assert sorted(file.name for file in picture.parent.iterdir()) == sorted([picture.name, "jobs"])
