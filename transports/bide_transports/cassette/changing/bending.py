"""What edits are made of: a lane told again, with something between its job and the service from some instant on.

An `Answering` is the service, as far as the job can tell. Whatever wraps one decides whether the request comes
through to it, and what comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bide.messages import Headers, Response
from bide_transports.cassette.changing.by_time import Answer, Answering, Asking
from bide_transports.cassette.changing.moving import imf
from bide_transports.cassette.changing.retake import Retake, on_time
from bide_transports.cassette.changing.story import Exchanged, Story
from bide_transports.cassette.tape import Event, InvalidCassette

#: What becomes of one request: it is answered, by the service behind or in its place.
Deed: TypeAlias = Callable[[Asking, Answering], Answer]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to one lane; `said` is how the cassette's head tells of it."""

    said: str
    change: Callable[[Story], tuple[Event, ...]]

    def __repr__(self) -> str:
        return f"Edit({self.said})"


def bent(
    story: Story,
    since: int,
    answering: Callable[[Answering], Answering],
    goes_out: Callable[[int], int] = on_time,
    exchanges: Sequence[Exchanged] | None = None,
) -> tuple[Event, ...]:
    """The lane with `answering` around the service from `since` on (ms); the same lane if that changes no exchange."""
    changed = False

    def around(service: Answering) -> Answering:
        passed: list[tuple[Asking, Answer]] = []

        def behind(asking: Asking) -> Answer:
            passed.append((asking, service(asking)))
            return passed[-1][1]

        before = answering(behind)

        def answer(asking: Asking) -> Answer:
            nonlocal changed
            passed.clear()
            given = before(asking)
            changed = changed or passed != [(asking, given)]
            return given

        return answer

    def leaves(t: int) -> int:
        nonlocal changed
        changed = changed or goes_out(t) != t
        return goes_out(t)

    events = Retake(story, since, around, leaves, exchanges=exchanges).play()
    return events if changed else story.events


def in_turn(since: int, *deeds: Deed) -> Callable[[Answering], Answering]:
    """Each of `deeds` done to one request, the first to that which goes out at `since` or next; then none."""

    def around(answering: Answering) -> Answering:
        left = list(deeds)

        def answer(asking: Asking) -> Answer:
            return left.pop(0)(asking, answering) if left and asking.t >= since else answering(asking)

        return answer

    return around


def struck(story: Story, at: float, *deeds: Deed) -> tuple[Event, ...]:
    """The lane with each of `deeds` done in turn to what goes out at `at` (seconds) or next."""
    since = from_ms(story, at)
    return bent(story, since, in_turn(since, *deeds))


def always(deed: Deed) -> Callable[[Answering], Answering]:
    """`deed` done to every request."""
    return lambda answering: lambda asking: deed(asking, answering)


def through(asking: Asking, answering: Answering) -> Answer:
    """Nothing is done."""
    return answering(asking)


def given(story: Story, status: int, retry_after: float | str | None, body: bytes = b"") -> Deed:
    """A reply of somebody in between, who lets nothing through; it takes as long as the first exchange did."""

    def deed(asking: Asking, _: Answering) -> Answer:
        lines = [("date", imf(story.cassette.head.now(asking.t)))]
        lines += [] if retry_after is None else [("retry-after", f"{retry_after}")]
        lines += [("content-type", "application/json")] if body else []
        return Answer(Response(status, Headers.of(lines), body), first(story).ms)

    return deed


def first(story: Story) -> Exchanged:
    """The first exchange of the lane; raises `InvalidCassette` where there is none."""
    if not story.exchanges:
        raise InvalidCassette(f"lane {story.name} has no exchange that could be changed")
    return story.exchanges[0]


def from_ms(story: Story, at: float) -> int:
    """The instant `at` (seconds since the cassette's beginning) in ms; raises `InvalidCassette` past the lane's end."""
    t, end = round(at * 1000), story.events[-1].t
    if t > end:
        raise InvalidCassette(f"lane {story.name} ends at {end / 1000:.3f} s, before {at:.3f} s")
    return t


def said_first(story: Story, word: str) -> Exchanged:
    """The look that was first answered with this status word; raises `InvalidCassette` where none was."""
    words = [(one.after.past.status, one) for one in story.exchanges if one.after is not None and one.is_look]
    found = next((one for status, one in words if status.lower() == word.lower()), None)
    if found is None:
        known = ", ".join(dict.fromkeys(status for status, _ in words if status)) or "none"
        raise InvalidCassette(f"lane {story.name} is never seen at the status {word!r:.40}; it is seen at: {known}")
    return found
