"""The receiving end of one HTTP/1.1 connection as a byte machine above h11, for requests with small bodies.

    while (asked := door.receive(received)) is None: ...
    to_send = door.reply(status, text)
    if door.release(): ...  # whether another request may follow

No sockets and no clock: whoever moves the bytes bounds the time. Head and body are bounded here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import h11

from bide.faults import carried
from bide.messages import Headers

_LARGEST_HEAD = 64 * 1024  # bytes
_MOST_HEADERS = 100


class Asked(NamedTuple):
    """One whole request, its body as the bytes that came."""

    method: str
    target: str
    headers: Headers
    body: bytes


class Refused(Exception):
    """A request that is not taken; send `door.reply(status, text)`, then close."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text

    def __reduce__(self) -> tuple[Any, ...]:
        return carried(self)


class Door:
    """The server's end of one connection; one request at a time, of at most `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST_HEAD)
        self._largest = largest
        self._head: h11.Request | None = None
        self._body = bytearray()

    def receive(self, data: bytes | bytearray | None = None) -> Asked | None:
        """The request that `data` completes, or None while more is wanted; raises `Refused`.

        Empty `data` says that the peer has closed; None looks at what came along with the last request.
        Raises `EOFError` when the peer has left without a request.
        """
        try:
            if data is not None:
                self._h11.receive_data(bytes(data))
            while (event := self._h11.next_event()) is not h11.NEED_DATA:
                asked = self._take(event)
                if asked is not None:
                    return asked
        except h11.RemoteProtocolError as error:
            raise Refused(error.error_status_hint, "that is no acceptable HTTP") from None
        return None

    def interim(self) -> bytes:
        """The go-ahead that some clients wait for before they send the body (RFC 9110, 10.1.1); mostly nothing."""
        if not self._h11.they_are_waiting_for_100_continue:
            return b""
        return self._h11.send(h11.InformationalResponse(status_code=100, headers=[])) or b""

    def reply(self, status: int, text: str) -> bytes:
        """The bytes of an answer in plain text."""
        body = f"{text}\n".encode()
        allow = [("allow", "POST")] if status == 405 else []
        lines = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body))), *allow]
        head = self._h11.send(h11.Response(status_code=status, headers=lines)) or b""
        only_head = self._head is not None and self._head.method == b"HEAD"
        data = b"" if only_head else self._h11.send(h11.Data(data=body)) or b""
        return head + data + (self._h11.send(h11.EndOfMessage()) or b"")

    def release(self) -> bool:
        """Make ready for the next request; False when the connection must be closed instead."""
        if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return False
        self._h11.start_next_cycle()
        self._head, self._body = None, bytearray()
        return True

    def _take(self, event: object) -> Asked | None:
        match event:
            case h11.Request():
                size = len(event.target) + sum(len(name) + len(value) for name, value in event.headers)
                if len(event.headers) > _MOST_HEADERS or size > _LARGEST_HEAD:
                    raise Refused(431, "there are too many header lines, or too long ones")
                self._head = event
            case h11.Data():
                self._body += event.data
                if len(self._body) > self._largest:
                    raise Refused(413, "the body is too large")
            case h11.EndOfMessage() if self._head is not None:
                lines = ((name.decode("ascii"), value.decode("latin-1")) for name, value in self._head.headers)
                method, target = self._head.method.decode("ascii"), self._head.target.decode("ascii")
                return Asked(method, target, Headers.of(lines), bytes(self._body))
            case _:
                raise EOFError
        return None
