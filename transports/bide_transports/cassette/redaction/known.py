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
_SIMPLE = re.compile(r"[A-Za-z0-9+/=_.~:@,-]{16,}")  # long, and of characters that begin no escape
_STRADDLED = 10  # characters of a value that an escape may swallow which begins before it: %2525252541
_ESCAPE = re.compile(
    r"%(?:25){0,4}([0-9A-Fa-f]{2})|\\+(?:u([0-9A-Fa-f]{4})|(.))|&#(?:0*([0-9]{1,7})|[xX]0*([0-9A-Fa-f]{1,6}));"
)
_ONE_SPELLING = str.maketrans("-_ ", "+/+")
_LETTERS = frozenset(ascii_letters + digits + "+")
_WORD = re.compile(r"[A-Za-z0-9+]*=*")
_MIXED = (0, 2, 3)  # leading characters of base64 that hold bits of what goes before, by the bytes of that


class Known:
    """The known values of one lane, each with its kind."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._looks: list[str] = [*_ESCAPES]
        self._ends: dict[str, tuple[str, ...] | None] = {}
        self._shortest = sys.maxsize
        self._patterns: dict[str, re.Pattern[str]] = {}

    def add(self, value: str, kind: str) -> None:
        """Replace `value` from now on."""
        self.add_field(value, kind)
        if len(value) >= SHORTEST and value in self._fields:
            if value not in self._values:
                self._looks += _looks(value)
            self._values.setdefault(value, kind)
            self._shortest = min(self._shortest, len(value))

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
        lower, plain = text.lower(), _plain(text)
        near = [value for value in self._values if self._may_hold(lower, plain, value)]
        for start, end in gaps(text) if near else ():
            done = start
            for (first, is_packed, _), last, value in sorted(self._found(near, text, start, end)):
                if first < done:
                    continue
                kind, done, hidden = self._values[value], last, value
                if is_packed:
                    first, done = _word(text, start, (first, last), end)
                    hidden = text[first:done]
                yield first, done, hide(hidden, kind)

    def _found(
        self, near: list[str], text: str, start: int, end: int
    ) -> Iterator[tuple[tuple[int, bool, int], int, str]]:
        """Where values are: which comes first, and of those at one place the plain one, and the longest."""
        for value in near:
            for found in self._pattern(value).finditer(text, start, end):
                yield (found.start(), found.lastgroup == "packed", -len(value)), found.end(), value

    def _may_hold(self, lower: str, plain: str, value: str) -> bool:
        """Whether a text, of which two spellings are given, may hold `value`: cheaper to ask than its expression."""
        if value not in self._ends:
            self._ends[value] = _ends(value)
        ends = self._ends[value]
        return ends is None or ends[0] in lower or any(end in plain for end in ends[1:])

    def _pattern(self, value: str) -> re.Pattern[str]:
        if value not in self._patterns:
            self._patterns[value] = re.compile(_expression(value))
        return self._patterns[value]


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


def _ends(value: str) -> tuple[str, ...] | None:
    """What a text without escapes holds if it holds `value`: its hex, or the end of another form; None if unsure."""
    if not _SIMPLE.fullmatch(value):
        return None
    hexadecimal, *base64 = _packed(value)
    return hexadecimal, *(form.translate(_ONE_SPELLING)[_STRADDLED:] for form in (value, *base64))


def _plain(text: str) -> str:
    """`text` without escapes, in which a character that has several spellings stands in one of them."""
    return _ESCAPE.sub(_meant, text).translate(_ONE_SPELLING)


def _meant(escape: re.Match[str]) -> str:
    byte, unit, itself, decimal, digits = escape.groups()
    if itself:
        return itself
    code = int(decimal) if decimal else int(byte or unit or digits, 16)
    return chr(code) if code < 128 else escape[0]


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
