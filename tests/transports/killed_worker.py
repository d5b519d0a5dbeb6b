"""A process that submits one job, waits for it and saves it, and may be killed at any moment on the way."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

import bide
from bide_transports.requests import Client
from tests.transports.dying import die_after


def work(base_url: str, key: str, place: Path, events: int | None) -> None:
    """Take up what the journal in `place` holds, or begin; `kill -9` after so many `events` (calls and returns)."""
    if events is not None:
        die_after(events)
    dialect = bide.ModelRoute(base_url)
    with Client(key, dialect=dialect, pace=bide.Every(0.05), journal=place / "jobs") as client:
        jobs = client.resume_all()
        if not jobs and not list(place.glob("*.png")):
            jobs = [client.prepare("flux-1.1-pro", {"prompt": place.name})]
        for job in jobs:
            client.save(client.wait(job), place)


def serve_orders() -> None:
    """For each line on stdin (JSON: the arguments of `work`), do it in a process of its own and tell how that ended."""
    for line in sys.stdin:
        base_url, key, place, events = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                work(base_url, key, Path(place), events)
            except BaseException:  # noqa: BLE001  told on stderr; nothing of the parent's is run in its child
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve_orders()
