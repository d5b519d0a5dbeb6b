"""The sample of a large family that runs by default; all of it where `BIDE_LONG` is set, as `nox -s long` does."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T")

#: Whether all of each family runs.
WHOLE = bool(os.environ.get("BIDE_LONG"))


def some(cases: Iterable[T], kind: Callable[[T], Hashable] = type) -> list[T]:
    """Every tenth case of each kind, its first included: the same ones each time. In a long run, every case."""
    seen: Counter[Hashable] = Counter()
    chosen: list[T] = []
    for case in cases:
        if WHOLE or seen[kind(case)] % 10 == 0:
            chosen.append(case)
        seen[kind(case)] += 1
    return chosen
