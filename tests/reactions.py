"""What goes wrong out there, and what bide makes of it: a row of docs/faults.md is said beside the test that shows it.

`python -m tests.reactions` writes the page anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "faults.md"
_HEAD = "| fault | what bide does | shown by |\n|---|---|---|\n"
_ROWS = "__reactions__"
Test = TypeVar("Test", bound=Callable[..., object])


class Row(NamedTuple):
    """A fault, the reaction to it, and the test, driven over each transport on a real socket."""

    fault: str
    reaction: str
    test: str


def reacts(fault: str, reaction: str) -> Callable[[Test], Test]:
    """Says what a test shows; a test may show several."""

    def note(test: Test) -> Test:
        vars(test).setdefault(_ROWS, []).insert(0, (fault, reaction))
        return test

    return note


def shown() -> Iterator[tuple[Row, Any]]:
    """Every row with its test, file by file."""
    for path in sorted(Path(__file__).parent.glob("transports/test_*.py")):
        if "@reacts(" in path.read_text("utf-8"):
            module = import_module(f"tests.transports.{path.stem}")
            for name, test in vars(module).items():
                for fault, reaction in getattr(test, _ROWS, ()):
                    yield Row(fault, reaction, f"`{path.stem}.{name}`"), test


def page() -> str:
    """docs/faults.md with its table, which is the last thing on it, as the tests have it."""
    before, found, _ = PAGE.read_text("utf-8").partition(_HEAD)
    assert found, f"{PAGE} has lost its table"
    return before + _HEAD + "".join(f"| {row.fault} | {row.reaction} | {row.test} |\n" for row, _ in shown())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
