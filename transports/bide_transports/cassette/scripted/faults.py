"""What may go wrong in one run of a script, drawn by dice that are named: the same seed draws the same faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bide.messages import Headers, Response
from bide.pace import draw
from bide_transports.cassette.changing.moving import imf
from bide_transports.cassette.scripted.script import Mishap, Script
from bide_transports.emulator.memory import VirtualClock

_LAST = 20.0  # seconds: no fault begins later
_MOST = 4  # faults in one run


@dataclass(slots=True)
class Dice:
    """The draws of one seed, in turn."""

    seed: str
    count: int = 0

    def between(self, least: float, most: float) -> float:
        """A number of whole milliseconds from `least` to `most` (seconds)."""
        self.count += 1
        return round(least + (most - least) * draw(self.seed, "fuzz", self.count), 3)

    def number(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        self.count += 1
        return least + int((most - least + 1) * draw(self.seed, "fuzz", self.count))


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong: what a script becomes with it, or when (seconds) the caller `cancels`."""

    said: str
    onto: Callable[[Script], Script]
    cancels: float | None = None


#: Draws a fault.
Kind: TypeAlias = Callable[[Dice], Fault]


def limited(dice: Dice) -> Fault:
    """429 with seconds to wait."""
    at, wait, times = dice.between(0, _LAST), dice.number(0, 30), dice.number(1, 3)
    return Fault(
        f"429 ({wait} s) at {at} s, {times} times", lambda s: s.refuse(429, retry_after=wait, at=at, times=times)
    )


def limited_until(dice: Dice) -> Fault:
    """429 with a date to wait for, by the service's clock."""
    at, wait = dice.between(0, _LAST), dice.number(1, 30)

    def onto(script: Script) -> Script:
        return script.refuse(429, retry_after=imf(VirtualClock().now() + script.ahead + at + wait), at=at)

    return Fault(f"429 (a date {wait} s later) at {at} s", onto)


def limited_at_last(dice: Dice) -> Fault:
    """429 for the result of a job that is known to have completed."""
    wait = dice.number(0, 30)
    return Fault(f"429 ({wait} s) for the result", lambda script: script.refuse(429, retry_after=wait, on="fetch"))


def unavailable(dice: Dice) -> Fault:
    """503, a few times."""
    at, times = dice.between(0, _LAST), dice.number(1, 4)
    return Fault(f"503 at {at} s, {times} times", lambda script: script.refuse(503, at=at, times=times))


def dropped(dice: Dice) -> Fault:
    """A connection that is cut, after the service has heard the request."""
    at, times = dice.between(0, _LAST), dice.number(1, 2)
    return Fault(f"cut at {at} s, {times} times", lambda script: script.drop(at=at, times=times))


def unreachable(dice: Dice) -> Fault:
    """A connection that is not made."""
    at, times = dice.between(0, _LAST), dice.number(1, 2)
    return Fault(f"unreachable at {at} s, {times} times", lambda script: script.drop(at=at, times=times, sent=False))


def portal(dice: Dice) -> Fault:
    """A page for people in place of the reply."""
    at = dice.between(0, _LAST)
    page = Response(200, Headers.of([("content-type", "text/html")]), b"<!doctype html><p>Please sign in.")
    return Fault(f"a page at {at} s", lambda script: script.mishap(Mishap(at, page)))


def skewed(dice: Dice) -> Fault:
    """A service's clock that is off by up to an hour."""
    seconds = dice.number(-3600, 3600)
    return Fault(f"clock {seconds} s ahead", lambda script: script.skew(seconds))


def cancelled(dice: Dice) -> Fault:
    """A caller who cancels."""
    at = dice.between(0.5, _LAST)
    return Fault(f"cancelled at {at} s", lambda script: script, cancels=at)


FAULTS: Sequence[Kind] = (
    limited,
    limited_until,
    limited_at_last,
    unavailable,
    dropped,
    unreachable,
    portal,
    skewed,
    cancelled,
)


def drawn(seed: int, kinds: Sequence[Kind]) -> list[Fault]:
    """The faults of a seed, in the order of their kinds: a clock is off before anything is told by it."""
    dice = Dice(f"{seed}")
    chosen = [kinds[dice.number(0, len(kinds) - 1)] for _ in range(dice.number(0, _MOST))]
    return [kind(dice) for kind in sorted(chosen, key=lambda kind: (kind is not skewed, kinds.index(kind)))]
