"""A file on its way to disk, whatever transport brings it: each state of its download, and the bytes that belong to it.

The name is always our own, never a server's. What goes wrong is a `SaveError` that says what to do; what has come so
far is kept wherever the service can tell later whether the rest still belongs to it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, cast

from typing_extensions import Self

from bide.download import Download, Downloaded, Downloading, Undelivered
from bide.download_token import dump_download, load_download
from bide.errors import BideError, InvalidToken, SaveError
from bide.file_kind import LOOKED_AT
from bide.file_names import suffix
from bide.handles import shown
from bide.messages import Reply, Response
from bide.result import Refused
from bide_transports.part_files import InTheWay, PartFiles
from bide_transports.sinks import Sink

#: Is told of each state of a download, and of the present one again with every 256 KiB that come.
Note: TypeAlias = Callable[[Download], object]

_STEP = 256 * 1024  # bytes
_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the disk quota is used up: free some space",
    errno.EACCES: "it may not be written there, or another program has it open: choose another directory, or close it",
    errno.EPERM: "the directory may not be written to: choose another",
    errno.EROFS: "the disk is read-only: choose another directory",
    errno.ENOTDIR: "that is not a directory: choose another",
    errno.ELOOP: "a symbolic link stands in the way: move it",
    errno.EISDIR: "a directory of that name stands in the way: move it",
    errno.EINVAL: "what lies there under its name, or that of its part, is no file: move it",
    errno.EEXIST: "a file of that name is already there: move it away",
    errno.EWOULDBLOCK: "another process or task is saving it there: let that one end",
}


class Part:
    """The part of one file, `name` in `directory`; a context manager, and where the bytes go.

    `state` is the download before its next request: `state` as given, or gone on with from what an earlier one has
    left; or the file itself, where nothing is to be asked for. On leaving, what cannot be gone on with is removed; what
    is finished too, unless it is `one_of_several`: then it stays until `saved`, so that no crash among the others has
    it fetched again. Raises `SaveError` for whatever the disk refuses, and while another process or task saves the
    same file there.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        state: Downloading | Downloaded,
        *,
        overwrite: bool = False,
        one_of_several: bool = False,
        note: Note = lambda _: None,
    ) -> None:
        self.directory, self.name = directory, name
        self.state: Downloading | Downloaded = state
        self._overwrite, self._one_of_several, self._note = overwrite, one_of_several, note
        self._files: PartFiles
        self._begun = self._is_over = False
        self._beyond, self._told = 0, 0

    def __enter__(self) -> Self:
        with self._advised():
            self._files = PartFiles(self.directory, self.name)
        self._begun = True
        try:
            with self._advised():
                self._go_on()
            self._note(self.state)
        except BaseException:
            self._files.close(keep=self._is_worth_keeping)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close(keep=self._is_worth_keeping and (self._one_of_several or not self._is_over))

    def into(self, head: Response) -> Sink | None:
        """Where the body of this response goes: here, if it is the file; what it tells of the file is noted first."""
        heard = self._coming.heard(head)
        if heard is None:
            return None
        with self._advised():
            if not heard.received:
                self._files.restart()
            self._files.remember(dump_download(heard) if heard.partial.validator is not None else "")
        self.state, self._told = heard, heard.received
        return self

    def write(self, chunk: bytes) -> int:
        """Append `chunk` whole; of what goes beyond the file's size only the number of bytes is kept."""
        room = len(chunk) if self.state.size is None else max(0, self.state.size - self._files.size)
        with self._advised():
            self._files.append(chunk[:room])
        self._beyond += max(0, len(chunk) - room)
        if self._files.size - self._told >= _STEP:
            self._told = self._files.size
            self._note(self._coming.grown(self._told))
        return len(chunk)

    def receive(self, reply: Reply, *, now: float) -> Download:
        """The state after `reply`; what has turned out to be useless is gone from the disk."""
        received, told = self._files.size + self._beyond, self._coming.partial.digest
        with self._advised():
            is_due = told is not None and isinstance(reply, Response) and self.state.size in (None, received)
            digest = self._files.digest(told) if told is not None and is_due else None
            beginning = self._files.beginning(LOOKED_AT) if received else b""
            after = self._coming.receive(reply, received=received, digest=digest, beginning=beginning, now=now)
            if not isinstance(after, Downloaded) and after.received != self._files.size:
                self._files.restart()
        if isinstance(after, Downloading):
            self.state = after
        self._beyond = 0
        return after

    def tell(self, state: Download) -> None:
        """Tell the caller of a state that came."""
        self._note(state)

    @property
    def content(self) -> None:
        """None: nothing is sent but the request."""

    def finish(self, end: Downloaded | Undelivered) -> Path:
        """The file under its own name, with the ending that its first bytes call for; raises where there is none."""
        if isinstance(end, Undelivered):
            because = end.problem or end.past.trace[-1].what.partition(": ")[2]
            raise SaveError(
                f"{shown(end.file)} could not be had: {end.reason.value} ({because}); {self._safe}: save again"
            )
        with self._advised():
            if end.body is not None:
                self._files.restart()
                self._files.append(end.body)
            path = self._files.become(suffix, overwrite=self._overwrite)
        self._is_over = True
        return path

    def _go_on(self) -> None:
        """Take up what an earlier download has left, if it belongs to this file."""
        if isinstance(self.state, Downloaded):
            return self._files.restart()
        try:
            state = load_download(self._files.token, start=self.state, received=self._files.size)
        except InvalidToken:
            state = self.state
        if not state.partial.can_go_on:
            self._files.restart()
        elif self._files.is_named:  # a crash came before the part could go: it must only be known as whole
            self.state = replace(state, partial=replace(state.partial, size=state.received))
        else:
            self.state = state
        return None

    @property
    def _coming(self) -> Downloading:
        """The state that has a request: no other is replied to."""
        return cast("Downloading", self.state)

    @property
    def _is_worth_keeping(self) -> bool:
        return self._begun and self._files.size > 0 and bool(self._files.token)

    @property
    def _safe(self) -> str:
        kept = f"the {self._files.size} bytes that came are kept, and " if self._is_worth_keeping else ""
        return f"{kept}it stays at the service"

    @contextmanager
    def _advised(self) -> Generator[None]:
        """What the disk refuses, with what to do about it."""
        try:
            yield
        except OSError as error:
            advice = _ADVICE.get(error.errno or 0, f"the disk refused ({error.strerror})")
            if isinstance(error, InTheWay):
                advice = f"{error.strerror}: move it"
            raise SaveError(
                f"{self.name} could not be saved to {self.directory}: {advice}, then save again; {self._safe}"
            ) from None


def untouched(file: Refused) -> SaveError:
    """That a file of a result was not asked for, and why."""
    return SaveError(
        f"{shown(file.address)} was not fetched: {file.reason}; the whole address stands in `refused` of the result. "
        "Forget the job (`Client.forget`) once you have it"
    )


def saved(outcomes: Sequence[Path | BideError]) -> list[Path]:
    """The paths of all files, of which no parts are left; raises what went wrong, once all have been tried."""
    for path in outcomes:
        if isinstance(path, Path) and len(outcomes) > 1:
            with suppress(OSError):  # another process has begun to save the same
                PartFiles(path.parent, path.stem).close(keep=False)
    errors = [outcome for outcome in outcomes if not isinstance(outcome, Path)]
    if len(errors) > 1 and all(isinstance(error, SaveError) for error in errors):
        raise SaveError("\n".join(map(str, errors)))
    if errors:
        raise next((error for error in errors if not isinstance(error, SaveError)), errors[0])
    return [outcome for outcome in outcomes if isinstance(outcome, Path)]
