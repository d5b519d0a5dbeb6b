"""What crosses the seam between the core and a transport: one request, one reply or the lack of one.

A transport turns a `Request` into a `Response` or a `NoResponse` and decides nothing on the way. All
three are plain values; none of their reprs shows a query string, a header value or a body, since those
carry signatures and keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import TypeAlias

from bide.document import JSONInput, is_writable, snapshot
from bide.faults import InvalidOrder
from bide.handles import Named
from bide.urls import public

_WEBHOOK = re.compile(r"https?://[^\s/?#\\]+(?:[/?#]\S*)?", re.IGNORECASE)
TIMEOUT = 30.0  # seconds for one whole exchange, unless `Patience.timeout` says otherwise
LARGEST = 8 * 1024 * 1024  # bytes of one reply body, unless `Patience.largest` says otherwise
LARGEST_FILE = 16 * 1024**3  # bytes of one file, unless `Patience.largest_file` says otherwise


@dataclass(frozen=True, slots=True, repr=False)
class Headers:
    """Header fields by lower-case name; a repeated field keeps each of its lines (RFC 9110, 5.3)."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Headers:
        """Headers from (name, value) pairs in the order they arrived."""
        fields: dict[str, tuple[str, ...]] = {}
        repeated: dict[str, list[str]] = {}
        for name, value in pairs:
            name = name.lower()
            if name in fields:
                repeated.setdefault(name, [*fields[name]]).append(value)
            else:
                fields[name] = (value,)
        for name, values in repeated.items():
            fields[name] = tuple(values)
        return cls(fields)

    def get(self, name: str) -> str | None:
        """The first value of a field, or None; `name` is lower-case."""
        values = self.fields.get(name)
        return values[0] if values else None

    def every(self, name: str) -> tuple[str, ...]:
        """All values of a field, one per line received; `name` is lower-case."""
        return self.fields.get(name, ())

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for name, values in self.fields.items() for value in values)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self.fields)})"


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One HTTP request to send, once, as it stands.

    `credential` asks the transport for the caller's credential (see `bide.secret.credential_for`);
    `repeatable` says that sending it twice does no harm; what is not goes out over a new connection, since it must not
    get lost in one that the server is about to close. `timeout` (seconds) bounds the whole exchange
    from the first byte of the connection to the last byte of the body; `largest` (bytes) bounds a body that is
    kept in memory, `largest_file` one that goes into a file, with what of the file was there before. `within` (seconds)
    bounds the exchange together with whatever the transport waits for before, such as a free connection.
    Redirects are never followed: a 3xx is a reply like any other. Where it is `public`, whoever looks the host's name
    up connects only to addresses of the internet (see `bide.urls.is_public`), and to just those that were checked.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    credential: bool = False
    repeatable: bool = True
    timeout: float = TIMEOUT
    largest: int = LARGEST
    within: float = inf
    public: bool = False
    largest_file: int = LARGEST_FILE

    def __repr__(self) -> str:
        return f"Request({self.method} {public(self.url)})"


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """One whole HTTP response: status, headers, and the body with transfer and content coding removed."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Response({self.status}, {self.headers!r}, {len(self.body)} bytes)"


class Cause(Enum):
    """Why there is no response. The value is the wording people read."""

    UNRESOLVED = "the host name does not exist"
    UNREACHABLE = "the host could not be reached"
    PRIVATE = "the host's name leads into a private network, which only `private` of the dialect allows"
    PROXY = "the proxy let nothing through"
    UNTRUSTED = "the TLS certificate was not accepted"
    TIMEOUT = "no whole reply came in time"
    RESET = "the connection was cut"
    PROTOCOL = "the reply was not valid HTTP"
    TOO_LARGE = "the reply was larger than allowed"
    BUSY = "no connection was free in time"  # ours: nothing was asked, so it says nothing of the service


@dataclass(frozen=True, slots=True)
class NoResponse:
    """No whole response came. `sent` says whether the request may have reached the server all the same.

    `detail` is for people, who may be told more than the cause, such as which proxy it was; no decision hangs on it,
    and no cassette keeps it. `head` is the status and the headers of a response that began, and whose body was cut, too
    large or unreadable: they are the service's word, and are heard (`bide.look`).
    """

    cause: Cause
    sent: bool
    detail: str = field(default="", repr=False, compare=False)
    head: Response | None = field(default=None, repr=False, compare=False)


Reply: TypeAlias = Response | NoResponse


def head_of(reply: Reply, *, least: int = 300) -> Reply:
    """`reply`, or the head of a response without its body, if its status is `least` or more, and says enough alone."""
    head = reply.head if isinstance(reply, NoResponse) else None
    return reply if head is None or head.status < least else head


@dataclass(frozen=True, slots=True)
class Order:
    """One logical submission: what to run, and the key that keeps it from being run twice.

    `key` is the idempotency key: make it once per submission, before the first
    byte leaves, and every retry carries it. Without a key an unclear outcome is never tried again.
    `input` and `metadata` may be any mappings of JSON; plain dicts are kept of them. Raises `InvalidOrder`, which names
    the member that cannot be sent.
    """

    model: str
    input: Mapping[str, JSONInput]
    key: str | None = None
    metadata: Mapping[str, JSONInput] | None = None
    webhook_url: str | None = None

    def __post_init__(self) -> None:
        for name in ("model", "key", "webhook_url"):
            value: object = getattr(self, name)
            if not isinstance(value, str) and (name == "model" or value is not None):
                raise InvalidOrder(f"{name} is {value!r:.60}: give a text")
            if isinstance(value, str) and not is_writable(value):
                raise InvalidOrder(f"{name} is {value!r:.60}, with half a surrogate pair: give a text of characters")
        if not self.model.strip():
            raise InvalidOrder("the model is empty: name the model to run, such as 'flux-1.1-pro'")
        if self.key is not None and not (
            0 < len(self.key.strip()) == len(self.key) <= 255 and self.key.isascii() and self.key.isprintable()
        ):
            raise InvalidOrder(
                "the idempotency key must be 1 to 255 printable ASCII characters without spaces at its ends"
            )
        if self.webhook_url is not None and not _WEBHOOK.fullmatch(self.webhook_url):
            raise InvalidOrder(
                f"webhook_url is {self.webhook_url!r:.60}: give the address of an endpoint of yours, with https://"
            )
        object.__setattr__(self, "input", snapshot(self.input, "input"))
        if self.metadata is not None:
            object.__setattr__(self, "metadata", snapshot(self.metadata, "metadata"))


@dataclass(frozen=True, slots=True, repr=False)
class Notice(Named):
    """A verified notification that something happened to a job; a hint to look now, never proof.

    `id` is the event's own id, the same whenever it is sent again; empty where the service gives none. `handle` is
    the job's id or address, `kind` the service's word for what happened.
    """

    id: str
    handle: str
    kind: str = ""
