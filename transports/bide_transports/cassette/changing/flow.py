"""Another policy played against a recording: submit, then as many looks as it likes, answers by time.

An honest use of recordings: what would these jobs have cost with another pace, and how soon would their end have been
noticed? When a job really ended is known only as a bracket, so how late it was noticed is one, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import bide
from bide.dialect import Dialect
from bide.messages import Response
from bide_transports.cassette.changing.by_time import Bracket, bracket
from bide_transports.cassette.changing.retake import Retake
from bide_transports.cassette.changing.story import Story, with_lanes
from bide_transports.cassette.tape import Cassette
from bide_transports.cassette.tokens import dialect_of

Policy: TypeAlias = bide.Pace | tuple[bide.Pace, bide.Patience]


def flow(
    cassette: Cassette,
    *,
    pace: bide.Pace | None = None,
    patience: bide.Patience | None = None,
    dialect: Dialect | None = None,
) -> Cassette:
    """What the core would have done under another pace and patience; every answer comes by time.

    Raises `InvalidCassette` where nothing on the cassette can answer.
    """
    spoken = dialect or dialect_of(cassette.head)
    stories = {lane: Story(cassette, lane, spoken) for lane in cassette.lanes}
    lanes = {lane: Retake(story, 0, pace=pace, patience=patience).play() for lane, story in stories.items()}
    changes = [f"{name} {value!r}" for name, value in (("pace", pace), ("patience", patience)) if value is not None]
    return with_lanes(cassette, lanes, f"flow by time{''.join(f', {change}' for change in changes)}")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a policy cost, over all jobs: looks, refusals by a rate limit, and how late their ends were noticed.

    `lag` are seconds on the average, the least and the most that it can have been, over the `noticed` jobs whose end
    was recorded and seen; None without any.
    """

    policy: str
    jobs: int
    polls: int
    limited: int
    noticed: int
    lag: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The cost of each policy, in the order they were given; its text is a table."""

    costs: tuple[Cost, ...]

    def __str__(self) -> str:
        rows = [("policy", "jobs", "polls", "429s", "noticed", "lag (s)")]
        rows += [(c.policy, f"{c.jobs}", f"{c.polls}", f"{c.limited}", f"{c.noticed}", _lag(c)) for c in self.costs]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(_cells(row, widths)).rstrip() for row in rows)
        return "\n".join(lines)


def compare(
    cassettes: Iterable[Cassette], policies: Mapping[str, Policy], *, dialect: Dialect | None = None
) -> Comparison:
    """Each policy played against each cassette. A policy is a pace, or a pace with a patience.

    Lanes without a job are left out. Raises `InvalidCassette` where nothing can answer.
    """
    recorded = [_Seen(cassette, lane, dialect) for cassette in cassettes for lane in cassette.lanes]
    known = [one for one in recorded if one.story.is_decided]
    return Comparison(tuple(_cost(name, known, policy) for name, policy in policies.items()))


class _Seen:
    """One recorded lane, and when its job ended."""

    def __init__(self, cassette: Cassette, lane: str, dialect: Dialect | None) -> None:
        self.story = Story.of(cassette, lane, dialect)
        self.ended: Bracket | None = bracket(self.story.exchanges)

    def under(self, policy: Policy) -> Story:
        """The story of the lane under another policy."""
        pace, patience = policy if isinstance(policy, tuple) else (policy, None)
        events = Retake(self.story, 0, pace=pace, patience=patience).play()
        return Story(Cassette(self.story.cassette.head, events), self.story.name, self.story.dialect)


def _cost(name: str, recorded: list[_Seen], policy: Policy) -> Cost:
    played = [(one, one.under(policy)) for one in recorded]
    exchanges = [exchanged for _, story in played for exchanged in story.exchanges]
    replies = [exchanged.heard.reply for exchanged in exchanges]
    lags = [lag for one, story in played if (lag := _late(one.ended, bracket(story.exchanges))) is not None]
    return Cost(
        name,
        len(played),
        sum(exchanged.is_look for exchanged in exchanges),
        sum(isinstance(reply, Response) and reply.status == 429 for reply in replies),
        len(lags),
        (sum(least for least, _ in lags) / len(lags), sum(most for _, most in lags) / len(lags)) if lags else None,
    )


def _late(ended: Bracket | None, seen: Bracket | None) -> tuple[float, float] | None:
    """How long after its end it was noticed, in seconds: the least and the most that it can have been."""
    if ended is None or seen is None:
        return None
    return max(0, seen.by - ended.by) / 1000, max(0, seen.by - ended.after) / 1000


def _lag(cost: Cost) -> str:
    return "unknown" if cost.lag is None else f"{cost.lag[0]:.1f} to {cost.lag[1]:.1f}"


def _cells(row: tuple[str, ...], widths: list[int]) -> list[str]:
    name, *figures = (f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
    return [row[0].ljust(len(name)), *figures]
