"""Odd header lines of replies: what is mended, what is left out, what is refused, and that the cut is no matter."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide.urls import address
from bide_transports.h11_client import Connection, Tunnel
from bide_transports.header_lines import LARGEST_HEAD, MOST_LINES, Heads, NotHTTP, fields
from bide_transports.proxies import Proxy

URL = "https://service.example/v1/executions/exec_1"
BODY = b'{"status":"PROCESSING"}'
BAD, CUT = NoResponse(Cause.PROTOCOL, sent=True), NoResponse(Cause.RESET, sent=True)

# Header lines with what is made of them, None for nothing at all.
TAKEN: dict[str, tuple[list[bytes], list[tuple[bytes, bytes]]]] = {
    "an ordinary one": ([b"X-A: 1"], [(b"X-A", b"1")]),
    "without a value": ([b"X-A:"], [(b"X-A", b"")]),
    "white space around the value": ([b"X-A:\t 1 \t"], [(b"X-A", b"1")]),
    "white space before the colon": ([b"X-A \t: 1"], [(b"X-A", b"1")]),
    "a colon in the value": ([b"X-A: 1:2"], [(b"X-A", b"1:2")]),
    "a path for a name": ([b"GET /a.php: no"], []),
    "a slash in the name": ([b"a/b: no"], []),
    "a name in brackets": ([b"[x]: no"], []),
    "a name that is not ASCII": ([b"na\xefve: no", "größe: 1".encode()], []),
    "a name with a control character": ([b"X\x01A: no", b"X\x7fA: no"], []),
    "a script's warning": ([b"PHP Warning:  Undefined index in /srv/a.php on line 3", b"X-A: 1"], [(b"X-A", b"1")]),
    "no colon": ([b"X-B: 2", b"nothing to split", b"X-A: 1"], [(b"X-B", b"2"), (b"X-A", b"1")]),
    "no name": ([b": 1", b"X-A: 1"], [(b"X-A", b"1")]),
    "a colon alone": ([b":"], []),
    "white space alone": ([b" \t", b"X-A: 1", b"  "], [(b"X-A", b"1")]),
    "other control characters in a value": ([b"X-A: a\x01b\x7fc"], [(b"X-A", b"a\x01b\x7fc")]),
    "gaps that are no spaces": ([b"X-A: a\x0bb\x0cc\x0c"], [(b"X-A", b"a b c")]),
    "latin-1": ([b"X-A: caf\xe9"], [(b"X-A", b"caf\xe9")]),
    "UTF-8": (["X-A: naïve ☃".encode()], [(b"X-A", "naïve ☃".encode())]),
    "a fold": ([b"X-A: 1", b"  2", b"\t3 ", b"X-B: 4"], [(b"X-A", b"1 2 3"), (b"X-B", b"4")]),
    "a fold that looks like a length": ([b"X-A: 1", b" Content-Length: 9"], [(b"X-A", b"1 Content-Length: 9")]),
    "a fold of an empty value": ([b"X-A:", b" 2"], [(b"X-A", b"2")]),
    "a fold of nothing": ([b" X-A: 1", b"X-B: 2"], [(b"X-B", b"2")]),
    "a fold of what was left out": ([b"no colon", b" X-A: 1", b" more", b"X-B: 2"], [(b"X-B", b"2")]),
    "the same name again": ([b"X-A: 1", b"x-a: 2"], [(b"X-A", b"1"), (b"x-a", b"2")]),
    "a name like a length": ([b"X-Content-Length: 9"], [(b"X-Content-Length", b"9")]),
    "a length": ([b"content-LENGTH:  9"], [(b"content-LENGTH", b"9")]),
}
FRAMING = ("Content-Length", "transfer-encoding")
SMUGGLED = {
    "a space after the name": b"%b : 9",
    "a tab after the name": b"%b\t: 9",
    "a form feed after the name": b"%b\x0c: 9",
    "a space before the name": b" %b: 9",
    "a control character before the name": b"\x0b%b: 9",
    "what is not ASCII before the name": b"\xa0%b: 9",
    "no colon": b"%b",
    "no colon, but a gap": b"%b ",
    "a fold": b"%b: 9\n 0",
    "an empty fold": b"%b: 9\n\t",
    "after a fold of nothing": b"nothing\n %b: 9",
    "a zero byte": b"%b\x00: 9",
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_made_of_header_lines(name: str) -> None:
    lines, expected = TAKEN[name]
    assert fields(lines) == expected


@pytest.mark.parametrize("field", FRAMING)
@pytest.mark.parametrize("name", SMUGGLED)
def test_what_only_some_would_take_for_a_length_is_refused(name: str, field: str) -> None:
    lines = (SMUGGLED[name] % field.encode()).split(b"\n")
    with pytest.raises(NotHTTP):
        fields([b"X-A: 1", b"nothing", *lines])
    with pytest.raises(NotHTTP):
        fields(lines)


@pytest.mark.parametrize("byte", [b"\0", b"\r"])
@pytest.mark.parametrize("line", [b"X-%bA: 1", b"X-A: 1%b2", b"%b", b"no colon%b", b" fold%b", b"a/b: %b"])
def test_a_zero_byte_or_a_bare_return_is_refused_wherever_it_stands(line: bytes, byte: bytes) -> None:
    with pytest.raises(NotHTTP):
        fields([b"X-A: 1", line % byte])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=20))
def test_whatever_comes_is_taken_or_refused_and_what_is_taken_stays_as_it_is(lines: list[bytes]) -> None:
    try:
        found = fields(lines)
    except NotHTTP:
        return
    assert fields([b"%b: %b" % field for field in found]) == found


# -- whole heads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_heads_are_cut_out_however_they_come(end: bytes, size: int) -> None:
    whole = end.join([b"HTTP/1.1 103 Early", b"no colon", b"", b"HTTP/1.1 200 OK", b"X-A : 1", b"", b"body\r\n\r\n"])
    heads, found, rest = Heads(), list[bytes](), b""
    for at in range(0, len(whole), size):
        rest += whole[at : at + size]
        while rest and len(found) < 2:
            cut = heads.take(rest)
            rest = b""
            if cut is not None:
                head, rest = cut
                found.append(head)
    assert found == [b"HTTP/1.1 103 Early\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n"]
    assert rest == b"body\r\n\r\n"


@pytest.mark.parametrize(("lines", "fine"), [(MOST_LINES, True), (MOST_LINES + 1, False)])
@pytest.mark.parametrize("line", [b"X-A: 1\r\n", b"no colon\r\n", b" fold\r\n"])
def test_lines_are_counted_whatever_becomes_of_them(line: bytes, lines: int, fine: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + line * lines + b"\r\n"
    if fine:
        assert Heads().take(head) is not None
    else:
        with pytest.raises(NotHTTP):
            Heads().take(head)


def test_a_head_has_a_largest_size() -> None:
    start, end = b"HTTP/1.1 200 OK\r\nX-A: ", b"\r\n\r\n"
    value = b"a" * (LARGEST_HEAD - len(start + end))
    assert Heads().take(start + value + end) == (start + value + end, b"")
    assert Heads().take(start + value) is None
    for too_much in (start + value + b"a" + end, start + value + b"aaaaa"):
        with pytest.raises(NotHTTP):
            Heads().take(too_much)


def test_a_byte_at_a_time_takes_no_longer_for_being_late_in_the_head() -> None:
    heads, began = Heads(), time.process_time()
    for byte in b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 60_000:
        assert heads.take(bytes([byte])) is None
    assert time.process_time() - began < 5


@pytest.mark.parametrize("data", [b"S", b"SSH-2.0-OpenSSH_9.9\r\n", b"\x15\x03\x01", b"HTTQ", b"\r\n", b"http/1.1 200"])
def test_another_protocol_is_seen_at_its_first_bytes(data: bytes) -> None:
    with pytest.raises(NotHTTP):
        Heads().take(data)


# -- in replies --------------------------------------------------------------------------------------------------------


def answered(whole: bytes, size: int = 65536) -> tuple[Reply | None, bool]:
    """What a connection makes of a reply, and whether it may be used again."""
    place, connection = address(URL), Connection()
    assert place is not None
    connection.send(Request("GET", URL), place)
    for piece in (*(whole[at : at + size] for at in range(0, len(whole), size)), b""):
        reply = connection.receive(piece)
        if reply is not None:
            return reply, isinstance(reply, Response) and connection.release()
    return None, False


@pytest.mark.parametrize("size", [1, 65536])
@pytest.mark.parametrize("name", TAKEN)
def test_a_reply_with_an_odd_line_is_read(name: str, size: int) -> None:
    lines = [line for line in TAKEN[name][0] if b"LENGTH" not in line]
    head = b"\r\n".join(
        [b"HTTP/1.1 200 OK", b"Content-Type: text/plain", b"Content-Length: 23", *lines[::-1], b"", b""]
    )
    if any(line[:1] in (b" ", b"\t") for line in lines[-1:]):
        head = head.replace(b"Content-Length: 23\r\n", b"Content-Length: 23\r\nX-C: 3\r\n")
    reply, again = answered(head + BODY, size)
    assert isinstance(reply, Response)
    assert (reply.body, again) == (BODY, True)
    assert reply.headers.get("content-length") == "23"
    assert reply.headers.get("content-type") == "text/plain"


def test_bytes_of_a_value_are_latin_1() -> None:
    reply, _ = answered(b"HTTP/1.1 200 OK\r\nX-A: caf\xe9\r\nContent-Length: 23\r\n\r\n" + BODY)
    assert isinstance(reply, Response)
    assert reply.headers.get("x-a") == "caf\xe9"


@pytest.mark.parametrize("size", [1, 65536])
@pytest.mark.parametrize("name", SMUGGLED)
def test_a_reply_that_smuggles_is_no_reply(name: str, size: int) -> None:
    odd = (SMUGGLED[name] % b"Content-Length").replace(b"\n", b"\r\n")
    whole = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nnothing\r\n" + odd + b"\r\nContent-Length: 23\r\n\r\n" + BODY
    assert answered(whole, size) == (BAD, False)


def test_bytes_after_a_reply_without_a_body_are_nobodys_answer() -> None:
    reply, again = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
    assert isinstance(reply, Response)
    assert not again


@pytest.mark.parametrize("whole", [b"HTTP/1.1 200 OK\r\nX", b"HTTP/1.1 103 Early\r\nno colon\r\n\r\n", b"HT"])
def test_a_head_that_ends_early_is_cut(whole: bytes) -> None:
    assert answered(whole) == (CUT, False)


def test_a_proxy_may_send_odd_lines_too() -> None:
    place = address(URL)
    assert place is not None
    opened = b"HTTP/1.1 103 Early\r\nno colon\r\n\r\nHTTP/1.1 200 Yes\r\nVia proxy\r\nX-A : 1\r\n\r\n"
    tunnel = Tunnel(place, Proxy("proxy.example", 3128))
    assert tunnel.receive(opened)
