"""One kept-alive HTTP/1.1 connection as a byte machine above h11: requests to bytes, bytes to replies.

    to_send = connection.send(request, place, lines)
    while (reply := connection.receive(received)) is None: ...
    if connection.release(): ...  # whether the next request may use it

No sockets and no clock: whoever moves the bytes bounds the time. The peer's faults are replies of the kind
`NoResponse`. h11 bounds neither the number of headers nor that of 1xx replies, and decodes nothing: this does.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import cast

import h11

from bide.messages import Cause, Headers, NoResponse, Reply, Request, Response
from bide.urls import Address
from bide_transports.proxies import Proxy
from bide_transports.sinks import Into, Sink

_LARGEST_HEAD = 64 * 1024  # bytes
_MOST_HEADERS = 100
_MOST_1XX = 16
_CHUNK = 65536  # bytes
_AGENT = ("user-agent", "bide h11")
_WITH_LENGTH = ("POST", "PUT", "PATCH")
_SPOKEN = (b"1.1", b"1.0")
_CODINGS = ("identity", "gzip", "x-gzip", "deflate")
_ZLIB, _GZIP = 15, 31
_END = h11.EndOfMessage()


class Connection:
    """The client's end of one connection; one exchange at a time.

    `heard` says whether any byte of the present exchange's reply has come: without, a connection that was
    used before may simply have been closed meanwhile.
    """

    def __init__(self, proxy: Proxy | None = None) -> None:
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
        self._proxy = proxy
        self._last: dict[object, h11.Request] = {}  # one poll is the next one's twin, and checking it costs a third
        self._body: _Body | None = None
        self._largest, self._informational = 0, 0
        self._into: Into | None = None
        self.heard = False

    def send(
        self,
        request: Request,
        place: Address,
        lines: tuple[tuple[str, str], ...] = (),
        *,
        into: Into | None = None,
        streamed: bool = False,
    ) -> bytes:
        """The bytes of `request` with further header `lines`; of a `streamed` body, `more` and `end` follow.

        `into` sees status and headers first: where it returns a file, the body goes there and is left out
        of the response. Through a proxy the target is the whole URL (RFC 9112, 3.2.2).
        """
        self._body, self._into, self._largest = None, into, request.largest
        self._informational, self.heard = 0, False
        headers = [("host", place.authority), _AGENT, *request.headers, *lines]
        if not streamed and (request.body or request.method in _WITH_LENGTH):
            headers.append(("content-length", str(len(request.body))))
        target = place.target
        if self._proxy is not None:
            target = f"{place.scheme}://{place.authority}{target}"
            headers += self._proxy.authorization
        twin = (request.method, target, *headers)
        event = self._last.get(twin)
        if event is None:
            event = h11.Request(method=request.method, target=target, headers=headers)
            self._last = {twin: event}
        head = self._h11.send(event) or b""
        if streamed:
            return head
        return head + (self.more(request.body) if request.body else b"") + self.end()

    def more(self, chunk: bytes) -> bytes:
        """The bytes of a piece of the body."""
        return self._h11.send(h11.Data(data=chunk)) or b""

    def end(self) -> bytes:
        """The bytes after the body; raises `h11.LocalProtocolError` when it was shorter than told."""
        return self._h11.send(_END) or b""

    def receive(self, data: bytes | bytearray) -> Reply | None:
        """What `data` (empty: the peer has closed) makes of the exchange; None while more is wanted."""
        self.heard = self.heard or bool(data)
        try:
            self._h11.receive_data(bytes(data))
            while (event := self._h11.next_event()) is not h11.NEED_DATA:
                reply = self._take(event)
                if reply is not None:
                    return reply
        except (h11.RemoteProtocolError, zlib.error):
            return NoResponse(Cause.PROTOCOL if data else Cause.RESET, sent=True)
        return None

    def release(self) -> bool:
        """Make ready for the next exchange; False when the connection must be closed instead."""
        if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return False
        if self._h11.trailing_data != (b"", False):
            return False  # bytes nobody asked for would become the next request's reply, and an end its lack
        self._h11.start_next_cycle()
        return True

    def _take(self, event: object) -> Reply | None:
        kind, body = type(event), self._body
        if body is not None:
            if kind is h11.Data:
                return None if body.take(cast("h11.Data", event).data) else NoResponse(Cause.TOO_LARGE, sent=True)
            return body.reply() if kind is h11.EndOfMessage else NoResponse(Cause.RESET, sent=True)
        if kind is h11.Response:
            return self._begin(cast("h11.Response", event))
        if kind is h11.InformationalResponse:
            self._informational += 1
            return NoResponse(Cause.PROTOCOL, sent=True) if self._informational > _MOST_1XX else None
        return NoResponse(Cause.RESET, sent=True)

    def _begin(self, event: h11.Response) -> NoResponse | None:
        lines = event.headers.raw_items()
        headers = Headers.of([(name.decode("ascii"), value.decode("latin-1")) for name, value in lines])
        fields = headers.fields
        coding = "identity"
        if "content-encoding" in fields:
            coding = ", ".join(fields["content-encoding"]).strip().lower() or "identity"
        if (
            event.http_version not in _SPOKEN
            or len(lines) > _MOST_HEADERS
            or ("transfer-encoding" in fields and "content-length" in fields)  # framed twice (RFC 9112, 6.3)
            or coding not in _CODINGS
        ):
            return NoResponse(Cause.PROTOCOL, sent=True)
        file = self._into(Response(event.status_code, headers)) if self._into is not None else None
        self._body = _Body(event.status_code, headers, file, self._largest, coding)
        return None


class Tunnel:
    """CONNECT to `place` through a proxy (RFC 9110, 9.3.6): send `greeting`, then `receive` until it is true."""

    def __init__(self, place: Address, proxy: Proxy) -> None:
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
        target = f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}"
        request = h11.Request(method="CONNECT", target=target, headers=[("host", target), *proxy.authorization])
        self._informational = 0
        self.greeting = (self._h11.send(request) or b"") + (self._h11.send(h11.EndOfMessage()) or b"")

    def receive(self, data: bytes | bytearray) -> bool:
        """Whether the way is open; raises `ConnectionRefusedError` when the proxy says no."""
        try:
            self._h11.receive_data(bytes(data))
            while isinstance(event := self._h11.next_event(), h11.InformationalResponse):
                self._informational += 1
        except h11.RemoteProtocolError:
            raise ConnectionRefusedError("the proxy does not speak HTTP") from None
        if self._informational <= _MOST_1XX:
            if event is h11.NEED_DATA:
                return False
            if isinstance(event, h11.Response) and 200 <= event.status_code < 300:
                return True
        raise ConnectionRefusedError("the proxy refuses the connection")


class _Body:
    """The body of one response: decoded while it comes, bounded after decoding, kept or handed to a file."""

    __slots__ = ("_chunks", "_decoder", "_file", "_headers", "_largest", "_size", "_status")

    def __init__(self, status: int, headers: Headers, file: Sink | None, largest: int, coding: str) -> None:
        self._status, self._headers, self._file, self._largest = status, headers, file, largest
        self._decoder = None if coding == "identity" else _Decoder(coding)
        self._chunks: list[bytes] = []
        self._size = 0

    def take(self, data: bytes | bytearray) -> bool:
        """Take a piece; False when the body grows larger than allowed."""
        for chunk in self._decoder.decoded(data) if self._decoder else (bytes(data),):
            self._size += len(chunk)
            if self._file is not None:
                self._file.write(chunk)
            elif self._size > self._largest:
                return False
            else:
                self._chunks.append(chunk)
        return True

    def reply(self) -> Reply:
        """The whole response, or that the coded body was not whole."""
        if self._decoder is not None and not self._decoder.whole:
            return NoResponse(Cause.PROTOCOL, sent=True)
        return Response(self._status, self._headers, b"".join(self._chunks))


class _Decoder:
    """gzip (RFC 1952: one member or several) or deflate, a bounded piece at a time; nothing may follow its end.

    Deflate without its zlib wrapper is understood too: servers have never agreed on that.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._start = b""  # enough of the coded data to tell how to read it
        self._begun = False
        self._zlib = zlib.decompressobj(_GZIP)

    @property
    def whole(self) -> bool:
        """Whether the coded data has come to its end, or there is none."""
        return self._zlib.eof or not self._start

    def decoded(self, data: bytes | bytearray) -> Iterator[bytes]:
        """The decoded bytes, at most 64 KiB at a time; raises `zlib.error`."""
        if not self._begun:
            data = self._start = self._start + data
            if len(data) < 2:
                return
            self._begun, self._zlib = True, zlib.decompressobj(_bits(self._coding, self._start))
        while data:
            if self._zlib.eof:
                if self._coding == "deflate":
                    raise zlib.error("there are bytes after the end")
                self._zlib = zlib.decompressobj(_GZIP)
            chunk = self._zlib.decompress(data, _CHUNK)
            while chunk:
                yield chunk
                chunk = self._zlib.decompress(self._zlib.unconsumed_tail, _CHUNK)
            data = self._zlib.unused_data


def _bits(coding: str, start: bytes) -> int:
    """What zlib must be told of data that begins with these two bytes (RFC 1950, 2.2)."""
    if coding != "deflate":
        return _GZIP
    wrapped = start[0] & 15 == 8 and int.from_bytes(start[:2], "big") % 31 == 0
    return _ZLIB if wrapped else -_ZLIB
