"""A network in memory for trio: streams that tell whether they were closed, the emulator behind them, cancelled steps.

    async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
        ...

Nothing here waits for anything but trio's own clock, so under a `MockClock` hours pass in no time.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import h11
import trio
import trio.testing

from bide.messages import Request, Response
from bide_transports.emulator import Broken, Dribble, Drop, Garbage, Hang, Service, wire
from bide_transports.trio import TrioClock

API, STORAGE = "http://127.0.0.1:81", "http://127.0.0.1:82"

#: What a server does with the far end of one connection; told the base URL that was dialled.
Attend: TypeAlias = Callable[[trio.abc.Stream, str], Awaitable[None]]

_LEFT = (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError)  # a client may, at any moment


class Wire(trio.abc.Stream):
    """The client's end of a connection; remembers whether it was closed."""

    def __init__(self, inner: trio.abc.Stream) -> None:
        self._inner = inner
        self.closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        self.closed = True
        await self._inner.aclose()


@dataclass
class Wires:
    """Every connection that was dialled; `most` counts those that were open at the same time."""

    nursery: trio.Nursery
    attend: Attend
    all: list[Wire] = field(default_factory=list[Wire])
    most: int = 0

    @property
    def open(self) -> list[Wire]:
        """Those that nobody has closed yet."""
        return [one for one in self.all if not one.closed]

    async def dial(self, host: str, port: int) -> trio.abc.Stream:
        """A connection to a server of its own."""
        await trio.lowlevel.checkpoint()
        near, far = trio.testing.memory_stream_pair()
        self.all.append(Wire(near))
        self.most = max(self.most, len(self.open))
        self.nursery.start_soon(self._serve, far, f"http://{host}:{port}")
        return self.all[-1]

    async def _serve(self, far: trio.abc.Stream, base: str) -> None:
        async with far:
            with suppress(*_LEFT):
                await self.attend(far, base)


@asynccontextmanager
async def network(attend: Attend) -> AsyncGenerator[Wires]:
    """A network whose servers end with the context."""
    async with trio.open_nursery() as nursery:
        yield Wires(nursery, attend)
        nursery.cancel_scope.cancel()


def emulated(service: Service, clock: TrioClock) -> Attend:
    """A server of `service`, in the time of `clock`; its two origins are `API` and `STORAGE`."""
    service.api_url, service.storage_url = API, STORAGE

    async def attend(stream: trio.abc.Stream, base: str) -> None:
        reader = h11.Connection(h11.SERVER)
        while (request := await read_request(stream, reader, base)) is not None:
            answer = service.handle(request, now=clock.now())
            if isinstance(answer, Broken):
                await _spoil(stream, answer, request.method)
                return
            await stream.send_all(wire.whole(answer, request.method))
            reader.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            reader.send(h11.EndOfMessage())
            reader.start_next_cycle()

    return attend


def canned(*replies: bytes) -> Attend:
    """A server that answers the n-th request of each connection with the n-th reply, then closes."""

    async def attend(stream: trio.abc.Stream, base: str) -> None:
        for reply in replies:
            if await read_request(stream, h11.Connection(h11.SERVER), base) is None:
                return
            await stream.send_all(reply)

    return attend


async def read_request(stream: trio.abc.Stream, reader: h11.Connection, base: str) -> Request | None:
    """The next request, or None when the client has left."""
    head, body = None, b""
    while True:
        event = reader.next_event()
        if event is h11.NEED_DATA:
            reader.receive_data(bytes(await stream.receive_some(65536)))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = tuple((name.decode(), value.decode("latin-1")) for name, value in head.headers)
            return Request(head.method.decode(), base + head.target.decode(), headers, body)
        else:
            return None


async def _spoil(stream: trio.abc.Stream, broken: Broken, method: str) -> None:
    reply = broken.reply or Response(200)
    match broken.wire:
        case Drop(when):
            await stream.send_all(wire.cut(reply, method, when))
        case Garbage(sent):
            await stream.send_all(sent)
        case Dribble(pause):
            for byte in wire.whole(reply, method):
                await stream.send_all(bytes([byte]))
                await trio.sleep(pause)
        case Hang():
            while await stream.receive_some():
                pass


class CancelAtStep(trio.abc.Instrument):
    """Cancels `scope` right after the `nth` step that any task takes from now on: whoever waits there is hit."""

    def __init__(self, nth: int, scope: trio.CancelScope) -> None:
        self._left, self._scope = nth, scope

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        self._left -= 1
        if self._left == 0:
            self._scope.cancel()


async def cancelled_at(nth: int, action: Callable[[], Awaitable[object]]) -> bool:
    """Do `action`, cancelled at the `nth` step; whether the cancellation was felt before it had ended."""
    with trio.CancelScope() as scope:
        step = CancelAtStep(nth, scope)
        trio.lowlevel.add_instrument(step)
        try:
            await action()
        finally:
            trio.lowlevel.remove_instrument(step)
    return scope.cancelled_caught
