"""What other tools recorded: requests and what came back, read from their files; each fault is told with its place.

Values of such a file may be secret, so no message shows one. Credentials are taken out here, before anything else
sees a request: what remains of them is that there was one, and the values to be kept out of all the rest.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from bide.dialect import Dialect
from bide.document import JSON
from bide.messages import Reply, Request
from bide_transports.cassette.files import contents as whole
from bide_transports.cassette.tape import InvalidCassette

LARGEST = 256 * 1024 * 1024  # bytes of a file that is imported
_METHOD = re.compile(r"[A-Za-z][A-Za-z_-]{0,30}", re.ASCII)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}", re.ASCII)  # RFC 9110, 5.1
_NOT_IN_A_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CREDENTIALS = frozenset(("authorization", "proxy-authorization", "x-api-key", "api-key", "x-auth-token"))
_COOKIES = frozenset(("cookie", "set-cookie"))
_SHORTEST_COOKIE = 12  # characters; shorter values are settings rather than sessions
_REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))  # RFC 9110, 9.2.2
_KINDS: tuple[tuple[type, str], ...] = (
    (dict, "an object"),
    (list, "a list"),
    (str, "a text"),
    (bytes, "bytes"),
    (bool, "true or false"),
    (int, "another number"),
    (type(None), "missing"),
)


@dataclass(frozen=True, slots=True)
class Opening:
    """How a lane was taken up, in a file that bide wrote: when (milliseconds since the epoch), and the job's token."""

    at: int
    token: Mapping[str, JSON] | None


@dataclass(frozen=True, slots=True, repr=False)
class Interaction:
    """One request and what came back. `began` is in milliseconds since the epoch, `took` in milliseconds.

    `lacks` says why the body of the reply is not known; `secrets` are values that came with it as credentials;
    `lane` and `opening` are there in files that bide wrote.
    """

    place: str
    request: Request
    reply: Reply
    began: int | None = None
    took: int = 0
    lacks: str = ""
    secrets: tuple[str, ...] = ()
    lane: str = ""
    opening: Opening | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Spot:
    """What stands at a place of a file."""

    value: object
    file: str
    path: str = ""

    @property
    def place(self) -> str:
        """The place, for people."""
        return f"{self.file}: {self.path or 'the document'}"

    def member(self, name: str) -> Spot:
        """The member of an object; its value is None where there is none."""
        return Spot(self._members().get(name), self.file, f"{self.path}.{name}" if self.path else name)

    def members(self) -> list[tuple[str, Spot]]:
        """All members of an object."""
        names = list(self._members())
        if not all(isinstance(name, str) for name in names):
            raise self.wrong("an object with texts for names")
        return [(name, self.member(name)) for name in cast("list[str]", names)]

    def items(self) -> list[Spot]:
        """The items of a list."""
        items = as_list(self.value)
        if items is None:
            raise self.wrong("a list")
        return [Spot(item, self.file, f"{self.path}[{n}]") for n, item in enumerate(items)]

    def text(self) -> str:
        """The text here; bytes are read as the text they mostly are."""
        if isinstance(self.value, bytes):
            return self.value.decode("latin-1")
        if not isinstance(self.value, str):
            raise self.wrong("a text")
        return self.value

    def whole(self, least: int, most: int) -> int:
        """The whole number here, from `least` to `most`."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not least <= self.value <= most:
            raise self.wrong(f"a whole number from {least} to {most}")
        return self.value

    def wrong(self, wanted: str) -> InvalidCassette:
        """The error for what does not belong here."""
        kind = next((name for kind, name in _KINDS if isinstance(self.value, kind)), "something else")
        return InvalidCassette(f"{self.place} is {kind}: {wanted} is expected")

    def _members(self) -> dict[object, object]:
        members = as_object(self.value)
        if members is None:
            raise self.wrong("an object")
        return members


def as_object(value: object) -> dict[object, object] | None:
    """`value` if it is an object."""
    return cast("dict[object, object]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object] | None:
    """`value` if it is a list."""
    return cast("list[object]", value) if isinstance(value, list) else None


def contents(source: str | Path | bytes) -> tuple[bytes, str]:
    """The bytes of a file and what to call it; raises `InvalidCassette` where it cannot be read."""
    if isinstance(source, bytes):
        data, name = source, "the recording"
    else:
        name = str(source)
        data = whole(Path(source), LARGEST)
    if len(data) > LARGEST:
        raise InvalidCassette(f"{name} has {len(data)} bytes, more than {LARGEST}: import a part of it")
    return data, name


def is_web(url: str) -> bool:
    """Whether a link is one of HTTP; browsers write down others, too."""
    return url[:8].lower().startswith(("http://", "https://"))


def header_lines(name: Spot | str, values: Iterable[Spot]) -> list[tuple[str, str]]:
    """The lines of one header field; those of HTTP/2's own kind, such as `:path`, are none."""
    field = name if isinstance(name, str) else name.text()
    lines: list[tuple[str, str]] = []
    for value in values:
        if field.startswith(":"):
            continue
        if not _NAME.fullmatch(field):
            raise value.wrong("a header field with a name of letters, digits and hyphens")
        lines += [(field.lower(), _line(piece.strip("\r"), value)) for piece in value.text().split("\n")]
    return lines


def request_of(
    dialect: Dialect, method: Spot, url: Spot, headers: list[tuple[str, str]], body: bytes
) -> tuple[Request, tuple[str, ...]]:
    """The request without its credentials, and their values."""
    if not _METHOD.fullmatch(method.text()):
        raise method.wrong("a method such as GET")
    own = dialect.authorization("key")[0].lower()
    link, secrets = _without_user(url)
    credential, kept = bool(secrets), list[tuple[str, str]]()
    for name, value in headers:
        if name in _CREDENTIALS or name == own:
            credential, secrets = True, [*secrets, *_keys(value)]
        elif name in _COOKIES:
            secrets += cookies(value)
        else:
            kept.append((name, value))
    verb = method.text().upper()
    repeatable = verb in _REPEATABLE or any(name == "idempotency-key" for name, _ in kept)
    return Request(verb, link, tuple(kept), body, credential=credential, repeatable=repeatable), tuple(secrets)


def cookies(line: str) -> list[str]:
    """The values of the cookies in a header line that are long enough to be secret."""
    pairs = (pair.partition("=") for pair in line.split(";"))
    return [value.strip() for _, equals, value in pairs if equals and len(value.strip()) >= _SHORTEST_COOKIE]


def _keys(value: str) -> list[str]:
    """What is secret in the value of a header that carries a credential."""
    scheme, _, key = value.strip().partition(" ")
    key = key.strip() or scheme
    if scheme.lower() != "basic":
        return [key]
    try:
        return [key, b64decode(key, validate=True).decode().partition(":")[2]]
    except ValueError:
        return [key]


def _without_user(url: Spot) -> tuple[str, list[str]]:
    """A link without user and password, and these."""
    link = url.text().partition("#")[0]
    try:
        parts = urlsplit(link)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or _NOT_IN_A_LINE.search(link) or " " in link:
        raise url.wrong("an address such as https://api.example.com/v1/jobs")
    user, at, authority = urlsplit(link).netloc.rpartition("@")
    if not at:
        return link, []
    return link.replace(f"{user}@{authority}", authority, 1), [piece for piece in user.split(":") if piece]


def _line(value: str, spot: Spot) -> str:
    if _NOT_IN_A_LINE.search(value):
        raise spot.wrong("a header line without control characters")
    return value
