"""Which lane a job that is about to be followed belongs to: the first that opens with the same, once both are redacted.

The idempotency key is not compared, since it is new each time; nor are pace, patience and times, which the decisions
tell of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from json import dumps
from typing import NamedTuple, cast

import bide
from bide.document import JSON
from bide.handles import shown
from bide_transports.cassette.divergence import Difference, ReplayDiverged
from bide_transports.cassette.labels import FILE, label_of, order_in
from bide_transports.cassette.redacting import Cleaner
from bide_transports.cassette.tape import Cassette, Event, Open

_WIDTH = 100  # characters of a value in a message


class Candidate(NamedTuple):
    """A lane that may be taken, and where what it opens with differs from what is wanted."""

    lane: str
    event: Open
    differences: tuple[Difference, ...]


class Wanted(NamedTuple):
    """A job that is about to be followed, and what tells it from others once it is redacted."""

    job: bide.Job
    told: dict[str, JSON]

    @classmethod
    def of(cls, job: bide.Job, cleaner: Cleaner) -> Wanted:
        """The job as a recording with such a cleaner would have it."""
        lane = label_of(job, cleaner)
        return cls(job, _told_by(cleaner.token(replace(job, terms=replace(job.terms, seed=lane)))))

    def against(self, lane: str, event: Open) -> Candidate:
        """The job beside a lane that goes on with `event`."""
        return Candidate(lane, event, tuple(differences(_told_by(event.token or {}), self.told)))


def in_turn(lanes: Mapping[str, tuple[Event, ...]]) -> list[str]:
    """The lanes that hold jobs, as these were begun; those begun at once by their numbers."""
    names = [name for name, events in lanes.items() if isinstance(events[0], Open) and events[0].token is not None]
    return sorted(names, key=lambda name: (lanes[name][0].t, *_numbered(name)))


def of_files(lanes: Mapping[str, tuple[Event, ...]]) -> list[str]:
    """The lanes that hold files, as these were begun; those of one name by their numbers."""
    firsts = {name: events[0] for name, events in lanes.items() if name.startswith(FILE)}
    names = [name for name, first in firsts.items() if isinstance(first, Open) and first.token is None]
    return sorted(names, key=lambda name: (_numbered(name), lanes[name][0].t))


def differences(recorded: JSON, made: JSON, place: str = "") -> Iterator[Difference]:
    """Each place at which two documents differ, such as `input.prompt`."""
    if isinstance(recorded, dict) and isinstance(made, dict):
        for name in {**recorded, **made}:
            inner = f"{place}.{name}" if place else name
            if name in recorded and name in made:
                yield from differences(recorded[name], made[name], inner)
            else:
                yield Difference(inner, _value(recorded, name), _value(made, name))
    elif isinstance(recorded, list) and isinstance(made, list) and len(recorded) == len(made):
        for number, (one, other) in enumerate(zip(recorded, made, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif dumps(recorded) != dumps(made):
        yield Difference(place, _short(recorded), _short(made))


def unmatched(cassette: Cassette, wanted: Wanted, candidates: list[Candidate], unplayed: list[str]) -> ReplayDiverged:
    """The error for a job that no lane is left for, with the one that comes nearest."""
    lines = [f"replay diverged: no lane of {cassette.name} is left for {_shown(wanted)}"]
    nearest = min(candidates, key=lambda one: len(one.differences), default=None)
    place, lane, event = cassette.name, "", None
    if nearest is not None:
        lane, event, (first, *_) = nearest
        place = cassette.place(event)
        lines += [f"    nearest lane: {lane}   {place}"]
        lines += [f"    first difference: {first.name}: cassette {first.recorded}, code {first.made}"]
    lines += [f"    not played: {', '.join(unplayed)}" if unplayed else "    every lane was begun already"]
    return ReplayDiverged("\n".join(lines), lane=lane, step=0, expected=event, actual=None, path=place)


def _told_by(token: Mapping[str, JSON]) -> dict[str, JSON]:
    job = cast("Mapping[str, JSON]", token.get("job", {}))
    order = order_in(token) if job else None
    return {"state": job.get("is"), "handle": job.get("handle")} | (order or {}) | {"is": "Order"}


def _shown(wanted: Wanted) -> str:
    job, made = wanted
    if isinstance(job, bide.Submitting):
        return f"a submission of {made['model']} {_short(made.get('input'))}"
    handle = made.get("handle")
    named = f"the job {shown(str(handle))}" if handle else "a job"
    return f"{named}, which is {type(job).__name__}"


def _numbered(lane: str) -> tuple[str, int]:
    """A lane's name with its number apart: #10 comes after #9."""
    found = re.fullmatch(r"(.*)#([0-9]+)", lane, re.DOTALL)
    return (found[1], int(found[2])) if found else (lane, 0)


def _value(document: Mapping[str, JSON], name: str) -> str:
    return _short(document[name]) if name in document else "nothing"


def _short(value: JSON) -> str:
    text = repr(value) if isinstance(value, str) else dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
