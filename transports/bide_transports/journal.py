"""Jobs on disk, so that not even `kill -9` loses one: each state is written, and made durable, before it is acted on.

A journal is a file of lines. A line is a job's token, or the word that nothing is left to be done for it; the last
line of a job counts. A line that a crash has cut short was never acted on, and is dropped. Only what a restart
needs is written: a state of another kind or another handle, not every look.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

import bide
from bide.document import parse_object
from bide.errors import InvalidToken, SaveError
from bide_transports.durable import locked, sync_directory, write_all

_FLAGS = os.O_RDWR | os.O_APPEND
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
    another process has it open; `InvalidToken` for a file that is no journal.
    """

    path: Path
    _entries: dict[str, _Entry] = field(default_factory=dict[str, _Entry], init=False)
    _fd: int = field(default=-1, init=False)
    _lines: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        try:
            self._fd = locked(self.path, _FLAGS)
            self._read()
        except OSError as error:
            self.close()
            raise self._refused(error) from None
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
            os.close(self._fd)
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
            self._append([{"job": name, "token": token}])
            self._entries[name] = _Entry(token, type(job), job.handle)

    def settle(self, job: bide.Job | bide.Result) -> None:
        """Note that nothing is left to be done: the job has failed, or its result is where it belongs."""
        if isinstance(job, bide.Result):
            names = [name for name, entry in self._entries.items() if entry.handle == job.handle]
        else:
            names = [name for name in (job.terms.seed,) if name in self._entries]
        if names:
            self._append([{"job": name, "settled": True} for name in names])
        for name in names:
            del self._entries[name]

    def _append(self, lines: Iterable[dict[str, object]]) -> None:
        data = b"".join(map(_line, lines))
        end = os.lseek(self._fd, 0, os.SEEK_END)
        try:
            write_all(self._fd, data)
            os.fsync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, end)
            raise self._refused(error) from None
        self._lines += data.count(b"\n")

    def _read(self) -> None:
        data = self._all()
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            self._take(line, number)
        if len(whole) < len(data):
            os.ftruncate(self._fd, len(whole))
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
            raise InvalidToken(
                f"line {number} of the journal {self.path} is none of a journal's: is it the right file? "
                "Move it away, or take that line out, to go on with the rest"
            )
        if isinstance(token, str):
            self._entries[name] = _Entry(token)
        else:
            self._entries.pop(name, None)
        self._lines += 1

    def _rewrite(self) -> None:
        """Write what still counts into a file of its own, which takes this one's place at once or not at all."""
        fresh = self.path.with_name(self.path.name + ".new")
        fd = locked(fresh, _FLAGS | os.O_TRUNC)
        try:
            write_all(fd, b"".join(_line({"job": name, "token": e.token}) for name, e in self._entries.items()))
            os.fsync(fd)
            fresh.replace(self.path)
            sync_directory(self.path.parent)
        except BaseException:
            os.close(fd)
            raise
        os.close(self._fd)
        self._fd, self._lines = fd, len(self._entries)

    def _refused(self, error: OSError) -> SaveError:
        return SaveError(
            f"the journal {self.path} cannot be kept ({error.strerror or error}): nothing is sent without it; "
            "see to the disk, or choose another place"
        )


def _line(members: dict[str, object]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode() + b"\n"
