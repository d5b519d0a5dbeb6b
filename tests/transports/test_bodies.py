"""Bodies over real sockets, by each transport alike: what they are coded in, how large they may be, what a head is."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

import bide
from bide.errors import SaveError
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide_transports import requests as over_requests
from bide_transports.emulator import VirtualClock
from tests.hostile import SHORT, Script, Server, flood, head, patiently, read, reply, reset, send, stall
from tests.reactions import Where, reacts
from tests.savers import SAVES, Save
from tests.wires import BY_EACH, Wire

MB = 1024 * 1024
TEXT = b'{"id": "7", "status": "ground"}'
NOISE = bytes(n * n % 251 ^ n >> 7 & 255 for n in range(5000))


BY_EACH_CLIENT = pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)


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


def asked(wire: Wire, content: bytes, *, file: bool, **bounds: int) -> tuple[Reply, bytes]:
    """What comes of `content`, and of a file what of it was written."""
    kept = Kept()
    with Server((read, send(content))) as server:
        (came,) = wire(get(server.url, **bounds), into=kept.into if file else None)
    return came, bytes(kept.content) if file else came.body if isinstance(came, Response) else b""


AS_EITHER = pytest.mark.parametrize("file", [False, True], ids=["kept", "file"])


@BY_EACH
@AS_EITHER
@pytest.mark.parametrize(
    "word", ["aws-chunked", "UTF-8", "none", "binary", "8bit", "", "aws-chunked, identity", "base64", "iso-8859-1"]
)
def test_what_is_no_coding_changes_no_byte(wire: Wire, word: str, file: bool) -> None:
    came, content = asked(wire, reply(TEXT, f"Content-Encoding: {word}"), file=file)
    assert isinstance(came, Response)
    assert content == TEXT


@reacts(
    Where.REPLY,
    "a `Content-Encoding` that nobody asked for and nobody knows (`br`, `zstd`, five times `gzip`)",
    "not valid: never a value, never a file",
)
@BY_EACH
@AS_EITHER
@pytest.mark.parametrize("word", ["br", "zstd", "compress", "x-foo", "gzip, br", ", ".join(["gzip"] * 5)])
def test_what_cannot_be_undone_is_neither_a_reply_nor_a_file(wire: Wire, word: str, file: bool) -> None:
    came, content = asked(wire, reply(TEXT, f"Content-Encoding: {word}", status="202 OK"), file=file)
    assert (came, content) == (NoResponse(Cause.PROTOCOL, sent=True), b"")
    assert isinstance(came, NoResponse)
    assert came.head is not None
    assert came.head.status == 202
    assert came.detail == f"its body is compressed as {word}, which was not asked for"


def raw_deflate(content: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(content) + machine.flush()


@BY_EACH
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
def test_what_comes_packed_is_unpacked(wire: Wire, word: str, body: bytes, file: bool) -> None:
    came, content = asked(wire, reply(body, f"Content-Encoding: {word}"), file=file)
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


@BY_EACH
@AS_EITHER
@pytest.mark.parametrize("how", TORN)
def test_a_torn_body_is_not_whole(wire: Wire, how: str, file: bool) -> None:
    came, _ = asked(wire, reply(TORN[how], "Content-Encoding: gzip"), file=file)
    assert came == NoResponse(Cause.PROTOCOL, sent=True)
    twice = reply(gzip.compress(TORN[how]), "Content-Encoding: gzip, gzip")
    assert asked(wire, twice, file=file)[0] == NoResponse(Cause.PROTOCOL, sent=True)


@BY_EACH_CLIENT
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


@BY_EACH
@AS_EITHER
@pytest.mark.parametrize("how", TOO_LARGE)
def test_a_body_above_its_bound_is_refused(wire: Wire, how: str, file: bool) -> None:
    content, why = TOO_LARGE[how]
    bounds = {"largest": 9, "largest_file": 4999} if file else {"largest": 4999, "largest_file": 9}
    came, written = asked(wire, content, file=file, **bounds)
    assert came == NoResponse(Cause.TOO_LARGE, sent=True)
    assert isinstance(came, NoResponse)
    assert came.detail == why
    assert len(written) < 5000
    whole, _ = asked(wire, TOO_LARGE["packed"][0], file=file, **dict.fromkeys(bounds, 5000))
    assert isinstance(whole, Response)


@BY_EACH
def test_what_was_there_before_counts(wire: Wire) -> None:
    rest = head("Content-Range: bytes 90-99/100", "Content-Length: 10", status="HTTP/1.1 206 Part") + bytes(10)
    assert asked(wire, rest, file=True, largest_file=99)[0] == NoResponse(Cause.TOO_LARGE, sent=True)
    assert isinstance(asked(wire, rest, file=True, largest_file=100)[0], Response)
    unsaid = head("Content-Range: bytes 90-99/*", status="HTTP/1.0 206 Part") + bytes(10)
    came, written = asked(wire, unsaid, file=True, largest_file=99)
    assert came == NoResponse(Cause.TOO_LARGE, sent=True)
    assert len(written) < 10


@BY_EACH
@pytest.mark.parametrize("body", [BOMB, gzip.compress(BOMB)], ids=["once", "twice"])
def test_a_bomb_is_told_from_a_large_file(wire: Wire, body: bytes) -> None:
    content = reply(body, _PACKED if body is BOMB else "Content-Encoding: gzip, gzip")
    came, written = asked(wire, content, file=True, largest_file=1000 * MB)
    assert came == NoResponse(Cause.TOO_LARGE, sent=True)
    assert isinstance(came, NoResponse)
    assert came.detail.startswith("the body is a bomb: its ")
    assert len(written) < 17 * MB
    came, written = asked(wire, content, file=True, largest=32 * MB, largest_file=1000 * MB)
    assert isinstance(came, Response), "whoever allows as much in a reply allows it in a file"
    assert len(written) == 30 * MB


@reacts(
    Where.FILE,
    "a file without end, or one that unpacks to too much",
    "read up to `Patience(largest_file=)`; nothing of it is left on the disk",
)
@BY_EACH_CLIENT
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


@reacts(
    Where.REPLY,
    "a body that is cut or too large, behind a whole head",
    "the status, `Location` and `Retry-After` count all the same",
)
@BY_EACH
@AS_EITHER
@pytest.mark.parametrize("how", CUTS)
def test_the_head_of_a_body_that_is_not_whole_is_handed_over(wire: Wire, how: str, file: bool) -> None:
    script, cause = CUTS[how]

    def trial(timeout: float) -> None:
        with Server(script) as server:
            request = get(server.url, timeout=timeout, largest_file=MB)
            (came,) = wire(request, into=(lambda _: Kept()) if file else None)
        assert isinstance(came, NoResponse)
        assert (came.cause, came.sent) in ((cause, True), (Cause.RESET, True))
        assert came.head is not None
        assert (came.head.status, came.head.body) == (202, b"")
        assert came.head.headers.fields.keys() & {"location", "transfer-encoding", "content-length"}

    patiently(trial, SHORT if how == "stall" else 20.0)


@BY_EACH
def test_without_a_head_there_is_none(wire: Wire) -> None:
    with Server((read, send(ACCEPTED[:-4]))) as server:
        (came,) = wire(get(server.url))
    assert isinstance(came, NoResponse)
    assert came.head is None


@BY_EACH
def test_the_head_of_an_earlier_reply_is_not_the_next_one_s(wire: Wire) -> None:
    def trial(timeout: float) -> None:
        with Server((read, send(reply(TEXT)), read, stall)) as server:
            _, late = wire(get(server.url), get(server.url, timeout=timeout))
        assert isinstance(late, NoResponse)
        assert (late.cause, late.head) == (Cause.TIMEOUT, None)

    patiently(trial)


def test_an_own_session_reads_alike() -> None:
    """Without a `BoundedAdapter`: the session is the caller's."""
    with Server((read, send(reply(gzip.compress(TEXT), _PACKED)))) as server, requests.Session() as session:
        came = over_requests.exchange(get(server.url), session=session)
    assert came == Response(200, came.headers if isinstance(came, Response) else bide.Headers(), TEXT)
