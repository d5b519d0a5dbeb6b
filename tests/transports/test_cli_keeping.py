"""The files that a command leaves: each job has its own, and a good one is never lost to a worse one."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from bide import Headers, Request, Response
from bide_transports.cli import main
from bide_transports.emulator import Broken, Drop, Fault, Plan, Service
from bide_transports.emulator.server import serve
from tests.transports.cli_scene import AMPLE, START, ask, slow, tokens, typed

BRIEF = ("--pace", "0.05", "--deadline", "0.3")
RUN = ("run", "flux-1.1-pro", *BRIEF)
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Whose file it is


class Deaf(Service):
    """A service that takes submissions, while none of its answers to them arrives."""

    is_deaf = True

    def handle(self, request: Request, *, now: float) -> Response | Broken:
        reply = super().handle(request, now=now)
        if self.is_deaf and request.method == "POST" and isinstance(reply, Response):
            return Broken(Drop("after"), reply)
        return reply


def test_two_submissions_that_nobody_answered_have_a_file_each(place: Path) -> None:
    service = Deaf(default=Plan(duration=0.05), limit=AMPLE)
    with serve(service) as emulator:
        for prompt in ("one", "two"):
            assert ask(emulator, *RUN, "-i", f"prompt={prompt}").exit_code == 4
        assert (len(tokens(place)), service.account.executions) == (2, 2)
        service.is_deaf = False
        for token in tokens(place):
            assert ask(emulator, "resume", token.name, "--deadline", "30", "--save", "out").exit_code == 0
    assert service.account.executions == 2, "each was sent again under its own key"


def test_a_job_that_is_kept_again_replaces_its_own_file(place: Path) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        assert ask(emulator, *RUN).exit_code == 4
        (token,) = tokens(place)
        before = token.read_bytes()
        assert ask(emulator, "resume", token.name, "--deadline", "0.1").exit_code == 4
    assert [path.name for path in place.iterdir()] == [token.name]
    assert token.read_bytes() != before
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_a_job_of_the_same_name_at_another_service_has_its_own_file(place: Path) -> None:
    for _ in range(2):
        with serve(slow(), clock=lambda: START) as emulator:
            answer = ask(emulator, "wait", "exec_nowhere", *BRIEF, "--journal", "jobs")
            assert answer.exit_code == 1
            (place / "jobs").unlink()
            emulator.service.inject(Fault("poll", Response(503), times=100))
            assert ask(emulator, "wait", "exec_nowhere", *BRIEF).exit_code == 4
    origins = {json.loads(token.read_text())["origin"] for token in tokens(place)}
    assert len(origins) == len(tokens(place)) == 2


def test_a_file_that_is_no_token_is_left_alone(place: Path) -> None:
    notes = place / "bide-exec_1.json"
    notes.write_text("buy milk\n")
    with serve(Service(faults=[Fault("poll", Response(503), times=100)], limit=AMPLE)) as emulator:
        answer = ask(emulator, "wait", "exec_1", *BRIEF)
    assert answer.exit_code == 4
    assert notes.read_text() == "buy milk\n"
    (token,) = set(tokens(place)) - {notes}
    assert f"bide resume {token.name}" in answer.stderr


def test_what_a_link_leads_to_is_left_alone(place: Path) -> None:
    (place / "notes").write_text("buy milk\n")
    (place / "bide-exec_1.json").symlink_to("notes")
    with serve(Service(faults=[Fault("poll", Response(503), times=100)], limit=AMPLE)) as emulator:
        assert ask(emulator, "wait", "exec_1", *BRIEF).exit_code == 4
    assert (place / "notes").read_text() == "buy milk\n"
    assert not (place / "bide-exec_1.json").is_symlink()


# What cannot be written


def test_an_earlier_token_outlives_one_that_cannot_be_written(place: Path) -> None:
    pytest.importorskip("resource")
    clock = [START]
    with serve(slow(), clock=lambda: clock[0]) as emulator:
        assert ask(emulator, *RUN).exit_code == 4
        (token,) = tokens(place)
        before = token.read_bytes()
        with typed(emulator, "resume", token.name, "--deadline", "0.1", before=FULL) as command:
            code, _, said = command.end()
        assert (code, "keep this line in a file" in said) == (4, True)
        assert [(path.name, path.read_bytes()) for path in place.iterdir()] == [(token.name, before)]
        clock[0] += 100.0
        assert ask(emulator, "resume", token.name, "--deadline", "30", "--save", "out").exit_code == 0


def test_programs_are_given_the_token_that_cannot_be_written(place: Path) -> None:
    (place / "bide-exec_1.json").mkdir()
    with serve(Service(faults=[Fault("poll", Response(503), times=100)], limit=AMPLE)) as emulator:
        answer = ask(emulator, "wait", "exec_1", *BRIEF, "--json")
    last = json.loads(answer.stdout.splitlines()[-1])
    assert last.keys() == {"state", "job", "token_text"}
    assert json.loads(last["token_text"])["job"]["handle"] == "exec_1"
    assert os.listdir(place) == ["bide-exec_1.json"]  # noqa: PTH208  the names alone


# What is no file, and what is no number


def finished(document: bytes) -> Service:
    result = Response(200, Headers.of([("content-type", "application/json")]), body=document)
    return Service(default=Plan(duration=0.1), limit=AMPLE, faults=[Fault("result", result)])


@pytest.mark.parametrize("journal", [(), ("--journal", "jobs")], ids=["", "journal"])
def test_a_result_without_files_is_printed_where_it_was_to_be_saved(journal: tuple[str, ...]) -> None:
    with serve(finished(b'{"status":"COMPLETED","output":{"text":"paid for"}}')) as emulator:
        answer = ask(emulator, "run", "m", "--pace", "0.05", "--save", "out", *journal)
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["output"] == {"text": "paid for"}
    assert "has no files to be saved: its result is printed" in answer.stderr


def test_programs_have_the_result_without_files_already() -> None:
    with serve(finished(b'{"status":"COMPLETED","output":{"text":"paid for"}}')) as emulator:
        answer = ask(emulator, "run", "m", "--pace", "0.05", "--save", "out", "--json")
    completed, saved = map(json.loads, answer.stdout.splitlines()[-2:])
    assert (completed["result"]["output"], saved["state"], saved["files"]) == ({"text": "paid for"}, "Saved", [])


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["people", "json"])
def test_a_number_that_is_none_is_null(words: tuple[str, ...]) -> None:
    document = b'{"status":"COMPLETED","output":{"score":NaN,"big":1e999,"small":-Infinity,"fine":0.5}}'
    with serve(finished(document)) as emulator:
        answer = ask(emulator, "run", "m", "--pace", "0.05", *words)
    strict = json.JSONDecoder(parse_constant=lambda name: pytest.fail(f"{name} is no JSON")).decode
    result = strict(answer.stdout.splitlines()[-1])["result"] if words else strict(answer.stdout)
    assert result["output"] == {"score": None, "big": None, "small": None, "fine": 0.5}


@pytest.mark.parametrize("text", ["a fox " * 60, "fox\0.png"], ids=["long", "nul"])
def test_a_text_that_can_name_no_file_is_told(text: str) -> None:
    words = ["run", "m", "-i", f"prompt=@{text}", "--base-url", "http://127.0.0.1:9"]
    answer = CliRunner().invoke(main, words, env={"MODELROUTE_API_KEY": "sk_any"})
    assert answer.exit_code == 2
    assert "begin with @@ for a text" in " ".join(answer.stderr.split())
