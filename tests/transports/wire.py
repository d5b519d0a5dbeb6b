"""One request over each transport, for what both must do alike."""

from __future__ import annotations

from typing import Any, Protocol

import pytest
import trio

from bide.messages import Reply, Request
from bide.secret import Credential
from bide_transports.requests_exchange import exchange as exchange_by_requests
from bide_transports.requests_exchange import own_session
from bide_transports.sinks import Into
from bide_transports.trio_pool import Pool
from bide_transports.trio_pool import exchange as exchange_by_trio


class Ask(Protocol):
    """Sends one request over a transport and returns what came of it."""

    def __call__(self, request: Request, *, credential: Credential = (), into: Into | None = None) -> Reply:
        """The reply, or why there is none."""
        ...


def by_requests(request: Request, **options: Any) -> Reply:
    """Over requests, with a session of its own."""
    with own_session() as session:
        return exchange_by_requests(request, session=session, **options)


def by_trio(request: Request, **options: Any) -> Reply:
    """Over trio, with a pool of its own."""

    async def main() -> Reply:
        async with Pool() as pool:
            return await exchange_by_trio(request, pool=pool, **options)

    return trio.run(main)


BY_EACH = pytest.mark.parametrize("ask", [by_requests, by_trio])
