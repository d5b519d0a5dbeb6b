"""What is left for later: a token file that `bide resume` takes up, unless the job stands in a journal anyhow."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import bide
from bide.errors import InvalidToken
from bide.handles import shown
from bide.patience import NEVER_AGAIN
from bide.steering import cut_short
from bide.token import LARGEST
from bide.urls import is_id
from bide_transports.display import print_json
from bide_transports.durable import read_file, replace_whole
from bide_transports.shell import command_line
from bide_transports.wishes import Wishes, say, tell

_LONGEST_NAME = 100  # characters of an id that are put into a file's name


class Kept(NamedTuple):
    """Where a job stands: in the journal, or in a file at `path`; or in neither, and `problem` tells why."""

    state: bide.Job
    path: Path
    problem: str = ""


def keep(state: bide.Job, wishes: Wishes) -> str:
    """Keep what a later command needs, and return the words to go on with; on a full disk the token itself is shown."""
    kept = store(state, wishes)
    announce(kept, wishes)
    return advice(kept, wishes)


def store(state: bide.Job, wishes: Wishes) -> Kept:
    """Write the token where there is no journal; nothing is said yet."""
    if wishes.journal is not None:
        return Kept(state, wishes.journal)
    path = _place(state)
    try:
        replace_whole(path, bide.dump(state).encode("ascii") + b"\n")
    except OSError as error:
        return Kept(state, path, error.strerror or type(error).__name__)
    return Kept(state, path)


def announce(kept: Kept, wishes: Wishes) -> None:
    """Tell programs where the job stands; the token itself, and to people too, where it stands nowhere."""
    where = "token" if wishes.journal is None else "journal"
    place = {"token_text": bide.dump(kept.state)} if kept.problem else {where: str(kept.path)}
    try:
        if wishes.as_json:
            print_json({"state": "Kept", "job": shown(kept.state.terms.seed), **place})
    finally:
        if kept.problem:
            tell(f"the token could not be written to {kept.path} ({kept.problem}); keep this line in a file instead:")
            say(bide.dump(kept.state), err=True)


def advice(kept: Kept, wishes: Wishes) -> str:
    """The words to go on with."""
    if kept.problem:
        return ""
    if wishes.journal is not None:
        return f"go on with: {command('resume', '--journal', str(wishes.journal), wishes=wishes)}"
    if is_ambiguous(cut_short(kept.state, now=kept.state.past.since)):  # as whoever reads it takes it up
        return f"what was submitted stands in {kept.path}"
    return f"go on with: {command('resume', str(kept.path), wishes=wishes)}"


def command(*words: str, wishes: Wishes) -> str:
    """A command line to type, with the options that this one was given."""
    save = () if wishes.save is None else ("--save", str(wishes.save))
    return command_line("bide", *words, *wishes.service, *save)


def is_ambiguous(state: bide.Job) -> bool:
    """Whether this submission was received, or nobody can tell: it is never sent again."""
    return isinstance(state, bide.Abandoned) and state.reason in NEVER_AGAIN


def _place(state: bide.Job) -> Path:
    """Where the token goes: never over a file that is something else than an earlier token of this job."""
    path = Path(_token_name(_name(state)))
    if _may_go(path, state):
        return path
    return path.with_stem(f"{path.stem}-{uuid4().hex[:8]}")


def _may_go(path: Path, state: bide.Job) -> bool:
    """Whether nothing is lost with the file at `path`; what is no file is not opened."""
    if path.is_symlink() or not path.is_file():
        return True
    try:
        earlier = bide.load(read_file(path, LARGEST), dialect=state.terms.dialect)
    except (OSError, InvalidToken):
        return False
    return _name(earlier) == _name(state)


def _name(state: bide.Job) -> str:
    """What tells this job from all others of its service: its id or address; before it has one, its key."""
    last = state.last if isinstance(state, bide.Abandoned) else state
    key = last.order.key if isinstance(last, bide.Submitting) else None
    return state.handle or key or state.terms.seed


def _token_name(name: str) -> str:
    """A file name that tells the job: its id, or else what may be shown of its address, made safe and unique."""
    if is_id(name) and len(name) <= _LONGEST_NAME:
        return f"bide-{name}.json"
    end = re.sub(r"[^A-Za-z0-9_-]+", "-", shown(name).rstrip("/").rpartition("/")[2])[:40].strip("-")
    return f"bide-{end or 'job'}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}.json"
