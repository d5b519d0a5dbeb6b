"""The lines of a journal: each is a job's token, or the word that nothing is left to be done for it."""

from __future__ import annotations

import json

from bide.document import parse_object

_BEGINNING = b'{"job":"'  # of every line, as `line_of` writes it


def is_torn(tail: bytes) -> bool:
    """Whether a line of a journal begins so: one that a crash has cut short."""
    return tail.startswith(_BEGINNING) or _BEGINNING.startswith(tail)


def entry_of(text: bytes) -> tuple[str, str | None] | None:
    """The name of a job with its token, or without one if nothing is left to be done; None for any other text."""
    document = parse_object(text) or {}
    name, token = document.get("job"), document.get("token")
    if not isinstance(name, str) or not (isinstance(token, str) or document.get("settled") is True):
        return None
    return name, token if isinstance(token, str) else None


def line_of(members: dict[str, object]) -> bytes:
    """The line that says this of a job."""
    return json.dumps(members, separators=(",", ":")).encode() + b"\n"
