"""`bide run --cassette`: what a command did can be sent to others, and is replayed by either client."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bide
from bide.errors import JobFailed
from bide_transports.cassette.files import load
from bide_transports.cassette.redaction import scan
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.tape import Heard, Omitted
from bide_transports.cassette.verify import verify
from bide_transports.cli import main
from bide_transports.emulator import Plan, Service, Status
from bide_transports.emulator.server import Emulator, serve
from bide_transports.requests import Client
from tests.transports.cli_scene import SLOW, tokens

RUN = ("run", "flux-1.1-pro", "-i", "prompt=a fox", "--pace", "0.05")
TAPED = ("--cassette", "fox.cassette.jsonl")
PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(251)) * 40


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(emulator: Emulator, *words: str, **env: str) -> Result:
    env = {"MODELROUTE_API_KEY": emulator.key, **env}
    return CliRunner().invoke(main, [*words, "--base-url", emulator.base_url], env=env)


def quick(**how: object) -> Service:
    return Service(default=Plan(duration=0.1, dispatched=0.02, handed_over=0.05, width=64, height=64, **how))  # type: ignore[arg-type]


def test_what_a_command_did_is_replayed(place: Path) -> None:
    (place / "photo.png").write_bytes(PHOTO)
    with serve(quick()) as emulator:
        answer = ask(emulator, *RUN, *TAPED, "-i", "image=@photo.png", "--save", "out")
    assert answer.exit_code == 0, answer.stderr
    assert "bide: recorded in fox.cassette.jsonl; what it holds: bide cassette show fox.cassette.jsonl" in answer.stderr
    cassette = load(place / "fox.cassette.jsonl")
    verify(cassette)
    text = (place / "fox.cassette.jsonl").read_text("utf-8")
    assert emulator.key not in text
    assert scan(text) == []
    assert sorted(name.partition("-")[0] for name in cassette.lanes) == ["file", "file", "flux"]
    (saved,) = answer.stdout.splitlines()
    with (
        replay(cassette) as tape,
        Client("any-key", dialect=emulator.dialect, pace=bide.Every(0.05), tape=tape) as client,
    ):
        file = client.upload("photo.png")
        result = client.run("flux-1.1-pro", {"prompt": "a fox", "image": file})
        (path,) = client.save(result, "again")
    assert path.read_bytes() == (place / saved).read_bytes()


def test_the_variable_says_the_same_and_wait_is_recorded_too(place: Path) -> None:
    with serve(quick()) as emulator:
        with Client(emulator.key, dialect=emulator.dialect) as client:
            job = client.submit("flux-1.1-pro", {"prompt": "a fox"})
        answer = ask(emulator, "wait", str(job.handle), "--pace", "0.05", BIDE_CASSETTE="fox.cassette.jsonl")
    assert answer.exit_code == 0, answer.stderr
    assert list(load(place / "fox.cassette.jsonl").lanes) == [f"{job.handle}#1"]


def test_a_job_that_fails_is_what_a_recording_is_for(place: Path) -> None:
    with serve(quick(outcome=Status.FAILED)) as emulator:
        answer = ask(emulator, *RUN, *TAPED)
    assert answer.exit_code == 1
    with replay(place / "fox.cassette.jsonl") as tape, pytest.raises(JobFailed):
        Client("any-key", dialect=emulator.dialect, pace=bide.Every(0.05), tape=tape).run(
            "flux-1.1-pro", {"prompt": "a fox"}
        )


def test_a_job_that_is_given_up_leaves_its_token_and_its_recording(place: Path) -> None:
    with serve(Service(default=SLOW), clock=lambda: 1e9) as emulator:
        answer = ask(emulator, *RUN, *TAPED, "--deadline", "0.2")
        assert answer.exit_code == 4
        assert len(tokens(place)) == 1
        verify(load(place / "fox.cassette.jsonl"))


def test_a_file_that_is_there_is_not_replaced(place: Path) -> None:
    (place / "fox.cassette.jsonl").write_text("mine")
    with serve(quick()) as emulator:
        answer = ask(emulator, *RUN, *TAPED)
        assert answer.exit_code == 2
        assert "fox.cassette.jsonl is there already: name another file for the recording" in answer.stderr
        assert emulator.account.requests == 0
    assert (place / "fox.cassette.jsonl").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_told_before_anything_is_sent(place: Path) -> None:
    (place / "taken").write_text("a file")
    with serve(quick()) as emulator:
        answer = ask(emulator, *RUN, "--cassette", "taken/fox.cassette.jsonl")
        assert answer.exit_code == 2
        assert "cannot be written" in answer.stderr
        assert emulator.account.requests == 0


def test_a_journal_and_a_cassette_do_not_go_together(place: Path) -> None:
    with serve(quick()) as emulator:
        answer = ask(emulator, *RUN, *TAPED, "--journal", "jobs")
        assert answer.exit_code == 2
        assert "give the one or the other" in answer.stderr
        assert emulator.account.requests == 0
    assert [path.name for path in place.iterdir()] == []


def test_a_recording_that_is_refused_changes_nothing_about_the_job(place: Path) -> None:
    """What looks random in an input is no secret by name, and yet is found."""
    random = "q7Zp2LmX9vTb4KsR8wYc3NdH6fJg1QeU5aBo"
    with serve(quick()) as emulator:
        answer = ask(emulator, *RUN, *TAPED, "-i", f"style={random}")
    assert answer.exit_code == 0, answer.stderr
    assert '"COMPLETED"' in answer.stdout
    assert "bide: the recording is no cassette: what looks secret would stand in" in answer.stderr
    assert "bide: what was recorded is in fox.cassette.jsonl.partial; look through it" in answer.stderr
    assert [path.name for path in place.iterdir()] == ["fox.cassette.jsonl.partial"]
    assert (place / "fox.cassette.jsonl.partial").stat().st_size > 0


def test_a_disk_that_takes_no_more_of_a_recording_loses_no_job(place: Path) -> None:
    """With room for the first lines alone: what was begun is kept as a token, and goes on without a recording."""
    bounded = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
    # -B: a compiled module that does not fit would be left behind, cut off, for every later process.
    program = [sys.executable, "-B", "-c", f"{bounded}; from bide_transports.cli import main; main()"]
    with serve(quick()) as emulator:
        words = [*RUN, *TAPED, "--base-url", emulator.base_url]
        env = os.environ | {"MODELROUTE_API_KEY": emulator.key}
        ended = subprocess.run([*program, *words], capture_output=True, text=True, env=env, check=False)
        assert ended.returncode == 4, ended.stderr
        assert "fox.cassette.jsonl.partial cannot be written" in ended.stderr
        (token,) = tokens(place)
        assert ask(emulator, "resume", str(token)).exit_code == 0
        assert emulator.account.executions == 1


def test_large_files_are_told_by_their_digests(place: Path) -> None:
    with serve(Service(default=Plan(duration=0.1, width=1024, height=1024))) as emulator:
        answer = ask(emulator, *RUN, *TAPED, "--save", "out")
    assert answer.exit_code == 0, answer.stderr
    events = load(place / "fox.cassette.jsonl").events
    omitted = [event.omitted for event in events if isinstance(event, Heard) and event.omitted]
    assert [type(one) for one in omitted] == [Omitted]
    assert omitted[0].length == 1024 * 1024 * 3
