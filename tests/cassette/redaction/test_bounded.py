"""Small texts made to be worth much work: what is packed in them is bounded as a whole, and length costs its length."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Callable
from itertools import product
from time import process_time

import pytest

from bide.secret import redact
from bide_transports.cassette.redaction import Redactor, Rules, packed, scan
from bide_transports.cassette.redaction.known import Known
from tests.sampling import WHOLE

KEY = "tok_5ec2e7a1b3c4d5e6f708"
MANY = Rules(secrets=tuple(f"{number:04}-of-many-keys-{number * 7919:x}" for number in range(40)))


def _word(data: bytes) -> str:
    return b64encode(gzip.compress(data)).decode().rstrip("=")


def _looked_through(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> int:
    """How many bytes zlib gives while `work` is done."""
    given = 0
    machine = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._machine = machine(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal given
            plain = self._machine.decompress(data, most)
            given += len(plain)
            return plain

        @property
        def unused_data(self) -> bytes:
            return self._machine.unused_data

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    work()
    return given


@pytest.mark.parametrize("content", [bytes(100_000), b"the heron waits " * 6_000], ids=["zeros", "words"])
def test_many_packed_words_share_one_bound(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    text = " ".join([_word(content)] * 500)  # 50 MB, in less than 100 kB
    assert len(text) < 300_000
    redactor = Redactor()
    assert _looked_through(monkeypatch, lambda: redactor.text(text)) <= packed.LARGEST + len(content)
    line = json.dumps([text])
    assert _looked_through(monkeypatch, lambda: scan(f"{line}\n{line}")) <= 2 * packed.LARGEST + 8 * len(line)


def test_the_search_says_what_it_has_not_read() -> None:
    text = " ".join([_word(b"the heron waits " * 6_000)] * 500)
    assert [finding.kind for finding in scan(json.dumps({"note": text}))] == ["unread"]
    less = json.dumps({"note": " ".join([_word(b"the heron waits " * 600)] * 5)})
    assert "unread" not in {finding.kind for finding in scan(less)}


def test_what_cannot_be_unpacked_any_more_is_hidden_and_the_next_text_has_room_again() -> None:
    redactor = Redactor(Rules(secrets=(KEY,)))
    words = " ".join([_word(b"the heron waits " * 6_000)] * 100)
    secret = _word(f"the key is {KEY}".encode())
    assert secret not in redactor.text(f"{words} {secret}")
    harmless = _word(b"nothing to see")
    assert redactor.text(f"see {harmless}") == f"see {harmless}"


def test_documents_packed_in_one_another_are_searched_once() -> None:
    text = "x"
    for _ in range(15):  # with each layer there are twice as many ways to come to the innermost
        text = json.dumps({"a": b64encode(text.encode()).decode()})
    assert {finding.kind for finding in scan(text)} == {"unread"}


PIECES = {
    "heads of a JWT": "-eyJ",
    "a JWT without end": "-eyJaaaaaa.",
    "labels": 'token="',
    "members": "token%3Dx%26",
    "queries": "?token=\\u0026",
    "escapes": "%25%25",
    "escaped escapes": "\\\\u0041",
    "users": "a://b@",
    "lines": "a: b1\n",
    "base64": "Zm94",
    "references": "&#x41;",
    "parts of a form": "--b\r\n\r\n",
    "brackets": "[",
}
WORDS = {"one word behind a known start": "sk_", "one word behind a scheme": "Bearer ", "one name": "a://"}
WAYS: dict[str, Callable[[str], object]] = {
    "messages": redact,
    "text": lambda text: Redactor(MANY).body(text.encode(), "text/plain"),
    "document": lambda text: Redactor(MANY).body(json.dumps({"a": text}).encode(), "application/json"),
    "form": lambda text: Redactor().body(text.encode(), "application/x-www-form-urlencoded"),
    "parts": lambda text: Redactor().body(f"--b\r\n{text}".encode(), "multipart/form-data; boundary=b"),
    "address": lambda text: Redactor().url(f"https://api.example/{text}"),
    "search": lambda text: scan(json.dumps({"a": text})),
}


def _seconds(work: Callable[[str], object], text: str) -> float:
    began = process_time()
    work(text)
    return process_time() - began


def _in_turn() -> list[tuple[str, str]]:
    """Each piece on one way and each way with some pieces; all on all in a long run."""
    pieces, ways = [*PIECES, *WORDS], list(WAYS)
    if WHOLE:
        return list(product(pieces, ways))
    return [(piece, ways[(place + more) % len(ways)]) for place, piece in enumerate(pieces) for more in (0, 3)]


@pytest.mark.parametrize(("piece", "way"), _in_turn())
def test_eight_times_the_length_is_no_more_than_about_eight_times_the_work(way: str, piece: str) -> None:
    def made(size: int) -> str:
        return WORDS[piece] + "a" * size if piece in WORDS else PIECES[piece] * (size // len(PIECES[piece]))

    WAYS[way](made(100))
    short = _seconds(WAYS[way], made(6_000))
    assert _seconds(WAYS[way], made(48_000)) < max(0.25, 32 * short)  # by its square, 64 times


@pytest.mark.parametrize("before", ["", "%", "%25", "\\", "\\u00", "&#", "100%"])
@pytest.mark.parametrize(
    "spelled",
    [
        KEY,
        "%74ok%5F" + KEY[4:],
        "%2574" + KEY[1:],
        "\\u0074" + KEY[1:],
        "&#116;" + KEY[1:],
        "&#x74;" + KEY[1:],
        KEY.encode().hex().upper(),
        b64encode(KEY.encode()).decode(),
        b64encode(b"ab" + KEY.encode()).decode().replace("/", "%2F"),
    ],
)
def test_a_known_value_is_found_whatever_stands_before_it(before: str, spelled: str) -> None:
    known = Known()
    known.add(KEY, "secret")
    assert [*known.edits(f"{before}{spelled} ", lambda _value, kind: kind)]
