"""A cassette as text for people and for `git diff`: a summary, then one line a step, lane by lane or all by time.

The same events are the same lines, whatever the file is called. An event stands at the same place in its lane as
the step that a `ReplayDiverged` names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from bide.dialect import Dialect
from bide_transports.cassette.files import in_order
from bide_transports.cassette.lines import event_members, head_members, line
from bide_transports.cassette.tape import Cassette, Done, Event, Heard, InvalidCassette, Open, Send
from bide_transports.cassette.wording import Wording, plain, seconds, shortened

_PLACEHOLDER = re.compile(rb"redacted-([a-z]+)-[0-9]+")
_NAME = 28  # characters of a lane's name beside its events


def transcript(cassette: Cassette, *, lanes: Collection[str] = (), dialect: Dialect | None = None) -> str:
    """The summary and each lane with its events; only `lanes`, where some are named.

    `dialect` is wanted for one that does not come with bide, or its replies are told by their usual names.
    Raises `InvalidCassette` for a lane that is not there.
    """
    wording = Wording.of(cassette.head, dialect)
    text = list(summary(cassette))
    for name, events in chosen(cassette, lanes).items():
        text += ["", f"lane {plain(name)}: {outcome(events)}", *map(wording.told, events)]
    return "\n".join(text) + "\n"


def by_time(cassette: Cassette, *, lanes: Collection[str] = (), dialect: Dialect | None = None) -> str:
    """The same with the events of all lanes in the order of their times, each with the name of its lane."""
    wording = Wording.of(cassette.head, dialect)
    names = {name: shortened(plain(name), _NAME) for name in chosen(cassette, lanes)}
    width = max(map(len, names.values()), default=0)
    events = in_order(event for event in cassette.events if event.lane in names)
    text = [*summary(cassette), ""]
    text += [f"{seconds(event.t):>10} {names[event.lane]:{width}} {wording.what(event)}" for event in events]
    return "\n".join(text) + "\n"


def summary(cassette: Cassette) -> Iterator[str]:
    """What is on the cassette, in a few lines: the service, when, how much, how it ended, what was done to it."""
    head, lanes = cassette.head, cassette.lanes
    end = max((event.t for event in cassette.events), default=0)
    yield f"{plain(head.dialect)} at {plain(head.base)}, {head_members(head)['t0']}, {seconds(end)}"
    yield f"by {plain(', '.join(filter(None, (head.by, head.lib))))}"
    yield f"{count(len(lanes), 'lane')}, {exchanges(cassette.events)}: {_outcomes(lanes.values())}"
    redacted = _redacted(cassette)
    yield f"redacted: {', '.join(count(n, kind) for kind, n in sorted(redacted.items())) or 'nothing'}"
    yield from (f"edited: {plain(edit)}" for edit in head.edits)


def chosen(cassette: Cassette, names: Collection[str]) -> dict[str, tuple[Event, ...]]:
    """The lanes of these names, or all; raises `InvalidCassette` for one that is not there."""
    lanes = cassette.lanes
    for name in names:
        if name not in lanes:
            there = ", ".join(shortened(plain(one), 60) for one in [*lanes][:8]) + (", …" if len(lanes) > 8 else "")
            raise InvalidCassette(f"there is no lane {plain(name)[:80]!r} on the cassette: it has {there or 'none'}")
    return {name: events for name, events in lanes.items() if not names or name in names}


def outcome(events: Iterable[Event]) -> str:
    """How much a lane holds, and how it ended."""
    events = list(events)
    return f"{exchanges(events)}, {ending(events)}"


def ending(events: Iterable[Event]) -> str:
    """The kind of the last state of a lane, or why there is none."""
    end = "no job"
    for event in events:
        if isinstance(event, Open) and event.token is not None:
            end = "left"
        elif isinstance(event, Done):
            end = plain(event.state)
        elif end in ("left", "cut short"):
            end = "cut short" if isinstance(event, Send) else "left"
    return end


def exchanges(events: Iterable[Event]) -> str:
    """How many exchanges there are among these events."""
    return count(sum(isinstance(event, Heard) for event in events), "exchange")


def count(number: int, thing: str) -> str:
    """So many things."""
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


def _outcomes(lanes: Iterable[Iterable[Event]]) -> str:
    ends = Counter(map(ending, lanes))
    return ", ".join(f"{number} {end}" for end, number in ends.items()) or "nothing happened"


def _redacted(cassette: Cassette) -> Counter[str]:
    """How many values of each kind were taken out; a value has the same placeholder wherever it stands in a lane."""
    found: set[tuple[str, bytes, bytes]] = set()
    for event in cassette.events:
        written = line(event_members(event))
        found |= {(event.lane, match[0], match[1]) for match in _PLACEHOLDER.finditer(written)}
    return Counter(kind.decode() for _, _, kind in found)
