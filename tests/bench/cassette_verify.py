"""`verify` of a cassette against vcrpy replaying the same interactions to requests, from the file and in memory.

vcrpy looks through all that it has for each request, so the ratio grows with the job: some 10 at 20 looks.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import requests

import bide
from bide_transports.cassette.files import load
from bide_transports.cassette.foreign.exchanges import Exchanged, exchanges
from bide_transports.cassette.foreign.vcr import write_vcr
from bide_transports.cassette.recording import record
from bide_transports.cassette.verify import verify
from bide_transports.emulator import InMemory, Limit, Plan, Service, VirtualClock
from bide_transports.requests import follow
from tests.bench.measure import Figure, paired

_LOOKS = 200


def measure() -> list[Figure]:
    """Both play one job of some 200 looks: every decision made anew, against every request answered."""
    with TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "job.cassette.jsonl"), Path(folder, "job.yaml")
        _record(ours)
        cassette = load(ours)
        theirs.write_text(write_vcr(cassette))
        asked = exchanges(cassette)

        def from_files() -> float:
            return _seconds(lambda: verify(load(ours)))

        def in_memory() -> float:
            return _seconds(lambda: verify(cassette))

        loaded = paired(lambda: _replayed(theirs, asked, loaded=True), in_memory, 9)
        whole = paired(lambda: _replayed(theirs, asked, loaded=False), from_files, 9)
    return [_figure(loaded, len(asked), "in memory"), _figure(whole, len(asked), "from the file")]


def _record(path: Path) -> None:
    clock, service = (
        VirtualClock(),
        Service(default=Plan(duration=float(_LOOKS), expires_after=1e6), limit=Limit(10**9, 1e9)),
    )
    network = InMemory(service, clock, latency=0.04)
    job: bide.Job = bide.submit(
        bide.Order("flux-1.1-pro", {"prompt": "a fox"}, "k"),
        dialect=service.dialect,
        now=clock.now(),
        pace=bide.Every(1),
    )
    with record(path) as tape:
        lane = tape.lane(job, network.exchange, clock)
        *_, job = follow(lane.job, lane.exchange, lane.clock)
    assert isinstance(job, bide.Completed)


def _replayed(path: Path, asked: list[Exchanged], *, loaded: bool) -> float:
    """Seconds that vcrpy needs to answer all requests, with or without reading its file."""
    vcr: Any = import_module("vcr")
    start = perf_counter()
    with vcr.use_cassette(str(path), record_mode="none"), requests.Session() as session:
        start = perf_counter() if loaded else start
        for one in asked:
            request = one.request
            session.request(request.method, request.url, headers=dict(request.headers), data=request.body).json()
        return perf_counter() - start


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _figure(measured: tuple[float, float, float], count: int, where: str) -> Figure:
    theirs, ours, ratio = (figure for figure in measured)
    says = f"{where}: vcrpy {theirs / count * 1e6:.0f} µs / verify {ours / count * 1e6:.0f} µs an interaction"
    return Figure(says, ratio, 10.0, at_least=True)
