"""What a text becomes when it is decoded, in any order of codings: percent, JSON, HTML, base64, hex, gzip.

The search for secrets reads these; it shares no code with the redactor, which replaces values in their coded forms.
"""

from __future__ import annotations

import html
import re
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from string import printable
from urllib.parse import unquote, unquote_plus

_DEEPEST = 5  # codings within one another
_ROOM = 1024 * 1024  # characters, beyond twice its own length, that a text may decode to
_PRINTABLE = printable.encode()
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_WRAPPED = re.compile(r"(?:[A-Za-z0-9+/]{60,76}\r?\n)+")
_STRETCH = re.compile(rb"[\x20-\x7e]{6,}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){6,}")
_ESCAPE = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class TooMuch(ValueError):
    """A text decodes to more than can be searched."""


class Room:
    """How much more a whole search may decode, in characters, however deep and in however many texts."""

    def __init__(self) -> None:
        self.left = _ROOM

    def widen(self, text: str) -> None:
        """Make room for what `text` may decode to."""
        self.left += 2 * len(text)

    def take(self, size: int) -> None:
        """Use up some of it; raises `TooMuch`."""
        self.left -= size
        if self.left < 0:
            self.left = 0
            raise TooMuch


def views(text: str, room: Room) -> Iterator[str]:
    """`text`, then each text it decodes to; raises `TooMuch`."""
    seen = {text}
    level = [text]
    for _ in range(_DEEPEST):
        yield from level
        inner: list[str] = []
        for view in (view for outer in level for view in _decoded(outer, room)):
            if view not in seen and view.strip():
                seen.add(view)
                inner.append(view)
                room.take(len(view))
        level = inner
    if level:
        raise TooMuch


def _decoded(text: str, room: Room) -> Iterator[str]:
    if "%" in text:
        yield _repeated(unquote, text)
    if "%" in text and "+" in text:
        yield unquote_plus(text)
    if "\\" in text:
        yield _ESCAPE.sub(_unescaped, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "&" in text and ";" in text:
        yield _repeated(html.unescape, text)
    if "\n" in text and _WRAPPED.search(text):
        yield _WRAPPED.sub(lambda lines: re.sub(r"\s", "", lines[0]), text)
    yield from _unpacked(text, room)


def _repeated(decode: Callable[[str], str], text: str) -> str:
    """`text` decoded until nothing changes: what was escaped again and again is one step away."""
    for _ in range(_DEEPEST):
        if (decoded := decode(text)) == text:
            break
        text = decoded
    return text


def _unescaped(found: re.Match[str]) -> str:
    if found[3]:
        return _CONTROL.get(found[3], found[3])
    return chr(int(found[1] or found[2], 16))


def _unpacked(text: str, room: Room) -> Iterator[str]:
    """What base64 and hex in `text` mean, wherever in a word they begin."""
    for word in _BASE64.findall(text):
        plain = word.replace("-", "+").replace("_", "/")
        for offset in range(4):
            shifted = plain[offset : len(plain) - ((len(plain) - offset) % 4 == 1)]
            yield from _readable(b64decode(shifted + "=" * (-len(shifted) % 4)), room)
    for word in _HEX.findall(text):
        yield from _readable(bytes.fromhex(word), room)


def _readable(data: bytes, room: Room) -> Iterator[str]:
    """The text that `data` is, or what can be read between its other bytes."""
    for _ in range(_DEEPEST):
        if (inflated := _inflated(data, room)) == data:
            break
        data = inflated
    else:
        raise TooMuch
    if b"\0" in data:
        yield from (data.decode(coding, "replace") for coding in ("utf-16-le", "utf-16-be"))
    data = data.replace(b"\0", b"")  # of UTF-16
    if len(data.translate(None, _PRINTABLE)) * 4 <= len(data):
        yield data.decode("utf-8", "replace")
    elif stretches := _STRETCH.findall(data):
        yield b"\n".join(stretches).decode()


def _inflated(data: bytes, room: Room) -> bytes:
    """What is in gzip or zlib, also in several files of it, or `data` when it is neither."""
    pieces: list[bytes] = []
    while data[:2] == b"\x1f\x8b" or data[:1] == b"\x78":
        machine = zlib.decompressobj(wbits=47)
        try:
            pieces.append(machine.decompress(data, room.left + 1))
        except zlib.error:
            break
        room.take(len(pieces[-1]))
        data = machine.unused_data
    return b"".join((*pieces, data))
