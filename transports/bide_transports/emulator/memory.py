"""The service without a network: the same seam as a transport, in virtual time.

clock = VirtualClock()
network = InMemory(Service(), clock)
while isinstance(job, Waiting):
    clock.sleep_until(job.due)
    job = job.receive(network.exchange(job.request), now=clock.now())
"""

from __future__ import annotations

import math
from dataclasses import replace

from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide.urls import origin
from bide_transports.emulator import wire
from bide_transports.emulator.faults import Broken, Dribble, Drop, Garbage, Hang
from bide_transports.emulator.service import Service

_START = 1893830400.0  # 2030-01-05T08:00:00Z, the day of the samples


class VirtualClock:
    """Time that passes only when told to; seconds since the epoch."""

    def __init__(self, start: float = _START) -> None:
        self._now = start

    def now(self) -> float:
        """The present."""
        return self._now

    def sleep_until(self, due: float) -> None:
        """Jumps to `due`; stays when that is past. Raises `ValueError` for an instant that never comes."""
        if not math.isfinite(due):
            raise ValueError(f"{due} is no instant to sleep until")
        self._now = max(self._now, due)


class InMemory:
    """A transport whose far end is a `Service`; every exchange takes `latency` seconds of the clock.

    The service sees the request half-way. `clock` is a `VirtualClock` of its own unless one is given.
    """

    def __init__(self, service: Service, clock: VirtualClock | None = None, *, latency: float = 0.0) -> None:
        self.service = service
        self.clock = VirtualClock() if clock is None else clock
        self.latency = latency

    def exchange(self, request: Request) -> Reply:
        """The reply, or why there is none, exactly as from a real connection. Moves the clock."""
        started = self.clock.now()
        place = origin(request.url)
        if place not in (origin(self.service.api_url), origin(self.service.storage_url)):
            return NoResponse(Cause.UNRESOLVED, sent=False, detail="there is no such host in memory")
        answer = self.service.handle(self._with_credential(request), now=started + self.latency / 2)
        reply, seconds = _received(answer, request)
        if self.latency + seconds > request.timeout:
            self.clock.sleep_until(started + request.timeout)
            return NoResponse(Cause.TIMEOUT, sent=True, detail=f"no whole reply within {request.timeout:g} s")
        self.clock.sleep_until(started + self.latency + seconds)
        return reply

    def _with_credential(self, request: Request) -> Request:
        if not request.credential or origin(request.url) != origin(self.service.api_url):
            return request
        return replace(request, headers=(*request.headers, ("Authorization", f"Bearer {self.service.key}")))


def _received(answer: Response | Broken, request: Request) -> tuple[Reply, float]:
    """What a client makes of the answer, and how many seconds it takes beyond the latency."""
    match answer:
        case Response():
            return _bounded(answer, request), 0.0
        case Broken(Dribble(pause), Response() as reply):
            return _bounded(reply, request), pause * len(wire.whole(reply, request.method))
        case Broken(Hang()):
            return NoResponse(Cause.TIMEOUT, sent=True), math.inf
        case Broken(Drop("body"), Response() as reply):
            cut, head = "the server cut the connection", replace(reply, body=b"")
            return NoResponse(Cause.RESET, sent=True, detail=cut, head=head), 0.0
        case Broken(Garbage()):
            return NoResponse(Cause.PROTOCOL, sent=True, detail="the status line is no HTTP"), 0.0
        case _:
            return NoResponse(Cause.RESET, sent=True, detail="the server cut the connection"), 0.0


def _bounded(reply: Response, request: Request) -> Reply:
    content = wire.body(reply, request.method)
    if len(content) > request.largest:
        more = f"more than {request.largest} bytes"
        return NoResponse(Cause.TOO_LARGE, sent=True, detail=more, head=replace(reply, body=b""))
    return replace(reply, body=content)
