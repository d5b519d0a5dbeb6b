"""A journal, and the part of a file, in a process that forks: they are one process's, and say so in any other.

And in threads, which are served in turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

import bide
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide_transports.emulator import Limit, Plan, Service
from bide_transports.emulator.server import serve
from bide_transports.journal import Journal
from bide_transports.requests import Client
from tests.reactions import Where, reacts
from tests.transports.test_cut_short import KEYLESS
from tests.transports.test_journal import acknowledged, ended, jobs, large, order

AMPLE = Limit(100_000, 1)


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@reacts(
    Where.HERE,
    "a fork after a client with a journal was made",
    "each call in the child is refused by name; file and lock stay the parent's",
)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks there")
@pytest.mark.parametrize("client", ["requests", "trio"])
def test_a_journal_and_a_part_belong_to_the_process_that_opened_them(client: str, tmp_path: Path) -> None:
    with serve(Service(default=Plan(duration=0, width=16, height=16), limit=AMPLE)) as emulator:
        command = [sys.executable, "-B", "-m", "tests.transports.forked_worker", client]
        arguments = (emulator.base_url, emulator.key, str(tmp_path))
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert emulator.account.executions == 2
    report = json.loads(done.stdout)
    told, parts = report["told"], report["parts"]
    for name, untold in (
        ("submit", "nothing is sent without it"),
        ("wait", "nothing is sent without it"),
        ("save", "nothing is sent without it"),
        ("upload", "nothing is sent without it"),
        ("resume_all", "nothing is sent without it"),
        ("forget", "what has come of exec_"),
    ):
        assert told[name].startswith("SaveError: the journal ")
        assert "which this one was forked off" in told[name]
        assert untold in told[name]
        assert "make a client in this process, with a journal of its own" in told[name]
    assert told["own"].startswith("<bide_transports.")
    assert told["close"] == "None"
    for name in ("same", "same, after a child has closed it"):
        assert "another process has it open" in told[name]
    assert report["kept"] == 2
    for name in ("append", "restart", "remember"):
        assert parts[name].endswith("it is open in the process that this one was forked off")
    assert parts["close"] == "None"
    assert "another process has it open" in parts["open"]
    assert parts["left"] == "a token of a fox"
    assert parts["names"] == []


@pytest.mark.usefixtures("switching")
def test_the_lines_of_several_threads_are_whole(tmp_path: Path) -> None:
    path, barrier = tmp_path / "jobs", Barrier(6)
    with Journal(path) as journal:

        def work(thread: int) -> None:
            barrier.wait()
            for number in range(thread * 100, thread * 100 + 6):
                journal.record(large(number))
                job = acknowledged(large(number), f"exec_{number}")
                journal.record(job)
                if number % 2:
                    done = ended(job, "COMPLETED")
                    journal.record(done)
                    journal.settle(done)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(work, range(6)))
    left = [f"exec_{number + 100 * thread}" for thread in range(6) for number in range(0, 6, 2)]
    assert sorted(str(job.handle) for job in jobs(path)) == sorted(left)


@pytest.mark.usefixtures("switching")
def test_threads_that_settle_one_job_at_once_are_no_trouble(tmp_path: Path) -> None:
    path, barrier = tmp_path / "jobs", Barrier(4)
    with Journal(path) as journal:
        job = acknowledged(order(1))
        done = ended(job, "COMPLETED")
        assert isinstance(done, bide.Completed)

        def work(_: int) -> None:
            for _ in range(5):
                journal.record(job)
                barrier.wait()
                journal.settle(done.result)
                journal.settle(job)
                barrier.wait()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        journal.settle(job)
    assert jobs(path) == []


@pytest.mark.usefixtures("switching")
def test_threads_share_a_client(tmp_path: Path) -> None:
    service = Service(default=Plan(duration=0.05, width=16, height=16), limit=AMPLE)
    with serve(service) as emulator:
        settings: dict[str, Any] = {"dialect": emulator.dialect, "journal": tmp_path / "jobs", "pace": bide.Every(0.05)}
        with Client(emulator.key, **settings) as client:

            def work(number: int) -> list[Path]:
                return client.save(client.run("m", {"number": number}), tmp_path / f"out-{number}")

            with ThreadPoolExecutor(8) as pool:
                paths = [path for (path,) in pool.map(work, range(24))]
            assert client.resume_all() == []
            assert client.unfinished == []
            assert client.quota is not None
        assert len({path.name for path in paths}) == 24
        assert emulator.account.executions == 24


@pytest.mark.usefixtures("switching")
def test_a_submission_that_cannot_be_repeated_leaves_once_whatever_threads_there_are(tmp_path: Path) -> None:
    with serve(Service(limit=AMPLE)) as emulator:
        declaration = KEYLESS.declaration
        assert isinstance(declaration, Declaration)
        dialect = Declared(declaration, emulator.base_url)
        with Client("sk_any", dialect=dialect, journal=tmp_path / "jobs") as client:
            for _ in range(5):
                barrier, job = Barrier(4), client.prepare("m", {})

                def work(_: int, barrier: Barrier = barrier, job: bide.Submitting = job) -> str:
                    barrier.wait()
                    return repr(next(iter(client.follow(job))))

                with ThreadPoolExecutor(4) as pool:
                    began = list(pool.map(work, range(4)))
                assert sum(state.startswith("Submitting") for state in began) == 1
