"""bide over trio: the same client with structured concurrency. HTTP/1.1 by h11 over trio streams.

    async with Client(key) as client:
        result = await client.run("flux-1.1-pro", {"prompt": "a fox"})

Many jobs are many tasks in the caller's own nursery; they share the client's connections. A cancelled wait
leaves the connections sound and the job in `Client.unfinished`, to be resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType

import trio
from typing_extensions import Self

import bide
from bide.data_urls import is_data
from bide.document import JSONInput
from bide.errors import InvalidSetting
from bide.handles import is_called
from bide.intake import JobOrHandle, is_acknowledged, is_cancel_settled, is_known, is_over
from bide.messages import Reply, Request
from bide.notices import Listener
from bide.secret import NoKey, Secret
from bide.steering import before_sending
from bide_transports.arguments import check_clock, check_kind, to_path
from bide_transports.desk import Desk, OnTimeout
from bide_transports.disk import Note
from bide_transports.sinks import Into
from bide_transports.sources import UploadNote, local_name
from bide_transports.tapes import AsyncClock, AsyncExchange, AsyncFileLane, AsyncLane, Hearing, Tape
from bide_transports.trio_clock import TrioClock
from bide_transports.trio_files import each, fetched, send
from bide_transports.trio_pool import Pool, exchange
from bide_transports.trio_reading import noted, received
from bide_transports.trio_talk import Content

__all__ = ["AsyncExchange", "Client", "Following", "Pool", "TrioClock", "exchange", "follow", "run", "step"]


async def step(
    job: bide.Waiting, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing | None = None
) -> bide.Job:
    """The state after `job`: wait until it is due, ask, receive. `listener` says what notices make of it meanwhile."""
    while True:
        if listener is not None:
            job = listener(job)
        await clock.sleep_until(job.due, job.handle)
        if clock.now() >= job.due:  # and not woken by a notice
            break
    current = before_sending(job, now=clock.now())
    if not isinstance(current, bide.Waiting):
        return current
    reply = await exchange(job.request)
    after = await received(partial(job.receive, now=clock.now()), reply)
    return after if listener is None else listener(after)


class Following:
    """Each state of a job on its way to the end, itself first: an async iterator.

    It is no generator: there is nothing to close, whether it is left early, cancelled or forgotten. `job` is
    the last state, to go on from.
    """

    def __init__(
        self,
        job: bide.Job,
        exchange: AsyncExchange,
        clock: AsyncClock,
        note: Callable[[bide.Job], None],
        listener: Hearing | None = None,
    ) -> None:
        self.job = job
        self._exchange, self._clock, self._note, self._listener = exchange, clock, note, listener
        self._begun = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bide.Job:
        if self._begun:
            if not isinstance(self.job, bide.Waiting):
                raise StopAsyncIteration
            self.job = await step(self.job, self._exchange, self._clock, self._listener)
            self._note(self.job)
        self._begun = True
        return self.job


def follow(
    job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, *, note: Callable[[bide.Job], None] = lambda _: None
) -> Following:
    """Each state of `job` on its way to the end, itself first; `note` is told of each new one."""
    return Following(job, exchange, clock, note)


async def run(job: bide.Job, exchange: AsyncExchange, clock: AsyncClock) -> bide.Finished:
    """The last state of `job`."""
    while isinstance(job, bide.Waiting):
        job = await step(job, exchange, clock)
    return job


class Client(Desk):
    """Runs and waits for jobs with one key, in as many tasks as there are jobs; an async context manager.

    Make it inside `trio.run`, and use it there alone: in another run, which is another thread's, its calls are an
    `InvalidSetting`. A process that is forked off makes a client of its own.
    `pool` is the caller's own, with its trust and bounds; it is left open. `unfinished` holds the last state of every
    job whose wait was cut short, by an interrupt, a cancellation or a full disk, until its end is known, and of 1000 at
    most: keep `bide.dump` of it, or wait on. Raises `InvalidKey`, also without a key where the service wants one, and
    `InvalidSetting`.
    """

    def __init__(
        self,
        key: str | Secret | NoKey | None = None,
        *,
        dialect: bide.Dialect | str = bide.ModelRoute(),
        pace: bide.Pace | float = bide.Growing(),
        patience: bide.Patience | float = bide.Patience(),
        journal: str | Path | None = None,
        on_timeout: OnTimeout = "detach",
        pool: Pool | None = None,
        clock: TrioClock | None = None,
        tape: Tape | None = None,
    ) -> None:
        key = Secret.hidden(key)
        check_clock(clock, awaits=True)
        check_kind("pool", pool, Pool, "a Pool of bide_transports.trio")
        self._run = trio.lowlevel.current_trio_token()
        self.clock = TrioClock() if clock is None else clock
        super().__init__(key, dialect, pace, patience, self.clock.now, journal, on_timeout, tape)
        self._own, self.pool = pool is None, Pool() if pool is None else pool

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the journal and the idle connections; a pool of the caller's stays open."""
        self._close_journal()
        if self._own:
            await self.pool.aclose()

    async def exchange(self, request: Request, into: Into | None = None, content: Content = None) -> Reply:
        """Send one request, with the key only where it belongs."""
        credential = self._credential(request)
        reply = await exchange(request, pool=self.pool, credential=credential, into=into, content=content)
        return self._scrubbed(reply, into)

    def follow(self, job: JobOrHandle) -> Following:
        """Each state of a job on its way to the end, given as an id or a job; an async iterator."""
        lane = self._lane(job)
        return Following(lane.job, lane.exchange, lane.clock, self._note, lane.listener)

    async def run(self, model: str, input: Mapping[str, JSONInput]) -> bide.Result:  # noqa: A002
        """Submit, wait and return the result; raises the `JobError` that fits."""
        return await self.wait(self.prepare(model, input))

    async def wait(self, job: JobOrHandle) -> bide.Result:
        """Wait for a job, given as an id or a job; raises the `JobError` that fits."""
        state = await self._until(is_over, job)
        leaving = self.overdue(state)
        if leaving is not None:
            settled = await self._until(is_cancel_settled, leaving)
            state = settled if isinstance(settled, bide.Finished) else state
        return bide.unwrap(state)

    async def submit(
        self,
        model: str,
        input: Mapping[str, JSONInput],  # noqa: A002
        *,
        webhook_url: str | None = None,
    ) -> bide.Job:
        """Submit and return as soon as the service has acknowledged the job, or refused it."""
        return await self._until(is_acknowledged, self.prepare(model, input, webhook_url=webhook_url))

    def notify(self, event: bide.Notice) -> None:
        """Take a verified notice: the job it is about looks at once, as soon as it is waited for here.

        Call it in trio's thread (from another one by `trio.from_thread.run_sync`).
        """
        check_kind("event", event, bide.Notice, "the notice that `verify` made of a webhook")
        self._notices.take(event, now=self._now())
        self.clock.wake(lambda handle: is_called(handle, event.handle))

    async def cancel(self, job: JobOrHandle) -> bide.Job:
        """Ask for a job to be ended and return what came of it.

        `Cancelled` when it worked; `Completed` when the job was faster, its result in hand; `Polling` when
        the service refused and the job goes on (its trace tells).
        """
        return await self._until(is_cancel_settled, self.cancelling(job))

    async def result(self, job: JobOrHandle) -> bide.Result:
        """The result of a job that has completed; raises `JobUnfinished` when it is not over yet."""
        return bide.unwrap(await self._until(is_known, self._asked_about(job)))

    async def save(
        self, result: bide.Result, directory: str | Path, *, overwrite: bool = False, note: Note = lambda _: None
    ) -> list[Path]:
        """Save the result's files into `directory` under their own ids, several at a time, and return the paths.

        An existing file is replaced only to `overwrite` it. `note` is told of each state of each download, and with
        every 256 KiB. Raises `SaveError` once all files have been tried, also for what is `refused`; the result
        stays at the service. What has come of a file is kept beside its place: save again, in another process if need
        be, and the rest is fetched.
        """
        parts = self._parts(result, directory, overwrite=overwrite, note=noted(note))
        ways = [partial(fetched, self._file_lane(file), begin, self._note) for file, begin in parts]
        return self._settled(result, await each(ways))

    def _lane(self, job: JobOrHandle) -> AsyncLane:
        """The job as it begins, and what it is followed by: this client itself, or a tape."""
        state = self._begin(job)
        begun = AsyncLane(state, self.exchange, self.clock, Listener(self._notices, state, self._now))
        return begun if self._tape is None else self._tape.async_lane(*begun)

    def _file_lane(self, file: str) -> AsyncFileLane:
        """What a file is fetched or sent by: this client itself, or a tape."""
        lane = AsyncFileLane(self._intake.dialect, self.exchange, self.clock)
        return lane if self._tape is None or is_data(file) else self._tape.async_file_lane(file, lane)

    async def upload(
        self, path: str | Path, *, content_type: str | None = None, note: UploadNote = lambda _: None
    ) -> str:
        """Upload a local file and return its reference, to give a job as input.

        The media type is told from the name unless given as `content_type`. `note` is told of each state of the upload,
        and with every 256 KiB. Raises `UploadError` for a file that cannot be read or that the service does not take,
        `NotOffered` where it takes none. Nothing is paid for: upload it again.
        """
        lane = self._file_lane(local_name(to_path("path", path)))
        with self._sending(path, lane, content_type=content_type, note=noted(note)) as sending:
            return await send(lane, sending, self._note)

    def _check(self) -> None:
        super()._check()
        if trio.lowlevel.current_trio_token() is not self._run:
            raise InvalidSetting(
                "this client belongs to the trio.run that it was made in: make another one for this run, or hand "
                "the call over to the first by trio.from_thread.run"
            )

    async def _until(self, enough: Callable[[bide.Job], bool], job: JobOrHandle) -> bide.Job:
        state = self.watch(job)
        try:  # the lane is taken apart: it would keep the first state as long as the last
            state, exchange, clock, listener = self._lane(state)
            while isinstance(state, bide.Waiting) and not enough(state):
                state = await step(state, exchange, clock, listener)
                self._note(state)
        except BaseException as error:  # cancelled, interrupted, no usable proxy: the job goes on at the service
            self._left(state, error)
            raise
        return state
