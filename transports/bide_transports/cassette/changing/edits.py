"""What if: a recording with one thing otherwise, decided anew by the core, answers from there on by time.

    worse = edited(cassette, insert(429, retry_after=7, at=3.0), skew(server_ms=90_000))

Each edit is a value; `edited` applies them one after another, and the head of the cassette tells of each. All `at` are
seconds since the cassette's beginning, and mean the first request that goes out then or later. Here are the edits of
replies; those of the service's course and of clocks stand in `bide_transports.cassette.changing.edits_of_time`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from bide.dialect import Dialect
from bide.messages import Cause, NoResponse, Response
from bide_transports.cassette.changing.bending import (
    Deed,
    Edit,
    always,
    bent,
    from_ms,
    given,
    in_turn,
    struck,
)
from bide_transports.cassette.changing.by_time import Answer, Answering, Asking
from bide_transports.cassette.changing.story import Story, with_lanes
from bide_transports.cassette.tape import Cassette, Event, InvalidCassette


def edited(cassette: Cassette, *edits: Edit, lane: str | None = None, dialect: Dialect | None = None) -> Cassette:
    """The cassette with these edits in `lane` (by default the only one), one after another.

    Raises `InvalidCassette` for an edit that makes no sense there; it says why.
    """
    for edit in edits:
        story = Story.of(cassette, lane, dialect)
        if not story.is_decided:
            raise InvalidCassette(f"lane {story.name} has exchanges without a job: nothing can be decided anew")
        events = edit.change(story)
        if events == story.events:
            raise InvalidCassette(f"{edit.said} changes nothing in lane {story.name}: nothing is asked then")
        cassette = with_lanes(cassette, {story.name: events}, edit.said)
    return cassette


def insert(status: int = 429, *, retry_after: float | str | None = None, body: bytes = b"", at: float = 0.0) -> Edit:
    """A refusal by somebody in between: one reply more, which the service never sees the request of."""
    said = f"insert {status}{'' if retry_after is None else f', retry-after {retry_after}'} at {at:.3f} s"
    return Edit(said, lambda story: struck(story, at, given(story, status, retry_after, body)))


def replace_reply(
    status: int = 503, *, retry_after: float | str | None = None, body: bytes = b"", at: float = 0.0
) -> Edit:
    """Another reply in place of a recorded one: what that one told is not known before the next."""

    def change(story: Story) -> tuple[Event, ...]:
        t = from_ms(story, at)
        gone = next((one for one in story.exchanges if one.sent.t >= t), None)
        if gone is None:
            return story.events
        known = story.without(gone) if gone.is_look else None
        around = in_turn(gone.sent.t, given(story, status, retry_after, body))
        return bent(story, gone.sent.t, around, exchanges=known)

    return Edit(f"replace by {status} at {at:.3f} s", change)


def outage(*, at: float, for_ms: int, status: int = 503) -> Edit:
    """Nobody gets through to the service for a while."""

    def change(story: Story) -> tuple[Event, ...]:
        start = from_ms(story, at)
        refusal = given(story, status, None)
        return bent(story, start, always(lambda a, s: refusal(a, s) if start <= a.t < start + for_ms else s(a)))

    return Edit(f"outage ({status}) for {for_ms} ms at {at:.3f} s", change)


def drop_connection(
    *, at: float, phase: Literal["connect", "send", "head", "body"] = "head", cause: Cause | None = None
) -> Edit:
    """No reply: the connection is not made, or cut while the request goes out or the reply comes in."""
    why = cause or (Cause.UNREACHABLE if phase == "connect" else Cause.RESET)
    lost = _lost(why, of_body=phase == "body")
    if phase in ("connect", "send"):
        lost = _in_place(NoResponse(why, sent=phase == "send"))
    return Edit(f"drop the connection ({phase}) at {at:.3f} s", lambda story: struck(story, at, lost))


def lose_submit_reply() -> Edit:
    """The submission arrives, and its reply does not."""

    def change(story: Story) -> tuple[Event, ...]:
        replied = (one for one in story.exchanges if one.is_submission and isinstance(one.heard.reply, Response))
        gone = next((one for one in replied if one.may_have_arrived), None)
        if gone is None:
            raise InvalidCassette(f"no submission in lane {story.name} was answered, so no answer to one can be lost")
        return struck(story, gone.sent.t / 1000, _lost(Cause.RESET))

    return Edit("lose the reply to the submission", change)


def delay(*, at: float, ms: int) -> Edit:
    """A reply that takes `ms` longer; beyond the patience's `timeout` it is none."""

    def deed(asking: Asking, answering: Answering) -> Answer:
        answer = answering(asking)
        return answer._replace(ms=answer.ms + ms)

    return Edit(f"delay by {ms} ms at {at:.3f} s", lambda story: struck(story, at, deed))


def truncate_body(*, at: float, n: int) -> Edit:
    """A reply of which only the first `n` bytes of the body come, as if that were all."""
    return Edit(f"truncate the body to {n} bytes at {at:.3f} s", lambda s: struck(s, at, _body(lambda b: b[:n])))


def corrupt(*, at: float) -> Edit:
    """A reply whose body is spoilt in its first byte."""
    spoilt = _body(lambda body: bytes([body[0] ^ 0x80]) + body[1:])
    return Edit(f"corrupt the body at {at:.3f} s", lambda story: struck(story, at, spoilt))


def duplicate(*, at: float) -> Edit:
    """A reply that is given to the next request, too, as a cache does."""

    def change(story: Story) -> tuple[Event, ...]:
        kept: list[Answer] = []

        def keep(asking: Asking, answering: Answering) -> Answer:
            kept.append(answering(asking))
            return kept[-1]

        return struck(story, at, keep, lambda _, __: kept[-1])

    return Edit(f"duplicate the reply at {at:.3f} s", change)


def _lost(cause: Cause, *, of_body: bool = False) -> Deed:
    """The request arrives, and its reply does not; or all but its body does."""

    def deed(asking: Asking, answering: Answering) -> Answer:
        answer = answering(asking)
        head = replace(answer.reply, body=b"") if of_body and isinstance(answer.reply, Response) else None
        return Answer(NoResponse(cause, sent=True, head=head), answer.ms)

    return deed


def _in_place(reply: NoResponse) -> Deed:
    return lambda _, __: Answer(reply, 0)


def _body(change: Callable[[bytes], bytes]) -> Deed:
    def deed(asking: Asking, answering: Answering) -> Answer:
        answer = answering(asking)
        reply = answer.reply
        if not isinstance(reply, Response) or not reply.body:
            raise InvalidCassette(f"the reply at {(asking.t + answer.ms) / 1000:.3f} s has no body")
        return answer._replace(reply=replace(reply, body=change(reply.body)))

    return deed
