"""requests with a bound on the whole exchange, not only on the gap between two bytes.

`requests` hands its timeout to the socket, where it starts anew with every byte: a server that sends or takes one
byte a second is never too slow. Here the socket's timeout is a budget that all reads and writes share until it is
set again, which urllib3 does once per request and once per response. Interim replies are read past (RFC 9110, 15.2),
at most 16. The head of a response, interim ones included, is bounded in bytes, and one that ends before its empty line
is cut, not whole. Everything else stays requests' own: proxies, CA settings, pooling.
"""

from __future__ import annotations

import io
import time
from http.client import HTTPException, HTTPResponse, parse_headers
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from urllib3 import PoolManager, ProxyManager

_LARGEST_HEAD = 65536  # bytes
_MOST_1XX = 16
_SWITCHING_PROTOCOLS = 101  # no interim reply, and none that was asked for


class BoundedAdapter(HTTPAdapter):
    """An `HTTPAdapter` whose timeout covers all reads of a response together; mount it on your own session."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Pools whose connections keep a budget."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> ProxyManager | PoolManager:
        """The same behind a proxy; SOCKS proxies keep urllib3's own connections."""
        manager: ProxyManager | PoolManager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


class _Budget:
    """A socket whose timeout bounds the sum of all reads and writes after `settimeout`."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self.settimeout(sock.gettimeout())

    def settimeout(self, timeout: float | None) -> None:
        self.end = None if timeout is None else time.monotonic() + timeout

    def hurry(self) -> None:
        """Leave the next call what is left of the budget; raises `TimeoutError` when that is nothing."""
        left = None if self.end is None else self.end - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError("the whole exchange took too long")
        self.sock.settimeout(left)

    def sendall(self, data: bytes) -> None:
        self.hurry()
        self.sock.sendall(data)

    def makefile(self, mode: str, *_: Any, **__: Any) -> io.BufferedReader:
        return _Lengths(_BudgetReader(self, mode))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


class _BudgetReader(io.RawIOBase):
    """Reads within the budget and, while a head is read, up to `room` bytes."""

    room: int | None = None

    def __init__(self, budget: _Budget, mode: str) -> None:
        self._budget = budget
        self._raw: io.RawIOBase = budget.sock.makefile(mode, buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._budget.hurry()
        count = self._raw.readinto(buffer)
        if self.room is not None:
            if not count:  # http.client takes this for the end of the head (RFC 9112, 8)
                raise ConnectionResetError("the connection was cut in the head of the response")
            if count > self.room:
                raise HTTPException("the head of the response is too large")
            self.room -= count
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Lengths(io.BufferedReader):
    """Refuses the negative lengths that http.client takes from a chunk header: -1 would read without end."""

    def read(self, size: int | None = None, /) -> bytes:
        if size is not None and size < 0:
            raise HTTPException("a chunk of negative size")
        return super().read(size)


class _HTTPResponse(HTTPResponse):
    def begin(self) -> None:
        reader = cast("_BudgetReader", self.fp.raw)
        reader.room = _LARGEST_HEAD
        super().begin()
        reader.room = None

    def _read_status(self) -> tuple[str, int, str]:
        """The status line of the final reply, to CONNECT too; http.client by itself reads past 100 only."""
        for _ in range(_MOST_1XX + 1):
            line: tuple[str, int, str] = cast("Any", super())._read_status()  # noqa: SLF001  there is no public way
            if line[1] >= 200 or line[1] == _SWITCHING_PROTOCOLS:
                return line
            parse_headers(self.fp)
        raise HTTPException("too many interim replies")


class _HTTPConnection(HTTPConnection):
    response_class = _HTTPResponse

    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Budget(self.sock)


class _HTTPSConnection(HTTPSConnection):
    response_class = _HTTPResponse

    def connect(self) -> None:
        try:
            super().connect()
        except SSLCertVerificationError:
            raise
        except OSError as error:  # a handshake that was cut or too slow: nothing was sent
            raise NewConnectionError(self, "no connection") from error
        self.sock: Any = _Budget(self.sock)

    def _tunnel(self) -> None:
        plain = self.sock
        self.sock = _Budget(plain)
        self.sock.settimeout(self.timeout)
        super()._tunnel()  # a proxy can be as slow as any server
        self.sock = plain


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _HTTPConnection)


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _HTTPSConnection)


_POOLS: dict[str, type[HTTPConnectionPool | HTTPSConnectionPool]] = {"http": _HTTPPool, "https": _HTTPSPool}
