"""Replay: a tape in a client that plays a cassette back, through the client's real transport and in no time.

    with replay("tests/render.cassette.jsonl") as tape, Client(key, tape=tape) as client:
        client.run("flux-1.1-pro", {"prompt": "a fox"})

The client's own code, pace and patience are under test; time, server and network are the cassette's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import cast

from typing_extensions import Self

import bide
from bide.dialect import Dialect
from bide.messages import Request
from bide.urls import origin, public
from bide_transports.cassette.divergence import ReplayDiverged, diverged
from bide_transports.cassette.files import load
from bide_transports.cassette.labels import file_label_of
from bide_transports.cassette.redacting import Cleaner, rules_for
from bide_transports.cassette.redaction import STANDARD, Rules
from bide_transports.cassette.replaying.matching import Candidate, Wanted, in_turn, of_files, unmatched
from bide_transports.cassette.replaying.played import PlayedLane
from bide_transports.cassette.replaying.played_file import PlayedFile
from bide_transports.cassette.tape import Cassette, Event, Open, Wait
from bide_transports.cassette.tokens import dialect_of
from bide_transports.cassette.track import Strict, Track
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


def replay(
    cassette: Cassette | str | Path,
    *,
    strict: Strict = "exact",
    dialect: Dialect | None = None,
    aliases: Mapping[str, str] | None = None,
    rules: Rules = STANDARD,
) -> Playback:
    """A tape that plays a cassette, given as it is or by its path: use it as a context manager.

    `strict` compares each decision, or with "wire" only what is sent and how it ends. `dialect` is spoken in place of
    the client's own. `aliases` and `rules` are those of the recording, where it had any. Raises `InvalidCassette`.
    """
    played = cassette if isinstance(cassette, Cassette) else load(cassette)
    return Playback(played, strict, dialect, dict(aliases or {}), rules)


class Playback:
    """See `replay`. One serves either client, and both, in one thread at a time.

    Raises `ReplayDiverged` wherever the code does something else than the cassette has; on leaving the context, when
    a part of the cassette was not played.
    """

    def __init__(
        self, cassette: Cassette, strict: Strict, dialect: Dialect | None, aliases: dict[str, str], rules: Rules
    ) -> None:
        self.cassette = cassette
        self._strict: Strict = strict
        self._dialect, self._aliases, self._rules = dialect, aliases, rules
        self._lanes = cassette.lanes
        self._unplayed = in_turn(self._lanes)  # not begun yet
        self._files = of_files(self._lanes)  # likewise
        self._begun_files = Counter[str]()
        self._tracks: dict[str, Track] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()

    def hide(self, secret: str) -> None:
        """Keep a value that the caller knows to be secret out of all messages, as the recording did."""
        self._rules = replace(self._rules, secrets=(*self._rules.secrets, secret))

    def admit(self, request: Request) -> None:
        """Raise `ReplayDiverged`: nothing is sent but in a lane, and there the cassette answers."""
        raise self._strange(f"{request.method} {public(request.url)} is asked beside all jobs and files")

    def lane(self, job: bide.Job, exchange: Exchange, clock: Clock) -> Lane:  # noqa: ARG002  the cassette has its own
        """The job to be followed in place of `job`, with what plays its lane; needs requests."""
        from bide_transports.cassette.replaying import by_requests as replay_requests

        return replay_requests.lane(self._begin(job))

    def async_lane(
        self,
        job: bide.Job,
        exchange: AsyncExchange,  # noqa: ARG002
        clock: AsyncClock,  # noqa: ARG002
        listener: Hearing = deaf,  # noqa: ARG002
    ) -> AsyncLane:
        """The same for a client over trio; needs trio and h11."""
        from bide_transports.cassette.replaying import by_trio as replay_trio

        return replay_trio.lane(self._begin(job))

    def file_lane(self, file: str, lane: FileLane) -> FileLane:
        """What plays the lane of a file, in place of `lane`; needs requests."""
        from bide_transports.cassette.replaying import by_requests as replay_requests

        return replay_requests.file_lane(self._begin_file(file, lane.dialect))

    def async_file_lane(self, file: str, lane: AsyncFileLane) -> AsyncFileLane:
        """The same for a client over trio; needs trio and h11."""
        from bide_transports.cassette.replaying import by_trio as replay_trio

        return replay_trio.file_lane(self._begin_file(file, lane.dialect))

    @property
    def played(self) -> Cassette:
        """What was played so far."""
        names = [name for name in (*in_turn(self._lanes), *of_files(self._lanes)) if name in self._tracks]
        tracks = (self._tracks[name] for name in names)
        return replace(self.cassette, events=tuple(event for track in tracks for event in track.events[: track.at]))

    def waits(self, lane: str | None = None) -> list[int]:
        """The waits that were played, in milliseconds and without the first of each lane: of one, or of all in turn."""
        names = [name for name in in_turn(self._lanes) if lane in (None, name)]
        return [ms for name in names if name in self._tracks for ms in _waits(self._tracks[name])]

    def close(self) -> None:
        """Raise `ReplayDiverged` for the first thing not played; what belongs to no job and no file may be left."""
        for track in self._tracks.values():
            track.finish()
        left = [*self._unplayed, *self._files]
        if left:
            error = diverged(self.cassette, left[0], 0, self._lanes[left[0]][0], None, None)
            error.args = (f"{error}\n    not played: {', '.join(left)}",)
            raise error

    def _begin(self, job: bide.Job) -> PlayedLane:
        self._check_home(job.terms.dialect)
        wanted = Wanted.of(job, Cleaner(rules_for(job.terms.dialect, self._rules), self._aliases))
        track = self._again(wanted) or self._fresh(wanted)
        return PlayedLane(track, track.take_up(job) or job)

    def _again(self, wanted: Wanted) -> Track | None:
        """The track of a job that was left, where the cassette takes it up again."""
        track = self._tracks.get(wanted.job.terms.seed)
        if track is None or track.reopening is None:
            return None
        candidate = wanted.against(track.name, track.reopening)
        if not candidate.differences:
            return track
        unplayed = (wanted.against(name, cast("Open", self._lanes[name][0])) for name in self._unplayed)
        if all(one.differences for one in unplayed):
            raise unmatched(self.cassette, wanted, [candidate], self._unplayed)
        return None  # the token of another recording may have the same seed

    def _fresh(self, wanted: Wanted) -> Track:
        """The track of the first lane that was not begun and opens with such a job, or of one that goes on with it."""
        openings = {name: cast("Open", self._lanes[name][0]) for name in self._unplayed}
        if wanted.job.handle is not None:
            openings |= {name: track.reopening for name, track in self._tracks.items() if track.reopening is not None}
        candidates: list[Candidate] = []
        for name, event in openings.items():
            candidates.append(wanted.against(name, event))
            if not candidates[-1].differences:
                return self._tracks.get(name) or self._begun(name, wanted.job.terms.dialect)
        raise unmatched(self.cassette, wanted, candidates, self._unplayed)

    def _begun(self, name: str, own: Dialect) -> Track:
        """A track of what is redacted already: its cleaner knows no secrets."""
        for left in (self._unplayed, self._files):
            if name in left:
                left.remove(name)
        cleaner = Cleaner(rules_for(own, replace(self._rules, secrets=())), self._aliases)
        spoken, events = self._spoken(own), self._lanes[name]
        self._tracks[name] = Track(self.cassette, name, spoken, self._strict, cleaner, events=events)
        return self._tracks[name]

    def _begin_file(self, file: str, own: Dialect) -> PlayedFile:
        """The lane that the recording has given to the same file, the first time, the second, and so on."""
        self._check_home(own)
        label = file_label_of(file, Cleaner(rules_for(own, self._rules), self._aliases))
        self._begun_files[label] += 1
        return PlayedFile(self._spoken(own), partial(self._track_of, f"{label}#{self._begun_files[label]}", own))

    def _track_of(self, name: str, own: Dialect) -> Track:
        if name not in self._files:
            raise self._strange(
                f"no lane {name} is there for this file; not played: {', '.join(self._files) or 'none'}"
            )
        return self._begun(name, own)

    def _spoken(self, own: Dialect) -> Dialect:
        """The client's own dialect, if it fits the cassette as it is."""
        if self._dialect is not None:
            return self._dialect
        return own if own.origin == origin(self.cassette.head.base) else dialect_of(self.cassette.head)

    def _check_home(self, own: Dialect) -> None:
        """A job at another service is none of this cassette's, whatever it asks for; nor is a file."""
        head = self.cassette.head
        recorded = (head.dialect, origin(head.base))
        made = (
            own.name,
            next((origin(to) for live, to in self._aliases.items() if origin(live) == own.origin), own.origin),
        )
        if made != recorded:
            raise self._strange(
                f"{self.cassette.name} speaks {recorded[0]} with {recorded[1]}, and the code {made[0]} with "
                f"{made[1]}: give the client the dialect of the cassette"
            )

    def _strange(self, what: str) -> ReplayDiverged:
        """The error for what is on no lane of the cassette."""
        told = f"replay diverged: {what}. Nothing was sent anywhere"
        return ReplayDiverged(told, lane="", step=0, expected=None, actual=None, path=self.cassette.name)


def _waits(track: Track) -> list[int]:
    played: list[Event] = list(track.events[: track.at])
    return [event.ms for event in played if isinstance(event, Wait)][1:]
