"""One kept-alive HTTP/1.1 connection as a byte machine above h11: requests to bytes, bytes to replies.

    to_send = connection.send(request, place, lines)
    connection.sent()  # once it is on its way: what is left to be noted
    while (reply := connection.receive(received)) is None: ...
    if connection.release(): ...  # whether the next request may use it

No sockets and no clock: whoever moves the bytes bounds the time. The peer's faults are replies of the kind
`NoResponse`. h11 bounds neither the number of headers nor that of 1xx replies, takes no odd header line, and decodes
nothing: this does, with `header_lines` and `reply_body`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import h11

from bide.messages import Cause, Headers, NoResponse, Reply, Request, Response
from bide.secret import Lines
from bide.urls import Address
from bide_transports.chunks import Chunks
from bide_transports.header_lines import LARGEST_HEAD, Heads, NotHTTP
from bide_transports.proxies import Proxy
from bide_transports.reply_body import Body, begin
from bide_transports.sinks import Into
from bide_transports.tracebacks import Hidden

_MOST_1XX = 16
_AGENT = ("user-agent", "bide h11")
_WITH_LENGTH = ("POST", "PUT", "PATCH")
_SPOKEN = (b"1.1", b"1.0")
_END = h11.EndOfMessage()


@dataclass(slots=True, repr=False)
class _Written:
    """A whole request without a body: what it was made of, what h11 makes of that, and its bytes."""

    twin: tuple[object, ...]
    event: h11.Request
    start: bytes = b""


class Connection:
    """The client's end of one connection; one exchange at a time.

    The last request without a body is not written anew when it is asked again: a poll is the twin of the one
    before, and what h11 checks and notes of it can wait until the service has it. That is a third of its cost.
    """

    def __init__(self, proxy: Proxy | None = None) -> None:
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        self._heads = Heads()
        self._proxy = proxy
        self._written: _Written | None = None
        self._owed: _Written | None = None  # what is on its way and h11 does not know of yet
        self._used, self._repeatable = False, False
        self._body: Body | None = None
        self._chunks: Chunks | None = None
        self._informational = 0
        self._request: Request | None = None
        self._into: Into | None = None
        self._heard = False

    @property
    def is_deserted(self) -> bool:
        """Whether the peer had closed it after an earlier exchange, it seems, and the request may be sent again."""
        return self._used and not self._heard and self._repeatable

    @property
    def head(self) -> Response | None:
        """Status and headers of the reply, once they have come."""
        return self._body.head if self._body is not None else None

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
        self._body, self._chunks, self._into, self._request = None, None, into, request
        self._informational, self._heard = 0, False
        self._repeatable = request.repeatable and not streamed
        headers = Lines((("host", place.authority), _AGENT, *request.headers, *lines))
        if not streamed and (request.body or request.method in _WITH_LENGTH):
            headers = Lines((*headers, ("content-length", str(len(request.body)))))
        target = place.target
        if self._proxy is not None:
            target = f"{place.scheme}://{place.authority}{target}"
            headers = Lines((*headers, *self._proxy.authorization))
        twin = (request.method, target, headers)
        if streamed or request.body or self._written is None or self._written.twin != twin:
            return self._write(request, target, headers, streamed=streamed)
        self._owed = self._written
        return self._owed.start

    def _write(self, request: Request, target: str, headers: Lines, *, streamed: bool) -> bytes:
        written = _Written((request.method, target, headers), _request(request.method, target, headers))
        start = Hidden(self._h11.send(written.event) or b"")
        if streamed:
            return start
        if request.body:
            return Hidden(start + self.more(request.body) + self.end())
        written.start = Hidden(start + self.end())
        self._written = written
        return written.start

    def sent(self) -> None:
        """The request is on its way: note what was not noted before, while the reply is awaited."""
        if self._owed is not None:
            self._h11.send(self._owed.event)
            self._h11.send(_END)
            self._owed = None

    def more(self, chunk: bytes) -> bytes:
        """The bytes of a piece of the body."""
        return self._h11.send(h11.Data(data=chunk)) or b""

    def end(self) -> bytes:
        """The bytes after the body; raises `h11.LocalProtocolError` when it was shorter than told."""
        return self._h11.send(_END) or b""

    def receive(self, data: bytes | bytearray) -> Reply | None:
        """What `data` (empty: the peer has closed) makes of the exchange; None while more is wanted."""
        self.sent()
        self._heard = self._heard or bool(data)
        try:
            return self._received(bytes(data))
        except (h11.RemoteProtocolError, NotHTTP):
            return NoResponse(Cause.PROTOCOL if data else Cause.RESET, sent=True, head=self.head)

    def _received(self, data: bytes) -> Reply | None:
        rest = data
        while rest and self._h11.their_state is h11.SEND_RESPONSE:
            cut = self._heads.take(rest)
            if cut is None:
                return None
            head, rest = cut
            self._h11.receive_data(head)
            reply = self._take(self._h11.next_event())
            if reply is not None:
                return reply
        if self._chunks is not None:
            rest = self._chunks.take(rest)
            if not rest and data:
                return None
        if rest or not data:
            self._h11.receive_data(rest)
        while (event := self._h11.next_event()) is not h11.NEED_DATA:
            reply = self._take(event)
            if reply is not None:
                return reply
        return None

    def release(self) -> bool:
        """Make ready for the next exchange; False when the connection must be closed instead."""
        if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return False
        if self._h11.trailing_data != (b"", False):
            return False  # bytes nobody asked for would become the next request's reply, and an end its lack
        self._h11.start_next_cycle()
        self._used = True
        return True

    def _take(self, event: object) -> Reply | None:
        kind, body = type(event), self._body
        if body is not None:
            if kind is h11.Data:
                return body.take(cast("h11.Data", event).data)
            return body.reply() if kind is h11.EndOfMessage else NoResponse(Cause.RESET, sent=True, head=body.head)
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
        refusal = None if self._proxy is None else self._proxy.refusal(event.status_code)
        if refusal is not None:
            return refusal
        if (
            event.http_version not in _SPOKEN
            or ("transfer-encoding" in fields and "content-length" in fields)  # framed twice (RFC 9112, 6.3)
        ):
            return NoResponse(Cause.PROTOCOL, sent=True)
        body = begin(Response(event.status_code, headers), cast("Request", self._request), self._into)
        if isinstance(body, NoResponse):
            return body
        self._body = body
        if "transfer-encoding" in fields and event.status_code not in (204, 304):
            self._chunks = Chunks()
        return None


def _request(method: str, target: str, headers: Lines) -> h11.Request:
    return h11.Request(method=method, target=target, headers=list(headers))


class Tunnel:
    """CONNECT to `place` through a proxy (RFC 9110, 9.3.6): send `greeting`, then `receive` until it is true."""

    def __init__(self, place: Address, proxy: Proxy) -> None:
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        target = f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}"
        self._heads, self._informational, self._proxy = Heads(), 0, proxy
        headers = Lines((("host", target), *proxy.authorization))
        self.greeting = Hidden(self._h11.send(_request("CONNECT", target, headers)) or b"")
        self._h11.send(h11.EndOfMessage())  # of no bytes

    def receive(self, data: bytes | bytearray) -> bool:
        """Whether the way is open; raises `ProxyFailed` when the proxy says no."""
        try:
            event = self._final(bytes(data))
        except (h11.RemoteProtocolError, NotHTTP):
            raise self._proxy.failed("does not open a tunnel: it does not speak HTTP") from None
        if event is None or 200 <= event.status_code < 300:
            return event is not None
        raise self._proxy.failed(f"answers {event.status_code}")

    def _final(self, data: bytes) -> h11.Response | None:
        if not data:
            raise NotHTTP
        while data and (cut := self._heads.take(data)) is not None:
            head, data = cut
            self._h11.receive_data(head)
            event = self._h11.next_event()
            if isinstance(event, h11.Response):
                return event
            self._informational += 1
            if self._informational > _MOST_1XX:
                raise NotHTTP
        return None
