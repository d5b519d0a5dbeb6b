"""What is left for later: a token file that `bide resume` takes up, unless the job stands in a journal anyhow."""

from __future__ import annotations

import os
import re
import shlex
from hashlib import sha256
from pathlib import Path

import click

import bide
from bide.handles import shown
from bide.urls import is_id
from bide_transports.display import print_json
from bide_transports.wishes import Wishes, tell

_LONGEST_NAME = 100  # characters of an id that are put into a file's name


def keep(state: bide.Job, wishes: Wishes) -> str:
    """Keep what a later command needs, and return the words to go on with; on a full disk the token itself is shown."""
    if wishes.journal is not None:
        _tell_program(state, wishes, "journal", wishes.journal)
        return f"go on with: {command('resume', '--journal', str(wishes.journal), wishes=wishes)}"
    path, token = Path(_token_name(state)), bide.dump(state)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        tell(f"the token could not be written to {path} ({error.strerror}); keep this line in a file instead:")
        click.echo(token, err=True)
        return ""
    _tell_program(state, wishes, "token", path)
    if is_ambiguous(state):
        return f"what was submitted stands in {path}"
    return f"go on with: {command('resume', str(path), wishes=wishes)}"


def command(*words: str, wishes: Wishes) -> str:
    """A command line to type, with the options that this one was given."""
    save = () if wishes.save is None else ("--save", str(wishes.save))
    return shlex.join(("bide", *words, *wishes.service, *save))


def is_ambiguous(state: bide.Job) -> bool:
    """Whether nobody can tell if this submission was received."""
    return isinstance(state, bide.Abandoned) and state.reason is bide.Reason.AMBIGUOUS


def _tell_program(state: bide.Job, wishes: Wishes, where: str, path: Path) -> None:
    if wishes.as_json:
        print_json({"state": "Kept", "job": shown(state.terms.seed), where: str(path)})


def _token_name(state: bide.Job) -> str:
    """A file name that tells the job: its id, or else what may be shown of its address, made safe and unique."""
    name = state.handle or (state.order.key if isinstance(state, bide.Submitting) else None) or "submission"
    if is_id(name) and len(name) <= _LONGEST_NAME:
        return f"bide-{name}.json"
    end = re.sub(r"[^A-Za-z0-9_-]+", "-", shown(name).rstrip("/").rpartition("/")[2])[:40].strip("-")
    return f"bide-{end or 'job'}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}.json"
