"""requests with a bound on the whole exchange, replies read to the letter, and no connection that is stale.

`requests` hands its timeout to the socket, where it starts anew with every byte: a server that sends or takes one
byte a second is never too slow. Here the socket's timeout is a budget that all reads and writes share until it is
set again, which urllib3 does once per request and once per response. Interim replies are read past (RFC 9110, 15.2),
at most 16. The head of a response, interim ones included, is bounded in bytes, and one that ends before its empty line
is cut, not whole. Everything else stays requests' own: proxies, CA settings, pooling.
"""

from __future__ import annotations

import io
import os
from http.client import HTTPException, HTTPMessage, HTTPResponse
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3 import HTTPResponse as Answer
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from bide.urls import address
from bide_transports.budget import Budget, BudgetReader, Deadline
from bide_transports.dialling import Dialling
from bide_transports.flow import Flow
from bide_transports.header_lines import LARGEST_HEAD, NotHTTP
from bide_transports.reply_head import Head, Sizes, check_trailers, head_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from urllib3 import PoolManager, ProxyManager

_MOST_1XX = 16
_BEGINNING = b"HTTP/"
_SWITCHING_PROTOCOLS = 101  # no interim reply, and none that was asked for
_VERSIONS = {"1.0": 10, "1.1": 11}  # as http.client writes them


class BoundedAdapter(HTTPAdapter):
    """An `HTTPAdapter` whose timeout covers all reads of a response together; mount it on your own session.

    It reads past interim replies, refuses malformed ones, sends an address byte for byte as it was given, and uses no
    connection that has been idle for four seconds.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Pools whose connections keep a budget."""
        self._process = os.getpid()
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> ProxyManager | PoolManager:
        """The same behind a proxy; SOCKS proxies keep urllib3's own connections."""
        manager: ProxyManager | PoolManager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, *args: Any, **kwargs: Any) -> Response:
        """Send a request; never over a connection of the process that this one was forked off."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self.close()  # what is open is in use there, and closing it here sends nothing
        return super().send(*args, **kwargs)

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """The target as the address has it: it may be signed over its exact text."""
        target, place = super().request_url(request, proxies), address(request.url or "")
        if place is None:
            return target
        return place.target if target.startswith("/") else f"{place.scheme}://{place.authority}{place.target}"


_stand_ins: WeakKeyDictionary[HTTPAdapter, BoundedAdapter] = WeakKeyDictionary()


def bounded(adapter: BaseAdapter) -> BaseAdapter:
    """What to send with in place of `adapter`: where it is requests' own, a `BoundedAdapter` with its pool settings.

    Its retries are left out: whether a request may be sent again is not for an adapter to say. One of another class
    is used as it is.
    """
    if type(adapter) is not HTTPAdapter:
        return adapter
    if adapter not in _stand_ins:
        _stand_ins[adapter] = made = BoundedAdapter()
        pools: int = cast("Any", adapter)._pool_connections  # noqa: SLF001  there is no public way
        made.init_poolmanager(pools, **adapter.poolmanager.connection_pool_kw)
    return _stand_ins[adapter]


def close_idle(session: Session) -> None:
    """Close the idle connections that were opened in place of this session's own adapters."""
    for adapter in session.adapters.values():
        if type(adapter) is HTTPAdapter and adapter in _stand_ins:
            _stand_ins[adapter].close()


class _Chunks(io.RawIOBase):
    """A chunked body without its framing (RFC 9112, 7.1)."""

    def __init__(self, wire: io.BufferedReader) -> None:
        self._wire, self._left, self._is_over, self._sizes = wire, -1, False, Sizes()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if self._left <= 0 and not self._is_over:
            self._begin()
        if self._is_over:
            return 0
        count = self._wire.readinto1(memoryview(buffer)[: self._left])
        if not count:
            raise ConnectionResetError("the connection was cut in a chunk")
        self._left -= count
        return count

    def _begin(self) -> None:
        """Read up to the next chunk, or to the end of the body."""
        wire, reader = self._wire, cast("BudgetReader", self._wire.raw)
        reader.room = LARGEST_HEAD
        if self._left == 0 and not (wire.read(1) == b"\r" and wire.read(1) == b"\n"):
            raise NotHTTP
        self._left = self._sizes.of(wire.readline(LARGEST_HEAD))
        if self._left == 0:
            check_trailers(_lines(wire))
            self._is_over = True
        reader.room = None


def _lines(wire: io.BufferedReader) -> list[bytes]:
    """The lines up to an empty one."""
    lines: list[bytes] = []
    while (line := wire.readline()) not in (b"\r\n", b"\n"):
        lines.append(line)
    return lines


class _HTTPResponse(HTTPResponse):
    """A response whose head and chunks `reply_head` has read."""

    fp: io.BufferedReader

    def __init__(self, sock: Any, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._wire, self._is_head = self.fp, method == "HEAD"

    def begin(self) -> None:
        head = self._final_head()
        if head.version not in _VERSIONS or (head.chunked and head.length is not None):  # framed twice (RFC 9112, 6.3)
            raise NotHTTP
        self.version, self.status, self.reason = _VERSIONS[head.version], head.status, head.reason.strip()
        self.code = head.status
        self.headers = self.msg = HTTPMessage()
        for name, value in head.lines:
            self.headers[name] = value  # one line more: it replaces none
        is_bodiless = self._is_head or head.status in (204, 304)
        self.chunked, self.length = False, 0 if is_bodiless else head.length
        self.will_close = head.closes or (self.length is None and not head.chunked)
        if head.chunked and not is_bodiless:
            self.fp = io.BufferedReader(_Chunks(self._wire))

    def _final_head(self) -> Head:
        reader = cast("BudgetReader", self._wire.raw)
        for _ in range(_MOST_1XX + 1):
            reader.room = LARGEST_HEAD
            if not _BEGINNING.startswith(self._wire.peek(1)[: len(_BEGINNING)]):
                raise NotHTTP  # and it may have no lines at all, such as TLS
            head = head_of(_lines(self._wire))
            if head.status >= 200:
                reader.room = None
                return head
            if head.status == _SWITCHING_PROTOCOLS:
                break
        raise NotHTTP

    def _read_status(self) -> tuple[str, int, str]:
        """The status line of a reply to CONNECT, for http.client, which then looks for the empty line."""
        head = self._final_head()
        self.fp = cast("Any", io.BytesIO(b"\r\n"))
        return f"HTTP/{head.version}", head.status, head.reason

    def _close_conn(self) -> None:
        wire = self._wire
        cast("BudgetReader", wire.raw).rest(wire)
        cast("Any", super())._close_conn()  # noqa: SLF001  there is no public way
        wire.close()


class _HTTPConnection(Dialling, HTTPConnection):
    response_class = _HTTPResponse

    flow: Flow | None = None  # of the next exchange, which is for the `target`
    target = ""
    _is_file = False

    def connect(self) -> None:
        super().connect()
        self.sock: Any = Budget(self.sock)

    def request(self, method: str, url: str, body: Any = None, *args: Any, **kwargs: Any) -> None:
        del url
        if self.is_closed:
            self.connect()
        self._is_file = hasattr(body, "read")
        cast("Budget", self.sock).begin(is_file=self._is_file, flow=self.flow)
        super().request(method, self.target, body, *args, **kwargs)

    @property
    def is_connected(self) -> bool:
        return super().is_connected and self.sock.is_sound

    def getresponse(self) -> Answer:  # type: ignore[override]  # urllib3's own kind of response
        wire = self.sock
        wire.sent()
        answer = super().getresponse()
        if self._is_file and wire.is_torn and 200 <= answer.status < 300:
            answer.close()
            raise ConnectionResetError("the file was not taken whole")
        answer.chunked = False  # the chunks are taken apart already
        return answer


class _HTTPSConnection(_HTTPConnection, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except SSLCertVerificationError:
            raise
        except (OSError, HTTPException) as error:  # a handshake that was cut or too slow: nothing was sent
            raise NewConnectionError(self, "no connection") from error

    def _tunnel(self) -> None:
        plain = self.sock
        self.sock = Budget(plain)
        super()._tunnel()  # a proxy can be as slow as any server
        self.sock = plain
        plain.settimeout(self._left)


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _HTTPConnection)

    def urlopen(self, method: str, url: str, *args: Any, **kwargs: Any) -> BaseHTTPResponse:
        timeout = kwargs.get("timeout")
        wait = {"pool_timeout": timeout.connect_timeout} if isinstance(timeout, Deadline) else {}
        return super().urlopen(method, url, *args, **{"target": url, **wait, **kwargs})

    def _make_request(self, conn: Any, method: str, url: str, *args: Any, **kwargs: Any) -> BaseHTTPResponse:
        """Send for the `target` that `urlopen` was given: of that, `url` is what urllib3 has made (%2F of %2f).

        What urllib3 logs is without the query, which may be a signature.
        """
        conn.target, timeout = kwargs.pop("target"), kwargs.get("timeout")
        conn.flow = timeout.flow if isinstance(timeout, Deadline) else None
        if isinstance(timeout, Deadline) and timeout.fresh:
            conn.close()  # and it is opened anew
        return super()._make_request(conn, method, url.partition("?")[0], *args, **kwargs)


class _HTTPSPool(_HTTPPool, HTTPSConnectionPool):
    ConnectionCls = cast("Any", _HTTPSConnection)


_POOLS: dict[str, type[HTTPConnectionPool | HTTPSConnectionPool]] = {"http": _HTTPPool, "https": _HTTPSPool}
