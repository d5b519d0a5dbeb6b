"""Recording: a tape in a client, or around any exchange of either transport.

    with record("tests/render.cassette.jsonl") as tape, Client(key, tape=tape) as client:
        client.run("flux-1.1-pro", {"prompt": "a fox"})

Each line is on disk, redacted, before what it tells of goes on. At the end the cassette is verified by the core and
searched for secrets; only then it gets its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import RLock
from types import TracebackType

from typing_extensions import Self

import bide
from bide.dialect import Dialect
from bide.messages import Request
from bide.urls import origin
from bide_transports.cassette.bodies import INLINE
from bide_transports.cassette.files import LARGEST, Appending, load, loads, save, text_of
from bide_transports.cassette.labels import file_label_of, label_of
from bide_transports.cassette.lines import event_members, head_members
from bide_transports.cassette.recorded import RecordedLane
from bide_transports.cassette.recorded_file import RecordedFile
from bide_transports.cassette.redacting import Cleaner, rules_for
from bide_transports.cassette.redaction import STANDARD, Rules, scan
from bide_transports.cassette.tape import Cassette, Event, Head, InvalidCassette
from bide_transports.cassette.tokens import head_of
from bide_transports.cassette.verify import verify
from bide_transports.clock import Clock
from bide_transports.tapes import (
    AsyncClock,
    AsyncExchange,
    AsyncFileLane,
    AsyncLane,
    Exchange,
    FileLane,
    Hearing,
    Lane,
    deaf,
)


def record(
    path: str | Path,
    *,
    overwrite: bool = False,
    dialect: Dialect | None = None,
    aliases: Mapping[str, str] | None = None,
    rules: Rules = STANDARD,
    inline: int = INLINE,
) -> Recording:
    """A recording into the file at `path`, which is there once it is closed: use it as a context manager.

    `dialect` and `aliases` (live origin -> recorded origin) let a cassette made against a test server speak of the
    real one. `rules` say what is secret beside the usual; bodies of more than `inline` bytes are left out. Raises
    `InvalidCassette` when the file is there and not to be overwritten.
    """
    return Recording(Path(path), overwrite, dialect, dict(aliases or {}), rules, inline)


class Recording:
    """See `record`. `cassette` is what was recorded, once it is closed; None when that is nothing.

    `partial` is where it stands until then, and where it stays when it is refused. Threads may share one, each with a
    client of its own.
    """

    def __init__(
        self,
        path: Path,
        overwrite: bool,
        dialect: Dialect | None,
        aliases: dict[str, str],
        rules: Rules,
        inline: int,
    ) -> None:
        if path.exists() and not overwrite:
            raise InvalidCassette(f"{path} is there already: delete it, or ask for it to be replaced")
        self.path, self._overwrite, self._inline = path, overwrite, inline
        self._dialect, self._aliases, self._rules = dialect, aliases, rules
        self._head: Head | None = None
        self._lanes: dict[str, RecordedLane] = {}
        self._names: set[str] = set()
        self._lock = RLock()  # around beginning, naming lanes, and each line
        self._file = Appending(path)
        self.partial = self._file.partial
        self.cassette: Cassette | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def hide(self, secret: str) -> None:
        """Keep a value that the caller knows to be secret out of the cassette, in whatever form it appears."""
        with self._lock:
            self._rules = replace(self._rules, secrets=(*self._rules.secrets, secret))

    def admit(self, request: Request) -> None:
        """Let everything out; what goes into no lane is not on the cassette."""

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:
        """The job to be followed in place of `job`, with the exchange and the clock to follow it by.

        Raises `InvalidCassette` for a job at another service than the cassette's.
        """
        now = clock.now()
        lane = self._lane_of(job, now)
        return lane.around(lane.open(job, now), exchange, clock)

    def async_lane(
        self, job: bide.Job, exchange: AsyncExchange, clock: AsyncClock, listener: Hearing = deaf
    ) -> AsyncLane:
        """The same for an exchange that is awaited; `listener` says what notices make of the job."""
        now = clock.now()
        lane = self._lane_of(job, now)
        return lane.around_async(lane.open(job, now), exchange, clock, listener)

    def file_lane(self, file: str, lane: FileLane) -> FileLane:
        """What a file is to be fetched or sent by, in place of `lane`."""
        return self._file_lane_of(file, lane.dialect).around(lane)

    def async_file_lane(self, file: str, lane: AsyncFileLane) -> AsyncFileLane:
        """The same for an exchange that is awaited."""
        return self._file_lane_of(file, lane.dialect).around_async(lane)

    @property
    def so_far(self) -> Cassette | None:
        """What was recorded until now, whether it has its name or not; None when that is nothing."""
        if self.cassette is not None or self._head is None:
            return self.cassette
        return load(self.partial, partial=True)

    def leave(self) -> None:
        """Let go of the file without giving it its name: what was recorded stays in `partial`."""
        self._file.close()
        if self._head is None:
            self.partial.unlink(missing_ok=True)

    def close(self) -> None:
        """Verify what was recorded, search it for secrets, and give it its name; `cassette` is it from now on.

        Raises `ReplayDiverged` or `InvalidCassette`; what was recorded stays beside the name, as NAME.partial.
        """
        self.leave()
        if self._head is None:
            return
        text = text_of(load(self.partial, partial=True))
        cassette = loads(text, name=str(self.path))
        verify(cassette, dialect=self._dialect)
        self._search(text)
        save(cassette, self.path, overwrite=self._overwrite)
        self.partial.unlink(missing_ok=True)
        self.cassette = load(self.path)

    def _search(self, text: bytes) -> None:
        if len(text) > LARGEST:
            raise InvalidCassette(
                f"{self.path} would have {len(text)} bytes, more than {LARGEST}: record less, or keep less `inline`"
            )
        found = scan(text.decode(), self._rules)
        if found:
            places = "; ".join(str(finding) for finding in found[:5])
            raise InvalidCassette(
                f"what looks secret would stand in {len(found)} places of {self.path}: {places}. Name them in the "
                f"rules, and record anew; what was recorded is in {self.partial}, for you alone to read"
            )

    def _lane_of(self, job: bide.Job, now: float) -> RecordedLane:
        with self._lock:
            self._check_origin(job.terms.dialect)
            head = self._begun(job.terms.dialect, now)
            known = self._lanes.get(job.terms.seed)
            if known is not None and known.is_of(job):  # a token of another recording may have the same seed
                return known
            cleaner = Cleaner(rules_for(job.terms.dialect, self._rules), self._aliases)
            name = self._free(label_of(job, cleaner))
            dialect = self._dialect or job.terms.dialect
            self._lanes[name] = RecordedLane(name, head, dialect, cleaner, self._write)
            return self._lanes[name]

    def _check_origin(self, dialect: Dialect) -> None:
        """Raise for a job whose requests would not go to the service that the cassette speaks with."""
        spoken, base = self._dialect or dialect, head_of(dialect, 0.0).base
        for live, recorded in self._aliases.items():
            base = base.replace(live, recorded)
        if origin(base) != origin(spoken.origin):
            raise InvalidCassette(
                f"{self.path} speaks with {spoken.origin}, and this job is at {origin(base)}: record each service on "
                "a tape of its own, or say with `dialect=` which is meant, and with `aliases=` what is taken for it"
            )

    def _file_lane_of(self, file: str, dialect: Dialect) -> RecordedFile:
        with self._lock:
            lanes = reversed(self._lanes.values())
            known = next((cleaner for lane in lanes if (cleaner := lane.cleaner_of(file)) is not None), None)
            cleaner = known or Cleaner(rules_for(dialect, self._rules), self._aliases)
            name = self._free(file_label_of(file, cleaner))
            return RecordedFile(name, partial(self._begun, dialect), cleaner, self._write, self._inline)

    def _free(self, label: str) -> str:
        """A name for a lane that no other has."""
        name = next(name for n in range(1, 1 << 32) if (name := f"{label}#{n}") not in self._names)
        self._names.add(name)
        return name

    def _begun(self, dialect: Dialect, now: float) -> Head:
        """The head, written with the first lane; one cassette speaks with one service."""
        with self._lock:
            if self._head is None:
                self._dialect = self._dialect or dialect
                self._head = head_of(self._dialect, now)
                self._file.append(head_members(self._head), durable=True)
            return self._head

    def _write(self, event: Event, *, durable: bool = False) -> None:
        members = event_members(event, self._inline)
        with self._lock:
            self._file.append(members, durable=durable)
