"""Whether a credential is written into the declaration, which people share, or goes astray."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bide.dialects.calls import Call, gaps, paths
from bide.dialects.declaration import Declaration
from bide.dialects.lint.finding import Finding, warning
from bide.document import strings
from bide.secret import redact

_CREDENTIAL = re.compile(
    r"authorization|cookie|api-?key|subscription-key|secret|(?<![a-z])token$|password", re.IGNORECASE
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_OF_THE_REQUEST = re.compile(r"client|request|idempoten", re.IGNORECASE)  # such as Client-Token, an idempotency key
_ADVICE = "take it out, and out of every copy; the caller's key is given to the client, and its header to authorization"


def of_credentials(declaration: Declaration) -> Iterator[Finding]:
    """Header lines, bodies and addresses; no finding repeats what it found."""
    yield from _authorization(declaration.authorization)
    yield from _environment(declaration)
    yield from _lines("headers", declaration.headers)
    for place in ("submit", "poll", "fetch", "reason", "cancel", "file"):
        call: Call | None = getattr(declaration, place)
        if call is not None:
            yield from _of_call(place, call)


def _authorization(line: tuple[str, str] | None) -> Iterator[Finding]:
    if line is None:
        return
    if "{key}" not in line[1]:
        yield Finding(
            "authorization", "the caller's key goes nowhere", 'write {key} where it belongs, such as "Bearer {key}"'
        )
    for gap in sorted(paths(line[1]) - {"key"}):
        yield Finding("authorization", f"nothing fills {{{gap}}}", "it knows {key}, the caller's own")
    if redact(line[1]) != line[1]:
        yield Finding("authorization", "a credential is written into it", _ADVICE)


def _environment(declaration: Declaration) -> Iterator[Finding]:
    name = declaration.environment
    if name and not _VARIABLE.fullmatch(name):
        yield Finding(
            "environment", "it is no name of a variable", "name the variable, such as ACME_API_KEY, not the key"
        )
    elif name and declaration.authorization is None:
        yield warning(
            "unused-variable",
            "environment",
            "the API is declared to want no key",
            "leave it out, or declare `authorization`",
        )


def _lines(place: str, lines: tuple[tuple[str, str], ...]) -> Iterator[Finding]:
    for name, value in lines:
        if redact(value) != value or (_CREDENTIAL.search(name) and not gaps(value)):
            yield Finding(place, f"a credential is written into {name}", _ADVICE)


def _of_call(place: str, call: Call) -> Iterator[Finding]:
    yield from _lines(f"{place}.headers", call.headers)
    for name, value in call.headers:
        if _CREDENTIAL.search(name) and not _OF_THE_REQUEST.search(name) and "key" in gaps(value):
            yield Finding(
                f"{place}.headers",
                f"{{key}} in {name} is the submission's idempotency key, never the caller's own",
                "give the header to authorization instead",
            )
    queries = [part for url in call.urls for part in re.split(r"[?&#/]", url)]
    queries += [value for _, value in call.query]
    for where, texts in (("urls", queries), ("body", list(strings(call.body)))):
        if any(redact(text) != text for text in texts):
            yield Finding(f"{place}.{where}", "a credential is written into it", _ADVICE)
