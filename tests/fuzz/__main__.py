"""`python -m tests.fuzz [INPUTS [HOME]]`: so many inputs in all (10 million), two targets at a time; a line for each.

A fault ends it with 1 and leaves the input that shows it, with a log, in HOME. A run that was broken off goes on where
it was when it is given the same HOME: what a line in there tells is not done again. Without one it is a folder for the
time being, which stays where there was a fault.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import monotonic

from tests.fuzz.drawn import LAWS
from tests.fuzz.targets import DRAWN, TARGETS
from tests.fuzz.timed import slowest

LONGEST = 4096  # bytes of an input that is guided


@dataclass
class Line:
    """What came of one target: inputs, of them those that led somewhere new, seconds, seconds for the slowest MB."""

    name: str
    inputs: int
    kept: int = 0
    took: float = 0.0
    rate: float | None = None
    fault: str = ""

    def __str__(self) -> str:
        if self.fault:
            return f"{self.name:20} FAULT: {self.fault}"
        slow = "" if self.rate is None else f"; {self.kept:>5,} kept, slowest {self.rate * 1000:6.1f} ms a MB"
        return f"{self.name:20} {self.inputs:>9,} inputs in {self.took:5.0f} s{slow}"


def guided(name: str, inputs: int, home: Path) -> Line:
    """Bytes for one target, guided by what they reach; then those that were new, grown, against the clock."""
    corpus, began, target = home / name, monotonic(), TARGETS[name]
    corpus.mkdir(exist_ok=True)
    options = [f"-runs={inputs}", f"-max_len={LONGEST}", f"-artifact_prefix={home}/{name}-", "-timeout=20"]
    fault = _fault(home / f"{name}.log", "tests.fuzz.guided", name, str(corpus), *options, "-verbosity=0")
    line = Line(name, inputs, len(list(corpus.iterdir())), monotonic() - began, fault=fault)
    if not fault:
        slow = slowest(target, corpus, shaped=name == "receive")
        line.rate = slow.rate
        if slow.rate > target.allowed:
            (home / f"{name}-slow").write_bytes(slow.data)
            line.fault = f"{slow.rate * 1000:.0f} ms a MB: {home}/{name}-slow"
    return line


def drawn(name: str, inputs: int, home: Path) -> Line:
    """Values for one law of `drawn`."""
    began = monotonic()
    fault = _fault(home / f"drawn-{name}.log", "tests.fuzz.drawn", name, str(inputs))
    return Line(f"hypothesis {name}", inputs, took=monotonic() - began, fault=fault)


def _fault(log: Path, *command: str) -> str:
    """Run a module; the end of what it said where it failed."""
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, check=False)
    if not done.returncode:
        return ""
    log.write_bytes(done.stdout + done.stderr)
    return f"{log}\n{done.stderr.decode(errors='replace')[-3000:]}"


def _once(home: Path, name: str, inputs: int) -> Line:
    """The line of one part, as it was where it is known already."""
    kind, _, rest = name.partition(" ")
    record = home / f"{kind}-{rest or 'guided'}-{inputs}.json"
    if record.exists():
        return Line(**json.loads(record.read_bytes()))
    line = drawn(rest, inputs, home) if kind == "hypothesis" else guided(name, inputs, home)
    if not line.fault:
        record.write_text(json.dumps(asdict(line)), "utf-8")
    return line


def main(inputs: int, home: Path) -> int:
    """Fuzz all targets; 1 for a fault."""
    print(f"Python {sys.version.split()[0]}; corpora in {home}", flush=True)
    shares = {name: inputs * target.share // 100 for name, target in TARGETS.items()}
    shares |= {f"hypothesis {name}": inputs * DRAWN // 100 // len(LAWS) for name in LAWS}
    lines: list[Line] = []
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(partial(_once, home), shares, shares.values()):
            print(line, flush=True)
            lines.append(line)
    faults = sum(1 for line in lines if line.fault)
    most = max(
        (line for line in lines if line.rate is not None and line.name != "redaction"), key=lambda one: one.rate or 0
    )
    print(
        f"{sum(line.inputs for line in lines):,} inputs, {faults} faults; "
        f"slowest beside redaction: {most.name}, {(most.rate or 0) * 1000:.1f} ms a MB beyond json.loads"
    )
    return int(faults > 0)


if __name__ == "__main__":
    given = Path(sys.argv[2]) if sys.argv[2:] else None
    place = given or Path(tempfile.mkdtemp(prefix="bide-fuzz-"))
    place.mkdir(parents=True, exist_ok=True)
    ended = main(int(sys.argv[1]) if sys.argv[1:] else 10_000_000, place.resolve())
    if given is None and not ended:
        shutil.rmtree(place)
    sys.exit(ended)
