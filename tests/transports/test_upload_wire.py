"""Uploads to servers that cut, refuse and lead astray, byte for byte; and what a large file takes of the memory."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

import bide
from bide.errors import UploadError
from bide_transports.emulator import VirtualClock
from tests.hostile import Line, Script, Server, Step, field_of, hear, read, reply, reset, send
from tests.senders import SENDS, Send

BY_EACH = pytest.mark.parametrize("sent", SENDS.values(), ids=SENDS)
FILE = "file_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
PHOTO = bytes(range(256)) * 8192  # 2 MiB: more than the buffers of a loopback connection take
LAST = "Connection: close"  # so that each request has a script of its own
DONE = send(reply(b"{}", LAST))


def place(address: str | None = None) -> Step:
    """The reply with a place: at this same server, or at `address`."""

    def step(line: Line) -> None:
        url = address or "http://{}:{}/u/1?sig=5ec2e7".format(*line.sock.getsockname())
        line.sock.sendall(reply(json.dumps({"file_id": FILE, "upload_url": url}).encode(), LAST))

    return step


def answer(storage: Server) -> Step:
    """A place at `storage` for whoever asks for one, a yes to anything else."""

    def step(line: Line) -> None:
        asks = line.received[-1].startswith(b"POST /v1/files/upload")
        (place(f"{storage.url}/u/1?sig=5ec2e7") if asks else DONE)(line)

    return step


def taken(size: int) -> Step:
    """Take so many bytes of a request, whatever they are."""

    def step(line: Line) -> None:
        left = size
        while left > 0:
            left -= len(line.sock.recv(min(left, 65536))) or left

    return step


GIVEN: Script = (read, place())


@contextmanager
def photo_at(tmp_path: Path, *scripts: Script) -> Generator[tuple[Path, Server]]:
    path = tmp_path / "photo.png"
    path.write_bytes(PHOTO)
    with Server(*scripts) as server:
        yield path, server


def targets(server: Server) -> list[str]:
    return [request.split(b" ", 2)[1].decode().partition("?")[0] for request in server.received]


@BY_EACH
@pytest.mark.parametrize("cut", [1, 100, 5000, 1_000_000, len(PHOTO)])
@pytest.mark.parametrize("ends", [(reset,), ()], ids=["reset", "closed"])
def test_a_transfer_that_is_cut_is_begun_anew_with_the_first_byte(
    sent: Send, cut: int, ends: Script, tmp_path: Path
) -> None:
    with photo_at(tmp_path, GIVEN, (taken(cut), *ends), (read, DONE), (read, DONE)) as (path, server):
        assert sent(path, dialect=bide.ModelRoute(server.url), clock=VirtualClock()) == FILE
        asked, put, told = server.received
    assert put.partition(b"\r\n\r\n")[2] == PHOTO
    assert field_of(put, "content-length") == str(len(PHOTO))
    assert field_of(put, "transfer-encoding") is None
    assert field_of(put, "authorization") is field_of(put, "cookie") is field_of(put, "content-type") is None
    assert field_of(asked, "authorization") == field_of(told, "authorization") is not None
    assert json.loads(told.partition(b"\r\n\r\n")[2]) == {"file_id": FILE}


@BY_EACH
@pytest.mark.parametrize("refusal", [None, reply(b"", LAST, status="403 Forbidden")], ids=["unheard", "said"])
def test_where_the_bytes_are_cut_off_another_place_is_asked_for(
    sent: Send, refusal: bytes | None, tmp_path: Path
) -> None:
    """A host that refuses an address may hang up before the whole file is there: its refusal may never be heard."""
    refused: Script = (hear, send(refusal or b""), reset)
    with Server(refused, refused, (read, DONE)) as storage:
        given: Script = (read, place(f"{storage.url}/u/1?sig=5ec2e7"))
        with photo_at(tmp_path, given, (read, answer(storage))) as (path, server):
            dialect = bide.ModelRoute(server.url, storage_hosts=("127.0.0.1",))
            assert sent(path, dialect=dialect, clock=VirtualClock()) == FILE
            paths = targets(server)
        assert [put.partition(b"\r\n\r\n")[2] for put in storage.received] == [PHOTO]
    assert paths[0] == "/v1/files/upload"
    assert set(paths[1:-1]) == {"/v1/files/upload"}, "at least one more place was asked for"
    assert paths[-1] == "/v1/files/confirm"


@BY_EACH
def test_a_place_at_another_host_is_not_used(sent: Send, tmp_path: Path) -> None:
    with photo_at(tmp_path, (read, place("https://evil.example/u/1?sig=5ec2e7"))) as (path, server):
        with pytest.raises(UploadError, match=r"evil\.example") as caught:
            sent(path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
        assert len(server.received) == 1
    assert "5ec2e7" not in str(caught.value)


@BY_EACH
def test_a_redirect_of_the_bytes_is_not_followed(sent: Send, tmp_path: Path) -> None:
    away = send(reply(b"", "Location: http://127.0.0.1:9/u/1", LAST, status="307 Temporary Redirect"))
    with photo_at(tmp_path, GIVEN, (read, away), (read, DONE)) as (path, server):
        assert sent(path, dialect=bide.ModelRoute(server.url), clock=VirtualClock()) == FILE
        assert targets(server) == ["/v1/files/upload", "/u/1", "/u/1", "/v1/files/confirm"]


@BY_EACH
def test_an_empty_file_is_sent_with_its_length(sent: Send, tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with Server(GIVEN, (read, DONE), (read, DONE)) as server:
        assert sent(path, dialect=bide.ModelRoute(server.url), clock=VirtualClock()) == FILE
        put = server.received[1]
    assert field_of(put, "content-length") == "0"
    assert field_of(put, "transfer-encoding") is None
    assert put.endswith(b"\r\n\r\n")


# A large file

LARGE = 128 * 1024 * 1024  # bytes
MOST = 2 * 1024 * 1024  # bytes


class Swallowed:
    """Takes a request whole and keeps nothing of it but its measure."""

    total = 0

    def __call__(self, line: Line) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.sock.recv(4096)
        rest = head.partition(b"\r\n\r\n")[2]
        self.total, buffer = len(rest), bytearray(262_144)
        while self.total < int(field_of(head, "content-length") or 0):
            self.total += line.sock.recv_into(buffer)


@BY_EACH
def test_a_file_is_never_held_whole(sent: Send, tmp_path: Path) -> None:
    path, swallowed = tmp_path / "large.bin", Swallowed()
    with path.open("wb") as file:
        file.truncate(LARGE)
    once: tuple[Script, ...] = (GIVEN, (swallowed, DONE), (read, DONE))
    with Server(*once, *once) as server:
        dialect = bide.ModelRoute(server.url)
        small = tmp_path / "small.bin"
        small.write_bytes(bytes(100_000))
        sent(small, dialect=dialect, clock=VirtualClock())  # imports, caches
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            sent(path, dialect=dialect, clock=VirtualClock())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert swallowed.total == LARGE
    assert peak - before < MOST
