"""A server on loopback that does to each connection what a script says, and the faults every transport must survive.

A script is a sequence of steps; the n-th connection gets the n-th script, and all later ones the last. When
its script is over, a connection is closed in good order.

    with Server([read, send(b"HTTP/1.1 200 OK"), reset], [read, send(GOOD)]) as server:
        ...

`FAULTS` knows nothing of a particular client: any transport can be parametrised over it.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from threading import Event, Lock, Thread
from types import TracebackType
from typing import TypeAlias

from typing_extensions import Self

from bide.messages import Cause, NoResponse, Reply, Response

SHORT = 0.15  # seconds for a whole exchange with a server that is too slow: more than an idle machine needs
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


@dataclass(slots=True)
class Line:
    """One connection, seen from the server; `closing` is set when the server shuts down."""

    sock: socket.socket
    received: list[bytes]
    closing: Event
    early: bytes = b""  # what came after the last request


Step: TypeAlias = Callable[[Line], None]
Script: TypeAlias = Sequence[Step]


def read(line: Line) -> None:
    """Read one request whole, and keep it; the client closing the connection instead ends the script."""
    while (whole := _end(line.early)) is None or len(line.early) < whole:
        more = line.sock.recv(65536)
        if not more:
            raise ConnectionError
        line.early += more
    line.received.append(line.early[:whole])
    line.early = line.early[whole:]


def hear(line: Line) -> None:
    """Wait for the first bytes of whatever comes, and keep none of them."""
    line.sock.recv(65536)


def send(content: bytes) -> Step:
    """Send `content` at once."""
    return lambda line: line.sock.sendall(content)


def dribble(content: bytes, *, every: float = 0.05) -> Step:
    """Send `content` a byte at a time, `every` seconds, until the client hangs up."""

    def step(line: Line) -> None:
        for place in range(len(content)):
            line.sock.sendall(content[place : place + 1])
            if line.closing.wait(every):
                break

    return step


def sip(line: Line, *, every: float = 0.05) -> None:
    """Take in a little at a time, every so many seconds, until the client hangs up."""
    line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    while line.sock.recv(16384) and not line.closing.wait(every):
        pass


def flood(content: bytes) -> Step:
    """Send `content` again and again until the client hangs up."""

    def step(line: Line) -> None:
        while not line.closing.is_set():
            line.sock.sendall(content)

    return step


def wait_for(event: Event) -> Step:
    """Go on once `event` is set."""

    def step(line: Line) -> None:
        while not (event.wait(0.01) or line.closing.is_set()):
            pass

    return step


def tell(event: Event) -> Step:
    """Set `event`."""
    return lambda _: event.set()


def reset(line: Line) -> None:
    """Close with a TCP reset; what is unread or unsent is lost."""
    line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    line.sock.close()


def finish(line: Line) -> None:
    """Close the sending side in good order."""
    line.sock.shutdown(socket.SHUT_WR)


def stall(line: Line) -> None:
    """Say nothing until the client hangs up."""
    while line.sock.recv(65536):
        pass


def forward(to: tuple[str, int]) -> Step:
    """Carry bytes both ways between the client and `to`, as a tunnel through a proxy does."""

    def step(line: Line) -> None:
        with socket.create_connection(to) as far:
            back = Thread(target=_pump, args=(far, line.sock), daemon=True)
            back.start()
            _pump(line.sock, far)
            back.join()

    return step


class Server:
    """Listens on an ephemeral port of 127.0.0.1 for as long as the context lasts.

    `received` holds each whole request in order of arrival, `connections` counts those accepted. With `tls` every
    connection begins with a handshake. On leaving, every connection is cut and every thread has ended.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, scheme: str | None = None) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self._scripts, self._tls = scripts, tls
        self._lock, self._closing = Lock(), Event()
        self._guests: dict[Thread, socket.socket] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address: tuple[str, int] = self._listener.getsockname()
        self.url = f"{scheme or ('https' if tls else 'http')}://127.0.0.1:{self.address[1]}"
        self._porter = Thread(target=self._accept, name="hostile", daemon=True)

    def __enter__(self) -> Self:
        self._porter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with suppress(OSError):
            socket.create_connection(self.address).close()  # closing a listener does not wake whoever accepts on it
        self._porter.join()
        self._listener.close()
        with self._lock:
            guests = list(self._guests.items())
        for thread, guest in guests:
            with suppress(OSError):
                socket.socket.shutdown(guest, socket.SHUT_RDWR)  # below TLS, which would wait for its own goodbye
            thread.join()

    def _accept(self) -> None:
        for number in count():
            guest, _ = self._listener.accept()
            if self._closing.is_set():
                guest.close()
                return
            self.connections += 1
            script = self._scripts[min(number, len(self._scripts) - 1)]
            thread = Thread(target=self._attend, args=(guest, script), name="hostile connection", daemon=True)
            with self._lock:
                self._guests[thread] = guest
            thread.start()

    def _attend(self, guest: socket.socket, script: Script) -> None:
        with suppress(OSError), guest:  # a client may hang up at any moment: that is what most scripts are about
            guest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                self._play(guest, script)
                return
            with self._tls.wrap_socket(guest, server_side=True, do_handshake_on_connect=False) as inner:
                # The record keeps `guest`, whose descriptor moved: the inner one is what can be shut down.
                self._rename(guest, inner)
                inner.do_handshake()
                self._play(inner, script)

    def _rename(self, guest: socket.socket, inner: socket.socket) -> None:
        with self._lock:
            for thread, sock in self._guests.items():
                if sock is guest:
                    self._guests[thread] = inner
        if self._closing.is_set():
            raise ConnectionError

    def _play(self, guest: socket.socket, script: Script) -> None:
        line = Line(guest, self.received, self._closing)
        for step in script:
            step(line)
        if guest.fileno() >= 0:
            socket.socket.shutdown(guest, socket.SHUT_WR)
            stall(line)  # closing with bytes unread would reset the reply away (RFC 9112, 9.6)


def field_of(request: bytes, name: str) -> str | None:
    """The value of a header line in a received request, or None."""
    head = request.partition(b"\r\n\r\n")[0].decode("latin-1")
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    return next((value.strip() for key, _, value in lines if key.lower() == name.lower()), None)


def reply(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """A good reply, with its length."""
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def head(*lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    """The head of a reply, and nothing that is not asked for."""
    return "\r\n".join([status, *lines, "", ""]).encode()


def patiently(trial: Callable[[float], None], timeout: float = SHORT) -> None:
    """Run `trial` with `timeout` seconds and, when it fails, with up to 5: a busy machine may need them.

    Whatever is wrong fails with each of them. The servers here are slow for more than 5 s.
    """
    for seconds in (timeout, 1.0) if timeout < 1.0 else ():
        with suppress(AssertionError):
            trial(seconds)
            return
    trial(max(timeout, 5.0))


def _end(content: bytes) -> int | None:
    """Where the first request in `content` ends, or None when even its head is not whole."""
    top, found, _ = content.partition(b"\r\n\r\n")
    return len(top) + 4 + int(field_of(content, "content-length") or 0) if found else None


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(65536):
            sink.sendall(content)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for an exchange to go wrong: what the server does, and what the transport may answer (any one of them).

    Of a response only status and body count, of the lack of one only cause and `sent`. `timeout` (seconds) and
    `largest` (bytes) belong to the request; where `timeout` is `SHORT`, try it `patiently`.
    """

    name: str
    script: Script
    allowed: tuple[Reply, ...]
    timeout: float = 20.0
    largest: int = 65536

    def allows(self, answer: Reply) -> bool:
        """Whether `answer` is one of those allowed."""
        return any(_same(answer, one) for one in self.allowed)


def _same(a: Reply, b: Reply) -> bool:
    if isinstance(a, Response) and isinstance(b, Response):
        return (a.status, a.body) == (b.status, b.body)
    return isinstance(a, NoResponse) and isinstance(b, NoResponse) and (a.cause, a.sent) == (b.cause, b.sent)


TEXT = b'{"id":"exec_1","status":"PROCESSING"}'
GOOD = reply(TEXT)
EVIL = reply(b'{"id":"exec_1","status":"COMPLETED"}')  # an answer to nobody's question
LONG_TEXT = b" " * 400 + TEXT
BOMB = gzip.compress(bytes(16 * 1024 * 1024))

_CUT = (NoResponse(Cause.RESET, sent=True),)
_NOT_HTTP = (NoResponse(Cause.PROTOCOL, sent=True),)
_SLOW = (NoResponse(Cause.TIMEOUT, sent=True),)
_LARGE = (NoResponse(Cause.TOO_LARGE, sent=True),)
_ANSWER = (Response(200, body=TEXT),)
_CUT_OR_NOT_HTTP = (*_CUT, *_NOT_HTTP)  # some parsers cannot tell a bad chunk from one that is cut
_AGAIN = (read, send(GOOD))  # for whoever keeps the connection
_CHUNKED = head("Transfer-Encoding: chunked")
_MIXED = (100, 103, 102, 199) * 4
_LENGTHLESS = head("Content-Type: application/json", status="HTTP/1.0 200 OK")


def _interim(*statuses: int) -> bytes:
    """Interim replies, each with a header line of its own."""
    return b"".join(head(f"X-Interim: {status}", status=f"HTTP/1.1 {status} Not Yet") for status in statuses)


FAULTS: tuple[Fault, ...] = (
    Fault("reset before the status", (read, reset), _CUT),
    Fault("end before the status", (read,), _CUT),
    Fault("end in the status line", (read, send(b"HTTP/1.1 2")), _CUT_OR_NOT_HTTP),
    Fault("end in the head", (read, send(GOOD[:40])), _CUT),
    Fault("end before the empty line", (read, send(head("X-A: 1")[:-2])), _CUT),
    Fault("end mid body", (read, send(GOOD[:-5])), _CUT),
    Fault("reset mid body", (read, send(GOOD[:-5]), reset), _CUT),
    Fault("end mid chunk", (read, send(_CHUNKED + b"25\r\n" + TEXT[:9])), _CUT),
    Fault("end between chunks", (read, send(_CHUNKED + b"25\r\n" + TEXT + b"\r\n")), _CUT),
    Fault("a chunk size that is no number", (read, send(_CHUNKED + b"zz\r\n" + TEXT + b"\r\n")), _CUT_OR_NOT_HTTP),
    Fault("a chunk size below -1", (read, send(_CHUNKED + b"-5\r\n" + TEXT), stall), _CUT_OR_NOT_HTTP),
    Fault("a chunk size of -1", (read, send(_CHUNKED + b"-1\r\n"), flood(TEXT * 1000)), _CUT_OR_NOT_HTTP),
    Fault("no HTTP", (read, send(b"\x00\xff\xfe this is no HTTP \r\n\r\n")), _NOT_HTTP),
    # A parser that waits for the empty line sees only that the connection ends without one.
    Fault("another protocol", (read, send(b"SSH-2.0-OpenSSH_9.9\r\n")), (*_NOT_HTTP, *_CUT)),
    Fault("a status that is no number", (read, send(head(status="HTTP/1.1 OK 200"))), _NOT_HTTP),
    Fault("a status out of range", (read, send(head("Content-Length: 0", status="HTTP/1.1 99 No"))), _NOT_HTTP),
    Fault("HTTP/2 in words", (read, send(head("Content-Length: 0", status="HTTP/2.0 200 OK"))), _NOT_HTTP),
    Fault("two lengths", (read, send(head("Content-Length: 5", "Content-Length: 37") + TEXT)), _NOT_HTTP),
    Fault("a negative length", (read, send(head("Content-Length: -1") + TEXT)), _NOT_HTTP),
    Fault("a length that is no number", (read, send(head("Content-Length: many") + TEXT)), _NOT_HTTP),
    Fault("a length with a sign", (read, send(head("Content-Length: +37") + TEXT)), _NOT_HTTP),
    Fault(
        "a length and chunks",
        (read, send(head("Content-Length: 3", "Transfer-Encoding: chunked") + b"25\r\n" + TEXT + b"\r\n0\r\n\r\n")),
        _NOT_HTTP,
    ),
    Fault("bytes after the reply", (read, send(GOOD + EVIL), *_AGAIN), _ANSWER),
    Fault("no length, then the end", (read, send(_LENGTHLESS + TEXT)), _ANSWER),
    Fault("no length, and cut", (read, send(_LENGTHLESS + TEXT[:9])), (Response(200, body=TEXT[:9]),)),
    *(
        Fault(f"{status}, then the answer", (read, send(_interim(status) + GOOD), *_AGAIN), _ANSWER)
        for status in (100, 102, 103, 110, 199)
    ),
    Fault("interim replies of all kinds, then the answer", (read, send(_interim(*_MIXED) + GOOD), *_AGAIN), _ANSWER),
    Fault("an interim reply too many", (read, send(_interim(*_MIXED, 103) + GOOD)), _NOT_HTTP),
    Fault("100 once too often", (read, send(_interim(*[100] * 17) + GOOD)), _NOT_HTTP),
    Fault("an interim reply, then the end", (read, send(_interim(103))), _CUT),
    Fault("another protocol than HTTP", (read, send(_interim(101)), stall), _NOT_HTTP),
    Fault("100 without end", (read, flood(head(status="HTTP/1.1 100 Continue") * 100)), _NOT_HTTP),
    Fault("too many header lines", (read, send(head(*(f"X-{n}: 1" for n in range(5001))) + TEXT)), _NOT_HTTP),
    Fault("a header line without end", (read, send(b"HTTP/1.1 200 OK\r\nX-A: "), flood(b"a" * 8192)), _NOT_HTTP),
    Fault("large header lines", (read, send(head(*(f"X-{n}: {'a' * 9000}" for n in range(50))))), _NOT_HTTP),
    Fault("a body without end", (read, send(_LENGTHLESS), flood(b" " * 65536)), _LARGE),
    Fault("chunks without end", (read, send(_CHUNKED), flood(b"400\r\n" + b" " * 1024 + b"\r\n")), _LARGE),
    Fault("a length beyond the limit", (read, send(head("Content-Length: 99999999999")), flood(b" " * 65536)), _LARGE),
    Fault(
        "a gzip bomb",
        (read, send(head("Content-Encoding: gzip", f"Content-Length: {len(BOMB)}") + BOMB), *_AGAIN),
        # Unasked for: a transport that decodes must stop at the limit, one that does not hands on the bytes.
        (*_LARGE, Response(200, body=BOMB)),
        largest=262144,
    ),
    Fault(
        "gzip that is none",
        (read, send(reply(TEXT, "Content-Encoding: gzip")), *_AGAIN),
        (*_NOT_HTTP, *_ANSWER),
    ),
    Fault("never an answer", (read, stall), _SLOW, timeout=SHORT),
    Fault("a slow head", (read, dribble(head(*["X-A: 1"] * 50))), _SLOW, timeout=SHORT),
    Fault(
        "a slow body", (read, send(head(f"Content-Length: {len(LONG_TEXT)}")), dribble(LONG_TEXT)), _SLOW, timeout=SHORT
    ),
    Fault("slow chunks", (read, send(_CHUNKED), dribble(b"1\r\n \r\n" * 50)), _SLOW, timeout=SHORT),
    Fault("slow interim replies", (read, dribble(_interim(100, 103, 102))), _SLOW, timeout=SHORT),
)
