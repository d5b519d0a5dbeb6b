"""Where an instant stands in a picture, and the round instants that are named along its edge."""

from __future__ import annotations

from dataclasses import dataclass

_SECOND, _MINUTE, _HOUR, _DAY = 1000, 60_000, 3_600_000, 86_400_000
_STEPS = (
    *(figure * power for power in (1, 10, 100) for figure in (1, 2, 5)),
    *(figure * _SECOND for figure in (1, 2, 5, 10, 15, 30)),
    *(figure * _MINUTE for figure in (1, 2, 5, 10, 15, 30)),
    *(figure * _HOUR for figure in (1, 2, 3, 6, 12)),
)

_UNITS = ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", _SECOND, "s"))


@dataclass(frozen=True, slots=True)
class Scale:
    """The milliseconds from `begin` to `end` on `width` pixels from `left` on."""

    begin: int
    end: int
    left: float
    width: float

    def x(self, t: int) -> float:
        """Where the instant `t` stands; one outside stands at the edge."""
        share = (min(max(t, self.begin), self.end) - self.begin) / max(self.end - self.begin, 1)
        return round(self.left + self.width * share, 1)

    def ticks(self, distance: float = 95.0) -> range:
        """The round instants in between, at least `distance` pixels from one another."""
        length = max(self.end - self.begin, 1)
        step = next((step for step in _steps(length) if step * self.width >= length * distance), length)
        return range(-(-self.begin // step) * step, self.end + 1, step)


def _steps(length: int) -> list[int]:
    """The round lengths, whole days in the end."""
    steps, days = [*_STEPS], 1
    while days * _DAY <= length:
        steps += [figure * days * _DAY for figure in (1, 2, 5)]
        days *= 10
    return [*steps, days * _DAY]


def length(t: int) -> str:
    """So many milliseconds in the units that people read, the two largest at the most."""
    if abs(t) < _SECOND:
        return f"{t} ms" if t else "0"
    if abs(t) < _MINUTE:
        return f"{t / _SECOND:g} s"
    sign, t = "-" if t < 0 else "", abs(t)
    unit, name, part, part_name = next(one for one in _UNITS if t >= one[0])
    rest = t % unit // part
    return f"{sign}{t // unit} {name}" + (f" {rest} {part_name}" if rest else "")
