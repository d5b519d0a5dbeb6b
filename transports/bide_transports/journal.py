"""Jobs on disk, so that not even `kill -9` loses one: each state is written, and made durable, before it is acted on.

A journal is a file of lines. A line is a job's token, or the word that nothing is left to be done for it; the last
line of a job counts. A line that a crash has cut short was never acted on, and is dropped; no other text is. Only what
a restart needs is written: a state of another kind or another handle, not every look. Once most of the file is out of
date, what still counts takes its place, at once or not at all.

A handle that only moves (to another address of the same job, at each poll with some services) is written at once and
made durable when the system does so, with the next line of any job at the latest: `kill -9` does not lose it, and a
power cut leaves the address before it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import NamedTuple

from typing_extensions import Self

import bide
from bide.document import parse_object
from bide.errors import InvalidToken, SaveError
from bide.handles import shown
from bide_transports.durable import sync, sync_directory, write_all
from bide_transports.journal_lines import entry_of, is_torn, line_of
from bide_transports.locks import is_still_there, locked, release, remove, swapping
from bide_transports.shell import command_line

_FLAGS = os.O_RDWR | os.O_APPEND

_UNSENT = "nothing is sent without it"
_STRANGE = InvalidToken("it is none of a journal's: take it out of the file if nobody wants it")
_SLACK = 65536  # bytes that are out of date before the journal is written anew, beside as many as count


_REMEDIES = {errno.ELOOP: "give the path that it leads to", errno.EINVAL: "move it"}


class _Gone(OSError):
    """The file that is open is no longer the one that others find under its name."""


class Unreadable(NamedTuple):
    """An entry of a journal that cannot be taken up, by its `line` in the file; `why` also says what to do."""

    line: int
    why: InvalidToken


@dataclass(slots=True)
class _Entry:
    """The last line of one job; `kind` and `handle`, once known, tell whether a further state is news."""

    token: str
    kind: type | None = None
    handle: str | None = None


class Journal:
    """The jobs of one client in the file at `path`, for one process at a time; a context manager.

    Threads may share it: each line is written whole, one after the other. A process that is forked off must open one of
    its own; in there this one refuses. Keep it private: tokens hold the jobs' inputs. Raises `SaveError` for whatever
    the disk refuses, and while it is open already; `InvalidToken` for a file that is no journal, which stays as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place, self._owner = path.absolute(), os.getpid()  # wherever the process goes, and whoever is forked off
        self._entries: dict[str, _Entry] = {}
        self._strange: list[bytes] = []  # lines that are none of a journal's
        self._lock = RLock()
        self._fd = -1
        self._end = self._limit = 0  # of the last whole line, and where to look if the file is to be written anew
        self._is_named = False  # durably
        self._is_closed = False
        try:
            self._fd = locked(self._place, _FLAGS)
            self._read()
            self._tidy()
        except OSError as error:
            self.close()
            raise self._refused(error, _UNSENT) from None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others have the file, though processes that were forked off live on."""
        if os.getpid() == self._owner:
            with self._lock:
                self._is_closed = True
                fd, self._fd = self._fd, -1
                if fd >= 0:
                    release(fd)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of all jobs for which something is left to be done, in the order they were begun."""
        self.check()
        with self._lock:
            return tuple(entry.token for entry in self._entries.values())

    def check(self, untold: str = _UNSENT) -> None:
        """Raise `SaveError` once it is closed, and in a process that was forked off the one which opened it."""
        if os.getpid() != self._owner:
            raise SaveError(
                f"the journal {self.path} is that of process {self._owner}, which this one was forked off: {untold}; "
                "make a client in this process, with a journal of its own"
            )
        if self._is_closed:
            raise SaveError(f"the client with the journal {self.path} is closed: {untold}; make another one")

    def load(self, dialect: bide.Dialect) -> tuple[list[bide.Job], list[Unreadable]]:
        """All jobs for which something is left to be done, in the order they were begun, and what cannot be read.

        That stays in the file.
        """
        self.check()
        jobs: list[bide.Job] = []
        with self._lock:
            unread: dict[str | bytes, InvalidToken] = dict.fromkeys(self._strange, _STRANGE)
            for name, entry in self._entries.items():
                job = _loaded(entry.token, dialect)
                if isinstance(job, InvalidToken):
                    unread[name] = job
                else:
                    entry.kind, entry.handle = type(job), job.handle
                    jobs.append(job)
            return jobs, self._located(unread) if unread else []

    def record(self, job: bide.Job) -> None:
        """Write `job` down, durably, if that is news; a job that came to nothing is settled at once."""
        self.check(_untold(job))
        if isinstance(job, bide.Failed | bide.Cancelled | bide.Expired):
            return self.settle(job)
        with self._lock:
            name, entry = job.terms.seed, self._entries.get(job.terms.seed)
            has_moved = entry is not None and entry.kind is type(job)
            if entry is None or not has_moved or entry.handle != job.handle:
                token = bide.dump(job)
                self._append([{"job": name, "token": token}], _untold(job), durable=not has_moved)
                self._entries[name] = _Entry(token, type(job), job.handle)
        return None

    def settle(self, job: bide.Job | bide.Result) -> None:
        """Note that nothing is left to be done: the job has failed, or its result is where it belongs."""
        self.check(_unwritten(job))
        with self._lock:
            if isinstance(job, bide.Result):
                names = [name for name, entry in self._entries.items() if entry.handle == job.handle]
            else:
                names = [name for name in (job.terms.seed,) if name in self._entries]
            if names:
                self._append([{"job": name, "settled": True} for name in names], _unwritten(job))
            for name in names:
                del self._entries[name]

    def _append(self, lines: Iterable[dict[str, object]], untold: str, *, durable: bool = True) -> None:
        data = b"".join(map(line_of, lines))
        try:
            if not is_still_there(self._place, self._fd):
                raise _Gone(errno.ENOENT, "it was removed or replaced while it was open")
            self._cut()
            self._tidy()
            write_all(self._fd, data)
            if durable:
                sync(self._fd)
            if not self._is_named:
                sync_directory(self._place.parent)
                self._is_named = True
        except OSError as error:
            with suppress(OSError):
                self._cut()
            raise self._refused(error, untold) from None
        self._end += len(data)

    def _cut(self) -> None:
        """Drop what a write that failed has left behind the last whole line."""
        if os.lseek(self._fd, 0, os.SEEK_END) > self._end:
            os.ftruncate(self._fd, self._end)

    def _read(self) -> None:
        data = self._all()
        *lines, tail = data.split(b"\n")
        strange = [line for line in lines if not self._take(line)]
        is_journal = len(strange) < len(lines)
        is_cut = is_torn(tail.rstrip(b"\0") if is_journal else tail)  # a power cut may leave the length without bytes
        if not is_journal and (lines or not is_cut):
            raise self._no_journal((*lines, tail)[0])
        self._end = len(data) - len(tail)
        if is_cut:
            self._cut()
        else:
            write_all(self._fd, b"\n")
            strange.append(tail)
            self._end = len(data) + 1
        self._strange = [line for line in strange if line.strip()]

    def _all(self) -> bytes:
        os.lseek(self._fd, 0, os.SEEK_SET)
        with os.fdopen(os.dup(self._fd), "rb") as file:
            return file.read()

    def _take(self, line: bytes) -> bool:
        """Note what a line says; False for one that is none of a journal's."""
        entry = entry_of(line)
        if entry is None:
            return False
        name, token = entry
        if token is None:
            self._entries.pop(name, None)
        else:
            self._entries[name] = _Entry(token)
        return True

    def _located(self, unread: dict[str | bytes, InvalidToken]) -> list[Unreadable]:
        """What cannot be read, by the names of its jobs or as it stands, with the last line that it stands in."""
        numbers: dict[str | bytes, int] = {}
        for number, line in enumerate(self._all().split(b"\n"), 1):
            entry = entry_of(line)
            numbers[entry[0] if entry else line] = number
        found = sorted(((numbers.get(name, 0), why) for name, why in unread.items()), key=lambda one: one[0])
        told = "line {} of the journal {} stays there: {}"
        return [Unreadable(line, type(why)(told.format(line, self.path, why))) for line, why in found]

    def _no_journal(self, line: bytes) -> InvalidToken:
        if "bide" in (parse_object(line) or {}):
            return InvalidToken(
                f"{self.path} is a token and no journal: go on with: {command_line('bide', 'resume', str(self.path))}"
            )
        return InvalidToken(f"line 1 of the journal {self.path} is none of a journal's: is it the right file?")

    def _tidy(self) -> None:
        """Write the file anew once most of it is out of date; where the disk refuses that, it goes on as it is."""
        if self._end <= self._limit:
            return
        lines = [line_of({"job": name, "token": entry.token}) for name, entry in self._entries.items()]
        if self._strange:  # behind a line that is a journal's
            lines += [
                *([] if lines else [line_of({"job": "", "settled": True})]),
                *(line + b"\n" for line in self._strange),
            ]
        size = sum(map(len, lines))
        if self._end > 2 * size + _SLACK:
            with suppress(OSError):
                self._replace(b"".join(lines))
        self._limit = max(self._end, 2 * size) + _SLACK

    def _replace(self, data: bytes) -> None:
        """Write `data` into a file of its own, which takes this one's place at once or not at all."""
        fresh = self._place.with_name(f".{self._place.name}.new")
        fd = locked(fresh, _FLAGS, unshared=True)
        try:
            os.ftruncate(fd, 0)
            write_all(fd, data)
            sync(fd)
        except BaseException:
            remove(fresh, fd)
            raise
        release(fd)
        with swapping(self._place, self._fd, _FLAGS) as lock_again:
            self._fd = -1
            try:
                fresh.replace(self._place)
            finally:
                self._fd = lock_again()
                self._end, self._is_named = os.lseek(self._fd, 0, os.SEEK_END), False

    def _refused(self, error: OSError, untold: str) -> SaveError:
        remedy = "close it there" if isinstance(error, BlockingIOError) else _REMEDIES.get(error.errno or 0)
        if isinstance(error, _Gone):
            remedy = "make another client with it once it is back"
        return SaveError(
            f"the journal {self.path} cannot be kept ({error.strerror or error}): {untold}; "
            f"{remedy or 'see to the disk'}, or choose another place"
        )


def _untold(job: bide.Job) -> str:
    """What it means that the journal cannot hold this state."""
    if isinstance(job, bide.Submitting):
        return _UNSENT
    if isinstance(job, bide.Waiting):
        return f"the job goes on at the service as {shown(job.handle or '')}"
    return _unwritten(job)


def _unwritten(job: bide.Job | bide.Result) -> str:
    name = shown(job.handle) if job.handle else "the submission"
    return f"what has come of {name} is not written down"


def _loaded(token: str, dialect: bide.Dialect) -> bide.Job | InvalidToken:
    try:
        return bide.load(token, dialect=dialect)
    except InvalidToken as error:
        return error
