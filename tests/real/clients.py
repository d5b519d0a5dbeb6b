"""Both clients for people with one face, so that each scenario is told once. Their time is virtual: nobody sleeps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeAlias, TypeVar

import trio

import bide
from bide.document import JSON
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.emulator import VirtualClock
from tests.drivers import TrioVirtualClock

T = TypeVar("T")
Watcher: TypeAlias = Callable[[bide.Job], None]
PACE = bide.Every(0.05)
PATIENCE = bide.Patience(stall=100.0)  # seconds that pass in two thousand looks, so that nothing waits for ever


def unmoved(_: bide.Job) -> None:
    """Watches and does nothing."""


@dataclass(frozen=True)
class ByRequests:
    """Uses the client over requests; every call makes one and closes it."""

    dialect: bide.Dialect
    key: str = "none"
    patience: bide.Patience = PATIENCE

    def _client(self) -> over_requests.Client:
        return over_requests.Client(
            self.key, dialect=self.dialect, pace=PACE, patience=self.patience, clock=VirtualClock()
        )

    def run(self, model: str, input: Mapping[str, JSON]) -> bide.Result:  # noqa: A002
        with self._client() as client:
            return client.run(model, input)

    def submit(self, model: str, input: Mapping[str, JSON]) -> bide.Job:  # noqa: A002
        with self._client() as client:
            return client.submit(model, input)

    def cancel(self, job: str | bide.Job) -> bide.Job:
        with self._client() as client:
            return client.cancel(job)

    def result(self, job: str | bide.Job) -> bide.Result:
        with self._client() as client:
            return client.result(job)

    def save(self, result: bide.Result, directory: Path) -> list[Path]:
        with self._client() as client:
            return client.save(result, directory)

    def follow(self, job: str | bide.Job, watcher: Watcher = unmoved) -> list[bide.Job]:
        states: list[bide.Job] = []
        with self._client() as client:
            for state in client.follow(job):
                states.append(state)
                watcher(state)
        return states


@dataclass(frozen=True)
class ByTrio:
    """Uses the client over trio; every call makes one and closes it."""

    dialect: bide.Dialect
    key: str = "none"
    patience: bide.Patience = PATIENCE

    def _with(self, use: Callable[[over_trio.Client], Awaitable[T]]) -> T:
        async def main() -> T:
            clock = TrioVirtualClock(VirtualClock())
            async with over_trio.Client(
                self.key, dialect=self.dialect, pace=PACE, patience=self.patience, clock=clock
            ) as client:
                return await use(client)

        return trio.run(main)

    def run(self, model: str, input: Mapping[str, JSON]) -> bide.Result:  # noqa: A002
        return self._with(lambda client: client.run(model, input))

    def submit(self, model: str, input: Mapping[str, JSON]) -> bide.Job:  # noqa: A002
        return self._with(lambda client: client.submit(model, input))

    def cancel(self, job: str | bide.Job) -> bide.Job:
        return self._with(lambda client: client.cancel(job))

    def result(self, job: str | bide.Job) -> bide.Result:
        return self._with(lambda client: client.result(job))

    def save(self, result: bide.Result, directory: Path) -> list[Path]:
        return self._with(lambda client: client.save(result, directory))

    def follow(self, job: str | bide.Job, watcher: Watcher = unmoved) -> list[bide.Job]:
        async def use(client: over_trio.Client) -> list[bide.Job]:
            states: list[bide.Job] = []
            async for state in client.follow(job):
                states.append(state)
                watcher(state)
            return states

        return self._with(use)


Customer: TypeAlias = ByRequests | ByTrio
CUSTOMERS: dict[str, type[Customer]] = {"requests": ByRequests, "trio": ByTrio}


def statuses(states: list[bide.Job]) -> list[str]:
    """The status words seen on the way, in order."""
    return [status for status, _ in groupby(state.past.status for state in states) if status]


def kinds(states: list[bide.Job]) -> list[type]:
    """The kinds of state on the way, in order."""
    return [kind for kind, _ in groupby(type(state) for state in states)]
