"""Both clients for people as one: awaited, whichever it is, so that a scenario is written once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import pytest
import trio
from typing_extensions import ParamSpec

import bide
from bide import Every, Patience
from bide.document import JSON
from bide.download import Download
from bide.upload import Upload
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.emulator import Fault, Limit, Variants, VirtualClock
from bide_transports.emulator.server import Emulator, serve
from bide_transports.journal import Unreadable
from tests.drivers import TrioVirtualClock
from tests.transports.clients import service

P = ParamSpec("P")
Kind: TypeAlias = Literal["requests", "trio"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BY_BOTH = pytest.mark.parametrize("kind", KINDS)


class Awaited:
    """The client over requests with the face of the one over trio: a call blocks, and is awaited."""

    def __init__(self, client: over_requests.Client) -> None:
        self.blocking = client
        self.prepare, self.resume, self.watch = client.prepare, client.resume, client.watch
        self.resume_all, self.forget = client.resume_all, client.forget

    @property
    def quota(self) -> bide.Quota | None:
        return self.blocking.quota

    @property
    def unfinished(self) -> list[bide.Job]:
        return self.blocking.unfinished

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        return self.blocking.unreadable

    async def follow(self, job: str | bide.Job) -> AsyncGenerator[bide.Job]:
        for state in self.blocking.follow(job):
            yield state
            await trio.lowlevel.checkpoint()

    async def run(self, model: str, input: Mapping[str, JSON]) -> bide.Result:  # noqa: A002
        return self.blocking.run(model, input)

    async def wait(self, job: str | bide.Job) -> bide.Result:
        return self.blocking.wait(job)

    async def submit(
        self,
        model: str,
        input: Mapping[str, JSON],  # noqa: A002
        *,
        webhook_url: str | None = None,
    ) -> bide.Job:
        return self.blocking.submit(model, input, webhook_url=webhook_url)

    async def cancel(self, job: str | bide.Job) -> bide.Job:
        return self.blocking.cancel(job)

    async def result(self, job: str | bide.Job) -> bide.Result:
        return self.blocking.result(job)

    async def save(
        self,
        result: bide.Result,
        directory: str | Path,
        *,
        overwrite: bool = False,
        note: Callable[[Download], object] = lambda _: None,
    ) -> list[Path]:
        return self.blocking.save(result, directory, overwrite=overwrite, note=note)

    async def upload(
        self, path: str | Path, *, content_type: str | None = None, note: Callable[[Upload], object] = lambda _: None
    ) -> str:
        return self.blocking.upload(path, content_type=content_type, note=note)


Face: TypeAlias = Awaited | over_trio.Client


@asynccontextmanager
async def face(kind: Kind, key: Any, clock: VirtualClock | None, **settings: Any) -> AsyncGenerator[Face]:
    """A client of that kind in the time of `clock`, or in that of the machine."""
    if kind == "requests":
        with over_requests.Client(key, clock=clock, **settings) as client:
            yield Awaited(client)
    else:
        virtual = None if clock is None else TrioVirtualClock(clock)
        async with over_trio.Client(key, clock=virtual, **settings) as client:
            yield client


@asynccontextmanager
async def house(
    kind: Kind,
    *faults: Fault,
    variants: Variants = Variants(),
    limit: Limit = Limit(),
    clock: VirtualClock | None = None,
    pace: bide.Pace = Every(2.0),
    patience: Patience = Patience(),
) -> AsyncGenerator[tuple[Emulator, Face]]:
    """An emulator on loopback and a client of it; both live in the time of `clock`, so nobody waits."""
    clock = clock or VirtualClock()
    with serve(service(*faults, variants=variants, limit=limit), clock=clock.now) as emulator:
        async with face(kind, emulator.key, clock, dialect=emulator.dialect, pace=pace, patience=patience) as client:
            yield emulator, client


def called(kind: Kind, settings: Mapping[str, Any], use: str, *given: Any, **named: Any) -> Any:
    """What the method `use` of a client of that kind with these settings gives, each state where it follows a job."""
    others = {name: value for name, value in settings.items() if name != "key"}
    if kind == "requests":
        with over_requests.Client(settings.get("key"), **others) as client:
            answer = getattr(client, use)(*given, **named)
            return list(answer) if use == "follow" else answer

    async def main() -> Any:
        async with over_trio.Client(settings.get("key"), **others) as client:
            answer = getattr(client, use)(*given, **named)
            if isinstance(answer, over_trio.Following):
                return [state async for state in answer]
            return await answer if hasattr(answer, "__await__") else answer

    return trio.run(main)


def in_trio(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """An async test as one that pytest runs."""

    @wraps(test)
    def play(*given: P.args, **named: P.kwargs) -> None:
        trio.run(partial(test, *given, **named))

    return play
