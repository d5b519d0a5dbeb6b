"""One exchange over one open connection: the request goes out, the reply comes in, at the same time if need be.

A server may answer before it has read the whole request (413, 401) and close, or stop reading (RFC 9112, 9.5). So a
request that the kernel might not take at once is sent while its reply is watched for, and whatever has come when
sending fails is read. What is not sent by then is not sent any more; only a file goes on after a success, which is
none before the file is there.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import TypeAlias, TypeVar, cast

import trio

from bide.messages import Cause, NoResponse, Reply, Response
from bide_transports.flow import WHOLE
from bide_transports.kept_alive import Line

Content: TypeAlias = AsyncIterable[bytes] | None
T = TypeVar("T")

BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError)
PROMPT = 16384  # bytes that a kernel takes at once, whether the peer reads or not
_CHUNK = 65536  # bytes


class Outlet(trio.abc.Stream):
    """The transport under TLS. It drops what the peer takes no more: after a failed send, TLS would read nothing."""

    def __init__(self, inner: trio.abc.Stream) -> None:
        self.inner = inner
        self.is_cut = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`, or drop it."""
        try:
            await self.inner.send_all(data)
        except BROKEN:
            self.is_cut = True

    async def wait_send_all_might_not_block(self) -> None:
        """As the inner stream does it."""
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As the inner stream does it."""
        return await self.inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        """As the inner stream does it."""
        await self.inner.aclose()


def transport(stream: trio.abc.Stream) -> trio.abc.Stream:
    """The stream below TLS, or the stream itself where there is none."""
    if not isinstance(stream, trio.SSLStream):
        return stream
    below = cast("trio.SSLStream[trio.abc.Stream]", stream).transport_stream
    return below.inner if isinstance(below, Outlet) else below


async def talk(
    line: Line[trio.abc.Stream], start: bytes, content: Content, moved: Callable[[float], None] = lambda _: None
) -> Reply:
    """Send `start` and `content` and return the reply; `line.is_sent` tells whether all went out.

    `moved` is told how many bytes come, how many of the `content` go, and when all have (`WHOLE`). Whatever `content`
    raises is raised.
    """
    line.is_sent = False
    if content is None and len(start) <= PROMPT:
        await _send(line, start, None, moved)
        return await _hear(line, moved)
    faults: list[BaseException] = []
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            await _aside(_send(line, start, content, moved), faults)
            if faults:
                nursery.cancel_scope.cancel()

        nursery.start_soon(send)
        reply = await _aside(_hear(line, moved), faults)
        if reply is None or content is None or not _is_success(reply):
            nursery.cancel_scope.shield = True  # a reply in hand is not lost to whoever cancels now
            nursery.cancel_scope.cancel()
    if faults:
        raise faults[0]
    if reply is None or (content is not None and _is_success(reply) and not line.is_sent):
        return NoResponse(Cause.RESET, sent=True)
    return reply


async def _aside(doing: Awaitable[T], faults: list[BaseException]) -> T | None:
    """What `doing` comes to; what it raises is put aside, or a nursery would raise it in a group."""
    try:
        return await doing
    except (trio.Cancelled, GeneratorExit):
        raise
    except BaseException as fault:  # noqa: BLE001  the caller's own content and file may raise anything
        faults.append(fault)
        return None


def _is_success(reply: Reply) -> bool:
    return isinstance(reply, Response) and 200 <= reply.status < 300


async def _send(line: Line[trio.abc.Stream], start: bytes, content: Content, moved: Callable[[float], None]) -> None:
    """Send all, or what the peer takes: what comes of that is for the reply to say."""
    try:
        if start:
            await _pass_on(line.stream, start)
        line.protocol.sent()
        if content is not None:
            async for chunk in content:
                data = line.protocol.more(chunk)
                for place in range(0, len(data), _CHUNK):
                    piece = data[place : place + _CHUNK]
                    await _pass_on(line.stream, piece)
                    moved(len(piece))
            await _pass_on(line.stream, line.protocol.end())
            moved(WHOLE)
        line.is_sent = True
    except BROKEN:
        pass


async def _pass_on(stream: trio.abc.Stream, data: bytes) -> None:
    await stream.send_all(data)
    if isinstance(stream, trio.SSLStream) and cast("trio.SSLStream[Outlet]", stream).transport_stream.is_cut:
        raise trio.BrokenResourceError


async def _hear(line: Line[trio.abc.Stream], moved: Callable[[float], None]) -> Reply:
    reply = None
    try:
        while reply is None:
            data = await line.stream.receive_some(_CHUNK)
            moved(len(data))
            reply = line.protocol.receive(data)
    except BROKEN:
        return NoResponse(Cause.RESET, sent=True, head=line.protocol.head)
    return reply
