"""What a client was told of its jobs lately, and whether it can rely on being told.

A notice may come while nobody waits for it: before the reply that names its job, beside a look that it overtook,
between two waits. So the last ones are kept for a while, and a job hears of its own as soon as it can.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from bide.handles import is_called
from bide.job import AnyJob, Cancelled, Completed, Failed, Job, Submitting
from bide.messages import Notice
from bide.pace import Pace, Sparse
from bide.steering import notice

_KEPT = 1024  # notices; each is wanted for little longer than one exchange takes


@dataclass(slots=True)
class Notices:
    """`come` says whether jobs that should have been told of were (None: not known yet); `count`, how many came."""

    come: bool | None = None
    count: int = 0
    _lately: deque[tuple[float, Notice]] = field(
        default_factory=lambda: deque[tuple[float, Notice]](maxlen=_KEPT), init=False, repr=False
    )

    def take(self, event: Notice, *, now: float) -> None:
        """Keep a verified notice that came at `now`."""
        self.come = True
        self.count += 1
        self._lately.append((now, event))

    def after(self, count: int) -> list[Notice]:
        """Those that came after so many others."""
        return [event for _, event in islice(reversed(self._lately), self.count - count)][::-1]

    def before(self, at: float) -> int:
        """How many had come before this instant."""
        later = next((n for n, (came, _) in enumerate(reversed(self._lately)) if came < at), len(self._lately))
        return self.count - later

    def judge(self, job: Job) -> None:
        """Note whether the end of `job` was told; one that a look found first shows that webhooks fail to come.

        Only an end that services send webhooks of counts, and only of a job that was seen unfinished before.
        """
        pace, handle = job.terms.pace, job.handle
        if not isinstance(pace, Sparse) or not isinstance(job, Completed | Failed | Cancelled) or handle is None:
            return
        if job.past.seen > job.past.since:
            self.come = pace.told or any(is_called(handle, event.handle) for _, event in self._lately)

    def pace(self, usual: Pace, *, asked: bool) -> Pace:
        """How often to look at the next job, whose submission asks for notices or not.

        A `Sparse` pace of the caller's own is kept until webhooks fail to come. Any other gives way to one when
        they do come, and the job asks for them.
        """
        if self.come is False:
            return usual.pace if isinstance(usual, Sparse) else usual
        return Sparse(usual) if self.come and asked and not isinstance(usual, Sparse) else usual


class Listener:
    """The place of one wait among the notices: each is heard once, beginning with those since the job's last reply.

    `now` gives seconds since the epoch.
    """

    __slots__ = ("_heard", "_notices", "_now")

    def __init__(self, notices: Notices, job: Job, now: Callable[[], float]) -> None:
        self._notices, self._now = notices, now
        self._heard = notices.before(job.past.trace[-1].at if job.past.trace else job.past.since)

    def __call__(self, job: AnyJob) -> AnyJob:
        """`job` after what was told of it since the last call; one that has no name yet hears it when it has."""
        if self._heard == self._notices.count or isinstance(job, Submitting):
            return job
        for event in self._notices.after(self._heard):
            job = notice(job, event, now=self._now())
        self._heard = self._notices.count
        return job
