"""`--cassette FILE`: a command recorded, for whoever is to look into what happened.

Whatever becomes of the recording, the exit code is that of the job.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bide.errors import BideError, InvalidSetting
from bide_transports.shell import command_line
from bide_transports.wishes import Unheard, tell

if TYPE_CHECKING:
    from bide_transports.cassette.recording import Recording


@contextmanager
def taped(path: Path | None) -> Generator[Recording | None]:
    """A tape that is closed afterwards, or none; raises `InvalidSetting` where it cannot be begun."""
    if path is None:
        yield None
        return
    from bide_transports.cassette.recording import record

    if path.exists():
        raise InvalidSetting(f"{path} is there already: name another file for the recording")
    try:
        tape = record(path)
    except BideError as error:
        raise InvalidSetting(str(error)) from None
    try:
        yield tape
    finally:
        with suppress(Unheard):
            _close(tape)


def _close(tape: Recording) -> None:
    try:
        tape.close()
    except BideError as error:
        tell(f"the recording is no cassette: {error}")
        tell(f"what was recorded is in {tape.partial}; look through it before you give it to anybody")
        return
    if tape.cassette is not None:
        tell(f"recorded in {tape.path}; what it holds: {command_line('bide', 'cassette', 'show', str(tape.path))}")
