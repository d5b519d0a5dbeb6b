"""What a caller gives the methods of a client: taken as it is meant, or told before anything is sent; the same in both.

The settings of a client are in `test_settings`.
"""

from __future__ import annotations

from collections import UserDict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import bide
from bide.errors import InvalidHandle, InvalidOrder, InvalidSetting, InvalidToken, JobRefused, JobUnfinished
from bide_transports import requests as by_requests
from bide_transports import trio as by_trio
from bide_transports.emulator import Fault, Plan, Service
from bide_transports.emulator.server import serve
from tests.faces import BY_BOTH, Kind, called
from tests.transports.clients import FOX, KEY

RESULT = bide.Result("exec_1")
ASKING = ("wait", "result", "cancel", "follow", "watch", "cancelling")
NO_JOBS = [None, 7, b"exec_1", {"id": "exec_1"}, RESULT, ["exec_1"], Path("exec_1"), "../up"]
WRONG: list[tuple[type[Exception], str, tuple[Any, ...], dict[str, Any]]] = [
    *((InvalidHandle, use, (wrong,), {}) for use in ASKING for wrong in NO_JOBS),
    *((InvalidHandle, "forget", (wrong,), {}) for wrong in (None, "exec_1", 7)),
    *((InvalidToken, "resume", (wrong,), {}) for wrong in (None, 7, {"bide": 1}, RESULT, Path("token"), "exec_1")),
    *((InvalidOrder, use, (None, FOX), {}) for use in ("run", "submit", "prepare")),
    *((InvalidOrder, use, ("flux", wrong), {}) for use in ("run", "submit", "prepare") for wrong in (None, "a fox")),
    *((InvalidOrder, use, ("flux", {"n": {1, 2}}), {}) for use in ("run", "submit", "prepare")),
    *((InvalidOrder, "prepare", ("flux", FOX), {"key": wrong}) for wrong in ("", 7, b"order-17")),
    (InvalidOrder, "prepare", ("flux", FOX), {"metadata": "order 17"}),
    *((InvalidOrder, use, ("flux", FOX), {"webhook_url": 7}) for use in ("submit", "prepare")),
    *((InvalidHandle, "save", (wrong, "pictures"), {}) for wrong in (None, "exec_1", ["file_1"])),
    *((InvalidSetting, "save", (RESULT, wrong), {}) for wrong in (None, 7, b"pictures", "a\0b", "cut \ud83e")),
    *((InvalidSetting, "save", (RESULT, "pictures"), {"note": wrong}) for wrong in ("loudly", None)),
    *((InvalidSetting, "save", (RESULT, "pictures"), {"overwrite": wrong}) for wrong in ("no", None, 1)),
    *((InvalidSetting, "upload", (wrong,), {}) for wrong in (None, 7, b"fox.png")),
    *((InvalidSetting, "upload", ("fox.png",), {"content_type": wrong}) for wrong in (7, "png", "image/png\r\nx: y")),
    *((InvalidSetting, "upload", ("fox.png",), {"note": wrong}) for wrong in (7, None)),
]


@BY_BOTH
@pytest.mark.parametrize(("error", "use", "given", "named"), WRONG, ids=str)
def test_what_cannot_be_meant_is_told_before_anything_is_sent(
    kind: Kind, error: type[Exception], use: str, given: tuple[Any, ...], named: dict[str, Any], tmp_path: Path
) -> None:
    with serve(Service()) as emulator, pytest.raises(error) as told:
        called(
            kind, {"key": emulator.key, "dialect": emulator.dialect, "journal": tmp_path / "jobs"}, use, *given, **named
        )
    assert emulator.account.requests == 0
    assert "object has no attribute" not in str(told.value)


def test_a_notice_is_what_was_verified() -> None:
    with pytest.raises(InvalidSetting, match="the notice that `verify` made"):
        called("trio", {"key": KEY}, "notify", {"id": "evt_1"})


def test_a_job_that_is_none_is_told_when_it_is_given_and_not_when_it_is_first_asked_for() -> None:
    with by_requests.Client(KEY) as client, pytest.raises(InvalidHandle, match="None is no job"):
        client.follow(None)


@BY_BOTH
def test_a_text_in_the_place_of_a_job_is_told_as_one(kind: Kind) -> None:
    with serve(Service()) as emulator, pytest.raises(InvalidHandle, match="'7' is a text: give the job itself"):
        called(kind, {"key": emulator.key, "dialect": emulator.dialect}, "forget", "7")


@BY_BOTH
def test_a_submission_is_neither_cancelled_nor_sent_to_be_asked_about(kind: Kind) -> None:
    with serve(Service()) as emulator:
        settings = {"key": emulator.key, "dialect": emulator.dialect}
        job = called(kind, settings, "prepare", "flux", FOX)
        with pytest.raises(InvalidHandle, match="has not named this job"):
            called(kind, settings, "cancel", job)
        with pytest.raises(JobUnfinished, match="the submission is not over yet"):
            called(kind, settings, "result", job)
    assert emulator.account.requests == 0


@BY_BOTH
def test_a_refused_submission_has_a_kind_of_its_own_and_its_handle_is_told(kind: Kind) -> None:
    with serve(Service(faults=[Fault("submit", bide.Response(422), times=9)])) as emulator:
        settings = {"key": emulator.key, "dialect": emulator.dialect}
        job = called(kind, settings, "submit", "flux", FOX)
        assert (job.handle, job.id) == (None, None)
        with pytest.raises(InvalidHandle, match="stays so where it refused the submission; give the job itself"):
            called(kind, settings, "wait", job.handle)
        with pytest.raises(JobRefused, match=r"the submission failed: HTTP_422"):
            called(kind, settings, "wait", job)
        with pytest.raises(JobRefused):
            called(kind, settings, "run", "flux", FOX)


@BY_BOTH
def test_any_mapping_and_sequence_is_an_input(kind: Kind) -> None:
    size: dict[str, int] = {"w": 512}
    given = UserDict({"prompt": "a fox", "size": MappingProxyType(size), "tags": ("red", "quick")})
    with serve(Service(default=Plan(duration=0.1))) as emulator:
        settings = {"key": emulator.key, "dialect": emulator.dialect, "pace": 0.05}
        result = called(kind, settings, "run", "flux", given)
        order = called(kind, settings, "prepare", "flux", given).order
    assert order.input == {"prompt": "a fox", "size": {"w": 512}, "tags": ["red", "quick"]}
    assert result.id == result.handle


def typed(client: by_requests.Client, job: bide.Job, tags: list[str], size: dict[str, int]) -> bide.Result:
    """Ordinary calls: the type checkers judge them."""
    client.submit("flux", {"tags": tags, "size": size, "rows": (tags, tags), "mixed": [1, "a", None, {"b": tags}]})
    bide.Order("flux", {"tags": tags}, metadata=size)
    client.cancel(job.handle)
    return client.wait(job.handle)


async def typed_async(client: by_trio.Client, job: bide.Job, tags: list[str], size: dict[str, int]) -> bide.Result:
    """The same for trio."""
    await client.submit("flux", {"tags": tags, "size": size})
    await client.cancel(job.handle)
    return await client.wait(job.handle)
