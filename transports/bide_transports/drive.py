"""One job from the command line to its exit code: shown on its way, saved at its end, kept when it must wait.

Whatever ends the wait before the job has ended, a token is written that `bide resume` takes up.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import click

import bide
from bide.errors import JobError, SaveError
from bide.handles import shown
from bide.urls import is_id, origin, public
from bide_transports.display import content, display, print_json
from bide_transports.requests import Client

INTERRUPTED = 130
_LONGEST_NAME = 100  # characters of an id that are put into a file's name
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
    """How the caller wants it: JSON or not, the options that say which service (advice names them), where to save."""

    as_json: bool
    service: tuple[str, ...] = ()
    save: Path | None = None


def drive(client: Client, job: bide.Job, wishes: Wishes) -> int:
    """Follow `job` to its end and return the exit code; a refused cancellation ends it too."""
    state = job
    _tell_of_strangers(job)
    try:
        with display(client.clock.now, as_json=wishes.as_json) as show:
            for state in client.follow(job):
                show(state)
                if isinstance(state, bide.Polling) and isinstance(job, bide.Cancelling):
                    return _refused(state, wishes)
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


def _tell_of_strangers(job: bide.Job) -> None:
    request = job.request if isinstance(job, bide.Waiting) else None
    if request is not None and request.credential and origin(request.url) != job.terms.dialect.origin:
        _tell(f"{public(request.url)} is not at {job.terms.dialect.origin}: it is asked without the key")


def _deliver(client: Client, state: bide.Completed, wishes: Wishes) -> int:
    if wishes.save is None:
        if not wishes.as_json:
            _print(state.result)
        return 0
    try:
        paths = [str(path) for path in client.save(state.result, wishes.save)]
    except SaveError as error:
        _tell(str(error))
        return _keep(state, CODES[bide.Abandoned], wishes)
    if wishes.as_json:
        print_json({"state": "Saved", "files": paths})
    else:
        _out(paths or [f"{shown(state.handle)} has no files: leave out --save to see its result"])
    return 0


def _print(result: bide.Result) -> None:
    """The whole document; where there is none, the files that are the result."""
    document = content(result)
    if document or not result.files:
        return _out([json.dumps(document, indent=2)])
    _tell(f"the result is {'a file' if len(result.files) == 1 else 'files'} and no document: save it with --save DIR")
    return _out(map(shown, result.files))


def _refused(state: bide.Polling, wishes: Wishes) -> int:
    answers = [event.what for event in state.past.trace if event.what.startswith("cancel")]
    told = f"the service did not take the cancellation ({answers[-1]}); the job goes on"
    if shown(state.handle) != state.handle:  # it cannot be typed, and what it hides may be a signature
        _tell(told)
        return _keep(state, 1, wishes)
    _tell(f"{told}: {shlex.join(('bide', 'wait', state.handle, *wishes.service))}")
    return 1


def _token_name(state: bide.Job) -> str:
    """A file name that tells the job: its id, or else what may be shown of its address, made safe and unique."""
    name = state.handle or (state.order.key if isinstance(state, bide.Submitting) else None) or "submission"
    if is_id(name) and len(name) <= _LONGEST_NAME:
        return f"bide-{name}.json"
    end = re.sub(r"[^A-Za-z0-9_-]+", "-", shown(name).rstrip("/").rpartition("/")[2])[:40].strip("-")
    return f"bide-{end or 'job'}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}.json"


def _keep(state: bide.Job, code: int, wishes: Wishes) -> int:
    """Write the token beside the caller's files and say how to go on; on a full disk the token itself is shown."""
    path, token = Path(_token_name(state)), bide.dump(state)
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
    _tell(f"go on with: {shlex.join(('bide', 'resume', str(path), *wishes.service))}")
    return code


def _out(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _tell(message: str) -> None:
    click.echo(f"bide: {message}", err=True)
