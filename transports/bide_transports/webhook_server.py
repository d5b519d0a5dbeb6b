"""Receive webhooks in a program without an event loop: an HTTP/1.1 server on threads, for small applications.

    with listening(mailbox.receive, notices.put, port=8099) as url:
        ...

Each connection has a thread of its own, so let no more in than you would give threads to.
"""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from time import monotonic
from typing import Any

from bide_transports.h11_server import Door, Refused
from bide_transports.webhooks import LARGEST, Deliver, Receive

_CHUNK = 65536  # bytes
_TIMEOUT = 10.0  # seconds for each request, from the one before
_PARTING = 1.0  # seconds in which a peer that was refused may read why


@contextmanager
def listening(
    receive: Receive, deliver: Deliver, *, host: str = "127.0.0.1", port: int = 0
) -> Generator[str, None, None]:
    """Serve at `host` and `port` (0: a free one) while the context lasts, and yield the address.

    `deliver` is called with each new notice, in the connection's own thread, before it is answered. Raises
    `OSError` when the port is taken.
    """
    with _Server((host, port), receive, deliver) as server:
        porter = Thread(target=server.serve_forever, args=(0.05,), name="webhooks", daemon=True)
        porter.start()
        try:
            yield f"http://{host}:{server.server_address[1]}/"
        finally:
            server.shutdown()
            porter.join()
            server.show_out()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, place: tuple[str, int], receive: Receive, deliver: Deliver) -> None:
        self._receive, self._deliver = receive, deliver
        self._guests: set[socket.socket] = set()
        super().__init__(place, BaseRequestHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Called by the server, in the connection's own thread."""
        self._guests.add(request)
        try:
            with suppress(OSError, EOFError):  # a peer may leave, or be too slow, at any moment
                _converse(request, self._receive, self._deliver)
        finally:
            self._guests.discard(request)

    def show_out(self) -> None:
        """Cut the connections, so that their threads end; leaving the server's context waits for them."""
        for guest in tuple(self._guests):
            with suppress(OSError):
                guest.shutdown(socket.SHUT_RDWR)


def _converse(guest: socket.socket, receive: Receive, deliver: Deliver) -> None:
    door = Door(LARGEST)
    try:
        going_on = True
        while going_on:
            asked, end = door.receive(), monotonic() + _TIMEOUT
            while asked is None:
                guest.sendall(door.interim())
                asked = door.receive(_read(guest, end))
            answer = receive(asked.method, asked.headers, asked.body)
            if answer.notice is not None:
                deliver(answer.notice)
            guest.sendall(door.reply(answer.status, answer.text))
            going_on = door.release()
    except Refused as refused:
        guest.sendall(door.reply(refused.status, refused.text))
        end = monotonic() + _PARTING
        while _read(guest, end):  # closing with bytes unread would cut the reply off (RFC 9112, 9.6)
            pass


def _read(guest: socket.socket, end: float) -> bytes:
    """What came; raises `TimeoutError` from `end` on."""
    guest.settimeout(max(end - monotonic(), 0.001))
    return guest.recv(_CHUNK)
