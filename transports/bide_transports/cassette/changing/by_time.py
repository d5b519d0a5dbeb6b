"""A cassette as a service: what it would have answered to this request at that time.

It knows the service by what it answered when it was asked. Between two looks nothing is known, so the last one still
holds; that is why every end has a `Bracket`. Submissions, results and cancellations have their own recorded replies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import bide
from bide.dialect import Phase
from bide.messages import NoResponse, Reply, Request
from bide_transports.cassette.changing.moving import born_later, later
from bide_transports.cassette.changing.story import Exchanged, Story
from bide_transports.cassette.tape import InvalidCassette, Omitted
from bide_transports.cassette.track import alike


class Bracket(NamedTuple):
    """When the job ended: after `after`, when it was last seen unfinished, and by `by`. Milliseconds since `t0`."""

    after: int
    by: int


class Asking(NamedTuple):
    """What is asked of a service: `request`, made by `job`, at `t` by the service's clock.

    `at` is how far its job has come by then: the same, unless the job is held up. Both in ms since `t0`.
    """

    job: bide.Waiting
    request: Request
    t: int
    at: int


class Answer(NamedTuple):
    """What comes back, `ms` after the request went out."""

    reply: Reply
    ms: int
    omitted: Omitted | None = None


Answering: TypeAlias = Callable[[Asking], Answer]
_Kind: TypeAlias = tuple[str, str, bytes]


@dataclass(slots=True)
class Timeline:
    """The service in `story`, as far as `exchanges` show it; raises `InvalidCassette` for what nobody ever asked.

    What a submission or a cancellation brings about follows upon it, whenever it comes: `born` and `late` are how much
    later than recorded the job began, and is going on, in ms. `cancelled` says which part of the recording counts.
    """

    story: Story
    exchanges: Sequence[Exchanged]
    born: int | None = None
    late: int = 0
    cancelled: bool = False
    _kinds: dict[_Kind, list[tuple[int, Exchanged]]] = field(default_factory=dict["_Kind", list[tuple[int, Exchanged]]])
    _turn: int = 0  # where the cancellation stands that came through

    def __post_init__(self) -> None:
        for n, one in enumerate(self.exchanges):
            self._kinds.setdefault(_kind(one.sent.request), []).append((n, one))
        cancellations = (n for n, one in enumerate(self.exchanges) if one.is_cancellation and one.may_have_arrived)
        self._turn = next(cancellations, len(self.exchanges))

    def answer(self, asking: Asking) -> Answer:
        """The reply to the last request of the same kind that went out before this one, moved to its time."""
        same = self._same(asking.request)
        if not same:
            raise self._unknown(asking)
        at = asking.at - self.late
        chosen = next((one for one in reversed(same) if one.sent.t <= at), None)
        chosen = chosen or next((one for one in same if one.is_unfinished), None) or self._acknowledged(asking, same[0])
        ms = chosen.ms
        if chosen.is_look and chosen.is_end and chosen.sent.t > at:
            ms = chosen.heard.t - at  # nothing is known before: it is told no earlier than it was
        self.passed(chosen, asking.at)
        return Answer(self._moved(chosen, asking.t), ms, chosen.heard.omitted)

    def _acknowledged(self, asking: Asking, first: Exchanged) -> Exchanged:
        """What a look before the `first` is told: the reply to the submission, where that says "not yet" to it, too."""
        if not first.is_look or not isinstance(asking.job, bide.Polling | bide.Cancelling):
            return first
        for one in self.exchanges:
            reply = one.heard.reply
            if one.is_submission and isinstance(one.after, bide.Polling) and isinstance(reply, bide.Response):
                read = self.story.dialect.read(reply, asked="poll", handle=asking.job.handle)
                return one if read.phase is Phase.UNFINISHED else first
        return first

    def passed(self, exchanged: Exchanged, at: int) -> None:
        """Note that this came about at `at`: the first submission to arrive begins the job, a cancellation ends it."""
        if not exchanged.may_have_arrived:
            return
        if self.born is None and exchanged.is_submission:
            first = next(one for one in self.exchanges if one.is_submission and one.may_have_arrived)
            self.born = self.late = max(0, at - first.sent.t)
        elif not self.cancelled and exchanged.is_cancellation:
            self.cancelled, self.late = True, at - self.exchanges[self._turn].sent.t

    def _same(self, request: Request) -> list[Exchanged]:
        """What was asked before in these words, of the part of the recording that counts."""
        near = self._kinds.get(_kind(request), [])
        near = [(n, one) for n, one in near if alike(one.sent.request, request)] or near
        turn = self._turn
        counting = [one for n, one in near if (n >= turn if self.cancelled else n <= turn)]
        return counting or [one for _, one in near]

    def _moved(self, chosen: Exchanged, t: int) -> Reply:
        reply = later(chosen.heard.reply, t - chosen.sent.t, self.story.dialect.quota)
        return reply if isinstance(reply, NoResponse) else born_later(reply, self.born or 0)

    def _unknown(self, asking: Asking) -> InvalidCassette:
        request, name = asking.request, self.story.cassette.name or "the cassette"
        return InvalidCassette(
            f"{name}: lane {self.story.name} now asks {request.method} {request.url} at {asking.t / 1000:.3f} s, and "
            "nothing like it was ever answered there: record it anew"
        )


def _kind(request: Request) -> _Kind:
    return request.method, request.url, request.body


def bracket(exchanges: Sequence[Exchanged]) -> Bracket | None:
    """When the job ended by what was seen of it; None where no end was seen."""
    end = next((one for one in exchanges if one.is_end), None)
    if end is None:
        return None
    earlier = [one.sent.t for one in exchanges if one.sent.t < end.sent.t and (one.is_unfinished or not one.is_look)]
    return Bracket(max(earlier, default=end.sent.t), end.heard.t)
