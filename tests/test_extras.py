"""What each extra installs is enough for the pages of the documentation that are written for it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_constraints import name_of
from tests.test_docs import DOCS, PAGES, snippets

PROJECT = DOCS.parent / "pyproject.toml"
MODULES = {"pyyaml": ["yaml"], "pytest": ["pytest", "_pytest"]}  # where their names differ from the packages'
ROWS = re.findall(r"^\| `bide(?:\[([\w,]+)\])?` \| (.*?) \|", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE)
PAGES_OF = {extras: re.findall(r"\((\w+)\.md\)", pages) + ["index"] * ("this page" in pages) for extras, pages in ROWS}
IMPORTING = """
import sys
blocked = set(sys.argv[1].split())
class Uninstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"{name} is not installed by this extra", name=name)
sys.meta_path.insert(0, Uninstalled())
exec(sys.stdin.read())
"""


def extras_of(project: dict[str, Any]) -> dict[str, list[str]]:
    extras: dict[str, list[str]] = project["project"]["optional-dependencies"]
    return extras


def modules(names: list[str], extras: dict[str, list[str]]) -> set[str]:
    """The modules of all packages that these extras install."""
    found: set[str] = set()
    for wanted in (wanted for name in names for wanted in extras[name]):
        inner = re.match(r"bide\[([\w,]+)\]", wanted)
        package = name_of(wanted)
        found |= modules(inner[1].split(","), extras) if inner else {*MODULES.get(package, [package])}
    return found


def imports(path: Path) -> list[str]:
    """The statements by which the snippets of a page import what they use."""
    nodes = (node for code in snippets(path) for node in ast.walk(ast.parse(code)))
    return [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def test_every_page_with_snippets_says_what_to_install() -> None:
    told = [page for pages in PAGES_OF.values() for page in pages]
    assert sorted(told) == sorted(path.stem for path in PAGES if imports(path))


@pytest.mark.parametrize("extras", PAGES_OF)
def test_an_extra_installs_what_its_pages_import(extras: str) -> None:
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    known = extras_of(tomllib.loads(PROJECT.read_text("utf-8")))
    installed = modules(extras.split(",") if extras else [], known)
    blocked = modules(list(known), known) - installed
    wanted = "\n".join(line for page in PAGES_OF[extras] for line in imports(DOCS / f"{page}.md"))
    command = [sys.executable, "-c", IMPORTING, " ".join(blocked)]
    done = subprocess.run(command, input=wanted, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
