"""The command with a journal: what was begun is there after a crash, is taken up all at once, and is paid for once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.written import write
from bide_transports.cli import main
from bide_transports.emulator import Fault, Plan, Service, Status, VirtualClock
from bide_transports.emulator.server import Emulator, serve
from bide_transports.journal import Journal
from bide_transports.requests import Client
from tests.transports.cli_scene import AMPLE, SLOW, START, InTheWay, ask, slow, tokens, typed
from tests.transports.disk import file_size_limit

PLANS = {
    "fails": Plan(duration=60.0, outcome=Status.FAILED, error_code="CONTENT_MODERATION_REJECTED"),
    "is-cancelled": Plan(duration=60.0, outcome=Status.CANCELLED),
}
BEGUN = ("--pace", "0.05", "--deadline", "0.1", "--journal", "jobs")
RESUME = ("resume", "--journal", "jobs")
DEV_FULL = Path("/dev/full")
NOTHING = "bide: nothing is left to be done for the jobs in jobs\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kept(emulator: Emulator, *models: str) -> None:
    """A job of each model in the journal, given up at its deadline."""
    for model in models:
        answer = ask(emulator, "run", model, *BEGUN)
        assert answer.exit_code == 4
        assert f"go on with: bide resume --journal jobs --base-url {emulator.base_url}" in answer.stderr


def test_what_was_given_up_is_resumed_and_saved_and_then_nothing_is_left(place: Path) -> None:
    clock = VirtualClock()
    with serve(slow(), clock=clock.now) as emulator:
        kept(emulator, "one", "two")
        assert tokens(place) == []
        clock.sleep_until(clock.now() + 100.0)
        answer = ask(emulator, *RESUME, "--save", "out")
        assert answer.exit_code == 0, answer.stderr
        paths = answer.stdout.splitlines()
        assert len(paths) == len(set(paths)) == 2
        assert all((place / path).read_bytes().startswith(b"\x89PNG") for path in paths)
        lines = [line for line in answer.stderr.splitlines() if " s  " in line]
        assert {line.split()[0] for line in lines} == set(emulator.service.executions), "each line says which job"
        again = ask(emulator, *RESUME, "--save", "out")
        assert (again.exit_code, again.stdout, again.stderr) == (0, "", NOTHING)
        assert emulator.account.executions == 2


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["people", "json"])
def test_a_printed_result_is_settled_too(words: tuple[str, ...]) -> None:
    clock = VirtualClock()
    with serve(slow(), clock=clock.now) as emulator:
        kept(emulator, "one")
        clock.sleep_until(clock.now() + 100.0)
        answer = ask(emulator, *RESUME, *words)
        assert answer.exit_code == 0
        last = json.loads(answer.stdout.splitlines()[-1] if words else answer.stdout)
        assert (last["result"] if words else last)["status"] == "COMPLETED"
        assert ask(emulator, *RESUME).stderr == NOTHING


def test_a_result_that_cannot_be_saved_stays_in_the_journal(place: Path) -> None:
    with serve(InTheWay(place / "out")) as emulator:
        answer = ask(emulator, "run", "one", "--pace", "0.05", "--journal", "jobs", "--save", "out")
        assert answer.exit_code == 4
        assert answer.stderr.endswith(f"bide resume --journal jobs --base-url {emulator.base_url} --save out\n")
        (place / "out").unlink()
        assert ask(emulator, *RESUME, "--save", "out").exit_code == 0
        assert emulator.account.executions == 1


def test_the_exit_code_is_the_highest_of_all_jobs() -> None:
    clock = VirtualClock()
    with serve(Service(default=SLOW, plans=PLANS, limit=AMPLE), clock=clock.now) as emulator:
        kept(emulator, "fails", "one")
        clock.sleep_until(clock.now() + 100.0)
        assert ask(emulator, *RESUME).exit_code == 1
        kept(emulator, "fails", "is-cancelled", "one")
        clock.sleep_until(clock.now() + 100.0)
        assert ask(emulator, *RESUME).exit_code == 3
        kept(emulator, "one")
        clock.sleep_until(clock.now() + 100.0)
        kept(emulator, "two")
        answer = ask(emulator, *RESUME, "--deadline", "0.1")
        assert answer.exit_code == 4
        assert json.loads(answer.stdout)["status"] == "COMPLETED"
        assert answer.stderr.count("go on with") == 1


def test_all_jobs_are_under_way_at_once() -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        kept(emulator, "one", "two", "three")
        seen = len(emulator.account.seen)
        answer = ask(emulator, *RESUME, "--deadline", "0.3", "--json")
        assert len({seen.path for seen in emulator.account.seen[seen : seen + 3]}) == 3
    documents = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len({document["job"] for document in documents[:3]}) == 3
    assert [document["state"] for document in documents].count("Kept") == 3


def test_every_job_is_cancelled_at_the_deadline_or_at_an_interrupt() -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        kept(emulator, "one", "two")
        answer = ask(emulator, *RESUME, "--deadline", "0.1", "--on-timeout", "cancel")
        assert answer.exit_code == 3
        kept(emulator, "three", "four")
        with typed(emulator, *RESUME, "--deadline", "60", "--on-interrupt", "cancel") as command:
            command.until("PENDING  next look")
            command.until("PENDING  next look")
            command.interrupt()
            code, _, said = command.end()
        assert (code, said.count("was cancelled")) == (3, 2)
        assert ask(emulator, *RESUME).stderr == NOTHING
        assert {job.status(START) for job in emulator.service.executions.values()} == {Status.CANCELLED}


def test_an_interrupt_leaves_all_jobs_in_the_journal(place: Path) -> None:
    clock = VirtualClock()
    with serve(slow(), clock=clock.now) as emulator:
        kept(emulator, "one", "two")
        with typed(emulator, *RESUME, "--deadline", "60") as command:
            command.until("PENDING  next look")
            command.interrupt()
            code, _, said = command.end()
        assert code == 130
        assert said.count("go on with: bide resume --journal jobs") == 1
        assert tokens(place) == []
        clock.sleep_until(clock.now() + 100.0)
        answer = ask(emulator, *RESUME, "--save", "out")
        assert (answer.exit_code, len(answer.stdout.splitlines())) == (0, 2)


def test_wait_cancel_and_a_token_keep_the_journal_too() -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        ask(emulator, "run", "one", "--pace", "0.05", "--deadline", "0.1")
        (job,) = emulator.service.executions
        assert ask(emulator, "resume", f"bide-{job}.json", "--deadline", "0.1", "--journal", "jobs").exit_code == 4
        assert len(Path("jobs").read_text("utf-8").splitlines()) >= 1
        assert ask(emulator, "wait", job, *BEGUN).exit_code == 4
        assert ask(emulator, "cancel", job, "--journal", "jobs").exit_code == 3
        answer = ask(emulator, *RESUME)
        assert answer.exit_code == 3, "it was begun under another name, too"
        assert ask(emulator, *RESUME).stderr == NOTHING


def test_a_refused_cancellation_stays_in_the_journal() -> None:
    refusal = bide.Response(409, body=b'{"error": {"code": "TOO_LATE", "message": "no"}}')
    with serve(Service(default=SLOW, limit=AMPLE, faults=[Fault("cancel", refusal)]), clock=lambda: START) as emulator:
        kept(emulator, "one")
        (job,) = emulator.service.executions
        answer = ask(emulator, "cancel", job, "--journal", "jobs")
    assert answer.exit_code == 1
    assert "go on with: bide resume --journal jobs" in answer.stderr


# What it is no use to resume


def test_what_is_lost_stays_until_its_owner_says_otherwise() -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        ask(emulator, "wait", "exec_nowhere", "--journal", "jobs")
        answer = ask(emulator, *RESUME)
        assert answer.exit_code == 1
        assert f"bide resume --journal jobs --forget --base-url {emulator.base_url}" in answer.stderr
        answer = ask(emulator, *RESUME, "--forget")
        assert (answer.exit_code, "--forget" in answer.stderr) == (1, False)
        assert ask(emulator, *RESUME).stderr == NOTHING


def keyless(place: Path, base_url: str) -> Declaration:
    """A service that takes no idempotency key, in keyless.json too."""
    declaration = Declaration(
        name="keyless",
        base_url=base_url,
        submit=Call("POST", ("/jobs",), body="{input}"),
        poll=Call("GET", ("/jobs/{id}",)),
        cancel=Call("DELETE", ("/jobs/{id}",)),
        id=("id",),
        status=("status",),
        phases={"done": Phase.SUCCEEDED},
    )
    (place / "keyless.json").write_text(write(declaration))
    return declaration


def test_a_submission_under_no_key_is_not_sent_again_after_a_crash(place: Path) -> None:
    with serve() as emulator:
        declaration = keyless(place, emulator.base_url)
        with Client("sk_any", dialect=Declared(declaration), journal="jobs") as client:
            next(iter(client.follow(client.prepare("m", {}))))  # written down, and here the machine goes down
        words = [*RESUME, "--dialect", "keyless.json"]
        answers = [
            CliRunner().invoke(main, [*words, *more], env={"BIDE_API_KEY": "sk_any"}) for more in ([], ["--forget"], [])
        ]
        assert [answer.exit_code for answer in answers] == [4, 4, 0]
        assert "it may have been paid for" in answers[0].stderr
        assert emulator.account.requests == 0


# Journals that are none


def test_a_journal_that_cannot_be_kept_is_a_usage_error(place: Path) -> None:
    (place / "notes").write_text("buy milk\n")
    with serve(slow(), clock=lambda: START) as emulator:
        for journal, says in (("missing/jobs", "nothing is sent without it"), ("notes", "is it the right file")):
            answer = ask(emulator, "run", "one", "--journal", journal)
            assert (answer.exit_code, says in answer.stderr) == (2, True)
        with Journal(place / "open"):
            answer = ask(emulator, "run", "one", "--journal", "open")
            assert (answer.exit_code, "this process has it open already" in answer.stderr) == (2, True)
        assert ask(emulator, "resume", "--journal", "typo").exit_code == 2
        assert not (place / "typo").exists()
        assert ask(emulator, "resume").exit_code == 2
        assert emulator.account.requests == 0


@pytest.mark.parametrize(
    "words", [("run", "one"), ("wait", "exec_1"), ("cancel", "exec_1")], ids=lambda words: words[0]
)
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["people", "json"])
@pytest.mark.parametrize("takes_key", [True, False], ids=["key", "no key"])
def test_what_the_journal_does_not_take_is_not_sent_and_not_kept(
    place: Path, words: tuple[str, ...], as_json: tuple[str, ...], *, takes_key: bool
) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        spoken = () if takes_key else ("--dialect", "keyless.json")
        keyless(place, emulator.base_url)
        line = [*words, *as_json, *spoken, "--journal", "jobs", "--base-url", emulator.base_url]
        with file_size_limit(0):
            answer = CliRunner().invoke(main, line, env={"MODELROUTE_API_KEY": "sk", "BIDE_API_KEY": "sk"})
        assert (answer.exit_code, answer.stdout, emulator.account.requests) == (2, "", 0)
        assert "the journal jobs cannot be kept (File too large)" in answer.stderr
        assert "go on with" not in answer.stderr
        assert tokens(place) == []
        assert (place / "jobs").read_bytes() == b""


@pytest.mark.skipif(not DEV_FULL.exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("journal", [(), ("--journal", "jobs")], ids=["token", "journal"])
def test_no_submission_under_no_key_is_kept_that_was_not_even_shown(place: Path, journal: tuple[str, ...]) -> None:
    with serve(slow(), clock=lambda: START) as emulator, DEV_FULL.open("w") as full:
        keyless(place, emulator.base_url)
        words = ("--dialect", "keyless.json", *journal)
        with typed(emulator, "run", "m", "--json", *words, stdout=full, BIDE_API_KEY="sk_any") as command:
            code, _, said = command.end()
        assert (code, "bide: nothing was submitted\n" in said, "go on with" in said) == (4, True, False)
        assert (tokens(place), emulator.account.requests) == ([], 0)
        if journal:
            answer = CliRunner().invoke(main, [*RESUME, "--dialect", "keyless.json"], env={"BIDE_API_KEY": "sk_any"})
            assert (answer.exit_code, answer.stderr) == (0, NOTHING)


def test_no_job_is_written_down_beside_those_of_another_service() -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        kept(emulator, "one")
    with serve(slow(), clock=lambda: START) as other:
        answer = ask(other, "run", "one", *BEGUN)
        assert (answer.exit_code, "belongs to" in answer.stderr) == (2, True)
        assert other.account.requests == 0


# The webhook URL


def test_the_webhook_url_is_passed_on() -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        answer = ask(emulator, "run", "one", "--webhook-url", "no address", *BEGUN)
        assert (answer.exit_code, "give the address of an endpoint" in answer.stderr) == (2, True)
        assert emulator.account.requests == 0
        assert ask(emulator, "run", "one", "--webhook-url", "https://hooks.example/h", *BEGUN).exit_code == 4
