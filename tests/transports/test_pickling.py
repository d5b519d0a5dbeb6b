"""Every exception and every state comes whole out of another process, with all that its class, or a caller's, added."""

from __future__ import annotations

import copy
import inspect
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest

import bide
import bide_transports
from bide.codec import Misfit
from bide.dialects.declared import Declared
from bide.dialects.vendors import named, names
from bide.download import download, in_hand
from bide.errors import BideError, Flaw, InvalidWebhook, JobError
from bide.ticket import Source
from bide.upload import upload
from bide_transports import h11_server
from bide_transports.cassette.divergence import Difference, ReplayDiverged
from bide_transports.emulator import replies
from bide_transports.requests import Interrupted
from bide_transports.signals import Told
from bide_transports.testing.conformance import NonConformant, Outcome, Verdict
from bide_transports.testing.scenarios import SCENARIOS
from bide_transports.wishes import Unheard
from tests.core.test_token import JOBS
from tests.laws import DIALECT, HANDLE, START

JOB = JOBS["Abandoned"]
CHANGED = (Difference("deadline", 60.0, 90.0),)
SPECIAL: dict[type[BaseException], Callable[[], BaseException]] = {  # made of more than a message
    Misfit: lambda: Misfit("job.past", float, "soon"),
    InvalidWebhook: lambda: InvalidWebhook("it came a day late", Flaw.STALE),
    Interrupted: lambda: Interrupted(JOB),
    Told: lambda: Told(signal.SIGTERM),
    Unheard: lambda: Unheard(28, "No space left on device", "stdout"),
    replies.Refused: lambda: replies.Refused(422, "BAD", "no", [{"field": "n"}]),
    h11_server.Refused: lambda: h11_server.Refused(413, "too large"),
    NonConformant: lambda: NonConformant(Outcome(SCENARIOS[0], "mine", Verdict.FAILS, "it waits", (JOB,))),
    ReplayDiverged: lambda: ReplayDiverged(
        "another request", lane="1", step=2, expected=None, actual=None, path="a:3", policy_diff=CHANGED
    ),
}


class Overdue(JobError):
    """An error of a caller's own, made of other things than a message and a job."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"{minutes} minutes too late", JOB)
        self.minutes = minutes


class Stopped(Interrupted):
    """An interrupt of a caller's own."""

    def __init__(self, where: Path) -> None:
        super().__init__(JOB)
        self.where = where


def exceptions() -> Iterator[type[BaseException]]:
    """All classes of exceptions that stand in the two packages."""
    for package in (bide, bide_transports):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            for kind in vars(import_module(module.name)).values():
                if inspect.isclass(kind) and issubclass(kind, BaseException) and kind.__module__ == module.name:
                    yield kind


def sample(kind: type[BaseException]) -> BaseException:
    if issubclass(kind, JobError):
        return kind("stopped waiting", JOB)
    return SPECIAL.get(kind, lambda: kind("what to do next"))()


def twins(value: Any) -> Iterator[Any]:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.loads(pickle.dumps(value, protocol))  # noqa: S301  our own bytes
    yield copy.copy(value)
    yield copy.deepcopy(value)


def with_a_note(error: BaseException) -> BaseException:
    vars(error)["__notes__"] = ["in batch 7"]  # as `add_note` does from Python 3.11 on
    return error


ERRORS = [*map(sample, exceptions()), Overdue(7), Stopped(Path("later"))]
UPLOAD = upload(Source("fox.png", 3, "image/png"), dialect=DIALECT, now=START)
TRANSFERS = {
    "Downloading": download("file_a", dialect=DIALECT, now=START),
    "Downloaded": in_hand("data:text/plain,fox", now=START),
    "Undelivered": download("file_a", dialect=DIALECT, now=START).receive(bide.Response(401), received=0, now=START),
    "Uploading": UPLOAD,
    "NotUploaded": UPLOAD.receive(bide.Response(401), now=START),
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_exception_is_carried_whole(error: BaseException) -> None:
    for twin in twins(with_a_note(error)):
        assert type(twin) is type(error)
        assert (str(twin), twin.args, vars(twin)) == (str(error), error.args, vars(error))


def test_there_are_all_of_them() -> None:
    found = set(map(type, ERRORS))
    assert found >= {BideError, *SPECIAL}
    assert len([kind for kind in found if issubclass(kind, BideError)]) >= 22


@pytest.mark.parametrize("state", [*JOBS.values(), *TRANSFERS.values()], ids=[*JOBS, *TRANSFERS])
def test_a_state_is_carried_whole(state: object) -> None:
    assert state is not None
    for twin in twins(state):
        assert (type(twin), twin) == (type(state), state)


@pytest.mark.parametrize("name", names())
def test_a_declared_dialect_is_carried_whole(name: str) -> None:
    dialect = Declared(named(name), "https://api.vendor.example")
    assert all(twin == dialect for twin in twins(dialect))


def test_an_interrupt_comes_out_of_another_process_with_its_job() -> None:
    code = (
        "import pickle, sys; import bide; from bide_transports.requests import Interrupted\n"
        f"job = bide.watch({HANDLE!r}, dialect=bide.ModelRoute(), now={START})\n"
        "sys.stdout.buffer.write(pickle.dumps(Interrupted(job)))"
    )
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, check=True)
    error = pickle.loads(done.stdout)  # noqa: S301  our own bytes
    assert isinstance(error, Interrupted)
    assert error.job == bide.watch(HANDLE, dialect=DIALECT, now=START)
    assert "may go on at the service" in str(error)
