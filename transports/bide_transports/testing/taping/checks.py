"""What is looked for in place of running the tests: secrets on cassettes, and cassettes that no test plays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from typing_extensions import override

from bide_transports.cassette.files import LARGEST_READ, contents
from bide_transports.cassette.redaction import scan
from bide_transports.cassette.shelf import SUFFIX
from bide_transports.testing.fixtures import CassetteFile
from bide_transports.testing.taping.names import directory_name
from bide_transports.testing.taping.settings import CassetteSettings, wish_of

_KEPT = (SUFFIX, f"{SUFFIX}.partial")
_MOST = 20  # findings shown of one file


class Place(pytest.Module):
    """The module that a check has in place of a test file, since fixtures are looked up there; nothing is in it."""

    @override
    def _getobj(self) -> ModuleType:
        return ModuleType("cassettes")


class Check(pytest.Function):
    """A function that is run like a test, and stands in no file.

    It has the fixtures that it names, and none that all tests get: a test's preparation may skip, or hide the disk.
    """

    @override
    def reportinfo(self) -> tuple[Path, None, str]:
        """What it is called in reports."""
        return self.path, None, self.name


def checks(session: pytest.Session, tests: list[pytest.Item]) -> list[pytest.Item]:
    """The checks that this run asks for, as items in place of `tests`."""
    config, items = session.config, list[pytest.Item]()
    files = [*_files(config.rootpath, config.getini("norecursedirs"))]
    if config.getoption("cassette_scan"):
        items += (_item(session, tests, file, "cassette-scan", _searched(file)) for file in files)
        if not items:
            items.append(_item(session, tests, None, "cassette-scan", _nothing))
    if config.getoption("cassette_orphans"):
        items.append(_item(session, tests, None, "cassette-orphans", _claimed(config, tests, files)))
    return items


def _files(root: Path, skipped: list[str]) -> Iterator[Path]:
    """All cassettes below `root`, those that were cut short included; nothing that pytest would not look into."""
    for where, directories, names in os.walk(root):
        directories[:] = sorted(name for name in directories if not _is_skipped(Path(where, name), skipped))
        yield from (Path(where, name) for name in sorted(names) if name.endswith(_KEPT) and Path(where, name).is_file())


def _is_skipped(directory: Path, patterns: list[str]) -> bool:
    return any(fnmatch(directory.name, pattern) for pattern in patterns) or (directory / "pyvenv.cfg").is_file()


def _item(
    session: pytest.Session, tests: list[pytest.Item], file: Path | None, name: str, check: Callable[..., None]
) -> pytest.Item:
    """`check` as an item, which has the fixtures of the tests beside the file."""
    nodes = {node.path: node for test in tests for node in test.listchain() if isinstance(node, pytest.Directory)}
    parents = () if file is None else file.parents
    parent = next((nodes[path] for path in parents if path in nodes), session)
    root = session.config.rootpath
    shown = "" if file is None else f"[{file.relative_to(root).as_posix()}]"
    place, made = cast("Any", Place), cast("Any", Check)
    module = place.from_parent(parent, path=file or root / "cassettes")
    item: Check = made.from_parent(module, name=f"{name}{shown}", callobj=check)
    item.fixturenames = [*signature(check).parameters]
    return item


def _searched(file: Path) -> Callable[[CassetteSettings], None]:
    def search(cassette_settings: CassetteSettings) -> None:
        found = scan(contents(file, LARGEST_READ).decode("utf-8", "replace"), cassette_settings.rules)
        if found:
            shown = "\n".join(f"    {finding}" for finding in found[:_MOST])
            pytest.fail(
                f"{file}: what looks secret stands in {len(found)} places:\n{shown}\n"
                "If it is: revoke it, and record anew. If not: let the fixture cassette_rules `allow` it",
                pytrace=False,
            )

    return search


def _nothing() -> None:
    pytest.skip("there is no cassette here")


def _claimed(config: pytest.Config, tests: list[pytest.Item], files: list[Path]) -> Callable[[], None]:
    used = {wish_of(test).path for test in tests if _uses_cassette(test)}
    used |= _read(tests, used)
    orphans = [file for file in files if _whole(file) not in used and _is_meant(file, config)]

    def claim() -> None:
        if orphans:
            shown = "\n".join(f"    {file.relative_to(config.rootpath)}" for file in orphans)
            pytest.fail(f"{_count(len(orphans))}:\n{shown}", pytrace=False)

    return claim


def _count(orphans: int) -> str:
    cassettes, them = ("cassette", "it") if orphans == 1 else ("cassettes", "them")
    why = f"if nothing else reads {them}, delete {them}"
    return f"{orphans} {cassettes} that no collected test plays by the fixture; {why}"


def _read(tests: list[pytest.Item], played: set[Path]) -> set[Path]:
    """What tests have by `cassettes`; one that has cassettes that are played, too, looks at all there are."""
    files: dict[str, set[Path]] = {}
    for test in tests:
        given = cast("dict[str, object]", getattr(getattr(test, "callspec", None), "params", {})).values()
        found = {file.path for file in given if isinstance(file, CassetteFile)}
        files.setdefault(test.nodeid.partition("[")[0], set()).update(found)
    return {path for paths in files.values() if not paths & played for path in paths}


def _whole(file: Path) -> Path:
    """What a recording that was cut short would have been called."""
    return file.with_name(file.name.removesuffix(".partial"))


def _uses_cassette(test: pytest.Item) -> bool:
    names: Iterable[str] = getattr(test, "fixturenames", ())
    return "cassette" in names or test.get_closest_marker("cassette") is not None


def _is_meant(file: Path, config: pytest.Config) -> bool:
    """Whether a file lies in a directory of cassettes whose tests were all to be collected."""
    directory = directory_name(config)
    homes = [home for home in file.parents if home.parts[-len(directory.parts) :] == directory.parts]
    tests = [Path(*home.parts[: -len(directory.parts)]) for home in homes]
    asked = [Path(config.invocation_params.dir, argument.partition("::")[0]) for argument in config.args]
    whole = any(where in (home, *home.parents) for home in tests for where in asked)
    modules = [place for place in asked if place.parent in tests and "::" not in str(place)]
    return whole or any(place.stem == file.parent.name for place in modules)
