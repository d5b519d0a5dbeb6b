"""One test and its tape: laid in before the test, looked at by it, and taken out according to how it ended."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from os.path import relpath
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any, cast

import pytest

import bide
import bide_transports
from bide.errors import BideError
from bide.messages import Request
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load
from bide_transports.cassette.replaying.matching import in_turn
from bide_transports.cassette.shown.transcript import transcript
from bide_transports.cassette.tape import Cassette, Event, Wait
from bide_transports.cassette.verify import Verified, verify
from bide_transports.clock import Clock
from bide_transports.shell import command_line
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
from bide_transports.testing.taping.decks import Deck, Off, Recorder, Replaying
from bide_transports.testing.taping.modes import Mode, in_ci, wished
from bide_transports.testing.taping.noting import OBJECTIONS, Noting
from bide_transports.testing.taping.settings import CassetteSettings, Wish, wish_of
from bide_transports.testing.taping.settling import Settling

_DAY = 86400  # seconds
_OURS = str(Path(bide_transports.__file__).parent)


class OldCassette(pytest.PytestWarning):
    """A cassette was recorded longer ago than `cassette_max_age` says."""


class CassetteFixture:
    """The tape of one test, for either client; what is on it can be looked at while it plays, and after.

    `path` is where the cassette is, `mode` what becomes of it: "replay", "record", "settle", or "off", where nothing
    is known of what happens.
    """

    def __init__(self, path: Path, deck: Deck, noting: Noting, settings: CassetteSettings) -> None:
        self.path, self.mode = path, deck.mode
        self._deck, self._noting, self._settings = deck, noting, settings

    def hide(self, secret: str) -> None:
        """Keep a value out of the cassette, in whatever form it appears."""
        self._deck.tape.hide(secret)

    def admit(self, request: Request) -> None:
        """Raise for a request that must not be sent: outside of all lanes, any that would be in a replay."""
        with self._noting.noted():
            self._deck.tape.admit(request)

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """The lane of a job that is about to be followed by `exchange` and `clock`."""
        with self._noting.noted():
            lane = self._deck.tape.lane(job, exchange, clock)
        return lane if self.mode == "off" else self._noting.around(lane)

    def async_lane(
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing = deaf
    ) -> AsyncLane:
        """The same for an exchange that is awaited."""
        with self._noting.noted():
            lane = self._deck.tape.async_lane(job, exchange, clock, listener)
        return lane if self.mode == "off" else self._noting.around_async(lane)

    def file_lane(self, file: str, lane: FileLane) -> FileLane:
        """What takes the place of `lane` for a file."""
        with self._noting.noted():
            lane = self._deck.tape.file_lane(file, lane)
        return lane if self.mode == "off" else self._noting.around_file(lane)

    def async_file_lane(self, file: str, lane: AsyncFileLane) -> AsyncFileLane:
        """The same for an exchange that is awaited."""
        with self._noting.noted():
            lane = self._deck.tape.async_file_lane(file, lane)
        return lane if self.mode == "off" else self._noting.around_file_async(lane)

    @property
    def lanes(self) -> dict[str, tuple[Event, ...]]:
        """What happened so far to each job, as they were begun."""
        lanes = self._so_far.lanes if self._so_far is not None else {}
        return {name: lanes[name] for name in in_turn(lanes)}

    @property
    def waits(self) -> list[int]:
        """The waits so far, in milliseconds and without the first of each job."""
        waits = ([event.ms for event in events if isinstance(event, Wait)] for events in self.lanes.values())
        return [ms for each in waits for ms in each[1:]]

    @property
    def transcript(self) -> str:
        """What happened so far, a line a step; empty when nothing did, or nothing is known."""
        return "" if self._so_far is None else transcript(self._so_far, dialect=self._settings.dialect)

    def verify(self) -> Verified:
        """Fold what happened so far through the core alone; raises `ReplayDiverged`."""
        return Verified(0, 0, 0) if self._so_far is None else verify(self._so_far, dialect=self._settings.dialect)

    @property
    def _so_far(self) -> Cassette | None:
        return self._deck.so_far()


@dataclass
class Taped:
    """A test and its tape; `passed` says whether the test's body did."""

    item: pytest.Item
    tape: CassetteFixture
    deck: Deck
    noting: Noting
    passed: bool = False
    told: bool = field(default=False, repr=False)

    def shown(self, excinfo: pytest.ExceptionInfo[BaseException]) -> pytest.ExceptionInfo[BaseException]:
        """Where the tape objects, the way to it through the test's code alone; --full-trace shows all of it."""
        if not isinstance(excinfo.value, OBJECTIONS) or self.item.config.getoption("fulltrace"):
            return excinfo
        kept: TracebackType | None = None
        for frame, line in reversed([*walk_tb(excinfo.tb)]):
            if not frame.f_code.co_filename.startswith(_OURS):
                kept = TracebackType(kept, frame, frame.f_lasti, line)
        if kept is None:
            return excinfo
        made: Any = pytest.ExceptionInfo
        return cast("pytest.ExceptionInfo[BaseException]", made.from_exc_info((excinfo.type, excinfo.value, kept)))

    def heed(self, report: pytest.TestReport) -> None:
        """Note how a phase of the test ended, and add to its report what is on the tape, once, if that was badly."""
        if report.when == "call":
            self.passed = report.passed
        if not report.failed or self.told:
            return
        self.told = True
        title = f"cassette {self.tape.path.name} so far ({self.deck.mode})"
        report.sections.append((title, "\n".join(filter(None, self._told)) or "nothing happened on it"))

    def take_out(self) -> BideError | None:
        """Finish the tape after a test that passed; what that, or an earlier step, has to object to."""
        if not self.passed or self.noting.first is not None:
            self.deck.leave()
            return self.noting.first if self.passed else None
        with suppress(*OBJECTIONS), self.noting.noted():
            self.deck.finish()
        return self.noting.first

    @property
    def _told(self) -> Generator[str]:
        with suppress(*OBJECTIONS):  # a report is no place to fail in
            yield self.tape.transcript
        yield self._where
        yield "" if self.passed else self.deck.remains

    @property
    def _where(self) -> str:
        first = self.noting.first
        if not isinstance(first, ReplayDiverged):
            return ""
        anew = f"\nintended? {command(self.item, 'settle')}" if self.deck.mode == "replay" else ""
        return f"it diverged at {first.path}{anew}"


@contextmanager
def taping(item: pytest.Item, settings: CassetteSettings) -> Generator[Taped]:
    """The tape of a test, in the mode of this run, for as long as the test lasts."""
    wish, noting = wish_of(item), Noting()
    deck = _laid_in(item, wish, settings)
    taped = Taped(item, CassetteFixture(wish.path, deck, noting, settings), deck, noting)
    yield taped
    error = taped.take_out()
    if error is not None:
        pytest.fail(str(error), pytrace=False)


def _laid_in(item: pytest.Item, wish: Wish, settings: CassetteSettings) -> Deck:
    mode: Mode = wished(item.config)
    if mode == "off":
        return Off()
    if mode == "rerecord" or (mode == "record" and not wish.path.exists()):
        return Recorder(wish, settings)
    if not wish.path.exists():
        pytest.fail(_missing(item, wish.path), pytrace=False)
    if mode == "settle":
        return Settling(wish, settings)
    cassette = load(wish.path)
    _heed_age(item, cassette)
    return Replaying(cassette, wish, settings)


def command(item: pytest.Item, mode: Mode) -> str:
    """What to type for this test in that mode, from where pytest was called."""
    node = "::".join((relpath(item.path, item.config.invocation_params.dir), *item.nodeid.split("::")[1:]))
    return command_line("pytest", node, f"--cassette={mode}")


def _missing(item: pytest.Item, path: Path) -> str:
    here = item.config.invocation_params.dir
    lines = [f"there is no cassette {relpath(path, here)}. Record it:", f"    {command(item, 'record')}"]
    partial = path.with_name(f"{path.name}.partial")
    if partial.exists():
        lines.append(f"{relpath(partial, here)} is from a test that did not pass, or was cut off")
    return "\n".join(lines)


def _heed_age(item: pytest.Item, cassette: Cassette) -> None:
    longest = item.config.getini("cassette_max_age")
    if not longest or cassette.head.by != "record" or in_ci():
        return
    try:
        days = float(longest)
    except ValueError:
        raise pytest.UsageError(f"cassette_max_age is a number of days, and not {longest!r:.40}") from None
    age = (time.time() - cassette.head.t0 / 1000) / _DAY
    if age > days:
        warnings.warn(f"{cassette.name} was recorded {age:.0f} days ago: record it anew", OldCassette, stacklevel=1)
