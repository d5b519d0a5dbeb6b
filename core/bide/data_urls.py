"""Files that stand in their own address: `data:image/png;base64,…` (RFC 2397)."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import unquote_to_bytes


def is_data(url: str) -> bool:
    """Whether an address is the file itself."""
    return url[:5].lower() == "data:"


def content(url: str) -> bytes:
    """The bytes in a `data:` address; raises `ValueError`, which says why, where there are none.

    White space and a lacking `=` at the end are forgiven, as browsers do; nothing else is.
    """
    kind, comma, coded = url[5:].partition(",")
    if not comma:
        raise ValueError("it is a data: address without a comma, so without content")
    try:
        found = unquote_to_bytes(coded)
        if "base64" in (part.strip().lower() for part in kind.split(";")[1:]):
            found = b"".join(found.split())
            found = b64decode(found + b"=" * (-len(found) % 4), validate=True)
    except ValueError:
        raise ValueError("it is a data: address whose content cannot be decoded") from None
    if not found:
        raise ValueError("it is a data: address that holds no bytes")
    return found
