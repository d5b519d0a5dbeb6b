"""`kill -9` of the command itself: `bide resume` with the same journal finishes the job, which is paid for once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from random import Random

from bide_transports.emulator import Plan, Service
from bide_transports.emulator.png import png
from bide_transports.emulator.server import Emulator, serve
from bide_transports.journal import Journal
from tests.sampling import WHOLE
from tests.transports.cli_scene import AMPLE, START

RUNS, AT_ONCE = 8 if WHOLE else 2, 2
EVENTS = 50_000  # calls and returns of a command that is left alone


def command(emulator: Emulator, events: int, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "tests.transports.killed_command", str(events), *words]
    env = os.environ | {"MODELROUTE_API_KEY": emulator.key}
    line = [*program, "--base-url", emulator.base_url]
    return subprocess.run(line, env=env, capture_output=True, text=True, check=False)


def run(emulator: Emulator, place: Path, seed: int) -> int:
    """One job, its command killed twice on the way, as its owner would go on with it; how often it was killed."""
    random = Random(seed)  # noqa: S311  repeatable, no secret
    place.mkdir()
    keeping = ("--journal", str(place / "jobs"), "--save", str(place / "out"))
    codes: list[int] = []
    for events in (random.randrange(1, EVENTS), random.randrange(1, EVENTS), 0):
        begun = (place / "jobs").exists() and b"\n" in (place / "jobs").read_bytes()
        words = ("resume",) if begun else ("run", "flux-1.1-pro", "--pace", "0.05")
        done = command(emulator, events, *words, *keeping)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        codes.append(done.returncode)
    assert codes[-1] == 0
    return codes.count(-signal.SIGKILL)


def test_whenever_the_command_is_killed_resume_finishes_and_nothing_is_paid_for_twice(tmp_path: Path) -> None:
    ticks = count(int(START))  # time passes with requests: a job is done after a few looks
    service = Service(default=Plan(duration=3, width=64, height=48), limit=AMPLE)
    places = [tmp_path / f"job-{number}" for number in range(RUNS)]
    with serve(service, clock=lambda: float(next(ticks))) as emulator, ThreadPoolExecutor(AT_ONCE) as pool:
        kills = sum(pool.map(run, [emulator] * RUNS, places, range(RUNS)))
    assert kills >= RUNS
    assert service.account.executions == RUNS
    assert service.account.credentials_at_storage == 0
    for place in places:
        (picture,) = (place / "out").iterdir()
        assert picture.read_bytes() == png(picture.stem, 64, 48)
        with Journal(place / "jobs") as journal:
            assert journal.tokens == ()
