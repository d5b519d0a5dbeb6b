"""How a finding is told: what was asked, what was said, and where the job ended, in a line each."""

from __future__ import annotations

from typing import NamedTuple

import bide
from bide.messages import Request, Response
from bide.urls import public
from bide_transports.testing.fake import Exchanged

_LONGEST = 300  # characters of a body
_UNTOLD = ("date", "content-length")


class Finding(NamedTuple):
    """What should have happened, what did, the exchange that shows it (None: the last one), what to change.

    Without advice of its own, that of the scenario holds.
    """

    expected: str
    happened: str
    exchange: Exchanged | None = None
    advice: str = ""


def described(job: bide.Job) -> str:
    """A job as a reader of a failed test needs it: its state, why, and what happened last."""
    match job:
        case bide.Abandoned():
            why = f": {job.reason.value}"
        case bide.Failed() | bide.Cancelled() | bide.Expired() | bide.Lost():
            why = f": {job.problem}"
        case _:
            why = ""
    trace = ", ".join(f"{event.what}{f' (x{event.times})' if event.times > 1 else ''}" for event in job.past.trace)
    return f"{type(job).__name__}{why} [{trace}]"


def asked(request: Request) -> str:
    """A request without its query and header lines."""
    return f"{request.method} {public(request.url)}"


def shown(reply: Response) -> str:
    """A reply, cut where it is long."""
    lines = ", ".join(f"{name}: {value}" for name, value in reply.headers if name.lower() not in _UNTOLD)
    body = reply.body.decode("utf-8", "replace")[:_LONGEST]
    return f"{reply.status} {body or '(no body)'}{lines and f' ({lines})'}"


def worded(exchange: Exchanged) -> str:
    """What the service said, and to what."""
    answer = "the connection was cut" if exchange.answer is None else shown(exchange.answer)
    return f"{answer}, to {exchange.question or 'a request that it does not know'}, {asked(exchange.request)}"
