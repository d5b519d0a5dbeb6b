"""A process that does `import bide` against one that does `import json, dataclasses`: CPU of the whole process."""

from __future__ import annotations

import resource
import subprocess
import sys

from tests.bench.measure import Figure, paired


def measure() -> list[Figure]:
    """Children's CPU as the operating system counts it."""
    mine, other, ratio = paired(lambda: _cpu("import bide"), lambda: _cpu("import json, dataclasses"), 25)
    return [Figure(f"import bide {mine * 1e3:.0f} ms / import json, dataclasses {other * 1e3:.0f} ms", ratio, 3.0)]


def _cpu(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
