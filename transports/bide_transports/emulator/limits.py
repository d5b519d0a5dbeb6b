"""The rate limit: so many requests in a fixed window, told in headers on every reply (modelroute-api.md, 10)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bide_transports.emulator.replies import http_date
from bide_transports.emulator.variants import Variants


@dataclass(frozen=True, slots=True)
class Window:
    """One key's window after a request: until when it lasts, what is left of it, and whether it let that one in."""

    opened: float
    closes: float
    limit: int
    remaining: int
    admitted: bool

    def headers(self, variants: Variants, now: float) -> tuple[tuple[str, str], ...]:
        """The `X-RateLimit-*` lines, and `Retry-After` when the request was not let in.

        Whole seconds and milliseconds are rounded up: who waits as told never comes too early.
        """
        reset = _reset(self.closes, variants, now)
        return (
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(self.remaining)),
            *([] if reset is None else [("X-RateLimit-Reset", reset)]),
            *([] if self.admitted else _retry_after(self.closes, variants, now)),
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in each window of `window` seconds.

    `aligned` windows begin at multiples of their length since the epoch, others with the first request.
    """

    requests: int = 60
    window: float = 60.0
    aligned: bool = True

    def take(self, window: Window | None, now: float) -> Window:
        """The window after one more request at `now`; `window` is the one before, None at first."""
        if window is None or now >= window.closes:
            opened = math.floor(now / self.window) * self.window if self.aligned else now
            window = Window(opened, opened + self.window, self.requests, self.requests, admitted=True)
        left = window.remaining - 1
        return Window(window.opened, window.closes, self.requests, max(left, 0), admitted=left >= 0)


def _reset(closes: float, variants: Variants, now: float) -> str | None:
    match variants.reset:
        case "seconds":
            return str(math.ceil(closes + variants.skew))
        case "milliseconds":
            return str(math.ceil((closes + variants.skew) * 1000))
        case "delta":
            return str(math.ceil(closes - now))
        case _:
            return None


def _retry_after(closes: float, variants: Variants, now: float) -> list[tuple[str, str]]:
    match variants.retry_after:
        case "seconds":
            return [("Retry-After", str(math.ceil(closes - now)))]
        case "date":
            return [("Retry-After", http_date(math.ceil(closes + variants.skew)))]
        case _:
            return []
