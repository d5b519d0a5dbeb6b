"""One lane while a client plays it: time is the cassette's, and what came back is what it holds.

Whoever drives the job does so as ever; here each of its steps is held against the track.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import bide
from bide.job import AnyJob
from bide.messages import Notice, Reply, Request
from bide_transports.cassette.divergence import ReplayDiverged, diverged
from bide_transports.cassette.tape import Heard, Told, Wait
from bide_transports.cassette.track import Track


@dataclass(slots=True)
class PlayedLane:
    """The lane on `track`, and `job`, which is to be followed on it; `awake` is when the driver last woke."""

    track: Track
    job: bide.Job
    awake: float = 0.0

    def now(self) -> float:
        """The recorded instant; in the lane's own time, which passes only here."""
        return max(self.track.cassette.head.now(self.track.t), self.awake)

    def asks(self, request: Request) -> Reply:
        """What the cassette has in reply to `request`; raises `ReplayDiverged` for one that it does not have."""
        self._hears_late()
        self.track.send(request)
        if not isinstance(self.track.next, Heard):
            raise cut(self.track)
        self.awake = 0.0
        return self.track.hear().reply

    def answers(self, reply: Reply) -> None:
        """The driver is about to receive `reply`."""
        self.track.receive(reply)

    def waits(self, due: float) -> None:
        """The driver waits until `due`, or until a notice comes; a driver without a listener sleeps on."""
        track = self.track
        if isinstance(track.job, bide.Waiting) and due != track.job.due:
            raise self._waits_otherwise(due)
        if isinstance(track.next, Told) and track.t < track.next.t:
            track.t = track.next.t
            return
        self._hears_late()
        if track.runs_out():
            return
        if track.strict == "wire":
            track.t = max(track.t, track.cassette.head.t(due))
        self.awake = due

    def hear(self, job: AnyJob) -> AnyJob:
        """The driver's job after the notice that came, if one did by now."""
        told = self.track.next
        if not isinstance(told, Told) or not isinstance(job, bide.Polling | bide.Cancelling):
            return job
        if self.track.t < told.t < job.due:
            return job
        self.track.be_told()
        return cast("AnyJob", bide.notice(job, Notice("", job.handle), now=self.now()))

    def _hears_late(self) -> None:
        """A notice that nobody was there to hear changes when to ask, not what."""
        while isinstance(self.track.next, Told):
            self.track.be_told()

    def _waits_otherwise(self, due: float) -> ReplayDiverged:
        track, job = self.track, cast("bide.Waiting", self.track.job)
        recorded = track.events[track.at - 1] if track.at else None
        start = recorded.t if isinstance(recorded, Wait) else track.t
        head = track.cassette.head
        figures = (head.t(due) - start, head.t(job.not_before) - start, job.why.value)
        made = Wait(track.name, start, type(job).__name__, *figures)
        return diverged(track.cassette, track.name, max(track.at - 1, 0), recorded, made, job.terms)


def cut(track: Track) -> ReplayDiverged:
    """The error for a request behind which the lane has no reply."""
    sent = track.events[track.at - 1]
    return ReplayDiverged(
        f"replay ends at step {track.at} of {len(track.events)}   lane {track.name}   "
        f"{track.cassette.place(sent)}\n    the recording was cut here, cancelled or killed: this request was "
        "sent, and nobody knows what came back. Stop before it as the recording did, or record anew",
        lane=track.name,
        step=track.at - 1,
        expected=sent,
        actual=None,
        path=track.cassette.place(sent),
    )
