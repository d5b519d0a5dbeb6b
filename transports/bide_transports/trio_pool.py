"""Connections over trio: opened, kept alive in bounds, closed for sure. One `exchange` borrows one of them.

Exchanges take their turns in the order they come. Files, which can take minutes, get half of the connections to an
origin and no more, so there is always one for the polls of the jobs beside them.

Whatever ends an exchange early (a timeout, a cancellation, a fault) closes its connection, so no later
exchange can read the rest of an earlier reply.
"""

from __future__ import annotations

import math
import os
import socket
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias, TypeVar, cast

import trio

from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide.pace import number, whole
from bide.secret import Credential
from bide.urls import Address, address
from bide_transports.arguments import check_methods, check_tls
from bide_transports.connection_faults import no_connection
from bide_transports.flow import Floor, Flow
from bide_transports.h11_client import Connection, Tunnel
from bide_transports.kept_alive import KeptAlive, Line
from bide_transports.lookup import addresses, checked
from bide_transports.prompt_send import sent_at_once
from bide_transports.proxies import Proxy, proxy_for
from bide_transports.sinks import Into
from bide_transports.tracebacks import Hidden, hushed
from bide_transports.trio_talk import BROKEN, PROMPT, Content, Outlet, talk, transport
from bide_transports.trust import Trust

Dial: TypeAlias = Callable[[str, int], Awaitable[trio.abc.Stream]]
T = TypeVar("T")

_CHUNK = 65536  # bytes
_NEXT_AFTER = 2.0  # seconds, until another address of the same host is tried


class _Origin:
    """All that the pool knows of one origin: the right to connect, `size` times at once, and what is kept open."""

    def __init__(self, size: int, idle: float) -> None:
        self._any, self._file = trio.Semaphore(size), trio.Semaphore(max(1, size // 2))
        self.kept = KeptAlive[trio.abc.Stream](idle)

    async def claim(self, *, file: bool, timeout: float) -> bool:
        """The right to one connection, for a `file` or not: `release` it afterwards. False after `timeout` seconds."""
        deadline, turns, taken = trio.current_time() + timeout, self._turns(file=file), 0
        try:
            for turn in turns:
                try:
                    turn.acquire_nowait()  # no checkpoint: the exchange has its own
                except trio.WouldBlock:
                    with trio.CancelScope(deadline=deadline) as queue:
                        await turn.acquire()
                    if queue.cancelled_caught:
                        return False
                taken += 1
            return True
        finally:
            if taken < len(turns):
                for turn in turns[:taken]:
                    turn.release()

    def release(self, *, file: bool) -> None:
        """Give back the right to a connection."""
        for turn in self._turns(file=file):
            turn.release()

    def _turns(self, *, file: bool) -> tuple[trio.Semaphore, ...]:
        return (self._file, self._any) if file else (self._any,)

    async def sweep(self) -> None:
        """Close what is stale, by force, which never blocks; whatever a cancellation leaves is swept next time."""
        while self.kept.stale:
            await trio.aclose_forcefully(self.kept.stale.pop().stream)


class Pool(trio.abc.AsyncResource):
    """Connections by origin: at most `size` open to each, half of them for files; idle ones are kept `idle` seconds.

    `tls` is the trust for https (default: the system's); it is made to offer HTTP/1.1. `dial` opens a stream
    to a host and a port; what the host's name leads to is checked only without one. Raises `InvalidSetting`.
    """

    def __init__(
        self, *, size: int = 8, idle: float = 4.0, tls: ssl.SSLContext | None = None, dial: Dial | None = None
    ) -> None:
        whole("size", size)
        number("idle", idle, 0, math.inf, "seconds, 0 or more")
        check_tls(tls)
        check_methods("dial", dial, ("__call__",), "a function that opens a stream to a host and a port")
        self.closed = False
        self._dial, self._trust = dial, Trust(tls)
        self._origins: dict[tuple[int, str], _Origin] = defaultdict(lambda: _Origin(size, idle))

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed by whoever uses them, as soon as they are not."""
        self.closed = True
        with trio.CancelScope(shield=True):  # a cancelled client leaves none open
            for origin in tuple(self._origins.values()):
                origin.kept.discard()
                await origin.sweep()

    def at(self, place: Address) -> _Origin:
        """What is known of the origin of `place`."""
        return self._origins[os.getpid(), place.origin]  # a process that is forked off has connections of its own

    async def open(self, place: Address, *, public: bool = False, until: float = math.inf) -> Line[trio.abc.Stream]:
        """A new connection; raises what `no_connection` can read, a `TimeoutError` at the instant `until` of trio's.

        A `public` one is opened to addresses of the internet only; by a proxy, which looks the name up, to any.
        """
        proxy = proxy_for(place)
        if proxy is None:
            stream = await in_time(until, self._dialled(place, public=public))
        else:
            stream = await in_time(until, self._by_proxy(proxy), proxy.failed("cannot be reached in time"))
        try:
            if place.scheme == "http":
                return Line(stream, Connection(proxy))
            if proxy is not None:
                opened = _opened(Tunnel(place, proxy), stream, proxy)
                await in_time(until, opened, proxy.failed("does not open a tunnel in time"))
            trust = self._trust.context
            stream = trio.SSLStream(Outlet(stream), trust, server_hostname=place.host, https_compatible=True)
            await in_time(until, stream.do_handshake())
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return Line(stream, Connection())

    async def _by_proxy(self, proxy: Proxy) -> trio.abc.Stream:
        try:
            return await (self._dial or trio.open_tcp_stream)(proxy.host, proxy.port)
        except (OSError, UnicodeError, *BROKEN) as error:
            unknown = isinstance(error, socket.gaierror | UnicodeError)
            raise proxy.failed("has no address" if unknown else "cannot be reached") from None

    async def _dialled(self, place: Address, *, public: bool) -> trio.abc.Stream:
        if self._dial is not None or not public:
            return await (self._dial or trio.open_tcp_stream)(place.host, place.port)
        found = await trio.socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        *others, last = checked(addresses(found), public=public)
        for one in others:
            with suppress(OSError), trio.move_on_after(_NEXT_AFTER):
                return await trio.open_tcp_stream(one, place.port)
        return await trio.open_tcp_stream(last, place.port)


async def in_time(until: float, doing: Awaitable[T], late: OSError | None = None) -> T:
    """What `doing` comes to; raises `late`, or a `TimeoutError`, at the instant `until`."""
    with trio.CancelScope(deadline=until):
        return await doing
    raise late or TimeoutError


async def _opened(tunnel: Tunnel, stream: trio.abc.Stream, proxy: Proxy) -> None:
    try:
        await stream.send_all(tunnel.greeting)
        while not tunnel.receive(await stream.receive_some(_CHUNK)):
            pass
    except BROKEN:
        raise proxy.failed("does not open a tunnel") from None


async def exchange(
    request: Request,
    *,
    pool: Pool,
    credential: Credential = (),
    into: Into | None = None,
    content: Content = None,
    floor: Floor = Floor(),
) -> Reply:
    """Send one request once and return what came back; network and server faults are values, never raised.

    `credential` holds the header lines that carry the key. `into` sees status and headers first: where it
    returns a file, the body goes there in chunks and is left out of the response. `content` is a body to be
    streamed; the request's own headers tell its length. An idle connection that the server has closed
    meanwhile is replaced once, if the request is repeatable. The request waits for a free connection up to its timeout
    (`Cause.BUSY` then), and has its timeout whole once it has one: a queue is not taken for a slow service. Both
    together are over `within` the seconds that are left for it. A file that is slower than the `floor` is given up.
    """
    place = address(request.url)
    if place is None:
        return NoResponse(Cause.PROTOCOL, sent=False)
    origin, file = pool.at(place), into is not None or content is not None
    began, limit = trio.current_time(), trio.move_on_after(request.timeout)  # raises for an unusable one
    if not await origin.claim(file=file, timeout=min(request.timeout, request.within)):
        return NoResponse(Cause.BUSY, sent=False)
    line, reply, rest = None, None, b""

    def moved(size: float) -> None:
        flow.moved(size, now=trio.current_time())
        limit.deadline = flow.end

    def start(line: Line[trio.abc.Stream]) -> bytes:
        return line.protocol.send(request, place, credential, into=into, streamed=content is not None)

    try:
        await trio.lowlevel.checkpoint_if_cancelled()
        line = origin.kept.take(trio.current_time(), _is_readable) if request.repeatable else None
        if line is not None:
            rest = _promptly(line.stream, start(line))
        with limit:
            last = min(limit.deadline, began + request.within)
            flow = Flow(last=last, floor=floor if file else None, now=trio.current_time())
            while True:
                await origin.sweep()
                if line is None:
                    limit.deadline = math.inf  # `open` keeps to the time by itself, and says who was too slow
                    try:
                        line = await pool.open(place, public=request.public, until=flow.end)
                    except (OSError, UnicodeError, *BROKEN) as error:
                        return reply or no_connection(error)  # the first try may have arrived all the same
                    rest = start(line)
                limit.deadline = flow.end
                reply = await talk(line, rest, content, moved)
                if not line.protocol.is_deserted:
                    return reply
                origin.kept.discard(line)  # and others of that age too
                line, rest = None, b""
        # What a service says of a file before it has all of it is no success.
        head = None if line is None or content is not None else line.protocol.head
        return NoResponse(Cause.TIMEOUT, sent=line is not None or reply is not None, head=head)
    except BaseException as error:  # noqa: BLE001  it is raised again
        raise hushed(error)  # noqa: B904  it is the same
    finally:
        if line is not None:
            origin.kept.give_back(line, trio.current_time(), sound=isinstance(reply, Response) and not pool.closed)
        origin.release(file=file)
        await origin.sweep()  # closes before anybody else runs


def _promptly(stream: trio.abc.Stream, start: bytes) -> bytes:
    """What is left of `start` to be sent: all that follows is done while the service thinks."""
    if isinstance(stream, trio.SocketStream) and len(start) <= PROMPT:
        return Hidden(sent_at_once(stream.socket.fileno(), start))
    return start


def _is_readable(stream: trio.abc.Stream) -> bool:
    """Whether an idle connection has something to say: its end, or bytes that nobody asked for."""
    below = transport(stream)
    if isinstance(below, trio.SocketStream) and below.socket.is_readable():
        return True
    if not isinstance(stream, trio.SSLStream):
        return False
    tls = cast("trio.SSLStream[trio.abc.Stream]", stream)
    # Records that came along with the reply and were not decrypted: trio has no public name for them.
    return bool(tls._incoming.pending)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
