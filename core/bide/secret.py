"""A caller's credential: held so that it cannot be printed, lent so that it cannot stray.

The core never reads one. A transport holds a `Secret` and asks `credential_for` what to add to a request.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NoReturn, Protocol, TypeAlias, TypeVar, cast

from bide.faults import InvalidAddress, InvalidKey
from bide.messages import NoResponse, Reply, Request, Response
from bide.urls import exposed, origin, public

T = TypeVar("T")

_LOOKS_SECRET = (
    re.compile(  # a JWT may begin anew at each dash of a word: first is seen whether the word goes on as one
        r"\b(?:sk|pk|rk|mr|gh[pousr]|github_pat|xox[baprs]|r8|hf|glpat|npm|whsec)[-_][A-Za-z0-9_-]{8,}"
        r"|\bA(?:KIA|SIA)[A-Z0-9]{12,}|\bAIza[\w-]{20,}|\bya29\.[\w.-]+"
        r"|(?<![\w-])(?=[\w-]{4,}\.[\w-]+\.)[\w-]*?\beyJ[\w-]+\.[\w-]+\.[\w-]*"
        r"|(?i:\b(?:bearer|basic|key(?=\s+\S*\d))\s+)[A-Za-z0-9._~+/=:-]{8,}"
        r"|(?<=\?)[^\s\"'<>]+"
    )
)
_SHORTEST = 8  # characters of a key that is told from other words
_STRUCK = b"[redacted]"


class Secret:
    """A key that shows itself to nobody: no repr, no str, no format, no pickle, no copy to JSON.

    Raises `InvalidKey` when the text could not stand in a header line.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        del value  # what a traceback shows of the locals here
        self.checked()

    @classmethod
    def hidden(cls, key: T) -> T | Secret:
        """A key that is a text, held out of sight before anything can go wrong; `checked` says whether it is one."""
        if not isinstance(key, str):
            return key
        secret = cls.__new__(cls)
        secret._value = key  # noqa: SLF001  its own
        return secret

    def checked(self) -> Secret:
        """Itself, if it can stand in a header line; raises `InvalidKey`."""
        if not isinstance(cast("object", self._value), str):
            raise InvalidKey(f"the API key is a {type(self._value).__name__}: give it as a text")
        if not self._value or not self._value.isascii() or not self._value.isprintable() or " " in self._value:
            raise InvalidKey(
                "the API key is empty or holds spaces, line ends or non-ASCII characters: copy it again, whole"
            )
        return self

    def reveal(self) -> str:
        """The key itself; only for the one header line it belongs in."""
        return self._value

    def struck_from(self, data: bytes) -> bytes:
        """`data` with the key taken out of it; one of less than eight characters may be part of any word, and stays."""
        if len(self._value) < _SHORTEST:
            return data
        escaped = data.replace(self._value.replace("/", "\\/").encode(), _STRUCK)  # as some write JSON
        return escaped.replace(self._value.encode(), _STRUCK)

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied: hand the key over by its own safe way")


class NoKey:
    """Given in a key's place: none is sent, though the service wants one, as a proxy or your own session adds it."""

    __slots__ = ()


Credential: TypeAlias = tuple[tuple[str, str], ...]  # the header lines that carry a key


class Service(Protocol):
    """What must be known of a service to lend it a key: a `Dialect` knows it."""

    @property
    def origin(self) -> str:
        """The API's own origin."""
        ...

    def authorization(self, key: str) -> tuple[str, str]:
        """The header line that carries the key."""
        ...


class Lines(tuple[tuple[str, str], ...]):
    """Header lines that show themselves to nobody: a traceback with its locals prints them, too."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Lines(…)"


def is_at_home(request: Request, dialect: Service) -> bool:
    """Whether a request goes to the API's own origin: no other is sent the key, or anything of the caller's session.

    That is headers, cookies, parameters, an `auth` and a client certificate.
    """
    return origin(request.url) == dialect.origin


def credential_for(request: Request, dialect: Service, key: Secret) -> Credential:
    """The header lines that carry `key`, or none unless the request asks for it at the dialect's own origin.

    Raises `InvalidAddress` where the key would travel in the clear.
    """
    if not request.credential or not is_at_home(request, dialect):
        return ()
    if exposed(request.url, keyless=False):
        raise InvalidAddress(f"{public(request.url)} would be sent the key unencrypted: use https")
    return Lines((dialect.authorization(key.reveal()),))


def scrubbed(reply: Reply, key: Secret) -> Reply:
    """`reply` without `key`, which some services repeat in what they say of it, in body and headers alike."""
    if isinstance(reply, NoResponse):
        return reply if reply.head is None else replace(reply, head=_struck(reply.head, key))
    return _struck(reply, key)


def _struck(reply: Response, key: Secret) -> Response:
    fields = {
        name: tuple(key.struck_from(value.encode("latin-1", "replace")).decode("latin-1") for value in values)
        for name, values in reply.headers.fields.items()
    }
    headers = reply.headers if fields == reply.headers.fields else replace(reply.headers, fields=fields)
    return replace(reply, headers=headers, body=key.struck_from(reply.body))


def redact(text: str) -> str:
    """`text` without what looks like a key, a token or a query string; for excerpts and messages of strangers."""
    return _LOOKS_SECRET.sub("[redacted]", text)
