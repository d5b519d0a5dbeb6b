"""The message of a replay that took another way: the first difference, both sides named, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, fields
from json import dumps
from typing import Any

from bide.errors import BideError
from bide.history import Terms
from bide_transports.cassette.lines import event_members
from bide_transports.cassette.tape import Cassette, Event, Open
from bide_transports.cassette.tokens import opened
from bide_transports.cassette.wording import Wording, plain
from bide_transports.cassette.words import known
from bide_transports.shell import command_line

_BEFORE = 3  # events of context
_WIDTH = 100  # characters of a value


@dataclass(frozen=True, slots=True)
class Difference:
    """One member that differs: as the cassette has it, and as the code makes it now."""

    name: str
    recorded: object
    made: object


class ReplayDiverged(BideError, AssertionError):
    """The code did something else than the cassette has. The message tells the first difference only.

    `lane` and `step` (from 0) say where; `expected` is what was recorded, `actual` what came (None for nothing);
    `path` names file and line; `policy_diff` holds the differences of pace and patience.
    """

    def __init__(
        self,
        message: str,
        *,
        lane: str,
        step: int,
        expected: Event | None,
        actual: Event | None,
        path: str,
        policy_diff: tuple[Difference, ...] = (),
    ) -> None:
        super().__init__(message)
        self.lane, self.step, self.path = lane, step, path
        self.expected, self.actual, self.policy_diff = expected, actual, policy_diff


def diverged(
    cassette: Cassette, lane: str, step: int, expected: Event | None, actual: Event | None, terms: Terms | None
) -> ReplayDiverged:
    """The error for the first difference of a lane, at its event number `step`."""
    events = cassette.lanes.get(lane, ())
    wording = Wording.of(cassette.head, terms.dialect if terms is not None else None)
    path = cassette.place(expected) if expected is not None else cassette.name
    policy = _policy(events, terms)
    head = f"replay diverged at step {step + 1} of {len(events)} (first difference; later steps not compared)"
    lines = [f"{head}   lane {plain(lane)}   {plain(path)}"]
    shown = [
        f"{'before:' if n == 0 else '':9}{wording.told(event)}" for n, event in enumerate(events[:step][-_BEFORE:])
    ]
    lines += [f"    {line}" for line in shown]
    sides = {"cassette (recorded)": expected, "code (now)         ": actual}
    lines += [
        f"    {side}: {wording.told(event).strip() if event else 'nothing more'}" for side, event in sides.items()
    ]
    lines += [
        f"    differs in: {d.name}   cassette {d.recorded}   code {d.made}" for d in differences(expected, actual)
    ]
    lines += [f"    policy:     {d.name}   cassette {d.recorded}   now {d.made}   <- likely cause" for d in policy]
    lines += [f"    intended? {_advice(cassette, policy)}   (decides anew, keeps what came back)"]
    message = "\n".join(lines)
    return ReplayDiverged(
        message, lane=lane, step=step, expected=expected, actual=actual, path=path, policy_diff=policy
    )


def differences(expected: Event | None, actual: Event | None) -> tuple[Difference, ...]:
    """The members in which two events differ; none where they are of different kinds."""
    if expected is None or actual is None or type(expected) is not type(actual):
        return ()
    ours, theirs = event_members(expected), event_members(actual)
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return tuple(Difference(name, _short(ours.get(name)), _short(theirs.get(name))) for name in names)


def _advice(cassette: Cassette, policy: tuple[Difference, ...]) -> str:
    """What takes over the new decisions: the command only knows the recorded pace and patience."""
    if not cassette.name or policy:
        terms = "".join(f", {name}=..." for name in dict.fromkeys(d.name.partition(".")[0] for d in policy))
        return f"bide_transports.cassette.changing.settle(cassette{terms}), or in a test pytest --cassette=settle"
    declared = "" if known(cassette.head) else " --dialect FILE"
    return plain(command_line("bide", "cassette", "settle", cassette.name)) + declared


def _short(value: object) -> str:
    text = plain(dumps(value, ensure_ascii=False)) if value is not None else "nothing"
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"


def _policy(events: tuple[Event, ...], terms: Terms | None) -> tuple[Difference, ...]:
    """Where pace and patience of the code differ from those on the cassette."""
    token = next((event.token for event in events if isinstance(event, Open) and event.token is not None), None)
    if terms is None or token is None:
        return ()
    recorded = opened(token, terms.dialect).terms
    return (*_members("pace", recorded.pace, terms.pace), *_members("patience", recorded.patience, terms.patience))


def _members(name: str, recorded: Any, made: Any) -> tuple[Difference, ...]:
    if type(recorded) is not type(made):
        return (Difference(name, repr(recorded), repr(made)),)
    pairs = ((f.name, getattr(recorded, f.name), getattr(made, f.name)) for f in fields(recorded))
    return tuple(Difference(f"{name}.{member}", one, other) for member, one, other in pairs if one != other)
