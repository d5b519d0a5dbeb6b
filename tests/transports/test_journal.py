"""The journal: what was written down before it was acted on is there after any crash."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import bide
from bide.errors import InvalidToken, SaveError
from bide_transports.journal import Journal
from tests.laws import DIALECT, START
from tests.transports.disk import file_size_limit

LARGE = 40_000  # characters


def order(number: int) -> bide.Submitting:
    return bide.submit(bide.Order("flux-1.1-pro", {"n": number}, f"key-{number}"), dialect=DIALECT, now=START)


def acknowledged(job: bide.Submitting, handle: str = "exec_1") -> bide.Polling:
    body = f'{{"id": "{handle}", "status": "PENDING"}}'.encode()
    after = job.receive(bide.Response(201, body=body), now=START + 1)
    assert isinstance(after, bide.Polling)
    return after


def ended(job: bide.Polling, status: str) -> bide.Job:
    body = f'{{"id": "{job.handle}", "status": "{status}", "output": {{"text": "hi"}}}}'.encode()
    return job.receive(bide.Response(200, body=body), now=START + 9)


def large(number: int) -> bide.Submitting:
    order = bide.Order("flux-1.1-pro", {"prompt": "x" * LARGE}, f"key-{number}")
    return bide.submit(order, dialect=DIALECT, now=START)


def churn(journal: Journal, jobs: int = 10) -> None:
    """So many jobs come, and are settled."""
    for number in range(1000, 1000 + jobs):
        journal.record(large(number))
        journal.settle(large(number))


def jobs(path: Path) -> list[bide.Job]:
    with Journal(path) as journal:
        return [bide.load(token, dialect=DIALECT) for token in journal.tokens]


def test_what_is_recorded_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        assert journal.tokens == ()
        first, second = order(1), order(2)
        journal.record(first)
        journal.record(second)
        journal.record(acknowledged(first))
    assert jobs(path) == [acknowledged(first), second]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_news_is_written(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        job: bide.Job = acknowledged(order(1))
        journal.record(job)
        size = path.stat().st_size
        for _ in range(3):
            assert isinstance(job, bide.Polling)
            job = ended(job, "PROCESSING")
            journal.record(job)
        assert path.stat().st_size == size


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED", "EXPIRED"])
def test_a_job_that_came_to_nothing_is_settled(tmp_path: Path, status: str) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        job = acknowledged(order(1))
        journal.record(job)
        journal.record(ended(job, status))
        assert journal.tokens == ()
        journal.settle(job)  # twice does no harm
    assert jobs(path) == []


def test_a_result_stays_until_it_is_where_it_belongs(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        done = ended(acknowledged(order(1)), "COMPLETED")
        journal.record(done)
        journal.record(acknowledged(order(2), "exec_2"))
    assert len(jobs(path)) == 2
    with Journal(path) as journal:
        assert isinstance(done, bide.Completed)
        journal.record(done)
        journal.settle(done.result)
    assert jobs(path) == [acknowledged(order(2), "exec_2")]


def test_a_crash_at_any_byte_loses_no_whole_line(tmp_path: Path) -> None:
    path, cut = tmp_path / "jobs", tmp_path / "cut"
    with Journal(path) as journal:
        for number in range(3):
            journal.record(order(number))
    data = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(data) if byte == 10]
    for length in [*range(9), *range(9, len(data), 7), *ends, *(end - 1 for end in ends)]:
        cut.write_bytes(data[:length])
        whole = sum(end <= length for end in ends)
        with Journal(cut) as journal:
            assert len(journal.tokens) == whole
            journal.record(order(9))
        assert [job.past.requests for job in jobs(cut)] == [0] * (whole + 1)


@pytest.mark.parametrize(
    "text", ["PK\x03\x04\n", "\n\n", '{"n": 1}\n{"n": 2}\n', "milk", "{}", '{"job"; ', "\0" * 9, '[{"job":"1"']
)
def test_a_file_without_a_line_of_a_journal_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes").write_text(text)
    with pytest.raises(InvalidToken, match=r"line 1 of the journal .*notes is none"):
        Journal(tmp_path / "notes")
    assert (tmp_path / "notes").read_text() == text


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_token_is_no_journal(tmp_path: Path, end: str) -> None:
    path, text = tmp_path / "a job", bide.dump(order(1)) + end
    path.write_text(text)
    with pytest.raises(InvalidToken, match=r"is a token and no journal: go on with: bide resume '.*a job'"):
        Journal(path)
    assert path.read_text() == text


def test_a_power_cut_may_leave_the_length_of_a_line_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        journal.record(order(1))
    data = path.read_bytes()
    path.write_bytes(data + bytes(512))
    assert jobs(path) == [order(1)]
    assert path.read_bytes() == data


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    code = (
        "import sys; from pathlib import Path; from bide_transports.journal import Journal; Journal(Path(sys.argv[1]))"
    )
    with Journal(path):
        other = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "another process has it open): nothing is sent without it; close it there, or choose" in other.stderr
    Journal(path).close()


def test_once_in_a_process(tmp_path: Path) -> None:
    with Journal(tmp_path / "jobs") as journal:
        with pytest.raises(SaveError, match=r"this process has it open already.*; close it there, or choose another"):
            Journal(tmp_path / "jobs")
        journal.record(order(1))
    assert jobs(tmp_path / "jobs") == [order(1)]


def test_a_disk_that_refuses_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="nothing is sent without it"):
        Journal(tmp_path / "missing" / "jobs")
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(
        SaveError, match=r"it is a symbolic link, and none is followed.*; give the path that it leads to"
    ):
        Journal(tmp_path / "link")


@pytest.mark.skipif(sys.platform == "win32", reason="no open file is removed there")
@pytest.mark.parametrize("how", ["removed", "replaced", "its directory moved"])
def test_a_journal_that_is_no_longer_there_is_told_before_anything_is_sent(tmp_path: Path, how: str) -> None:
    path = tmp_path / "kept" / "jobs"
    path.parent.mkdir()
    with Journal(path) as journal:
        journal.record(order(1))
        if how == "removed":
            path.unlink()
        elif how == "replaced":
            (tmp_path / "other").write_bytes(path.read_bytes())
            (tmp_path / "other").replace(path)
        else:
            path.parent.rename(tmp_path / "moved")
            path.parent.touch()
        with pytest.raises(
            SaveError, match=r"removed or replaced while it was open.: nothing is sent without it; make"
        ):
            journal.record(order(2))
        with pytest.raises(SaveError, match="what has come of the submission is not written down"):
            journal.settle(order(1))


@pytest.mark.skipif(sys.platform == "win32", reason="no devices and pipes there")
def test_what_is_no_file_is_no_journal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/null"), Path("/dev/full"), tmp_path / "pipe"):
        with pytest.raises(SaveError, match=f"{path} cannot be kept .what lies there is no file.: nothing is sent"):
            Journal(path)


def test_a_journal_that_is_closed_says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "jobs")
    journal.close()
    with pytest.raises(SaveError, match=r"the client with .*jobs is closed: nothing is sent without it; make another"):
        journal.record(order(1))
    with pytest.raises(SaveError, match="is closed: what has come of the submission is not written down"):
        journal.settle(order(1))
    with pytest.raises(SaveError, match="is closed"):
        journal.load(DIALECT)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
def test_what_cannot_be_written_down_is_told_by_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    with Journal(path) as journal:
        job = acknowledged(order(1))
        with file_size_limit(0):
            with pytest.raises(SaveError, match=r"too large\): nothing is sent without it; see to the disk"):
                journal.record(order(1))
            with pytest.raises(SaveError, match=r"too large\): the job goes on at the service as exec_1; see"):
                journal.record(job)
            with pytest.raises(SaveError, match=r"too large\): what has come of exec_1 is not written down; see"):
                journal.record(ended(job, "COMPLETED"))
        journal.record(job)
        with file_size_limit(path.stat().st_size), pytest.raises(SaveError, match="what has come of exec_1 is not"):
            journal.settle(job)
    assert jobs(path) == [job]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from bide_transports.journal import Journal; from tests.transports.test_journal import order\n"
        "from bide.errors import SaveError\n"
        "path = Path(sys.argv[1]); journal = Journal(path); journal.record(order(1)); size = path.stat().st_size\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))\n"
        "try: journal.record(order(2))\n"
        "except SaveError as error: print(error)\n"
        "assert path.stat().st_size == size; assert len(journal.tokens) == 1\n"
    )
    path = tmp_path / "jobs"
    done = subprocess.run([sys.executable, "-B", "-c", code, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "cannot be kept (File too large)" in done.stdout
    assert jobs(path) == [order(1)]
