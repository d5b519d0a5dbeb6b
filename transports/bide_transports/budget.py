"""A blocking socket whose timeout is a budget, and which hears what the server says while a request goes out.

http.client sends a whole request before it reads. A server may answer before it has read the whole (413, 401) and then
close, or read no further (RFC 9112, 9.5): what it said is kept, and sending ends as if the pipe were broken, after
which urllib3 reads the reply. Only a file goes on after a success, which is none before the file is there.
"""

from __future__ import annotations

import io
import time
from ssl import SSLEOFError, SSLWantReadError, SSLWantWriteError
from typing import TYPE_CHECKING, Any

from urllib3.util import Timeout
from urllib3.util.wait import wait_for_socket

from bide_transports.flow import WHOLE, Flow
from bide_transports.header_lines import LARGEST_HEAD, Heads, NotHTTP

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_IDLE = 4.0  # seconds that a connection may lie idle: some load balancers forget it after five
_CHUNK = 65536  # bytes
_WOULD_BLOCK = (BlockingIOError, SSLWantReadError, SSLWantWriteError)


class Deserted(ConnectionResetError):
    """The server had closed a connection after an earlier exchange, it seems: no byte of a reply came."""


class Deadline(Timeout):
    """The time of one exchange in urllib3's kind: whatever it does, it has what is left of the flow, and no more."""

    def __init__(self, flow: Flow, *, fresh: bool = False) -> None:
        super().__init__()
        self.flow, self.fresh = flow, fresh

    def clone(self) -> Deadline:
        """The same; urllib3 takes one for each thing it does."""
        return Deadline(self.flow, fresh=self.fresh)

    @property
    def connect_timeout(self) -> float:
        """What is left, in seconds, and never 0: a socket would not wait at all then."""
        return max(self.read_timeout, 0.001)

    @property
    def read_timeout(self) -> float:
        """What is left, in seconds."""
        return max(self.flow.end - time.monotonic(), 0.0)


class Budget:
    """A socket whose timeout bounds the sum of all reads and writes after `settimeout`; with a flow, that one does."""

    idle_since: float | None = None  # None: nothing was asked over it yet
    is_torn = False  # the last request did not go out whole
    spoilt = False

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self.early = bytearray()  # what came while a request went out
        self._is_file, self._is_answered = False, False
        self._flow: Flow | None = None
        self.settimeout(sock.gettimeout())

    def settimeout(self, timeout: float | None) -> None:
        """Begin a budget of `timeout` seconds; None is without a bound."""
        self.end = None if timeout is None else time.monotonic() + timeout

    def hurry(self) -> float | None:
        """Leave the next call what is left of the budget; raises `TimeoutError` when that is nothing."""
        end = self.end if self._flow is None else self._flow.end
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError("the whole exchange took too long")
        self.sock.settimeout(left)
        return left

    def begin(self, *, is_file: bool, flow: Flow | None) -> None:
        """A request follows; its body is a file. It has the time of the `flow`, if there is one."""
        self._is_file, self._is_answered, self._flow = is_file, False, flow

    def moved(self, size: float) -> None:
        """Note that `size` bytes have gone or come."""
        if self._flow is not None:
            self._flow.moved(size, now=time.monotonic())

    def sent(self) -> None:
        """The request is over, and the reply is to come."""
        if self._is_file:
            self.moved(WHOLE)

    def sendall(self, data: bytes) -> None:
        """Send `data`; raises `BrokenPipeError` where the server takes no more, or has answered already."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._send(left) :]
        except (ConnectionError, SSLEOFError) as error:
            self.is_torn = True
            raise BrokenPipeError from error

    def _send(self, data: memoryview) -> int:
        seconds = self.hurry()
        self.sock.settimeout(0)
        try:
            count = int(self.sock.send(data))
        except _WOULD_BLOCK:
            return self._wait(seconds)
        self.moved(count)
        return count

    def _wait(self, seconds: float | None) -> int:
        """Wait until the server takes more, and hear what it says meanwhile; 0 bytes have gone."""
        if not wait_for_socket(self.sock, read=not self._is_answered, write=True, timeout=seconds):
            raise TimeoutError("the whole exchange took too long")
        if not self._is_answered:
            self._hear()
        return 0

    def _hear(self) -> None:
        """Keep what has come; raises `BrokenPipeError` when the request need not go out whole."""
        try:
            came = self.sock.recv(_CHUNK)
        except _WOULD_BLOCK:
            return
        self.early += came
        status = _status(bytes(self.early))
        self._is_answered = status is not None or len(self.early) > LARGEST_HEAD
        if not came or (status is not None and not (self._is_file and 200 <= status < 300)):
            raise BrokenPipeError

    def makefile(self, mode: str, *_: Any, **__: Any) -> io.BufferedReader:
        """What reads the reply."""
        return io.BufferedReader(BudgetReader(self, mode))

    @property
    def is_sound(self) -> bool:
        """Whether it may carry another exchange, unless it can be read from; TLS may have read more than it gave."""
        old = self.idle_since is not None and time.monotonic() - self.idle_since >= _IDLE
        return not (old or self.spoilt or self.is_torn or getattr(self.sock, "pending", int)())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


def _status(came: bytes) -> int | None:
    """The status of the final reply that `came` begins, 0 for what is no reply, None while there is no whole head."""
    heads = Heads()
    try:
        while came and (cut := heads.take(came)):
            head, came = cut
            if (status := int(head[9:12])) >= 200:
                return status
    except (NotHTTP, ValueError):
        return 0
    return None


class BudgetReader(io.RawIOBase):
    """Reads within the budget; where there is `room`, up to so many bytes, and an end is a cut (RFC 9112, 8)."""

    room: int | None = None

    def __init__(self, budget: Budget, mode: str) -> None:
        self._budget = budget
        self._raw: io.RawIOBase = budget.sock.makefile(mode, buffering=0)
        self._cut = ConnectionResetError if budget.idle_since is None else Deserted
        self._is_over = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """As many bytes as there are; None once the reply is over."""
        if self._is_over:
            return None
        count = self._take(memoryview(buffer))
        self._budget.moved(count or 0)
        if self.room is not None:
            if not count:
                raise self._cut("the connection was cut")
            if count > self.room:
                raise NotHTTP
            self.room -= count
        self._cut = ConnectionResetError
        return count

    def _take(self, buffer: memoryview) -> int | None:
        early = self._budget.early[: len(buffer)]
        if early:
            buffer[: len(early)] = early
            del self._budget.early[: len(early)]
            return len(early)
        self._budget.hurry()
        try:
            return self._raw.readinto(buffer)
        except ConnectionError:
            raise self._cut("the connection was cut") from None

    def rest(self, ahead: io.BufferedReader) -> None:
        """The reply is over. What was read `ahead` of its end is nobody's, and the connection is not used again."""
        self._is_over, self._budget.idle_since = True, time.monotonic()
        self._budget.spoilt = bool(ahead.peek(1) or self._budget.early)

    def close(self) -> None:
        """Close what is read from, not the socket."""
        self._raw.close()
        super().close()
