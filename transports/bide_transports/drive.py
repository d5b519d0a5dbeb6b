"""Jobs from the command line to their exit code, all under way at once: whichever is due first is asked next.

Each is shown on its way and told at its end. Whatever ends the wait before (the deadline, a signal, a closed pipe, an
error in here), a token is written that `bide resume` takes up, unless there is a journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from heapq import heappop, heappush
from math import inf
from traceback import format_exception
from typing import NamedTuple

import bide
from bide.errors import BideError, CallerError, SaveError
from bide.handles import shown
from bide.intake import is_cancel_settled, is_over
from bide.steering import cut_short
from bide.urls import is_id, origin, public
from bide_transports.display import Display, name
from bide_transports.endings import CODES, conclude, refusal
from bide_transports.keeping import Kept, advice, announce, command, is_ambiguous, keep, store
from bide_transports.requests import Client
from bide_transports.signals import Signals, Told, told
from bide_transports.wishes import Unheard, Wishes, tell

INTERRUPTED = 130
UNSENT = 2


def drive(client: Client, jobs: Sequence[bide.Job], wishes: Wishes) -> int:
    """Follow `jobs` to their ends and return the highest of their exit codes; a refused cancellation ends one too."""
    with told() as signals:
        course = _Course(client, jobs, wishes, signals)
        try:
            course.run()
        except BaseException as error:  # noqa: BLE001  whatever it is, no job that was paid for is lost by it
            signals.ignore()
            course.give_up(error)
        for words in course.advice:
            with suppress(Unheard):
                tell(words)
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

    def __init__(self, client: Client, jobs: Sequence[bide.Job], wishes: Wishes, signals: Signals) -> None:
        self._client, self._wishes, self._signals = client, wishes, signals
        self._display = Display(client.clock.now, as_json=wishes.as_json, several=len(jobs) > 1)
        self._states: dict[int, bide.Job] = dict(enumerate(jobs))
        self._left: dict[int, _Left] = {}
        self._queue: list[_Way] = []
        self.code = 0
        self.advice: dict[str, None] = {}
        for number, job in enumerate(jobs):
            self._set_out(number, job)

    def run(self) -> None:
        """Follow all jobs to their ends, and tell each end as it comes; at Ctrl-C end them first, where that is wanted.

        Raises what ended the wait before.
        """
        for job in self._states.values():
            _tell_of_strangers(job)
        try:
            self._to_their_ends()
        except KeyboardInterrupt as interrupt:
            if self._wishes.on_interrupt == "detach" or not _is_by_hand(interrupt):
                raise
            self._signals.heed()
            tell("interrupted; asking the service to end it")
            self._cancel_all()
            self._to_their_ends()
        self._signals.ignore()
        self._tell_all(self._store_all(self._wishes), INTERRUPTED, self._wishes)

    def give_up(self, error: BaseException) -> None:
        """Keep all jobs whose end has not been told, and tell what has ended the wait."""
        wishes = self._wishes
        if not self._leave_alone() or (isinstance(error, BideError) and not isinstance(error, CallerError)):
            wishes = replace(wishes, journal=None)  # what the journal or the tape cannot hold goes into files
        self._drop_unsent(error)
        stored = self._store_all(wishes)
        with suppress(Unheard):
            tell(self._why(error))
        self._tell_all(stored, _code(error), wishes)

    def _leave_alone(self) -> bool:
        """Put what is being cancelled back to what it was, in the journal too; False where that takes nothing.

        Whoever takes it up looks at it first, and does not end it: by then it may be wanted.
        """
        under_way = self._left.keys() & self._states.keys()
        for number in under_way:
            state = self._states[number]
            if isinstance(state, bide.Cancelling):
                self._states[number] = _held_back(self._left[number].state, state)
        try:
            for number in under_way:
                self._client.note(self._states[number])
        except SaveError:
            return False
        return True

    def _drop_unsent(self, error: BaseException) -> None:
        """Keep nothing of what the journal has refused before anything was sent: the same command begins it anew.

        Nor of a submission that whoever reads of it would take for sent, where it was not even shown.
        """
        for number, state in list(self._states.items()):
            is_sent = state.past.requests > 0 or (isinstance(state, bide.Submitting) and state.unclear)
            if not isinstance(state, bide.Waiting) or is_sent:
                continue
            if isinstance(error, SaveError):
                self._done(number, UNSENT)
            elif isinstance(error, Unheard) and is_ambiguous(cut_short(state, now=self._client.clock.now())):
                with suppress(SaveError):
                    self._client.forget(state)
                self._done(number, CODES[bide.Abandoned], "nothing was submitted")

    def _why(self, error: BaseException) -> str:
        if not isinstance(error, KeyboardInterrupt):
            return _what_went_wrong(error)
        by = "interrupted" if _is_by_hand(error) else f"ended by {error}"
        return f"{by}{' again' if self._signals.told > 1 else ''}; the job may go on at the service"

    def _store_all(self, wishes: Wishes) -> dict[int, Kept]:
        """All files, before a word is said: nobody may be there any more to hear it."""
        return {
            number: store(cut_short(state, now=self._client.clock.now()), wishes)
            for number, state in self._states.items()
        }

    def _tell_all(self, stored: dict[int, Kept], code: int, wishes: Wishes) -> None:
        for number, kept in stored.items():
            was_cut_short = kept.state is not self._states[number]
            self._done(number, code, advice(kept, wishes))
            with suppress(Unheard):
                if was_cut_short and isinstance(kept.state, bide.Finished):
                    conclude(self._client, kept.state, wishes)
            with suppress(Unheard):
                announce(kept, wishes)

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
            return self._unsaved(number, state, error)
        if self._wishes.journal is not None and (isinstance(state, bide.Lost) or is_ambiguous(state)):
            return self._gone(number, state, code)
        if isinstance(state, bide.Abandoned):
            return self._keep(number, state, left.code if left else code, self._wishes)
        return self._done(number, code)

    def _unsaved(self, number: int, state: bide.Finished, error: SaveError) -> None:
        """The result is kept; where its files are refused, the same addresses of them are no use any more."""
        words = keep(state, self._wishes)
        name = state.handle or ""
        if bide.Reason.REFUSED.value in str(error) and self._wishes.journal is None and is_id(name):
            words = f"go on with, for fresh addresses of the files: {command('wait', name, wishes=self._wishes)}"
        self._done(number, CODES[bide.Abandoned], words)

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


def _held_back(job: bide.Job, asked: bide.Cancelling) -> bide.Job:
    """A job that is asked about no earlier than the service has allowed since; one given up gets a fresh deadline."""
    last = job.last if isinstance(job, bide.Abandoned) else job
    if not isinstance(last, bide.Waiting):
        return job
    latest = inf if isinstance(job, bide.Abandoned) else last.past.deadline
    floor = min(max(last.not_before, asked.not_before), latest)
    if floor > last.due:
        last = replace(last, due=floor, why=asked.why)
    last = replace(last, not_before=floor)
    return replace(job, last=last) if isinstance(job, bide.Abandoned) else last


def _is_by_hand(interrupt: KeyboardInterrupt) -> bool:
    return not isinstance(interrupt, Told) or interrupt.by_hand


def _code(error: BaseException) -> int:
    if isinstance(error, Told):
        return error.code
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else CODES[bide.Abandoned]


def _what_went_wrong(error: BaseException) -> str:
    """In words where it is known: a flaw of the program with its traceback."""
    if isinstance(error, Unheard):
        return f"{error.filename} could not be written to ({error.strerror}), so nothing is waited for any more"
    if isinstance(error, BideError):
        return str(error)
    return "this is an error in bide, please report it:\n" + "".join(format_exception(error))


def _tell_of_strangers(job: bide.Job) -> None:
    request = job.request if isinstance(job, bide.Waiting) else None
    if request is not None and request.credential and origin(request.url) != job.terms.dialect.origin:
        tell(f"{public(request.url)} is not at {job.terms.dialect.origin}: it is asked without the key")
