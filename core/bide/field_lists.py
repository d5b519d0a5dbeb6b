"""Lists in header fields: what several lines of a field are together, and the items of a structured field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

_COMMA = r"(?i),(?<!Mon,)(?<!Tue,)(?<!Wed,)(?<!Thu,)(?<!Fri,)(?<!Sat,)(?<!Sun,)(?<!day,)"
_MOST = 10  # members that are looked at: a field of 64 KiB may be nothing but commas
_MOST_PIECES = 1024  # of a structured list: an item has a few
_PIECE = r'(?s)"(?:[^"\\]|\\.)*"?|[,;]|[^",;]+'


def members(lines: Sequence[str]) -> Sequence[str]:
    """The members of the list that all lines of a field make (RFC 9110, 5.3); the comma in a date divides nothing.

    Of a great many the first count.
    """
    if len(lines) == 1 and "," not in lines[0]:
        return lines
    found = (value for line in lines for value in re.split(_COMMA, line, maxsplit=_MOST)[:_MOST])
    return list(islice(found, _MOST))


def items(line: str) -> list[tuple[str, dict[str, str]]]:
    """Each item of a structured list with its parameters (RFC 9651, 3.1), as texts; never raises.

    A dictionary is one item without a name, until a key comes again.
    """
    found: list[tuple[str, dict[str, str]]] = []
    params: dict[str, str] = {}
    before, last, in_dictionary = ",", "", False
    for token in islice((match[0] for match in re.finditer(_PIECE, line)), _MOST_PIECES):
        if token in (",", ";"):
            before = token
            continue
        text, is_pair, value = (token, "", "") if token[0] == '"' else token.partition("=")
        text, key = text.strip(' \t"'), text.strip().lower()
        if not key:
            continue
        if before == "," and not (is_pair and in_dictionary and key not in params):
            params, in_dictionary = {}, bool(is_pair)
            found.append(("" if is_pair else text, params))
        if is_pair:
            params[key] = value
        elif not before and last in params:  # a value in quotes
            params[last] = text
        before, last = "", key
    return found
