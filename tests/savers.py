"""The clients under test as one kind of function: save a result's files on a virtual clock, over real sockets."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
import trio

import bide
from bide.download import Download
from bide_transports import requests as over_requests
from bide_transports.emulator import Fault, Limit, Plan, Service, Variants, VirtualClock
from bide_transports.emulator.server import Emulator, serve
from bide_transports.emulator.storage import picture
from tests.faces import KINDS, Kind, face

KEY = "sk_" + "0" * 64
SIDE = 1291  # pixels: a file of 5 MB


class Save(Protocol):
    """Saves a result as a fresh client, which is what another process would be."""

    def __call__(
        self,
        result: bide.Result,
        directory: Path,
        *,
        dialect: bide.Dialect,
        clock: VirtualClock,
        patience: bide.Patience = ...,
        overwrite: bool = ...,
        note: Callable[[Download], object] = ...,
    ) -> list[Path]: ...


def _nobody(_: Download) -> None:
    pass


def _saved(
    kind: Kind,
    result: bide.Result,
    directory: Path,
    *,
    dialect: bide.Dialect,
    clock: VirtualClock,
    patience: bide.Patience = bide.Patience(),
    overwrite: bool = False,
    note: Callable[[Download], object] = _nobody,
) -> list[Path]:
    async def main() -> list[Path]:
        async with face(kind, Service.key, clock, dialect=dialect, patience=patience) as client:
            return await client.save(result, directory, overwrite=overwrite, note=note)

    return trio.run(main)


SAVES: dict[str, Save] = {kind: partial(_saved, kind) for kind in KINDS}


@contextmanager
def done(
    *faults: Fault, files: int = 1, side: int = SIDE, variants: Variants = Variants(download="url")
) -> Generator[tuple[Emulator, VirtualClock, bide.Result]]:
    """An emulator that has run as many jobs as there are files, and their files as one result."""
    clock = VirtualClock()
    plan = Plan(duration=0, width=side, height=side)
    service = Service(default=plan, variants=variants, limit=Limit(10**9, 60), faults=faults)
    with serve(service, clock=clock.now) as emulator:
        with over_requests.Client(emulator.key, dialect=emulator.dialect, clock=clock) as client:
            results = [client.run("any", {}) for _ in range(files)]
        yield emulator, clock, bide.Result("exec_1", tuple(file for result in results for file in result.files))


def content(file: str, side: int = SIDE) -> bytes:
    """The bytes of a file of such an emulator."""
    return picture(file, side, side)


class Stopped(BaseException):
    """Nothing catches it."""


@dataclass
class Until:
    """Notes the states of a download, and stops it once so many bytes are there."""

    received: int = 10**12
    states: list[Download] = field(default_factory=list[Download])

    def __call__(self, state: Download) -> None:
        self.states.append(state)
        if state.received >= self.received:
            raise Stopped


def stopped(
    save: Save, result: bide.Result, directory: Path, *, dialect: bide.Dialect, clock: VirtualClock, at: int
) -> int:
    """Save until `at` bytes are there, then no more; the bytes that are left."""
    with pytest.raises(Stopped):
        save(result, directory, dialect=dialect, clock=clock, note=Until(at))
    (part,) = directory.glob("*.part")
    assert part.stat().st_size >= at
    return part.stat().st_size
