"""Files over trio: one fetched, one sent, several at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio

from bide.download import Download, Downloading
from bide.errors import BideError
from bide.upload import Upload, Uploading
from bide_transports.desk import Begin
from bide_transports.sources import Sending
from bide_transports.tapes import AsyncFileLane
from bide_transports.trio_reading import received

T = TypeVar("T")

_FILES = 32  # at once, each with its part open; the pool bounds the connections among them


async def fetched(lane: AsyncFileLane, begin: Begin, note: Callable[[Download], None]) -> Path | BideError:
    """Where a file is on disk now, or why it is not there: raised at once, it would cut the other files short."""
    try:
        with begin(lane) as part:
            state: Download = part.state
            while isinstance(state, Downloading):
                await lane.clock.sleep_until(state.due)
                reply = await lane.exchange(state.request, part.into)
                state = await received(partial(part.receive, now=lane.clock.now()), reply)
                note(state)
            return part.finish(state)
    except BideError as error:
        return error


async def send(lane: AsyncFileLane, sending: Sending, note: Callable[[Upload], None]) -> str:
    """The reference of a file that is at the service now."""
    state: Upload = sending.state
    while isinstance(state, Uploading):
        await lane.clock.sleep_until(state.due)
        reply = await lane.exchange(state.request, content=sending.content)
        state = await received(partial(sending.receive, now=lane.clock.now()), reply)
        note(state)
    return sending.finish(state)


async def each(files: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """What each of `files` comes to, in their order."""
    if len(files) == 1:  # without a nursery, which would put an interrupt into a group
        return [await files[0]()]
    outcomes: dict[int, T] = {}
    limit = trio.Semaphore(_FILES)

    async def one(place: int) -> None:
        async with limit:
            outcomes[place] = await files[place]()

    async with trio.open_nursery() as nursery:
        for place in range(len(files)):
            nursery.start_soon(one, place)
    return [outcomes[place] for place in range(len(files))]
