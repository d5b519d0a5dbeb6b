"""The public face, and what importing it brings along."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import bide

LOOK = """
import json, pkgutil, sys
before = set(sys.modules)
import bide
light = set(sys.modules) - before
for module in pkgutil.walk_packages(bide.__path__, "bide."):
    __import__(module.name)
print(json.dumps([sorted(light), sorted(set(sys.modules) - before)]))
"""


@cache
def imported() -> tuple[set[str], set[str]]:
    """The top-level modules that `import bide` brings in, and those that all of the core brings in."""
    output = subprocess.run([sys.executable, "-c", LOOK], check=True, capture_output=True, text=True).stdout
    light, whole = json.loads(output)
    return {name.partition(".")[0] for name in light}, {name.partition(".")[0] for name in whole}


def test_the_exports_are_sorted_and_none_stands_twice() -> None:
    assert bide.__all__ == sorted(set(bide.__all__))


def test_every_export_is_there() -> None:
    assert all(hasattr(bide, name) for name in bide.__all__)


def test_every_name_imported_into_the_face_is_exported() -> None:
    public = {name for name, value in vars(bide).items() if not name.startswith("_") and not _is_module(value)}
    assert public == set(bide.__all__)


def test_the_core_needs_nothing_beyond_the_standard_library() -> None:
    light, whole = imported()
    allowed = set(sys.stdlib_module_names) | {"bide", "typing_extensions"}
    assert "bide" in light
    assert light <= allowed
    assert whole <= allowed


def test_importing_bide_pulls_in_no_transport() -> None:
    _, whole = imported()
    assert not whole & {"bide_transports", "requests", "urllib3", "trio", "h11", "click", "rich", "asyncio", "socket"}


def _is_module(value: object) -> bool:
    return type(value) is type(sys)
