"""Jobs on disk, so that not even `kill -9` loses one: each state is written, and made durable, before it is acted on.

A journal is a file of lines. A line is a job's token, or the word that nothing is left to be done for it; the last
line of a job counts. A line that a crash has cut short was never acted on, and is dropped; no other text is. Only what
a restart needs is written: a state of another kind or another handle, not every look.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

import bide
from bide.document import parse_object
from bide.errors import InvalidToken, SaveError
from bide.handles import shown
from bide_transports.durable import sync, sync_directory, write_all
from bide_transports.locks import locked, release, swapping
from bide_transports.shell import command_line

_FLAGS = os.O_RDWR | os.O_APPEND
_BEGINNING = b'{"job":"'  # of every line, as `_line` writes it
_UNSENT = "nothing is sent without it"
_SLACK = 100  # lines that are out of date before the journal is written anew


@dataclass(slots=True)
class _Entry:
    """The last line of one job; `kind` and `handle` tell whether a further state is news."""

    token: str
    kind: type | None = None
    handle: str | None = None


@dataclass(slots=True)
class Journal:
    """The jobs of one client in the file at `path`, for one process at a time; a context manager.

    Keep it private: tokens hold the jobs' inputs. Raises `SaveError` for whatever the disk refuses, and while
    another process has it open; `InvalidToken` for a file that is no journal, which stays as it is.
    """

    path: Path
    _entries: dict[str, _Entry] = field(default_factory=dict[str, _Entry], init=False)
    _fd: int = field(default=-1, init=False)
    _lines: int = field(default=0, init=False)
    _end: int = field(default=0, init=False)  # of the last whole line

    def __post_init__(self) -> None:
        try:
            self._fd = locked(self.path, _FLAGS)
            self._read()
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
        """Let others have the file."""
        if self._fd >= 0:
            release(self._fd)
            self._fd = -1

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of all jobs for which something is left to be done, in the order they were begun."""
        return tuple(entry.token for entry in self._entries.values())

    def record(self, job: bide.Job) -> None:
        """Write `job` down, durably, if that is news; a job that came to nothing is settled at once."""
        name, entry = job.terms.seed, self._entries.get(job.terms.seed)
        if isinstance(job, bide.Failed | bide.Cancelled | bide.Expired):
            self.settle(job)
        elif entry is None or (entry.kind, entry.handle) != (type(job), job.handle):
            token = bide.dump(job)
            self._append([{"job": name, "token": token}], _untold(job))
            self._entries[name] = _Entry(token, type(job), job.handle)

    def settle(self, job: bide.Job | bide.Result) -> None:
        """Note that nothing is left to be done: the job has failed, or its result is where it belongs."""
        if isinstance(job, bide.Result):
            names = [name for name, entry in self._entries.items() if entry.handle == job.handle]
        else:
            names = [name for name in (job.terms.seed,) if name in self._entries]
        if names:
            self._append([{"job": name, "settled": True} for name in names], _unwritten(job))
        for name in names:
            del self._entries[name]

    def _append(self, lines: Iterable[dict[str, object]], untold: str) -> None:
        data = b"".join(map(_line, lines))
        try:
            self._cut()
            write_all(self._fd, data)
            sync(self._fd)
        except OSError as error:
            with suppress(OSError):
                self._cut()
            raise self._refused(error, untold) from None
        self._end += len(data)
        self._lines += data.count(b"\n")

    def _cut(self) -> None:
        """Drop what a write that failed has left behind the last whole line."""
        if os.lseek(self._fd, 0, os.SEEK_END) > self._end:
            os.ftruncate(self._fd, self._end)

    def _read(self) -> None:
        data = self._all()
        self._end = data.rfind(b"\n") + 1
        lines, tail = data[: self._end].splitlines(), data[self._end :]
        for number, line in enumerate(lines, 1):
            self._take(line, number)
        if not _is_torn(tail.rstrip(b"\0") if lines else tail):  # a power cut may leave the length and not the bytes
            raise self._none(tail, len(lines) + 1)
        self._cut()
        if self._lines > len(self._entries) + _SLACK:
            self._rewrite()

    def _all(self) -> bytes:
        os.lseek(self._fd, 0, os.SEEK_SET)
        with os.fdopen(os.dup(self._fd), "rb") as file:
            return file.read()

    def _take(self, line: bytes, number: int) -> None:
        document = parse_object(line) or {}
        name, token = document.get("job"), document.get("token")
        if not isinstance(name, str) or not (isinstance(token, str) or document.get("settled") is True):
            raise self._none(line, number)
        if isinstance(token, str):
            self._entries[name] = _Entry(token)
        else:
            self._entries.pop(name, None)
        self._lines += 1

    def _none(self, line: bytes, number: int) -> InvalidToken:
        """That this line is none of a journal's."""
        if number == 1 and "bide" in (parse_object(line) or {}):
            return InvalidToken(
                f"{self.path} is a token and no journal: go on with: {command_line('bide', 'resume', str(self.path))}"
            )
        return InvalidToken(
            f"line {number} of the journal {self.path} is none of a journal's: is it the right file? "
            "Move it away, or take that line out, to go on with the rest"
        )

    def _rewrite(self) -> None:
        """Write what still counts into a file of its own, which takes this one's place at once or not at all."""
        fresh = self.path.with_name(self.path.name + ".new")
        data = b"".join(_line({"job": name, "token": entry.token}) for name, entry in self._entries.items())
        fd = locked(fresh, _FLAGS, unshared=True)
        try:
            os.ftruncate(fd, 0)
            write_all(fd, data)
            sync(fd)
        finally:
            release(fd)
        with swapping(self.path, self._fd, _FLAGS) as lock_again:
            self._fd = -1
            try:
                fresh.replace(self.path)
            finally:
                self._fd = lock_again()
        sync_directory(self.path.parent)
        self._lines, self._end = len(self._entries), len(data)

    def _refused(self, error: OSError, untold: str) -> SaveError:
        return SaveError(
            f"the journal {self.path} cannot be kept ({error.strerror or error}): {untold}; "
            "see to the disk, or choose another place"
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


def _is_torn(tail: bytes) -> bool:
    """Whether a line of a journal begins so: one that a crash has cut short."""
    return tail.startswith(_BEGINNING) or _BEGINNING.startswith(tail)


def _line(members: dict[str, object]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode() + b"\n"
