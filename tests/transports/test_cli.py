"""The command, typed for real: exit codes, what goes to stdout and stderr, what is left on disk."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bide import Patience, Response, dump
from bide_transports.cli import main
from bide_transports.cli_options import Choice, with_options
from bide_transports.emulator import Drop, Fault, Plan, Service, Status, Variants, VirtualClock, html
from bide_transports.emulator.server import Emulator, serve
from tests.transports.cli_scene import InTheWay, tokens, typed
from tests.transports.terminal import on_a_terminal

QUICK = Plan(duration=0.1, dispatched=0.02, handed_over=0.05)
PLANS = {
    "fails": Plan(duration=0.1, outcome=Status.FAILED, error_code="CONTENT_MODERATION_REJECTED"),
    "is-cancelled": Plan(duration=0.1, outcome=Status.CANCELLED),
    "expires": Plan(expires_after=0.1, outcome=Status.EXPIRED),
    "slow": Plan(duration=200.0),
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with serve(Service(plans=PLANS, default=QUICK)) as running:
        yield running


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELROUTE_API_KEY", raising=False)
    return tmp_path


def bide(emulator: Emulator, *words: str, key: str | None = None) -> Result:
    """What the command answers, asked in this process."""
    env = {"MODELROUTE_API_KEY": key or emulator.key}
    return CliRunner().invoke(main, [*words, "--base-url", emulator.base_url], env=env)


def submitted(emulator: Emulator, model: str) -> str:
    """The id of a fresh job of `model`, left waiting."""
    answer = bide(emulator, "run", model, "--pace", "0.05", "--deadline", "0.1")
    assert answer.exit_code in (0, 4)
    return list(emulator.service.executions)[-1]


def test_run_saves_the_picture_and_prints_its_path(emulator: Emulator, place: Path) -> None:
    words = ("run", "flux-1.1-pro", "-i", "prompt=a fox", "-i", "width:=512", "--pace", "0.05", "--save", "out")
    answer = bide(emulator, *words)
    assert answer.exit_code == 0, answer.stderr
    (path,) = answer.stdout.splitlines()
    assert (place / path).read_bytes().startswith(b"\x89PNG")
    assert "COMPLETED" in answer.stderr
    assert "\x1b" not in answer.stderr, "no colour and no bars when this is no terminal"
    assert tokens(place) == []
    assert emulator.account.credentials_at_storage == 0


def test_run_without_save_prints_the_result_document(emulator: Emulator) -> None:
    answer = bide(emulator, "run", "flux-1.1-pro", "--pace", "0.05")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["output"]["images"][0]["format"] == "png"


def test_json_prints_one_document_per_state(emulator: Emulator) -> None:
    answer = bide(emulator, "run", "flux-1.1-pro", "--pace", "0.05", "--json", "--save", "out")
    documents = [json.loads(line) for line in answer.stdout.splitlines()]
    states = [document["state"] for document in documents]
    assert states[0] == "Submitting"
    assert states[-3:] == ["Fetching", "Completed", "Saved"]
    assert set(states[1:-3]) == {"Polling"}
    assert documents[1]["quota"]["limit"] == 60
    assert documents[1]["why"] == "pace"
    assert documents[-2]["result"]["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("model", "code", "says"),
    [("fails", 1, "CONTENT_MODERATION_REJECTED"), ("is-cancelled", 3, "was cancelled"), ("expires", 3, "expired")],
)
def test_each_end_has_its_exit_code(emulator: Emulator, place: Path, model: str, code: int, says: str) -> None:
    answer = bide(emulator, "run", model, "--pace", "0.05")
    assert answer.exit_code == code
    assert says in answer.stderr
    assert answer.stdout == ""
    assert tokens(place) == []


def test_a_deadline_leaves_a_private_token_that_resumes(emulator: Emulator, place: Path) -> None:
    clock = VirtualClock()
    with serve(Service(default=Plan(duration=60.0)), clock=clock.now) as other:
        answer = bide(other, "run", "flux-1.1-pro", "--pace", "0.05", "--deadline", "0.15")
        assert answer.exit_code == 4
        (token,) = tokens(place)
        assert f"bide resume {token.name} --base-url {other.base_url}" in answer.stderr
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert other.key not in token.read_text() + answer.stdout + answer.stderr
        clock.sleep_until(clock.now() + 100.0)
        again = bide(other, "resume", token.name, "--deadline", "30", "--save", "out")
        assert again.exit_code == 0, again.stderr
        assert other.account.executions == 1
    elsewhere = bide(emulator, "resume", token.name)
    assert elsewhere.exit_code == 2
    assert "belongs to" in elsewhere.stderr


def test_an_interrupt_leaves_a_token_that_resumes(place: Path) -> None:
    clock = VirtualClock()
    with serve(Service(default=Plan(duration=60.0)), clock=clock.now) as emulator:
        with typed(emulator, "run", "flux-1.1-pro", "--pace", "0.05") as running:
            running.until("PENDING")
            running.interrupt()
            code, _, said = running.end()
        assert code == 130
        assert "interrupted" in said
        assert "Traceback" not in said
        (token,) = tokens(place)
        assert f"bide resume {token.name}" in said
        clock.sleep_until(clock.now() + 100.0)
        assert bide(emulator, "resume", token.name, "--save", "out").exit_code == 0
        assert emulator.account.executions == 1


def test_a_lost_reply_to_the_submission_is_not_paid_twice(emulator: Emulator) -> None:
    emulator.service.inject(Fault("submit", Drop("after")))
    answer = bide(emulator, "run", "flux-1.1-pro", "--pace", "0.05")
    assert answer.exit_code == 0
    assert (emulator.account.executions, emulator.account.duplicates) == (1, 1)


def test_wait_takes_up_a_job_by_its_id(emulator: Emulator) -> None:
    answer = bide(emulator, "wait", submitted(emulator, "flux-1.1-pro"), "--pace", "0.05", "--save", "out")
    assert answer.exit_code == 0


def test_cancel_tells_what_came_of_it(emulator: Emulator) -> None:
    cancelled = bide(emulator, "cancel", submitted(emulator, "slow"))
    assert cancelled.exit_code == 3
    assert "was cancelled" in cancelled.stderr
    over = submitted(emulator, "flux-1.1-pro")
    assert bide(emulator, "wait", over, "--pace", "0.05").exit_code == 0
    too_late = bide(emulator, "cancel", over, "--pace", "0.05")
    assert too_late.exit_code == 0
    assert json.loads(too_late.stdout)["status"] == "COMPLETED"


def test_a_refused_cancellation_is_told(emulator: Emulator) -> None:
    job = submitted(emulator, "slow")
    refusal = json.dumps({"error": {"code": "TOO_LATE", "message": "no"}}).encode()
    emulator.service.inject(Fault("cancel", Response(409, body=refusal)))
    answer = bide(emulator, "cancel", job)
    assert answer.exit_code == 1
    assert "409 TOO_LATE" in answer.stderr
    assert f"bide wait {job}" in answer.stderr


def test_a_wrong_key_is_told_and_nothing_is_lost(emulator: Emulator, place: Path) -> None:
    job = submitted(emulator, "slow")
    for token in tokens(place):
        token.unlink()
    answer = bide(emulator, "wait", job, key="sk_wrong")
    assert answer.exit_code == 4
    assert "does not accept the API key" in answer.stderr
    assert "sk_wrong" not in answer.stderr
    assert len(tokens(place)) == 1


def test_an_unknown_id_is_told(emulator: Emulator) -> None:
    answer = bide(emulator, "wait", "exec_nowhere")
    assert answer.exit_code == 1
    assert "exec_nowhere is not known to the service" in answer.stderr


def test_html_instead_of_json_is_told(emulator: Emulator, place: Path) -> None:
    job = submitted(emulator, "slow")
    emulator.service.inject(Fault("poll", html(200), times=100))
    answer = bide(emulator, "wait", job, "--deadline", "0.7")
    assert answer.exit_code == 4
    assert "NOT_UNDERSTOOD: <!doctype html>" in answer.stderr
    assert tokens(place)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["wait", "../exec"], "is no id"),
        (["wait", "exec%2F"], "is no id"),
        (["run", "m", "-i", "prompt"], "give name=text"),
        (["run", "m", "--pace", "0"], "is no pace"),
        (["run", "m", "--pace", "quick"], "is no pace"),
        (["run", "m", "--deadline", "-1"], "deadline is -1"),
        (["run", "m", "--deadline", "nan"], "deadline is nan"),
        (["run", "m", "--largest", "64 parsecs"], "'64 parsecs' is no size: give bytes, or such as 64MB or 64MiB"),
        (["run", "m", "--largest", "-1"], "is no size"),
        (["run", "m", "--largest", "1e9"], "is no size"),
        (["run", "m", "--largest", "0.2B"], "largest is 0"),
        (["run", "m", "--largest-file", "0"], "largest_file is 0"),
        (["run", ""], "the model is empty"),
        (["run", "m", "--key-file", "nowhere"], "key file nowhere cannot be read"),
        (["resume", "nowhere.json"], "cannot be read"),
        (["run", "m", "--base-url", "http://example.com"], "use https"),
    ],
)
def test_a_call_that_makes_no_sense_is_a_usage_error(words: list[str], says: str) -> None:
    answer = CliRunner().invoke(main, words, env={"MODELROUTE_API_KEY": "sk_any"})
    assert answer.exit_code == 2
    assert says in answer.stderr


@pytest.mark.parametrize(
    ("size", "limit"),
    [
        ("7000", 7000),
        ("7kB", 7000),
        ("7KiB", 7168),
        ("0.007 MB", 7000),
        ("7.5k", 7500),
        ("1mib", 1024 * 1024),
        ("2G", 2 * 10**9),
        ("7000b", 7000),
    ],
)
def test_the_size_of_a_reply_is_given_in_the_usual_units(size: str, limit: int, emulator: Emulator) -> None:
    asked: list[int] = []

    @click.command
    @with_options()
    def probe(choice: Choice) -> int:
        with choice.client() as client:
            patience = client.watch("exec_1").terms.patience
            asked.extend((patience.largest, patience.largest_file))
        return 0

    words = ["--largest", size, "--largest-file", size]
    assert CliRunner().invoke(probe, words, env={"MODELROUTE_API_KEY": emulator.key}).exit_code == 0
    assert asked == [limit, limit]


def test_a_job_whose_reply_is_too_large_is_resumed_with_more_room(place: Path) -> None:
    clock = VirtualClock()
    with serve(Service(default=Plan(duration=60.0)), clock=clock.now) as emulator:
        assert bide(emulator, "run", "flux-1.1-pro", "--pace", "0.05", "--deadline", "0.15").exit_code == 4
        (token,) = tokens(place)
        answer = bide(emulator, "resume", token.name, "--largest", "10", "--deadline", "0.5")
        assert answer.exit_code == 4
        assert "larger than allowed" in answer.stderr
        (token,) = tokens(place)
        clock.sleep_until(clock.now() + 100.0)
        answer = bide(emulator, "resume", token.name, "--largest", "1MB", "--deadline", "30")
        assert answer.exit_code == 0, answer.stderr
        assert emulator.account.executions == 1


def test_a_limit_that_is_given_anew_leaves_the_others_as_they_were(emulator: Emulator) -> None:
    kept: list[Patience] = []

    @click.command
    @with_options()
    def probe(choice: Choice) -> int:
        with choice.client() as client:
            job = client.resume(client.watch("exec_1"), patience=Patience(failures=3, deadline=50, largest=70))
            limited = choice.limited(client, client.resume(dump(job)))
        kept.append(limited.terms.patience)
        return 0

    for words in (
        (),
        ("--largest", "1k"),
        ("--deadline", "9"),
        ("--deadline", "9", "--largest", "1k"),
        ("--largest-file", "1G"),
    ):
        CliRunner().invoke(probe, words, env={"MODELROUTE_API_KEY": emulator.key}, catch_exceptions=False)
    usual = Patience().largest_file
    assert [(one.failures, one.deadline, one.largest, one.largest_file) for one in kept] == [
        (3, 50, 70, usual),
        (3, 50, 1000, usual),
        (3, 9, 70, usual),
        (3, 9, 1000, usual),
        (3, 50, 70, 10**9),
    ]


def test_without_a_key_nothing_is_sent(emulator: Emulator) -> None:
    answer = CliRunner().invoke(main, ["run", "m", "--base-url", emulator.base_url])
    assert answer.exit_code == 2
    assert "MODELROUTE_API_KEY" in answer.stderr
    assert emulator.account.requests == 0


def test_the_key_may_come_from_a_file(emulator: Emulator, place: Path) -> None:
    (place / "key").write_text(emulator.key + "\n")
    words = ["run", "m", "--pace", "0.05", "--base-url", emulator.base_url, "--key-file", "key"]
    assert CliRunner().invoke(main, words).exit_code == 0


def test_an_unreachable_host_is_told(place: Path) -> None:
    with serve() as gone:
        address = gone.base_url
    words = ["wait", "exec_1", "--base-url", address, "--deadline", "0.3"]
    answer = CliRunner().invoke(main, words, env={"MODELROUTE_API_KEY": "sk_any"})
    assert answer.exit_code == 4
    assert "could not be reached" in answer.stderr
    assert len(tokens(place)) == 1


def test_a_file_that_cannot_be_saved_leaves_the_result_and_a_token(place: Path) -> None:
    with serve(InTheWay(place / "out")) as emulator:
        answer = bide(emulator, "run", "flux-1.1-pro", "--pace", "0.05", "--save", "out")
        assert answer.exit_code == 4
        assert "could not be saved to out" in answer.stderr
        (token,) = tokens(place)
        (place / "out").unlink()
        again = bide(emulator, "resume", token.name, "--save", "out")
    assert again.exit_code == 0, again.stderr
    assert emulator.account.executions == 1


def test_a_token_that_cannot_be_written_is_shown(emulator: Emulator, place: Path) -> None:
    job = submitted(emulator, "slow")
    for token in tokens(place):
        token.unlink()
    (place / f"bide-{job}.json").mkdir()
    answer = bide(emulator, "wait", job, "--deadline", "0.1", "--pace", "0.05")
    assert answer.exit_code == 4
    shown = answer.stderr.splitlines()[-1]
    (place / "token").write_text(shown)
    assert json.loads(shown)["job"]["handle"] == job


def test_the_demo_saves_a_picture(place: Path) -> None:
    answer = CliRunner().invoke(main, ["demo", "--duration", "0.5"])
    assert answer.exit_code == 0
    assert (place / answer.stdout.strip()).read_bytes().startswith(b"\x89PNG")
    assert "0 too early, 0 over the limit, 0 with the key" in answer.stderr


def test_a_terminal_gets_a_live_line(place: Path) -> None:
    code, out, shown = on_a_terminal("demo", "--duration", "0.5")
    assert code == 0
    assert (place / out.strip()).exists()
    assert b"next look in" in shown
    assert b"\x1b[" in shown
    assert b"COMPLETED" in shown


def test_the_emulator_prints_a_command_that_works() -> None:
    program = [sys.executable, "-c", "from bide_transports.cli import main; main()", "emulator", "--duration", "0.1"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assignment, _, *words = running.stdout.readline().split()
        env = dict([assignment.split("=", 1)])
        answer = CliRunner().invoke(main, [*words, "--pace", "0.05", "--save", "out"], env=env)
        running.send_signal(signal.SIGINT)
        said = running.stderr.read()
    assert answer.exit_code == 0, answer.stderr
    assert running.returncode == 0
    assert "it saw" in said


def test_lower_case_statuses_and_inline_results_make_no_difference() -> None:
    variants = Variants(lower_case=True, result_at="status", result_shape="file", create_status=200)
    with serve(Service(default=QUICK, variants=variants)) as other:
        assert bide(other, "run", "flux-1.1-pro", "--pace", "0.05", "--save", "out").exit_code == 0
