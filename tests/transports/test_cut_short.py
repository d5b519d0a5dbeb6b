"""A wait that is cut short, by Ctrl-C or a full disk: what is handed out can be gone on with, and is paid for once."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

import bide
from bide.dialects import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.errors import InvalidOrder, SaveError
from bide_transports import trio as by_trio
from bide_transports.emulator import Service, VirtualClock
from bide_transports.emulator.server import serve
from bide_transports.requests import Client, Interrupted
from tests.transports.cli_scene import START, ask, slow, tokens
from tests.transports.disk import file_size_limit

KEYLESS = Declared(
    Declaration(
        name="keyless",
        base_url="https://api.keyless.example",
        submit=Call("POST", ("/jobs",), body="{input}"),
        poll=Call("GET", ("/jobs/{id}",)),
        id=("id",),
        status=("status",),
        phases={"done": Phase.SUCCEEDED},
    )
)


class Impatient(VirtualClock):
    """A clock that is interrupted from the keyboard as soon as it sleeps."""

    def sleep_until(self, due: float) -> None:
        del due
        raise KeyboardInterrupt


def is_not_sent_again(job: bide.Job) -> bool:
    """Whether the job, as it was handed out, tells that nobody knows whether it was received."""
    with Client("sk_any", dialect=KEYLESS, clock=VirtualClock()) as client, pytest.raises(InvalidOrder):
        client.resume(bide.dump(job))
    return isinstance(job, bide.Abandoned) and job.reason is bide.Reason.AMBIGUOUS


def test_an_interrupted_submission_under_no_key_is_not_sent_again() -> None:
    client = Client("sk_any", dialect=KEYLESS, clock=Impatient())
    with client, pytest.raises(Interrupted) as caught:
        client.run("m", {})
    assert is_not_sent_again(caught.value.job)


def test_a_cancelled_submission_under_no_key_is_not_sent_again() -> None:
    async def main() -> bide.Job:
        async with by_trio.Client("sk_any", dialect=KEYLESS) as client:
            with trio.CancelScope() as scope:
                scope.cancel()
                await client.run("m", {})
            (job,) = client.unfinished
            return job

    assert is_not_sent_again(trio.run(main))


def test_a_state_that_the_journal_cannot_hold_is_handed_out_first(tmp_path: Path) -> None:
    clock, journal = VirtualClock(), tmp_path / "jobs"
    with serve(Service(), clock=clock.now) as emulator:
        with Client(emulator.key, dialect=emulator.dialect, clock=clock, journal=journal) as client:
            states = client.follow(client.prepare("flux-1.1-pro", {"prompt": "a fox"}))
            state = next(states)
            with file_size_limit(journal.stat().st_size), pytest.raises(SaveError, match="cannot be kept"):
                for state in states:  # noqa: B007  the last is what counts
                    pass
        assert isinstance(state, bide.Polling)
        with Client(emulator.key, dialect=emulator.dialect, clock=clock, journal=journal) as client:
            assert client.wait(client.resume(bide.dump(state))).handle == state.handle
        assert emulator.account.executions == 1


def test_the_command_puts_what_the_journal_cannot_hold_into_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serve(slow(), clock=lambda: START) as emulator:
        with file_size_limit(2000):  # bytes: room for one token, not for two
            answer = ask(emulator, "run", "flux-1.1-pro", "--pace", "0.05", "--journal", "jobs")
        assert answer.exit_code == 4
        assert "the journal jobs cannot be kept (File too large)" in answer.stderr
        (token,) = tokens(tmp_path)
        (job,) = emulator.service.executions
        assert token.name == f"bide-{job}.json", "the service had named it"
        assert f"go on with: bide resume {token.name}" in answer.stderr
        again = ask(emulator, "resume", token.name, "--journal", "jobs", "--deadline", "0.1", "--on-timeout", "cancel")
        assert again.exit_code == 3
        assert ask(emulator, "resume", "--journal", "jobs").stderr.startswith("bide: nothing is left")
        assert emulator.account.executions == 1
