"""How many jobs were polled within a day, and whether the vendor has something to say about that."""

from __future__ import annotations

from dataclasses import dataclass

from bide.dialects import Advice

_DAY = 86400.0  # seconds


@dataclass(frozen=True, slots=True)
class Tally:
    """When the jobs of the last day were taken up (seconds since the epoch), and whether advice was given."""

    starts: tuple[float, ...] = ()
    advised: bool = False

    def count(self, advice: Advice | None, *, now: float) -> tuple[Tally, str | None]:
        """The tally with one more job, and the advice, once, when there are more in a day than it allows."""
        if advice is None or self.advised:
            return self, None
        starts = (*(start for start in self.starts if start > now - _DAY), now)
        if len(starts) > advice.daily:
            return Tally((), advised=True), advice.text
        return Tally(starts), None
