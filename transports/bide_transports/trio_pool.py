"""Connections over trio: opened, kept alive in bounds, closed for sure. One `exchange` borrows one of them.

Whatever ends an exchange early (a timeout, a cancellation, a fault) closes its connection, so no later
exchange can read the rest of an earlier reply.
"""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import TypeAlias, cast

import trio
from typing_extensions import Self

from bide.errors import InvalidSetting
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide.urls import Address, address
from bide_transports.connection_faults import no_connection
from bide_transports.h11_client import Connection, Tunnel
from bide_transports.proxies import proxy_for
from bide_transports.sinks import Into

Dial: TypeAlias = Callable[[str, int], Awaitable[trio.abc.Stream]]

_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError)
_CHUNK = 65536  # bytes


@dataclass(slots=True)
class _Line:
    """One open connection and the protocol on it; `used` once it has carried an exchange."""

    stream: trio.abc.Stream
    protocol: Connection
    used: bool = False
    idle_since: float = 0.0


class Pool:
    """Connections by origin: at most `size` open to each, idle ones used again for `idle` seconds.

    `tls` is the trust for https (default: the system's); it is made to offer HTTP/1.1. `dial` opens a stream
    to a host and a port. Raises `InvalidSetting`.
    """

    def __init__(
        self, *, size: int = 8, idle: float = 4.0, tls: ssl.SSLContext | None = None, dial: Dial = trio.open_tcp_stream
    ) -> None:
        if size < 1:
            raise InvalidSetting(f"size is {size}: give 1 or more")
        self._keep, self._dial, self._closed = idle, dial, False
        self._given_tls = tls
        self._limits: dict[str, trio.Semaphore] = defaultdict(lambda: trio.Semaphore(size, max_value=size))
        self._idle: dict[str, list[_Line]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed by whoever uses them, as soon as they are not."""
        self._closed = True
        with trio.CancelScope(shield=True):  # closing by force never blocks, and a cancelled client leaves none open
            for lines in tuple(self._idle.values()):
                while lines:
                    await trio.aclose_forcefully(lines.pop().stream)

    async def claim(self, place: Address) -> trio.Semaphore:
        """The right to open or borrow one connection to an origin; release it after giving that back."""
        limiter = self._limits[place.origin]
        try:
            limiter.acquire_nowait()  # no checkpoint: the exchange has its own
        except trio.WouldBlock:
            await limiter.acquire()
        return limiter

    async def borrow(self, place: Address, *, fresh: bool = False) -> _Line | NoResponse:
        """An idle connection that is still sound, or a new one, or why there is none; closes the stale ones."""
        lines, oldest = self._idle[place.origin], trio.current_time() - self._keep
        while lines and (fresh or lines[0].idle_since <= oldest):
            await trio.aclose_forcefully(lines.pop(0).stream)
        while lines:
            line = lines.pop()
            if not _is_readable(line.stream):
                return line
            await trio.aclose_forcefully(line.stream)
        try:
            return await self._open(place)
        except (OSError, UnicodeError, *_BROKEN) as error:
            return no_connection(error)

    async def give_back(self, line: _Line, place: Address, *, sound: bool) -> None:
        """Keep a sound connection for the next exchange; close any other."""
        if sound and not self._closed and line.protocol.release():
            line.used, line.idle_since = True, trio.current_time()
            self._idle[place.origin].append(line)
        else:
            await trio.aclose_forcefully(line.stream)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The trust for https; made when it is first wanted, since reading the system's takes a while."""
        tls = self._given_tls or ssl.create_default_context()
        tls.set_alpn_protocols(["http/1.1"])
        return tls

    async def _open(self, place: Address) -> _Line:
        proxy = proxy_for(place)
        stream = await self._dial(*((proxy.host, proxy.port) if proxy else (place.host, place.port)))
        try:
            if place.scheme == "http":
                return _Line(stream, Connection(proxy))
            if proxy is not None:
                tunnel = Tunnel(place, proxy)
                await stream.send_all(tunnel.greeting)
                while not tunnel.receive(await stream.receive_some(_CHUNK)):
                    pass
            stream = trio.SSLStream(stream, self._tls, server_hostname=place.host, https_compatible=True)
            await stream.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return _Line(stream, Connection())


async def exchange(
    request: Request,
    *,
    pool: Pool,
    credential: tuple[tuple[str, str], ...] = (),
    into: Into | None = None,
    content: AsyncIterable[bytes] | None = None,
) -> Reply:
    """Send one request once and return what came back; network and server faults are values, never raised.

    `credential` holds the header lines that carry the key. `into` sees status and headers first: where it
    returns a file, the body goes there in chunks and is left out of the response. `content` is a body to be
    streamed; the request's own headers tell its length. An idle connection that the server has closed
    meanwhile is replaced once, if the request is repeatable.
    """
    place = address(request.url)
    if place is None:
        return NoResponse(Cause.PROTOCOL, sent=False)
    line: _Line | None = None
    sound = False
    claim = await pool.claim(place)  # untimed: the timeout is that of the exchange, not of the queue before it
    try:
        with trio.move_on_after(request.timeout):
            got = await pool.borrow(place)
            if isinstance(got, NoResponse):
                return got
            line = got
            reply = await _talk(line, request, place, credential, into, content)
            if line.used and not line.protocol.heard and request.repeatable and content is None:
                await pool.give_back(line, place, sound=False)
                got = await pool.borrow(place, fresh=True)
                if isinstance(got, NoResponse):
                    return reply  # the first try may have arrived all the same
                line = got
                reply = await _talk(line, request, place, credential, into, None)
            sound = isinstance(reply, Response)
            return reply
        return NoResponse(Cause.TIMEOUT, sent=line is not None)
    finally:
        try:
            if line is not None:
                await pool.give_back(line, place, sound=sound)
        finally:
            claim.release()


async def _talk(
    line: _Line,
    request: Request,
    place: Address,
    credential: tuple[tuple[str, str], ...],
    into: Into | None,
    content: AsyncIterable[bytes] | None,
) -> Reply:
    try:
        await line.stream.send_all(
            line.protocol.send(request, place, credential, into=into, streamed=content is not None)
        )
        if content is not None:
            async for chunk in content:
                await line.stream.send_all(line.protocol.more(chunk))
            await line.stream.send_all(line.protocol.end())
        reply = None
        while reply is None:
            reply = line.protocol.receive(await line.stream.receive_some(_CHUNK))
    except _BROKEN:
        return NoResponse(Cause.RESET, sent=True)
    return reply


def _is_readable(stream: trio.abc.Stream) -> bool:
    """Whether an idle connection has something to say: its end, or bytes that nobody asked for."""
    if isinstance(stream, trio.SSLStream):
        tls = cast("trio.SSLStream[trio.abc.Stream]", stream)
        # Records that came along with the reply and were not decrypted: trio has no public name for them.
        if tls._incoming.pending:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            return True
        stream = tls.transport_stream
    return isinstance(stream, trio.SocketStream) and stream.socket.is_readable()
