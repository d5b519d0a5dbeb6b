"""Interactions sorted into the lanes of jobs, each decided upon by the core as it comes.

A submission opens a lane, and so does a look at a job that was submitted elsewhere. What the core then asks for is
looked for among what follows; a recorded cancellation is taken for the caller's own wish. What belongs to no job, or
is nothing that the core would ask just then, goes to lanes without a job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import bide
from bide.dialect import Dialect
from bide.document import JSON
from bide.errors import CallerError
from bide.messages import Request, Response
from bide_transports.cassette.foreign.interactions import Interaction
from bide_transports.cassette.foreign.recognising import Recogniser, is_same, place
from bide_transports.cassette.labels import label_of
from bide_transports.cassette.recorded import RecordedLane
from bide_transports.cassette.redacting import Cleaner
from bide_transports.cassette.redaction import Rules
from bide_transports.cassette.tape import Event, Head, InvalidCassette, Open
from bide_transports.cassette.tokens import opened


@dataclass(slots=True)
class _Lane:
    """One lane that grows: `job` as the recorded client had it, `recorded` as the cassette has it, up to `t`."""

    recorded: RecordedLane
    job: bide.Job | None = None
    t: int = 0
    keys: tuple[tuple[str, str], ...] = ()

    def open(self, job: bide.Job, t: int) -> None:
        self.job = self.recorded.open(job, self.recorded.head.now(t))
        self.t = max(self.t, t)

    def due(self) -> int:
        """The earliest time of the next request."""
        waits = self.recorded.head.t(self.job.due) if isinstance(self.job, bide.Waiting) else 0
        return max(waits, self.t)

    def asks(self, one: Interaction) -> Request:
        """What the lane asks: the core's request, or the recorded one where there is no job."""
        return self.job.request if isinstance(self.job, bide.Waiting) else one.request

    def play(self, request: Request, one: Interaction, t: int) -> None:
        head = self.recorded.head
        self.recorded.sends(request, head.now(t))
        self.t = t + one.took
        self.recorded.hears(one.reply, head.now(self.t))
        if isinstance(self.job, bide.Waiting):
            self.job = self.job.receive(one.reply, now=head.now(self.t))
            self._agree()

    def _agree(self) -> None:
        """Raise where redaction has hidden what decides."""
        if type(self.job) is not type(self.recorded.job):
            raise InvalidCassette("redaction hides what decides about the job: let the rules leave it")
        if isinstance(self.job, bide.Waiting):
            self.recorded.waits(self.job.due)


@dataclass(slots=True)
class Sorting:
    """Interactions on their way to the lanes that they belong to."""

    head: Head
    dialect: Dialect
    rules: Rules
    pace: bide.Pace
    patience: bide.Patience
    events: list[Event] = field(default_factory=list[Event])
    _recogniser: Recogniser = field(init=False)
    _lanes: dict[str, _Lane] = field(default_factory=dict[str, _Lane])
    _asking: dict[tuple[str, str], list[_Lane]] = field(default_factory=dict[tuple[str, str], list[_Lane]])
    _handles: set[str] = field(default_factory=set[str])
    _now: int = 0

    def __post_init__(self) -> None:
        self._recogniser = Recogniser(self.dialect)

    def take(self, one: Interaction) -> None:
        """Write one interaction down where it belongs."""
        try:
            lane = self._lane_of(one)
            if lane is None:
                self._apart(one)
            else:
                self._play(lane, one)
        except InvalidCassette as error:
            raise error if str(error).startswith(one.place) else InvalidCassette(f"{one.place}: {error}") from None

    def _lane_of(self, one: Interaction) -> _Lane | None:
        """The lane of the job that this belongs to, opened or taken up anew where that is due; None for no job."""
        if one.opening is not None:
            self._taken_up(one, one.opening.at, one.opening.token)
        named = one.lane if one.lane in self._lanes else ""
        waiting = self._asking.get(place(one.request), ())
        fitting = [lane for lane in waiting if named in ("", lane.recorded.name)]
        for lane in fitting:
            if self._asks(lane.job, one.request):
                return lane
        for lane in fitting:
            job = lane.job
            if isinstance(job, bide.Polling) and is_same(self.dialect.cancel(job.handle), one.request):
                self._cancelled(lane, job, one)
                return lane
        return None if named else self._begun(one)

    def _asks(self, job: bide.Job | None, request: Request) -> bool:
        if isinstance(job, bide.Submitting):
            if job.redirect is not None:  # the same submission, at another address
                request = replace(request, url=self.dialect.submit(job.order).url)
            ordered = self._recogniser.order(request)
            return ordered is not None and _is_again(ordered[0], job.order)
        return isinstance(job, bide.Waiting) and is_same(job.request, request)

    def _cancelled(self, lane: _Lane, job: bide.Polling, one: Interaction) -> None:
        """Take the job up as one that the caller wants ended; whether a look comes first was the caller's to say."""
        t = max(lane.t, self._t(one))
        wished = bide.cancel(job, now=self.head.now(t))
        lane.open(replace(wished, looked=True) if isinstance(wished, bide.Cancelling) else wished, t)

    def _begun(self, one: Interaction) -> _Lane | None:
        """The lane of a job that begins with this interaction."""
        now, ordered = self.head.now(self._t(one)), self._recogniser.order(one.request)
        submit = partial(bide.submit, dialect=self.dialect, pace=self.pace, patience=self.patience)
        watch = partial(bide.watch, dialect=self.dialect, pace=self.pace, patience=self.patience)
        if ordered is not None and self._is_answered(ordered[0], one, sure=ordered[1]):
            return self._open(submit(ordered[0], now=now), one)
        handle = self._recogniser.handle(one.request, one.reply) if isinstance(one.reply, Response) else None
        if handle is None or handle in self._handles:
            return None
        return self._open(watch(handle, now=now), one)

    def _is_answered(self, order: bide.Order, one: Interaction, *, sure: bool) -> bool:
        """Whether the reply is one to a submission, where the request alone does not tell."""
        if sure or not isinstance(one.reply, Response) or one.reply.status >= 300:
            return True
        reading = self.dialect.read(one.reply, asked="submit", handle=None, order=order)
        return reading.handle is not None or reading.result is not None

    def _open(self, job: bide.Job, one: Interaction) -> _Lane:
        label = label_of(job, Cleaner(self.rules))
        lane = self._lane(self._free(label), self._t(one))
        lane.open(job, lane.t)
        return lane

    def _taken_up(self, one: Interaction, at: int, token: Mapping[str, JSON] | None) -> None:
        """Open the lane as a file of ours says that it was."""
        known = self._lanes.get(one.lane)
        if token is None and known is not None:
            return
        t = max(at - self.head.t0, 0 if known is None else known.t)
        lane = known or self._lane(one.lane, t)
        if token is None:
            self.events.append(Open(one.lane, t))
        else:
            lane.open(opened(token, self.dialect), t)
            self._expect(lane)

    def _lane(self, name: str, t: int) -> _Lane:
        cleaner = Cleaner(self.rules)
        recorded = RecordedLane(name, self.head, self.dialect, cleaner, self._write)
        self._lanes[name] = _Lane(recorded, t=t)
        return self._lanes[name]

    def _write(self, event: Event, *, durable: bool = False) -> None:  # noqa: ARG002  nothing is on a disk yet
        self.events.append(event)

    def _free(self, label: str) -> str:
        return next(name for n in range(1, 1 << 32) if (name := f"{label}#{n}") not in self._lanes)

    def _play(self, lane: _Lane, one: Interaction) -> None:
        if one.lacks:
            raise InvalidCassette(f"{one.place}: the body of the reply {one.lacks}")
        lane.play(lane.asks(one), one, max(lane.due(), self._t(one)))
        self._now = max(self._now, lane.t)
        self._expect(lane)

    def _expect(self, lane: _Lane) -> None:
        """Note what this lane would ask now."""
        for key in lane.keys:
            self._asking[key].remove(lane)
        job, keys = lane.job, list[tuple[str, str]]()
        if isinstance(job, bide.Waiting):
            keys.append(place(job.request))
        if isinstance(job, bide.Polling):
            self._handles.add(job.handle)
            keys += self._cancelling(job)
        lane.keys = tuple(dict.fromkeys(keys))
        for key in lane.keys:
            self._asking.setdefault(key, []).append(lane)

    def _cancelling(self, job: bide.Polling) -> Iterator[tuple[str, str]]:
        try:
            yield place(self.dialect.cancel(job.handle))
        except CallerError:
            return

    def _apart(self, one: Interaction) -> None:
        """Write down an interaction of no job, in the first lane that is free at its time."""
        t = self._t(one)
        lane = self._lanes.get(one.lane) if one.lane else None
        if lane is None or lane.job is not None:
            others = (lane for name, lane in self._lanes.items() if name.startswith("other#") and lane.job is None)
            lane = next((lane for lane in others if lane.t <= t), None)
        if lane is None:
            lane = self._lane(self._free("other"), t)
            self.events.append(Open(lane.recorded.name, t))
        try:
            lane.recorded.cleaner.request(one.request)
            request = one.request
        except InvalidCassette:
            request = replace(one.request, body=b"")
        lane.play(request, one, max(lane.t, t))
        self._now = max(self._now, lane.t)

    def _t(self, one: Interaction) -> int:
        """When it was recorded; after all that came before it, where nothing tells."""
        return self._now if one.began is None else one.began - self.head.t0


def _is_again(order: bide.Order, first: bide.Order) -> bool:
    """Whether a submission repeats the first; not every service takes a key."""
    return order.key in (None, first.key) and replace(order, key=None) == replace(first, key=None)
