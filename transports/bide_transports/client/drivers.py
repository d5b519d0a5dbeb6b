"""The two drivers of conversations: one blocks, one awaits. All else is the same for every transport and event loop."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import TypeVar

from bide.messages import Reply, Request, Response
from bide_transports.client.seam import Ask, Conversation, InThread
from bide_transports.clock import Clock
from bide_transports.sinks import Into
from bide_transports.sources import Content
from bide_transports.tapes import AsyncClock, AsyncExchange, AsyncFileExchange, Exchange, FileExchange

T = TypeVar("T")

_LARGE = 65536  # bytes of a reply, which take some milliseconds at the worst


def drive(talk: Conversation[T], exchange: FileExchange, clock: Clock) -> T:
    """Drive a conversation to its end; blocks."""
    try:
        while (step := talk.next(now=clock.now())) is not None:
            if isinstance(step, Ask):
                talk.receive(exchange(step.request, step.into, step.content), now=clock.now())
            else:
                clock.sleep_until(step.until)
    except BaseException as error:
        talk.interrupted(error)
        raise
    return talk.outcome()


async def drive_async(talk: Conversation[T], exchange: AsyncFileExchange, clock: AsyncClock, in_thread: InThread) -> T:
    """Drive a conversation to its end, on the event loop that `clock` and `in_thread` are of.

    A large reply is read in a thread, while other tasks go on; no cancellation loses it.
    """
    try:
        while (step := talk.next(now=clock.now())) is not None:
            if isinstance(step, Ask):
                receive = _receiving(talk, await exchange(step.request, step.into, step.content), clock.now())
                if receive is not None:
                    await in_thread(receive)
            else:
                until, name = step
                del step  # thousands may sleep here
                await clock.sleep_until(until, name)
    except BaseException as error:
        talk.interrupted(error)
        raise
    return talk.outcome()


def _receiving(talk: Conversation[object], reply: Reply, now: float) -> partial[None] | None:
    """What is left for a thread to do with a large reply; a small one is received at once."""
    if isinstance(reply, Response) and len(reply.body) > _LARGE:
        return partial(talk.receive, reply, now=now)
    talk.receive(reply, now=now)
    return None


def of_jobs(exchange: Exchange) -> FileExchange:
    """An exchange that takes no files, for a job, which has none."""

    def sent(request: Request, into: Into | None = None, content: Content | None = None) -> Reply:  # noqa: ARG001
        return exchange(request)

    return sent


def of_jobs_async(exchange: AsyncExchange) -> AsyncFileExchange:
    """The same where it is awaited."""

    def sent(request: Request, into: Into | None = None, content: Content | None = None) -> Awaitable[Reply]:  # noqa: ARG001
        return exchange(request)

    return sent
