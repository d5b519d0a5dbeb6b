"""What must hold of every run, and what must happen in some: judged from the cassette of the run alone.

Nothing is taken on the core's word where the replies tell it, too: a hint to wait is read from the reply again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

import bide
from bide.dates import http_date
from bide.messages import Headers, NoResponse, Response
from bide.pace import SHORTEST
from bide.quota import CEILING
from bide_transports.cassette.changing.story import Exchanged, Story
from bide_transports.cassette.tape import Done, Open

#: Why a run breaks a law; None where it keeps it.
Law: TypeAlias = Callable[[Story], str | None]
#: Whether something happened in a run.
Sign: TypeAlias = Callable[[Story], bool]
_SKEWED = 60.0  # seconds


def waits_as_told(story: Story) -> str | None:
    """After a refusal with `Retry-After` the next request comes no earlier, but for the last look at the deadline."""
    for one, following in pairwise(story.exchanges):
        told = _told(one.heard.reply)
        job = following.before
        if told is None or job is None:
            continue
        deadline = story.cassette.head.t(job.past.deadline)
        earliest = min(one.heard.t + min(told, CEILING) * 1000, deadline)
        if following.sent.t < earliest - 1:
            return f"asked at {following.sent.t} ms, though told at {one.heard.t} ms to wait {told:g} s"
    return None


def comes_when_due(story: Story) -> str | None:
    """No request goes out before its time."""
    early = (one for one in story.exchanges if one.planned is not None and one.sent.t < one.planned)
    return next((f"asked at {one.sent.t} ms, due at {one.planned} ms" for one in early), None)


def keeps_one_key(story: Story) -> str | None:
    """All submissions of a job carry the same idempotency key."""
    keys = {Headers.of(one.sent.request.headers).get("idempotency-key") for one in _submissions(story)}
    return f"{len(keys)} keys for one submission" if len(keys) > 1 else None


def never_pays_twice(story: Story) -> str | None:
    """What may have arrived is sent again only with a key, and while the service recognises that."""
    for one, following in pairwise(_submissions(story)):
        job = one.before
        keyed = isinstance(job, bide.Submitting) and job.order.key is not None and one.sent.request.repeatable
        until = job.key_until if isinstance(job, bide.Submitting) else None
        lapsed = until is not None and following.sent.t >= story.cassette.head.t(until)
        if one.may_have_arrived and (lapsed or not keyed):
            return f"submitted again at {following.sent.t} ms {'after its key had aged' if lapsed else 'without a key'}"
    return None


def ends_in_time(story: Story) -> str | None:
    """It is over by the deadline and one request."""
    job = story.exchanges[-1].before if story.exchanges else None
    if not isinstance(job, bide.Waiting):
        return None
    latest = story.cassette.head.t(job.past.deadline) + job.request.timeout * 1000
    return f"still there at {story.events[-1].t} ms" if story.events[-1].t > latest else None


def ends(story: Story) -> str | None:
    """A final state is reached, and nothing is sent after it."""
    places = [n for n, event in enumerate(story.events) if isinstance(event, Done)]
    if not places or places[-1] != len(story.events) - 1:
        return "no final state"
    later = (story.events[n + 1] for n in places[:-1])
    return None if all(isinstance(event, Open) for event in later) else "something happens after the end"


def asks_within_reason(story: Story) -> str | None:
    """No more requests than the shortest interval allows."""
    most = (story.events[-1].t - story.events[0].t) / 1000 / SHORTEST + 10
    return f"{len(story.exchanges)} requests" if len(story.exchanges) > most else None


def goes_forward(story: Story) -> str | None:
    """Time never goes backwards."""
    back = (after for before, after in pairwise(story.events) if after.t < before.t)
    return next((f"back to {event.t} ms" for event in back), None)


LAWS: Mapping[str, Law] = MappingProxyType(
    {
        "waits as told": waits_as_told,
        "comes when due": comes_when_due,
        "keeps one key": keeps_one_key,
        "never pays twice": never_pays_twice,
        "ends in time": ends_in_time,
        "ends": ends,
        "asks within reason": asks_within_reason,
        "goes forward": goes_forward,
    }
)


def is_told_a_date(story: Story) -> bool:
    """A refusal named a date to come again."""
    hints = (reply.headers.get("retry-after") for reply in _replies(story) if reply.status == 429)
    return any(http_date(hint) is not None for hint in hints)


def is_limited_after_success(story: Story) -> bool:
    """The result was refused by a rate limit, once the job was known to have completed."""
    fetched = ((one.before, one.heard.reply) for one in story.exchanges)
    return any(
        isinstance(before, bide.Fetching)
        and before.failure is None
        and isinstance(reply, Response)
        and reply.status == 429
        for before, reply in fetched
    )


def is_cancelled_while_waiting(story: Story) -> bool:
    """The caller asked for it to be cancelled between two looks."""
    return any(isinstance(take.job, bide.Cancelling) for take in story.takes)


def is_skewed(story: Story) -> bool:
    """The service's clock was more than a minute off."""
    for one in story.exchanges:
        date = None if isinstance(one.heard.reply, NoResponse) else http_date(one.heard.reply.headers.get("date"))
        if date is not None and abs(date - story.cassette.head.now(one.heard.t)) > _SKEWED:
            return True
    return False


SIGNS: Mapping[str, Sign] = MappingProxyType(
    {
        "Retry-After is a date": is_told_a_date,
        "429 after success was seen": is_limited_after_success,
        "cancelled while waiting": is_cancelled_while_waiting,
        "clocks more than 60 s apart": is_skewed,
    }
)


def _replies(story: Story) -> Iterator[Response]:
    return (one.heard.reply for one in story.exchanges if isinstance(one.heard.reply, Response))


def _submissions(story: Story) -> list[Exchanged]:
    return [one for one in story.exchanges if one.is_submission]


def _told(reply: bide.Response | NoResponse) -> float | None:
    """Seconds to wait by the `Retry-After` of a refusal, read without the core's help."""
    if isinstance(reply, NoResponse) or reply.status not in (429, 503):
        return None
    hint = reply.headers.get("retry-after") or ""
    if hint.isascii() and hint.isdigit():
        return float(hint)
    at, date = http_date(hint), http_date(reply.headers.get("date"))
    return None if at is None or date is None else at - date
