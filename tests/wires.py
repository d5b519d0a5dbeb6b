"""The transports under test as one kind of function: exchanges over real sockets, and a job driven by them."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

import pytest
import trio

import bide
from bide.messages import Reply, Request
from bide.secret import Credential
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.emulator import VirtualClock
from bide_transports.requests_exchange import own_session
from bide_transports.sinks import Into
from tests.drivers import DRIVERS

#: A request to send, or something to do between two of them.
Turn: TypeAlias = Request | Callable[[], object]


class Wire(Protocol):
    """Sends requests one after the other, as a client does that keeps its connections; the replies.

    `authorities` is a file of certificates to trust in place of the system's.
    """

    def __call__(
        self, *turns: Turn, credential: Credential = ..., into: Into | None = ..., authorities: Path | None = ...
    ) -> list[Reply]: ...


def by_requests(
    *turns: Turn, credential: Credential = (), into: Into | None = None, authorities: Path | None = None
) -> list[Reply]:
    """Sent by requests."""
    with own_session() as session:
        if authorities is not None:
            session.verify = str(authorities)
        send = partial(over_requests.exchange, session=session, credential=credential, into=into)
        return [send(one) for one in _due(turns)]


def by_trio(
    *turns: Turn, credential: Credential = (), into: Into | None = None, authorities: Path | None = None
) -> list[Reply]:
    """Sent by trio with h11."""

    async def main() -> list[Reply]:
        tls = None if authorities is None else ssl.create_default_context(cafile=str(authorities))
        async with over_trio.Pool(tls=tls) as pool:
            send = partial(over_trio.exchange, pool=pool, credential=credential, into=into)
            return [await send(one) for one in _due(turns)]

    return trio.run(main)


def _due(turns: Iterable[Turn]) -> Iterator[Request]:
    for turn in turns:
        if isinstance(turn, Request):
            yield turn
        else:
            turn()


WIRES: dict[str, Wire] = {"requests": by_requests, "trio": by_trio}
BY_EACH = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)


def in_time(
    wire: Wire,
    asked: Request,
    *,
    credential: Credential = (),
    into: Into | None = None,
    authorities: Path | None = None,
) -> Reply:
    """The reply to one request: nothing takes longer than it may."""
    began = time.monotonic()
    (came,) = wire(asked, credential=credential, into=into, authorities=authorities)
    assert time.monotonic() - began < 2 * asked.timeout
    return came


def watched(wire: Wire, url: str, patience: bide.Patience) -> bide.Job:
    """The end of a job of ModelRoute's at `url`, driven over this wire on a virtual clock."""
    clock = VirtualClock()
    (name,) = (name for name, one in WIRES.items() if one is wire)
    job = bide.watch("exec_1", dialect=bide.ModelRoute(url), now=clock.now(), patience=patience)
    return DRIVERS[name](job, (), clock)[-1]
