"""The clients under test as one kind of function: upload a local file on a virtual clock, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import trio

import bide
from bide.upload import Upload
from bide_transports.emulator import Service, VirtualClock
from tests.faces import KINDS, Kind, face


class Send(Protocol):
    """Uploads a file as a fresh client."""

    def __call__(
        self,
        path: Path,
        *,
        dialect: bide.Dialect,
        clock: VirtualClock,
        patience: bide.Patience = ...,
        content_type: str | None = ...,
        note: Callable[[Upload], object] = ...,
    ) -> str: ...


def _nobody(_: Upload) -> None:
    pass


def _sent(
    kind: Kind,
    path: Path,
    *,
    dialect: bide.Dialect,
    clock: VirtualClock,
    patience: bide.Patience = bide.Patience(),
    content_type: str | None = None,
    note: Callable[[Upload], object] = _nobody,
) -> str:
    async def main() -> str:
        async with face(kind, Service.key, clock, dialect=dialect, patience=patience) as client:
            return await client.upload(path, content_type=content_type, note=note)

    return trio.run(main)


SENDS: dict[str, Send] = {kind: partial(_sent, kind) for kind in KINDS}
