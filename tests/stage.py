"""A service of any kind on two loopback ports, two origins: the standard library's own server, a thread for each.

with stage(clock.now) as (home, elsewhere, put_on):
    put_on(service)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from threading import Lock, Thread
from typing import Any, Protocol

from bide.messages import Request, Response
from bide_transports.emulator import wire
from bide_transports.emulator.faults import Broken, Drop


class Played(Protocol):
    """What can be put on: an answer to each request, or what happens on the wire instead."""

    def handle(self, request: Request, *, now: float) -> Response | Broken: ...


@contextmanager
def stage(now: Callable[[], float]) -> Generator[tuple[str, str, Callable[[Played], None]]]:
    """The two base URLs, and what puts a service behind both; on leaving, every thread has ended."""
    services: list[Played] = []
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            assert isinstance(self.server, ThreadingHTTPServer)
            url = f"http://127.0.0.1:{self.server.server_port}{self.path}"
            with lock:
                answer = services[-1].handle(Request(self.command, url, tuple(self.headers.items()), body), now=now())
            if isinstance(answer, Response):
                self.wfile.write(wire.whole(answer, self.command))
            else:
                assert isinstance(answer.wire, Drop)
                self.wfile.write(wire.cut(answer.reply or Response(200), self.command, answer.wire.when))
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  the names that the base class looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    with _open(Handler) as home, _open(Handler) as elsewhere:
        yield home, elsewhere, services.append


class _Server(ThreadingHTTPServer):
    """Remembers its connections, so that one which a client keeps alive can be cut, and its thread can end."""

    daemon_threads = False

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self.connections: list[socket] = []
        super().__init__(("127.0.0.1", 0), handler)

    def process_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        if isinstance(request, socket):
            self.connections.append(request)
        super().process_request(request, client_address)

    def cut(self) -> None:
        """End every connection that is still open."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)


@contextmanager
def _open(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    with _Server(handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="stage")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.cut()
