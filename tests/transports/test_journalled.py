"""Clients with a journal, and what a wait that times out does: the same over both transports."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trio

import bide
from bide.errors import InvalidToken, JobAbandoned, JobCancelled, SaveError
from bide_transports.emulator import Drop, Fault, Plan, Service, Status, VirtualClock, broken_down, unavailable
from bide_transports.emulator.server import Emulator, serve
from tests.faces import KINDS, Kind, face

FOX = {"prompt": "a fox"}
Ask: TypeAlias = Callable[..., list[Any]]


def asked(kind: Kind, emulator: Emulator, clock: VirtualClock, *script: tuple[Any, ...], **settings: Any) -> list[Any]:
    """What a client says to these calls, each the name of a method and its arguments."""

    async def main() -> list[Any]:
        told: list[Any] = []
        async with face(kind, emulator.key, clock, dialect=emulator.dialect, **settings) as client:
            for name, *arguments in script:
                answer = getattr(client, name)(*arguments)
                told.append(await answer if hasattr(answer, "__await__") else answer)
        return told

    return trio.run(main)


ask = pytest.mark.parametrize("ask", [partial(asked, kind) for kind in KINDS], ids=KINDS)


@ask
def test_what_was_submitted_is_there_after_a_restart(ask: Ask, tmp_path: Path) -> None:
    clock, journal = VirtualClock(), tmp_path / "jobs"
    with serve(Service(), clock=clock.now) as emulator:
        (job,) = ask(emulator, clock, ("submit", "flux-1.1-pro", FOX), journal=journal)
        ((again,),) = ask(emulator, clock, ("resume_all",), journal=journal)
        assert again.handle == job.handle
        (result,) = ask(emulator, clock, ("wait", again), journal=journal)
        ((done,),) = ask(emulator, clock, ("resume_all",), journal=journal)
        assert done.result == result  # not saved yet
        _, paths, left = ask(
            emulator, clock, ("wait", done), ("save", result, tmp_path / "p"), ("resume_all",), journal=journal
        )
        assert len(paths) == 1
        assert left == []
        assert emulator.account.executions == 1
        assert emulator.key not in journal.read_text("utf-8")


@ask
def test_a_job_is_there_until_its_files_are_whole(ask: Ask, tmp_path: Path) -> None:
    clock, journal, pictures = VirtualClock(), tmp_path / "jobs", tmp_path / "p"
    with serve(Service(), clock=clock.now) as emulator:
        (result,) = ask(emulator, clock, ("run", "flux-1.1-pro", FOX), journal=journal)
        stranger = pictures / f"{result.files[0]}.png"
        stranger.mkdir(parents=True)
        ((job,),) = ask(emulator, clock, ("resume_all",), journal=journal)
        with pytest.raises(SaveError, match="a directory of that name stands in the way"):
            ask(emulator, clock, ("wait", job), ("save", result, pictures), journal=journal)
        ((again,),) = ask(emulator, clock, ("resume_all",), journal=journal)
        assert again.handle == result.handle
        stranger.rmdir()
        *_, left = ask(emulator, clock, ("wait", again), ("save", result, pictures), ("resume_all",), journal=journal)
        assert left == []


@ask
def test_a_submission_that_was_cut_short_is_made_once(ask: Ask, tmp_path: Path) -> None:
    clock, journal = VirtualClock(), tmp_path / "jobs"
    faults = (Fault("submit", Drop("after")), Fault("submit", unavailable(), nth=2))  # made, and twice not told of
    with serve(Service(faults=faults), clock=clock.now) as emulator:
        with pytest.raises(JobAbandoned):
            ask(emulator, clock, ("run", "flux-1.1-pro", FOX), journal=journal, patience=bide.Patience(failures=2))
        ((job,),) = ask(emulator, clock, ("resume_all",), journal=journal)
        assert isinstance(job, bide.Submitting)
        (result,) = ask(emulator, clock, ("wait", job), journal=journal)
        assert result.files
        assert emulator.account.executions == 1


@ask
def test_what_failed_is_forgotten_and_what_has_no_files_can_be(ask: Ask, tmp_path: Path) -> None:
    clock, journal = VirtualClock(), tmp_path / "jobs"
    with serve(Service(default=Plan(5, Status.CANCELLED)), clock=clock.now) as emulator:
        with pytest.raises(JobCancelled):
            ask(emulator, clock, ("run", "flux-1.1-pro", FOX), journal=journal)
        assert ask(emulator, clock, ("resume_all",), journal=journal) == [[]]
    with serve(Service(), clock=clock.now) as emulator:
        (job,) = ask(emulator, clock, ("submit", "flux-1.1-pro", FOX), journal=tmp_path / "other")
        assert ask(emulator, clock, ("forget", job), ("resume_all",), journal=tmp_path / "other") == [None, []]


@ask
def test_a_journal_belongs_to_one_service_and_one_place(ask: Ask, tmp_path: Path) -> None:
    clock, journal = VirtualClock(), tmp_path / "jobs"
    with serve(Service(), clock=clock.now) as home, serve(Service(), clock=clock.now) as other:  # never on one port
        ask(home, clock, ("submit", "flux-1.1-pro", FOX), journal=journal)
        with pytest.raises(InvalidToken, match="belongs to"):
            ask(other, clock, ("resume_all",), journal=journal)
        with pytest.raises(SaveError, match="nothing is sent without it"):
            ask(other, clock, ("run", "flux-1.1-pro", FOX), journal=tmp_path / "missing" / "jobs")
        assert other.account.requests == 0


@ask
def test_a_deadline_that_passed_meanwhile_is_a_fresh_one(ask: Ask, tmp_path: Path) -> None:
    clock, journal = VirtualClock(), tmp_path / "jobs"
    with serve(Service(default=Plan(duration=20_000, expires_after=90_000)), clock=clock.now) as emulator:
        settings: dict[str, Any] = {"journal": journal, "patience": bide.Patience(deadline=10_000)}
        ask(emulator, clock, ("submit", "flux-1.1-pro", FOX), **settings)
        clock.sleep_until(clock.now() + 15_000)
        ((job,),) = ask(emulator, clock, ("resume_all",), **settings)
        (result,) = ask(emulator, clock, ("wait", job), **settings)
        assert result.files


@ask
def test_a_job_that_takes_too_long_is_left_alone_or_cancelled(ask: Ask) -> None:
    for choice, ends, kind in (
        ("detach", Status.AWAITING_WEBHOOK, JobAbandoned),
        ("cancel", Status.CANCELLED, JobCancelled),
    ):
        clock = VirtualClock()
        with serve(Service(default=Plan(duration=1000)), clock=clock.now) as emulator:
            with pytest.raises(kind):
                ask(
                    emulator,
                    clock,
                    ("run", "flux-1.1-pro", FOX),
                    patience=bide.Patience(deadline=30),
                    on_timeout=choice,
                )
            (execution,) = emulator.service.executions.values()
            assert execution.status(clock.now()) is ends


@ask
def test_a_cancel_that_came_too_late_gives_the_result(ask: Ask) -> None:
    clock = VirtualClock()
    service = Service(default=Plan(duration=31), faults=(Fault("cancel", broken_down(), times=3),))
    with serve(service, clock=clock.now) as emulator:
        (result,) = ask(
            emulator,
            clock,
            ("run", "flux-1.1-pro", FOX),
            patience=bide.Patience(deadline=30),
            on_timeout="cancel",
        )
        assert result.files
