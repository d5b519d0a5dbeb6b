"""Jobs from the command line to their exit code, all under way at once: whichever is due first is asked next.

Each is shown on its way and told at its end. Whatever ends the wait before, a token is written that `bide resume`
takes up, unless there is a journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from typing import NamedTuple

import bide
from bide.errors import SaveError
from bide.handles import shown
from bide.intake import is_cancel_settled, is_over
from bide.urls import origin, public
from bide_transports.cassette.tape import InvalidCassette
from bide_transports.desk import cut_short
from bide_transports.display import Display, name
from bide_transports.endings import CODES, conclude, refusal
from bide_transports.keeping import command, is_ambiguous, keep
from bide_transports.requests import Client
from bide_transports.wishes import Wishes, tell

INTERRUPTED = 130


def drive(client: Client, jobs: Sequence[bide.Job], wishes: Wishes) -> int:
    """Follow `jobs` to their ends and return the highest of their exit codes; a refused cancellation ends one too."""
    for job in jobs:
        _tell_of_strangers(job)
    course = _Course(client, jobs, wishes)
    try:
        course.run()
    except (SaveError, InvalidCassette) as error:  # what the journal cannot hold, or the tape, is put into files
        tell(str(error))
        course.keep_all(CODES[bide.Abandoned], replace(wishes, journal=None))
    for advice in course.advice:
        tell(advice)
    return course.code


class _Way(NamedTuple):
    """One job to come: when it is due, which one it is, its further states, and which of them is the last."""

    due: float
    number: int
    states: Iterator[bide.Job]
    is_enough: Callable[[bide.Job], bool]


class _Left(NamedTuple):
    """A job that is being cancelled: as it was before, and the exit code if it goes on."""

    state: bide.Job
    code: int


class _Course:
    """All jobs of one command: `code` and `advice` are what has come of those whose end has been told."""

    def __init__(self, client: Client, jobs: Sequence[bide.Job], wishes: Wishes) -> None:
        self._client, self._wishes = client, wishes
        self._display = Display(client.clock.now, as_json=wishes.as_json, several=len(jobs) > 1)
        self._states: dict[int, bide.Job] = dict(enumerate(jobs))
        self._left: dict[int, _Left] = {}
        self._queue: list[_Way] = []
        self.code = 0
        self.advice: dict[str, None] = {}
        for number, job in enumerate(jobs):
            self._set_out(number, job)

    def run(self) -> None:
        """Follow all jobs to their ends, and tell each end as it comes."""
        try:
            self._to_their_ends()
        except KeyboardInterrupt:
            self._interrupted()

    def keep_all(self, code: int, wishes: Wishes) -> None:
        """Keep all jobs whose end has not been told."""
        for number, state in list(self._states.items()):
            left = cut_short(state)
            if left is not state and isinstance(left, bide.Finished):
                conclude(self._client, left, wishes)
            self._keep(number, left, code, wishes)

    def _interrupted(self) -> None:
        cancels = self._wishes.on_interrupt == "cancel"
        tell(f"interrupted; {'asking the service to end it' if cancels else 'the job may go on at the service'}")
        try:
            if cancels:
                self._cancel_all()
                self._to_their_ends()
        except KeyboardInterrupt:
            tell("interrupted again; the job may go on at the service")
        self.keep_all(INTERRUPTED, self._wishes)

    def _to_their_ends(self) -> None:
        while self._queue:
            number = self._until_one_ends()
            self._conclude(number, self._states[number])

    def _set_out(self, number: int, job: bide.Job) -> None:
        is_enough = is_cancel_settled if isinstance(job, bide.Cancelling) else is_over
        heappush(self._queue, _Way(0.0, number, self._client.follow(job), is_enough))

    def _until_one_ends(self) -> int:
        with self._display.open() as show:
            while True:
                way = heappop(self._queue)
                state = self._states[way.number] = next(way.states)
                show(state)
                if not isinstance(state, bide.Waiting) or way.is_enough(state):
                    return way.number
                heappush(self._queue, way._replace(due=state.due))

    def _conclude(self, number: int, state: bide.Job) -> None:
        left = self._left.get(number)
        overdue = None if left else self._client.overdue(state)
        if overdue is not None:
            tell(f"the deadline passed: asking the service to end {name(state)}")
            self._leave(number, overdue, CODES[bide.Abandoned])
        elif isinstance(state, bide.Finished):
            self._ended(number, state, left)
        elif isinstance(state, bide.Polling):
            self._refused(number, state, left)

    def _ended(self, number: int, state: bide.Finished, left: _Left | None) -> None:
        try:
            code = conclude(self._client, state, self._wishes)
        except SaveError as error:
            tell(str(error))
            return self._keep(number, state, CODES[bide.Abandoned], self._wishes)
        if self._wishes.journal is not None and (isinstance(state, bide.Lost) or is_ambiguous(state)):
            return self._gone(number, state, code)
        if isinstance(state, bide.Abandoned):
            return self._keep(number, state, left.code if left else code, self._wishes)
        return self._done(number, code)

    def _gone(self, number: int, state: bide.Job, code: int) -> None:
        """A job that it is no use to resume: it stays in the journal until its owner says otherwise."""
        if self._wishes.forget:
            self._client.forget(state)
        else:
            take_out = command("resume", "--journal", str(self._wishes.journal), "--forget", wishes=self._wishes)
            self.advice[f"what is lost stays in the journal; to take it out: {take_out}"] = None
        self._done(number, code)

    def _refused(self, number: int, state: bide.Polling, left: _Left | None) -> None:
        tell(refusal(state))
        if left is not None:
            self._keep(number, left.state, left.code, self._wishes)
        elif self._wishes.journal is None and shown(state.handle) == state.handle:
            self._done(number, 1, f"go on with: {command('wait', state.handle, wishes=self._wishes)}")
        else:  # in a journal; or it cannot be typed, and what it hides may be a signature
            self._keep(number, state, 1, self._wishes)

    def _cancel_all(self) -> None:
        self._queue.clear()
        for number, state in list(self._states.items()):
            leaving = self._client.leaving(state) if isinstance(state, bide.Waiting) else None
            if leaving is not None:
                self._leave(number, leaving, INTERRUPTED)
            elif isinstance(state, bide.Waiting):
                tell(f"{name(state)} cannot be cancelled: the service has not named it yet, or has no such call")

    def _leave(self, number: int, leaving: bide.Job, code: int) -> None:
        """Ask for the end of a job; `code` is the exit code if it goes on."""
        before = self._left[number].state if number in self._left else self._states[number]
        self._left[number] = _Left(before, code)
        self._set_out(number, leaving)

    def _keep(self, number: int, state: bide.Job, code: int, wishes: Wishes) -> None:
        self._done(number, code, keep(state, wishes))

    def _done(self, number: int, code: int, advice: str = "") -> None:
        self.code = max(self.code, code)
        if advice:
            self.advice[advice] = None
        del self._states[number]


def _tell_of_strangers(job: bide.Job) -> None:
    request = job.request if isinstance(job, bide.Waiting) else None
    if request is not None and request.credential and origin(request.url) != job.terms.dialect.origin:
        tell(f"{public(request.url)} is not at {job.terms.dialect.origin}: it is asked without the key")
