"""`python -m tests.fuzz [INPUTS]`: so many inputs in all (10 million), two targets at a time; a line for each target.

A fault ends it with 1 and leaves the input that shows it in the corpus' folder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from tests.fuzz.targets import TARGETS
from tests.fuzz.timed import ALLOWED, slowest

LONGEST = 4096  # bytes of an input that is guided


def fuzzed(name: str, inputs: int, *, home: Path) -> str:
    """A line on one target: how many inputs, how many of them led somewhere new, and how slow the slowest was."""
    corpus, began = home / name, monotonic()
    corpus.mkdir()
    options = [
        f"-runs={inputs}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={home}/{name}-",
        "-timeout=20",
        "-verbosity=0",
    ]
    guided = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.guided", name, str(corpus), *options], capture_output=True, check=False
    )
    if guided.returncode:
        (home / f"{name}.log").write_bytes(guided.stdout + guided.stderr)
        return f"{name:12} FAULT: {home}/{name}.log\n{guided.stderr.decode(errors='replace')[-3000:]}"
    kept, took = len(list(corpus.iterdir())), monotonic() - began
    slow = slowest(TARGETS[name].run, corpus)
    verdict = "" if slow.rate <= ALLOWED else "  SLOW"
    if verdict:
        (home / f"{name}-slow").write_bytes(slow.data)
    return (
        f"{name:12} {inputs:>9,} inputs, {kept:>6,} kept, {took:6.0f} s; "
        f"slowest {slow.rate * 1000:6.1f} ms a MB{verdict}"
    )


def main(inputs: int) -> int:
    """Fuzz all targets; 1 for a fault."""
    home = Path(tempfile.mkdtemp(prefix="bide-fuzz-"))
    print(f"Python {sys.version.split()[0]}; corpora in {home}", flush=True)
    shares = {name: inputs * target.share // 100 for name, target in TARGETS.items()}
    lines: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(lambda one: fuzzed(*one, home=home), shares.items()):
            print(line, flush=True)
            lines.append(line)
    return int(any("FAULT" in line or "SLOW" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 10_000_000))
