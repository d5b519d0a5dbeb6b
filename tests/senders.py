"""The clients under test as one kind of function: upload a local file on a virtual clock, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import trio

import bide
from bide.upload import Upload
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.emulator import Service, VirtualClock
from tests.drivers import TrioVirtualClock


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


def by_requests(
    path: Path,
    *,
    dialect: bide.Dialect,
    clock: VirtualClock,
    patience: bide.Patience = bide.Patience(),
    content_type: str | None = None,
    note: Callable[[Upload], object] = _nobody,
) -> str:
    """Uploaded by requests."""
    with over_requests.Client(Service.key, dialect=dialect, clock=clock, patience=patience) as client:
        return client.upload(path, content_type=content_type, note=note)


def by_trio(
    path: Path,
    *,
    dialect: bide.Dialect,
    clock: VirtualClock,
    patience: bide.Patience = bide.Patience(),
    content_type: str | None = None,
    note: Callable[[Upload], object] = _nobody,
) -> str:
    """Uploaded by trio with h11."""

    async def main() -> str:
        virtual = TrioVirtualClock(clock)
        async with over_trio.Client(Service.key, dialect=dialect, clock=virtual, patience=patience) as client:
            return await client.upload(path, content_type=content_type, note=note)

    return trio.run(main)


SENDS: dict[str, Send] = {"requests": by_requests, "trio": by_trio}
