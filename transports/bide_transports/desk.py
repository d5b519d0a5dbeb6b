"""What every client does before and beside its I/O: begin jobs, lend the key, remember the quota, pass on advice."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from inspect import currentframe
from uuid import uuid4

import bide
from bide.document import JSON
from bide.download import Downloaded, Downloading, Undelivered, download
from bide.errors import PollingAdvice
from bide.intake import Intake
from bide.job import within
from bide.messages import Request
from bide.secret import Credential, Secret, credential_for
from bide.tally import Tally


class Desk:
    """The part of a client that sends nothing; `now` is its clock, in seconds since the epoch.

    Raises `InvalidKey` for a key that is none.
    """

    def __init__(
        self,
        key: str | Secret,
        dialect: bide.Dialect,
        pace: bide.Pace,
        patience: bide.Patience,
        now: Callable[[], float],
    ) -> None:
        self._key = key if isinstance(key, Secret) else Secret(key)
        self._intake = Intake(dialect, pace, patience)
        self._now = now
        self._tally = Tally()
        self.quota: bide.Quota | None = None

    def prepare(
        self,
        model: str,
        input: Mapping[str, JSON],  # noqa: A002  the vendor's own word
        *,
        metadata: Mapping[str, JSON] | None = None,
        webhook_url: str | None = None,
        key: str | None = None,
        patience: bide.Patience | None = None,
    ) -> bide.Submitting:
        """A submission with its idempotency key made (or given as `key`), nothing sent yet.

        Keep `bide.dump` of it before following it, and not even a crash can pay twice. `patience` is for this
        job alone. Raises `InvalidOrder`.
        """
        return self._intake.prepare(
            model,
            input,
            key=key or str(uuid4()),
            metadata=metadata,
            webhook_url=webhook_url,
            patience=patience,
            now=self._now(),
        )

    def resume(self, job: str | bytes | bide.Job, *, patience: bide.Patience | None = None) -> bide.Job:
        """The job, or the job in a token, to be followed or waited for; nothing is sent yet.

        One that was given up gets a fresh deadline, and `patience` counts from now. Raises `InvalidToken`.
        """
        return self._intake.resume(job, patience=patience, now=self._now())

    def watch(self, job: str | bide.Job) -> bide.Job:
        """The job with this id, or the job itself; nothing is sent yet. Raises `InvalidHandle`."""
        return self._intake.watch(job, now=self._now())

    def cancelling(self, job: str | bide.Job) -> bide.Job:
        """The job with a cancellation asked for; nothing is sent yet. One that has ended stays as it is."""
        return self._intake.cancelling(job, now=self._now())

    def _credential(self, request: Request) -> Credential:
        """The header lines with the key, for a request to the API's own origin; none for any other."""
        return credential_for(request, self._intake.dialect, self._key)

    def _begin(self, job: str | bide.Job) -> bide.Job:
        """The job, held back when another one of this key has heard that the quota is spent."""
        state = self.watch(job)
        return within(state, self.quota, now=self._now()) if isinstance(state, bide.Waiting) else state

    def _note(self, state: bide.Job | Downloading | Downloaded | Undelivered) -> None:
        """Remember what the service last said of the quota, and count each polled job of a day once."""
        self.quota = state.past.quota or self.quota
        if isinstance(state, bide.Polling) and state.past.polls:
            advice = self._tally.count(state.handle, self._intake.dialect.advice, now=self._now())
            if advice:
                warnings.warn(advice, PollingAdvice, stacklevel=_depth_of_caller())

    def _downloading(self, file: str) -> Downloading:
        """The download of a file, begun within the quota as last seen; nothing is sent yet."""
        dialect, patience = self._intake.dialect, self._intake.patience
        return download(file, dialect=dialect, now=self._now(), quota=self.quota, patience=patience)


def _depth_of_caller() -> int:
    """How far up the stack the first line outside this package stands, as `warnings.warn` counts."""
    depth, frame = 0, currentframe()  # from Python 3.12 on, `skip_file_prefixes` would do
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("bide_transports."):
        depth, frame = depth + 1, frame.f_back
    return depth
