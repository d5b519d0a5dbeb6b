"""The versions that the sessions install: each requirement of the project has its line."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

HERE = Path(__file__)
LINES = [line for line in HERE.with_name("constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]


def name_of(requirement: str) -> str:
    """The name at the beginning of a requirement, as package indexes spell it."""
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_every_requirement_has_its_version() -> None:
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    project = tomllib.loads((HERE.parent.parent / "pyproject.toml").read_text("utf-8"))
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    wanted = chain(
        project["build-system"]["requires"], project["project"]["dependencies"], *extras.values(), *groups.values()
    )
    names = {name_of(one) for one in wanted if isinstance(one, str)} - {"bide"}
    assert names
    assert names <= {name_of(line) for line in LINES}, "run: nox -s constraints"
