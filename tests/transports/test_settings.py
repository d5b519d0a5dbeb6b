"""What a caller sets on a client: taken as it is meant, or refused before anything is sent; the same in both."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import trio

import bide
from bide import Every, Patience
from bide.dialects import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.errors import InvalidKey, InvalidSetting
from bide_transports import trio as by_trio
from bide_transports.emulator import Plan, Service
from bide_transports.emulator.server import serve
from bide_transports.requests import Client
from tests import hostile
from tests.transports.clients import FOX, KEY


def run_by_requests(key: Any = KEY, **settings: Any) -> bide.Result:
    """The result of a job that a client with these settings runs."""
    with Client(key, **settings) as client:
        return client.run("flux-1.1-pro", FOX)


def run_by_trio(key: Any = KEY, **settings: Any) -> bide.Result:
    """The same by the client for trio."""

    async def main() -> bide.Result:
        async with by_trio.Client(key, **settings) as client:
            return await client.run("flux-1.1-pro", FOX)

    return trio.run(main)


BY_EACH = pytest.mark.parametrize("run", [run_by_requests, run_by_trio])
Run = Callable[..., bide.Result]
WRONG: list[dict[str, Any]] = [
    *({"pace": value} for value in ("fast", "2", True, None, 0, math.nan, Every, Patience())),
    *({"patience": value} for value in ("long", True, None, 0, math.inf, Patience, Every(2))),
    *({"dialect": value} for value in ("modelroute", None, bide.ModelRoute)),
    *({"on_timeout": value} for value in ("stop", None, True)),
]


@BY_EACH
def test_numbers_are_taken_as_they_are_meant(run: Run) -> None:
    with serve(Service(default=Plan(duration=0.1))) as emulator:
        run(emulator.key, dialect=emulator.dialect, pace=0.05, patience=60)
    assert emulator.account.executions == 1


@BY_EACH
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_any_other_is_refused_where_the_client_is_made(wrong: dict[str, Any], run: Run) -> None:
    (name,) = wrong
    with serve(Service()) as emulator, pytest.raises(InvalidSetting, match=rf"{name} is .*: give"):
        run(emulator.key, **{"dialect": emulator.dialect, **wrong})
    assert emulator.account.requests == 0


@BY_EACH
@pytest.mark.parametrize("key", [b"sk_1", 7, True])
def test_a_key_that_is_no_text_is_refused_where_the_client_is_made(key: object, run: Run) -> None:
    with pytest.raises(InvalidKey, match="give it as a text, or None"):
        run(key)


RENDERER = Declared(
    Declaration(
        name="renderer",
        base_url="http://renderer:8188",
        authorization=None,
        submit=Call("POST", ("/jobs",), body="{input}"),
        poll=Call("GET", ("/jobs/{id}",)),
        id=("id",),
        status=("status",),
        phases={"done": Phase.SUCCEEDED},
        output=("picture",),
    )
)


@BY_EACH
@pytest.mark.parametrize("key", [None, KEY])
def test_a_service_nearby_that_wants_no_key_is_sent_none(
    key: str | None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = hostile.reply(b'{"id": "7", "status": "done", "picture": "a fox"}')
    with hostile.Server((hostile.read, hostile.send(done))) as proxy:
        for name in ("http_proxy", "no_proxy"):
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert run(key, dialect=RENDERER).output == "a fox"
    (received,) = proxy.received
    assert received.startswith(b"POST http://renderer:8188/jobs HTTP/1.1\r\n")
    assert KEY.encode() not in received
    assert hostile.field_of(received, "authorization") is None


@pytest.mark.parametrize("patience", ["long", True, 0, Every(2)])
def test_a_patience_for_one_job_is_checked_as_well(patience: Any) -> None:
    with Client(KEY) as client:
        with pytest.raises(InvalidSetting, match=r"patience is .*: give"):
            client.prepare("flux-1.1-pro", FOX, patience=patience)
        with pytest.raises(InvalidSetting, match=r"patience is .*: give"):
            client.resume(client.watch("exec_1"), patience=patience)
        assert client.prepare("flux-1.1-pro", FOX, patience=90).terms.patience == Patience(deadline=90)


@pytest.mark.parametrize(
    "wrong", [{"size": "8"}, {"size": 1.5}, {"size": True}, {"idle": -1}, {"idle": "4"}, {"idle": math.nan}], ids=str
)
def test_a_pool_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(InvalidSetting, match=rf"{name} is .*: give"):
        by_trio.Pool(**wrong)
