"""What a corpus takes when it is large: each input grown in several ways, and timed; JSON of shapes that take long."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import thread_time
from typing import NamedTuple

import bide
from tests.fuzz.shapes import bodies
from tests.fuzz.targets import JOBS, Ready, Target

_MOST = 20  # inputs of one corpus, evenly taken
_SEARCHED = ("fal", "replicate")  # whose replies are searched whole, or a part of them; the others take turns
_TRIES = 5  # of what seems slow: the machine may be


class Slow(NamedTuple):
    """Seconds for a megabyte, beside `json.loads`, and the input."""

    rate: float
    data: bytes


def grown(data: bytes, size: int) -> Iterator[bytes]:
    """The input repeated as a whole, and with one stretch of it repeated."""
    if not data:
        return
    yield data * (size // len(data) + 1)
    for part in range(4):
        first, last = len(data) * part // 4, len(data) * (part + 1) // 4
        stretch = data[first:last] or data[:1]
        yield data[:first] + stretch * (size // len(stretch) + 1) + data[last:]
    for one in sorted(set(data[-4:])):
        yield data + bytes([one]) * size


def slowest(target: Target, corpus: Path, *, shaped: bool = False) -> Slow:
    """The slowest of all grown inputs, and of the `shaped` ones: replies of each dialect to a look at a job."""
    paths = sorted(corpus.iterdir())
    inputs = (data for path in paths[:: len(paths) // _MOST + 1] for data in grown(path.read_bytes(), target.size))
    found = Slow(0.0, b"")
    for data in inputs:
        found = max(found, Slow(_rate(target.ready(data), target.allowed), data))
    looks = [number for number, job in enumerate(JOBS) if isinstance(job, bide.Polling)]
    always = [number for number in looks if JOBS[number].terms.dialect.name in _SEARCHED]
    for place, body in enumerate(bodies(1_000_000) if shaped else ()):
        for job in (*always, looks[place % len(looks)]):
            data = bytes([job]) + (200).to_bytes(2, "big") + b"\n\n" + body
            found = max(found, Slow(_rate(target.ready(data), target.allowed), data))
    return found


def _rate(ready: Ready, allowed: float) -> float:
    rate = (_took(ready.run, 1) - _took(lambda: _parsed(ready.documents), 1)) / max(ready.size, 1) * 1e6
    if rate > allowed:
        rate = (_took(ready.run, _TRIES) - _took(lambda: _parsed(ready.documents), _TRIES)) / max(ready.size, 1) * 1e6
    return rate


def _parsed(documents: tuple[bytes, ...]) -> None:
    with suppress(ValueError, RecursionError):
        for document in documents:
            json.loads(document)


def _took(run: Callable[[], object], tries: int) -> float:
    """The seconds of the quickest of several runs, without searches for garbage, which go through all that there is."""
    best = float("inf")
    gc.collect()
    gc.disable()
    for _ in range(tries):
        began = thread_time()
        run()
        best = min(best, thread_time() - began)
    gc.enable()
    return best
