"""The client without its I/O: it begins jobs, lends the key, keeps the journal and the quota, passes on advice."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import currentframe
from pathlib import Path
from threading import RLock
from typing import Literal, TypeAlias, TypeVar, get_args
from uuid import uuid4

import bide
from bide.departures import Departures
from bide.dialects.vendors import as_dialect
from bide.document import JSONInput
from bide.download import Download, download, in_hand
from bide.errors import (
    BideError,
    ForeignToken,
    InvalidHandle,
    InvalidSetting,
    NotOffered,
    PollingAdvice,
    SaveError,
    UnreadableEntry,
)
from bide.file_names import file_names
from bide.intake import Intake, JobOrHandle
from bide.messages import Reply, Request, Response
from bide.notices import Notices
from bide.pace import as_pace, either
from bide.patience import NEVER_AGAIN, as_patience
from bide.quota import merged
from bide.secret import Credential, NoKey, Secret, credential_for, is_at_home, scrubbed
from bide.steering import cut_short
from bide.tally import Tally
from bide.upload import Upload, upload
from bide_transports.arguments import check_media_type, check_methods, check_note, to_place, to_result, to_secret
from bide_transports.client.conversations import JobConversation, TransferConversation
from bide_transports.disk import Note, Part, saved, untouched
from bide_transports.journal import Journal, Unreadable
from bide_transports.sinks import Into
from bide_transports.sources import Sending, UploadNote
from bide_transports.tapes import AsyncFileLane, AsyncLane, FileLane, Lane, Tape

L = TypeVar("L", Lane, AsyncLane)
OnTimeout: TypeAlias = Literal["detach", "cancel"]
AnyLane: TypeAlias = FileLane | AsyncFileLane
#: Begins the download of a file on its lane; raises `SaveError` for one that must not be asked for.
Begin: TypeAlias = Callable[[AnyLane], Part]
_OF_A_TAPE = ("hide", "admit", "lane", "async_lane", "file_lane", "async_file_lane")
_MOST_UNFINISHED = 1000  # jobs
_FAREWELL = bide.Patience(deadline=60.0)  # for the cancellation of a job that took too long


class Core:
    """What all clients are, whatever sends for them; `now` is its clock, in seconds since the epoch.

    Without a `key`, that in the dialect's environment variable is taken; `bide.NoKey()` sends none, where a proxy adds
    it. `dialect` may be the name of a built-in one. `journal` is a file that outlives the process: each job is
    written down there before it is sent (see `resume_all`). A job whose wait times out goes on at the service, or
    is cancelled `on_timeout`. A `tape` records or replays what is waited for. A number as `pace` or `patience` is in
    seconds: `Every` so many, and the deadline. Raises `InvalidKey` for a key that is none, or missing where the service
    wants one; `InvalidSetting` for any other setting that is none; `SaveError` for a journal that cannot be kept.
    """

    def __init__(
        self,
        key: str | Secret | NoKey | None,
        dialect: bide.Dialect | str,
        pace: bide.Pace | float,
        patience: bide.Patience | float,
        now: Callable[[], float],
        journal: str | Path | None = None,
        on_timeout: OnTimeout = "detach",
        tape: Tape | None = None,
    ) -> None:
        if tape is not None and journal is not None:
            raise InvalidSetting("a job on a cassette is called otherwise than in a journal: give the one or the other")
        if on_timeout not in get_args(OnTimeout):
            raise InvalidSetting(f"on_timeout is {on_timeout!r:.60}: give 'detach' or 'cancel'")
        check_methods("tape", tape, _OF_A_TAPE, "a tape such as record(PATH) or replay(PATH)")
        path = None if journal is None else to_place("journal", journal)
        dialect = as_dialect(dialect)
        self._key = to_secret(key, dialect)
        self._tape = tape
        if tape is not None and self._key is not None:
            tape.hide(self._key.reveal())
        self._intake = Intake(dialect, as_pace(pace), as_patience(patience), any_service=tape is not None)
        self._now = now
        self._journal = None if path is None else Journal(path)
        self._on_timeout = on_timeout
        self._tally = Tally()
        self._notices = Notices()
        self.quota: bide.Quota | None = None
        self.unfinished: list[bide.Job] = []
        self.unreadable: tuple[Unreadable, ...] = ()
        self._departures = Departures()
        self._lock = RLock()  # around all that is noted, so that threads may share a client

    def prepare(
        self,
        model: str,
        input: Mapping[str, JSONInput],  # noqa: A002  the vendor's own word
        *,
        metadata: Mapping[str, JSONInput] | None = None,
        webhook_url: str | None = None,
        key: str | None = None,
        patience: bide.Patience | float | None = None,
    ) -> bide.Submitting:
        """A submission with its idempotency key made (or given as `key`), nothing sent yet.

        Keep `bide.dump` of it before following it, and not even a crash can pay twice: the service knows the key
        again, or `resume` says that nobody knows. `patience` is for this job alone. Raises `InvalidOrder`.
        """
        return self._begins(notified=webhook_url is not None).prepare(
            model,
            input,
            key=str(uuid4()) if key is None else key,
            metadata=metadata,
            webhook_url=webhook_url,
            patience=patience,
            now=self._now(),
        )

    def resume(self, job: str | bytes | bide.Job, *, patience: bide.Patience | float | None = None) -> bide.Job:
        """The job, or the job in a token, to be followed or waited for; nothing is sent yet.

        One that was given up gets a fresh deadline, and `patience` counts from now. A submission to a service that
        takes no key is not sent again from a token: it is `Abandoned` there, as ambiguous. Raises `InvalidToken`.
        """
        return self._intake.resume(job, patience=patience, now=self._now())

    def resume_all(self) -> list[bide.Job]:
        """Every job in the journal for which something is left to be done: to be waited for, its result to be saved.

        One that was given up, or whose deadline has passed meanwhile, gets a fresh deadline. An entry that cannot be
        read stays in the file and hinders no other job: it is in `unreadable` from now on, and an `UnreadableEntry`
        warning names its line. Raises `ForeignToken` for a journal of another service, all of whose jobs are its.
        """
        if self._journal is None:
            return []
        jobs, unreadable = self._journal.load(self._intake.dialect)
        self.unreadable = tuple(unreadable)
        foreign = [why for _, why in unreadable if isinstance(why, ForeignToken)]
        if foreign and not jobs:
            raise foreign[0]
        for _, why in unreadable:
            warnings.warn(str(why), UnreadableEntry, stacklevel=_depth_of_caller())
        return [self._again(job) for job in jobs]

    def forget(self, job: bide.Job | bide.Result) -> None:
        """Note in the journal that nothing is left to be done for a job; `save` does so by itself.

        Raises `InvalidHandle` for what is no job of this service and no result.
        """
        if not isinstance(job, bide.Result):
            self._intake.own(job)
        if self._journal is not None:
            self._journal.settle(job)

    def watch(self, job: JobOrHandle) -> bide.Job:
        """The job with this id, or the job itself; nothing is sent yet. Raises `InvalidHandle`."""
        return self._begins().watch(job, now=self._now())

    def cancelling(self, job: JobOrHandle) -> bide.Job:
        """The job with a cancellation asked for; nothing is sent yet. One that has ended stays as it is.

        Raises `InvalidHandle`, for a submission as well: the service has not said yet what it calls the job.
        """
        return self._intake.cancelling(job, now=self._now())

    def _asked_about(self, job: JobOrHandle) -> bide.Job:
        """The job, to be asked about once; `JobUnfinished` for a submission, which would be sent, and paid for."""
        state = self.watch(job)
        if isinstance(state, bide.Submitting):
            bide.unwrap(state)
        return state

    def _settled(self, result: bide.Result, outcomes: Sequence[Path | BideError]) -> list[Path]:
        """The paths of all files of a result; only when these are on disk is nothing left to be done for its job.

        Raises what went wrong with one of them, and for one that is not fetched.
        """
        paths = saved([*outcomes, *map(untouched, result.refused)])
        self.forget(result)
        return paths

    def _close_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def overdue(self, state: bide.Job) -> bide.Job | None:
        """The job with its cancellation to be asked for, where its wait has timed out and `on_timeout` wants that."""
        timed_out = isinstance(state, bide.Abandoned) and state.reason is bide.Reason.DEADLINE
        return self.leaving(state) if timed_out and self._on_timeout == "cancel" else None

    def leaving(self, state: bide.Job) -> bide.Job | None:
        """The job with its cancellation to be asked for, within a minute; None where it has no name, or no such call.

        Nothing is sent yet.
        """
        if state.handle is None:
            return None
        try:
            leaving = self.cancelling(self.resume(state, patience=_FAREWELL))
        except NotOffered:
            return None
        return replace(leaving, terms=state.terms)  # should it be refused, the job has the patience that it had

    def note(self, job: bide.Job) -> None:
        """Write a job down in the journal as it is, such as one that shall not be cancelled after all; `SaveError`."""
        if self._journal is not None:
            self._journal.record(job)

    def _again(self, job: bide.Job) -> bide.Job:
        job = cut_short(job, now=self._now())
        if isinstance(job, bide.Abandoned) and job.reason in NEVER_AGAIN:
            return job  # sent again it could be paid for twice
        late = isinstance(job, bide.Waiting) and job.past.deadline <= self._now()
        return self.resume(job, patience=self._intake.patience if late else None)

    def _until(self, job: JobOrHandle, enough: Callable[[bide.Job], bool]) -> JobConversation:
        """The conversation about a job, until it is enough."""
        return JobConversation(self.watch(job), enough=enough, note=self._note, left=self._left)

    def _begun(self, talk: JobConversation, lane_of: Callable[[bide.Job], L]) -> L:
        """The lane of a job that begins here; `lane_of` is the client's own, or a tape's."""
        try:
            lane = lane_of(self._begin(talk.job))
        except BaseException as error:
            talk.interrupted(error)
            raise
        talk.begin(lane.job, lane.listener)
        return lane

    def _credential(self, request: Request) -> Credential:
        """The header lines with the key, for a request to the API's own origin; none for any other.

        What a tape stands in for is not sent: it raises then.
        """
        self._check()
        if self._tape is not None:
            self._tape.admit(request)
        return () if self._key is None else credential_for(request, self._intake.dialect, self._key)

    def _is_home(self, request: Request) -> bool:
        return is_at_home(request, self._intake.dialect)

    def _scrubbed(self, reply: Reply, into: Into | None) -> Reply:
        """`reply` without the key, which some services repeat in what they say of it; a file stays as it is."""
        is_file = into is not None and isinstance(reply, Response) and reply.status in (200, 206)
        return reply if self._key is None or is_file else scrubbed(reply, self._key)

    def _begins(self, *, notified: bool = False) -> Intake:
        """How the next job is begun, after what was seen of webhooks; `notified` says that it asks for them."""
        return replace(self._intake, pace=self._notices.pace(self._intake.pace, asked=notified))

    def _begin(self, job: JobOrHandle) -> bide.Job:
        """The job, written down, and held back when another one of this key has heard that the quota is spent."""
        self._check()
        with self._lock:
            self._warn_of_unfinished()
            state = self._departures.once(self.watch(job), now=self._now())
            if isinstance(state, bide.Waiting):
                state = bide.within(state, self.quota, now=self._now())
            else:
                self.unfinished = self._others(state)
            if self._journal is not None:
                self._journal.record(state)
            if isinstance(state, bide.Submitting):  # not before it is written down: what the disk refuses is not sent
                self._departures.leaves(state)
            return state

    def _check(self) -> None:
        """Raise `SaveError` where the journal is another process's, before anything is locked or sent."""
        if self._journal is not None:
            self._journal.check()

    def _note(self, state: bide.Job | Download | Upload) -> None:
        """Remember what was said of the quota and whether an end was told, and count each polled job of a day once.

        What a restart needs of a job is written down first.
        """
        self._check()
        with self._lock:
            if self._journal is not None and isinstance(state, bide.Waiting | bide.Finished):
                self._journal.record(state)
            self.quota = merged(self.quota, state.past.quota)
            if isinstance(state, bide.Submitting):
                self._departures.leaves(state)
            if isinstance(state, bide.Finished):
                self._notices.judge(state)
                self.unfinished = self._others(state)
            self._count(state)

    def _count(self, state: bide.Job | Download | Upload) -> None:
        if isinstance(state, bide.Polling) and state.past.polls and not isinstance(state.terms.pace, bide.Sparse):
            advice = self._tally.count(state.handle, self._intake.dialect.advice, now=self._now())
            if advice:
                warnings.warn(advice, PollingAdvice, stacklevel=_depth_of_caller())

    def _warn_of_unfinished(self) -> None:
        """Tell that `unfinished` is full before anything falls out."""
        if len(self.unfinished) >= _MOST_UNFINISHED:
            warnings.warn(
                f"client.unfinished holds {_MOST_UNFINISHED} jobs whose wait was cut short, and the next one takes the "
                "place of the oldest: keep bide.dump of each and clear the list, or wait on for them",
                RuntimeWarning,
                stacklevel=_depth_of_caller(),
            )

    def _others(self, job: bide.Job) -> list[bide.Job]:
        """A new list: who goes through the last one, and waits for each job in it, leaves none out."""
        return [one for one in self.unfinished if one.terms.seed != job.terms.seed]

    def _left(self, state: bide.Job, error: BaseException) -> bide.Job:
        """The job of a wait that `error` has cut short, in `unfinished` from now on; a `SaveError` says so."""
        left = cut_short(state, now=self._now())
        if isinstance(error, SaveError) and isinstance(state, bide.Submitting):
            return left  # refused by the journal before it was sent: there is nothing to go on with
        with self._lock:
            self.unfinished = [*self._others(left), left][-_MOST_UNFINISHED:]
        if isinstance(error, SaveError):
            error.args = (f"{error}; the last state of the job is in client.unfinished",)
        return left

    def _parts(
        self, result: bide.Result, directory: str | Path, *, overwrite: bool, note: Note
    ) -> list[tuple[str, Begin]]:
        """Each file, and what begins its download on a lane once its turn has come, within the quota as it is then."""
        to_result(result)
        place = to_place("directory", directory)
        either("overwrite", overwrite)
        check_note(note, "a download")
        names = file_names(result.files)
        begin = partial(self._part, several=len(names) > 1, overwrite=overwrite, note=note)
        named = zip(result.files, names, strict=True)
        return [(file, partial(begin, file, place, name)) for file, name in named]

    def _fetching(self, lane: AnyLane, begin: Begin) -> TransferConversation[Path]:
        return TransferConversation(partial(begin, lane), self._note)

    def _part(
        self, file: str, directory: Path, name: str, lane: AnyLane, *, several: bool, overwrite: bool, note: Note
    ) -> Part:
        now, patience = lane.clock.now(), self._intake.patience
        try:
            whole = in_hand(file, now=now)
            state = whole or download(file, dialect=lane.dialect, now=now, quota=self.quota, patience=patience)
        except InvalidHandle as error:
            raise SaveError(f"the service named a file that must not be asked for: {error}") from None
        return Part(directory, name, state, overwrite=overwrite, one_of_several=several, note=note)

    def _sending(
        self, path: str | Path, lane: AnyLane, *, content_type: str | None, note: UploadNote
    ) -> TransferConversation[str]:
        """A local file to be uploaded on a lane, within the quota as it is now."""
        check_media_type(content_type)
        check_note(note, "an upload")
        now, patience = lane.clock.now(), self._intake.patience
        begin = partial(upload, dialect=lane.dialect, now=now, quota=self.quota, patience=patience)
        return TransferConversation(
            lambda: Sending(Path(path), begin, content_type=content_type, note=note), self._note
        )


def _depth_of_caller() -> int:
    """How far up the stack the first line outside this package stands, as `warnings.warn` counts."""
    depth, frame = 0, currentframe()  # from Python 3.12 on, `skip_file_prefixes` would do
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("bide_transports."):
        depth, frame = depth + 1, frame.f_back
    return depth
