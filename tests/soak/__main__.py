"""`python -m tests.soak [MINUTES]`: 200 jobs at a time for 20 minutes, a line each half; 1 where not all is well.

Most are tasks of one trio client with one journal; every tenth is waited for by a thread, with a client over requests
of its own. Each job is submitted, waited for and saved.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

import bide
from bide.errors import PollingAdvice
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio

AT_ONCE, THREADS = 200, 20
PATIENCE = bide.Patience(deadline=300, failures=100, first_contact=100, timeout=3, transfer=10)
PACE = bide.Every(0.5)


@dataclass
class Tally:
    """What came of the jobs, and what this process took meanwhile: megabytes, descriptors, threads."""

    done: int = 0
    wrong: list[str] = field(default_factory=list[str])
    samples: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])

    def sample(self) -> None:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        self.samples.append((megabytes, sum(1 for _ in Path("/proc/self/fd").iterdir()), threading.active_count()))

    def judge(self, paths: list[Path]) -> None:
        """Note a job that is over: its file is there and whole."""
        (path,) = paths
        if not path.read_bytes().startswith(b"\x89PNG"):
            self.wrong.append(f"{path} is no picture")
        path.unlink()
        self.done += 1

    def grown(self) -> list[str]:
        """What is more in the last quarter than it was in the second."""
        quarter = len(self.samples) // 4
        early, late = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        found: list[str] = []
        for place, (what, slack) in enumerate((("megabytes", 10), ("descriptors", 20), ("threads", 10))):
            before, after = (sum(one[place] for one in some) / len(some) for some in (early, late))
            if after > 1.1 * before + slack:
                found.append(f"{what}: {before:.0f}, then {after:.0f}")
        return found


@contextmanager
def service() -> Generator[tuple[dict[str, Any], dict[str, Any]]]:
    """Where the service is, and what it saw, which is there afterwards."""
    command = [sys.executable, "-m", "tests.soak.service"]
    saw: dict[str, Any] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), saw
        process.stdin.close()
        saw.update(json.loads(process.stdout.readline()))


def in_thread(settings: dict[str, Any], place: Path, until: float, tally: Tally, number: int) -> None:
    with over_requests.Client(**settings) as client:
        count = 0
        while time.monotonic() < until:
            count += 1
            try:
                result = client.run(f"of {1 + (number + count) % 8} s", {"who": number, "count": count})
                tally.judge(client.save(result, place))
            except Exception as error:  # noqa: BLE001  every kind is a failure here
                tally.wrong.append(repr(error))


async def in_tasks(settings: dict[str, Any], place: Path, until: float, tally: Tally) -> list[bide.Job]:
    """What the client could not finish."""

    async def one(client: over_trio.Client, number: int) -> None:
        count = 0
        while time.monotonic() < until:
            count += 1
            try:
                result = await client.run(f"of {1 + (number + count) % 8} s", {"who": number, "count": count})
                tally.judge(await client.save(result, place))
            except Exception as error:  # noqa: BLE001
                tally.wrong.append(repr(error))

    async def watch() -> None:
        while time.monotonic() < until:
            await trio.sleep(5)
            tally.sample()
            if len(tally.samples) % 6 == 0:
                megabytes, descriptors, threads = tally.samples[-1]
                print(
                    f"{len(tally.samples) * 5:5} s  {tally.done:6} done  {len(tally.wrong)} wrong  "
                    f"{megabytes:.0f} MB  {descriptors} descriptors  {threads} threads",
                    flush=True,
                )

    async with over_trio.Client(journal=place / "jobs", **settings) as client, trio.open_nursery() as nursery:
        for number in range(AT_ONCE - THREADS):
            nursery.start_soon(one, client, number)
        nursery.start_soon(watch)
    return client.unfinished


def main(minutes: float) -> int:
    """Run; 1 where a job was lost, paid twice or refused, the key strayed, or something grew."""
    warnings.simplefilter("ignore", PollingAdvice)
    tally, began = Tally(), time.monotonic()
    until = began + 60 * minutes
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with service() as (where, saw):
            dialect = bide.ModelRoute(where["base_url"])
            settings: dict[str, Any] = {"key": where["key"], "dialect": dialect, "pace": PACE, "patience": PATIENCE}
            threads = [
                threading.Thread(target=in_thread, args=(settings, place, until, tally, 1000 + number))
                for number in range(THREADS)
            ]
            for thread in threads:
                thread.start()
            left = trio.run(in_tasks, settings, place, until, tally)
            for thread in threads:
                thread.join()
        with over_requests.Client(journal=place / "jobs", **settings) as client:
            kept = client.resume_all()
    wrong = [*tally.wrong, *tally.grown(), *map(repr, left), *map(repr, kept)]
    if saw["executions"] != tally.done:
        wrong.append(f"{tally.done} jobs were run, and {saw['executions']} paid for")
    if saw["key_at_storage"]:
        wrong.append(f"the key went to the storage host {saw['key_at_storage']} times")
    print(f"{tally.done} jobs in {time.monotonic() - began:.0f} s; the service saw {saw}")
    print("\n".join(wrong) or "nothing was lost or paid twice, and nothing grew")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 20))
