"""Bodies as a cassette holds them: JSON as JSON where its exact bytes can be made again, else text, else base64.

What is larger than a cassette should carry is left out: its length and its digest stay.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from bide.document import JSON, parse
from bide_transports.cassette.tape import Omitted

_USUAL = "c"  # compact, which needs no mark
INLINE = 65536  # bytes of a body that stand in the cassette itself, unless it is told otherwise

#: The usual ways in which programs write JSON, by the mark that a cassette gives them.
_STYLES: dict[str, dict[str, Any]] = {
    "c": {"separators": (",", ":")},
    "d": {},
    "cu": {"separators": (",", ":"), "ensure_ascii": False},
    "du": {"ensure_ascii": False},
}


def written(body: bytes, inline: int | None = None) -> dict[str, JSON]:
    """The members of a cassette's line that stand for `body`, left out above `inline` bytes; none for an empty one."""
    if not body:
        return {}
    if inline is not None and len(body) > inline:
        return {"b": {"$omit": {"len": len(body), "sha256": sha256(body).hexdigest()}}}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"b": {"$b64": b64encode(body).decode()}}
    style = _style(body)
    if style is None:
        return {"b": {"$text": text}}
    return {"b": parse(body)} | ({} if style == _USUAL else {"raw": style})


def read(members: Mapping[str, JSON]) -> bytes | Omitted:
    """The body that a line's members stand for; raises `ValueError` for what `written` never writes."""
    if "b" not in members:
        return b""
    value, style = members["b"], members.get("raw", _USUAL)
    match value:
        case {"$text": str(text)}:
            return text.encode()
        case {"$b64": str(text)}:
            return b64decode(text, validate=True)
        case {"$omit": {"len": int(length), "sha256": str(digest)}}:
            return Omitted(length, digest)
        case _:
            pass
    if not isinstance(style, str) or style not in _STYLES:
        raise ValueError(f"raw is {style!r:.40}: one of {', '.join(_STYLES)} is expected")
    return json.dumps(value, **_STYLES[style]).encode()


def _style(body: bytes) -> str | None:
    """How a program wrote this JSON; None where it is no JSON, was written otherwise, or would be taken for a note."""
    try:
        document = parse(body)
    except ValueError:
        return None
    if isinstance(document, dict) and any(name.startswith("$") for name in document):
        return None
    said = body.decode()
    return next((style for style, how in _STYLES.items() if json.dumps(document, **how) == said), None)
