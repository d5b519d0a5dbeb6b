"""What a corpus takes when it is large: each input grown to 128 kB in several ways, and timed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import thread_time
from typing import NamedTuple

SIZE = 128 * 1024  # bytes
ALLOWED = 0.050  # seconds for a megabyte, beside what `json.loads` takes for it
_MOST = 100  # inputs of one corpus, evenly taken


class Slow(NamedTuple):
    """Seconds for a megabyte, beside `json.loads`, and the input."""

    rate: float
    data: bytes


def grown(data: bytes) -> Iterator[bytes]:
    """The input repeated as a whole, and with one stretch of it repeated."""
    if not data:
        return
    yield data * (SIZE // len(data) + 1)
    for part in range(4):
        first, last = len(data) * part // 4, len(data) * (part + 1) // 4
        stretch = data[first:last] or data[:1]
        yield data[:first] + stretch * (SIZE // len(stretch) + 1) + data[last:]
    for one in sorted(set(data[-8:])):
        yield data + bytes([one]) * SIZE


def slowest(run: Callable[[bytes], object], corpus: Path) -> Slow:
    """The slowest of all grown inputs; one that is slow is tried thrice, since the machine may be."""
    paths = sorted(corpus.iterdir())
    found = Slow(0.0, b"")
    for path in paths[:: len(paths) // _MOST + 1]:
        for data in grown(path.read_bytes()):
            if (rate := _rate(run, data)) > found.rate:
                found = (
                    Slow(rate, data) if (rate := min(rate, _rate(run, data), _rate(run, data))) > found.rate else found
                )
    return found


def _rate(run: Callable[[bytes], object], data: bytes) -> float:
    began = thread_time()
    run(data)
    took = thread_time() - began
    began = thread_time()
    with suppress(ValueError, RecursionError):
        json.loads(data[data.find(b"{") if b"{" in data else 0 :])
    return (took - (thread_time() - began)) / len(data) * 1e6
