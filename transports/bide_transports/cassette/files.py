"""A cassette on disk: lines appended to NAME.partial as things happen, put in order under its own name at the end.

Each line is one write, already redacted. A line that a crash has cut short is dropped; a cassette without its last
line can still be read, with `partial`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from bide.document import JSON, parse_object
from bide_transports.cassette.lines import event_members, head_members, line, read_event, read_head
from bide_transports.cassette.tape import Cassette, Event, Head, InvalidCassette
from bide_transports.durable import read_file, replace_whole, sync, write_all
from bide_transports.locks import locked, release
from bide_transports.shell import command_line

LARGEST = 5 * 1024 * 1024  # bytes of a cassette that is recorded
LARGEST_READ = 64 * 1024 * 1024  # bytes of one that is loaded, which may come from elsewhere


class Appending:
    """Lines on their way to `path`, kept beside it as NAME.partial; raises `InvalidCassette` for a disk's refusal.

    After a refusal no line follows, since the last may stand there in part.
    """

    def __init__(self, path: Path) -> None:
        self.partial = path.with_name(path.name + ".partial")
        self._refusal = ""
        try:
            self.partial.parent.mkdir(parents=True, exist_ok=True)
            self._fd = locked(self.partial, os.O_WRONLY | os.O_APPEND, unshared=True)
            os.ftruncate(self._fd, 0)  # only now: until it is locked, another may be writing there
            if hasattr(os, "fchmod"):
                os.fchmod(self._fd, 0o600)  # what another recording has left may be for all to read
        except (OSError, ValueError) as error:
            raise InvalidCassette(f"{self.partial} cannot be written ({_why(error)}): choose another place") from None

    def append(self, members: Mapping[str, JSON], *, durable: bool = False) -> None:
        """Write one line; a `durable` one outlives the machine's crash, too."""
        self._check()
        try:
            write_all(self._fd, line(members))
            if durable:
                sync(self._fd)
        except OSError as error:
            self._refusal = f"{self.partial} cannot be written ({_why(error)}): make room there, and record anew"
            self._check()

    def close(self) -> None:
        """Leave the partial file as it is; raises `InvalidCassette` when not every line is in it."""
        if self._fd >= 0:
            release(self._fd)
            self._fd = -1
        self._check()

    def _check(self) -> None:
        if self._refusal:
            raise InvalidCassette(self._refusal) from None


def text_of(cassette: Cassette) -> bytes:
    """The whole file: head, events by time and lane, and the end with its digest."""
    lines = [line(head_members(cassette.head))]
    lines += [line(event_members(event)) for event in in_order(cassette.events)]
    whole = b"".join(lines)
    return whole + line({"k": "end", "n": len(lines) - 1, "digest": f"sha256:{sha256(whole).hexdigest()}"})


def in_order(events: Iterable[Event]) -> list[Event]:
    """Events by time, then by lane; those of one lane stay in their order, however the lanes overlapped."""
    reached: dict[str, int] = {}
    placed: list[tuple[int, str, Event]] = []
    for event in events:  # where a clock was set back, the lane stays at the latest time that it has reached
        reached[event.lane] = max(event.t, reached.get(event.lane, event.t))
        placed.append((reached[event.lane], event.lane, event))
    return [event for *_, event in sorted(placed, key=lambda one: one[:2])]


def save(cassette: Cassette, path: Path, *, overwrite: bool = False) -> None:
    """Write the cassette whole or not at all; a file that is the same already stays untouched.

    Of several that save at once the last wins. Raises `InvalidCassette` for a disk's refusal, or a file in its place.
    """
    text = text_of(cassette)
    try:
        there = _is_there(path, overwrite=overwrite)
        if there and path.stat().st_size == len(text) and contents(path, len(text)) == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(path, text)
    except InvalidCassette:
        raise
    except (OSError, ValueError) as error:
        raise InvalidCassette(f"{path} cannot be written ({_why(error)}): choose another place") from None


def _is_there(path: Path, *, overwrite: bool) -> bool:
    if path.exists() and not overwrite:
        raise InvalidCassette(f"{path} is there already: it is replaced only when that is asked for")
    return path.exists()


def load(path: str | Path, *, partial: bool = False) -> Cassette:
    """The cassette in a file. `partial` reads one without an end, too, to its last whole line.

    Raises `InvalidCassette`, which names the line.
    """
    return loads(contents(Path(path), LARGEST_READ), name=str(path), partial=partial)


def contents(path: Path, largest: int) -> bytes:
    """The bytes of a file; raises `InvalidCassette` for more than `largest`, and for what is no file.

    A pipe or a device might never end, or never begin.
    """
    try:
        return read_file(path, largest)
    except (OSError, ValueError) as error:
        large = isinstance(error, OSError) and error.errno == errno.EFBIG
        advice = "use a part of it" if large else "name a file that is there"
        raise InvalidCassette(f"{path} cannot be read ({_why(error)}): {advice}") from None


def loads(data: bytes, *, name: str = "the cassette", partial: bool = False) -> Cassette:
    """The cassette in the bytes of a file called `name`; see `load`."""
    raw = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    if not raw:
        raise InvalidCassette(f"{name} is empty: record it anew")
    head = _head(raw[0], name)
    *middle, last = (_members(text, name, number) for number, text in enumerate(raw, 1))
    ended = last.get("k") == "end"
    if not ended and not partial:
        settle = command_line("bide", "cassette", "settle", name)
        raise InvalidCassette(f"{name} has no end: it was cut short; `{settle}` closes it")
    described = middle[1:] if ended else [*middle, last][1:]
    events = tuple(_event(members, name, number) for number, members in enumerate(described, 2))
    if ended and not partial:
        _check_end(last, raw, name)
    return Cassette(head, events, name, tuple(range(2, 2 + len(events))))


def _why(error: OSError | ValueError) -> str:
    """What the system says, or Python of a name that no file can have."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _members(raw: bytes, name: str, number: int) -> dict[str, JSON]:
    members = parse_object(raw)
    if members is None:
        raise InvalidCassette(f"{name}:{number} is no line of a cassette: it is no JSON object")
    return members


def _event(members: Mapping[str, JSON], name: str, number: int) -> Event:
    try:
        return read_event(members)
    except ValueError as error:
        raise InvalidCassette(f"{name}:{number} is no line of a cassette: {error}") from None


def _head(raw: bytes, name: str) -> Head:
    try:
        return read_head(_members(raw, name, 1))
    except ValueError as error:
        raise InvalidCassette(f"{name} is no cassette: {error}") from None


def _check_end(end: Mapping[str, JSON], raw: list[bytes], name: str) -> None:
    before = b"".join(text + b"\n" for text in raw[:-1])
    if end.get("digest") != f"sha256:{sha256(before).hexdigest()}":
        settle = command_line("bide", "cassette", "settle", name)
        raise InvalidCassette(f"{name} was changed after it was written: `{settle}` decides anew from what came back")
