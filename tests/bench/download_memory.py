"""Memory that a download of 150 MB takes beyond what a small one has taken before it, over each transport.

The emulator serves the file from a process of its own. Each transport downloads in a fresh process; the peak of its
resident memory is held against what was resident before. Read from /proc, so on Linux only: the peak that
`resource` tells is at least that of the process which started this one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import trio

import bide
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from tests.bench.measure import Figure, served_by

_SIDE = 7072  # pixels: 150 MB
_TARGET = 16  # MiB

_SERVER = f"""
import sys
from bide_transports.emulator import Limit, Plan, Service, Variants
from bide_transports.emulator.server import serve
plans = {{"large": Plan(duration=0, width={_SIDE}, height={_SIDE})}}
service = Service(plans=plans, default=Plan(duration=0), limit=Limit(10**9, 1e9), variants=Variants(download="url"))
with serve(service) as emulator:
    print(emulator.base_url, emulator.key, flush=True)
    sys.stdin.read()
"""


def measure() -> list[Figure]:
    """One download over each transport."""
    with served_by(_SERVER) as place:
        return [_figure(name, place) for name in _SAVES]


def _figure(name: str, place: tuple[str, str]) -> Figure:
    command = [sys.executable, "-m", "tests.bench.download_memory", name, *place]
    grown, size = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return Figure(f"above the baseline for {int(size) / 1e6:.0f} MB over {name}", float(grown) / 1024, _TARGET, "MiB")


def _by_requests(dialect: bide.Dialect, key: str, model: str, directory: str) -> int:
    with over_requests.Client(key, dialect=dialect) as client:
        (path,) = client.save(client.run(model, {}), directory)
    return path.stat().st_size


def _by_trio(dialect: bide.Dialect, key: str, model: str, directory: str) -> int:
    async def main() -> Path:
        async with over_trio.Client(key, dialect=dialect) as client:
            (path,) = await client.save(await client.run(model, {}), directory)
        return path

    return trio.run(main).stat().st_size


_SAVES: dict[str, Callable[[bide.Dialect, str, str, str], int]] = {"requests": _by_requests, "trio": _by_trio}


def _resident(name: str) -> int:
    """KiB that are resident now (`VmRSS`), or were at the most (`VmHWM`)."""
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{name}:"))


def main(name: str, base_url: str, key: str) -> None:
    """In the process that is measured: KiB of the peak above what there was before, and the bytes of the file."""
    dialect = bide.ModelRoute(base_url)
    with tempfile.TemporaryDirectory() as directory:
        _SAVES[name](dialect, key, "small", directory)
        before = _resident("VmRSS")
        size = _SAVES[name](dialect, key, "large", directory)
        print(_resident("VmHWM") - before, size)


if __name__ == "__main__":
    main(*sys.argv[1:])
