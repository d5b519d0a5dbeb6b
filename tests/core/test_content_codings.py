"""What stands in `Content-Encoding`: codings, other words that change no byte, and codings that cannot be undone."""

from __future__ import annotations

import pytest

from bide.content_codings import can_be_undone, codings
from bide.messages import Headers


def said(*lines: str) -> tuple[str, ...]:
    return codings(Headers.of([("Content-Encoding", line) for line in lines]))


@pytest.mark.parametrize(
    "word",
    [
        *("", " ", ",", "*", "identity", "None", "null", "binary", "7bit", "8bit", "BASE64", "quoted-printable"),
        *("aws-chunked", "chunked", "aws-chunked, identity", "utf-8", "UTF8", "utf_8", "utf-16le", "us-ascii"),
        *("iso-8859-1", "windows-1252", "latin1", "Shift_JIS", "koi8-r", "application/json", "image/png"),
        *("charset=utf-8", "utf-8; q=1", "text html", "a" * 101, "\x00", "gzip\u0130"),
    ],
)
def test_what_is_no_coding_says_nothing(word: str) -> None:
    assert said(word) == ()
    assert can_be_undone(said(word))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["gzip"], ("gzip",)),
        (["X-GZip"], ("gzip",)),
        (["Deflate ; q=1"], ("deflate",)),
        (["gzip, aws-chunked"], ("gzip",)),
        (["deflate,gzip"], ("deflate", "gzip")),
        (["gzip", "gzip", "utf-8"], ("gzip", "gzip")),
    ],
)
def test_codings_that_are_undone_come_in_their_order(lines: list[str], told: tuple[str, ...]) -> None:
    assert said(*lines) == told
    assert can_be_undone(told)


@pytest.mark.parametrize("line", ["br", "zstd", "compress", "x-compress", "x-foo", "gzip, br", "dcz", "gzip," * 5])
def test_codings_that_cannot_be_undone_are_told(line: str) -> None:
    assert said(line)
    assert not can_be_undone(said(line))


def test_a_field_of_64_kib_is_not_read_to_its_end() -> None:
    said = codings(Headers.of([("content-encoding", "utf-8," * 10000)]))
    assert not can_be_undone(said)
    assert can_be_undone(codings(Headers.of([("content-encoding", "utf-8," * 9)])))
