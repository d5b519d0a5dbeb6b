"""bide over requests: `exchange` sends one request, `follow` and `run` drive a job, `Client` is for people.

    with Client(key) as client:
        result = client.run("flux-1.1-pro", {"prompt": "a fox"})
        paths = client.save(result, "pictures")

Everything that decides is in the core; a blocking driver is the five lines of `follow`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

import requests
from typing_extensions import Self

import bide
from bide.data_urls import is_data
from bide.document import JSONInput
from bide.download import Download, Downloading
from bide.errors import SaveError
from bide.faults import carried
from bide.handles import shown
from bide.intake import JobOrHandle, is_acknowledged, is_cancel_settled, is_known, is_over
from bide.messages import Reply, Request
from bide.patience import NEVER_AGAIN
from bide.secret import NoKey, Secret
from bide.steering import before_sending
from bide.upload import Upload, Uploading
from bide_transports.arguments import check_clock, check_kind, to_path
from bide_transports.bounded import close_idle
from bide_transports.clock import Clock, SystemClock
from bide_transports.desk import Begin, Desk, OnTimeout
from bide_transports.disk import Note
from bide_transports.requests_exchange import bare_session, exchange, own_session
from bide_transports.sinks import Into
from bide_transports.sources import UploadNote, local_name
from bide_transports.tapes import Exchange, FileLane, Hearing, Lane, Tape, deaf

__all__ = ["Client", "Exchange", "Interrupted", "exchange", "follow", "run"]


def follow(job: bide.Job, exchange: Exchange, clock: Clock, listener: Hearing = deaf) -> Iterator[bide.Job]:
    """Each state of `job` on its way to the end, itself first; blocks between them.

    `listener` says what notices make of it meanwhile; a clock may wake early for one.
    """
    yield job
    while isinstance(job, bide.Waiting):
        job = listener(job)
        clock.sleep_until(job.due)
        if (now := clock.now()) >= job.due:
            job = before_sending(job, now=now)
            if isinstance(job, bide.Waiting):
                job = listener(job.receive(exchange(job.request), now=clock.now()))
            yield job


def run(job: bide.Job, exchange: Exchange, clock: Clock, listener: Hearing = deaf) -> bide.Finished:
    """The last state of `job`; blocks until it is reached."""
    return cast("bide.Finished", deque(follow(job, exchange, clock, listener), maxlen=1).pop())


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


class Client(Desk):
    """Runs and waits for jobs with one key, in as many threads as there are jobs; a context manager.

    Threads may share it: exchanges go on side by side, and what is noted of them is noted in turn. Each thread iterates
    over a `follow` of its own, and a session of the caller's is not changed meanwhile. A process that is forked off
    makes a client of its own.

    `session` is the caller's own, with its proxies and CA settings; it is left open. In place of an adapter of
    requests' own class, a `BoundedAdapter` sends; one of another class is used as it is. `unfinished` holds the last
    state of every job whose wait was cut short, by an interrupt, an exit or a full disk, until its end is known, and of
    1000 at most: keep `bide.dump` of it, or wait on. Raises `InvalidKey`, also without a key where the service wants
    one, and `InvalidSetting`.
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
        session: requests.Session | None = None,
        clock: Clock | None = None,
        tape: Tape | None = None,
    ) -> None:
        key = Secret.hidden(key)
        check_clock(clock, awaits=False)
        check_kind("session", session, requests.Session, "a requests.Session")
        self.clock: Clock = SystemClock() if clock is None else clock
        super().__init__(key, dialect, pace, patience, self.clock.now, journal, on_timeout, tape)
        self._own = session is None
        self._api = own_session() if session is None else session
        self._storage = bare_session(self._api)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the journal; a session of the caller's stays open."""
        if self._own:
            self._api.close()
        close_idle(self._api)
        self._close_journal()

    def exchange(self, request: Request, into: Into | None = None, content: BinaryIO | None = None) -> Reply:
        """Send one request, with the key only where it belongs."""
        session = self._api if self._is_at_home(request) else self._storage
        credential = self._credential(request)
        reply = exchange(request, session=session, credential=credential, into=into, content=content)
        return self._scrubbed(reply, into)

    def follow(self, job: JobOrHandle) -> Iterator[bide.Job]:
        """Each state of a job on its way to the end, given as an id or a job."""
        return self._following(self.watch(job))

    def _following(self, job: bide.Job) -> Iterator[bide.Job]:
        lane = self._lane(job)
        for state in follow(*lane):
            try:
                self._note(state)
            except SaveError:  # the journal's: what is written down nowhere must be handed out
                yield state
                raise
            yield state

    def run(self, model: str, input: Mapping[str, JSONInput]) -> bide.Result:  # noqa: A002
        """Submit, wait and return the result; raises the `JobError` that fits, or `Interrupted`."""
        return self.wait(self.prepare(model, input))

    def wait(self, job: JobOrHandle) -> bide.Result:
        """Wait for a job, given as an id or a job; raises the `JobError` that fits, or `Interrupted`."""
        state = self._until(is_over, job)
        leaving = self.overdue(state)
        if leaving is not None:
            settled = self._until(is_cancel_settled, leaving)
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
        return self._until(is_acknowledged, self.prepare(model, input, webhook_url=webhook_url))

    def cancel(self, job: JobOrHandle) -> bide.Job:
        """Ask for a job to be ended and return what came of it.

        `Cancelled` when it worked; `Completed` when the job was faster, its result in hand; `Polling` when
        the service refused and the job goes on (its trace tells).
        """
        return self._until(is_cancel_settled, self.cancelling(job))

    def result(self, job: JobOrHandle) -> bide.Result:
        """The result of a job that has completed; raises `JobUnfinished` when it is not over yet."""
        return bide.unwrap(self._until(is_known, self._asked_about(job)))

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
        return self._settled(result, [self._save(*way) for way in ways])

    def _lane(self, job: JobOrHandle) -> Lane:
        """The job as it begins, and what it is followed by: this client itself, or a tape."""
        begun = Lane(self._begin(job), self.exchange, self.clock)
        return begun if self._tape is None else self._tape.lane(begun.job, begun.exchange, begun.clock)

    def _file_lane(self, file: str) -> FileLane:
        """What a file is fetched or sent by: this client itself, or a tape."""
        lane = FileLane(self._intake.dialect, self.exchange, self.clock)
        return lane if self._tape is None or is_data(file) else self._tape.file_lane(file, lane)

    def _save(self, lane: FileLane, begin: Begin) -> Path | SaveError:
        try:
            with begin(lane) as part:
                state: Download = part.state
                while isinstance(state, Downloading):
                    lane.clock.sleep_until(state.due)
                    reply = lane.exchange(state.request, part.into)
                    state = part.receive(reply, now=lane.clock.now())
                    self._note(state)
                return part.finish(state)
        except SaveError as error:
            return error

    def upload(self, path: str | Path, *, content_type: str | None = None, note: UploadNote = lambda _: None) -> str:
        """Upload a local file and return its reference, to give a job as input.

        The media type is told from the name unless given as `content_type`. `note` is told of each state of the upload,
        and with every 256 KiB. Raises `UploadError` for a file that cannot be read or that the service does not take,
        `NotOffered` where it takes none. Nothing is paid for: upload it again.
        """
        lane = self._file_lane(local_name(to_path("path", path)))
        with self._sending(path, lane, content_type=content_type, note=note) as sending:
            state: Upload = sending.state
            while isinstance(state, Uploading):
                lane.clock.sleep_until(state.due)
                reply = lane.exchange(state.request, content=sending.content)
                state = sending.receive(reply, now=lane.clock.now())
                self._note(state)
            return sending.finish(state)

    def _until(self, enough: Callable[[bide.Job], bool], job: JobOrHandle) -> bide.Job:
        state = self.watch(job)
        try:
            for state in follow(*self._lane(state)):  # noqa: B020  the last state must outlive whatever ends this
                self._note(state)
                if enough(state):
                    break
        except KeyboardInterrupt as interrupt:
            raise Interrupted(self._left(state, interrupt)) from None
        except BaseException as error:
            self._left(state, error)
            raise
        return state
