"""What other tools recorded, made into a cassette: interactions sorted into jobs, then decided upon by the core.

A foreign recording holds no decisions. Requests of a job are written as bide sends them. A request stands at the time
at which it was recorded, or at which the core first allows it, whichever is later, and its reply as long after it as
it was recorded: so the cassette verifies, and its times are the recorded ones as far as a patient client would have
had them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import bide
from bide.dialect import Dialect
from bide.messages import Response
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import in_order, loads, text_of
from bide_transports.cassette.foreign.interactions import Interaction
from bide_transports.cassette.foreign.recognising import place
from bide_transports.cassette.foreign.sorting import Sorting
from bide_transports.cassette.redacting import rules_for
from bide_transports.cassette.redaction import STANDARD, Rules, scan
from bide_transports.cassette.tape import Cassette, InvalidCassette
from bide_transports.cassette.tokens import head_of
from bide_transports.cassette.verify import verify

START = 946_684_800_000  # milliseconds since the epoch: a recording without times begins with the year 2000
_MOST = 253_000_000_000_000  # the same, early in the year 9987: Python's dates end soon after it
_SLACK = 3600.0  # seconds by which patience is longer than the recording


@dataclass(frozen=True, slots=True)
class Terms:
    """How an import decides: the dialect, and who wrote the recording; pace and patience (None: what fits its times).

    `exact` says that the times are those of the recording, to the millisecond, not those of a `Date` header.
    """

    dialect: Dialect
    by: str
    exact: bool
    pace: bide.Pace | None = None
    patience: bide.Patience | None = None
    rules: Rules = STANDARD


def imported(interactions: list[Interaction], terms: Terms, name: str) -> Cassette:
    """The cassette of these interactions; raises `InvalidCassette` where none can be made."""
    if terms.exact:
        interactions = sorted(interactions, key=lambda one: one.began or 0)
    times = [one.opening.at if one.opening else one.began for one in interactions]
    start = min((time for time in times if time is not None), default=START)
    if not 0 <= start <= _MOST:
        raise InvalidCassette(f"{name} begins in a year that no calendar of ours has: mend its times")
    secrets = dict.fromkeys((*terms.rules.secrets, *(value for one in interactions for value in one.secrets)))
    rules = rules_for(terms.dialect, replace(terms.rules, secrets=tuple(filter(None, secrets))))
    head = head_of(terms.dialect, start / 1000, by=terms.by)
    sorting = Sorting(head, terms.dialect, rules, _pace(interactions, terms), _patience(interactions, terms))
    for one in interactions:
        sorting.take(one)
    cassette = Cassette(head, tuple(in_order(sorting.events)), name)
    _check(cassette, terms.dialect, rules)
    return cassette


def _pace(interactions: list[Interaction], terms: Terms) -> bide.Pace:
    """The pace of the recorded looks, one for all jobs: their shortest interval, or the mean of coarse ones."""
    if terms.pace is not None:
        return terms.pace
    looks: dict[tuple[object, ...], list[Interaction]] = {}
    for one in interactions:
        if one.began is not None and one.request.method == "GET" and isinstance(one.reply, Response):
            looks.setdefault(place(one.request), []).append(one)
    gaps = [_gap(a, b) for group in looks.values() for a, b in pairwise(group)]
    if not gaps:
        return bide.Growing()
    shortest = min(gaps) if terms.exact else sum(gaps) // len(gaps)
    return bide.Every(min(max(shortest, 50), 3_600_000) / 1000)


def _gap(one: Interaction, following: Interaction) -> int:
    return max((following.began or 0) - (one.began or 0) - one.took, 0)


def _patience(interactions: list[Interaction], terms: Terms) -> bide.Patience:
    """Patience that lasts as long as the recording."""
    if terms.patience is not None:
        return terms.patience
    times = [time for one in interactions if one.began is not None for time in (one.began, one.began + one.took)]
    usual = bide.Patience()
    span = (max(times) - min(times)) / 1000 + _SLACK if times else 0.0
    longest = max(usual.longest, span)
    return replace(usual, fallback=max(usual.fallback, span), longest=longest, stall=max(usual.stall, span))


def _check(cassette: Cassette, dialect: Dialect, rules: Rules) -> None:
    """Verify what was made, as it will be read, and search it for secrets: a recorder does so, too."""
    text = text_of(cassette)
    try:
        verify(loads(text, name=cassette.name), dialect=dialect)
    except ReplayDiverged as error:
        raise InvalidCassette(f"redaction hides what decides in {cassette.name}: {error}") from None
    found = scan(text.decode(), rules)
    if found:
        places = "; ".join(str(finding) for finding in found[:5])
        raise InvalidCassette(
            f"{len(found)} secrets would stand in the cassette of {cassette.name}: {places}. Name them in the rules"
        )
