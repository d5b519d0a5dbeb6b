"""The client that awaits, over whatever sends one request, on any event loop."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol

from typing_extensions import Self

import bide
from bide.data_urls import is_data
from bide.document import JSONInput
from bide.errors import BideError
from bide.handles import is_called
from bide.intake import JobOrHandle, is_acknowledged, is_cancel_settled, is_known, is_over
from bide.messages import Reply, Request
from bide.notices import Listener
from bide.secret import Credential, NoKey, Secret
from bide_transports.arguments import check_kind, to_path
from bide_transports.client.conversations import JobConversation, OneStep
from bide_transports.client.core import Begin, Core, OnTimeout
from bide_transports.client.drivers import drive_async, of_jobs_async
from bide_transports.client.seam import InThread, Runtime
from bide_transports.disk import Note
from bide_transports.sinks import Into
from bide_transports.sources import UploadNote, local_name
from bide_transports.tapes import AsyncClock, AsyncExchange, AsyncFileLane, AsyncLane, Tape


class AsyncSend(Protocol):
    """An adapter: sends one request over an HTTP library, and answers with the reply, or with why there is none."""

    async def __call__(
        self,
        request: Request,
        credential: Credential,
        into: Into | None,
        content: AsyncIterable[bytes] | None,
        *,
        home: bool,
    ) -> Reply:
        """As `Send` does."""
        ...


class Following:
    """Each state of a job on its way to the end, itself first: an async iterator.

    It is no generator: there is nothing to close, whether it is left early, cancelled or forgotten. `job` is
    the last state, to go on from.
    """

    def __init__(self, talk: JobConversation, exchange: AsyncExchange, clock: AsyncClock, in_thread: InThread) -> None:
        self._talk, self._exchange, self._clock, self._in_thread = talk, of_jobs_async(exchange), clock, in_thread
        self._begun = False

    @property
    def job(self) -> bide.Job:
        """The last state."""
        return self._talk.job

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bide.Job:
        if self._begun:
            if not isinstance(self.job, bide.Waiting):
                raise StopAsyncIteration
            await drive_async(OneStep(self._talk), self._exchange, self._clock, self._in_thread)
        self._begun = True
        return self.job


class AsyncClient(Core):
    """Runs and waits for jobs with one key, in as many tasks as there are jobs; an async context manager.

    `send` is the adapter of an HTTP library, `runtime` the event loop, on which alone it is used. A process that is
    forked off makes a client of its own. `unfinished` holds the last state of every job whose wait was cut short, by an
    interrupt, a cancellation or a full disk, until its end is known, and of 1000 at most: keep `bide.dump` of it, or
    wait on. Raises `InvalidKey`, also without a key where the service wants one, and `InvalidSetting`.
    """

    def __init__(
        self,
        key: str | Secret | NoKey | None = None,
        *,
        send: AsyncSend,
        runtime: Runtime,
        dialect: bide.Dialect | str = bide.ModelRoute(),
        pace: bide.Pace | float = bide.Growing(),
        patience: bide.Patience | float = bide.Patience(),
        journal: str | Path | None = None,
        on_timeout: OnTimeout = "detach",
        tape: Tape | None = None,
    ) -> None:
        key = Secret.hidden(key)
        super().__init__(key, dialect, pace, patience, runtime.now, journal, on_timeout, tape)
        self._send, self._runtime, self._in_thread = send, runtime, runtime.in_thread

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the journal."""
        self._close_journal()

    async def exchange(
        self, request: Request, into: Into | None = None, content: AsyncIterable[bytes] | None = None
    ) -> Reply:
        """Send one request, with the key only where it belongs."""
        credential = self._credential(request)
        reply = await self._send(request, credential, into, content, home=self._is_home(request))
        return self._scrubbed(reply, into)

    def follow(self, job: JobOrHandle) -> Following:
        """Each state of a job on its way to the end, given as an id or a job; an async iterator."""
        talk = JobConversation(self.watch(job), note=self._note)
        lane = self._begun(talk, self._lane)
        return Following(talk, lane.exchange, lane.clock, self._in_thread)

    async def run(self, model: str, input: Mapping[str, JSONInput]) -> bide.Result:  # noqa: A002
        """Submit, wait and return the result; raises the `JobError` that fits."""
        return await self.wait(self.prepare(model, input))

    async def wait(self, job: JobOrHandle) -> bide.Result:
        """Wait for a job, given as an id or a job; raises the `JobError` that fits."""
        state = await self._driven(job, is_over)
        leaving = self.overdue(state)
        if leaving is not None:
            settled = await self._driven(leaving, is_cancel_settled)
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
        return await self._driven(self.prepare(model, input, webhook_url=webhook_url), is_acknowledged)

    def notify(self, event: bide.Notice) -> None:
        """Take a verified notice: the job it is about looks at once, as soon as it is waited for here.

        Call it in the event loop's own thread.
        """
        check_kind("event", event, bide.Notice, "the notice that `verify` made of a webhook")
        self._notices.take(event, now=self._now())
        self._runtime.wake(lambda handle: is_called(handle, event.handle))

    async def cancel(self, job: JobOrHandle) -> bide.Job:
        """Ask for a job to be ended and return what came of it.

        `Cancelled` when it worked; `Completed` when the job was faster, its result in hand; `Polling` when
        the service refused and the job goes on (its trace tells).
        """
        return await self._driven(self.cancelling(job), is_cancel_settled)

    async def result(self, job: JobOrHandle) -> bide.Result:
        """The result of a job that has completed; raises `JobUnfinished` when it is not over yet."""
        return bide.unwrap(await self._driven(self._asked_about(job), is_known))

    async def save(
        self, result: bide.Result, directory: str | Path, *, overwrite: bool = False, note: Note = lambda _: None
    ) -> list[Path]:
        """Save the result's files into `directory` under their own ids, several at a time, and return the paths.

        An existing file is replaced only to `overwrite` it. `note` is told of each state of each download, and with
        every 256 KiB. Raises `SaveError` once all files have been tried, also for what is `refused`; the result
        stays at the service. What has come of a file is kept beside its place: save again, in another process if need
        be, and the rest is fetched.
        """
        parts = self._parts(result, directory, overwrite=overwrite, note=note)
        ways = [partial(self._fetched, self._file_lane(file), begin) for file, begin in parts]
        return self._settled(result, await self._runtime.several(ways))

    async def _fetched(self, lane: AsyncFileLane, begin: Begin) -> Path | BideError:
        try:
            return await drive_async(self._fetching(lane, begin), lane.exchange, lane.clock, self._in_thread)
        except BideError as error:  # of this file: it does not end the others'
            return error

    async def upload(
        self, path: str | Path, *, content_type: str | None = None, note: UploadNote = lambda _: None
    ) -> str:
        """Upload a local file and return its reference, to give a job as input.

        The media type is told from the name unless given as `content_type`. `note` is told of each state of the upload,
        and with every 256 KiB. Raises `UploadError` for a file that cannot be read or that the service does not take,
        `NotOffered` where it takes none. Nothing is paid for: upload it again.
        """
        lane = self._file_lane(local_name(to_path("path", path)))
        talk = self._sending(path, lane, content_type=content_type, note=note)
        return await drive_async(talk, lane.exchange, lane.clock, self._in_thread)

    async def _driven(self, job: JobOrHandle, enough: Callable[[bide.Job], bool]) -> bide.Job:
        talk = self._until(job, enough)
        _, exchange, clock, _ = self._begun(talk, self._lane)  # taken apart: it would keep the first state to the last
        sends = self.exchange if self._tape is None else of_jobs_async(exchange)
        return await drive_async(talk, sends, clock, self._in_thread)

    def _lane(self, job: bide.Job) -> AsyncLane:
        """What the job is followed by: this client itself, or a tape."""
        begun = AsyncLane(job, self.exchange, self._runtime, Listener(self._notices, job, self._now))
        return begun if self._tape is None else self._tape.async_lane(*begun)

    def _file_lane(self, file: str) -> AsyncFileLane:
        """What a file is fetched or sent by: this client itself, or a tape."""
        lane = AsyncFileLane(self._intake.dialect, self.exchange, self._runtime)
        return lane if self._tape is None or is_data(file) else self._tape.async_file_lane(file, lane)
