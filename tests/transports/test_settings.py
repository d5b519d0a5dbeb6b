"""What a caller sets on a client: taken as it is meant, or refused before anything is sent; the same in both."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import trio

import bide
from bide import Every, Patience
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.errors import InvalidKey, InvalidSetting
from bide_transports import trio as by_trio
from bide_transports.cassette import record
from bide_transports.clock import SystemClock
from bide_transports.emulator import Plan, Service
from bide_transports.emulator.server import serve
from bide_transports.requests import Client
from tests import hostile
from tests.faces import BY_BOTH, KINDS, Kind, called
from tests.transports.clients import FOX, KEY


def run_by(kind: Kind, key: Any = KEY, **settings: Any) -> bide.Result:
    """The result of a job that a client with these settings runs."""
    result: bide.Result = called(kind, {"key": key, **settings}, "run", "flux-1.1-pro", FOX)
    return result


BY_EACH = pytest.mark.parametrize("run", [partial(run_by, kind) for kind in KINDS], ids=KINDS)
Run = Callable[..., bide.Result]
WRONG: list[dict[str, Any]] = [
    *({"pace": value} for value in ("fast", "2", True, None, 0, math.nan, Every, Patience())),
    *({"patience": value} for value in ("long", True, None, 0, math.inf, Patience, Every(2))),
    *({"dialect": value} for value in (None, bide.ModelRoute, named("replicate"), {"name": "acme"})),
    *({"on_timeout": value} for value in ("stop", None, True)),
    *({"clock": value} for value in (7, "now", SystemClock, lambda: 0.0)),
    *({"journal": value} for value in (7, b"jobs", True, ["jobs"], "a\0b")),
    *({"tape": value} for value in ("fox.cassette.jsonl", Path("fox"), record, 7)),
]


@BY_EACH
def test_numbers_are_taken_as_they_are_meant(run: Run) -> None:
    with serve(Service(default=Plan(duration=0.1))) as emulator:
        run(emulator.key, dialect=emulator.dialect, pace=0.05, patience=60)
    assert emulator.account.executions == 1


@BY_EACH
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: re.sub(r" at 0x\w+", "", str(wrong)))
def test_any_other_is_refused_where_the_client_is_made(wrong: dict[str, Any], run: Run) -> None:
    (name,) = wrong
    with serve(Service()) as emulator, pytest.raises(InvalidSetting, match=rf"{name} is .*: give"):
        run(emulator.key, **{"dialect": emulator.dialect, **wrong})
    assert emulator.account.requests == 0


@BY_BOTH
def test_what_belongs_to_the_other_client_is_refused(kind: Kind) -> None:
    async def other_pool() -> by_trio.Pool:
        return by_trio.Pool()

    async def other_clock() -> by_trio.TrioClock:
        return by_trio.TrioClock()

    of_trio = {"session": trio.run(other_pool), "clock": trio.run(other_clock)}
    of_requests = {"pool": requests.Session(), "clock": SystemClock()}
    for name, value in (of_trio if kind == "requests" else of_requests).items():
        with pytest.raises(InvalidSetting, match=rf"{name} is .*: give"):
            run_by(kind, **{name: value})


@BY_EACH
@pytest.mark.parametrize(("name", "meant"), [("replicat", "replicate"), ("open-ai-videos", "openai-videos")])
def test_a_name_that_is_unknown_is_told_with_the_nearest(name: str, meant: str, run: Run) -> None:
    with pytest.raises(InvalidSetting, match=f"dialect is {name!r}, which does not come with bide .*{meant!r}"):
        run(dialect=name)


@BY_EACH
@pytest.mark.parametrize("key", [b"sk_1", 7, True])
def test_a_key_that_is_no_text_is_refused_where_the_client_is_made(key: object, run: Run) -> None:
    with pytest.raises(InvalidKey, match="give it as a text, or None"):
        run(key)


@BY_EACH
@pytest.mark.parametrize("value", ["", " "])
def test_a_key_that_is_missing_is_told_with_the_variable_that_would_hold_it(
    value: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELROUTE_API_KEY", value)
    with serve(Service()) as emulator, pytest.raises(InvalidKey, match=r"no API key.* or set MODELROUTE_API_KEY;"):
        run(None, dialect=emulator.dialect)
    assert emulator.account.requests == 0
    with pytest.raises(InvalidKey, match=r"acme wants one: give Client\(key, ...\);"):
        run(None, dialect=ACME)


@BY_EACH
def test_the_key_is_taken_from_the_variable_of_the_dialect(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Service(default=Plan(duration=0.1))) as emulator:
        monkeypatch.setenv("MODELROUTE_API_KEY", f" {emulator.key}\n")
        run(None, dialect=emulator.dialect, pace=0.05)
    assert emulator.account.executions == 1
    monkeypatch.setenv("MODELROUTE_API_KEY", "two words")
    with pytest.raises(InvalidKey, match=r"^MODELROUTE_API_KEY: the API key .* copy it again"):
        run(None)


@BY_EACH
def test_no_key_is_sent_where_that_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELROUTE_API_KEY", KEY)
    done = hostile.reply(b'{"id": "exec_1", "status": "COMPLETED", "output": "a fox"}')
    with hostile.Server((hostile.read, hostile.send(done))) as gateway:
        assert run(bide.NoKey(), dialect=bide.ModelRoute(gateway.url)).output == "a fox"
    (received,) = gateway.received
    assert hostile.field_of(received, "authorization") is None


ACME = Declared(Declaration("acme", "https://api.acme.example", poll=Call("GET", ("/jobs/{id}",))))
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
