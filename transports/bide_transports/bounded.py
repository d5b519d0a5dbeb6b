"""requests with a bound on the whole exchange, not only on the gap between two bytes.

`requests` hands its timeout to the socket, where it starts anew with every byte: a server that sends one
byte a second is never too slow. Here the socket's timeout is a budget that all reads share until it is
set again, which urllib3 does once per response. Everything else stays requests' own: proxies, CA
settings, pooling.
"""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from urllib3 import PoolManager, ProxyManager


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
    """A socket whose timeout bounds the sum of all reads after `settimeout`, and each whole write."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self.timeout: float | None = sock.gettimeout()
        self.end: float | None = None

    def settimeout(self, timeout: float | None) -> None:
        self.timeout = timeout
        self.end = None if timeout is None else time.monotonic() + timeout

    def sendall(self, data: bytes) -> None:
        self.sock.settimeout(self.timeout)
        self.sock.sendall(data)

    def makefile(self, mode: str, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_BudgetReader(self, mode))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


class _BudgetReader(io.RawIOBase):
    def __init__(self, budget: _Budget, mode: str) -> None:
        self._budget = budget
        self._raw: io.RawIOBase = budget.sock.makefile(mode, buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        end = self._budget.end
        if end is not None:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the whole response took too long")
            self._budget.sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _HTTPConnection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Budget(self.sock)


class _HTTPSConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Budget(self.sock)


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _HTTPConnection)


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _HTTPSConnection)


_POOLS: dict[str, type[HTTPConnectionPool | HTTPSConnectionPool]] = {"http": _HTTPPool, "https": _HTTPSPool}
