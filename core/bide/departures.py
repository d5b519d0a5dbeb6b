"""Which submissions have left that cannot be repeated, so that an earlier state of one pays no second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from bide.job import Job, Submitting
from bide.steering import cut_short

MOST = 32768  # submissions, each remembered by itself


@dataclass(slots=True)
class Departures:
    """By the key of each submission, how often it has left and when it was begun; whichever left last is the last.

    Of those begun before `forgotten` only the ones in `sent` are known: any other counts as having left, since an
    earlier state of it would pay twice if it had.
    """

    sent: dict[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])
    forgotten: float = -inf

    def leaves(self, job: Submitting) -> None:
        """Note that a submission is about to be sent."""
        if job.order.key is None or job.request.repeatable:
            return
        self.sent.pop(job.order.key, None)
        self.sent[job.order.key] = (job.past.requests + 1, job.past.since)
        if len(self.sent) > MOST:
            _, begun = self.sent.pop(next(iter(self.sent)))
            self.forgotten = max(self.forgotten, begun)

    def once(self, job: Job, *, now: float) -> Job:
        """The job; where it is an earlier state of a submission that has left since and cannot be repeated, its end."""
        if not isinstance(job, Submitting) or job.order.key is None or job.request.repeatable:
            return job
        times, _ = self.sent.get(job.order.key, (inf if job.past.since < self.forgotten else 0, 0.0))
        return job if job.past.requests >= times else cut_short(job, now=now)
