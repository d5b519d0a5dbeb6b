"""The bytes of a file as they were carried: with a length or without, compressed, cut short in every way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
import trio

import bide
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.messages import Cause, Headers, NoResponse, Reply, Request, Response
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import record
from bide_transports.cassette.redaction import STANDARD, Rules
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.tape import Cassette, Heard
from bide_transports.cassette.verify import verify
from bide_transports.clock import Clock
from bide_transports.emulator import VirtualClock
from bide_transports.requests import run
from bide_transports.sinks import Into
from bide_transports.sources import Content
from bide_transports.tapes import AsyncFileLane, FileLane, Tape
from bide_transports.trio import TrioClock
from tests.sampling import some

DIALECT = bide.ModelRoute()
ASKED = DIALECT.locate("file_1")
CONTENT = bytes(range(256)) * 90  # three pieces
TYPE = ("content-type", "image/png")
WHOLE, CUT = Response(200), NoResponse(Cause.RESET, sent=True)
LATE, TORN = NoResponse(Cause.TIMEOUT, sent=True), NoResponse(Cause.PROTOCOL, sent=True)
LARGE = NoResponse(Cause.TOO_LARGE, sent=True)


class Kept:
    """Keeps the head and the bytes of a file."""

    def __init__(self) -> None:
        self.head, self.content = Response(0), b""

    def into(self, head: Response) -> Kept:
        self.head = head
        return self

    def write(self, chunk: bytes) -> None:
        self.content += chunk


def recorded(path: Path, head: Response, end: Reply, came: bytes, rules: Rules = STANDARD) -> Cassette:
    """A cassette of one file, of which `came` comes before the `end`."""

    def exchange(request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
        sink = into(head) if into is not None else None
        assert (request, content) == (ASKED, None)
        assert sink is not None
        sink.write(came)
        return head if isinstance(end, Response) else end

    with record(path, rules=rules) as tape:
        _, by, clock = tape.file_lane("file_1", FileLane(DIALECT, exchange, VirtualClock()))
        clock.now()
        by(ASKED, Kept().into)
    return load(path)


def unused(request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
    raise AssertionError(f"{request} would go to a network, {into} and {content}")


async def unused_async(request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
    return unused(request, into, content)


def by_requests(cassette: Cassette) -> tuple[Reply, Kept]:
    kept = Kept()
    with replay(cassette) as tape:
        _, by, _ = tape.file_lane("file_1", FileLane(DIALECT, unused, VirtualClock()))
        return by(ASKED, kept.into), kept


def by_trio(cassette: Cassette) -> tuple[Reply, Kept]:
    async def main() -> tuple[Reply, Kept]:
        kept = Kept()
        with replay(cassette) as tape:
            _, by, _ = tape.async_file_lane("file_1", AsyncFileLane(DIALECT, unused_async, TrioClock()))
            return await by(ASKED, kept.into), kept

    return trio.run(main)


Play: TypeAlias = Callable[[Cassette], tuple[Reply, Kept]]
BY_EACH = pytest.mark.parametrize("play", [by_requests, by_trio])


def ways() -> Iterator[tuple[str, list[tuple[str, str]], Reply, int]]:
    length, coding = ("content-length", str(len(CONTENT))), ("content-encoding", "gzip")
    for end, name in ((WHOLE, "whole"), (CUT, "cut"), (LATE, "late"), (TORN, "torn"), (LARGE, "too large")):
        for size in (len(CONTENT),) if end is WHOLE else (0, 1, 9000, 20_000):
            yield f"{name} after {size} of a length that nobody told", [], end, size
            yield f"{name} after {size}, compressed", [coding], end, size
            if end is not TORN and (end is not LARGE or not size):
                yield f"{name} after {size} of a length", [length], end, size


WAYS = some(ways(), kind=lambda way: str(way[1:3]))


@BY_EACH
@pytest.mark.parametrize(("lines", "end", "size"), [way[1:] for way in WAYS], ids=[way[0] for way in WAYS])
def test_a_file_comes_as_it_came(
    play: Play, lines: list[tuple[str, str]], end: Reply, size: int, tmp_path: Path
) -> None:
    head = Response(200, Headers.of([TYPE, *lines]))
    cassette = recorded(tmp_path / "file.cassette.jsonl", head, end, CONTENT[:size])
    verify(cassette)
    reply, kept = play(cassette)
    assert kept.content == CONTENT[:size]
    told = ("content-length", "content-encoding", "content-type")
    assert [kept.head.headers.get(name) for name in told] == [head.headers.get(name) for name in told]
    if isinstance(end, NoResponse):
        assert isinstance(reply, NoResponse)
        assert (reply.cause, reply.sent) == (end.cause, end.sent)
        assert reply.head is not None
        assert reply.head.status == 200
    else:
        assert isinstance(reply, Response)
        assert (reply.status, reply.body) == (200, b"")


@BY_EACH
def test_what_tells_the_digest_of_a_file_is_kept(play: Play, tmp_path: Path) -> None:
    digests = [
        ("repr-digest", "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"),
        ("digest", "md5=1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("content-digest", "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"),
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("x-amz-checksum-sha256", "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="),
        ("etag", '"d41d8cd98f00b204e9800998ecf8427e"'),
    ]
    head = Response(200, Headers.of([TYPE, *digests, ("set-cookie", "a=b"), ("server", "x")]))
    cassette = recorded(tmp_path / "file.cassette.jsonl", head, WHOLE, CONTENT)
    _, kept = play(cassette)
    assert [(name, kept.head.headers.get(name)) for name, _ in digests] == digests
    assert {"set-cookie", "server"}.isdisjoint(kept.head.headers.fields)


def test_headers_of_a_request_that_rules_keep_are_verified_and_compared(tmp_path: Path) -> None:
    head = Response(200, Headers.of([TYPE]))
    rules = Rules(keep=("accept-encoding",))
    cassette = recorded(tmp_path / "file.cassette.jsonl", head, WHOLE, CONTENT, rules=rules)
    assert '"accept-encoding":"identity"' in (tmp_path / "file.cassette.jsonl").read_text("utf-8")
    assert verify(cassette).exchanges == 1


def test_the_length_of_a_compressed_file_is_not_its_own(tmp_path: Path) -> None:
    head = Response(200, Headers.of([TYPE, ("content-encoding", "gzip"), ("content-length", "7")]))
    cassette = recorded(tmp_path / "file.cassette.jsonl", head, WHOLE, CONTENT)
    (heard,) = (event for event in cassette.events if isinstance(event, Heard))
    assert isinstance(heard.reply, Response)
    assert "content-length" not in heard.reply.headers.fields


def test_a_signed_address_from_a_job_is_called_the_same_in_its_file(tmp_path: Path) -> None:
    """The job has other signatures before it, so a numbering of the file's own would be another."""
    dialect, path = Declared(named("replicate")), tmp_path / "job.cassette.jsonl"
    places = [f"https://replicate.delivery/{name}.png?signature={name * 9}" for name in ("seen", "made", "more")]
    document = {"id": "pred1", "status": "succeeded", "input": {"image": places[0]}, "output": places[1:]}
    answer = Response(200, Headers.of([("content-type", "application/json")]), json.dumps(document).encode())

    def asked(request: Request, into: Into | None = None, content: Content | None = None) -> Reply:
        assert content is None
        sink = into(Response(200, Headers.of([TYPE]))) if into is not None else None
        assert sink is not None
        sink.write(request.url.encode()[:30])
        return Response(200, Headers.of([TYPE]))

    def story(tape: Tape, clock: Clock) -> tuple[tuple[str, ...], list[bytes]]:
        job = bide.watch("pred1", dialect=dialect, now=clock.now())
        result = bide.unwrap(run(*tape.lane(job, lambda _: answer, clock)))
        contents: list[bytes] = []
        for file in reversed(result.files):
            spoken, by, time = tape.file_lane(file, FileLane(dialect, asked, clock))
            time.now()
            kept = Kept()
            by(spoken.locate(file), kept.into)
            contents.append(kept.content)
        return result.files, contents

    with record(path) as recording:
        files, contents = story(recording, VirtualClock())
    assert files == tuple(places[1:])
    assert b"mademade" not in path.read_bytes()
    with replay(path) as tape:
        files, again = story(tape, VirtualClock())
    assert again == contents
    assert [file.partition("signature=")[2] for file in files] == ["redacted-sig-2", "redacted-sig-3"]
