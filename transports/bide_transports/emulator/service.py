"""A ModelRoute service in a box: what it answers is a function of the request, the time, and what it saw before.

It reads no clock and opens no socket. Time is `now`, seconds since the epoch, and never goes back. Webhooks lie ready
in `Service.webhooks` for whoever carries them. A request passes, in this order: the faults that were ordered, the rate
limit, the key, the endpoint; then the account notes what became of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import cast

from bide.dialects.modelroute import ModelRoute
from bide.messages import Request, Response
from bide.urls import host
from bide_transports.emulator.account import Account, Seen, told
from bide_transports.emulator.deliveries import Deliveries
from bide_transports.emulator.endpoints import Endpoints
from bide_transports.emulator.execution import Execution, Plan
from bide_transports.emulator.faults import Broken, Deed, Fault, Kind, Masked, Post, untouched
from bide_transports.emulator.limits import Limit, Window
from bide_transports.emulator.replies import Refused, problem, stamped
from bide_transports.emulator.routes import Call, read
from bide_transports.emulator.uploads import Uploads
from bide_transports.emulator.variants import Variants

# Made up, in the documented shape (modelroute-api.md, 3).
KEY = f"sk_{'0' * 64}_{zlib.crc32(b'0' * 64):08x}"
WEBHOOK_SECRET = f"whsec_{'0' * 48}"
API_URL = "https://api.modelroute.test"
STORAGE_URL = "https://storage.modelroute.test"


class Service:
    """The service, its executions, and the account of what it saw.

    `plans` says what the runs of each model do, `default` those of all others. `seed` changes every id.
    `api_url` and `storage_url` are the two origins, without a slash at the end; whoever learns them late may set
    them before the first request. Not thread-safe: one request at a time.
    """

    key = KEY

    def __init__(
        self,
        *,
        plans: Mapping[str, Plan] = MappingProxyType({}),
        default: Plan = Plan(),
        variants: Variants = Variants(),
        limit: Limit = Limit(),
        faults: Iterable[Fault] = (),
        seed: int = 0,
        api_url: str = API_URL,
        storage_url: str = STORAGE_URL,
    ) -> None:
        self.api_url, self.storage_url = api_url, storage_url
        self.variants, self.limit = variants, limit
        self.account = Account()
        executions: dict[str, Execution] = {}
        self.webhooks = Deliveries(executions, variants, seed, WEBHOOK_SECRET, self._mislay)
        uploads = Uploads(variants, self.account, seed)
        self._endpoints = Endpoints(plans, default, variants, self.account, seed, self.webhooks, uploads, executions)
        self._windows: dict[bool, Window] = {}  # whether the key was good -> its window
        self._faults: list[tuple[Fault, int]] = []
        self.inject(*faults)

    @property
    def dialect(self) -> ModelRoute:
        """How to speak to this service, its storage host included."""
        return ModelRoute(self.api_url, storage_hosts=(host(self.storage_url),))

    @property
    def executions(self) -> Mapping[str, Execution]:
        """Every execution by id, in the order of submission."""
        return MappingProxyType(self._endpoints.executions)

    def inject(self, *faults: Fault) -> None:
        """Adds faults; each counts the requests it matches from now on."""
        self._faults += [(fault, 0) for fault in faults]

    def handle(self, request: Request, *, now: float) -> Response | Broken:
        """The reply to `request`, or what happens on the wire instead of one.

        Raises `ValueError` when the request is addressed to neither of the two origins.
        """
        call = read(request, self.api_url, self.storage_url)
        deed = cast("Deed | None", self._strike(call.kind))
        answer, window = self._process(call, now) if deed is None else (self._struck(deed, call, now), None)
        self.account.seen.append(self._seen(call, answer, window, now))
        return answer

    def _mislay(self) -> Post | None:
        return cast("Post | None", self._strike("delivery"))

    def _strike(self, kind: Kind) -> Deed | Post | None:
        """Counts the request for every fault it matches; the first that strikes has its way."""
        if not self._faults:
            return None
        self._faults = [(fault, count + fault.matches(kind)) for fault, count in self._faults]
        deed = next((one.deed for one, count in self._faults if one.matches(kind) and one.strikes(count)), None)
        self._faults = [(fault, count) for fault, count in self._faults if count + 1 < fault.nth + fault.times]
        return deed

    def _struck(self, deed: Deed, call: Call, now: float) -> Response | Broken:
        own = None if untouched(deed) else self._process(call, now)[0]
        match deed:
            case Response() | Masked():
                given = deed.answer if isinstance(deed, Masked) else deed
                return stamped(given, now + self.variants.skew)
            case wire:
                return Broken(wire, own)

    def _process(self, call: Call, now: float) -> tuple[Response, Window | None]:
        at = now + self.variants.skew
        if call.origin == "storage":
            return stamped(self._endpoints.stored(call, now), at), None
        trusted = _bearer(call.headers.get("authorization")) == self.key
        window = self._windows[trusted] = self.limit.take(self._windows.get(trusted), now)
        try:
            reply = self._admitted(call, trusted, window, now)
        except Refused as refused:
            reply = problem(refused, f"req_{self.account.requests:08x}" if self.variants.request_id else None)
        allow = [("Allow", ", ".join(call.allowed))] if reply.status == 405 else []
        return stamped(reply, at, [*window.headers(self.variants, now), *allow]), window

    def _admitted(self, call: Call, trusted: bool, window: Window, now: float) -> Response:
        if not window.admitted:
            raise Refused(429, "RATE_LIMITED", "slow down")
        if not trusted:
            raise Refused(401, "UNAUTHORIZED", "the API key is missing or unknown")
        return self._endpoints.answer(call, self.storage_url, now)

    def _seen(self, call: Call, answer: Response | Broken, window: Window | None, now: float) -> Seen:
        reply = answer if isinstance(answer, Response) else None
        # A used-up window without its Reset tells the client nothing.
        shown = window if self.variants.reset != "none" else None
        return Seen(
            at=now,
            origin=call.origin,
            kind=call.kind,
            method=call.method,
            path=call.path,
            key=call.headers.get("idempotency-key"),
            credential=call.credential,
            status=None if reply is None else reply.status,
            remaining=None if window is None else window.remaining,
            told=None if reply is None else told(reply, shown, now, self.variants.skew),
        )


def _bearer(authorization: str | None) -> str | None:
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None
