"""The heads of replies as their bytes come: cut out, bounded, odd lines mended or left out. No I/O.

    while (cut := heads.take(received)) is None: ...
    head, rest = cut  # `rest` begins the body or, after an interim reply, the next head

Servers send header lines that the grammar forbids (RFC 9112, 5), most of them by accident: the warning of a script, a
path for a name, a space before the colon. Browsers read such replies, so they are read here. What could make two
readers see two different messages is refused: a zero byte or a bare CR anywhere (RFC 9110, 5.5; RFC 9112, 2.2), and a
length or a transfer coding that is there only for whoever mends its name or joins its lines (RFC 9112, 11.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http.client import HTTPException

LARGEST_HEAD = 64 * 1024  # bytes
MOST_LINES = 100

_BEGINNING = b"HTTP/"
_END = re.compile(rb"\n\r?\n")  # a line may end with LF alone (RFC 9112, 2.2)
_TOKEN = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_PLAIN = re.compile(rb"[^\0\r\n]*\r?(?:\n%b:[^\0\r\n\f\v]*\r?)*" % _TOKEN.pattern)  # a head that needs no mending
_ODD = re.compile(rb"[^!-~]+")  # no printable ASCII, or white space
_SPACE, _GAPS = b" \t", bytes.maketrans(b"\f\v", b"  ")
_FRAMING = (b"content-length", b"transfer-encoding")


class NotHTTP(HTTPException):
    """The head of a reply that cannot be read, or could be read in two ways."""


class Heads:
    """Cuts one head after the other out of what a connection brings."""

    def __init__(self) -> None:
        self._begun = bytearray()

    def take(self, data: bytes) -> tuple[bytes, bytes] | None:
        """The head that `data` completes, mended, and what follows it; None while more is wanted. Raises `NotHTTP`."""
        searched = max(0, len(self._begun) - 2)
        self._begun += data
        if not _BEGINNING.startswith(self._begun[: len(_BEGINNING)]):
            raise NotHTTP
        end = _END.search(self._begun, searched)
        if (end.end() if end else len(self._begun)) > LARGEST_HEAD:
            raise NotHTTP
        if end is None:
            return None
        head, rest = bytes(self._begun[: end.start()]), bytes(self._begun[end.end() :])
        self._begun.clear()
        if head.count(b"\n") > MOST_LINES:
            raise NotHTTP
        return head + b"\n\r\n" if _PLAIN.fullmatch(head) else _mended(head), rest


def _mended(head: bytes) -> bytes:
    status, *lines = (line.removesuffix(b"\r") for line in head.split(b"\n"))
    return b"\r\n".join([status, *(b"%b: %b" % field for field in fields(lines)), b"", b""])


def fields(lines: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """Header lines without their ends as (name, value), each name a token (RFC 9110, 5.1). Raises `NotHTTP`.

    A line that begins with white space goes on with the value before it (obs-fold; RFC 9112, 5.2), and is left out
    where there is none. So is a line without a colon, or with a name that is no token, white space after it aside.
    """
    found: list[tuple[bytes, list[bytes]]] = []
    goes_on = False  # whether the line before was taken, so that a fold belongs to it
    for line in lines:
        if b"\0" in line or b"\r" in line:
            raise NotHTTP
        if goes_on and line.startswith((b" ", b"\t")):
            if found[-1][0].lower() in _FRAMING:
                raise NotHTTP
            found[-1][1].append(line.strip(_SPACE))
            continue
        raw, colon, value = line.partition(b":")
        bare, name = _ODD.sub(b"", raw).lower(), raw.rstrip(_SPACE)
        if bare in _FRAMING and not (colon and raw.lower() == bare):
            raise NotHTTP
        goes_on = bool(colon and _TOKEN.fullmatch(name))
        if goes_on:
            found.append((name, [value.strip(_SPACE)]))
    return [(name, b" ".join(values).translate(_GAPS).strip(_SPACE)) for name, values in found]
