"""What the commands for cassettes share: which files, whose service, how far they are, and the exit code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from bide.dialect import Dialect
from bide.dialects.declared import Declared
from bide.errors import BideError
from bide_transports.cassette.shelf import found
from bide_transports.cassette.tape import Head, InvalidCassette
from bide_transports.cassette.wording import plain
from bide_transports.cassette.words import known
from bide_transports.cli_options import declared
from bide_transports.wishes import say

FINE, OTHERWISE, UNREADABLE = 0, 1, 2
_OFTEN = 2.0  # seconds from one word of progress to the next

FILES = click.argument(
    "paths", metavar="FILE|DIR...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document a line.")
ALLOW = click.option(
    "--allow", multiple=True, metavar="VALUE", help="A value that is no secret, though it looks like one."
)
DIALECT = click.option(
    "--dialect", metavar="NAME|FILE", help="The service on the cassette, if it does not come with bide."
)


def each(
    paths: Sequence[Path], look: Callable[[Path], bool], *, as_json: bool = False, unfinished: bool = False
) -> int:
    """Let `look` say of each cassette whether it is as it should be; the exit code that follows from all.

    One that cannot be read is told on stderr, and the others are looked at all the same.
    """
    try:
        codes = [_code(path, look, as_json=as_json) for path in under_way(found(paths, unfinished=unfinished))]
    except InvalidCassette as error:
        complain(error)
        return UNREADABLE
    return max(codes)


def _code(path: Path, look: Callable[[Path], bool], *, as_json: bool) -> int:
    try:
        return FINE if look(path) else OTHERWISE
    except BideError as error:
        complain(error)
        if as_json:
            print_json({"file": str(path), "ok": False, "error": str(error)})
        return UNREADABLE


def under_way(paths: Sequence[Path], now: Callable[[], float] = time.monotonic) -> Iterator[Path]:
    """Each of `paths`; what takes long says every two seconds on stderr how far it is."""
    last = now()
    for number, path in enumerate(paths):
        if now() - last >= _OFTEN:
            say(f"bide: {number} of {len(paths)} cassettes", err=True)
            last = now()
        yield path


def spoken(name: str | None, head: Head) -> Dialect | None:
    """The dialect that was named for a cassette; None for the one that its head names."""
    return None if name is None else Declared(declared(name), head.base)


def needed(name: str | None, head: Head) -> Dialect:
    """The dialect of a cassette; raises `InvalidCassette` for one that must be named, and is not."""
    dialect = spoken(name, head) or known(head)
    if dialect is None:
        raise InvalidCassette(
            f"the cassette speaks {plain(head.dialect)[:60]!r}, which does not come with bide: name it with --dialect"
        )
    return dialect


def complain(error: object) -> None:
    """Say on stderr what is wrong, and what to do next."""
    say(f"bide: {told(str(error))}", err=True)


def told(text: str) -> str:
    """Text of several lines, none of which can move the cursor."""
    return "\n".join(map(plain, text.split("\n")))


def print_json(document: Mapping[str, object]) -> None:
    """One document on a line of stdout."""
    say(json.dumps(document))


def named(path: Path) -> str:
    """What a file is called, for people."""
    return plain(str(path))
