"""The byte machine alone: what it makes of a reply does not depend on how the network cuts it, and it knows no trio."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide.urls import Address, address
from bide_transports.h11_client import Connection, Tunnel
from bide_transports.proxies import Proxy, ProxyFailed
from bide_transports.sinks import Sink
from tests.hostile import BOMB, EVIL, GOOD, TEXT, head, reply

MB = 1024 * 1024
LARGEST = 32768
BAD = NoResponse(Cause.PROTOCOL, sent=True)
CUT = NoResponse(Cause.RESET, sent=True)
LARGE = NoResponse(Cause.TOO_LARGE, sent=True)
LONG = bytes(range(256)) * 100  # 25,600 bytes that hardly shrink


def place_of(url: str) -> Address:
    place = address(url)
    assert place is not None
    return place


HERE = place_of("http://127.0.0.1:81/v1/executions/exec_1?page=2")
GET = Request("GET", "http://127.0.0.1:81/v1/executions/exec_1?page=2", largest=LARGEST)
POST = Request("POST", "http://127.0.0.1:81/v1/executions", body=b"{}", largest=LARGEST)


class Chunks:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, chunk: bytes, /) -> None:
        self.content += chunk


def fed(pieces: Iterable[bytes], request: Request = GET, sink: Sink | None = None) -> tuple[Reply | None, bool]:
    """What a new connection makes of the pieces, the peer's end last; whether it may be used again."""
    connection = Connection()
    connection.send(request, HERE, into=(lambda _: sink) if sink else None)
    for piece in (*pieces, b""):
        answer = connection.receive(piece)
        if answer is not None:
            return answer, isinstance(answer, Response) and connection.release()
    return None, False


def same(a: Reply | None, b: Reply | None) -> bool:
    if isinstance(a, Response) and isinstance(b, Response):
        return (a.status, a.body, list(a.headers)) == (b.status, b.body, list(b.headers))
    return a == b


def deflated(content: bytes, bits: int) -> bytes:
    machine = zlib.compressobj(wbits=bits)
    return machine.compress(content) + machine.flush()


def coded(coding: str, body: bytes) -> bytes:
    return reply(body, f"Content-Encoding: {coding}")


def chunked(body: bytes, size: int, *lines: str, last: bytes = b"0\r\n\r\n") -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return head("Transfer-Encoding: chunked", *lines) + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + last


INTERIM = head("Link: </a>", status="HTTP/1.1 103 Early Hints")
RAW = deflated(LONG, -15)
# Each with the reply it must give, and whether the connection may be used again.
CORPUS: dict[str, tuple[bytes, Reply, bool]] = {
    "a good one": (GOOD, Response(200, body=TEXT), True),
    "an empty one": (reply(b""), Response(200), True),
    "no content": (head(status="HTTP/1.1 204 No Content"), Response(204), True),
    "not modified": (head("Content-Length: 37", status="HTTP/1.1 304 Not Modified"), Response(304), True),
    "a refusal": (reply(TEXT, status="409 Conflict"), Response(409, body=TEXT), True),
    "without a reason": (head("Content-Length: 0", status="HTTP/1.1 200"), Response(200), True),
    "the last one": (reply(TEXT, "Connection: close"), Response(200, body=TEXT), False),
    "HTTP/1.0": (head(status="HTTP/1.0 200 OK") + TEXT, Response(200, body=TEXT), False),
    "up to the end": (head() + LONG, Response(200, body=LONG), False),
    "chunks": (chunked(LONG, 1000), Response(200, body=LONG), True),
    "small chunks and a trailer": (chunked(TEXT, 3, last=b"0\r\nX-Sum: 1\r\n\r\n"), Response(200, body=TEXT), True),
    "chunks that are cut": (chunked(TEXT, 3, last=b""), CUT, False),
    "interim replies first": (INTERIM * 16 + GOOD, Response(200, body=TEXT), True),
    "too many interim replies": (INTERIM * 17 + GOOD, BAD, False),
    "gzip": (coded("gzip", gzip.compress(LONG)), Response(200, body=LONG), True),
    "x-gzip in capitals": (coded("X-GZIP", gzip.compress(LONG)), Response(200, body=LONG), True),
    "gzip in chunks": (chunked(gzip.compress(LONG), 7, "Content-Encoding: gzip"), Response(200, body=LONG), True),
    "gzip of nothing": (coded("gzip", gzip.compress(b"")), Response(200), True),
    "gzip, but nothing at all": (coded("gzip", b""), Response(200), True),
    "gzip that is cut": (coded("gzip", gzip.compress(LONG)[:-9]), BAD, False),
    "gzip that is cut early": (coded("gzip", gzip.compress(LONG)[:5]), BAD, False),
    "gzip that is none": (coded("gzip", TEXT), BAD, False),
    "gzip with a wrong sum": (coded("gzip", gzip.compress(LONG)[:-8] + bytes(8)), BAD, False),
    "gzip and more": (coded("gzip", gzip.compress(TEXT) + TEXT), BAD, False),
    "gzip in two members": (
        coded("gzip", gzip.compress(TEXT) + gzip.compress(LONG)),
        Response(200, body=TEXT + LONG),
        True,
    ),
    "a gzip bomb": (coded("gzip", BOMB), LARGE, False),
    "deflate": (coded("deflate", zlib.compress(LONG)), Response(200, body=LONG), True),
    "deflate without its wrapper": (coded("deflate", RAW), Response(200, body=LONG), True),
    "deflate of nothing, without its wrapper": (coded("deflate", deflated(b"", -15)), Response(200), True),
    "deflate that is cut": (coded("deflate", RAW[:-1]), BAD, False),
    "deflate and more": (coded("deflate", zlib.compress(TEXT) + TEXT), BAD, False),
    "deflate that is one byte": (coded("deflate", b"\x78"), BAD, False),
    "deflate that is none": (coded("deflate", b"\xff\xff" + TEXT), BAD, False),
    "coded twice": (coded("gzip, gzip", gzip.compress(gzip.compress(TEXT))), Response(200, body=TEXT), True),
    "coded twice, in two lines": (
        reply(gzip.compress(gzip.compress(TEXT)), "Content-Encoding: gzip", "Content-Encoding: gzip"),
        Response(200, body=TEXT),
        True,
    ),
    "identity": (coded("identity", TEXT), Response(200, body=TEXT), True),
    "an unknown coding": (coded("br", TEXT), BAD, False),
    "as large as allowed": (reply(bytes(LARGEST)), Response(200, body=bytes(LARGEST)), True),
    "a byte more": (reply(bytes(LARGEST + 1)), LARGE, False),
    "a hundred header lines": (reply(TEXT, *["X-A: 1"] * 98), Response(200, body=TEXT), True),
    "one line more": (reply(TEXT, *["X-A: 1"] * 99), BAD, False),
    "framed twice": (chunked(TEXT, 9, "Content-Length: 37"), BAD, False),
    "no HTTP": (b"220 mail.example ESMTP\r\n\r\n", BAD, False),
    "a protocol to switch to": (head("Upgrade: h2c", status="HTTP/1.1 101 Switching Protocols"), BAD, False),
    "nothing": (b"", CUT, False),
    "half a head": (GOOD[:30], CUT, False),
    "half a body": (GOOD[:-9], CUT, False),
}


def expect_right(name: str, answer: Reply | None, again: bool) -> None:
    _, right, reusable = CORPUS[name]
    if isinstance(right, Response):
        assert isinstance(answer, Response), answer
        assert (answer.status, answer.body) == (right.status, right.body)
    else:
        assert answer == right
    assert again is reusable


@pytest.mark.parametrize("name", CORPUS)
def test_what_a_reply_is(name: str) -> None:
    expect_right(name, *fed([CORPUS[name][0]]))


@pytest.mark.parametrize("name", CORPUS)
def test_a_byte_at_a_time_makes_no_difference(name: str) -> None:
    whole = CORPUS[name][0]
    expect_right(name, *fed(whole[at : at + 1] for at in range(len(whole))))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_where_the_network_cuts_makes_no_difference(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(CORPUS)))
    whole = CORPUS[name][0]
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=12)))
    expect_right(name, *fed(piece for a, b in pairwise([0, *cuts, len(whole)]) if (piece := whole[a:b])))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_spoilt_reply_is_a_value_wherever_it_is_cut(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(set(CORPUS) - {"a gzip bomb"})))
    whole = bytearray(CORPUS[name][0])
    for at in data.draw(st.lists(st.integers(0, max(0, len(whole) - 1)), min_size=1, max_size=4)):
        whole[at : at + 1] = data.draw(st.binary(max_size=3))
    size = data.draw(st.integers(1, 400))
    at_once, _ = fed([bytes(whole)] if whole else [])
    in_pieces, _ = fed(bytes(whole[at : at + size]) for at in range(0, len(whole), size))
    assert at_once is not None
    if not isinstance(at_once, NoResponse):
        assert same(at_once, in_pieces)
    else:  # cut mid line, an end may be seen before what is wrong with the line
        assert in_pieces in (BAD, CUT, LARGE)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "identity"])
def test_a_file_gets_the_decoded_bytes_without_a_bound(coding: str) -> None:
    picture = bytes(range(256)) * 2000
    body = {"gzip": gzip.compress(picture), "deflate": zlib.compress(picture), "identity": picture}[coding]
    chunks = Chunks()
    answer, again = fed([coded(coding, body)], sink=chunks)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, again) == (200, b"", True)
    assert chunks.content == picture


def test_bytes_after_the_reply_close_the_connection() -> None:
    answer, again = fed([GOOD + EVIL])
    assert isinstance(answer, Response)
    assert (answer.body, again) == (TEXT, False)


def test_one_connection_carries_one_exchange_after_the_other() -> None:
    connection = Connection()
    for number in range(20):
        assert connection.send(GET if number % 2 else POST, HERE)
        answer = connection.receive(GOOD)
        assert isinstance(answer, Response)
        assert answer.body == TEXT
        assert connection.release()


def test_interim_replies_are_counted_anew_for_each_exchange() -> None:
    connection = Connection()
    for _ in range(3):
        connection.send(GET, HERE)
        assert isinstance(connection.receive(INTERIM * 16 + GOOD), Response)
        assert connection.release()


def test_a_connection_is_not_released_before_the_reply_is_whole() -> None:
    connection = Connection()
    connection.send(GET, HERE)
    assert connection.receive(GOOD[:-1]) is None
    assert not connection.release()


def decoded_without_end(first: bytes, rest: bytes, sink: Sink | None = None) -> tuple[Reply | None, int]:
    """What comes of `first` followed by at most 64 MB of `rest`, and the most memory that took."""
    connection = Connection()
    connection.send(GET, HERE, into=(lambda _: sink) if sink else None)
    connection.receive(head("Content-Encoding: gzip"))
    tracemalloc.start()
    try:
        answer = connection.receive(first)
        for _ in range(64 * MB // len(rest)):
            if answer is not None:
                break
            answer = connection.receive(rest)
        return answer, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("sink", [None, Chunks()])
def test_coded_data_that_goes_on_after_its_end_takes_no_memory(sink: Chunks | None) -> None:
    answer, peak = decoded_without_end(gzip.compress(TEXT), bytes(65536), sink)
    assert answer == BAD
    assert peak < MB


def test_a_bomb_is_stopped_at_the_limit() -> None:
    answer, peak = decoded_without_end(BOMB[:10], BOMB[10:])
    assert answer == LARGE
    assert peak < MB


# -- what goes out -----------------------------------------------------------------------------------------------------


def parsed(sent: bytes) -> tuple[h11.Request, bytes]:
    server = h11.Connection(h11.SERVER)
    server.receive_data(sent)
    asked, body = server.next_event(), b""
    assert isinstance(asked, h11.Request)
    while isinstance(event := server.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    return asked, body


def test_a_request_goes_out_as_it_is() -> None:
    sent = Connection().send(POST, place_of(POST.url), (("authorization", "Bearer sk_1"),))
    asked, body = parsed(sent)
    assert (asked.method, asked.target, body) == (b"POST", b"/v1/executions", b"{}")
    fields = dict(asked.headers)
    assert fields[b"host"] == b"127.0.0.1:81"
    assert fields[b"content-length"] == b"2"
    assert fields[b"authorization"] == b"Bearer sk_1"
    assert fields[b"user-agent"].startswith(b"bide")
    assert b"expect" not in fields
    assert b"accept-encoding" not in fields  # the machine asks for what it wants


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_is_announced_where_there_might_be_one(method: str) -> None:
    asked, body = parsed(Connection().send(Request(method, POST.url), place_of(POST.url)))
    assert dict(asked.headers).get(b"content-length") == (b"0" if method == "POST" else None)
    assert body == b""


def test_the_query_goes_out_and_the_fragment_does_not() -> None:
    asked, _ = parsed(Connection().send(GET, place_of(GET.url + "#part")))
    assert asked.target == b"/v1/executions/exec_1?page=2"


def test_a_proxy_gets_the_whole_url_and_its_own_credential() -> None:
    proxy = Proxy("proxy.example", 3128, (("proxy-authorization", "Basic dTpw"),))
    asked, _ = parsed(Connection(proxy).send(GET, HERE))
    assert asked.target == b"http://127.0.0.1:81/v1/executions/exec_1?page=2"
    assert dict(asked.headers)[b"host"] == b"127.0.0.1:81"
    assert dict(asked.headers)[b"proxy-authorization"] == b"Basic dTpw"
    assert "dTpw" not in repr(proxy)


@pytest.mark.parametrize("body", [b"0123", b"0123456789"])
def test_a_streamed_body_of_another_length_than_told_is_the_callers_fault(body: bytes) -> None:
    connection = Connection()
    connection.send(Request("POST", POST.url, (("content-length", "7"),)), HERE, streamed=True)
    with pytest.raises(h11.LocalProtocolError):
        _ = connection.more(body), connection.end()
    assert not connection.release()


KEY, OTHER = (("authorization", "Bearer sk_1"),), (("authorization", "Bearer sk_2"),)
EMPTY = Request("POST", POST.url)
PUT = Request("PUT", POST.url, (("content-length", "5"),))


@pytest.mark.parametrize("told", [False, True], ids=["noted with the reply", "noted when sent"])
def test_a_twin_goes_out_as_if_it_were_the_first(told: bool) -> None:
    connection = Connection()
    for asked, lines in (
        (GET, KEY),
        (GET, KEY),
        (GET, OTHER),
        (GET, KEY),
        (EMPTY, ()),
        (EMPTY, ()),
        (GET, KEY),
        (GET, ()),
    ):
        assert connection.send(asked, HERE, lines) == Connection().send(asked, HERE, lines)
        assert not connection.release()
        if told:
            connection.sent()
        assert isinstance(connection.receive(GOOD), Response)
        assert connection.release()


def test_what_is_streamed_has_no_end_yet_though_it_begins_as_a_twin_does() -> None:
    connection, bare = Connection(), Request("PUT", POST.url)
    streamed = replace(bare, headers=(("content-length", "0"),))
    for _ in range(2):
        whole = connection.send(bare, HERE)
        connection.receive(GOOD)
        assert connection.release()
        assert connection.send(streamed, HERE, streamed=True) == whole
        assert connection.end() == b""
        connection.receive(GOOD)
        assert connection.release()


def test_bytes_that_come_before_a_twin_is_noted_are_its_reply() -> None:
    """A service may answer faster than `sent` is called."""
    connection = Connection()
    connection.send(GET, HERE)
    connection.receive(GOOD)
    connection.release()
    connection.send(GET, HERE)
    answer = connection.receive(GOOD)
    connection.sent()
    assert isinstance(answer, Response)
    assert connection.release()


@pytest.mark.parametrize("request_", [GET, POST])
def test_only_a_connection_that_served_before_and_says_nothing_is_deserted(request_: Request) -> None:
    connection = Connection()
    connection.send(request_, HERE)
    assert connection.receive(b"") == CUT
    assert not connection.is_deserted, "it is new"
    connection = Connection()
    for last, deserted in ((b"", True), (b"HT", False)):
        connection.send(request_, HERE)
        connection.receive(GOOD)
        connection.release()
        connection.send(request_, HERE)
        connection.receive(last)
        assert connection.is_deserted is deserted
        connection = Connection()


@pytest.mark.parametrize(("request_", "streamed"), [(replace(GET, repeatable=False), False), (PUT, True)])
def test_what_cannot_be_sent_twice_is_not_deserted(request_: Request, streamed: bool) -> None:
    connection = Connection()
    connection.send(GET, HERE)
    connection.receive(GOOD)
    connection.release()
    connection.send(request_, HERE, streamed=streamed)
    assert not connection.is_deserted


# -- tunnels -----------------------------------------------------------------------------------------------------------

OPENED = head(status="HTTP/1.1 200 Connection established")
PROXY = Proxy("proxy.example", 3128, (("proxy-authorization", "Basic dTpw"),))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://service.example/a?b", b"service.example:443"),
        ("https://[::1]:8443", b"[::1]:8443"),
    ],
)
def test_a_tunnel_asks_for_host_and_port_and_no_more(url: str, target: bytes) -> None:
    tunnel = Tunnel(place_of(url), PROXY)
    asked, _ = parsed(tunnel.greeting)
    assert (asked.method, asked.target) == (b"CONNECT", target)
    assert dict(asked.headers) == {b"host": target, b"proxy-authorization": b"Basic dTpw"}


@pytest.mark.parametrize("opened", [OPENED, INTERIM + OPENED, INTERIM * 3 + OPENED])
def test_a_tunnel_opens_however_the_answer_is_cut(opened: bytes) -> None:
    for size in (1, 7, len(opened)):
        tunnel = Tunnel(place_of("https://service.example"), PROXY)
        pieces = [opened[at : at + size] for at in range(0, len(opened), size)]
        assert [tunnel.receive(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]


@pytest.mark.parametrize(
    "answer",
    [
        head(status="HTTP/1.1 407 Proxy Authentication Required"),
        head("Location: /", status="HTTP/1.1 302 Found"),
        b"no HTTP\r\n\r\n",
        OPENED[:-1],
        INTERIM,
        INTERIM * 17 + OPENED,
        b"",
    ],
)
def test_a_tunnel_that_is_not_opened(answer: bytes) -> None:
    tunnel = Tunnel(place_of("https://service.example"), PROXY)
    with pytest.raises(ProxyFailed, match=r"proxy\.example:3128 (answers|does not open)") as caught:
        _ = tunnel.receive(answer), tunnel.receive(b"")
    assert "dTpw" not in str(caught.value)


# -- what it is made of ------------------------------------------------------------------------------------------------


def loaded(statement: str) -> set[str]:
    """The top-level packages that `statement` makes a fresh interpreter load."""
    code = f"{statement}; import sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_byte_machine_knows_no_trio() -> None:
    names = loaded("import bide_transports.h11_client")
    assert "h11" in names
    assert not names & {"trio", "asyncio", "anyio"}


def test_the_transport_loads_no_other_event_loop() -> None:
    beyond = loaded("import bide_transports.trio") - loaded("import trio")
    assert "bide_transports" in beyond
    assert not beyond & {"asyncio", "anyio", "curio", "requests", "urllib3", "httpx", "httpcore"}
