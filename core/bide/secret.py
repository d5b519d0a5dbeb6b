"""A caller's credential: held so that it cannot be printed, lent so that it cannot stray.

The core never reads one. A transport holds a `Secret` and asks `credential_for` what to add to a request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from bide.errors import InvalidKey
from bide.urls import origin

if TYPE_CHECKING:
    from bide.dialects import Dialect
    from bide.messages import Request

_LOOKS_SECRET = re.compile(  # a JWT may begin anew at each dash: its head is bounded, so that no text takes long
    r"\b(?:sk|pk|rk|mr|gh[pousr]|github_pat|xox[baprs]|r8|hf|glpat|npm|whsec)[-_][A-Za-z0-9_-]{8,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{12,}|\bAIza[\w-]{20,}|\bya29\.[\w.-]+|\beyJ[\w-]{1,512}\.[\w-]+\.[\w-]*"
    r"|(?i:\b(?:bearer|basic|key(?=\s+\S*\d))\s+)[A-Za-z0-9._~+/=:-]{8,}"
    r"|(?<=\?)[^\s\"'<>]+"
)


class Secret:
    """A key that shows itself to nobody: no repr, no str, no format, no pickle, no copy to JSON.

    Raises `InvalidKey` when the text could not stand in a header line.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise InvalidKey(
                "the API key is empty or holds spaces, line ends or non-ASCII characters: copy it again, whole"
            )
        self._value = value

    def reveal(self) -> str:
        """The key itself; only for the one header line it belongs in."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied: hand the key over by its own safe way")


class NoKey:
    """Given in a key's place: none is sent, though the service wants one, as a proxy or your own session adds it."""

    __slots__ = ()


Credential: TypeAlias = tuple[tuple[str, str], ...]  # the header lines that carry a key


class Lines(tuple[tuple[str, str], ...]):
    """Header lines that show themselves to nobody: a traceback with its locals prints them, too."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Lines(…)"


def credential_for(request: Request, dialect: Dialect, key: Secret) -> Credential:
    """The header lines that carry `key`, or none unless the request asks for it at the dialect's own origin."""
    if not request.credential or origin(request.url) != dialect.origin:
        return ()
    return Lines((dialect.authorization(key.reveal()),))


def redact(text: str) -> str:
    """`text` without what looks like a key, a token or a query string; for excerpts and messages of strangers."""
    return _LOOKS_SECRET.sub("[redacted]", text)
