"""A wait that is cut short, by Ctrl-C or a full disk: what is handed out can be gone on with, and is paid for once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.errors import InvalidOrder, JobAbandoned, SaveError
from bide_transports import trio as by_trio
from bide_transports.emulator import Drop, Fault, Plan, Service, VirtualClock
from bide_transports.emulator.server import Emulator, serve
from bide_transports.requests import Client, Interrupted
from tests.faces import BY_BOTH, Kind, face, in_trio
from tests.reactions import Where, reacts
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


FOX = ("flux-1.1-pro", {"prompt": "a fox"})


async def refused(
    kind: Kind, emulator: Emulator, clock: VirtualClock, journal: Path, name: str, *arguments: Any
) -> tuple[str, list[bide.Job]]:
    """How the journal refuses, and the unfinished jobs of the client."""
    async with face(kind, emulator.key, clock, dialect=emulator.dialect, journal=journal) as client:
        with pytest.raises(SaveError) as caught:
            await getattr(client, name)(*arguments)
        return str(caught.value), client.unfinished


def is_not_sent_again(job: bide.Job) -> bool:
    """Whether the job, as it was handed out, tells that nobody knows whether it was received."""
    with Client("sk_any", dialect=KEYLESS, clock=VirtualClock()) as client:
        assert client.resume(bide.dump(job)) == job
        with pytest.raises(InvalidOrder):
            client.resume(job)
    return isinstance(job, bide.Abandoned) and job.reason is bide.Reason.AMBIGUOUS


def test_an_interrupted_submission_under_no_key_is_not_sent_again() -> None:
    client = Client("sk_any", dialect=KEYLESS, clock=Impatient())
    with client, pytest.raises(Interrupted) as caught:
        client.run("m", {})
    assert is_not_sent_again(caught.value.job)
    assert "look for the job at the service before you submit it anew" in str(caught.value)
    assert "resume" not in str(caught.value), "that would only raise"


def test_an_interrupted_submission_under_a_key_tells_how_to_go_on() -> None:
    with Client("sk_any", clock=Impatient()) as client, pytest.raises(Interrupted, match=r"client.resume\(token\)"):
        client.run("m", {})


def test_a_cancelled_submission_under_no_key_is_not_sent_again() -> None:
    async def main() -> bide.Job:
        async with by_trio.Client("sk_any", dialect=KEYLESS) as client:
            with trio.CancelScope() as scope:
                scope.cancel()
                await client.run("m", {})
            (job,) = client.unfinished
            return job

    assert is_not_sent_again(trio.run(main))


def test_a_submission_under_no_key_that_was_only_written_down_is_not_sent_again() -> None:
    with Client("sk_any", dialect=KEYLESS, clock=VirtualClock()) as client:
        token = bide.dump(client.prepare("m", {}))
        job = client.resume(token)
        assert is_not_sent_again(job)
        with pytest.raises(JobAbandoned, match="look for the job at the service"):
            client.wait(job)


class Terminated(VirtualClock):
    """A clock whose `nth` sleep raises something."""

    def __init__(self, nth: int, error: BaseException) -> None:
        super().__init__()
        self.left, self.error = nth, error

    def sleep_until(self, due: float) -> None:
        self.left -= 1
        if not self.left:
            raise self.error
        super().sleep_until(due)


@pytest.mark.parametrize("error", [SystemExit(143), OSError("no more"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("nth", [1, 3])
def test_whatever_ends_a_wait_leaves_the_job_in_unfinished(nth: int, error: BaseException) -> None:
    clock = Terminated(nth, error)
    with (
        serve(Service(), clock=clock.now) as emulator,
        Client(emulator.key, dialect=emulator.dialect, clock=clock) as client,
    ):
        with pytest.raises(type(error)):
            client.run("flux-1.1-pro", {"prompt": "a fox"})
        (job,) = client.unfinished
        assert isinstance(job, bide.Submitting if nth == 1 else bide.Polling)
        assert client.wait(client.resume(bide.dump(job))).files
        assert client.unfinished == []
        assert emulator.account.executions == 1


@reacts(
    Where.HERE,
    "the disk is full when a job is to be written down, and the service has it",
    "told with its id; its last state is in `client.unfinished`",
)
@BY_BOTH
@pytest.mark.parametrize("call", ["run", "submit"])
@in_trio
async def test_a_full_disk_leaves_an_acknowledged_job_in_unfinished(call: str, kind: Kind, tmp_path: Path) -> None:
    clock, journal = VirtualClock(), tmp_path / "jobs"
    with serve(Service(), clock=clock.now) as emulator:
        with file_size_limit(1300):  # bytes: room for one token, not for two
            error, left = await refused(kind, emulator, clock, journal, call, *FOX)
        (job,) = left
        assert isinstance(job, bide.Polling)
        assert f"the job goes on at the service as {job.handle}" in error
        assert "client.unfinished" in error
        assert "nothing is sent" not in error
        with Client(emulator.key, dialect=emulator.dialect, clock=clock, journal=journal) as client:
            assert client.wait(job).files
        assert emulator.account.executions == 1


@BY_BOTH
@pytest.mark.parametrize("call", ["wait", "cancel"])
@in_trio
async def test_a_job_that_has_a_name_is_in_unfinished_wherever_the_disk_is_full(
    call: str, kind: Kind, tmp_path: Path
) -> None:
    clock = VirtualClock()
    with serve(Service(), clock=clock.now) as emulator, file_size_limit(0):
        error, left = await refused(kind, emulator, clock, tmp_path / "jobs", call, "exec_1")
    assert "the job goes on at the service as exec_1" in error
    assert "client.unfinished" in error
    assert [job.handle for job in left] == ["exec_1"]


@reacts(Where.HERE, "the disk is full before a submission", "nothing is sent")
@BY_BOTH
@in_trio
async def test_a_disk_that_is_full_before_leaves_nothing(kind: Kind, tmp_path: Path) -> None:
    clock, journal = VirtualClock(), tmp_path / "jobs"
    with serve(Service(), clock=clock.now) as emulator:
        with file_size_limit(0):
            error, left = await refused(kind, emulator, clock, journal, "submit", *FOX)
        assert "nothing is sent without it" in error
        assert "client.unfinished" not in error
        assert left == []
        assert emulator.account.requests == 0


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


def test_a_prepared_submission_under_no_key_is_sent_once_by_one_client() -> None:
    service = Service(default=Plan(duration=0.1), faults=[Fault("submit", Drop("after"))])
    clock = VirtualClock()
    with serve(service, clock=clock.now) as emulator:
        submission = Call("POST", ("/v1/executions",), body={"model": "{model}", "input": "{input}"})
        dialect = Declared(replace(KEYLESS.declaration, submit=submission), emulator.base_url)
        with Client(emulator.key, dialect=dialect, clock=clock) as client:
            job = client.prepare("m", {})
            for _ in range(3):
                with pytest.raises(JobAbandoned, match="may or may not have been received"):
                    client.wait(job)
        assert emulator.account.executions == 1


def test_a_submission_that_the_journal_refused_was_not_sent_and_can_be(tmp_path: Path) -> None:
    clock = VirtualClock()
    submission = Call("POST", ("/v1/executions",), body={"model": "{model}", "input": "{input}"})
    looks = Call("GET", ("/v1/executions/{id}",))
    with serve(Service(default=Plan(duration=0.1)), clock=clock.now) as emulator:
        declared = replace(KEYLESS.declaration, submit=submission, poll=looks, phases={"completed": Phase.SUCCEEDED})
        dialect = Declared(declared, emulator.base_url)
        with Client(emulator.key, dialect=dialect, clock=clock, journal=tmp_path / "jobs") as client:
            job = client.prepare("flux-1.1-pro", {"prompt": "a fox"})
            with file_size_limit(0), pytest.raises(SaveError, match="nothing is sent"):
                client.wait(job)
            assert emulator.account.requests == 0
            assert client.wait(job).document
        assert emulator.account.executions == 1
