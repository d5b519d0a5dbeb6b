"""The arrows of the machine, read off the return annotations of the four `receive` methods.

`python -m tests.arrows` draws them into the README; a test checks that the drawing there is current.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

import bide

README = Path(__file__).parent.parent / "README.md"
_PLACE = re.compile(r"(?<=<!-- arrows: begin -->\n).*?(?=<!-- arrows: end -->)", re.DOTALL)


def arrows() -> list[tuple[str, str]]:
    """Every (state, next state) that `receive` may make, in the order of the annotations."""
    return [
        (state.__name__, after.__name__)
        for state in get_args(bide.Waiting)
        for after in get_args(get_type_hints(state.receive)["return"])
    ]


def drawing() -> str:
    """The arrows as a table: a row for each waiting state, a column for each state that a reply may lead to."""
    columns = [state.__name__ for state in get_args(bide.Job)]
    found = set(arrows())
    rows = ["| | " + " | ".join(columns) + " |", "|---|" + ":-:|" * len(columns)]
    for state in get_args(bide.Waiting):
        cells = ("●" if (state.__name__, column) in found else "" for column in columns)
        rows.append(f"| **{state.__name__}** | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n\n" + _mermaid()


def drawn() -> str:
    """The drawing as the README has it."""
    found = _PLACE.search(README.read_text("utf-8"))
    return found[0] if found else ""


def _mermaid() -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR"]
    waiting = {state.__name__ for state in get_args(bide.Waiting)}
    lines += [f"    {state} --> {after}" for state, after in arrows() if state != after and after in waiting]
    lines += ["    Polling --> Cancelling: cancel()"]
    lines += [f"    {state} --> {after}" for state, after in arrows() if after == "Completed"]
    return "\n".join([*lines, "```", ""])


def main() -> None:
    """Write the drawing into the README."""
    README.write_text(_PLACE.sub(lambda _: drawing(), README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
