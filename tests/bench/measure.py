"""How the benchmarks measure: rounds of A and B in turn, and the median of the ratios of neighbours."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from statistics import median
from time import process_time

_SERVER = """
import itertools, sys
from bide_transports.emulator import Limit, Plan, Service
from bide_transports.emulator.server import serve
ticks = itertools.count(1_800_000_000)
plan = Plan(duration=float(sys.argv[1]), dispatched=1, handed_over=2, expires_after=1e6)
service = Service(default=plan, limit=Limit(10**9, 1e9))
with serve(service, clock=lambda: float(next(ticks))) as emulator:
    print(emulator.base_url, emulator.key, flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Figure:
    """One figure: what it compares, its value, and the target it is held against."""

    says: str
    value: float
    target: float
    unit: str = "x"
    at_least: bool = False

    def __str__(self) -> str:
        kept = self.value >= self.target if self.at_least else self.value <= self.target
        bound = f"at {'least' if self.at_least else 'most'} {self.target:g}, {'kept' if kept else 'MISSED'}"
        return f"{self.value:9.3f} {self.unit:6} (target: {bound})  {self.says}"


def paired(a: Callable[[], float], b: Callable[[], float], rounds: int) -> tuple[float, float, float]:
    """The medians of `a` and of `b`, and the median of their ratio pair by pair, after one round to warm up."""
    pairs = [(a(), b()) for _ in range(rounds + 1)][1:]
    return median(x for x, _ in pairs), median(y for _, y in pairs), median(x / y for x, y in pairs)


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process that `work` takes."""
    gc.collect()
    start = process_time()
    work()
    return process_time() - start


def server(duration: float) -> AbstractContextManager[tuple[str, str]]:
    """The emulator in a process of its own: base URL and key. Its clock moves one second with each request."""
    return served_by(_SERVER, str(duration))


@contextmanager
def served_by(program: str, *words: str) -> Generator[tuple[str, str]]:
    """The base URL and the key that this Python `program` prints; it lives until its stdin is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        base_url, key = child.stdout.readline().split()
        yield base_url, key
        child.stdin.close()
