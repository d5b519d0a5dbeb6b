"""Where the cassette of a test lies: `cassettes/<module>/<test>.cassette.jsonl` beside its file.

Names are such that no two tests share one on any file system, whatever stands in the parameters of a test.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from bide_transports.cassette.shelf import SUFFIX

_LONGEST = 80  # characters of a name without its suffix; some systems end at 143 with it
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


def path_of(item: pytest.Item) -> Path:
    """The cassette of this test alone."""
    return directory_of(item) / item.path.stem / f"{_file_name(item)}{SUFFIX}"


def named(item: pytest.Item, name: object) -> Path:
    """The cassette of this name, which tests of one directory may share; raises `pytest.UsageError` for a bad one."""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None or len(name) > 2 * _LONGEST:
        raise pytest.UsageError(
            f"{item.nodeid}: {name!r:.100} is no name for a cassette: letters, digits, '_', '.', '-', and '/' between "
        )
    return directory_of(item) / f"{name}{SUFFIX}"


def directory_of(item: pytest.Item) -> Path:
    """The directory of the cassettes beside the file of a test; raises `pytest.UsageError` for an absolute one."""
    return item.path.parent / directory_name(item.config)


def directory_name(config: pytest.Config) -> Path:
    """How it is called everywhere."""
    name = Path(config.getini("cassette_dir"))
    if name.is_absolute() or ".." in name.parts or name == Path():
        raise pytest.UsageError(f"cassette_dir is a directory beside each test file, such as cassettes, and not {name}")
    return name


def _file_name(item: pytest.Item) -> str:
    names = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    function, bracket, parameters = item.name.partition("[")
    plain = ".".join((*names, function))
    if bracket:
        plain += f"-{parameters.removesuffix(']')}"
    safe = _UNSAFE.sub("-", plain)
    if safe == plain and len(plain) <= _LONGEST and parameters == parameters.lower():
        return plain
    digest = sha256(f"{names} {item.name}".encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{safe[: _LONGEST - 9].rstrip('.')}-{digest}"
