"""What a suite says of all its cassettes, and a test of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest

from bide.dialect import Dialect
from bide_transports.cassette.bodies import INLINE
from bide_transports.cassette.redaction import STANDARD, Rules
from bide_transports.cassette.track import Strict
from bide_transports.testing.taping.names import named, path_of

STRICT: dict[object, Strict] = {strict: strict for strict in get_args(Strict)}


@dataclass(frozen=True, slots=True)
class CassetteSettings:
    """What `record` and `replay` take: the fixture `cassette_settings` of a suite."""

    rules: Rules = STANDARD
    dialect: Dialect | None = None
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    inline: int = INLINE


@dataclass(frozen=True, slots=True)
class Wish:
    """What one test wants: its cassette is at `path`, and compared so strictly."""

    path: Path
    strict: Strict
    inline: int | None = None


def wish_of(item: pytest.Item) -> Wish:
    """What the marker of a test and the ini file say; raises `pytest.UsageError` for what neither may."""
    mark = item.get_closest_marker("cassette")
    values: dict[str, Any] = {} if mark is None else dict(mark.kwargs)
    if mark is not None and mark.args:
        values = dict(zip(("name",), mark.args, strict=False)) | values
    unknown = sorted(values.keys() - {"name", "strict", "inline"})
    if unknown or (mark is not None and len(mark.args) > 1):
        raise pytest.UsageError(f"{item.nodeid}: the marker cassette(name, strict=, inline=) takes no more than that")
    name, inline = values.get("name"), values.get("inline")
    path = path_of(item) if name is None else named(item, name)
    return Wish(path, _strict(item, values.get("strict")), inline)


def _strict(item: pytest.Item, marked: object) -> Strict:
    chosen = marked or item.config.getini("cassette_strict")
    strict = STRICT.get(chosen)
    if strict is None:
        raise pytest.UsageError(f"cassettes are compared {' or '.join(get_args(Strict))}, and not {chosen!r:.40}")
    return strict
