"""Replay through requests: its whole adapter stack, down to a connection in memory.

What `BoundedAdapter`, urllib3 and http.client do with the bytes is real; the socket below them is not. Nothing here
can reach a network: no proxy of the environment is asked for, and no address is ever looked up.
"""

from __future__ import annotations

import io
import socket
from typing import TYPE_CHECKING, Any, cast

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from bide.job import AnyJob
from bide.messages import NoResponse, Reply, Request
from bide_transports.bounded import BoundedAdapter
from bide_transports.cassette.replaying.far_end import FarEnd
from bide_transports.cassette.replaying.played import PlayedLane
from bide_transports.cassette.replaying.played_file import PlayedFile
from bide_transports.requests_exchange import bare_session, exchange
from bide_transports.sinks import Into
from bide_transports.sources import Content
from bide_transports.tapes import FileLane, Lane

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


def lane(played: PlayedLane) -> Lane:
    """The lane as a client that blocks follows it."""
    by = _Player(played)
    return Lane(played.job, by.exchange, by, by.hear)


def file_lane(played: PlayedFile) -> FileLane:
    """The lane of a file as a client that blocks fetches or sends it."""
    by = _FilePlayer(played)
    return FileLane(played.dialect, by.exchange, by)


class _Player:
    """Exchange, clock and listener of one lane."""

    def __init__(self, played: PlayedLane) -> None:
        self._played = played
        self._far = FarEnd(played.track.dialect)
        self._session = _session(self._far)

    def exchange(self, request: Request) -> Reply:
        reply = self._played.asks(request)
        asked = self._far.expect(request, reply)
        if isinstance(reply, NoResponse):
            self._session.close()  # its connections: what goes wrong does so on a new one
        if self._far.is_asked:
            self._far.check(exchange(asked, session=self._session, credential=self._far.credential))
        self._played.answers(reply)
        return reply

    def now(self) -> float:
        return self._played.now()

    def sleep_until(self, due: float) -> None:
        self._played.waits(due)

    def hear(self, job: AnyJob) -> AnyJob:
        return self._played.hear(job)


class _FilePlayer:
    """Exchange and clock of a file's lane."""

    def __init__(self, played: PlayedFile) -> None:
        self._played = played
        self._session = _session(played.far)

    def exchange(self, request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
        asked, tapped = self._played.asks(request, into, content)
        far = self._played.far
        if not far.is_asked:
            return far.reply
        if isinstance(far.reply, NoResponse):
            self._session.close()
        made = exchange(asked, session=self._session, credential=far.credential, into=tapped, content=content)
        return self._played.answers(made, tapped)

    def now(self) -> float:
        return self._played.now()

    def sleep_until(self, due: float) -> None:
        """Time passes as it did."""


def _session(far: FarEnd) -> requests.Session:
    session = requests.Session()
    session.trust_env = session.verify = False  # no proxy of the environment, and no certificates
    session.adapters.clear()
    session.mount("http", _Adapter(far))
    return bare_session(session)


class _Adapter(BoundedAdapter):
    """A `BoundedAdapter` whose connections all lead to one far end."""

    def __init__(self, far: FarEnd) -> None:
        self._far = far
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools: dict[str, Any] = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: _leading_to(self._far, pools[scheme], connection)
            for scheme, connection in (("http", _HTTPConnection), ("https", _HTTPSConnection))
        }


def _leading_to(far: FarEnd, pool: Any, connection: type[HTTPConnection]) -> Any:
    """A pool like `pool`, whose own connections run over `connection` in place of a socket's."""
    both = type("InMemory", (pool.ConnectionCls, connection), {"far": far})
    return type("InMemoryPool", (pool,), {"ConnectionCls": both})


class _HTTPConnection(HTTPConnection):
    far: FarEnd

    @property
    def is_connected(self) -> bool:
        return self.sock is not None

    def connect(self) -> None:
        self.sock = _opened(self, self.far)


class _HTTPSConnection(HTTPSConnection):
    """Without TLS: what it hides from others, nobody is here to see."""

    far: FarEnd

    @property
    def is_connected(self) -> bool:
        return self.sock is not None

    def connect(self) -> None:
        self.sock = _opened(self, self.far)
        self.is_verified = True


def _opened(connection: HTTPConnection, far: FarEnd) -> Any:
    """A socket to the far end; what keeps it from being opened is put as urllib3 puts it."""
    try:
        far.connect()
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "the connection took too long") from error
    except ConnectionError as error:
        raise NewConnectionError(connection, "no connection") from error
    return _Socket(far)


class _Socket:
    """As much of a socket as urllib3 and http.client use."""

    def __init__(self, far: FarEnd) -> None:
        self._far = far
        self._timeout: float | None = None

    def gettimeout(self) -> float | None:
        return self._timeout

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout

    def send(self, data: ReadableBuffer) -> int:
        sent = bytes(data)
        self._far.take(sent)
        return len(sent)

    def makefile(self, mode: str, buffering: int) -> io.RawIOBase:  # noqa: ARG002  always bytes, always raw
        return _Reader(self._far)

    def shutdown(self, how: int) -> None:
        """Nothing is to be told to anybody."""

    def close(self) -> None:
        """Nothing is held."""


class _Reader(io.RawIOBase):
    def __init__(self, far: FarEnd) -> None:
        self._far = far

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(cast("bytearray", buffer))
        given = self._far.give(len(view))
        view[: len(given)] = given
        return len(given)
