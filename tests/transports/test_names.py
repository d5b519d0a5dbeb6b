"""Names of hosts: looked up within the time of a request, and refused where they lead into a private network."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

import bide
from bide.dialects.declared import Declared
from bide.messages import Cause, NoResponse, Request, Response
from bide_transports.emulator import VirtualClock
from bide_transports.lookup import PrivateAddress, checked, look_up
from tests.faces import BY_BOTH, Face, Kind, face, in_trio
from tests.hostile import GOOD, SHORT, Server, read, send
from tests.reactions import Where, reacts
from tests.transports.acme import KEYLESS, asked, end, is_done, order, said, why
from tests.wires import BY_EACH, Wire

STALLED, INDOORS = NoResponse(Cause.TIMEOUT, sent=False), NoResponse(Cause.PRIVATE, sent=False)
Resolver = Callable[[Any, Any], list[Any]]
_getaddrinfo = socket.getaddrinfo


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Resolver], None]:
    """Puts another resolver in the place of the system's, for names; figures are read as ever."""

    def place(other: Resolver) -> None:
        def getaddrinfo(
            host: Any,
            port: Any,
            family: int = 0,
            type: int = 0,  # noqa: A002  the interface's own word
            proto: int = 0,
            flags: int = 0,
        ) -> list[Any]:
            name = host.decode() if isinstance(host, bytes) else host
            by_name = name.endswith((".example", ".internal")) and not flags & socket.AI_NUMERICHOST
            return other(host, port) if by_name else _getaddrinfo(host, port, family, type, proto, flags)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return place


def leading_to(*found: str) -> Resolver:
    """A resolver that knows these addresses of every name."""
    return lambda _, port: [
        (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, int(port)))
        for one in found
    ]


def in_turn(*resolvers: Resolver) -> Resolver:
    """One for each look-up, the last for all that follow."""
    left = list(resolvers)
    return lambda host, port: (left.pop(0) if len(left) > 1 else left[0])(host, port)


def failing(error: int) -> Resolver:
    """A resolver with this error for every name."""

    def resolve(*_: Any) -> list[Any]:
        raise socket.gaierror(error, "no answer")

    return resolve


@contextmanager
def hanging(place: Callable[[Resolver], None]) -> Generator[None]:
    """Look-ups that come to no end before the context does."""
    over = threading.Event()

    def hang(*_: Any) -> list[Any]:
        over.wait()
        return []

    place(hang)
    try:
        yield
    finally:
        over.set()


@reacts(
    Where.CONNECTION,
    "the look-up of a name hangs",
    "it is within the timeout of the exchange; nothing was sent, so any request is sent again",
)
@BY_EACH
def test_a_look_up_that_hangs_is_within_the_timeout(wire: Wire, resolver: Callable[[Resolver], None]) -> None:
    for public in (False, True):
        with hanging(resolver):
            request = Request("GET", "https://service.example/1", timeout=SHORT, public=public)
            assert wire(request) == [STALLED]


@BY_EACH
@pytest.mark.parametrize(
    ("error", "cause"), [(socket.EAI_NONAME, Cause.UNRESOLVED), (socket.EAI_AGAIN, Cause.UNREACHABLE)]
)
def test_a_name_that_does_not_exist_is_told_from_one_that_cannot_be_asked_for(
    error: int, cause: Cause, wire: Wire, resolver: Callable[[Resolver], None]
) -> None:
    resolver(failing(error))
    for scheme in ("http", "https"):
        assert wire(Request("POST", f"{scheme}://service.example/1", timeout=20.0)) == [NoResponse(cause, sent=False)]


def test_look_ups_that_hang_are_no_more_than_so_many(resolver: Callable[[Resolver], None]) -> None:
    before = threading.active_count()
    with hanging(resolver):
        for _ in range(40):
            with pytest.raises(TimeoutError):
                look_up("service.example", 80, family=0, timeout=0.001)
        assert threading.active_count() - before <= 32


def test_what_the_resolver_says_is_passed_on(resolver: Callable[[Resolver], None]) -> None:
    resolver(failing(socket.EAI_NONAME))
    with pytest.raises(socket.gaierror):
        look_up("service.example", 80, family=0, timeout=None)
    resolver(leading_to("127.0.0.9", "127.0.0.9", "::1"))
    assert look_up("service.example", 80, family=0, timeout=20) == ["127.0.0.9", "::1"]
    assert look_up("127.0.0.7", 80, family=0, timeout=0) == ["127.0.0.7"]


def test_only_what_is_public_is_connected_to() -> None:
    assert checked(["10.0.0.1", "8.8.8.8"], public=True) == ["8.8.8.8"]
    assert checked(["10.0.0.1"], public=False) == ["10.0.0.1"]
    with pytest.raises(PrivateAddress):
        checked(["10.0.0.1", "::1"], public=True)


@reacts(
    Where.SECRET,
    "a public name, given by the service, that leads into a private network or to this machine",
    "looked up once, and nothing there is connected to",
)
@BY_EACH
@pytest.mark.parametrize("found", [("127.0.0.1",), ("::ffff:127.0.0.1", "127.0.0.1"), ("10.1.2.3", "fd00::7")])
def test_a_name_that_leads_into_a_private_network_is_not_connected_to(
    found: tuple[str, ...], wire: Wire, resolver: Callable[[Resolver], None]
) -> None:
    resolver(leading_to(*found))
    with Server((read, send(GOOD))) as server:
        request = Request("GET", f"http://inside.example:{server.address[1]}/1", timeout=20.0, public=True)
        assert wire(request) == [INDOORS]
    assert server.connections == 0


@BY_EACH
def test_it_is_where_nobody_minds(wire: Wire, resolver: Callable[[Resolver], None]) -> None:
    resolver(leading_to("127.0.0.1"))
    with Server((read, send(GOOD))) as server:
        (came,) = wire(Request("GET", f"http://inside.example:{server.address[1]}/1", timeout=20.0))
    assert isinstance(came, Response)


@reacts(Where.CONNECTION, "a name with several addresses, and nobody at the first", "the next one is tried")
@BY_EACH
def test_each_address_of_a_name_is_tried(wire: Wire, resolver: Callable[[Resolver], None]) -> None:
    resolver(leading_to("127.0.0.2", "127.0.0.3", "127.0.0.1"))
    with Server((read, send(GOOD))) as server:
        (came,) = wire(Request("POST", f"http://jobs.example:{server.address[1]}/1", timeout=20.0))
    assert isinstance(came, Response)
    assert server.connections == 1


@reacts(Where.SECRET, "the same in figures, in any notation (`127.1`)", "not connected to either")
@BY_EACH
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost"])
def test_figures_are_checked_as_well(host: str, wire: Wire) -> None:
    with Server((read, send(GOOD))) as server:
        assert wire(Request("GET", f"http://{host}:{server.address[1]}/1", timeout=20.0, public=True)) == [INDOORS]
    assert server.connections == 0


# -- what becomes of a job whose service has no name for a while -------------------------------------------------------

AT_HOME = replace(KEYLESS, authorization=None)
HERE = leading_to("127.0.0.1")


@asynccontextmanager
async def named(kind: Kind, *replies: bytes) -> AsyncGenerator[tuple[Server, Face]]:
    """A service with a name; each reply ends its connection, so the name is looked up for each request."""
    with Server(*[(read, send(one)) for one in replies]) as server:
        home = Declared(AT_HOME, f"http://jobs.internal:{server.address[1]}")
        async with face(kind, bide.NoKey(), VirtualClock(), dialect=home, pace=bide.Every(10.0)) as client:
            yield server, client


LAST = "Connection: close"


@reacts(
    Where.CONNECTION,
    "the name server does not answer for now (`EAI_AGAIN`)",
    "nothing was sent, so any request is sent again, even a submission without a key; at a first contact four times",
)
@BY_BOTH
@in_trio
async def test_a_name_server_that_is_away_for_a_while(kind: Kind, resolver: Callable[[Resolver], None]) -> None:
    resolver(in_turn(*[failing(socket.EAI_AGAIN)] * 3, HERE, failing(socket.EAI_AGAIN), HERE))
    async with named(kind, said("queued", LAST), said("done", LAST, output="a fox")) as (server, client):
        assert is_done(await end(client, order(client)))
        assert asked(server) == ["POST /jobs", "GET /jobs/7"]
        resolver(failing(socket.EAI_AGAIN))
        job = await end(client, order(client))
    assert why(job) is bide.Reason.UNREACHABLE
    assert job.past.requests == bide.Patience().first_contact


@reacts(Where.CONNECTION, "the host's name does not exist", "at a first contact it ends at once: check the base URL")
@BY_BOTH
@in_trio
async def test_a_name_that_never_was(kind: Kind, resolver: Callable[[Resolver], None]) -> None:
    resolver(failing(socket.EAI_NONAME))
    async with named(kind) as (_, client):
        job = await end(client, order(client))
    assert why(job) is bide.Reason.UNREACHABLE
    assert job.past.requests == 1


@reacts(
    Where.CONNECTION,
    "the name exists no longer, and the service has answered before",
    "a failure like any other: asked again, bounded by `Patience(failures=)` and the deadline",
)
@BY_BOTH
@in_trio
async def test_a_name_that_is_gone_for_a_while(kind: Kind, resolver: Callable[[Resolver], None]) -> None:
    resolver(in_turn(HERE, *[failing(socket.EAI_NONAME)] * 5, HERE))
    async with named(kind, said("queued", LAST), said("done", LAST, output="a fox")) as (server, client):
        assert is_done(await end(client, order(client)))
        assert asked(server) == ["POST /jobs", "GET /jobs/7"]
    resolver(in_turn(HERE, failing(socket.EAI_NONAME)))
    async with named(kind, said("queued", LAST)) as (_, client):
        assert why(await end(client, order(client))) is bide.Reason.FAILURES
