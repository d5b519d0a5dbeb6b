"""A fake server on a port of 127.0.0.1: the same answers as bytes, for programs that bring their own client.

Inside it speaks of the real address; at the door that is exchanged for the port's, in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from threading import Lock, Thread
from typing import Any, TypeAlias

from bide.dialect import Dialect
from bide.messages import Reply, Request, Response
from bide_transports.emulator import wire
from bide_transports.testing.fake_addresses import arrived, base_of, path, returned, site

Answer: TypeAlias = Callable[[Request, Dialect, float], Reply]


@contextmanager
def serving(answer: Answer, dialect: Dialect, clock: Callable[[], float]) -> Generator[str]:
    """The base URL for as long as the context lasts; on leaving, every connection is cut and every thread has ended."""
    lock, home = Lock(), site(base_of(dialect))

    class Handler(LoopbackHandler):
        def answer(self) -> None:
            request = self.request_read()
            port = site(request.url)
            with lock:
                reply = returned(answer(arrived(request, port, home), dialect, clock()), home, port)
            if isinstance(reply, Response):
                self.wfile.write(wire.whole(reply, self.command, closing=True))
            # One that is dropped must not look like a connection that the server had forgotten: those are replaced.
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815  the names that are looked for

    with running(Handler, "fake server") as address:
        yield f"{address}{path(base_of(dialect))}"


class LoopbackHandler(BaseHTTPRequestHandler):
    """Reads what comes over one connection, and says nothing of it on stderr."""

    protocol_version = "HTTP/1.1"
    timeout = None

    def request_read(self) -> Request:
        """The request with its body, as it is addressed to this port."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        host, port = self.connection.getsockname()
        return Request(self.command, f"http://{host}:{port}{self.path}", tuple(self.headers.items()), body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@contextmanager
def running(handler: type[LoopbackHandler], name: str) -> Generator[str]:
    """The address of a port of 127.0.0.1 that such handlers answer at, each in a thread; the port's is called `name`.

    On leaving, every connection is cut and every thread has ended.
    """
    with _Server(handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name=name)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.cut()


class _Server(ThreadingHTTPServer):
    """Remembers its connections: one that a client keeps alive is cut, so that its thread ends."""

    daemon_threads = False

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self.connections: list[socket] = []
        super().__init__(("127.0.0.1", 0), handler)

    def process_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        if isinstance(request, socket):
            self.connections.append(request)
        super().process_request(request, client_address)

    def cut(self) -> None:
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)
