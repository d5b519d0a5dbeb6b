"""Processes that keep a journal which is written anew again and again, each killed a little later than the last."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bide_transports.journal import Journal
from tests.transports.dying import die_after
from tests.transports.test_journal import churn, jobs, order


def keep(path: Path, events: int) -> None:
    """Take up the journal, then have jobs come and go; `kill -9` after so many calls and returns."""
    die_after(events)
    with Journal(path) as journal:
        churn(journal, 6)


def main(place: Path, steps: int) -> None:
    """Until a process lives to its end, each finds what the ones before have left."""
    path, events, status = place / "jobs", 1, -1
    with Journal(path) as journal:
        journal.record(order(1))
    while status:
        child = os.fork()
        if child == 0:
            keep(path, events)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        left = jobs(path)
        assert left[0] == order(1), (events, left)
        assert len(left) <= 2, (events, left)
        events += steps
    sys.stdout.write(f"{events // steps} {' '.join(sorted(path.name for path in place.iterdir()))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
