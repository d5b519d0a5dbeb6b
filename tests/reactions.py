"""What goes wrong out there, and what bide makes of it: a row of docs/faults.md is said beside the test that shows it.

`python -m tests.reactions` writes the page anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "faults.md"
_HEAD = "| fault | what bide does | shown by |\n|---|---|---|\n"
_ROWS = "__reactions__"
Test = TypeVar("Test", bound=Callable[..., object])


class Where(Enum):
    """Where it goes wrong: the headings of the page, in its order."""

    CONNECTION = "The connection"
    REPLY = "The reply on the wire"
    JOB = "What is said of a job"
    NO = "The service says no"
    LIMIT = "The service is too busy"
    REDIRECT = "Redirects"
    FILE = "Files"
    HERE = "The disk, the process, the clock"
    SECRET = "The key, and who may be asked"


class Row(NamedTuple):
    """A fault, the reaction to it, and the test, driven over each transport, on real sockets where any are needed."""

    where: Where
    fault: str
    reaction: str
    test: str


def reacts(where: Where, fault: str, reaction: str) -> Callable[[Test], Test]:
    """Says what a test shows; a test may show several."""

    def note(test: Test) -> Test:
        vars(test).setdefault(_ROWS, []).insert(0, (where, fault, reaction))
        return test

    return note


def shown() -> Iterator[tuple[Row, Any]]:
    """Every row with its test, file by file."""
    for path in sorted(Path(__file__).parent.glob("transports/test_*.py")):
        if "@reacts(" in path.read_text("utf-8"):
            module = import_module(f"tests.transports.{path.stem}")
            for name, test in vars(module).items():
                for where, fault, reaction in getattr(test, _ROWS, ()):
                    yield Row(where, fault, reaction, f"`{path.stem}.{name}`"), test


def page() -> str:
    """docs/faults.md with its tables, which are the last thing on it, as the tests have them."""
    before, found, _ = PAGE.read_text("utf-8").partition("\n## ")
    assert found, f"{PAGE} has lost its tables"
    rows = [row for row, _ in shown()]
    return before + "".join(
        f"\n## {where.value}\n\n{_HEAD}"
        + "".join(f"| {row.fault} | {row.reaction} | {row.test} |\n" for row in rows if row.where is where)
        for where in Where
    )


if __name__ == "__main__":
    PAGE.write_text(import_module("tests.reactions").page(), "utf-8")  # the tests know that module, not this one
