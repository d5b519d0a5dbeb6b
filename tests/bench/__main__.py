"""Benchmarks: `python -m tests.bench [NAME ...]`. Each compares two things in one run, interleaved, and prints a ratio.

They are no tests: a busy machine makes them slow, not wrong. Quote the ratios with the machine they come from.
"""

from __future__ import annotations

import platform
import sys

from tests.bench import (
    cassette_verify,
    client_wait,
    core_step,
    download_memory,
    imports,
    memory,
    trio_polls,
    trio_waits,
)

BENCHMARKS = {
    "cassette_verify": cassette_verify.measure,
    "core_step": core_step.measure,
    "client_wait": client_wait.measure,
    "download_memory": download_memory.measure,
    "imports": imports.measure,
    "memory": memory.measure,
    "trio_polls": trio_polls.measure,
    "trio_waits": trio_waits.measure,
}


def main(names: list[str]) -> None:
    """Run the benchmarks called `names`, or all."""
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}")
    for name in names or BENCHMARKS:
        for figure in BENCHMARKS[name]():
            print(f"{name:15} {figure}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
