"""What frames a reply: whatever comes is read or refused, soon, and what is read is plain."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide_transports.header_lines import NotHTTP
from bide_transports.reply_head import check_trailers, chunk_size, head_of

words = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"Content-Length",
        b"Transfer-Encoding",
        b"chunked",
        b": ",
        b":",
        b"37",
        b",",
        b"\r",
        b" ",
        b";",
    ]
)
lines = st.lists(st.lists(words | st.binary(max_size=3), max_size=5).map(b"".join), max_size=6).map(
    lambda some: [line.replace(b"\n", b"") + b"\r\n" for line in some]
)


@given(lines)
def test_whatever_comes_is_a_head_or_none(some: list[bytes]) -> None:
    with suppress(NotHTTP):
        head = head_of([b"HTTP/1.1 200 OK\r\n", *some])
        framing = [name.lower() for name, _ in head.lines if name.lower() in ("content-length", "transfer-encoding")]
        assert sorted(framing) == ["content-length"] * (head.length is not None) + ["transfer-encoding"] * head.chunked
    with suppress(NotHTTP):
        head_of(some or [b"\r\n"])


@given(st.binary(max_size=12))
def test_a_size_is_read_as_it_is_written_or_not_at_all(line: bytes) -> None:
    with suppress(NotHTTP):
        assert line.lower().lstrip(b"0").startswith(b"%x" % size if (size := chunk_size(line + b"\r\n")) else b"")


@given(lines)
def test_whatever_comes_is_trailers_or_none(some: list[bytes]) -> None:
    with suppress(NotHTTP):
        check_trailers(some)


MALICE: list[Callable[[bytes], object]] = [
    lambda filling: chunk_size(b"5;" + filling + b"\n\r\n"),
    lambda filling: chunk_size(b"5" + filling + b"x\r\n"),
    lambda filling: check_trailers([b"a:" + filling + b"\0\r\n"]),
    lambda filling: check_trailers([b"a:\r\n" * (len(filling) // 4), b"a\r\n"]),
    lambda filling: head_of([b"HTTP/1.1 200 " + filling + b"\0\r\n"]),
    lambda filling: head_of([b"HTTP/1.1 200 OK\r\n", b"Content-Length: " + b"1," * (len(filling) // 2) + b"\r\n"]),
    lambda filling: head_of([b"HTTP/1.1 200 OK\r\n", b"Content-Length " + filling + b": 1\r\n"]),
]


@pytest.mark.parametrize("read", MALICE)
@pytest.mark.parametrize("filling", [b" " * 65536, b"a" * 65536, b"\t;" * 32768])
def test_64_kib_of_malice_are_refused_at_once(read: Callable[[bytes], object], filling: bytes) -> None:
    began = time.process_time()
    with suppress(NotHTTP):
        read(filling)
    assert time.process_time() - began < 1.0  # some milliseconds; squared it would be a minute
