"""Cassettes by the names that people give: files, all that lie in a directory, and those that are not quite whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bide_transports.cassette.files import load
from bide_transports.cassette.tape import Cassette, InvalidCassette

SUFFIX = ".cassette.jsonl"


def found(paths: Iterable[Path], *, unfinished: bool = False) -> list[Path]:
    """The files among `paths`, and every cassette below the directories among them, in the order of their names.

    `unfinished` also finds what a recording that was cut short has left. Raises `InvalidCassette` for a directory
    without any.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            suffixes = (SUFFIX, f"{SUFFIX}.partial") if unfinished else (SUFFIX,)
            inside = sorted(one for one in path.rglob("*") if one.name.endswith(suffixes) and one.is_file())
            if not inside:
                raise InvalidCassette(f"there is no cassette in {path}: their names end in {SUFFIX}")
            files |= dict.fromkeys(inside)
        else:
            files[path] = None
    return [*files]


def looked_at(path: Path) -> tuple[Cassette, str]:
    """A cassette to look at, and what is wrong with it: it may lack its end, or be changed since.

    Raises `InvalidCassette` for one that cannot be read.
    """
    try:
        return load(path), ""
    except InvalidCassette as error:
        cassette = load(path, partial=True)
        return cassette, str(error)
