"""Webhooks as the service sends them: which events there are, where they go, when they are tried again.

Nothing here sends anything. Whoever carries the post asks for what is `due`, and tells how each delivery went by
`settle` (modelroute-api.md, 14).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from bide.document import JSON
from bide.messages import Request
from bide.urls import public
from bide_transports.emulator.events import TEST, events, head, payload, sign
from bide_transports.emulator.execution import Execution
from bide_transports.emulator.faults import Late, Lost, Post, Repeated
from bide_transports.emulator.names import name
from bide_transports.emulator.variants import Variants

_RETRIES = {"docs": (120.0, 240.0, 480.0, 960.0, 1800.0), "blog": (60.0, 300.0, 900.0, 1800.0)}  # 16 row 10
_FAILURES = 10  # in a row, after which an endpoint is sent nothing more


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events go, signed with `secret`. One without an id is the `webhook_url` of a single execution."""

    id: str
    url: str
    secret: str = field(repr=False)
    created: float
    events: tuple[str, ...] = ()
    description: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    active: bool = True
    failures: int = 0
    last_success: float | None = None

    def wants(self, kind: str, at: float) -> bool:
        """Whether an event of this kind goes here; no kinds named means all."""
        return self.active and self.created <= at and (not self.events or kind in self.events)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver an event: `request` is to be sent now; `attempt` counts from 1."""

    event: str
    kind: str
    attempt: int
    request: Request
    endpoint: Endpoint
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a delivery: the status it was answered with, None when nothing came back or it was lost."""

    at: float
    event: str
    kind: str
    attempt: int
    url: str
    status: int | None


@dataclass(slots=True)
class Deliveries:
    """The endpoints by id, and the post on its way; `sent` is the account of it. `secret` signs for a `webhook_url`.

    `strike` says what goes wrong with the next delivery.
    """

    executions: Mapping[str, Execution]
    variants: Variants
    seed: int
    secret: str
    strike: Callable[[], Post | None]
    endpoints: dict[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    sent: list[Sent] = field(default_factory=list[Sent])
    _open: dict[str, _Open] = field(default_factory=dict[str, "_Open"])
    _queue: list[tuple[float, int, Delivery]] = field(default_factory=list[tuple[float, int, Delivery]])
    _count: int = 0

    def watch(self, execution: Execution, url: str | None) -> None:
        """Begin to tell of an execution: at its own `url`, if it has one, and at every endpoint."""
        if url is not None or self.endpoints:
            self._open[execution.id] = _Open(execution.id, url)

    @property
    def next(self) -> float | None:
        """When there may be something due (seconds since the epoch); None while nothing is to be expected."""
        untold = (at for one in self._open.values() for at, _ in one.untold(self.executions[one.id]))
        return min([*untold, *(at for at, _, _ in self._queue[:1])], default=None)

    def due(self, now: float) -> list[Delivery]:
        """All that is to be sent at `now`, in order; each is signed as of now."""
        for one in tuple(self._open.values()):
            self._tell(one, self.executions[one.id], now)
        found = list[Delivery]()
        while self._queue and self._queue[0][0] <= now:
            at, _, delivery = heappop(self._queue)
            if delivery.endpoint.id and not self._is_active(delivery.endpoint):
                continue
            match self.strike():
                case Late(seconds):
                    self._push(max(at, now) + seconds, delivery)
                case Lost():
                    self._note(delivery, None, now)
                case Repeated(times):
                    found += [self._signed(delivery, now)] * times
                case None:
                    found.append(self._signed(delivery, now))
        return found

    def settle(self, delivery: Delivery, status: int | None, now: float) -> None:
        """Say how a delivery was answered, None for not at all; what is no 2xx is tried again later."""
        self._note(delivery, status, now)
        good = status is not None and 200 <= status < 300
        known = self.endpoints.get(delivery.endpoint.id)
        if known is not None:
            failures = 0 if good else known.failures + 1
            success = now if good else known.last_success
            active = known.active and failures < _FAILURES
            self.endpoints[known.id] = replace(known, failures=failures, last_success=success, active=active)
        retries = _RETRIES[self.variants.webhook_retries]
        if not good and delivery.attempt <= len(retries):
            again = replace(delivery, attempt=delivery.attempt + 1)
            self._push(now + retries[delivery.attempt - 1], again)

    def test(self, endpoint: Endpoint, now: float) -> None:
        """Send a test event to an endpoint."""
        name = self._name(f"test {self._count}")
        self._begin(endpoint, name, TEST, head(name, TEST, now, self.variants), now)

    def _tell(self, one: _Open, execution: Execution, now: float) -> None:
        for at, kind in list(one.untold(execution)):
            if at <= now:
                one.told.add(kind)
                name = self._name(f"{execution.id} {kind}")
                for endpoint in self._addressees(one, kind, at):
                    self._begin(endpoint, name, kind, payload(execution, name, kind, at, self.variants), at)
        if execution.status(now).terminal:
            del self._open[execution.id]

    def _addressees(self, one: _Open, kind: str, at: float) -> Iterator[Endpoint]:
        if one.url is not None:
            yield Endpoint("", one.url, self.secret, at)
        yield from (endpoint for endpoint in self.endpoints.values() if endpoint.wants(kind, at))

    def _begin(self, endpoint: Endpoint, name: str, kind: str, content: Mapping[str, JSON], at: float) -> None:
        body = json.dumps(content).encode()
        self._push(at, Delivery(name, kind, 1, Request("POST", endpoint.url), endpoint, body))

    def _push(self, at: float, delivery: Delivery) -> None:
        self._count += 1
        heappush(self._queue, (at, self._count, delivery))

    def _signed(self, delivery: Delivery, now: float) -> Delivery:
        stamp = str(int((now + self.variants.skew) // 1))
        headers = (
            ("Content-Type", "application/json"),
            ("User-Agent", "ModelRoute-Webhooks/1.0"),
            ("X-Signature", sign(delivery.endpoint.secret, stamp, delivery.body)),
            ("X-Signature-Timestamp", stamp),
            *delivery.endpoint.headers,
        )
        return replace(delivery, request=Request("POST", delivery.endpoint.url, headers, delivery.body))

    def _is_active(self, endpoint: Endpoint) -> bool:
        known = self.endpoints.get(endpoint.id)
        return known is not None and known.active

    def _note(self, delivery: Delivery, status: int | None, now: float) -> None:
        url = public(delivery.endpoint.url)
        self.sent.append(Sent(now, delivery.event, delivery.kind, delivery.attempt, url, status))

    def _name(self, what: str) -> str:
        return name("evt", self.seed, what)


@dataclass(frozen=True, slots=True)
class _Open:
    """An execution with something left to tell; `url` is its own `webhook_url`, if it has one."""

    id: str
    url: str | None
    told: set[str] = field(default_factory=set[str])

    def untold(self, execution: Execution) -> Iterator[tuple[float, str]]:
        """Its events that nobody was told of, past and to come."""
        return ((at, kind) for at, kind in events(execution) if kind not in self.told)
