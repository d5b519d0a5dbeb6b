"""bide over requests: `exchange` sends one request, `Client` is for people.

    with Client(key) as client:
        result = client.run("flux-1.1-pro", {"prompt": "a fox"})
        paths = client.save(result, "pictures")

All that is no I/O is in `bide_transports.client`, and all that decides is in the core.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import requests

import bide
from bide.messages import Reply, Request
from bide.secret import Credential, NoKey, Secret
from bide_transports import client
from bide_transports.arguments import check_kind
from bide_transports.bounded import close_idle
from bide_transports.client import Interrupted, follow, run
from bide_transports.client.core import OnTimeout
from bide_transports.clock import Clock
from bide_transports.requests_exchange import bare_session, exchange, own_session
from bide_transports.sinks import Into
from bide_transports.tapes import Exchange, Tape

__all__ = ["Client", "Exchange", "Interrupted", "exchange", "follow", "run"]


class Client(client.Client):
    """`bide_transports.client.Client` over a session of requests.

    `session` is the caller's own, with its proxies and CA settings; it is left open, and not changed by other threads
    meanwhile. In place of an adapter of requests' own class, a `BoundedAdapter` sends; one of another class is used as
    it is.
    """

    def __init__(
        self,
        key: str | Secret | NoKey | None = None,
        *,
        dialect: bide.Dialect | str = bide.ModelRoute(),
        pace: bide.Pace | float = bide.Growing(),
        patience: bide.Patience | float = bide.Patience(),
        journal: str | Path | None = None,
        on_timeout: OnTimeout = "detach",
        session: requests.Session | None = None,
        clock: Clock | None = None,
        tape: Tape | None = None,
    ) -> None:
        key = Secret.hidden(key)
        check_kind("session", session, requests.Session, "a requests.Session")
        super().__init__(
            key,
            send=self._over_requests,
            dialect=dialect,
            pace=pace,
            patience=patience,
            journal=journal,
            on_timeout=on_timeout,
            clock=clock,
            tape=tape,
        )
        self._own = session is None
        self._api = own_session() if session is None else session
        self._storage = bare_session(self._api)

    def close(self) -> None:
        """Close the connections and the journal; a session of the caller's stays open."""
        if self._own:
            self._api.close()
        close_idle(self._api)
        super().close()

    def _over_requests(
        self, request: Request, credential: Credential, into: Into | None, content: BinaryIO | None, *, home: bool
    ) -> Reply:
        session = self._api if home else self._storage
        return exchange(request, session=session, credential=credential, into=into, content=content)
