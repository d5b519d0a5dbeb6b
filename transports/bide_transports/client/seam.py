"""The seam between what a client decides and what does its I/O: steps, conversations, and what drives them.

A job, a download, an upload are each a chain of requests with waits between them. A *conversation* holds one of them:
it opens no connection, reads no clock and sleeps nowhere, and says what is to be done next. Whoever drives it does
that, and nothing else (`bide_transports.client.drivers`): over any HTTP library, blocking or awaiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from bide.messages import Reply, Request
from bide_transports.sinks import Into
from bide_transports.sources import Content

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Wait(NamedTuple):
    """Ask again at `until` (seconds since the epoch), or when somebody wakes who sleeps under this `name`."""

    until: float
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Send this `request`; `into` takes a file in its reply, `content` is a file as its body."""

    request: Request
    into: Into | None = None
    content: Content | None = None


Step: TypeAlias = Wait | Ask


class Conversation(Protocol[T_co]):
    """A chain of requests with waits between them."""

    def next(self, *, now: float) -> Step | None:
        """What is to be done at `now`; None when it is over. May raise.

        An `Ask` must be carried out once it was given: what it sends may be written down as sent.
        """
        ...

    def receive(self, reply: Reply, *, now: float) -> None:
        """Take what came back, at `now`, to the last `Ask`. May raise what a disk refuses.

        Some megabytes of JSON take a second: an event loop may have a thread call this. Whom to tell is told by `next`.
        """
        ...

    def interrupted(self, error: BaseException) -> None:
        """Nobody drives it any further, because of `error`: keep what a restart needs. Never raises."""
        ...

    def outcome(self) -> T_co:
        """What has come of it."""
        ...


#: Has a thread do what takes its time; a cancellation waits for it, so that nothing that came is lost.
InThread: TypeAlias = Callable[[Callable[[], object]], Awaitable[None]]


class Runtime(Protocol):
    """An event loop, as far as whoever awaits needs it; time is in seconds since the epoch, in whole milliseconds."""

    def now(self) -> float:
        """The present instant; never goes backwards."""
        ...

    async def sleep_until(self, due: float, name: str | None = None) -> None:
        """Return at `due` or later, or when somebody wakes who sleeps under this name; lets others run in any case."""
        ...

    def wake(self, is_meant: Callable[[str], bool]) -> None:
        """Wake those whose name is meant, whether they are due or not."""
        ...

    async def in_thread(self, work: Callable[[], object]) -> None:
        """As `InThread`."""
        ...

    async def several(self, each: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """What each comes to, in their order, so many at once as the transport bears; one alone is awaited as it is."""
        ...
