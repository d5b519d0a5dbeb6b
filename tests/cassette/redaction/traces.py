"""Whether a secret can be had from what came out, by any decoding; plain and slow, and no code of the redactor's."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote, unquote_plus


def is_in(secret: str, text: str) -> bool:
    """Whether `secret` is in `text`, whose characters may stand for bytes."""
    level = seen = {text}
    for _ in range(5):
        if any(secret in view for view in level):
            return True
        level = {decoded for view in level for decoded in _decoded(view)} - seen
        seen = seen | level
    return False


def _decoded(text: str) -> Iterator[str]:
    yield unquote(text)
    yield unquote_plus(text)
    yield re.sub(r"\\+u([0-9A-Fa-f]{4})", lambda escape: chr(int(escape[1], 16)), text)
    yield re.sub(r"\\+(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], text)
    for word in re.findall(r"[A-Za-z0-9+/_-]{8,}={0,2}", text):
        plain = word.rstrip("=").replace("-", "+").replace("_", "/")
        yield b64decode(plain + "A" * (-len(plain) % 4)).decode("latin-1")
    for word in re.findall(r"(?:[0-9a-fA-F]{2}){4,}", text):
        yield bytes.fromhex(word).decode("latin-1")
    with suppress(UnicodeEncodeError):
        yield from _unpacked(text.encode("latin-1"))


def _unpacked(data: bytes) -> Iterator[str]:
    with suppress(UnicodeDecodeError):
        yield data.decode()
    with suppress(UnicodeDecodeError):
        yield data.decode("utf-16")
    while data:
        machine = zlib.decompressobj(wbits=47)
        try:
            yield machine.decompress(data).decode("latin-1")
        except zlib.error:
            return
        data = machine.unused_data
