"""Many runs of one script, each with other faults: laws that hold in all of them, signs that show in some.

    fuzzed = fuzz(script, bide.Every(2), seeds=range(2000))
    assert fuzzed.failure is None, fuzzed.failure      # shrunk to the faults it needs, with its cassette
    assert not fuzzed.unseen                           # else the faults never led where they should

One thread, virtual time, and dice that are named: a seed is the same run everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import bide
from bide.dialect import Dialect
from bide.messages import Order, Response
from bide_transports.cassette.changing.flow import Policy
from bide_transports.cassette.changing.story import Story
from bide_transports.cassette.scripted.faults import FAULTS, Fault, Kind, drawn
from bide_transports.cassette.scripted.invariants import LAWS, SIGNS, Law, Sign
from bide_transports.cassette.scripted.script import ORDER, Script
from bide_transports.cassette.tape import Cassette, Done

_PATIENCE = bide.Patience(deadline=600.0)


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that breaks `law`, with no more faults than it needs; `cassette` shows it."""

    seed: int
    law: str
    why: str
    faults: tuple[str, ...]
    cassette: Cassette

    def __str__(self) -> str:
        return "\n  ".join(
            [f"seed {self.seed} breaks {self.law!r}: {self.why}; it needs:", *(self.faults or ["nothing"])]
        )


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """How many `runs` there were, how often each sign was `seen`, and the first `failure`, if any."""

    runs: int
    exchanges: int
    seen: Mapping[str, int]
    failure: Failure | None = None

    @property
    def unseen(self) -> tuple[str, ...]:
        """The signs that never showed."""
        return tuple(name for name, count in self.seen.items() if not count)


def fuzz(
    script: Script,
    policy: Policy,
    *,
    seeds: Iterable[int],
    faults: Sequence[Kind] = FAULTS,
    laws: Mapping[str, Law] = LAWS,
    signs: Mapping[str, Sign] = SIGNS,
    dialect: Dialect = bide.ModelRoute(),
    order: Order = ORDER,
) -> Fuzzed:
    """Run `script` under `policy` with each seed's faults, up to the first run that breaks a law.

    Beside `laws`, a run whose faults pass must end as the script ends. A policy is a pace, or a pace and a patience.
    """
    bench = _Bench(script, policy, dialect, order, MappingProxyType({**laws, "recovers": _recovers(script, dialect)}))
    seen, runs, exchanges = Counter[str](dict.fromkeys(signs, 0)), 0, 0
    for seed in seeds:
        chosen = drawn(seed, faults)
        story = bench.run(seed, chosen)
        runs, exchanges = runs + 1, exchanges + len(story.exchanges)
        seen.update(name for name, sign in signs.items() if sign(story))
        broken = bench.broken(story)
        if broken is not None:
            return Fuzzed(runs, exchanges, seen, bench.shrunk(seed, chosen, broken))
    return Fuzzed(runs, exchanges, seen)


def _recovers(script: Script, dialect: Dialect) -> Law:
    """Once all faults are over the job ends as it would have without them, unless its caller cancelled it."""
    wanted = script.cassette(dialect, patience=_PATIENCE).events[-1]

    def law(story: Story) -> str | None:
        last = story.events[-1]
        if not isinstance(last, Done) or not isinstance(wanted, Done) or last.state == wanted.state:
            return None
        heard = any(isinstance(one.heard.reply, Response) for one in story.exchanges)
        excused = (bide.Reason.DEADLINE.value, bide.Reason.AMBIGUOUS.value)
        if len(story.takes) > 1 or not heard or last.says in excused:
            return None
        return f"ended as {last.state} ({last.says}), not as {wanted.state}"

    return law


@dataclass(frozen=True, slots=True)
class _Bench:
    script: Script
    policy: Policy
    dialect: Dialect
    order: Order
    laws: Mapping[str, Law]

    def run(self, seed: int, faults: Sequence[Fault]) -> Story:
        script = self.script
        for fault in faults:
            script = fault.onto(script)
        pace, patience = self.policy if isinstance(self.policy, tuple) else (self.policy, _PATIENCE)
        cancels = min((fault.cancels for fault in faults if fault.cancels is not None), default=None)
        cassette = script.cassette(
            self.dialect, pace=pace, patience=patience, order=self.order, seed=f"seed-{seed}", cancel_at=cancels
        )
        return Story.of(cassette, dialect=self.dialect)

    def broken(self, story: Story) -> tuple[str, str] | None:
        """The first law that is broken, and why."""
        return next(((name, why) for name, law in self.laws.items() if (why := law(story)) is not None), None)

    def shrunk(self, seed: int, faults: Sequence[Fault], broken: tuple[str, str]) -> Failure:
        """The failure without each fault that it does not need."""
        law, why = broken
        needed = list(faults)
        for fault in faults:
            fewer = [one for one in needed if one is not fault]
            still = self.laws[law](self.run(seed, fewer))
            if still is not None:
                needed, why = fewer, still
        said = tuple(fault.said for fault in needed)
        cassette = self.run(seed, needed).cassette
        told = replace(cassette, head=replace(cassette.head, edits=said))
        return Failure(seed, law, why, said, told)
