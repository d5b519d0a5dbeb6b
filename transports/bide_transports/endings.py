"""How the command tells the end of a job: its result printed or saved, or what went wrong; and the exit code for it."""

from __future__ import annotations

import bide
from bide.errors import JobError
from bide.handles import shown
from bide.urls import public
from bide_transports.display import content, name, print_json, strict
from bide_transports.requests import Client
from bide_transports.wishes import Wishes, out, tell

CODES: dict[type, int] = {
    bide.Completed: 0,
    bide.Failed: 1,
    bide.Lost: 1,
    bide.Cancelled: 3,
    bide.Expired: 3,
    bide.Abandoned: 4,
}


def conclude(client: Client, state: bide.Finished, wishes: Wishes) -> int:
    """Tell how a job has ended and return the exit code; raises `SaveError` for a result that could not be saved."""
    if isinstance(state, bide.Completed):
        _deliver(client, state, wishes)
    try:
        bide.unwrap(state)
    except JobError as error:
        tell(str(error))
    return CODES[type(state)]


def refusal(state: bide.Polling) -> str:
    """That a cancellation was refused, and where the job is now."""
    answers = [event.what for event in state.past.trace if event.what.startswith("cancel")]
    return (
        f"the service did not take the cancellation of {name(state)} ({answers[-1]}); "
        f"the job goes on, and is {state.past.status or 'unfinished'} now"
    )


def _deliver(client: Client, state: bide.Completed, wishes: Wishes) -> None:
    if state.result.more is not None:
        tell(f"the result of {name(state)} is a part of a list, which goes on at {public(state.result.more)}")
    if wishes.save is not None and (state.result.files or state.result.refused):
        paths = [str(path) for path in client.save(state.result, wishes.save)]
        return _tell_saved(state, paths, wishes)
    if wishes.save is not None:
        tell(f"{name(state)} has no files to be saved: its result is printed")
        _tell_saved(state, [], wishes)
    if not wishes.as_json:
        _print(state.result)
    return client.forget(state)


def _tell_saved(state: bide.Completed, paths: list[str], wishes: Wishes) -> None:
    if wishes.as_json:
        print_json({"state": "Saved", "job": shown(state.terms.seed), "files": paths})
    else:
        out(paths)


def _print(result: bide.Result) -> None:
    """The whole document; where there is none, the files that are the result."""
    document = content(result)
    if document or not result.files:
        return out([strict(document, indent=2)])
    tell(f"the result is {'a file' if len(result.files) == 1 else 'files'} and no document: save it with --save DIR")
    return out(map(shown, result.files))
