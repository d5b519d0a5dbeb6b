"""What is particular to the client over requests: interrupts, advice, sessions, its clock; in virtual time."""

from __future__ import annotations

import ast
import inspect
import textwrap
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import pytest
import requests

import bide
from bide import Every, Patience
from bide.errors import (
    JobAbandoned,
    JobUnfinished,
    PollingAdvice,
)
from bide_transports import requests as transport
from bide_transports.bounded import BoundedAdapter
from bide_transports.clock import SystemClock
from bide_transports.emulator import (
    Drop,
    Fault,
    Limit,
    Variants,
    VirtualClock,
)
from bide_transports.emulator.server import Emulator, serve
from bide_transports.requests import Client, Interrupted
from tests.hostile import Server, field_of, head, read, reply, send, stall, tell
from tests.transports.clients import FOX, KEY, service, two_hosts


@contextmanager
def house(
    *faults: Fault,
    variants: Variants = Variants(),
    limit: Limit = Limit(),
    clock: VirtualClock | None = None,
    pace: bide.Pace = Every(2.0),
    patience: Patience = Patience(),
    session: requests.Session | None = None,
) -> Generator[tuple[Emulator, Client]]:
    """An emulator on loopback and a client of it; both live in the time of `clock`, so nobody waits."""
    clock = clock or VirtualClock()
    with (
        serve(service(*faults, variants=variants, limit=limit), clock=clock.now) as emulator,
        Client(
            emulator.key,
            dialect=bide.ModelRoute(emulator.base_url),
            pace=pace,
            patience=patience,
            session=session,
            clock=clock,
        ) as client,
    ):
        yield emulator, client


# -- interrupts --------------------------------------------------------------------------------------------------------


class Impatient(VirtualClock):
    """A clock that is interrupted from the keyboard while it sleeps for the `nth` time."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self.left = nth

    def sleep_until(self, due: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        super().sleep_until(due)


@pytest.mark.parametrize("nth", [1, 2, 3, 10])
def test_an_interrupt_loses_nothing(nth: int) -> None:
    with house(Fault("submit", Drop("after")), clock=Impatient(nth)) as (emulator, client):
        with pytest.raises(Interrupted) as caught:
            client.run("good", FOX)
        job = caught.value.job
        assert isinstance(job, bide.Submitting if nth <= 2 else bide.Polling)
        assert emulator.account.requests == nth - 1
        assert "bide.dump" in str(caught.value)
        assert (job.handle or "the submission") in str(caught.value)
        with Client(emulator.key, dialect=bide.ModelRoute(emulator.base_url), clock=client.clock) as other:
            assert other.wait(other.resume(bide.dump(job))).files
    assert emulator.account.executions == 1


def test_an_interrupt_is_one_to_whoever_knows_no_bide() -> None:
    with house(clock=Impatient(3)) as (_, client), pytest.raises(KeyboardInterrupt):
        client.run("good", FOX)


# -- the vendor's advice -----------------------------------------------------------------------------------------------


def test_the_advice_comes_once_with_the_hundred_and_first_job_of_a_day() -> None:
    with house() as (_, client), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(100):
            client.run("short", FOX)
        assert caught == []
        for _ in range(102):
            client.run("short", FOX)
    assert [warning.category for warning in caught] == [PollingAdvice]
    assert "webhook" in str(caught[0].message)


@pytest.mark.parametrize("method", ["run", "result"])
def test_the_advice_points_at_the_line_that_started_the_job(method: str) -> None:
    with house() as (_, client):
        for _ in range(100):
            client.run("short", FOX)
        job = client.submit("short", FOX)
        with pytest.warns(PollingAdvice) as caught, suppress(JobUnfinished):
            client.run("short", FOX) if method == "run" else client.result(str(job.handle))
    assert caught[0].filename == __file__


# -- sessions, and what never leaves for the storage host --------------------------------------------------------------


def test_the_own_session_is_closed_and_only_that() -> None:
    closed = Event()
    pending = reply(b'{"id":"exec_1","status":"PENDING"}')
    with Server((read, send(pending), stall, tell(closed))) as server:
        with Client(KEY, dialect=bide.ModelRoute(server.url)) as client:
            client.submit("good", FOX)
            assert not closed.is_set()
        assert closed.wait(10)


def test_what_was_opened_in_place_of_a_callers_adapters_is_closed() -> None:
    closed = Event()
    pending = reply(b'{"id":"exec_1","status":"PENDING"}')
    with Server((read, send(pending), stall, tell(closed))) as server, requests.Session() as session:
        with Client(KEY, dialect=bide.ModelRoute(server.url), session=session) as client:
            client.submit("good", FOX)
            assert not closed.is_set()
        assert closed.wait(10)


def test_a_callers_session_is_left_open() -> None:
    pending = reply(b'{"id":"exec_1","status":"PENDING"}')
    with Server((read, send(pending)) * 2) as server, requests.Session() as session:
        session.mount("http://", BoundedAdapter())
        with Client(KEY, dialect=bide.ModelRoute(server.url), session=session) as client:
            client.submit("good", FOX)
        session.get(server.url, timeout=10)
    assert server.connections == 1


def visitor(server: Server, session: requests.Session | None = None) -> Client:
    return Client(KEY, dialect=bide.ModelRoute(server.url), session=session, clock=VirtualClock())


def test_what_a_caller_adds_to_the_session_goes_to_the_api_only(tmp_path: Path) -> None:
    with two_hosts() as (server, storage), requests.Session() as session:
        session.headers["X-Api-Key"] = "mine"
        session.cookies.update({"id": "me"})  # pyright: ignore[reportUnknownMemberType]
        session.auth = ("someone", "else")
        client = visitor(server, session)
        client.save(client.run("good", FOX), tmp_path)
    (fetched,) = storage.received
    assert fetched.startswith(b"GET /f?sig=secret HTTP/1.1\r\n")
    assert [field_of(fetched, name) for name in ("x-api-key", "cookie", "authorization")] == [None] * 3
    for request in server.received:
        assert field_of(request, "x-api-key") == "mine"
        assert field_of(request, "cookie") == "id=me"
        assert field_of(request, "authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize("trusting", [True, False])
def test_the_proxies_of_the_environment_serve_both_hosts_or_neither(
    trusting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = (read, send(head(status="HTTP/1.1 403 Forbidden")))
    dialect = bide.ModelRoute("https://api.invalid", storage_hosts=("storage.invalid",))
    with Server(refusing) as proxy, requests.Session() as session:
        monkeypatch.setenv("https_proxy", proxy.url)
        session.trust_env = trusting
        client = Client(KEY, dialect=dialect, session=session, clock=VirtualClock())
        with pytest.raises(JobAbandoned, match="the proxy let nothing through" if trusting else "host"):
            client.run("good", FOX)
        client.exchange(dialect.stored("https://storage.invalid/f"))
    targets = {request.split(b" ")[1] for request in proxy.received}
    assert targets == ({b"api.invalid:443", b"storage.invalid:443"} if trusting else set())


# -- thin drivers, a true clock ----------------------------------------------------------------------------------------


def lines_of_code(function: Callable[..., object]) -> int:
    """The lines of a function without its docstring, comments and empty lines."""
    source = textwrap.dedent(inspect.getsource(function))
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.FunctionDef)
    text = tree.body[0]
    docstring = range(text.lineno, (text.end_lineno or text.lineno) + 1) if ast.get_docstring(tree) else ()
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") for at, line in lines if at not in docstring)


def test_the_drivers_are_thin() -> None:
    assert lines_of_code(transport.follow) + lines_of_code(transport.run) <= 12
    assert lines_of_code(transport.exchange) <= 40


def test_the_clock_sleeps_until_due_and_no_less() -> None:
    clock = SystemClock()
    due = clock.now() + 0.005
    clock.sleep_until(due)
    assert clock.now() >= due


def test_the_clock_does_not_sleep_for_what_is_past() -> None:
    clock = SystemClock()
    began = time.monotonic()
    for due in (clock.now(), clock.now() - 3600, 0.0):
        clock.sleep_until(due)
    assert time.monotonic() - began < 60


def test_the_clock_tells_whole_milliseconds_near_the_wall_clocks() -> None:
    clock = SystemClock()
    assert abs(clock.now() - time.time()) < 60
    assert all(at == round(at, 3) for at in (clock.now() for _ in range(100)))
