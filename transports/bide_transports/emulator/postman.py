"""Carries the webhooks of a served emulator: real requests, to this machine only."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from socket import SHUT_RDWR
from threading import Event, Lock, Thread

from bide.messages import Request
from bide.urls import address, is_loopback
from bide_transports.emulator.service import Service

_TIMEOUT = 30.0  # seconds within which a receiver must answer (modelroute-api.md, 14.4)
_ROUND = 0.01  # seconds between two looks into the letter box


@contextmanager
def delivering(service: Service, clock: Callable[[], float], lock: Lock) -> Generator[None]:
    """Delivers, one after the other, what is due by `clock`, while the context lasts; `lock` guards the service."""
    postman = _Postman(service, clock, lock)
    thread = Thread(target=postman.work, name="emulator webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        postman.stop()
        thread.join()


class _Postman:
    def __init__(self, service: Service, clock: Callable[[], float], lock: Lock) -> None:
        self._webhooks, self._clock, self._lock = service.webhooks, clock, lock
        self._closing = Event()
        self._connection: HTTPConnection | None = None

    def work(self) -> None:
        """Go round until stopped."""
        while not self._closing.wait(_ROUND):
            with self._lock:
                first, now = self._webhooks.next, self._clock()
                due = self._webhooks.due(now) if first is not None and first <= now else []
            for delivery in due:
                status = self._send(delivery.request)
                with self._lock:
                    self._webhooks.settle(delivery, status, self._clock())

    def stop(self) -> None:
        """Stop, in the middle of a delivery too."""
        self._closing.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(SHUT_RDWR)

    def _send(self, request: Request) -> int | None:
        """The status of the answer, or None for none; nothing goes anywhere but to this machine, unencrypted."""
        place = address(request.url)
        if place is None or place.scheme != "http" or not is_loopback(request.url) or self._closing.is_set():
            return None
        self._connection = connection = HTTPConnection(place.host, place.port, timeout=_TIMEOUT)
        try:
            connection.request("POST", place.target, request.body, dict(request.headers))
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()
