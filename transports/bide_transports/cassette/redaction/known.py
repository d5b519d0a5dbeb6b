"""Values known to be secret, found in any spelling: escaped for a URL or for JSON, in hex, and within base64.

Each value becomes one regular expression, in which each character stands with all its spellings. In base64 a value
has three forms, by its distance from the last multiple of three bytes; the whole word around one is taken for secret.
"""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from collections.abc import Iterator
from string import ascii_letters, digits

from bide_transports.cassette.redaction.placeholders import PLACEHOLDER, Edit, Hide, gaps

SHORTEST = 6  # characters; a shorter value is replaced only where it is a whole field

_EITHER_CASE = {digit: f"[{digit}{digit.upper()}]" for digit in "abcdef"}
_URL_SAFE = str.maketrans("+/", "-_")
_BASE64_SPELLINGS = {"+": "[+-]", "/": "[/_]"}
_OTHERWISE = {" ": "+", '"': "&quot;", "&": "&amp;"}
_CONTROLS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}  # as JSON escapes them
_ESCAPES = ("%", "\\", "&")
_LETTERS = frozenset(ascii_letters + digits + "+")
_WORD = re.compile(r"[A-Za-z0-9+]*=*")
_MIXED = (0, 2, 3)  # leading characters of base64 that hold bits of what goes before, by the bytes of that


class Known:
    """The known values of one lane, each with its kind."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._looks: list[str] = [*_ESCAPES]
        self._shortest = sys.maxsize
        self._patterns: list[tuple[str, re.Pattern[str]]] | None = None

    def add(self, value: str, kind: str) -> None:
        """Replace `value` from now on."""
        self.add_field(value, kind)
        if len(value) >= SHORTEST and value in self._fields:
            if value not in self._values:
                self._looks += _looks(value)
            self._values.setdefault(value, kind)
            self._shortest = min(self._shortest, len(value))
            self._patterns = None

    def add_field(self, value: str, kind: str) -> None:
        """Replace `value` from now on, where it is all of a field."""
        if value.strip() and PLACEHOLDER.fullmatch(value) is None:
            self._fields.setdefault(value, kind)

    def whole(self, field: str) -> str | None:
        """The kind of secret that the field is as a whole."""
        return self._fields.get(field)

    def may_be_in(self, text: str) -> bool:
        """Whether `text` holds a known value as it is or packed, or an escape that may hide one."""
        if len(text) < self._shortest:
            return False
        for look in self._looks:  # noqa: SIM110 -- each string of a body comes by here, and any() takes twice as long
            if look in text:
                return True
        return False

    def may_be_in_lower(self, text: str) -> bool:
        """Whether `text`, which was put in lower case, holds a known value."""
        return any(value.lower() in text for value in self._values)

    def edits(self, text: str, hide: Hide) -> Iterator[Edit]:
        """Edits for each known value within `text`; ask `may_be_in` first, which is faster."""
        for start, end in gaps(text):
            done = start
            for (first, is_packed, _), last, value in sorted(self._found(text, start, end)):
                if first < done:
                    continue
                kind, done, hidden = self._values[value], last, value
                if is_packed:
                    first, done = _word(text, start, (first, last), end)
                    hidden = text[first:done]
                yield first, done, hide(hidden, kind)

    def _found(self, text: str, start: int, end: int) -> Iterator[tuple[tuple[int, bool, int], int, str]]:
        """Where values are: which comes first, and of those at one place the plain one, and the longest."""
        for value, pattern in self._patterns or self._compiled():
            for found in pattern.finditer(text, start, end):
                yield (found.start(), found.lastgroup == "packed", -len(value)), found.end(), value

    def _compiled(self) -> list[tuple[str, re.Pattern[str]]]:
        """One expression for each value, since `re` remembers those of values that every lane has."""
        self._patterns = [(value, re.compile(_expression(value))) for value in self._values]
        return self._patterns


def _expression(value: str) -> str:
    return f"(?P<plain>{_spelled(value)})|(?P<packed>{_either(_packed(value))})"


def _word(text: str, start: int, span: tuple[int, int], end: int) -> tuple[int, int]:
    """The base64 around `span`, as far as it has neither `/` nor `-`, which may be a path's or a name's."""
    first, last = span
    while first > start and text[first - 1] in _LETTERS:
        first -= 1
    tail = _WORD.match(text, last, end)
    return first, tail.end() if tail else last


def _spelled(value: str) -> str:
    return "".join(map(_character, value))


def _packed(value: str) -> tuple[str, str, str, str]:
    """Forms of `value` that do not look like it: in hex, and in base64 after 0, 1 and 2 other bytes."""
    data = value.encode("utf-8", "surrogatepass")
    texts = [b64encode(bytes(before) + data).decode().rstrip("=") for before in range(3)]
    whole = [len(text) - ((before + len(data)) % 3 != 0) for before, text in enumerate(texts)]
    after0, after1, after2 = (texts[before][_MIXED[before] : whole[before]] for before in range(3))
    return data.hex(), after0, after1, after2


def _either(forms: tuple[str, str, str, str]) -> str:
    hexadecimal, *base64 = forms
    return "|".join((_digits(hexadecimal), *(_spelled(form) for form in base64)))


def _looks(value: str) -> Iterator[str]:
    """What a text holds that holds `value` without any escape."""
    hexadecimal, *base64 = _packed(value)
    yield from (value, value.replace(" ", "+"), hexadecimal, hexadecimal.upper())
    for form in base64:
        yield from (form, form.translate(_URL_SAFE))


def _character(character: str) -> str:
    """All spellings of one character; `%` and backslashes may have been escaped five times over."""
    data = character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass").hex()
    spellings = ["".join(f"%(?:25){{0,4}}{_digits(f'{byte:02x}')}" for byte in data)]
    spellings += ["".join(rf"\\{{1,32}}u{_digits(units[at : at + 4])}" for at in range(0, len(units), 4))]
    spellings += [rf"&#(?:0{{0,6}}{ord(character)}|[xX]0{{0,6}}{_digits(f'{ord(character):x}')});"]
    spellings += [_BASE64_SPELLINGS.get(character, re.escape(character))]
    if character in "\"/\\'":
        spellings.append(rf"\\{{1,32}}{re.escape(character)}")
    if character in _CONTROLS:
        spellings.append(rf"\\{{1,32}}{_CONTROLS[character]}")
    if character in _OTHERWISE:
        spellings.append(re.escape(_OTHERWISE[character]))
    return f"(?:{'|'.join(spellings)})"


def _digits(hexadecimal: str) -> str:
    """Hex digits in either case."""
    return "".join(_EITHER_CASE.get(digit, digit) for digit in hexadecimal)
