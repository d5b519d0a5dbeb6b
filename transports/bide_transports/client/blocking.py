"""The client that blocks, over whatever sends one request and waits for its reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, cast

from typing_extensions import Self

import bide
from bide.data_urls import is_data
from bide.document import JSONInput
from bide.errors import BideError, SaveError
from bide.faults import carried
from bide.handles import shown
from bide.intake import JobOrHandle, is_acknowledged, is_cancel_settled, is_known, is_over
from bide.messages import Reply, Request
from bide.patience import NEVER_AGAIN
from bide.secret import Credential, NoKey, Secret
from bide_transports.arguments import check_clock, to_path
from bide_transports.client.conversations import JobConversation, OneStep
from bide_transports.client.core import Begin, Core, OnTimeout
from bide_transports.client.drivers import drive, of_jobs
from bide_transports.clock import Clock, SystemClock
from bide_transports.disk import Note
from bide_transports.sinks import Into
from bide_transports.sources import UploadNote, local_name
from bide_transports.tapes import Exchange, FileLane, Hearing, Lane, Tape, deaf


class Send(Protocol):
    """An adapter: sends one request over an HTTP library, and answers with the reply, or with why there is none."""

    def __call__(
        self, request: Request, credential: Credential, into: Into | None, content: BinaryIO | None, *, home: bool
    ) -> Reply:
        """The reply to `request`, within its limits of time and size, sent with the header lines of `credential` added.

        A body that `into` gives a sink for goes there; `content` is the request's body where it is a file. Only what
        goes `home`, to the API's own origin, may carry anything of the caller's own session.
        """
        ...


class Interrupted(KeyboardInterrupt):
    """Waiting was interrupted. The job goes on at the service: `job` is where to resume from.

    Of a submission that is not to be sent again, `job` has ended as `Abandoned`: look for it at the service.
    """

    def __init__(self, job: bide.Job) -> None:
        name = f"job {shown(job.handle)}" if job.handle else "the submission"
        if isinstance(job, bide.Abandoned) and job.reason in NEVER_AGAIN:
            after = (
                f"{job.reason.value}: look for the job at the service before you submit it anew, which could be paid "
                "for twice"
            )
        else:
            after = (
                f"{name} may go on at the service: keep bide.dump(error.job) and go on with "
                "client.wait(client.resume(token))"
            )
        super().__init__(f"waiting was interrupted; {after}")
        self.job = job

    def __reduce__(self) -> tuple[Any, ...]:
        return carried(self)


def follow(job: bide.Job, exchange: Exchange, clock: Clock, listener: Hearing = deaf) -> Iterator[bide.Job]:
    """Each state of `job` on its way to the end, itself first; blocks between them.

    `listener` says what notices make of it meanwhile; a clock may wake early for one.
    """
    yield from _states(JobConversation(job, listen=listener), exchange, clock)


def _states(talk: JobConversation, exchange: Exchange, clock: Clock) -> Iterator[bide.Job]:
    yield talk.job
    while isinstance(talk.job, bide.Waiting):
        count = talk.count
        try:
            drive(OneStep(talk), of_jobs(exchange), clock)
        except SaveError:  # the journal's: what is written down nowhere must be handed out
            if talk.count != count:
                yield talk.job
            raise
        yield talk.job


def run(job: bide.Job, exchange: Exchange, clock: Clock, listener: Hearing = deaf) -> bide.Finished:
    """The last state of `job`; blocks until it is reached."""
    return cast("bide.Finished", drive(JobConversation(job, listen=listener), of_jobs(exchange), clock))


class Client(Core):
    """Runs and waits for jobs with one key, in as many threads as there are jobs; a context manager.

    `send` is the adapter of an HTTP library. Threads may share a client: exchanges go on side by side, and what is
    noted of them is noted in turn. Each thread iterates over a `follow` of its own. A process that is forked off makes
    a client of its own. `unfinished` holds the last state of every job whose wait was cut short, by an interrupt, an
    exit or a full disk, until its end is known, and of 1000 at most: keep `bide.dump` of it, or wait on. Raises
    `InvalidKey`, also without a key where the service wants one, and `InvalidSetting`.
    """

    def __init__(
        self,
        key: str | Secret | NoKey | None = None,
        *,
        send: Send,
        dialect: bide.Dialect | str = bide.ModelRoute(),
        pace: bide.Pace | float = bide.Growing(),
        patience: bide.Patience | float = bide.Patience(),
        journal: str | Path | None = None,
        on_timeout: OnTimeout = "detach",
        clock: Clock | None = None,
        tape: Tape | None = None,
    ) -> None:
        key = Secret.hidden(key)
        check_clock(clock, awaits=False)
        self.clock: Clock = SystemClock() if clock is None else clock
        super().__init__(key, dialect, pace, patience, self.clock.now, journal, on_timeout, tape)
        self._send = send

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the journal."""
        self._close_journal()

    def exchange(self, request: Request, into: Into | None = None, content: BinaryIO | None = None) -> Reply:
        """Send one request, with the key only where it belongs."""
        credential = self._credential(request)
        reply = self._send(request, credential, into, content, home=self._is_home(request))
        return self._scrubbed(reply, into)

    def follow(self, job: JobOrHandle) -> Iterator[bide.Job]:
        """Each state of a job on its way to the end, given as an id or a job."""
        return self._following(JobConversation(self.watch(job), note=self._note))

    def _following(self, talk: JobConversation) -> Iterator[bide.Job]:
        lane = self._begun(talk, self._lane)
        yield from _states(talk, lane.exchange, lane.clock)

    def run(self, model: str, input: Mapping[str, JSONInput]) -> bide.Result:  # noqa: A002
        """Submit, wait and return the result; raises the `JobError` that fits, or `Interrupted`."""
        return self.wait(self.prepare(model, input))

    def wait(self, job: JobOrHandle) -> bide.Result:
        """Wait for a job, given as an id or a job; raises the `JobError` that fits, or `Interrupted`."""
        state = self._driven(self._until(job, is_over))
        leaving = self.overdue(state)
        if leaving is not None:
            settled = self._driven(self._until(leaving, is_cancel_settled))
            state = settled if isinstance(settled, bide.Finished) else state
        return bide.unwrap(state)

    def submit(
        self,
        model: str,
        input: Mapping[str, JSONInput],  # noqa: A002
        *,
        webhook_url: str | None = None,
    ) -> bide.Job:
        """Submit and return as soon as the service has acknowledged the job, or refused it."""
        return self._driven(self._until(self.prepare(model, input, webhook_url=webhook_url), is_acknowledged))

    def cancel(self, job: JobOrHandle) -> bide.Job:
        """Ask for a job to be ended and return what came of it.

        `Cancelled` when it worked; `Completed` when the job was faster, its result in hand; `Polling` when
        the service refused and the job goes on (its trace tells).
        """
        return self._driven(self._until(self.cancelling(job), is_cancel_settled))

    def result(self, job: JobOrHandle) -> bide.Result:
        """The result of a job that has completed; raises `JobUnfinished` when it is not over yet."""
        return bide.unwrap(self._driven(self._until(self._asked_about(job), is_known)))

    def save(
        self, result: bide.Result, directory: str | Path, *, overwrite: bool = False, note: Note = lambda _: None
    ) -> list[Path]:
        """Save the result's files into `directory` under their own ids and return the paths.

        An existing file is replaced only to `overwrite` it. `note` is told of each state of each download, and with
        every 256 KiB. Raises `SaveError` once all files have been tried, also for what is `refused`; the result
        stays at the service. What has come of a file is kept beside its place: save again, in another process if need
        be, and the rest is fetched.
        """
        parts = self._parts(result, directory, overwrite=overwrite, note=note)
        ways = [(self._file_lane(file), begin) for file, begin in parts]
        return self._settled(result, [self._fetched(*way) for way in ways])

    def _fetched(self, lane: FileLane, begin: Begin) -> Path | BideError:
        try:
            return drive(self._fetching(lane, begin), lane.exchange, lane.clock)
        except BideError as error:  # of this file: it does not end the others'
            return error

    def upload(self, path: str | Path, *, content_type: str | None = None, note: UploadNote = lambda _: None) -> str:
        """Upload a local file and return its reference, to give a job as input.

        The media type is told from the name unless given as `content_type`. `note` is told of each state of the upload,
        and with every 256 KiB. Raises `UploadError` for a file that cannot be read or that the service does not take,
        `NotOffered` where it takes none. Nothing is paid for: upload it again.
        """
        lane = self._file_lane(local_name(to_path("path", path)))
        talk = self._sending(path, lane, content_type=content_type, note=note)
        return drive(talk, lane.exchange, lane.clock)

    def _driven(self, talk: JobConversation) -> bide.Job:
        try:
            _, exchange, clock, _ = self._begun(talk, self._lane)
            return drive(talk, of_jobs(exchange), clock)
        except KeyboardInterrupt:
            raise Interrupted(talk.job) from None

    def _lane(self, job: bide.Job) -> Lane:
        """What the job is followed by: this client itself, or a tape."""
        begun = Lane(job, self.exchange, self.clock)
        return begun if self._tape is None else self._tape.lane(*begun[:3])

    def _file_lane(self, file: str) -> FileLane:
        """What a file is fetched or sent by: this client itself, or a tape."""
        lane = FileLane(self._intake.dialect, self.exchange, self.clock)
        return lane if self._tape is None or is_data(file) else self._tape.file_lane(file, lane)
