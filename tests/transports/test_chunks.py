"""Chunked bodies: what comes of them does not depend on how they are cut, and tiny ones take no long time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide.urls import address
from bide_transports.h11_client import Connection
from bide_transports.header_lines import NotHTTP
from bide_transports.reply_head import Sizes

GET = Request("GET", "https://service.example/v1/jobs/7")
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def heard(body: bytes, size: int = 65536) -> Reply | None:
    """What comes of a reply whose body arrives in pieces of that size."""
    place, connection = address(GET.url), Connection()
    assert place is not None
    connection.send(GET, place)
    assert connection.receive(HEAD) is None
    for start in range(0, len(body), size):
        answer = connection.receive(body[start : start + size])
        if answer is not None:
            return answer
    return connection.receive(b"")


def written(pieces: list[bytes], line: str = "{:x}") -> bytes:
    return b"".join(line.format(len(one)).encode() + b"\r\n" + one + b"\r\n" for one in pieces) + b"0\r\n\r\n"


@given(
    st.lists(st.binary(min_size=1, max_size=20) | st.just(b"\r\n1\r\n"), max_size=9),
    st.sampled_from(["{:x}", "{:X}", "{:08x}", "{:x};a=b", "{:x}  ", "{:x}; \t"]),
    st.integers(1, 30),
)
def test_chunks_are_put_together_however_they_are_cut(pieces: list[bytes], line: str, size: int) -> None:
    reply = heard(written(pieces, line), size)
    assert isinstance(reply, Response)
    assert reply.body == b"".join(pieces)


@pytest.mark.parametrize("size", [1, 3, 65536])
@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n",
        b"-1\r\n{}\r\n",
        b"2\r\n{}0\r\n\r\n",
        b"2\r\n{}\rx0\r\n\r\n",
        b"2\n{}\r\n",
        b"1\r\n{\r\n2 x\r\n",
        b"5;" + b" " * 20000,
        b"5;" + b" " * 20000 + b"\r\n",
        b"1;a\r\n{\r\n" * 10000,
        b"0;" + b"a" * 20000 + b"\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_or_is_mere_padding_is_refused(body: bytes, size: int) -> None:
    reply = heard(body, size)
    assert isinstance(reply, NoResponse)
    assert reply.cause is Cause.PROTOCOL


@pytest.mark.parametrize("body", [b"", b"5", b"5\r\nabc", b"5\r\nabcde", b"5\r\nabcde\r\n", b"f\r\n", b"0\r\n"])
def test_a_body_that_ends_early_is_cut(body: bytes) -> None:
    reply = heard(body)
    assert isinstance(reply, NoResponse)
    assert reply.cause is Cause.RESET


def test_padding_is_measured_by_what_the_chunks_hold() -> None:
    signed = Sizes()
    assert {signed.of(b"2000;chunk-signature=" + b"a" * 64 + b"\r\n") for _ in range(10000)} == {0x2000}
    idle, line = Sizes(), b"1;chunk-signature=" + b"a" * 64 + b"\r\n"
    assert {idle.of(line) for _ in range(190)} == {1}
    with pytest.raises(NotHTTP):
        list(map(idle.of, [line] * 20))


@pytest.mark.parametrize(
    "body",
    [b"1\r\nx\r\n" * 150000, b"01\r\nx\r\n2\r\nyz\r\n" * 70000, b"0;" + b" " * 16000 + b"\r\n" + b"a: b\r\n" * 99],
)
def test_a_megabyte_of_tiny_chunks_is_read_at_once(body: bytes) -> None:
    began = time.process_time()
    heard(body)
    assert time.process_time() - began < 1.0  # a twentieth of it; chunk by chunk it would be three
