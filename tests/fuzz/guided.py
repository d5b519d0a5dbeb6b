"""One target under atheris: `python -m tests.fuzz.guided TARGET CORPUS -runs=N`; a fault is a code other than 0."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

atheris: Any = importlib.import_module("atheris")  # it says nothing of its types, and is not had everywhere

with atheris.instrument_imports(include=["bide", "bide_transports"]):
    from tests.fuzz.targets import TARGETS


def main(name: str, corpus: Path) -> None:
    """Fuzz, from the seeds and what the corpus has; what leads somewhere new is added to it."""
    target = TARGETS[name]
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], str(corpus), *sys.argv[3:]], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
