"""However the command ends, each job that was paid for is kept: signals, pipes that nobody reads, full disks, bugs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from bide_transports.emulator import Plan, Service
from bide_transports.emulator.server import Emulator, serve
from tests.sampling import WHOLE
from tests.transports.cli_scene import AMPLE, START, ask, slow, tokens, typed

LONG = ("run", "flux-1.1-pro", "--pace", "0.05")
QUICK = Plan(duration=0.1, width=64, height=48)
NOHUP = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
NO_ROOM = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
LITTLE = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
DEV_FULL = Path("/dev/full")
# somebody presses Ctrl-C again and again while the token is written and told
AGAIN = """
import os, signal, sys
def pressed(frame, event, arg):
    if event == "call" and frame.f_code.co_name in ("keep", "store", "announce", "advice"):
        os.kill(os.getpid(), signal.SIGINT)
sys.setprofile(pressed)
"""
# a flaw in the program: an error that nobody has thought of, in the middle of the wait
FLAW = """
import sys
def flawed(frame, event, arg):
    if event == "call" and frame.f_code.co_name == "receive" and type(frame.f_locals.get("self")).__name__ == "Polling":
        raise ZeroDivisionError("a flaw")
sys.setprofile(flawed)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_is_kept(emulator: Emulator, place: Path) -> None:
    """The one job stands in a token, which is taken up."""
    (token,) = tokens(place)
    assert json.loads(token.read_text())["job"]["handle"] in emulator.service.executions
    assert ask(emulator, "resume", token.name, "--deadline", "0.1", "--on-timeout", "cancel").exit_code == 3
    assert emulator.account.executions == 1


@pytest.mark.parametrize(
    ("name", "code", "words", "says"),
    [
        ("SIGINT", 130, (), "interrupted"),
        ("SIGTERM", 143, (), "ended by SIGTERM"),
        ("SIGHUP", 129, (), "ended by SIGHUP"),
        ("SIGTERM", 143, ("--on-interrupt", "cancel"), "ended by SIGTERM"),
    ],
)
def test_a_signal_leaves_a_token(place: Path, name: str, code: int, words: tuple[str, ...], says: str) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        with typed(emulator, *LONG, *words) as command:
            command.until("PENDING")
            command.send(getattr(signal, name))
            ended, _, said = command.end()
        assert ended == code
        assert f"bide: {says}; the job may go on at the service" in said
        assert "go on with: bide resume" in said
        assert "Traceback" not in said
        assert_is_kept(emulator, place)


def test_a_command_under_nohup_outlives_its_terminal(place: Path) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        with typed(emulator, *LONG, before=NOHUP) as command:
            command.until("PENDING")
            command.send(signal.SIGHUP)
            command.until("PENDING")
            command.until("PENDING")
            command.interrupt()
            code, _, _ = command.end()
        assert code == 130
        assert_is_kept(emulator, place)


def test_a_signal_leaves_the_journal(place: Path) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        with typed(emulator, *LONG, "--journal", "jobs") as command:
            command.until("PENDING")
            command.send(signal.SIGTERM)
            code, _, said = command.end()
        assert (code, said.count("go on with: bide resume --journal jobs"), tokens(place)) == (143, 1, [])


def test_more_interrupts_do_not_keep_the_token_from_being_written(place: Path) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        with typed(emulator, *LONG, before=AGAIN) as command:
            command.until("PENDING")
            command.interrupt()
            code, _, said = command.end()
        assert (code, "go on with: bide resume" in said, "Traceback" in said) == (130, True, False)
        assert_is_kept(emulator, place)


def test_messages_that_nobody_reads_any_more_leave_a_token(place: Path) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        with typed(emulator, *LONG) as command:
            command.until("PENDING")
            command.leave()
            code, _, _ = command.end()
        assert code == 4
        assert_is_kept(emulator, place)


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_documents_that_nobody_reads_leave_a_token(
    place: Path, monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    reading, writing = os.pipe()
    os.close(reading)
    with serve(Service(default=QUICK, limit=AMPLE)) as emulator:
        with os.fdopen(writing, "w") as nobody, typed(emulator, *LONG, "--json", stdout=nobody) as command:
            code, _, said = command.end()
        assert code == 4
        assert said.startswith("bide: stdout could not be written to (Broken pipe)")
        (token,) = tokens(place)
        assert f"go on with: bide resume {token.name}" in said
        assert "Traceback" not in said
        assert ask(emulator, "resume", token.name, "--save", "out").exit_code == 0
        assert emulator.account.executions == 1


def test_a_recording_that_nobody_is_told_of_does_not_change_the_exit_code(place: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = (*LONG, "--json", "--cassette", "fox.cassette.jsonl")
    with serve(Service(default=QUICK, limit=AMPLE)) as emulator, os.fdopen(writing, "w") as nobody:
        program = [sys.executable, "-c", "from bide_transports.cli import main; main()"]
        env = os.environ | {"MODELROUTE_API_KEY": emulator.key}
        address = ("--base-url", emulator.base_url)
        ended = subprocess.run(
            [*program, *words, *address], stdout=subprocess.PIPE, stderr=nobody, env=env, check=False
        )
    assert ended.returncode == 0
    assert json.loads(ended.stdout.splitlines()[-1])["state"] == "Completed"
    assert (place / "fox.cassette.jsonl").exists()


def in_a_shell(emulator: Emulator, how: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell runs it with such redirections."""
    program = [sys.executable, "-c", "from bide_transports.cli import main; main()"]
    env = os.environ | {"MODELROUTE_API_KEY": emulator.key}
    command = ["sh", "-c", f'exec "$@" {how}', "sh", *program, *words, "--base-url", emulator.base_url]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


KEPT = product((">&-", ">&- 2>&-"), ((), ("--journal", "jobs")), ((), ("--json",)))


@pytest.mark.parametrize(
    ("how", "journal", "as_json"), [(how, *words) for how, *words in KEPT if WHOLE or all(words) or not any(words)]
)
def test_a_result_is_kept_where_stdout_is_closed(
    place: Path, how: str, journal: tuple[str, ...], as_json: tuple[str, ...]
) -> None:
    with serve(Service(default=QUICK, limit=AMPLE)) as emulator:
        ended = in_a_shell(emulator, how, *LONG, *journal, *as_json)
        assert (ended.returncode, ended.stdout) == (4, "")
        if "2>" not in how:
            assert "bide: stdout could not be written to (it is closed)" in ended.stderr
            assert "go on with: bide resume" in ended.stderr
            assert "Traceback" not in ended.stderr
        answer = ask(emulator, "resume", *(journal or [token.name for token in tokens(place)]))
        assert json.loads(answer.stdout)["status"] == "COMPLETED"
        assert emulator.account.executions == 1


def test_where_stderr_is_closed_all_but_the_messages_is_as_ever(place: Path) -> None:
    with serve(Service(default=QUICK, limit=AMPLE)) as emulator:
        ended = in_a_shell(emulator, "2>&-", *LONG, "-i", "count=1")
        assert (ended.returncode, json.loads(ended.stdout)["status"]) == (0, "COMPLETED")
        assert in_a_shell(emulator, "2>&-", "run").returncode == 2
    assert tokens(place) == []


@pytest.mark.skipif(not DEV_FULL.exists(), reason="there is no disk that is always full")
def test_what_is_only_looked_at_needs_room_too() -> None:
    program = [sys.executable, "-c", "from bide_transports.cli import main; main()", "dialect", "list"]
    with DEV_FULL.open("w") as full:
        ended = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 4
    assert b"stdout could not be written to (No space left on device)" in ended.stderr
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        left = subprocess.run(program, stdout=nobody, stderr=subprocess.PIPE, check=False)
    assert (left.returncode, left.stderr) == (4, b"")


@pytest.mark.skipif(not DEV_FULL.exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("words", [("-i", "count=1"), ("-i", "a=@words")], ids=["remark", "upload"])
def test_nothing_is_submitted_where_what_is_said_before_fits_nowhere(place: Path, words: tuple[str, ...]) -> None:
    (place / "words").write_text("a fox")
    with serve(Service(default=QUICK, limit=AMPLE)) as emulator:
        ended = in_a_shell(emulator, "2>/dev/full", *LONG, *words)
        assert (ended.returncode, emulator.account.executions) == (4, 0)
        ended = in_a_shell(emulator, ">/dev/full", *LONG, "-i", "a=@words", "--json")
        assert (ended.returncode, emulator.account.executions, tokens(place)) == (4, 0, [])
        assert "stdout could not be written to (No space left on device), so this goes no further" in ended.stderr


@pytest.mark.skipif(not DEV_FULL.exists(), reason="there is no disk that is always full")
def test_a_token_that_fits_nowhere_is_shown(place: Path) -> None:
    with serve(Service(default=QUICK, limit=AMPLE)) as emulator:
        with DEV_FULL.open("w") as full, typed(emulator, *LONG, "--json", before=NO_ROOM, stdout=full) as command:
            code, _, said = command.end()
        assert code == 4
        shown = next(line for line in said.splitlines() if line.startswith("{"))
        (place / "token").write_text(shown)
        assert ask(emulator, "resume", "token", "--save", "out").exit_code == 0
        assert emulator.account.executions == 1


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_result_that_fits_in_part_is_kept(place: Path, monkeypatch: pytest.MonkeyPatch, unbuffered: str) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with serve(Service(default=QUICK, limit=AMPLE)) as emulator:
        with (place / "out").open("a") as out, typed(emulator, *LONG, before=LITTLE, stdout=out) as command:
            os.truncate(out.fileno(), 99_950)
            code, _, said = command.end()
        assert (place / "out").stat().st_size == 100_000
        assert (code, "stdout could not be written to" in said, "Traceback" in said) == (4, True, False)
        (token,) = tokens(place)
        assert json.loads(ask(emulator, "resume", token.name).stdout)["status"] == "COMPLETED"


@pytest.mark.skipif(not DEV_FULL.exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("journal", [(), ("--journal", "jobs")], ids=["", "journal"])
def test_a_result_that_does_not_fit_on_the_disk_is_kept(place: Path, journal: tuple[str, ...]) -> None:
    with serve(Service(default=QUICK, limit=AMPLE)) as emulator:
        with DEV_FULL.open("w") as full, typed(emulator, *LONG, *journal, stdout=full) as command:
            code, _, said = command.end()
        assert (code, "No space left on device" in said, "Traceback" in said) == (4, True, False)
        assert "go on with: bide resume" in said
        seen = emulator.account.requests
        answer = ask(emulator, "resume", *(journal or [token.name for token in tokens(place)]))
        assert json.loads(answer.stdout)["status"] == "COMPLETED"
        assert emulator.account.requests == seen, "the token holds the result"


def test_a_flaw_of_the_program_leaves_a_token_and_is_shown(place: Path) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        with typed(emulator, *LONG, before=FLAW) as command:
            code, _, said = command.end()
        assert code == 4
        assert "ZeroDivisionError: a flaw" in said
        assert "go on with: bide resume" in said
        assert_is_kept(emulator, place)
