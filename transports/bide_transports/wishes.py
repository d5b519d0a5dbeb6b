"""How the caller of a command wants it, and how the command speaks: results to stdout, all else to stderr."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO, TypeAlias, cast

OnInterrupt: TypeAlias = Literal["detach", "cancel"]


@dataclass(frozen=True)
class Wishes:
    """JSON or not; the options that say which service (advice names them); where to save, and where to write down.

    `forget` takes out of the journal what it is no use to resume.
    """

    as_json: bool
    service: tuple[str, ...] = ()
    save: Path | None = None
    journal: Path | None = None
    on_interrupt: OnInterrupt = "detach"
    forget: bool = False


class Unheard(OSError):
    """Stdout or stderr, which `filename` names, takes nothing any more; what is said there from now on goes nowhere."""


def say(line: str, *, err: bool = False) -> None:
    """A line to stdout or stderr; raises `Unheard`. Whoever closes stderr wants to hear nothing, and hears nothing."""
    stream: TextIO | None = sys.stderr if err else sys.stdout  # None where it was closed before the start
    if stream is None and not err:
        raise Unheard(errno.EBADF, "it is closed", "stdout")
    try:
        if stream is not None:
            _write(stream, f"{line}\n")
    except OSError as error:
        _to_nowhere(cast("TextIO", stream))
        raise Unheard(error.errno, error.strerror, "stderr" if err else "stdout") from None


def _write(stream: TextIO, text: str) -> None:
    """All of `text`, or an `OSError`: Python with PYTHONUNBUFFERED leaves out what one write has no room for."""
    if not hasattr(stream, "buffer"):  # a text in memory, as whoever embeds the command may have
        stream.write(text)
        return
    stream.flush()
    data = text.encode(stream.encoding, stream.errors or "strict")
    while data:
        written: Any = stream.buffer.write(data)  # None where it would block
        if written is None:
            raise BlockingIOError(errno.EAGAIN, "it takes nothing for the moment")
        data = data[written:]
    stream.buffer.flush()


def say_anything() -> None:
    """Characters that stdout's encoding lacks are shown by their numbers from now on, and end no command."""
    stdout: Any = sys.stdout
    if getattr(stdout, "errors", "") == "strict" and hasattr(stdout, "reconfigure"):
        stdout.reconfigure(errors="backslashreplace")


def out(lines: Iterable[str]) -> None:
    """Lines of a result."""
    for line in lines:
        say(line)


def tell(message: str) -> None:
    """A message to people."""
    say(f"bide: {message}", err=True)


def _to_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
