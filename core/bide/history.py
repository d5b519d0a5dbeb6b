"""What a job remembers: the terms it was started under, and what has happened to it since.

`History.after` is the only place that counts. "Not yet" and "went wrong" are counted apart: a look that
says "not yet" clears the failures, and no number of them is ever a failure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import inf
from typing import NamedTuple

from bide.dates import http_date
from bide.dialect import Asked, Dialect, Phase, Reading
from bide.document import moment
from bide.messages import Cause, Headers, NoResponse, Reply, Request
from bide.pace import Pace, ceil_ms
from bide.patience import Patience
from bide.quota import Quota, merged
from bide.result import Receipt
from bide.urls import must_be_public

_LONGEST_SHARED = 100  # characters
_KEPT = 8  # events in a trace; equal neighbours count as one
_EPOCH = re.compile(r"[0-9]{10,13}(?:\.[0-9]{1,9})?", re.ASCII)
_ABOUT_THE_JOB = (Phase.UNFINISHED, Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED)
#: Replies that answer a cancel request: any 2xx, and any refusal of it (a key may look and yet not cancel);
#: only a look tells what became of it.
REFUSALS_OF_CANCEL = (Phase.REFUSED, Phase.CONFLICT, Phase.MISSING, Phase.UNAUTHORISED, Phase.REDIRECTED)
ANSWERS_TO_CANCEL = (Phase.UNFINISHED, Phase.UNREADABLE, *REFUSALS_OF_CANCEL)


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed at the start and never changes: how to speak, how often, how long, which dice."""

    dialect: Dialect
    pace: Pace
    patience: Patience
    seed: str = field(repr=False)  # often the handle, which may be a signed address

    def bound(self, request: Request, *, left: float = inf) -> Request:
        """`request` within the limits of the patience; at an address that the service names, in public only."""
        request = self.patience.bound(request, left=left)
        allowed = getattr(self.dialect, "private", False)  # which not every dialect has
        public = must_be_public(request.url, self.dialect.origin) and not allowed
        return request if request.public is public else replace(request, public=public)


class Event(NamedTuple):
    """Something that happened, `times` in a row, last at `at` (seconds since the epoch)."""

    at: float
    what: str
    times: int = 1


class History(NamedTuple):
    """All that has happened to a job, in bounded space; a tuple, since every reply makes a new one.

    Times are seconds since the epoch.

    * `since`: submitted, or first watched; `deadline`: the end of waiting; `seen`: last seen unfinished;
      `changed`: last news (a new status or new progress).
    * `known`: the service has acknowledged the job; `answered`: it has answered anything at all.
    * `requests`: sent in all; `polls`: looks that said "not yet"; `failures`, `limited`, `missing`: in a row;
      `hinted`: hints in a row of when to look again that have not led to the end, below zero if they said "now".
    """

    since: float
    deadline: float
    seen: float
    changed: float
    known: bool = False
    answered: bool = False
    status: str = ""
    progress: float | None = None
    expires: str | None = None
    requests: int = 0
    polls: int = 0
    failures: int = 0
    limited: int = 0
    missing: int = 0
    missing_since: float = 0.0
    quota: Quota | None = None
    receipt: Receipt | None = None
    trace: tuple[Event, ...] = ()
    hinted: int = 0

    @classmethod
    def begin(cls, patience: Patience, *, now: float) -> History:
        """The history of a job that nothing has happened to yet."""
        return cls(now, ceil_ms(now + (patience.deadline or min(patience.fallback, patience.longest))), now, now)

    def prolonged(self, patience: Patience, *, now: float) -> History:
        """The same history with a fresh deadline and clean counters, for a job taken up again."""
        deadline = ceil_ms(now + (patience.deadline or min(patience.fallback, patience.longest)))
        return self._replace(deadline=deadline, changed=now, failures=0, limited=0, missing=0)

    def shifted(self, seconds: float) -> History:
        """The same history by a clock that differs by so many seconds."""
        return self._replace(
            since=ceil_ms(self.since + seconds),
            deadline=ceil_ms(self.deadline + seconds),
            seen=ceil_ms(self.seen + seconds),
            changed=ceil_ms(self.changed + seconds),
            missing_since=ceil_ms(self.missing_since + seconds),
            quota=None,
            trace=tuple(event._replace(at=ceil_ms(event.at + seconds)) for event in self.trace),
        )

    def after(
        self, reply: Reply, reading: Reading | None, quota: Quota | None, *, terms: Terms, asked: Asked, now: float
    ) -> History:
        """The history with one more exchange in it; `reading` is None when no response came."""
        phase = reading.phase if reading else None
        about = phase in _ABOUT_THE_JOB
        fine = about or (asked == "cancel" and phase in ANSWERS_TO_CANCEL)
        limited, missing = phase is Phase.LIMITED, phase is Phase.MISSING and not fine
        asked_nobody = isinstance(reply, NoResponse) and reply.cause is Cause.BUSY
        status, progress, expires, news = self.status, self.progress, self.expires, False
        if reading is not None and about:
            news = reading.status != status or reading.progress != progress
            status = _shared(reading.status) or status
            progress, expires = reading.progress, reading.expires or expires
        return History(
            self.since,
            self.deadline if expires == self.expires else self._deadline(reply, expires, terms.patience, now=now),
            now if phase is Phase.UNFINISHED else self.seen,
            now if news else self.changed,
            self.known or about,
            self.answered or reading is not None,
            status,
            progress,
            expires,
            self.requests + 1,
            self.polls + (phase is Phase.UNFINISHED and asked != "submit"),
            0 if fine else self.failures + (not limited and not missing and not asked_nobody),
            self.limited + 1 if limited else 0,
            0 if about else self.missing + missing,
            now if missing and not self.missing else self.missing_since,
            merged(self.quota, quota),
            (reading.receipt if reading else None) or self.receipt,
            self._traced(_wording(reply, reading, asked), now),
        )

    def _deadline(self, reply: Reply, expires: str | None, patience: Patience, *, now: float) -> float:
        """The deadline, moved when the job names its own end; the server's clock is read off its `Date`.

        An end that has passed already leaves the grace: a paid job is not given up at its first reply.
        """
        end = _instant(expires)
        if end is None or patience.deadline is not None or isinstance(reply, NoResponse):
            return self.deadline
        lifetime = max(end - _server_now(reply.headers, now), 0.0) + patience.grace
        return ceil_ms(min(now + lifetime, max(self.since + patience.longest, self.deadline)))

    def _traced(self, what: str, now: float) -> tuple[Event, ...]:
        if self.trace and self.trace[-1].what == what:
            last = self.trace[-1]
            return (*self.trace[:-1], Event(now, last.what, last.times + 1))
        return (*self.trace[-_KEPT + 1 :], Event(now, what))


def _instant(text: str | None) -> float | None:
    """Seconds since the epoch of an instant as services write it: ISO 8601, or a figure of seconds or milliseconds."""
    at = moment(text)
    if at is not None or text is None:
        return None if at is None else at.timestamp()
    figure = float(text) if _EPOCH.fullmatch(text) else 0.0
    figure = figure / 1000 if figure >= 1e12 else figure
    return figure if figure >= 1e9 else None


def _server_now(headers: Headers, now: float) -> float:
    date = http_date(headers.get("date"))
    return now if date is None else date


def _wording(reply: Reply, reading: Reading | None, asked: Asked) -> str:
    if isinstance(reply, NoResponse):
        which = f" ({reply.detail})" if reply.cause is Cause.PROXY and reply.detail else ""
        return f"{asked}: {reply.cause.value}{which}"
    problem = reading.problem.code if reading and reading.problem else None
    said = (reading.status or problem or reading.phase.value) if reading else ""
    return _shared(f"{asked}: {reply.status} {said}")


def _shared(text: str) -> str:
    """One text for all jobs that hear the same, while they do: what `sys.intern` took, Python 3.12 never gives back."""
    return _remembered(text) if len(text) <= _LONGEST_SHARED else text


@lru_cache(maxsize=1024)
def _remembered(text: str) -> str:
    return text
