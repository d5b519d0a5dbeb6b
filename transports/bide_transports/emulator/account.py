"""What the service saw, so that a test can judge the client from the server's side. Holds no secret."""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

from bide.messages import Response
from bide_transports.emulator.faults import Kind
from bide_transports.emulator.limits import Window

# A driver reads its clock in whole milliseconds, so it may come that much before the instant it was told.
_GRAIN = 0.001


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived, and what became of it.

    `path` is without the query, which holds signatures. `credential` says whether one came, never which.
    `status` is None when no whole reply went out. `told` is the instant before which the reply asked the
    client not to come again (seconds since the epoch): from Retry-After, or from the reset of a window that
    it reported as used up.
    """

    at: float
    origin: Literal["api", "storage"]
    kind: Kind
    method: str
    path: str
    key: str | None
    credential: bool
    status: int | None
    remaining: int | None = None
    told: float | None = None

    @property
    def binds_all(self) -> bool:
        """Whether `told` concerns every request of the client rather than this path alone."""
        return self.status == 429 or self.remaining == 0


class Account:
    """Every request in order of arrival, and what follows from them.

    `executions` were created; `duplicates` are submissions answered with an execution that was already there. `sent`
    counts the bytes of all bodies that went out on a wire, by origin; in memory there is none. `uploads` counts the
    files that came whole to the storage host, each as often as it came.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.executions = 0
        self.duplicates = 0
        self.uploads = 0
        self.sent: dict[Literal["api", "storage"], int] = {"api": 0, "storage": 0}

    @property
    def requests(self) -> int:
        """How many requests came, to both origins."""
        return len(self.seen)

    @property
    def limited(self) -> int:
        """How many were answered 429."""
        return sum(seen.status == 429 for seen in tuple(self.seen))

    @property
    def credentials_at_storage(self) -> int:
        """How many requests carried a credential to storage, where none belongs (modelroute-api.md, 13.2)."""
        return sum(seen.credential for seen in tuple(self.seen) if seen.origin == "storage")

    @property
    def early(self) -> tuple[Seen, ...]:
        """The API requests that came before the client had been told to come.

        A 429, or a window reported as used up, holds back every request; any other Retry-After only those to
        the same path. A request already on its way when the reply left counts too: expect none of a client
        that asks one thing at a time.
        """
        everywhere, paths, found = -math.inf, dict[str, float](), list[Seen]()
        for seen in tuple(self.seen):
            if seen.origin == "api" and seen.at < max(everywhere, paths.get(seen.path, -math.inf)) - _GRAIN:
                found.append(seen)
            if seen.told is not None and seen.binds_all:
                everywhere = max(everywhere, seen.told)
            elif seen.told is not None:
                paths[seen.path] = seen.told
        return tuple(found)


def told(reply: Response, window: Window | None, now: float, skew: float) -> float | None:
    """Until when a reply at `now` asks the client to wait, by the clock of `now`; None when it does not.

    `skew` is how far the clock that wrote its dates is ahead, in seconds.
    """
    hint = reply.headers.get("retry-after")
    if hint is None:
        return window.closes if window is not None and window.remaining == 0 else None
    if hint.isascii() and hint.isdigit():
        return now + float(hint)
    try:
        return parsedate_to_datetime(hint).timestamp() - skew
    except (ValueError, TypeError, IndexError, OverflowError):
        return None  # no hint a client could read
