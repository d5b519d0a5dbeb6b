"""What becomes of a job at its deadline or at Ctrl-C: it is left alone, or the service is asked to end it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bide import Response
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.written import write
from bide_transports.cli import main
from bide_transports.emulator import Drop, Fault, Service, Status, VirtualClock, too_many, unavailable
from bide_transports.emulator.server import Emulator, serve
from bide_transports.journal import Journal
from bide_transports.requests import Client
from tests.sampling import WHOLE
from tests.transports.cli_scene import AMPLE, SLOW, START, ask, jumping, slow, tokens, typed

REFUSAL = Response(409, body=json.dumps({"error": {"code": "TOO_LATE", "message": "no"}}).encode())
RUN = ("run", "flux-1.1-pro", "--pace", "0.05", "--deadline", "0.2", "--on-timeout", "cancel")
LONG = ("run", "flux-1.1-pro", "--pace", "60")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def status(emulator: Emulator, now: float = START) -> Status:
    (execution,) = emulator.service.executions.values()
    return execution.status(now)


# The deadline


def test_a_job_that_takes_too_long_is_cancelled(place: Path) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        answer = ask(emulator, *RUN)
        assert status(emulator) is Status.CANCELLED
    assert answer.exit_code == 3
    assert "the deadline passed: asking the service to end exec_" in answer.stderr
    assert "was cancelled" in answer.stderr
    assert tokens(place) == []


def test_a_job_that_was_faster_than_its_cancellation_is_saved(place: Path) -> None:
    service = Service(default=SLOW, limit=AMPLE, faults=[Fault("cancel", unavailable())])
    with serve(service, clock=jumping(service)) as emulator:
        answer = ask(emulator, *RUN, "--save", "out")
    assert answer.exit_code == 0
    assert "asking the service to end" in answer.stderr
    assert (place / answer.stdout.strip()).read_bytes().startswith(b"\x89PNG")
    assert tokens(place) == []


def test_a_job_that_the_service_does_not_let_go_is_kept(place: Path) -> None:
    service = Service(default=SLOW, limit=AMPLE, faults=[Fault("cancel", REFUSAL)])
    with serve(service, clock=lambda: START) as emulator:
        answer = ask(emulator, *RUN)
        assert answer.exit_code == 4
        assert "409 TOO_LATE); the job goes on, and is PENDING now" in answer.stderr
        (token,) = tokens(place)
        again = ask(emulator, "resume", token.name, "--deadline", "0.2", "--on-timeout", "cancel")
    assert again.exit_code == 3
    assert service.account.executions == 1


def test_wait_cancels_as_well_and_detaches_unless_told(place: Path) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        assert ask(emulator, *RUN[:-2]).exit_code == 4
        (job,) = emulator.service.executions
        assert len(tokens(place)) == 1
        waiting = ("wait", job, "--pace", "0.05", "--deadline", "0.2")
        assert ask(emulator, *waiting, "--on-timeout", "detach").exit_code == 4
        assert status(emulator) is Status.PENDING
        assert ask(emulator, *waiting, "--on-timeout", "cancel").exit_code == 3
        assert status(emulator) is Status.CANCELLED


def test_a_cancellation_that_comes_to_nothing_is_kept_to_be_asked_for_again(place: Path) -> None:
    service = Service(default=SLOW, limit=AMPLE, faults=[Fault("cancel", Response(402))])
    with serve(service, clock=lambda: START) as emulator:
        answer = ask(emulator, *RUN)
        assert answer.exit_code == 4
        assert "the service asks for payment" in answer.stderr
        (token,) = tokens(place)
        assert ask(emulator, "resume", token.name).exit_code == 3


# Ctrl-C


def test_an_interrupt_cancels_where_that_is_wanted(place: Path) -> None:
    with serve(slow(), clock=lambda: START) as emulator, typed(emulator, *LONG, "--on-interrupt", "cancel") as command:
        command.until("PENDING")
        command.interrupt()
        code, out, said = command.end()
        assert status(emulator) is Status.CANCELLED
    assert (code, out) == (3, "")
    assert "interrupted; asking the service to end it" in said
    assert "was cancelled" in said
    assert "Traceback" not in said
    assert tokens(place) == []


def test_an_interrupt_that_came_too_late_gives_the_result(place: Path) -> None:
    clock = VirtualClock()
    with serve(slow(), clock=clock.now) as emulator, typed(emulator, *LONG, "--on-interrupt", "cancel") as command:
        command.until("PENDING")
        clock.sleep_until(clock.now() + 100.0)
        command.interrupt()
        code, out, said = command.end()
    assert (code, "Traceback" in said) == (0, False)
    assert json.loads(out)["status"] == "COMPLETED"
    assert tokens(place) == []


def test_a_refusal_after_an_interrupt_is_told_with_the_state(place: Path) -> None:
    service = Service(default=SLOW, limit=AMPLE, faults=[Fault("cancel", REFUSAL)])
    with (
        serve(service, clock=lambda: START) as emulator,
        typed(emulator, *LONG, "--on-interrupt", "cancel", "--save", "o") as command,
    ):
        command.until("PENDING")
        command.interrupt()
        code, _, said = command.end()
    (token,) = tokens(place)
    assert code == 130
    assert "409 TOO_LATE); the job goes on, and is PENDING now" in said
    assert f"bide resume {token.name} --base-url {emulator.base_url} --save o" in said
    assert json.loads(token.read_text())["job"]["is"] == "Polling"


def written_down(path: Path) -> tuple[str, ...]:
    """The tokens in a journal."""
    with Journal(path) as journal:
        return journal.tokens


HELD = [
    (130, ("SIGINT", "SIGINT"), "interrupted again", (*LONG, "--on-interrupt", "cancel")),
    (143, ("SIGINT", "SIGTERM"), "ended by SIGTERM again", (*LONG, "--on-interrupt", "cancel")),
    (129, ("SIGINT", "SIGHUP"), "ended by SIGHUP again", (*LONG, "--on-interrupt", "cancel")),
    (130, ("SIGINT",), "interrupted", RUN),
    (143, ("SIGTERM",), "ended by SIGTERM", RUN),
]


PLACES: list[tuple[str, ...]] = [(), ("--journal", "jobs")]


@pytest.mark.parametrize(
    ("code", "signals", "says", "words", "journal"),
    [(*held, place) for number, held in enumerate(HELD) for place in (PLACES if WHOLE else PLACES[number % 2 :][:1])],
)
def test_a_job_is_left_alone_when_its_cancellation_is_cut_short(
    place: Path, code: int, signals: tuple[str, ...], says: str, words: tuple[str, ...], journal: tuple[str, ...]
) -> None:
    clock = VirtualClock()
    service = Service(default=SLOW, limit=AMPLE, faults=[Fault("cancel", too_many(30))])
    with serve(service, clock=clock.now) as emulator:
        with typed(emulator, *words, *journal) as command:
            command.until("PENDING")
            for number in signals[:-1]:
                command.send(getattr(signal, number))
            command.until("next look in 30.0 s")
            command.send(getattr(signal, signals[-1]))
            ended, _, said = command.end()
        assert ended == code
        assert f"bide: {says}; the job may go on at the service" in said
        assert "Traceback" not in said
        (token,) = map(Path.read_text, tokens(place)) if not journal else written_down(place / "jobs")
        job = json.loads(token)["job"]
        job = job.get("last", job)
        assert (job["is"], job["not_before"] > job["past"]["since"] + 25.0) == ("Polling", True)
        with Client(emulator.key, dialect=emulator.dialect, clock=clock) as client:
            assert client.wait(client.resume(token, patience=600.0)).id in emulator.service.executions
        assert [seen.kind for seen in emulator.account.seen].count("cancel") == 1


def test_a_submission_that_nobody_has_named_cannot_be_cancelled(place: Path) -> None:
    service = Service(default=SLOW, limit=AMPLE, faults=[Fault("submit", too_many(5))])
    with serve(service, clock=lambda: START) as emulator:
        with typed(emulator, *LONG, "--on-interrupt", "cancel") as command:
            command.until("next look in 5.0 s")
            command.interrupt()
            code, _, said = command.end()
        assert code == 130
        assert "cannot be cancelled" in said
        (token,) = tokens(place)
        assert ask(emulator, "resume", token.name, "--deadline", "0.2", "--on-timeout", "cancel").exit_code == 3
        assert emulator.account.executions == 1


# A service that takes no key and has no cancel


@pytest.fixture
def keyless(place: Path) -> list[str]:
    """The options that speak to the emulated service without an idempotency key, and without a cancel."""
    declaration = Declaration(
        name="keyless",
        base_url="https://api.keyless.example",
        submit=Call("POST", ("/v1/executions",), body={"model": "{model}", "input": "{input}"}),
        poll=Call("GET", ("/v1/executions/{id}",)),
        id=("id",),
        status=("status",),
        phases={"completed": Phase.SUCCEEDED},
    )
    (place / "keyless.json").write_text(write(declaration))
    return ["--dialect", "keyless.json", "--deadline", "0.2", "--pace", "0.05"]


def keylessly(emulator: Emulator, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--base-url", emulator.base_url], env={"BIDE_API_KEY": emulator.key})


def test_a_job_that_nobody_can_cancel_is_kept(place: Path, keyless: list[str]) -> None:
    with serve(slow(), clock=lambda: START) as emulator:
        answer = keylessly(emulator, "run", "m", *keyless, "--on-timeout", "cancel")
        assert status(emulator) is Status.PENDING
    assert answer.exit_code == 4
    assert len(tokens(place)) == 1


def test_a_submission_that_may_have_been_received_is_kept_to_be_looked_for(place: Path, keyless: list[str]) -> None:
    service = Service(default=SLOW, limit=AMPLE, faults=[Fault("submit", Drop("after"))])
    with serve(service, clock=lambda: START) as emulator:
        answer = keylessly(emulator, "run", "m", *keyless)
        (token,) = tokens(place)
        assert answer.exit_code == 4
        assert "it may have been paid for" in answer.stderr
        assert answer.stderr.endswith(f"bide: what was submitted stands in {token.name}\n")
        again = keylessly(emulator, "resume", token.name, *keyless[:2])
        assert (again.exit_code, "may or may not have been received" in again.stderr) == (4, True)
        assert emulator.account.executions == 1
