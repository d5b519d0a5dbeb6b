"""A lane taken apart: how often its job was taken up, what was asked, what came back, and what it told of the job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import bide
from bide.dialect import Dialect
from bide.messages import NoResponse, Notice
from bide_transports.cassette.files import in_order
from bide_transports.cassette.tape import Cassette, Done, Event, Heard, InvalidCassette, Open, Send, Told, Wait
from bide_transports.cassette.tokens import dialect_of, opened

_ENDED = (bide.Fetching, bide.Completed, bide.Failed, bide.Cancelled, bide.Expired)
_NOT_TAKEN_ON = (301, 307, 308, 429, 503)  # the address is another (RFC 9110, 15.4), or not now


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One request and what came back; `before` and `after` are the job then, None where that is not known.

    `planned` is when the request was due by the decision on the cassette, None where there is none.
    """

    sent: Send
    heard: Heard
    planned: int | None
    before: bide.Job | None
    after: bide.Job | None

    @property
    def ms(self) -> int:
        """How long it took."""
        return self.heard.t - self.sent.t

    @property
    def is_look(self) -> bool:
        """Whether the job was asked after, rather than submitted, cancelled or its result fetched."""
        job = self.before
        if isinstance(job, bide.Cancelling):
            return job.asked or not job.looked or job.refusal is not None
        return isinstance(job, bide.Polling)

    @property
    def is_submission(self) -> bool:
        """Whether this submitted the job."""
        return isinstance(self.before, bide.Submitting)

    @property
    def is_cancellation(self) -> bool:
        """Whether this asked for the job to be cancelled."""
        return isinstance(self.before, bide.Cancelling) and not self.is_look

    @property
    def is_unfinished(self) -> bool:
        """Whether this look said "not yet"."""
        before, after = self.before, self.after
        return before is not None and after is not None and after.past.polls > before.past.polls

    @property
    def is_end(self) -> bool:
        """Whether this told first that the job is over."""
        return isinstance(self.after, _ENDED) and not isinstance(self.before, _ENDED)

    @property
    def may_have_arrived(self) -> bool:
        """Whether the service may have taken the request on."""
        reply = self.heard.reply
        return reply.sent if isinstance(reply, NoResponse) else reply.status not in _NOT_TAKEN_ON


@dataclass(frozen=True, slots=True)
class Take:
    """One stretch in which the job was followed. `left` is when it was left unfinished, None where it ended.

    A `Done` among the `inputs` is the end of a submission that could not be sent any more when its turn came.
    """

    open: Open
    job: bide.Job | None
    inputs: tuple[Exchanged | Told | Send | Done, ...]
    left: int | None


Input: TypeAlias = Exchanged | Told | Send | Done


@dataclass(frozen=True)
class Story:
    """The lane `name` of a cassette, as it is told; raises `InvalidCassette` for a job that cannot be read."""

    cassette: Cassette
    name: str
    dialect: Dialect

    @classmethod
    def of(cls, cassette: Cassette, lane: str | None = None, dialect: Dialect | None = None) -> Story:
        """The story of `lane`, by default the only one; raises `InvalidCassette` where that is not clear."""
        names = sorted(cassette.lanes)
        if lane is None and len(names) != 1:
            raise InvalidCassette(f"{cassette.name or 'the cassette'} has {len(names)} lanes: name one of {names}")
        if lane is not None and lane not in names:
            raise InvalidCassette(f"{cassette.name or 'the cassette'} has no lane {lane!r:.60}: it has {names}")
        return cls(cassette, lane or names[0], dialect or dialect_of(cassette.head))

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The events of the lane."""
        return self.cassette.lanes[self.name]

    @property
    def is_decided(self) -> bool:
        """Whether the lane has a job, so that the core can decide it anew."""
        return isinstance(self.events[0], Open) and self.events[0].token is not None

    @cached_property
    def takes(self) -> tuple[Take, ...]:
        """The stretches of the lane."""
        starts = [(n, event) for n, event in enumerate(self.events) if isinstance(event, Open)]
        ends = [*(n for n, _ in starts[1:]), len(self.events)]
        return tuple(self._take(opening, self.events[n:end]) for (n, opening), end in zip(starts, ends, strict=False))

    @cached_property
    def exchanges(self) -> tuple[Exchanged, ...]:
        """All that was asked and answered."""
        return tuple(one for take in self.takes for one in take.inputs if isinstance(one, Exchanged))

    def without(self, exchanged: Exchanged) -> tuple[Exchanged, ...]:
        """The same without one of them."""
        return tuple(one for one in self.exchanges if one is not exchanged)

    def _take(self, first: Open, events: tuple[Event, ...]) -> Take:
        job = None if first.token is None else opened(first.token, self.dialect)
        left = None if isinstance(events[-1], Done) else events[-1].t
        return Take(first, job, tuple(self._inputs(events, job)), left)

    def _inputs(self, events: tuple[Event, ...], job: bide.Job | None) -> Iterator[Input]:
        planned, sent = None, None
        for event in events:
            match event:
                case Wait():
                    planned = event.t + event.ms
                case Send():
                    sent = event
                case Heard() if sent is not None:
                    after = self._after(job, event)
                    yield Exchanged(sent, event, planned, job, after)
                    job, planned, sent = after, None, None
                case Told():
                    job = self._told(job, event)
                    yield event
                case Done() if isinstance(job, bide.Submitting):
                    yield event
                case _:
                    pass
        if sent is not None:
            yield sent

    def _after(self, job: bide.Job | None, heard: Heard) -> bide.Job | None:
        if heard.omitted is not None or not isinstance(job, bide.Waiting):
            return None
        return job.receive(heard.reply, now=self.cassette.head.now(heard.t))

    def _told(self, job: bide.Job | None, event: Told) -> bide.Job | None:
        if not isinstance(job, bide.Polling | bide.Cancelling):
            return job
        return bide.notice(job, Notice("", job.handle), now=self.cassette.head.now(event.t))


def with_lanes(cassette: Cassette, lanes: dict[str, tuple[Event, ...]], *edits: str) -> Cassette:
    """`cassette` with other events in some lanes, and what was changed told in its head."""
    all_lanes = {**cassette.lanes, **lanes}
    events = in_order(event for events in all_lanes.values() for event in events)
    head = replace(cassette.head, edits=(*cassette.head.edits, *edits))
    return Cassette(head, tuple(events), cassette.name)
