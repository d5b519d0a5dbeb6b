"""One job from the command line to its exit code: shown on its way, saved at its end, kept when it must wait.

Whatever ends the wait before the job has ended, a token is written that `bide resume` takes up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

import bide
from bide.errors import JobError, SaveError
from bide_transports.display import display, print_json
from bide_transports.requests import Client

INTERRUPTED = 130
CODES: dict[type, int] = {
    bide.Completed: 0,
    bide.Failed: 1,
    bide.Lost: 1,
    bide.Cancelled: 3,
    bide.Expired: 3,
    bide.Abandoned: 4,
}


@dataclass(frozen=True)
class Wishes:
    """How the caller wants it: JSON or not, the base URL to name in the advice (None: the usual one), where to save."""

    as_json: bool
    base_url: str | None
    save: Path | None = None


def drive(client: Client, job: bide.Job, wishes: Wishes) -> int:
    """Follow `job` to its end and return the exit code; a refused cancellation ends it too."""
    state = job
    try:
        with display(client.clock.now, as_json=wishes.as_json) as shown:
            for state in client.follow(job):
                shown(state)
                if isinstance(state, bide.Polling) and isinstance(job, bide.Cancelling):
                    return _refused(state)
        return _finish(client, state, wishes)
    except KeyboardInterrupt:
        _tell("interrupted; the job may go on at the service")
        return _keep(state, INTERRUPTED, wishes)


def _finish(client: Client, state: bide.Job, wishes: Wishes) -> int:
    code = CODES[type(state)]
    if isinstance(state, bide.Completed):
        return _deliver(client, state, wishes)
    try:
        bide.unwrap(state)
    except JobError as error:
        _tell(str(error))
    return _keep(state, code, wishes) if isinstance(state, bide.Abandoned) else code


def _deliver(client: Client, state: bide.Completed, wishes: Wishes) -> int:
    if wishes.save is None:
        if not wishes.as_json:
            _out([json.dumps(dict(state.result.document), indent=2)])
        return 0
    try:
        paths = [str(path) for path in client.save(state.result, wishes.save)]
    except SaveError as error:
        _tell(str(error))
        return _keep(state, CODES[bide.Abandoned], wishes)
    if wishes.as_json:
        print_json({"state": "Saved", "files": paths})
    else:
        _out(paths or [f"{state.handle} has no files: leave out --save to see its result"])
    return 0


def _refused(state: bide.Polling) -> int:
    answers = [event.what for event in state.past.trace if event.what.startswith("cancel")]
    _tell(f"the service did not take the cancellation ({answers[-1]}); the job goes on: bide wait {state.handle}")
    return 1


def _keep(state: bide.Job, code: int, wishes: Wishes) -> int:
    """Write the token beside the caller's files and say how to go on; on a full disk the token itself is shown."""
    name = state.handle or (state.order.key if isinstance(state, bide.Submitting) else None) or "submission"
    path, token = Path(f"bide-{name}.json"), bide.dump(state)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        _tell(f"the token could not be written to {path} ({error.strerror}); keep this line in a file instead:")
        click.echo(token, err=True)
        return code
    if wishes.as_json:
        print_json({"state": "Kept", "token": str(path)})
    _tell(f"go on with: bide resume {path}" + (f" --base-url {wishes.base_url}" if wishes.base_url else ""))
    return code


def _out(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _tell(message: str) -> None:
    click.echo(f"bide: {message}", err=True)
