"""A service of any kind on two loopback ports, two origins: the standard library's own server, a thread for each.

with stage(clock.now) as (home, elsewhere, put_on):
    put_on(service)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from bide.messages import Request, Response
from bide_transports.emulator import wire
from bide_transports.emulator.faults import Broken, Drop
from bide_transports.testing.fake_loopback import LoopbackHandler, running


class Played(Protocol):
    """What can be put on: an answer to each request, or what happens on the wire instead."""

    def handle(self, request: Request, *, now: float) -> Response | Broken: ...


@contextmanager
def stage(now: Callable[[], float]) -> Generator[tuple[str, str, Callable[[Played], None]]]:
    """The two base URLs, and what puts a service behind both; on leaving, every thread has ended."""
    services: list[Played] = []
    lock = Lock()

    class Handler(LoopbackHandler):
        def answer(self) -> None:
            request = self.request_read()
            with lock:
                answer = services[-1].handle(request, now=now())
            if isinstance(answer, Response):
                self.wfile.write(wire.whole(answer, self.command))
            else:
                assert isinstance(answer.wire, Drop)
                self.wfile.write(wire.cut(answer.reply or Response(200), self.command, answer.wire.when))
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  the names that the base class looks for

    with running(Handler, "stage") as home, running(Handler, "stage") as elsewhere:
        yield home, elsewhere, services.append
