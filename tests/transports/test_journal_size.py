"""What grows with a client that lives long: nothing but what is left to be done."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

import bide
from bide_transports.emulator import VirtualClock
from bide_transports.journal import Journal
from bide_transports.requests import Client, Interrupted
from tests.laws import DIALECT
from tests.transports.disk import file_size_limit
from tests.transports.test_journal import LARGE, acknowledged, churn, jobs, large, order


@contextmanager
def synced() -> Generator[list[int]]:
    """The descriptors that are synchronised meanwhile."""
    told: list[int] = []

    def note(_: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and called is os.fsync:
            told.append(0)

    sys.setprofile(note)
    try:
        yield told
    finally:
        sys.setprofile(None)


def moved(job: bide.Polling, times: int) -> bide.Polling:
    return replace(job, handle=f"exec_1-{times}")


def test_a_journal_is_written_anew_while_it_is_open_and_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        first, last = order(1), acknowledged(order(2))
        journal.record(first)
        churn(journal, 40)
        journal.record(last)
        assert path.stat().st_size < 4 * LARGE
        assert [bide.load(token, dialect=DIALECT) for token in journal.tokens] == [first, last]
        journal.settle(first)
    assert jobs(path) == [last]
    assert [file.name for file in tmp_path.iterdir()] == ["jobs"]


def test_it_is_written_anew_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        journal.record(large(1))
        journal.record(large(2))
        journal.settle(large(1))
        journal.settle(large(2))
        journal.record(order(3))
    assert path.stat().st_size > 2 * LARGE
    assert jobs(path) == [order(3)]
    assert path.stat().st_size < LARGE


def test_what_is_left_to_be_done_is_not_written_anew_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        for number in range(8):
            journal.record(large(number))
        before = path.stat()
        for number in range(8):
            journal.record(acknowledged(large(number), f"exec_{number}"))
        assert path.stat().st_ino == before.st_ino
        assert path.stat().st_size > before.st_size


def test_a_journal_stays_where_it_is_wherever_the_process_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with Journal(Path("jobs")) as journal:
        monkeypatch.chdir(tmp_path / "elsewhere")
        churn(journal)
        journal.record(order(1))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert jobs(tmp_path / "jobs") == [order(1)]


def test_a_journal_that_cannot_be_written_anew_goes_on_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    (tmp_path / ".jobs.new").mkdir()
    with Journal(path) as journal:
        churn(journal)
        journal.record(order(1))
        assert path.stat().st_size > 8 * LARGE
    (tmp_path / ".jobs.new").rmdir()
    assert jobs(path) == [order(1)]
    assert path.stat().st_size < LARGE


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
def test_a_disk_too_full_to_write_it_anew_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        for number in range(4):
            journal.record(large(number))
        for number in range(100, 106):
            journal.record(large(number))
            journal.settle(large(number))
        with file_size_limit(path.stat().st_size + LARGE * 2):
            journal.record(order(9))
    assert jobs(path) == [*map(large, range(4)), order(9)]
    assert [file.name for file in tmp_path.iterdir()] == ["jobs"]


@pytest.mark.skipif(sys.platform == "win32", reason="other locks there")
def test_an_address_that_moves_with_each_poll_costs_no_synchronisation(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        job = acknowledged(order(1))
        with synced() as before:
            journal.record(job)
        with synced() as told:
            for times in range(50):
                journal.record(moved(job, times))
        assert len(before) > 0
        assert len(told) == 0
        copy = tmp_path / "after a kill"
        copy.write_bytes(path.read_bytes())
        with synced() as told:
            journal.record(order(2))
        assert len(told) == 1
    (left,) = jobs(copy)
    assert left.handle == moved(job, 49).handle


class Service(HTTPAdapter):
    """A service in memory, behind a session of the caller's own: each job is done at the second look."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs, self.looks = 0, 0

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        self.looks = 0 if request.method == "POST" else self.looks + 1
        self.jobs += request.method == "POST"
        status = "COMPLETED" if self.looks > 1 else "PENDING"
        name = f"exec_{self.jobs}" if request.method == "POST" else request.path_url.split("/")[3]
        body = f'{{"id": "{name}", "status": "{status}", "output": {{"text": "{name * 5000}"}}}}'.encode()
        return self.build_response(request, HTTPResponse(BytesIO(body), {}, 200, preload_content=False))


class Impatient(VirtualClock):
    """A clock at which somebody presses Ctrl-C as soon as anything is waited for."""

    def sleep_until(self, due: float) -> None:
        del due
        raise KeyboardInterrupt


def lived(client: Client, jobs: int) -> None:
    """So many jobs in the life of a client, from their submissions to their results."""
    for number in range(jobs):
        client.forget(client.run("m", {"prompt": f"{number}" * LARGE}))


@pytest.mark.filterwarnings("ignore::bide.errors.PollingAdvice")
@pytest.mark.parametrize("name", ["jobs", None], ids=["with a journal", "without a journal"])
def test_jobs_that_are_over_leave_nothing_behind(name: str | None, tmp_path: Path) -> None:
    journal = tmp_path / name if name else None
    with Session() as session, Client("sk_any", session=session, clock=VirtualClock(), journal=journal) as client:
        session.mount("https://", Service())
        lived(client, 110)  # imports, caches, and what counts the jobs of a day
        tracemalloc.start()
        try:
            lived(client, 50)
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] < 25 * LARGE  # bytes
        finally:
            tracemalloc.stop()


def cut_short(client: Client, *numbers: int) -> None:
    for number in numbers:
        with pytest.raises(Interrupted):
            client.wait(f"exec_{number}")


def test_jobs_that_were_cut_short_are_bounded_and_it_is_told_before_one_falls_out() -> None:
    with Client("sk_any", clock=Impatient()) as client:
        cut_short(client, *range(999), 0)  # one of them twice: it is the last, and there once
        assert len(client.unfinished) == 999
        cut_short(client, 1000)
        with pytest.warns(RuntimeWarning, match="1000 jobs whose wait was cut short"):
            cut_short(client, 1001)
        handles = [job.handle for job in client.unfinished]
        assert (len(handles), handles[0], handles[-3:]) == (1000, "exec_2", ["exec_0", "exec_1000", "exec_1001"])


def test_who_goes_through_the_unfinished_jobs_and_waits_for_each_leaves_none_out() -> None:
    with Session() as session, Client("sk_any", session=session, clock=Impatient()) as client:
        session.mount("https://", Service())
        cut_short(client, 0, 1, 2)
        client.clock = VirtualClock()
        results = [client.wait(job) for job in client.unfinished]
        assert (len(results), client.unfinished) == (3, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks there")
def test_whenever_it_is_killed_while_it_is_written_anew_nothing_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-B", "-m", "tests.transports.killed_journal", str(tmp_path), "389"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    times, *names = done.stdout.split()
    assert int(times) > 20
    assert names == ["jobs"]
