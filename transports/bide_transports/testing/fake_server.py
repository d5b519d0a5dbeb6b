"""A service that is not there, for the tests of programs that wait for jobs: in memory, in no time, without a network.

    fake = FakeServer(Script().state(2.5, "PROCESSING").state(14.2, "COMPLETED"))
    with Client("any-key", tape=fake) as client:
        client.run("flux-1.1-pro", {"prompt": "a fox"})

It is a tape: the client that has it asks nobody else, and its waits take no time. Unlike a replay it takes any order
and any pace, and answers by the time of the job.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from time import time

import bide
from bide.dialect import Dialect
from bide.errors import InvalidSetting
from bide.messages import Order, Reply, Request, Response
from bide.urls import public
from bide_transports.cassette.scripted.script import ORDER as ANY_ORDER
from bide_transports.clock import Clock
from bide_transports.emulator.memory import VirtualClock
from bide_transports.tapes import (
    AsyncClock,
    AsyncExchange,
    AsyncFileLane,
    AsyncLane,
    Exchange,
    FileLane,
    Hearing,
    Lane,
    deaf,
)
from bide_transports.testing.fake_files import Fetching
from bide_transports.testing.fake_parts import Part, Player, Source, parts_of
from bide_transports.testing.voice import Voice

__all__ = ["FakeServer"]


class FakeServer:
    """Plays scripts and cassettes, given as such or by path: the first job gets the first, and so on.

    The last goes on for all further jobs; each lane of a cassette counts for itself. `orders` are those that came,
    `requests` all that was asked. `voice` is wanted for scripts of a dialect that is not declared as data. Serves
    one thread at a time. Raises `InvalidCassette`; in the client's calls also for what a cassette cannot answer, and
    `InvalidSetting` for what a vendor cannot say.
    """

    def __init__(self, *sources: Source, voice: Voice | None = None) -> None:
        self._parts = [part for source in sources for part in parts_of(source, voice)]
        if not self._parts:
            raise InvalidSetting("give the fake server a script or a cassette to play")
        self._players: dict[str, Player] = {}
        self.orders: list[Order] = []
        self.requests: list[Request] = []

    def hide(self, secret: str) -> None:
        """Nothing is written anywhere."""

    def admit(self, request: Request) -> None:
        """Raise `InvalidSetting`: nothing leaves this machine, and nothing else answers."""
        raise self._silent(request)

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:  # noqa: ARG002  nobody else is asked
        """The job with what plays its service."""
        job, player = self._cast(job, clock.now())
        return Lane(job, self._heard(player), player.clock)

    def async_lane(
        self,
        job: bide.Job,
        exchange: AsyncExchange,  # noqa: ARG002
        clock: AsyncClock,
        listener: Hearing = deaf,
    ) -> AsyncLane:
        """The same for a client over trio."""
        from bide_transports.testing.fake_trio import Awaited

        job, player = self._cast(job, clock.now())
        awaited = Awaited(self._heard(player), player.clock)
        return AsyncLane(job, awaited.exchange, awaited, listener)

    def file_lane(self, file: str, lane: FileLane) -> FileLane:  # noqa: ARG002  a request tells more than its name
        """What plays the service for a file of a job that was played, in place of `lane`."""
        fetching = Fetching(self._fetch, VirtualClock(lane.clock.now()))
        return FileLane(lane.dialect, fetching.exchange, fetching.clock)

    def async_file_lane(self, file: str, lane: AsyncFileLane) -> AsyncFileLane:  # noqa: ARG002
        """The same for a client over trio."""
        from bide_transports.testing.fake_trio import AwaitedFile

        awaited = AwaitedFile(Fetching(self._fetch, VirtualClock(lane.clock.now())))
        return AsyncFileLane(lane.dialect, awaited.exchange, awaited)

    def serve(
        self, dialect: Dialect = bide.ModelRoute(), *, clock: Callable[[], float] = time
    ) -> AbstractContextManager[str]:
        """The same on a port of this machine, for a program that brings its own client: use it as a context manager.

        It gives the base URL at which `dialect` is spoken. `clock` is what its time is, in seconds since the epoch.
        """
        from bide_transports.testing.fake_loopback import serving

        return serving(self.answer, dialect, clock)

    def answer(self, request: Request, dialect: Dialect, now: float) -> Reply:
        """The reply to a request of any job, by what it asks for; one that is about none begins another."""
        self.requests.append(request)
        player = next((one for one in reversed(self._players.values()) if one.knows(request)), None)
        if player is None:
            player = self._next().player(dialect, now, ANY_ORDER, None)
            if not player.begins(request):
                return Response(404)
            self._players[self._name()] = player
        player.clock.sleep_until(now)
        return player.exchange(request)

    def _cast(self, job: bide.Job, now: float) -> tuple[bide.Job, Player]:
        """The job under the name of its player: its own, if it is known, or a new one."""
        handle = job.handle
        named = (name for name in reversed(self._players) if handle and self._players[name].is_called(handle))
        name = job.terms.seed if job.terms.seed in self._players else next(named, None)
        if name is None:
            order = job.order if isinstance(job, bide.Submitting) else ANY_ORDER
            if isinstance(job, bide.Submitting):
                self.orders.append(order)
            name = self._name()
            self._players[name] = self._next().player(job.terms.dialect, now, order, handle)
        return replace(job, terms=replace(job.terms, seed=name)), self._players[name]

    def _fetch(self, request: Request) -> Reply:
        self.requests.append(request)
        player = next((one for one in reversed(self._players.values()) if one.knows(request)), None)
        if player is None:
            raise self._silent(request)
        return player.exchange(request)

    def _silent(self, request: Request) -> InvalidSetting:
        return InvalidSetting(
            f"the fake server has no answer to {request.method} {public(request.url)}, which is about none of its jobs "
            "and their files; nothing was sent. For more than it plays, record a cassette and replay that"
        )

    def _next(self) -> Part:
        return self._parts[min(len(self._players), len(self._parts) - 1)]

    def _name(self) -> str:
        return f"fake#{len(self._players) + 1}"

    def _heard(self, player: Player) -> Exchange:
        def exchange(request: Request) -> Reply:
            self.requests.append(request)
            return player.exchange(request)

        return exchange
