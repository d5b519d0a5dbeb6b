"""What becomes of the cassettes in this run, and on which machines that may be."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias, get_args

import pytest

Mode: TypeAlias = Literal["replay", "record", "rerecord", "settle", "off"]
MODES: dict[str, Mode] = {mode: mode for mode in get_args(Mode)}
_WRITING = ("record", "rerecord", "settle")


def wished(config: pytest.Config) -> Mode:
    """What the command line asks for, or else the ini file.

    Raises `pytest.UsageError` for a mode that there is not, and for one that writes files on a build server.
    """
    asked = config.getoption("cassette") or config.getini("cassette")
    mode = MODES.get(asked)
    if mode is None:
        raise pytest.UsageError(f"{asked!r:.40} is no mode of cassettes; these are: {', '.join(MODES)}")
    if mode in _WRITING and in_ci() and not config.getoption("cassette_in_ci"):
        raise pytest.UsageError(
            f"CI is set, and a build server replays: {mode} cassettes on your own machine and commit them. If they are "
            "to be written here, add --cassette-in-ci"
        )
    return mode


def in_ci() -> bool:
    """Whether this is a build server, by the variable that all of them set."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")
