"""Receive webhooks in a trio application: an HTTP/1.1 server for this alone, by h11 over trio streams.

    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(listen, mailbox.receive, client.notify, port=8099))

Services send to https: put it behind whatever holds your certificate, or give `Receiver` to
`trio.serve_ssl_over_tcp`.
"""

from __future__ import annotations

import trio

from bide_transports.h11_server import Door, Refused
from bide_transports.webhooks import LARGEST, Deliver, Receive

_CHUNK = 65536  # bytes
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)
_PARTING = 1.0  # seconds in which a peer that was refused may read why


class Receiver:
    """Serves one connection after the other; give it to `trio.serve_tcp`, or any other of trio's servers.

    `deliver` is called with each new notice, before it is answered: `Client.notify`, or `send_nowait` of a memory
    channel without a limit. Each request must be whole within `timeout` seconds of the one before; of more than
    `most` connections at once, the last are closed.
    """

    def __init__(self, receive: Receive, deliver: Deliver, *, timeout: float = 10.0, most: int = 256) -> None:
        self._receive, self._deliver = receive, deliver
        self._timeout, self._most = timeout, most
        self._open = 0

    async def __call__(self, stream: trio.abc.Stream) -> None:
        """Serve a connection to its end; faults of the peer end it without a word."""
        self._open += 1
        try:
            async with stream:
                if self._open <= self._most:
                    await self._converse(stream)
        finally:
            self._open -= 1

    async def _converse(self, stream: trio.abc.Stream) -> None:
        door = Door(LARGEST)
        try:
            going_on = True
            while going_on:
                going_on = False
                with trio.move_on_after(self._timeout):
                    going_on = await self._serve(stream, door)
        except Refused as refused:
            with trio.move_on_after(_PARTING):
                await _part(stream, door.reply(refused.status, refused.text))
        except (EOFError, *_GONE):
            pass

    async def _serve(self, stream: trio.abc.Stream, door: Door) -> bool:
        """Take one request and answer it; whether another may follow."""
        asked = door.receive()
        while asked is None:
            if go_ahead := door.interim():
                await stream.send_all(go_ahead)
            asked = door.receive(await stream.receive_some(_CHUNK))
        answer = self._receive(asked.method, asked.headers, asked.body)
        if answer.notice is not None:
            self._deliver(answer.notice)
        await stream.send_all(door.reply(answer.status, answer.text))
        return door.release()


async def listen(
    receive: Receive,
    deliver: Deliver,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve at `host` and `port` (0: a free one) until cancelled; `nursery.start` returns the address.

    The path makes no difference: whether a request is taken is decided by its signature.
    """
    listeners = await trio.open_tcp_listeners(port, host=host)
    name, number, *_ = listeners[0].socket.getsockname()
    task_status.started(f"http://{f'[{name}]' if ':' in name else name}:{number}/")
    await trio.serve_listeners(Receiver(receive, deliver), listeners)


async def _part(stream: trio.abc.Stream, reply: bytes) -> None:
    """Send the refusal and let the peer finish: closing with bytes unread would cut it off (RFC 9112, 9.6)."""
    try:
        await stream.send_all(reply)
        while await stream.receive_some(_CHUNK):
            pass
    except _GONE:
        pass
