"""The conversations: a job until it is enough, a file that is fetched, a file that is sent.

Each wraps the frozen states of the core, and tells of every new one by `note`: the journal, the quota, the advice and
the caller's own progress hang on that, once for all clients. Before each request there is one wait, even where it is
due at once, so that whoever drives several of them lets the others have their turn.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Protocol

from typing_extensions import Self

import bide
from bide.download import Downloading
from bide.intake import is_over
from bide.messages import Reply
from bide.steering import before_sending, cut_short
from bide.upload import Uploading
from bide_transports.client.seam import Ask, Step, T, T_co, Wait
from bide_transports.sinks import Into
from bide_transports.sources import Content
from bide_transports.tapes import Hearing, deaf


def _nobody(_: object) -> None:
    """Is told."""


class LocalFile(Protocol[T_co]):
    """A file on this side, open while it is fetched or sent: a `Part` or a `Sending`."""

    @property
    def state(self) -> Any:
        """Its transfer before the next request."""
        ...

    @property
    def into(self) -> Into | None:
        """What takes the file that comes."""
        ...

    @property
    def content(self) -> Content | None:
        """The file that goes, from its first byte on."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def receive(self, reply: Reply, *, now: float) -> Any:
        """The state after `reply`."""
        ...

    def tell(self, state: Any) -> None:
        """Tell the caller of a state."""
        ...

    def finish(self, end: Any) -> T_co:
        """What the file is called where it is now; raises where it is not there."""
        ...


class JobConversation:
    """A job until it is `enough`; `job` is its last state, and `count` says how many there were.

    `listen` says what notices make of it meanwhile; `note` is told of each new state; `left`, of the last one and of
    what has cut the wait short, for the state to go on from.
    """

    __slots__ = ("_enough", "_is_asked", "_is_due", "_left", "_listen", "_note", "_told", "count", "job")

    def __init__(
        self,
        job: bide.Job,
        *,
        enough: Callable[[bide.Job], bool] = is_over,
        listen: Hearing = deaf,
        note: Callable[[bide.Job], object] = _nobody,
        left: Callable[[bide.Job, BaseException], bide.Job] | None = None,
    ) -> None:
        self.job, self.count = job, 0
        self._enough, self._listen, self._note, self._left = enough, listen, note, left
        self._told = 0
        self._is_due = self._is_asked = False

    def begin(self, job: bide.Job, listen: Hearing) -> None:
        """Go on from `job`, as it was taken up."""
        self.job, self._listen = job, listen

    def next(self, *, now: float) -> Step | None:
        """The wait until it is due, then its request; None when it is enough."""
        self.tell()
        if not isinstance(self.job, bide.Waiting) or self._enough(self.job):
            return None
        self.job = job = self._listen(self.job)
        if not self._is_due or now < job.due:
            self._is_due = True
            return Wait(job.due, job.handle)
        ready: bide.Job = job
        if self._is_asked:  # and whoever drove it was cut short
            ready = cut_short(job, now=now)
        if isinstance(ready, bide.Waiting):
            ready = before_sending(ready, now=now)
        if not isinstance(ready, bide.Waiting):
            self._comes_to(ready)
            self.tell()
            return None
        self.job, self._is_asked = ready, True
        return Ask(ready.request)

    def receive(self, reply: Reply, *, now: float) -> None:
        """The state after `reply`."""
        if isinstance(self.job, bide.Waiting):
            self._comes_to(self.job.receive(reply, now=now))

    def tell(self) -> None:
        """Tell of a new state, if there is one."""
        if self._told != self.count:
            self._told = self.count
            self.job = self._listen(self.job)
            self._note(self.job)

    def interrupted(self, error: BaseException) -> None:
        """Tell whoever keeps the jobs whose wait was cut short; `job` is the state to go on from then."""
        if self._left is not None:
            self.job = self._left(self.job, error)

    def outcome(self) -> bide.Job:
        """The last state."""
        return self.job

    def _comes_to(self, job: bide.Job) -> None:
        self.job, self._is_due, self._is_asked = job, False, False
        self.count += 1


class OneStep:
    """A conversation about a job until its next state: whoever follows it has the last one in hand."""

    __slots__ = ("_count", "_talk")

    def __init__(self, talk: JobConversation) -> None:
        self._talk, self._count = talk, talk.count

    def next(self, *, now: float) -> Step | None:
        """What is to be done for it; None once it is there."""
        if self._talk.count == self._count:
            return self._talk.next(now=now)
        self._talk.tell()
        return None

    def receive(self, reply: Reply, *, now: float) -> None:
        """The next state."""
        self._talk.receive(reply, now=now)

    def interrupted(self, error: BaseException) -> None:
        """The last state still stands."""

    def outcome(self) -> bide.Job:
        """The next state."""
        return self._talk.job


class TransferConversation(Generic[T]):
    """One file on its way to disk or to the service; `begin` opens what is here of it once its turn has come."""

    __slots__ = ("_after", "_begin", "_end", "_file", "_is_due", "_note")

    def __init__(self, begin: Callable[[], LocalFile[T]], note: Callable[[Any], object]) -> None:
        self._begin, self._note = begin, note
        self._file: LocalFile[T] | None = None
        self._after: Any = None
        self._end: tuple[T] | None = None
        self._is_due = False

    def next(self, *, now: float) -> Step | None:  # noqa: ARG002  whatever it is
        """The wait until it is due, then its request; None once the file is where it shall be."""
        file = self._file
        if file is None:
            file = self._file = self._begin().__enter__()
            self._after = file.state
        elif self._after is not None:
            file.tell(self._after)
            self._note(self._after)
        after, self._after = self._after, None
        if after is not None and not isinstance(after, Downloading | Uploading):
            self._end = (file.finish(after),)
            self._close()
        if self._end is not None:
            return None
        if not self._is_due:  # nobody wakes it before
            self._is_due = True
            return Wait(file.state.due)
        return Ask(file.state.request, file.into, file.content)

    def receive(self, reply: Reply, *, now: float) -> None:
        """The state after `reply`."""
        if self._file is not None:
            self._after, self._is_due = self._file.receive(reply, now=now), False

    def interrupted(self, error: BaseException) -> None:  # noqa: ARG002  whatever it is
        """What has come stays where it is."""
        self._close()

    def outcome(self) -> T:
        """What the file is called there."""
        if self._end is None:
            raise AssertionError("it is not over")
        return self._end[0]

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.__exit__(None, None, None)
