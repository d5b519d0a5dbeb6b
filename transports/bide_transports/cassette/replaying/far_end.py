"""The far end of a replayed connection: it judges the bytes of each request, and gives those of the recorded reply.

Where no reply was recorded, it does what makes an adapter say so: refuses, resets, keeps silent, talks nonsense. No
sockets, no clock, and none of the transports: they lay their own connections around it.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.client import responses
from typing import NoReturn

from bide.dialect import Dialect
from bide.errors import BideError
from bide.messages import Cause, Headers, NoResponse, Reply, Request, Response
from bide.secret import Credential, Secret, credential_for
from bide_transports.cassette.replaying.file_bytes import NO_CHUNK, carried
from bide_transports.cassette.replaying.heard_request import Asked, needed, read_request, spelt
from bide_transports.cassette.tape import Omitted
from bide_transports.lookup import PrivateAddress
from bide_transports.proxies import ProxyFailed

#: What says how a body is carried: made anew for each replay.
FRAMING = frozenset(("content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive", "trailer"))

_KEY = Secret("key-of-a-replay")
_NO_REQUEST = Request("", "")
_OF_ITS_OWN = frozenset(("host", "user-agent", "connection", "content-length", "accept", "accept-encoding"))
_GARBAGE = b"\x00\xff\xfe this is no HTTP \r\n\r\n"
_EMPTY = (204, 304)  # no body follows, whatever the headers say (RFC 9112, 6.3)


class UnfaithfulReplay(BideError, AssertionError):
    """The replay is at fault, not the code under test: an adapter sent or said something else than it was to."""


@dataclass(slots=True)
class FarEnd:
    """What all connections of one lane lead to; `expect` each exchange, then `check` what the adapter made of it.

    `dialect` tells where the key may go. A stand-in is sent in its place: a cassette has none. In the lane `of_a_file`
    bodies are carried as they were.
    """

    dialect: Dialect
    reply: Reply = Response(200)
    begun: Response | None = None
    of_a_file: bool = False
    _request: Request = _NO_REQUEST
    _file: Omitted | None = None
    _taken: bytearray = field(default_factory=bytearray)
    _given: bytes = b""
    _judged: tuple[Request, bytes] = (_NO_REQUEST, b"")
    _needed: int = 0
    is_answering: bool = False  # the request is here, whole

    def expect(
        self, request: Request, reply: Reply, begun: Response | None = None, file: Omitted | None = None
    ) -> Request:
        """Get ready for one exchange; the request that the adapter is to be given.

        `begun` is what comes of a file before the cause of no reply, `file` what goes with the request.
        """
        self._request, self.reply, self.begun, self._file = request, reply, begun, file
        self._taken, self._given, self._needed, self.is_answering = bytearray(), b"", 0, False
        if not isinstance(reply, NoResponse) or reply.cause is not Cause.TOO_LARGE:
            return request
        return replace(request, largest=0, largest_file=len(begun.body) if begun is not None else 0)

    @property
    def credential(self) -> Credential:
        """The header lines that carry the key, where the expected request may have it."""
        return credential_for(self._request, self.dialect, _KEY)

    @property
    def is_asked(self) -> bool:
        """Whether there is anything to do for an adapter: without a free connection it asks nobody."""
        return self.reply != NoResponse(Cause.BUSY, sent=False)

    def connect(self) -> None:
        """Take a connection, or raise the `OSError` that keeps it from being made."""
        match self.reply:
            case NoResponse(Cause.UNRESOLVED, sent=False):
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            case NoResponse(Cause.PRIVATE, sent=False):
                raise PrivateAddress("a private address")
            case NoResponse(Cause.PROXY, sent=False):
                raise ProxyFailed("a proxy")
            case NoResponse(Cause.UNREACHABLE, sent=False):
                raise ConnectionRefusedError("refused")
            case NoResponse(Cause.UNTRUSTED, sent=False):
                raise ssl.SSLCertVerificationError("not trusted")
            case NoResponse(Cause.TIMEOUT, sent=False):
                raise TimeoutError("no connection in time")
            case _:
                pass

    def take(self, data: bytes) -> None:
        """Bytes from the adapter; raises `UnfaithfulReplay` for a request that the core did not ask for."""
        self._taken += data
        if len(self._taken) < self._needed:
            return
        taken = bytes(self._taken)
        if (self._request, taken) != self._judged or self._file is not None:  # one poll is the next one's twin
            asked = read_request(taken)
            if asked is None:
                self._needed = needed(taken)
                return
            self._judge(asked)
            self._judged = self._request, taken
        self._given, self._taken, self.is_answering = self._answer, bytearray(), True

    def give(self, most: int) -> bytes:
        """Up to so many bytes for the adapter, empty at the end; raises `ConnectionResetError` or `TimeoutError`."""
        given, self._given = self._given[:most], self._given[most:]
        match self.reply:
            case NoResponse(Cause.RESET, sent=True) if not given:
                raise ConnectionResetError("reset")
            case NoResponse(Cause.TIMEOUT, sent=True) if not given:
                raise TimeoutError("no reply in time")
            case _:
                return given

    def check(self, made: Reply, came: bytes = b"") -> None:
        """Compare what the adapter made of the reply, of which `came` went elsewhere; raises `UnfaithfulReplay`."""
        if (_essence(made), _body(made) + came) != (_essence(self.reply), _body(self.begun or self.reply)):
            raise UnfaithfulReplay(
                f"the replay is unfaithful, not the code under test: the cassette has {_shown(self.reply)}, and the "
                f"adapter made {_shown(made)} of it. A cassette changed by hand may hold what no server can send"
            )

    @property
    def _answer(self) -> bytes:
        part = self.begun or self.reply
        if self.of_a_file and isinstance(part, Response):
            return _bytes(part, self._request.method, *carried(part, self.reply))
        return _answer(self.reply, self._request.method)

    def _judge(self, asked: Asked) -> None:
        """Whether what came is what the core asked for, with the key exactly where it belongs."""
        wanted = Asked.of(self._request, self.credential)
        names = {name for name, _ in wanted.headers} | _OF_ITS_OWN
        kept = {name for name, _ in wanted.headers} | {"host"}
        for name, value in asked.headers:
            if name not in names:
                _unfaithful(f"a header {name}", "nothing", value)
        headers = sorted((name, value) for name, value in asked.headers if name in kept)
        body: Omitted | bytes = asked.body
        if self._file is not None:
            body = Omitted(len(asked.body), sha256(asked.body).hexdigest())
        pairs = (
            ("method", wanted.method, asked.method),
            ("target", spelt(wanted.target), spelt(asked.target)),
            ("headers", sorted(wanted.headers), headers),
            ("body", wanted.body if self._file is None else self._file, body),
        )
        for what, ours, theirs in pairs:
            if ours != theirs:
                _unfaithful(what, ours, theirs)


def _unfaithful(what: str, wanted: object, sent: object) -> NoReturn:
    raise UnfaithfulReplay(
        f"the adapter, not the code under test, differs in what it sends: {what}: the core asked for "
        f"{wanted!r:.300}, and {sent!r:.300} was sent"
    )


def _answer(reply: Reply, method: str) -> bytes:
    """The bytes that stand for `reply`; none where it is a deed."""
    match reply:
        case Response():
            return _whole(reply, method)
        case NoResponse(cause, sent=True, head=Response() as head):
            return _bytes(head, method, *_cut(cause))
        case NoResponse(Cause.PROTOCOL, sent=True):
            return _GARBAGE
        case NoResponse(Cause.TOO_LARGE, sent=True):
            return _whole(Response(200, body=b"x"), method)
        case _:
            return b""


def _cut(cause: Cause) -> tuple[list[tuple[str, str]], bytes]:
    """How a body is carried that ends so after its head, and what comes of it."""
    if cause is Cause.PROTOCOL:
        return [("transfer-encoding", "chunked")], NO_CHUNK
    return [("content-length", "1")], b"x" if cause is Cause.TOO_LARGE else b""


def _whole(reply: Response, method: str) -> bytes:
    return _bytes(reply, method, [("content-length", str(len(reply.body)))], reply.body)


def _bytes(reply: Response, method: str, framing: list[tuple[str, str]], body: bytes) -> bytes:
    """A reply as HTTP/1.1; header values are latin-1, as they are read."""
    empty = method == "HEAD" or reply.status in _EMPTY
    fields = [(name, value) for name, value in reply.headers if name not in FRAMING]
    lines = [f"{name}: {value}" for name, value in (*fields, *([] if empty else framing))]
    first = f"HTTP/1.1 {reply.status} {responses.get(reply.status, '')}"
    head = "\r\n".join([first, *lines, "", ""]).encode("latin-1", "replace")
    return head if empty else head + body


def _essence(reply: Reply) -> tuple[object, ...]:
    if isinstance(reply, NoResponse):
        return reply.cause, reply.sent
    return reply.status, _kept(reply.headers)


def _body(reply: Reply) -> bytes:
    return reply.body if isinstance(reply, Response) else b""


def _kept(headers: Headers) -> dict[str, tuple[str, ...]]:
    return {name: values for name, values in headers.fields.items() if name not in FRAMING}


def _shown(reply: Reply) -> str:
    if isinstance(reply, NoResponse):
        return f"{reply.cause.name.lower()} ({'sent' if reply.sent else 'not sent'})"
    return f"{reply.status} with {', '.join(_kept(reply.headers)) or 'no headers'} and {len(reply.body)} bytes"
