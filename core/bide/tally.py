"""How many jobs were polled within a day, and whether the vendor has something to say about that."""

from __future__ import annotations

from dataclasses import dataclass, field

from bide.dialect import Advice

_DAY = 86400.0  # seconds


@dataclass(slots=True)
class Tally:
    """The jobs polled within the last day, by handle; `advised` once the vendor's advice was given."""

    polled: dict[str, float] = field(default_factory=dict[str, float])
    advised: bool = False

    def count(self, handle: str, advice: Advice | None, *, now: float) -> str | None:
        """Count a job once, however often it is looked at; the advice, once, when a day has more than it allows."""
        if advice is None or self.advised or handle in self.polled:
            return None
        self.polled = {known: at for known, at in self.polled.items() if at > now - _DAY} | {handle: now}
        self.advised = len(self.polled) > advice.daily
        return advice.text if self.advised else None
