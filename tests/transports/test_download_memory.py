"""What a large file takes of the memory on its way to disk: a bounded piece at a time, whatever its size."""

from __future__ import annotations

import gc
import hashlib
import tracemalloc
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

import bide
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.emulator import VirtualClock
from tests.hostile import Line, Server, head, read
from tests.savers import KEY, SAVES, Save

PIECE = bytes(range(256)) * 256  # 64 KiB
PIECES = 512
SIZE = PIECES * len(PIECE)  # 32 MiB
MOST = 2 * 1024 * 1024  # bytes
RESULT = bide.Result("exec_1", ("file_1",))


@contextmanager
def large(
    *lines: str, framing: str = f"Content-Length: {SIZE}", before: bytes = b"", after: bytes = b""
) -> Generator[str]:
    """A server of one large file that does not hold it in memory either."""

    def pour(line: Line) -> None:
        line.sock.sendall(head(framing, 'ETag: "1"', *lines))
        for _ in range(PIECES):
            for part in (before, PIECE, after):
                line.sock.sendall(part)
        line.sock.sendall(b"0\r\n\r\n" if before else b"")

    with Server((read, pour)) as server:
        yield server.url


def peak_while_saving(save: Save, url: str, directory: Path) -> tuple[Path, int]:
    """The file, and how many bytes were held at once at the most beyond what was held before."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        (path,) = save(RESULT, directory, dialect=bide.ModelRoute(url), clock=VirtualClock())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return path, peak - before


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
@pytest.mark.parametrize("framed", ["by its length", "in chunks", "with a digest"])
def test_a_file_is_never_held_whole(save: Save, framed: str, tmp_path: Path) -> None:
    whole = hashlib.sha256()
    for _ in range(PIECES):
        whole.update(PIECE)
    if framed == "in chunks":
        served = large(framing="Transfer-Encoding: chunked", before=b"10000\r\n", after=b"\r\n")
    elif framed == "with a digest":
        served = large(f"Repr-Digest: sha-256=:{b64encode(whole.digest()).decode()}:")
    else:
        served = large()
    with served as url:
        save(RESULT, tmp_path / "before", dialect=bide.ModelRoute(url), clock=VirtualClock())  # imports, caches
        path, peak = peak_while_saving(save, url, tmp_path / "after")
    assert path.stat().st_size == SIZE
    assert path.read_bytes() == PIECE * PIECES
    assert peak < MOST


@dataclass
class Scales:
    """Takes a body and keeps nothing of it but its measure."""

    total: int = 0
    largest: int = 0

    def write(self, chunk: bytes) -> None:
        self.total += len(chunk)
        self.largest = max(self.largest, len(chunk))


def weighed_by_requests(request: bide.Request) -> Scales:
    scales = Scales()
    with over_requests.Client(KEY) as client:
        assert isinstance(client.exchange(request, lambda _: scales), bide.Response)
    return scales


def weighed_by_trio(request: bide.Request) -> Scales:
    scales = Scales()

    async def main() -> bide.Reply:
        async with over_trio.Client(KEY) as client:
            return await client.exchange(request, lambda _: scales)

    assert isinstance(trio.run(main), bide.Response)
    return scales


@pytest.mark.parametrize("weighed", [weighed_by_requests, weighed_by_trio])
def test_no_piece_is_large(weighed: Callable[[bide.Request], Scales]) -> None:
    with large() as url:
        scales = weighed(bide.Request("GET", url))
    assert scales.total == SIZE
    assert scales.largest <= 65536
