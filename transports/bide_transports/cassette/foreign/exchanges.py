"""A cassette as other tools see one: requests with what came back, without the decisions in between."""

from __future__ import annotations

from dataclasses import dataclass

from bide.messages import NoResponse, Reply, Request, Response
from bide_transports.cassette.tape import Cassette, Decision, Done, Event, Heard, Omitted, Open, Send, Told, Wait


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One request and its reply, sent and heard at these milliseconds since the head's `t0`.

    `opened` is how the lane was taken up just before it, `decision` what the core made of the reply.
    """

    lane: str
    began: int
    ended: int
    request: Request
    reply: Reply
    omitted: Omitted | None = None
    opened: Open | None = None
    decision: Decision | None = None

    @property
    def status(self) -> int:
        """The status code, 0 where no reply came."""
        return self.reply.status if isinstance(self.reply, Response) else 0

    @property
    def is_whole(self) -> bool:
        """Whether there is a reply with its body."""
        return isinstance(self.reply, Response) and self.omitted is None


def exchanges(cassette: Cassette) -> list[Exchanged]:
    """All exchanges, in the order of their requests; one that the recording cut short is left out."""
    found = [one for events in cassette.lanes.values() for one in _in_lane(events)]
    return sorted(found, key=lambda one: (one.began, one.lane))


def losses(cassette: Cassette, kept: list[Exchanged]) -> list[str]:
    """What is lost where only these exchanges are kept, a line for each kind."""
    found = exchanges(cassette)
    silent = sum(isinstance(one.reply, NoResponse) for one in found)
    counts = {
        "requests without a reply": silent + _cut(cassette, found),
        "replies that cannot be shown": len(found) - silent - len(kept),
        "waits": sum(isinstance(event, Wait) for event in cassette.events),
        "ends of jobs": sum(isinstance(event, Done) for event in cassette.events),
    }
    return _told(counts | _everywhere(cassette))


def losses_in_har(cassette: Cassette) -> list[str]:
    """What is lost where every exchange is kept with its failure and its decision, a line for each kind."""
    found = exchanges(cassette)
    counts = {
        "requests that were cut short": _cut(cassette, found),
        "bodies that are not on the cassette": sum(one.omitted is not None for one in found),
    }
    return _told(counts | _everywhere(cassette))


def _everywhere(cassette: Cassette) -> dict[str, int]:
    """What no other format has a place for."""
    return {
        "files that were sent": sum(isinstance(one, Send) and one.omitted is not None for one in cassette.events),
        "beginnings of files": sum(isinstance(one, Heard) and one.begun is not None for one in cassette.events),
        "notices": sum(isinstance(event, Told) for event in cassette.events),
    }


def _cut(cassette: Cassette, found: list[Exchanged]) -> int:
    return sum(isinstance(event, Send) for event in cassette.events) - len(found)


def _told(counts: dict[str, int]) -> list[str]:
    return [f"Lost: {count} {what}." for what, count in counts.items() if count]


def _in_lane(events: tuple[Event, ...]) -> list[Exchanged]:
    found: list[Exchanged] = []
    opened: Open | None = None
    for n, event in enumerate(events):
        following = events[n + 1] if n + 1 < len(events) else None
        if isinstance(event, Open):
            opened = event
        if isinstance(event, Send) and isinstance(following, Heard):
            decided = events[n + 2] if n + 2 < len(events) else None
            decision = decided if isinstance(decided, Wait | Done) else None
            times = (event.t, following.t)
            found.append(
                Exchanged(event.lane, *times, event.request, following.reply, following.omitted, opened, decision)
            )
            opened = None
    return found
