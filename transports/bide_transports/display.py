"""How the command shows a job on its way: a live line on a terminal, plain lines elsewhere, or JSON.

Progress goes to stderr, so stdout holds results only; with `--json` stdout holds one document per state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, TypeAlias

import click
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

import bide
from bide.document import JSON, parse
from bide.handles import shown

Show: TypeAlias = Callable[[bide.Job], None]
Now: TypeAlias = Callable[[], float]


@contextmanager
def display(now: Now, *, as_json: bool) -> Generator[Show]:
    """A function that shows each state of one job in the way that fits; use it around the whole wait."""
    console = Console(stderr=True)
    if as_json:
        yield lambda job: print_json(document(job, now=now()))
    elif not console.is_terminal:
        yield lambda job: click.echo(sentence(job, now=now()), err=True)
    else:
        line = _LiveLine(now)
        with Live(console=console, get_renderable=line.render, refresh_per_second=8, transient=True):
            yield line.show
        console.print(sentence(line.job, now=now()) if line.job else "", highlight=False, markup=False)


class _LiveLine:
    """One line on a terminal that counts the seconds down by itself."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._spinner = Spinner("dots")
        self.job: bide.Job | None = None

    def show(self, job: bide.Job) -> None:
        self.job = job

    def render(self) -> Spinner | str:
        if self.job is None:
            return ""
        self._spinner.update(text=sentence(self.job, now=self._now()))
        return self._spinner


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
        "id": shown(job.handle) if job.handle else None,
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
    click.echo(json.dumps(value))


def _end(job: bide.Finished) -> dict[str, Any]:
    if isinstance(job, bide.Completed):
        result = job.result
        cost = None if result.cost is None else str(result.cost)
        return {"files": list(result.files), "cost": cost, "latency": result.latency, "result": content(result)}
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
