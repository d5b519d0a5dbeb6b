"""When to ask next, if nobody else has a say: cadence between looks, backoff after trouble, jitter from a seed.

All times are float seconds. Nothing here rolls dice: a draw is a hash of (seed, name, count), so a
recorded job replays with the jitter it had, and a new draw elsewhere changes no old recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import ceil, floor
from typing import TypeAlias, cast
from zlib import crc32

from bide.faults import InvalidSetting

SHORTEST = 0.05  # seconds between two looks at one job, whatever a pace says
LONGEST_BACKOFF = 60.0  # seconds between two tries of what went wrong, unless the service asks for more
LONGEST = 1e11  # seconds: 3,000 years; later instants could not be read back from a token


def number(name: str, value: object, least: float, most: float, what: str = "") -> None:
    """Raise `InvalidSetting` unless `value` is a number from `least` to `most`; the message says to give `what`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidSetting(f"{name} is {value!r:.60}: give {what or f'a number from {least:g} to {most:g}'}")


def positive(name: str, seconds: object) -> None:
    """Raise `InvalidSetting` unless `seconds` is a usable, finite length of time."""
    number(name, seconds, SHORTEST, LONGEST, f"{SHORTEST} seconds or more, as a number")


def whole(name: str, value: object) -> None:
    """Raise `InvalidSetting` unless `value` is a usable count."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 2**53:
        raise InvalidSetting(f"{name} is {value!r:.60}: give 1 or more, as a whole number")


def either(name: str, value: object) -> None:
    """Raise `InvalidSetting` unless `value` is True or False: a text such as "no" would count as yes."""
    if not isinstance(value, bool):
        raise InvalidSetting(f"{name} is {value!r:.60}: give True or False")


class Why(Enum):
    """The reason for a due time. The value is the word people read."""

    AT_ONCE = "at once"
    PACE = "pace"
    RETRY_AFTER = "retry-after"
    QUOTA = "quota"
    BACKOFF = "backoff"
    NOTICE = "notice"
    LAST_LOOK = "last look"


@dataclass(frozen=True, slots=True)
class Every:
    """Look every `interval` seconds, give or take up to `jitter` seconds."""

    interval: float
    jitter: float = 0.0

    def __post_init__(self) -> None:
        positive("interval", self.interval)
        number("jitter", self.jitter, 0, self.interval, f"seconds from 0 to the interval ({self.interval})")

    def delay(self, *, age: float, draw: float) -> float:  # noqa: ARG002  every pace is asked alike
        """Seconds until the next look at a job submitted `age` seconds ago; `draw` lies in [0, 1)."""
        return self.interval + self.jitter * (2 * draw - 1)


@dataclass(frozen=True, slots=True)
class Growing:
    """Look after `first` seconds, then at intervals that grow by `factor` up to `cap` seconds.

    The interval follows the job's age, not a count of looks, so a restart or a failed look changes
    nothing: a geometric series of intervals is a straight line in age. A tenth of each is jitter.
    """

    first: float = 1.0
    factor: float = 1.1
    cap: float = 15.0

    def __post_init__(self) -> None:
        positive("first", self.first)
        positive("cap", self.cap)
        number("factor", self.factor, 1, 10)

    def delay(self, *, age: float, draw: float) -> float:
        """Seconds until the next look at a job submitted `age` seconds ago; `draw` lies in [0, 1)."""
        return min(self.cap, self.first + (self.factor - 1) * age) * (0.95 + 0.1 * draw)


@dataclass(frozen=True, slots=True)
class Sparse:
    """Look `factor` times as seldom as `pace` does, for a job of which webhooks are expected to tell.

    A notice comes within a second of what it tells, so these looks are only the insurance against a lost one. Its
    price is bounded on both sides. Never more looks than with `pace` alone: no interval is shorter than its, and
    an age plus its interval never falls as the age grows, so the count of looks can never catch up. Never later by
    more than `cap` seconds, or one interval of `pace` if that is longer: no interval is longer than both.

    A job that has not been told of once by the age of `until` seconds (`told`, which `bide.notice` sets) is looked
    at as `pace` says from then on: its webhooks have failed to come.
    """

    pace: Every | Growing = Growing()
    factor: float = 8.0
    cap: float = 60.0
    until: float = 300.0
    told: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "pace", as_pace(self.pace))
        if isinstance(self.pace, Sparse):
            raise InvalidSetting("pace is Sparse already: give Sparse an Every or a Growing")
        positive("cap", self.cap)
        positive("until", self.until)
        number("factor", self.factor, 1, 1000)

    def delay(self, *, age: float, draw: float) -> float:
        """Seconds until the next look at a job submitted `age` seconds ago; `draw` lies in [0, 1)."""
        usual = self.pace.delay(age=age, draw=draw)
        return usual if age >= self.until and not self.told else max(usual, min(self.factor * usual, self.cap))


Pace: TypeAlias = Every | Growing | Sparse


def as_pace(value: object) -> Pace:
    """`value` as a pace: a number means to look `Every` so many seconds. Raises `InvalidSetting`."""
    if isinstance(value, Every | Growing | Sparse):
        return value
    number("pace", value, SHORTEST, LONGEST, f"Every, Growing or Sparse, or seconds ({SHORTEST} or more) for Every")
    return Every(cast("float", value))


def backoff(count: int, *, draw: float, first: float = 0.5, cap: float = LONGEST_BACKOFF) -> float:
    """Seconds to wait after the `count`-th trouble in a row: doubling from `first` to `cap`, half of it jitter."""
    ceiling = min(cap, first * (1 << min(max(count, 1), 16) - 1))
    return ceiling * (0.5 + 0.5 * draw)


def draw(seed: str, name: str, count: int) -> float:
    """The draw called `name` number `count`: a number in [0, 1) with six digits, the same on every platform."""
    x = crc32(f"{seed}\0{name}\0{count}".encode("utf-8", "replace"))
    x = (x ^ x >> 15) * 0x85EBCA6B & 0xFFFFFFFF  # crc32 alone is linear: neighbouring counts would draw alike
    x = (x ^ x >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return (x ^ x >> 16) * 1_000_000 // 2**32 / 1_000_000


def floor_ms(now: float) -> float:
    """`now` down to its whole millisecond; every driver passes its clock through this."""
    return floor(now * 1000 + 0.01) / 1000  # 10 µs of slack: a float holds today's epoch to 0.2 µs only


def ceil_ms(due: float) -> float:
    """`due` up to the next whole millisecond."""
    return ceil(due * 1000 - 0.01) / 1000
