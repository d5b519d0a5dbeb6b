"""Words that look drawn at random, as keys do: letters, capitals and digits alternate as in no language.

A word of a language, a name in camelCase, a date or a version changes between these kinds at the joints of its parts;
a random word, in hex or base64, at almost every second character.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Container, Iterator
from contextlib import suppress
from itertools import pairwise

_LONGEST = 512  # characters of a key; longer words are payloads
_WORD = re.compile(r"[A-Za-z0-9+/_-]{24,}")
_RUN = re.compile(r"[A-Za-z0-9]{14,}")  # a name of many parts has none
_OFTEN = 0.2  # changes per pair of characters, where there are digits
_OFTEN_IN_LETTERS = 0.3
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_HARMLESS = re.compile(
    rf"{_UUID}"
    r"|(?:sha(?:1|224|256|384|512)|md5|crc32c)[-:=][A-Za-z0-9+/=_-]{4,}"  # a digest
    r"|\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b"  # a trace (W3C Trace Context, 3.2)
    r"|\b01[0-9A-HJKMNP-TV-Z]{24}\b"  # a ULID of this time
    r"|\b(?:req|exec|file|job|batch|resp|msg|run|task|evt|event|chatcmpl|op|operation|pred|asst|thread)[-_]"
    rf"(?:{_UUID}|[A-Za-z0-9]+)"
    r"|\bdata:[\w.+/-]+;base64,[A-Za-z0-9+/=]+"
    r"|\b[a-z][a-z0-9+.-]{1,20}://[^\s?#\"'<>]*"  # a link up to its query: services name things at random there
    r"|(?<![^\s\"'(=<])\.{0,2}/[^\s?#\"'<>]*",  # a relative one
    re.IGNORECASE,
)
_HEX = re.compile(r"[0-9a-f]{32,512}|[0-9A-F]{32,512}")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{32,512}={0,2}")
_LOWER, _UPPER, _DIGIT = re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]")
_FEWEST_OF_HEX = 8  # different digits of 32
_NAMES = re.compile(
    r".*(?:id|ids|etag|digest|checksum|hash|fingerprint|handle|cursor|sha\d*|md5|crc32c|b64)"
    r"|version|commit|revision|ifnonematch|ifrange|traceparent|tracestate"
)


def is_named_random(name: str) -> bool:
    """Whether what a member is called explains why its value looks random."""
    return _NAMES.fullmatch(re.sub(r"[^a-z0-9]", "", name.lower())) is not None


def random_words(text: str, allowed: Container[str]) -> Iterator[str]:
    """Long random words in `text` that are no id, digest, date, link or data of a well-known form."""
    if not _RUN.search(text):
        return
    for word in _WORD.findall(_HARMLESS.sub(" ", text)):
        if len(word) > _LONGEST or not _RUN.search(word) or word in allowed:
            continue
        if meant := _meant(word):
            yield from random_words(meant, allowed)
        elif looks_random(word):
            yield word


def is_drawn(value: str, allowed: Container[str]) -> bool:
    """Whether all of `value` is as long and mixed as a signature, in hex or base64, and no id of a known form."""
    if value in allowed or _HARMLESS.sub("", value) != value:
        return False
    if _HEX.fullmatch(value):
        return len(set(value)) > _FEWEST_OF_HEX
    mixed = all(kind.search(value) for kind in (_LOWER, _UPPER, _DIGIT))
    return mixed and _BASE64URL.fullmatch(value) is not None and looks_random(value) and not _meant(value)


def looks_random(word: str) -> bool:
    """Whether the kinds of characters change as often as by chance."""
    pairs = [(one, next_one) for one, next_one in pairwise(word) if one.isalnum() and next_one.isalnum()]
    changes = sum(_changes(one, next_one) for one, next_one in pairs)
    digits = sum(character.isdigit() for character in word)
    return changes > len(pairs) * (_OFTEN if digits > 1 else _OFTEN_IN_LETTERS) and len(set(word)) > len(word) / 4


def _meant(word: str) -> str:
    """The text that `word` is the base64 of, or the empty text; nothing random is one by chance."""
    plain = word.replace("-", "+").replace("_", "/")
    with suppress(ValueError):
        text = b64decode(plain + "=" * (-len(plain) % 4)).decode()
        return text if text.isprintable() else ""
    return ""


def _changes(one: str, next_one: str) -> bool:
    if one.isdigit() or next_one.isdigit():
        return one.isdigit() != next_one.isdigit()
    return one.islower() and next_one.isupper()
