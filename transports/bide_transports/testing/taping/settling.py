"""A deck that replays what it has decided anew: what the service said stays, what the code decides now is written."""

from __future__ import annotations

from dataclasses import replace

import bide
from bide.dialect import Dialect
from bide.messages import Request
from bide_transports.cassette.changing.settle import settle
from bide_transports.cassette.files import load, save
from bide_transports.cassette.replaying.matching import of_files
from bide_transports.cassette.replaying.playback import Playback
from bide_transports.cassette.tape import Cassette, Open
from bide_transports.cassette.tokens import dialect_of, opened
from bide_transports.clock import Clock
from bide_transports.tapes import (
    AsyncClock,
    AsyncExchange,
    AsyncFileLane,
    AsyncLane,
    Exchange,
    FileLane,
    Hearing,
    Lane,
    Tape,
    deaf,
)
from bide_transports.testing.taping.decks import Playing, playback
from bide_transports.testing.taping.settings import CassetteSettings, Wish


class Settling:
    """A deck, and its tape, that decides the cassette anew under the pace and patience of the jobs that come.

    On the lanes of files nothing is decided: they are played as they are.
    """

    mode: Playing = "settle"

    def __init__(self, wish: Wish, settings: CassetteSettings) -> None:
        recorded = load(wish.path, partial=True)
        files = set(of_files(recorded.lanes))
        self._wish, self._settings = wish, settings
        self._recorded = replace(recorded, events=tuple(event for event in recorded.events if event.lane not in files))
        events = tuple(event for event in recorded.events if event.lane in files)
        self._files = playback(replace(recorded, events=events), wish, settings)
        self._settled: Playback | None = None
        self._secrets: list[str] = []

    @property
    def tape(self) -> Tape:
        """The deck itself, since the first job tells what is played."""
        return self

    def hide(self, secret: str) -> None:
        """Keep a value out of all messages."""
        self._secrets.append(secret)
        for tape in filter(None, (self._files, self._settled)):
            tape.hide(secret)

    def admit(self, request: Request) -> None:
        """Raise, as any replay does."""
        self._files.admit(request)

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """The lane of a job on the settled cassette."""
        return self._jobs(job).lane(job, exchange, clock)

    def async_lane(
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing = deaf
    ) -> AsyncLane:
        """The same for an exchange that is awaited."""
        return self._jobs(job).async_lane(job, exchange, clock, listener)

    def file_lane(self, file: str, lane: FileLane) -> FileLane:
        """The lane of a file."""
        return self._files.file_lane(file, lane)

    def async_file_lane(self, file: str, lane: AsyncFileLane) -> AsyncFileLane:
        """The same for an exchange that is awaited."""
        return self._files.async_file_lane(file, lane)

    def so_far(self) -> Cassette | None:
        """What was played of the settled cassette."""
        return None if self._settled is None else _both(self._settled.played, self._files.played)

    def finish(self) -> None:
        """Raise `ReplayDiverged` for the first thing that was not played; else replace the file, if it differs."""
        settled = self._settled or self._settle(None)
        settled.close()
        self._files.close()
        save(_both(settled.cassette, self._files.cassette), self._wish.path, overwrite=True)

    def leave(self) -> None:
        """Nothing is held."""

    @property
    def remains(self) -> str:
        """The file as it was."""
        return f"{self._wish.path} stays as it was, since the test did not pass"

    def _jobs(self, job: bide.Job) -> Playback:
        self._settled = self._settled or self._settle(job)
        return self._settled

    def _settle(self, job: bide.Job | None) -> Playback:
        recorded, dialect = self._recorded, self._settings.dialect or dialect_of(self._recorded.head)
        if job is None or len(_policies(recorded, dialect)) > 1:
            settled = settle(recorded, dialect=dialect)
        else:
            settled = settle(recorded, dialect=dialect, pace=job.terms.pace, patience=job.terms.patience)
        tape = playback(settled, self._wish, self._settings)
        for secret in self._secrets:
            tape.hide(secret)
        return tape


def _both(jobs: Cassette, files: Cassette) -> Cassette:
    """The jobs of one cassette and the files of the other."""
    return replace(jobs, events=(*jobs.events, *files.events))


def _policies(cassette: Cassette, dialect: Dialect) -> set[tuple[bide.Pace, bide.Patience]]:
    """The pace and patience of all jobs, as they were begun."""
    firsts = (events[0] for events in cassette.lanes.values())
    jobs = (opened(one.token, dialect) for one in firsts if isinstance(one, Open) and one.token is not None)
    return {(job.terms.pace, job.terms.patience) for job in jobs}
