"""How the command shows jobs on their way: a live line on a terminal, plain lines elsewhere, or JSON.

Progress goes to stderr, so stdout holds results only; with `--json` stdout holds one document per state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, TypeAlias

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

import bide
from bide.document import JSON, parse
from bide.handles import shown
from bide_transports.wishes import say

Show: TypeAlias = Callable[[bide.Job], None]
Now: TypeAlias = Callable[[], float]


class Display:
    """Shows each state of `several` jobs, or of one, in the way that fits."""

    def __init__(self, now: Now, *, as_json: bool, several: bool = False) -> None:
        self._now, self._as_json, self._several = now, as_json, several
        self._console = Console(stderr=True)
        self._under_way: dict[str, bide.Job] = {}
        self._spinner = Spinner("dots")

    @contextmanager
    def open(self) -> Generator[Show]:
        """A function that shows one state; leave it to write anything else to the terminal."""
        if self._as_json:
            yield lambda job: print_json(document(job, now=self._now()))
        elif not self._console.is_terminal:
            yield lambda job: say(self._line(job), err=True)
        else:
            shown: list[bide.Job] = []
            with Live(console=self._console, get_renderable=self._render, refresh_per_second=8, transient=True):
                yield lambda job: shown.append(self._note(job))
            for job in shown[-1:]:
                self._console.print(self._line(job), highlight=False, markup=False)

    def _note(self, job: bide.Job) -> bide.Job:
        self._under_way.pop(job.terms.seed, None)
        if isinstance(job, bide.Waiting):
            self._under_way[job.terms.seed] = job
        return job

    def _render(self) -> Spinner | str:
        """A line for each job that counts the seconds down by itself."""
        self._spinner.update(text="\n  ".join(map(self._line, self._under_way.values())))
        return self._spinner if self._under_way else ""

    def _line(self, job: bide.Job) -> str:
        return f"{name(job)}  {sentence(job, now=self._now())}" if self._several else sentence(job, now=self._now())


def name(job: bide.Job) -> str:
    """What people may call a job: its id, or what may be shown of its address; before it has one, its key."""
    return shown(job.handle or job.terms.seed)


def sentence(job: bide.Job, *, now: float) -> str:
    """The state in one line for people."""
    past = job.past
    parts = [f"{now - past.since:5.1f} s", word(job)]
    if past.progress is not None:
        parts.append(f"{past.progress:.0%}")
    if isinstance(job, bide.Waiting):
        wait = max(0.0, job.due - now)
        parts.append(f"asking now ({job.why.value})" if wait < 0.05 else f"next look in {wait:.1f} s ({job.why.value})")
    parts.append(f"{past.requests} request{'' if past.requests == 1 else 's'}{_left(past.quota)}")
    return "  ".join(parts)


def word(job: bide.Job) -> str:
    """The one word that says where a job is: the service's own while it has one to say."""
    if isinstance(job, bide.Polling | bide.Cancelling) and job.past.status:
        return job.past.status
    return type(job).__name__.upper()


def document(job: bide.Job, *, now: float) -> dict[str, Any]:
    """The state as one JSON document for programs; times are ISO 8601, lengths seconds, money decimal text."""
    past = job.past
    facts: dict[str, Any] = {
        "state": type(job).__name__,
        "job": shown(job.terms.seed),
        "id": job.id,
        "status": past.status or None,
        "progress": past.progress,
        "elapsed": round(now - past.since, 3),
        "requests": past.requests,
        "quota": _quota(past.quota),
    }
    if isinstance(job, bide.Waiting):
        return facts | {"due": _iso(job.due), "why": job.why.value, "deadline": _iso(past.deadline)}
    trace = [{"at": _iso(event.at), "what": event.what, "times": event.times} for event in past.trace]
    return facts | _end(job) | {"trace": trace}


def content(result: bide.Result) -> JSON:
    """All that the service said in the reply that carried the result, whatever kind of JSON that is."""
    try:
        return parse(result.raw.encode("utf-8", "surrogatepass"))
    except ValueError:  # only a token that was tampered with can hold that
        return result.raw


def print_json(value: dict[str, Any]) -> None:
    """One document on one line of stdout, at once."""
    say(strict(value))


def strict(value: JSON | dict[str, Any], indent: int | None = None) -> str:
    """JSON that every parser takes: Python's own reads and writes numbers that are none, here they are null."""
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        finite = json.loads(json.dumps(value), parse_constant=lambda _: None)
        return json.dumps(finite, indent=indent, allow_nan=False)


def _end(job: bide.Finished) -> dict[str, Any]:
    if isinstance(job, bide.Completed):
        result = job.result
        cost = None if result.cost is None else str(result.cost)
        files = {"files": list(result.files), "refused": [one._asdict() for one in result.refused]}
        return files | {"cost": cost, "latency": result.latency, "result": content(result)}
    problem = job.problem and {
        "code": job.problem.code,
        "message": job.problem.message,
        "retryable": job.problem.retryable,
        "request_id": job.problem.request_id,
        "details": [dict(zip(("field", "code", "message"), row, strict=True)) for row in job.problem.details],
    }
    return {"problem": problem, "reason": job.reason.value if isinstance(job, bide.Abandoned) else None}


def _quota(quota: bide.Quota | None) -> dict[str, Any] | None:
    if quota is None:
        return None
    reset = None if quota.reset is None else _iso(quota.reset)
    return {"limit": quota.limit, "remaining": quota.remaining, "reset": reset}


def _left(quota: bide.Quota | None) -> str:
    if quota is None or quota.remaining is None:
        return ""
    return f", {quota.remaining} of {quota.limit} left" if quota.limit is not None else f", {quota.remaining} left"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")
