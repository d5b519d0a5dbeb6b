"""Replies as raw bytes: both transports read and refuse the same ones, and leave nothing for the next request."""

from __future__ import annotations

from io import BytesIO

import pytest

from bide.messages import Cause, NoResponse, Reply, Request, Response
from tests.hostile import EVIL, GOOD, TEXT, Server, head, read, reply, send, stall
from tests.reactions import Where, reacts
from tests.wires import BY_EACH, WIRES, Wire

READ = Response(200, body=TEXT)
BAD, CUT = NoResponse(Cause.PROTOCOL, sent=True), NoResponse(Cause.RESET, sent=True)
CHUNKED = head("Transfer-Encoding: chunked")
WHOLE = b"25\r\n" + TEXT + b"\r\n"
LAST = b"0\r\n\r\n"


def sized(*lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return head(*lines, "Content-Length: 37", status=status) + TEXT


def coded(*lines: str) -> bytes:
    return head(*lines) + WHOLE + LAST


#: What a server sends before it hangs up, and what that is.
REPLIES: dict[str, tuple[bytes, Reply]] = {
    # status lines
    "no reason": (sized(status="HTTP/1.1 200"), READ),
    "an empty reason": (sized(status="HTTP/1.1 200 "), READ),
    "a reason that is not ASCII": (sized(status="HTTP/1.1 200 D\u2019accord"), READ),
    "HTTP/1.0": (sized(status="HTTP/1.0 200 OK"), READ),
    "HTTP/0.9 in words": (sized(status="HTTP/0.9 200 OK"), BAD),
    "HTTP/0.9": (TEXT, BAD),
    "HTTP/2 in words": (sized(status="HTTP/2.0 200 OK"), BAD),
    "HTTP/2 without a minor version": (sized(status="HTTP/2 200 OK"), BAD),
    "HTTP/1.2": (sized(status="HTTP/1.2 200 OK"), BAD),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18), BAD),
    "TLS": (b"\x15\x03\x01\x00\x02\x02\x50", BAD),
    "two spaces before the status": (sized(status="HTTP/1.1  200 OK"), BAD),
    "a tab before the status": (sized(status="HTTP/1.1\t200 OK"), BAD),
    "the protocol in small letters": (sized(status="http/1.1 200 OK"), BAD),
    "another protocol with the same words": (sized(status="ICY 200 OK"), BAD),
    "a status of two digits": (sized(status="HTTP/1.1 20 OK"), BAD),
    "a status of four digits": (sized(status="HTTP/1.1 2000 OK"), BAD),
    "a status below 100": (sized(status="HTTP/1.1 099 OK"), BAD),
    "a status with a sign": (sized(status="HTTP/1.1 +20 OK"), BAD),
    "a zero byte in the reason": (sized(status="HTTP/1.1 200 O\0K"), BAD),
    "an empty line first": (b"\r\n" + GOOD, BAD),
    "a space first": (b" " + GOOD, BAD),
    "another reply's end first": (LAST + GOOD, BAD),
    # header lines
    "lines that end with LF alone": (sized().replace(b"\r\n", b"\n"), READ),
    "an odd name": (sized("a/b: 1"), READ),
    "no colon": (sized("PHP Warning in /srv/a.php"), READ),
    "no name": (sized(": 1"), READ),
    "a space before the colon": (sized("X-A : 1"), READ),
    "a fold": (sized("X-A: 1", " 2", "\t3"), READ),
    "a fold of nothing": (sized(" X-A: 1"), READ),
    "a value that is not ASCII": (sized("X-A: naïve"), READ),
    "a control character in a value": (sized("X-A: a\x01b"), READ),
    "the same line twice": (sized("Set-Cookie: a=1", "Set-Cookie: a=1", "set-cookie: b=2"), READ),
    "a hundred lines": (sized(*["X-A: 1"] * 99), READ),
    "one line more": (sized(*["X-A: 1"] * 100), BAD),
    "a line of 32 KiB": (sized("X-A: " + "a" * 32768), READ),
    "a head of 70 KB": (sized(*["X-A: " + "a" * 7000] * 10), BAD),
    "a zero byte": (sized("X-A: a\0b"), BAD),
    "a zero byte in a name": (sized("X\0A: b"), BAD),
    "a bare return": (sized("X-A: a\rContent-Length: 3"), BAD),
    # lengths
    "the same length twice": (sized("Content-Length: 37"), READ),
    "the same length twice in one line": (head("Content-Length: 37, 37") + TEXT, READ),
    "zeros before a length": (head("Content-Length: 0037") + TEXT, READ),
    "no length": (head() + TEXT, READ),
    "two lengths": (sized("Content-Length: 36"), BAD),
    "two lengths in one line": (head("Content-Length: 36, 37") + TEXT, BAD),
    "one length, spelt in two ways": (sized("Content-Length: 037"), BAD),
    "an empty length": (head("Content-Length:") + TEXT, BAD),
    "a length with a sign": (head("Content-Length: +37") + TEXT, BAD),
    "a length with an underscore": (head("Content-Length: 3_7") + TEXT, BAD),
    "a hexadecimal length": (head("Content-Length: 0x25") + TEXT, BAD),
    "a length with a fraction": (head("Content-Length: 37.0") + TEXT, BAD),
    "a negative length": (head("Content-Length: -37") + TEXT, BAD),
    "a length of many digits": (head("Content-Length: " + "9" * 40) + TEXT, BAD),
    "a length in other digits": (head("Content-Length: ３７") + TEXT, BAD),
    "a length with a space before the colon": (head("Content-Length : 37") + TEXT, BAD),
    "a folded length": (head("Content-Length: 3", " 7") + TEXT, BAD),
    # transfer codings
    "chunks": (coded("Transfer-Encoding: chunked"), READ),
    "chunks, in capitals": (coded("TRANSFER-ENCODING: Chunked"), READ),
    "chunks over HTTP/1.0": (head("Transfer-Encoding: chunked", status="HTTP/1.0 200 OK") + WHOLE + LAST, READ),
    "a length and chunks": (coded("Content-Length: 37", "Transfer-Encoding: chunked"), BAD),
    "chunks and a length": (coded("Transfer-Encoding: chunked", "Content-Length: 47"), BAD),
    "chunked twice": (coded("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), BAD),
    "chunked twice in one line": (coded("Transfer-Encoding: chunked, chunked"), BAD),
    "chunked gzip": (coded("Transfer-Encoding: gzip, chunked"), BAD),
    "no transfer coding by name": (coded("Transfer-Encoding: identity"), BAD),
    "an unknown transfer coding": (coded("Transfer-Encoding: xchunked"), BAD),
    "an empty transfer coding": (coded("Transfer-Encoding:"), BAD),
    "a transfer coding with a space before the colon": (coded("Transfer-Encoding : chunked"), BAD),
    "a transfer coding with a tab before the colon": (coded("Transfer-Encoding\t: chunked"), BAD),
    "a folded transfer coding": (coded("Transfer-Encoding:", " chunked"), BAD),
    # chunks
    "small chunks": (CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in TEXT) + LAST, READ),
    "zeros before a size": (CHUNKED + b"000" + WHOLE + b"000\r\n\r\n", READ),
    "an extension": (CHUNKED + b"25;a=b;c\r\n" + TEXT + b"\r\n" + LAST, READ),
    "spaces after a size": (CHUNKED + b"25 \t\r\n" + TEXT + b"\r\n" + LAST, READ),
    "a space before a size": (CHUNKED + b" " + WHOLE + LAST, BAD),
    "a space before an extension": (CHUNKED + b"25 ;a\r\n" + TEXT + b"\r\n" + LAST, BAD),
    "a size with a sign": (CHUNKED + b"+" + WHOLE + LAST, BAD),
    "a size with an underscore": (CHUNKED + b"2_5\r\n" + TEXT + b"\r\n" + LAST, BAD),
    "a size in Python's spelling": (CHUNKED + b"0x" + WHOLE + LAST, BAD),
    "a negative size": (CHUNKED + b"-" + WHOLE + LAST, BAD),
    "a negative size of nothing": (CHUNKED + WHOLE + b"-0\r\n\r\n", BAD),
    "an empty size": (CHUNKED + b"\r\n" + TEXT + b"\r\n" + LAST, BAD),
    "a size of many digits": (CHUNKED + b"0" * 40 + WHOLE + LAST, BAD),
    "a size in a line of LF alone": (CHUNKED + b"25\n" + TEXT + b"\r\n" + LAST, BAD),
    "a return in an extension": (CHUNKED + b"25;a\rb\r\n" + TEXT + b"\r\n" + LAST, READ),
    "a line in an extension": (CHUNKED + b"25;a\nb\r\n" + TEXT + b"\r\n" + LAST, BAD),
    "a chunk that is longer than its size": (CHUNKED + b"24\r\n" + TEXT + b"\r\n" + LAST, BAD),
    "a chunk that is shorter than its size": (CHUNKED + b"26\r\n" + TEXT + b"\r\n" + LAST, BAD),
    "a chunk without its end": (CHUNKED + WHOLE[:-2] + LAST, BAD),
    "a huge chunk": (CHUNKED + b"f" * 16 + b"\r\n" + TEXT, CUT),
    "a chunk that is cut": (CHUNKED + WHOLE[:20], CUT),
    "a size that is cut": (CHUNKED + b"25", CUT),
    "cut between chunks": (CHUNKED + WHOLE, CUT),
    "no chunk at all": (CHUNKED, CUT),
    # trailers
    "a trailer": (CHUNKED + WHOLE + b"0\r\nX-Sum: 1\r\n\r\n", READ),
    "a folded trailer": (CHUNKED + WHOLE + b"0\r\nX-Sum: 1\r\n 2\r\n\r\n", READ),
    "a last size with an extension": (CHUNKED + WHOLE + b"0;a\r\n\r\n", READ),
    "a trailer that is cut": (CHUNKED + WHOLE + b"0\r\nX-Sum: 1\r\n", CUT),
    "no end of the trailers": (CHUNKED + WHOLE + b"0\r\n", CUT),
    "a trailer without a colon": (CHUNKED + WHOLE + b"0\r\nX-Sum\r\n\r\n", BAD),
    "a trailer with a space before the colon": (CHUNKED + WHOLE + b"0\r\nX-Sum : 1\r\n\r\n", BAD),
    "a trailer that goes on with nothing": (CHUNKED + WHOLE + b"0\r\n X-Sum: 1\r\n\r\n", BAD),
    "a zero byte in a trailer": (CHUNKED + WHOLE + b"0\r\nX-Sum: \0\r\n\r\n", BAD),
    "trailers of 200 KB": (CHUNKED + WHOLE + b"0\r\n" + b"X-Sum: 1\r\n" * 20_000 + b"\r\n", BAD),
    # ends
    "nothing": (b"", CUT),
    "cut in the status line": (b"HTTP/1.1 2", CUT),
    "cut in the head": (GOOD[:40], CUT),
    "cut before the empty line": (head("X-A: 1")[:-2], CUT),
    "cut in the body": (GOOD[:-5], CUT),
    "cut after an interim reply": (head(status="HTTP/1.1 103 Early Hints"), CUT),
    # replies without a body
    "204": (head(status="HTTP/1.1 204 No Content"), Response(204)),
    "204 with a length": (head("Content-Length: 37", status="HTTP/1.1 204 No Content"), Response(204)),
    "304 with chunks": (head("Transfer-Encoding: chunked", status="HTTP/1.1 304 Not Modified"), Response(304)),
    # interim replies
    "an interim reply with odd lines": (head("no colon", status="HTTP/1.1 103 Early Hints") + GOOD, READ),
    "an interim reply with a bad length": (head("Content-Length: x", status="HTTP/1.1 103 Early") + GOOD, BAD),
    "an interim reply with a length": (head("Content-Length: 0", status="HTTP/1.1 103 Early") + GOOD, READ),
    # more than the reply
    "another reply behind it": (GOOD + EVIL, READ),
    "another reply behind chunks": (CHUNKED + WHOLE + LAST + EVIL, READ),
    "another reply behind nothing": (
        head("Content-Length: 0", status="HTTP/1.1 404 Not Found") + EVIL,
        Response(404),
    ),
    "another reply behind 204": (head(status="HTTP/1.1 204 No Content") + EVIL, Response(204)),
    "an empty line behind it": (GOOD + b"\r\n", READ),
}


def get(url: str) -> Request:
    return Request("GET", url + "/v1/executions/exec_1", timeout=20.0, largest=65536)


def is_same(a: Reply, b: Reply) -> bool:
    if isinstance(a, Response) and isinstance(b, Response):
        return (a.status, a.body) == (b.status, b.body)
    return isinstance(a, NoResponse) and isinstance(b, NoResponse) and (a.cause, a.sent) == (b.cause, b.sent)


@reacts(
    Where.REPLY,
    "`Content-Length` and `Transfer-Encoding` together, or either twice and different",
    "not valid HTTP: one of two readers would be led astray",
)
@reacts(
    Where.REPLY,
    "odd header lines: no colon, no name, a fold, a space before the colon",
    "left out or mended, as browsers do; refused where they touch a length or a coding",
)
@reacts(
    Where.REPLY,
    "a chunk with another size than it says, or a size in Python's spelling",
    "not valid HTTP; cut in a chunk, it is cut",
)
@BY_EACH
@pytest.mark.parametrize("name", REPLIES)
def test_what_a_reply_is_and_that_the_next_request_gets_its_own(name: str, wire: Wire) -> None:
    raw, expected = REPLIES[name]
    with Server((read, send(raw)), (read, send(GOOD))) as server:
        first, after = wire(get(server.url), get(server.url))
    assert is_same(first, expected), first
    assert isinstance(after, Response)
    assert (after.status, after.body) == (200, TEXT)


@BY_EACH
@pytest.mark.parametrize("name", [name for name, (raw, _) in REPLIES.items() if raw.startswith(CHUNKED)])
def test_a_file_in_chunks_is_the_same(name: str, wire: Wire) -> None:
    raw, expected = REPLIES[name]
    file = BytesIO()
    with Server((read, send(raw))) as server:
        (answer,) = wire(get(server.url), into=lambda _: file)
    assert is_same(answer, Response(200) if expected is READ else expected), answer
    assert file.getvalue() == TEXT if expected is READ else file.getvalue() in TEXT + b"\r"


@pytest.mark.parametrize("name", [name for name, (_, expected) in REPLIES.items() if isinstance(expected, Response)])
def test_the_headers_are_the_same(name: str) -> None:
    found = list[Reply]()
    for wire in WIRES.values():
        with Server((read, send(REPLIES[name][0]))) as server:
            found += wire(get(server.url))
    ours, others = (one.headers.fields for one in found if isinstance(one, Response))
    assert ours == others


@BY_EACH
@pytest.mark.parametrize("end", ["", "Connection: close", "connection: x, CLOSE"])
@pytest.mark.parametrize("body", [("Content-Length: 37", TEXT), ("Transfer-Encoding: chunked", WHOLE + LAST)])
def test_a_connection_is_used_again_unless_the_server_closes_it(body: tuple[str, bytes], end: str, wire: Wire) -> None:
    answer = (read, send(head(body[0], *[end] * bool(end)) + body[1]))
    with Server([*answer, *answer, stall]) as server:
        replies = wire(get(server.url), get(server.url))
    assert [one.body for one in replies if isinstance(one, Response)] == [TEXT, TEXT]
    assert server.connections == (2 if end else 1)


@reacts(
    Where.CONNECTION, "another reply behind the reply", "nobody's answer: the next request gets a connection of its own"
)
@BY_EACH
@pytest.mark.parametrize("extra", [EVIL, b"\r\n", b"x"])
@pytest.mark.parametrize("whole", [GOOD, CHUNKED + WHOLE + LAST, reply(b""), head(status="HTTP/1.1 204 No Content")])
def test_a_connection_with_more_than_the_reply_is_not_used_again(whole: bytes, extra: bytes, wire: Wire) -> None:
    with Server((read, send(whole + extra), read, send(EVIL)), (read, send(GOOD))) as server:
        _, after = wire(get(server.url), get(server.url))
    assert isinstance(after, Response)
    assert (after.body, server.connections) == (TEXT, 2)
