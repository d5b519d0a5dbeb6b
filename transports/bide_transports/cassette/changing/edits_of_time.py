"""What if the service took another course, or a clock did: edits for `edited`."""

from __future__ import annotations

from collections.abc import Callable

import bide
from bide_transports.cassette.changing.bending import Edit, always, bent, from_ms, given, said_first, struck, through
from bide_transports.cassette.changing.by_time import Answer, Answering, Asking
from bide_transports.cassette.changing.moving import ahead, later
from bide_transports.cassette.changing.retake import Retake
from bide_transports.cassette.changing.story import Story
from bide_transports.cassette.tape import Cassette, Event, InvalidCassette


def flap(a: str, b: str) -> Edit:
    """The status goes back once: after `b` has been said, the next reply is what was said with `a`."""

    def change(story: Story) -> tuple[Event, ...]:
        before, after = said_first(story, a), said_first(story, b)
        if not isinstance(after.after, bide.Waiting):
            raise InvalidCassette(f"nothing is asked once lane {story.name} has the status {b!r:.40}")

        def deed(asking: Asking, _: Answering) -> Answer:
            return Answer(later(before.heard.reply, asking.t - before.sent.t, story.dialect.quota), before.ms)

        return struck(story, (after.sent.t + 1) / 1000, deed)

    return Edit(f"flap from {b} back to {a}", change)


def stuck(word: str, *, for_ms: int) -> Edit:
    """The job stays that much longer at this status."""

    def change(story: Story) -> tuple[Event, ...]:
        start = said_first(story, word).sent.t

        def deed(asking: Asking, answering: Answering) -> Answer:
            return answering(asking._replace(at=max(min(asking.at, start), asking.at - for_ms)))

        return bent(story, start + 1, always(deed))

    return Edit(f"stuck at {word} for {for_ms} ms", change)


def expire_link(*, after: float, status: int = 403) -> Edit:
    """Each signed address is refused `after` seconds after the first request to it."""

    def change(story: Story) -> tuple[Event, ...]:
        signed = {one.sent.request.url for one in story.exchanges if "?" in one.sent.request.url}
        if not signed:
            raise InvalidCassette(f"no address in lane {story.name} has a query, so none is signed")
        refusal, since = given(story, status, None), dict[str, int]()

        def deed(asking: Asking, answering: Answering) -> Answer:
            url = asking.request.url
            late = asking.t - since.setdefault(url, asking.t) >= after * 1000
            return refusal(asking, answering) if url in signed and late else answering(asking)

        return bent(story, 0, always(deed))

    return Edit(f"signed addresses expire after {after:.3f} s", change)


def skew(*, server_ms: int) -> Edit:
    """The service's clock is that much ahead: in each instant that it tells, not in what it counts."""

    def change(story: Story) -> tuple[Event, ...]:
        def deed(asking: Asking, answering: Answering) -> Answer:
            answer = answering(asking)
            return answer._replace(reply=ahead(answer.reply, server_ms, story.dialect.quota))

        return bent(story, story.events[0].t, always(deed))

    return Edit(f"the service's clock {server_ms} ms ahead", change)


def step_wall(*, at: float, ms: int) -> Edit:
    """The client's clock is set by `ms` at `at`, for a driver that reads it raw: a clock set back stands still."""

    def change(story: Story) -> tuple[Event, ...]:
        start = from_ms(story, at)

        def deed(asking: Asking, answering: Answering) -> Answer:
            behind = ms if asking.t >= start else 0
            return answering(asking._replace(t=asking.t - behind, at=asking.at - behind))

        return bent(story, start, always(deed), _asleep(start, max(ms, 0)))

    return Edit(f"the client's clock set by {ms} ms at {at:.3f} s", change)


def suspend(*, at: float, ms: int) -> Edit:
    """The client's machine sleeps: what is due meanwhile goes out when it wakes."""

    def change(story: Story) -> tuple[Event, ...]:
        start = from_ms(story, at)
        return bent(story, start, always(through), _asleep(start, ms))

    return Edit(f"suspended for {ms} ms at {at:.3f} s", change)


def cut(*, at: float) -> Edit:
    """The recording ends at `at`: the client was killed, or went away."""

    def change(story: Story) -> tuple[Event, ...]:
        kept = tuple(event for event in story.events if event.t <= round(at * 1000))
        if not kept:
            raise InvalidCassette(f"lane {story.name} begins only at {story.events[0].t / 1000:.3f} s")
        whole = Story.of(Cassette(story.cassette.head, kept), story.name, story.dialect)
        return Retake(whole).play()

    return Edit(f"cut at {at:.3f} s", change)


def _asleep(start: int, ms: int) -> Callable[[int], int]:
    return lambda t: start + ms if start <= t < start + ms else t
