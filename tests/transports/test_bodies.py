"""Bodies over real sockets, by each transport alike: what they are coded in, how large they may be, what a head is."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest
import requests
import trio

import bide
from bide.errors import SaveError
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.emulator import VirtualClock
from bide_transports.requests_exchange import own_session
from bide_transports.sinks import Into
from tests.hostile import SHORT, Script, Server, flood, head, patiently, read, reply, reset, send, stall
from tests.savers import SAVES, Save

MB = 1024 * 1024
TEXT = b'{"id": "7", "status": "ground"}'
NOISE = bytes(n * n % 251 ^ n >> 7 & 255 for n in range(5000))
Exchange: TypeAlias = Callable[[Request, "Into | None"], Reply]


def by_requests(request: Request, into: Into | None = None) -> Reply:
    with own_session() as session:
        return over_requests.exchange(request, session=session, into=into)


def by_trio(request: Request, into: Into | None = None) -> Reply:
    async def main() -> Reply:
        async with over_trio.Pool() as pool:
            return await over_trio.exchange(request, pool=pool, into=into)

    return trio.run(main)


@pytest.fixture(params=[by_requests, by_trio], ids=["requests", "trio"])
def exchange(request: pytest.FixtureRequest) -> Exchange:
    by: Exchange = request.param
    return by


BY_EACH = pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)


@dataclass
class Kept:
    """Takes the bytes of a file."""

    content: bytearray = field(default_factory=bytearray)

    def write(self, chunk: bytes) -> None:
        self.content += chunk

    def into(self, head: Response) -> Kept:
        assert head.status in (200, 206)
        return self


def get(url: str, *, timeout: float = 20.0, largest: int = MB, largest_file: int = 4 * MB) -> Request:
    return Request("GET", f"{url}/7", timeout=timeout, largest=largest, largest_file=largest_file)


def chunked(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)


def asked(exchange: Exchange, content: bytes, *, file: bool, **bounds: int) -> tuple[Reply, bytes]:
    """What comes of `content`, and of a file what of it was written."""
    kept = Kept()
    with Server((read, send(content))) as server:
        came = exchange(get(server.url, **bounds), kept.into if file else None)
    return came, bytes(kept.content) if file else came.body if isinstance(came, Response) else b""


AS_EITHER = pytest.mark.parametrize("file", [False, True], ids=["kept", "file"])


@AS_EITHER
@pytest.mark.parametrize(
    "word", ["aws-chunked", "UTF-8", "none", "binary", "8bit", "", "aws-chunked, identity", "base64", "iso-8859-1"]
)
def test_what_is_no_coding_changes_no_byte(exchange: Exchange, word: str, file: bool) -> None:
    came, content = asked(exchange, reply(TEXT, f"Content-Encoding: {word}"), file=file)
    assert isinstance(came, Response)
    assert content == TEXT


@AS_EITHER
@pytest.mark.parametrize("word", ["br", "zstd", "compress", "x-foo", "gzip, br", ", ".join(["gzip"] * 5)])
def test_what_cannot_be_undone_is_neither_a_reply_nor_a_file(exchange: Exchange, word: str, file: bool) -> None:
    came, content = asked(exchange, reply(TEXT, f"Content-Encoding: {word}", status="202 OK"), file=file)
    assert (came, content) == (NoResponse(Cause.PROTOCOL, sent=True), b"")
    assert isinstance(came, NoResponse)
    assert came.head is not None
    assert came.head.status == 202
    assert came.detail == f"its body is compressed as {word}, which was not asked for"


def raw_deflate(content: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(content) + machine.flush()


@AS_EITHER
@pytest.mark.parametrize(
    ("word", "body"),
    [
        ("gzip", gzip.compress(NOISE)),
        ("X-GZIP", gzip.compress(NOISE)),
        ("gzip", gzip.compress(NOISE[:9]) + gzip.compress(NOISE[9:])),
        ("deflate", zlib.compress(NOISE)),
        ("Deflate", raw_deflate(NOISE)),
        ("gzip, gzip", gzip.compress(gzip.compress(NOISE))),
        ("deflate, gzip, utf-8", gzip.compress(zlib.compress(NOISE))),
    ],
)
def test_what_comes_packed_is_unpacked(exchange: Exchange, word: str, body: bytes, file: bool) -> None:
    came, content = asked(exchange, reply(body, f"Content-Encoding: {word}"), file=file)
    assert isinstance(came, Response)
    assert content == NOISE


TORN = {
    "no trailer": gzip.compress(NOISE)[:-8],
    "cut": gzip.compress(NOISE)[:700],
    "a byte": gzip.compress(NOISE)[:1],
    "another sum": gzip.compress(NOISE)[:-8] + bytes(8),
    "garbage after it": gzip.compress(NOISE) + b"garbage",
    "a byte after it": gzip.compress(NOISE) + b"\x1f",
    "none at all": NOISE,
}


@AS_EITHER
@pytest.mark.parametrize("how", TORN)
def test_a_torn_body_is_not_whole(exchange: Exchange, how: str, file: bool) -> None:
    came, _ = asked(exchange, reply(TORN[how], "Content-Encoding: gzip"), file=file)
    assert came == NoResponse(Cause.PROTOCOL, sent=True)
    twice = reply(gzip.compress(TORN[how]), "Content-Encoding: gzip, gzip")
    assert asked(exchange, twice, file=file)[0] == NoResponse(Cause.PROTOCOL, sent=True)


@BY_EACH
@pytest.mark.parametrize("how", TORN)
def test_a_torn_file_is_no_file(save: Save, how: str, tmp_path: Path) -> None:
    content = reply(TORN[how], "Content-Encoding: gzip", "Connection: close").replace(b"application/json", b"image/png")
    with Server((read, send(content))) as server, pytest.raises(SaveError, match="could not be had"):
        save(
            bide.Result("7", ("file_1",)),
            tmp_path,
            dialect=bide.ModelRoute(server.url),
            clock=VirtualClock(),
            patience=bide.Patience(failures=2),
        )
    assert list(tmp_path.iterdir()) == []


BOMB = gzip.compress(bytes(30 * MB))
_PACKED = "Content-Encoding: gzip"
TOO_LARGE: dict[str, tuple[bytes, str]] = {
    "by its length": (reply(NOISE), "the body has more than 4999 bytes; it was said to have 5000"),
    "in chunks": (head("Transfer-Encoding: chunked") + chunked(NOISE), "the body has more than 4999 bytes"),
    "till the end": (head(status="HTTP/1.0 200 OK") + NOISE, "the body has more than 4999 bytes"),
    "packed": (reply(gzip.compress(NOISE), _PACKED), "the body has more than 4999 bytes when it is unpacked"),
    "of nothing": (
        head(_PACKED, status="HTTP/1.0 200 OK") + gzip.compress(b"") * 400,
        "the body has more than 4999 bytes",
    ),
}


@AS_EITHER
@pytest.mark.parametrize("how", TOO_LARGE)
def test_a_body_above_its_bound_is_refused(exchange: Exchange, how: str, file: bool) -> None:
    content, why = TOO_LARGE[how]
    bounds = {"largest": 9, "largest_file": 4999} if file else {"largest": 4999, "largest_file": 9}
    came, written = asked(exchange, content, file=file, **bounds)
    assert came == NoResponse(Cause.TOO_LARGE, sent=True)
    assert isinstance(came, NoResponse)
    assert came.detail == why
    assert len(written) < 5000
    whole, _ = asked(exchange, TOO_LARGE["packed"][0], file=file, **dict.fromkeys(bounds, 5000))
    assert isinstance(whole, Response)


def test_what_was_there_before_counts(exchange: Exchange) -> None:
    rest = head("Content-Range: bytes 90-99/100", "Content-Length: 10", status="HTTP/1.1 206 Part") + bytes(10)
    assert asked(exchange, rest, file=True, largest_file=99)[0] == NoResponse(Cause.TOO_LARGE, sent=True)
    assert isinstance(asked(exchange, rest, file=True, largest_file=100)[0], Response)
    unsaid = head("Content-Range: bytes 90-99/*", status="HTTP/1.0 206 Part") + bytes(10)
    came, written = asked(exchange, unsaid, file=True, largest_file=99)
    assert came == NoResponse(Cause.TOO_LARGE, sent=True)
    assert len(written) < 10


@pytest.mark.parametrize("body", [BOMB, gzip.compress(BOMB)], ids=["once", "twice"])
def test_a_bomb_is_told_from_a_large_file(exchange: Exchange, body: bytes) -> None:
    content = reply(body, _PACKED if body is BOMB else "Content-Encoding: gzip, gzip")
    came, written = asked(exchange, content, file=True, largest_file=1000 * MB)
    assert came == NoResponse(Cause.TOO_LARGE, sent=True)
    assert isinstance(came, NoResponse)
    assert came.detail.startswith("the body is a bomb: its ")
    assert len(written) < 17 * MB
    came, written = asked(exchange, content, file=True, largest=32 * MB, largest_file=1000 * MB)
    assert isinstance(came, Response), "whoever allows as much in a reply allows it in a file"
    assert len(written) == 30 * MB


@BY_EACH
@pytest.mark.parametrize("lines", [[], [_PACKED]], ids=["plain", "bomb"])
def test_nothing_is_left_of_a_file_that_is_refused(save: Save, lines: list[str], tmp_path: Path) -> None:
    body = BOMB if lines else None
    content = head("Content-Type: image/png", *lines, status="HTTP/1.0 200 OK")
    script: Script = (read, send(content), flood(NOISE)) if body is None else (read, send(content + body))
    with Server(script) as server, pytest.raises(SaveError, match=r"TOO_LARGE: .*allow more by Patience\(largest_file"):
        save(
            bide.Result("7", ("file_1",)),
            tmp_path,
            dialect=bide.ModelRoute(server.url),
            clock=VirtualClock(),
            patience=bide.Patience(failures=3, largest_file=20 * MB),
        )
    assert list(tmp_path.iterdir()) == []
    assert len(server.received) == 2


ACCEPTED = head("Location: /v1/executions/7", "Content-Length: 99", status="HTTP/1.1 202 Yes")
CUTS: dict[str, tuple[Script, Cause]] = {
    "end": ((read, send(ACCEPTED + b"{")), Cause.RESET),
    "reset": ((read, send(ACCEPTED + b"{"), reset), Cause.RESET),
    "stall": ((read, send(ACCEPTED + b"{"), stall), Cause.TIMEOUT),
    "chunks": (
        (read, send(head("Transfer-Encoding: chunked", status="HTTP/1.1 202 Yes") + b"zz\r\n{")),
        Cause.PROTOCOL,
    ),
    "packed": ((read, send(reply(b"{", _PACKED, status="202 Yes"))), Cause.PROTOCOL),
    "large": ((read, send(reply(bytes(2 * MB), status="202 Yes"))), Cause.TOO_LARGE),
}


@AS_EITHER
@pytest.mark.parametrize("how", CUTS)
def test_the_head_of_a_body_that_is_not_whole_is_handed_over(exchange: Exchange, how: str, file: bool) -> None:
    script, cause = CUTS[how]

    def trial(timeout: float) -> None:
        with Server(script) as server:
            request = get(server.url, timeout=timeout, largest_file=MB)
            came = exchange(request, (lambda _: Kept()) if file else None)
        assert isinstance(came, NoResponse)
        assert (came.cause, came.sent) in ((cause, True), (Cause.RESET, True))
        assert came.head is not None
        assert (came.head.status, came.head.body) == (202, b"")
        assert came.head.headers.fields.keys() & {"location", "transfer-encoding", "content-length"}

    patiently(trial, SHORT if how == "stall" else 20.0)


def test_without_a_head_there_is_none(exchange: Exchange) -> None:
    with Server((read, send(ACCEPTED[:-4]))) as server:
        came = exchange(get(server.url), None)
    assert isinstance(came, NoResponse)
    assert came.head is None


def test_the_head_of_an_earlier_reply_is_not_the_next_one_s() -> None:
    async def main(url: str) -> list[Reply]:
        async with over_trio.Pool() as pool:
            return [await over_trio.exchange(get(url, timeout=SHORT), pool=pool) for _ in range(2)]

    with Server((read, send(reply(TEXT)), read, stall)) as server:
        _, late = trio.run(main, server.url)
    assert isinstance(late, NoResponse)
    assert (late.cause, late.head) == (Cause.TIMEOUT, None)


def test_an_own_session_reads_alike() -> None:
    """Without a `BoundedAdapter`: the session is the caller's."""
    with Server((read, send(reply(gzip.compress(TEXT), _PACKED)))) as server, requests.Session() as session:
        came = over_requests.exchange(get(server.url), session=session)
    assert came == Response(200, came.headers if isinstance(came, Response) else bide.Headers(), TEXT)
