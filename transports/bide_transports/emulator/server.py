"""The service on loopback: real sockets, real threads, and faults on the wire that are really on the wire.

h11 reads the requests. Replies are written by `wire`, in one piece, so that a fault can spoil any byte of them.
One thread accepts; each connection has its own. Needs the h11 package (`bide[trio]`, `bide[cli]` or `bide[pytest]`).
"""

from __future__ import annotations

import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

import h11

from bide.dialects.modelroute import ModelRoute
from bide.messages import Request, Response
from bide.urls import origin
from bide_transports.emulator import wire
from bide_transports.emulator.account import Account
from bide_transports.emulator.faults import Broken, Dribble, Drop, Garbage
from bide_transports.emulator.postman import delivering
from bide_transports.emulator.replies import Refused, problem, stamped
from bide_transports.emulator.service import Service
from bide_transports.emulator.uploads import LARGEST

_LARGEST_HEAD = 64 * 1024  # bytes
_LARGEST_BODY = 1024 * 1024  # bytes, of anything but a file
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator: where it listens, and what is behind it."""

    service: Service
    base_url: str
    storage_url: str

    @property
    def account(self) -> Account:
        """What the service saw so far."""
        return self.service.account

    @property
    def dialect(self) -> ModelRoute:
        """How to speak to it."""
        return self.service.dialect

    @property
    def key(self) -> str:
        """The one API key it knows."""
        return self.service.key


@contextmanager
def serve(service: Service | None = None, *, clock: Callable[[], float] = time.time) -> Generator[Emulator]:
    """Serves `service` on two ephemeral ports of 127.0.0.1 for as long as the context lasts.

    The two ports are two origins, API and storage; the service's own URLs are set to them. `clock` gives seconds
    since the epoch. On leaving, every connection is cut and every thread has ended.
    """
    service = Service() if service is None else service
    with _listener() as api, _listener() as storage:
        service.api_url, service.storage_url = _url(api), _url(storage)
        house = _House(service, clock, {api: service.api_url, storage: service.storage_url})
        with house.open(), delivering(service, clock, house.lock):
            yield Emulator(service, service.api_url, service.storage_url)


def _listener() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.setblocking(False)
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@dataclass(frozen=True, slots=True)
class _House:
    """The service with its doors: each listening socket with the base URL of the origin behind it."""

    service: Service
    clock: Callable[[], float]
    doors: Mapping[socket.socket, str]
    lock: Lock = field(default_factory=Lock)
    closing: Event = field(default_factory=Event)
    guests: dict[socket.socket, Thread] = field(default_factory=dict[socket.socket, Thread])

    @contextmanager
    def open(self) -> Generator[None]:
        """Accepts connections until the context ends."""
        wake, bell = socket.socketpair()
        with wake, bell:
            porter = Thread(target=self._accept, args=(bell,), name="emulator", daemon=True)
            porter.start()
            try:
                yield
            finally:
                self.closing.set()
                wake.send(b"\0")
                porter.join()
                self._show_out()

    def _show_out(self) -> None:
        with self.lock:
            guests = list(self.guests.items())
        for guest, thread in guests:
            with suppress(OSError):
                guest.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _accept(self, bell: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            for listener in (*self.doors, bell):
                selector.register(listener, selectors.EVENT_READ)
            while not self.closing.is_set():
                ready = {key.fileobj for key, _ in selector.select()}
                for listener, base in self.doors.items():
                    if listener in ready:
                        with suppress(OSError):  # gone again before it was let in
                            self._welcome(listener, base)

    def _welcome(self, listener: socket.socket, base: str) -> None:
        guest, _ = listener.accept()
        thread = Thread(target=self._attend, args=(guest, base), name="emulator connection", daemon=True)
        with self.lock:
            self.guests[guest] = thread
        thread.start()

    def _attend(self, guest: socket.socket, base: str) -> None:
        try:
            with suppress(OSError), guest:  # a client may leave at any moment
                guest.setblocking(True)
                guest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._converse(guest, base)
        finally:
            with self.lock:
                del self.guests[guest]

    def _converse(self, guest: socket.socket, base: str) -> None:
        early = b""  # the beginning of the next request, if it came along with this one
        while True:
            reader = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST_HEAD)
            if early:
                reader.receive_data(early)
            try:
                request = _read(guest, reader, base)
            except h11.RemoteProtocolError as error:
                guest.sendall(self._refusal(error))
                guest.shutdown(socket.SHUT_WR)
                _drain(guest)  # closing with bytes unread would reset the reply away (RFC 9112, 9.6)
                return
            if request is None or not self._reply(guest, request, reader.their_state is not h11.DONE):
                return
            early = reader.trailing_data[0]

    def _refusal(self, error: h11.RemoteProtocolError) -> bytes:
        refused = problem(Refused(error.error_status_hint, "BAD_REQUEST", "the request is not acceptable HTTP"))
        reply = stamped(refused, self.clock())
        return wire.whole(reply, "GET", closing=True)

    def _reply(self, guest: socket.socket, request: Request, last: bool) -> bool:
        """Answers, or fails to in the way that was ordered; whether the connection goes on."""
        with self.lock:
            answer = self.service.handle(request, now=self.clock())
        if isinstance(answer, Broken):
            return self._spoil(guest, answer, request) and not last
        self._send(guest, wire.whole(answer, request.method, closing=last), request)
        return not last

    def _send(self, guest: socket.socket, content: bytes, request: Request) -> None:
        place = origin(request.url)
        with self.lock:  # counted first: the client may look as soon as it has the last byte
            self.service.account.sent["storage" if place == origin(self.service.storage_url) else "api"] += (
                wire.carried(content)
            )
        guest.sendall(content)

    def _spoil(self, guest: socket.socket, broken: Broken, request: Request) -> bool:
        reply = broken.reply or Response(200)  # of an unprocessed request nothing is sent
        match broken.wire:
            case Dribble(pause):
                return self._dribble(guest, wire.whole(reply, request.method), pause)
            case Drop(when, reset, after):
                self._send(guest, wire.cut(reply, request.method, when, after), request)
                if reset:
                    guest.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            case Garbage(sent):
                guest.sendall(sent)
            case _:
                _drain(guest)
        return False

    def _dribble(self, guest: socket.socket, content: bytes, pause: float) -> bool:
        for place in range(len(content)):
            guest.sendall(content[place : place + 1])
            if self.closing.wait(pause):
                return False
        return True


def _drain(guest: socket.socket) -> None:
    """Reads until the client hangs up, or the emulator closes."""
    while guest.recv(65536):
        pass


def _read(guest: socket.socket, reader: h11.Connection, base: str) -> Request | None:
    """The next request, or None when the client is done; raises `h11.RemoteProtocolError` for what is none."""
    head, body, largest = None, bytearray(), _LARGEST_BODY
    while True:
        event = reader.next_event()
        if event is h11.NEED_DATA:
            reader.receive_data(guest.recv(65536))
        elif isinstance(event, h11.Request):
            head, largest = event, LARGEST if event.method == b"PUT" else _LARGEST_BODY
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > largest:
                raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
        else:
            return _request(head, body, base) if head is not None and isinstance(event, h11.EndOfMessage) else None


def _request(head: h11.Request, body: bytearray, base: str) -> Request:
    target = head.target.decode("ascii")
    if not target.startswith("/"):
        raise h11.RemoteProtocolError("the target is no path", error_status_hint=400)
    headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers)
    return Request(head.method.decode("ascii"), base + target, headers, bytes(body))
