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
from tests.transports.both import OVER_EACH, Call, over_trio
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
    *((InvalidSetting, "save", (RESULT, wrong), {}) for wrong in (None, 7, b"pictures", "a\0b")),
    (InvalidSetting, "save", (RESULT, "pictures"), {"note": "loudly"}),
    *((InvalidSetting, "upload", (wrong,), {}) for wrong in (None, 7, b"fox.png")),
    *((InvalidSetting, "upload", ("fox.png",), {"content_type": wrong}) for wrong in (7, "png", "image/png\r\nx: y")),
    (InvalidSetting, "upload", ("fox.png",), {"note": 7}),
]


@OVER_EACH
@pytest.mark.parametrize(("error", "use", "given", "named"), WRONG, ids=str)
def test_what_cannot_be_meant_is_told_before_anything_is_sent(
    call: Call, error: type[Exception], use: str, given: tuple[Any, ...], named: dict[str, Any], tmp_path: Path
) -> None:
    with serve(Service()) as emulator, pytest.raises(error) as told:
        call({"key": emulator.key, "dialect": emulator.dialect, "journal": tmp_path / "jobs"}, use, *given, **named)
    assert emulator.account.requests == 0
    assert "object has no attribute" not in str(told.value)


def test_a_notice_is_what_was_verified() -> None:
    with pytest.raises(InvalidSetting, match="the notice that `verify` made"):
        over_trio({"key": KEY}, "notify", {"id": "evt_1"})


def test_a_job_that_is_none_is_told_when_it_is_given_and_not_when_it_is_first_asked_for() -> None:
    with by_requests.Client(KEY) as client, pytest.raises(InvalidHandle, match="None is no job"):
        client.follow(None)


@OVER_EACH
def test_a_submission_is_neither_cancelled_nor_sent_to_be_asked_about(call: Call) -> None:
    with serve(Service()) as emulator:
        settings = {"key": emulator.key, "dialect": emulator.dialect}
        job = call(settings, "prepare", "flux", FOX)
        with pytest.raises(InvalidHandle, match="has not named this job"):
            call(settings, "cancel", job)
        with pytest.raises(JobUnfinished, match="the submission is not over yet"):
            call(settings, "result", job)
    assert emulator.account.requests == 0


@OVER_EACH
def test_a_refused_submission_has_a_kind_of_its_own_and_its_handle_is_told(call: Call) -> None:
    with serve(Service(faults=[Fault("submit", bide.Response(422), times=9)])) as emulator:
        settings = {"key": emulator.key, "dialect": emulator.dialect}
        job = call(settings, "submit", "flux", FOX)
        assert (job.handle, job.id) == (None, None)
        with pytest.raises(InvalidHandle, match="stays so where it refused the submission; give the job itself"):
            call(settings, "wait", job.handle)
        with pytest.raises(JobRefused, match=r"the submission failed: HTTP_422"):
            call(settings, "wait", job)
        with pytest.raises(JobRefused):
            call(settings, "run", "flux", FOX)


@OVER_EACH
def test_any_mapping_and_sequence_is_an_input(call: Call) -> None:
    size: dict[str, int] = {"w": 512}
    given = UserDict({"prompt": "a fox", "size": MappingProxyType(size), "tags": ("red", "quick")})
    with serve(Service(default=Plan(duration=0.1))) as emulator:
        settings = {"key": emulator.key, "dialect": emulator.dialect, "pace": 0.05}
        result = call(settings, "run", "flux", given)
        order = call(settings, "prepare", "flux", given).order
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
