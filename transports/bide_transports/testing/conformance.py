"""Whether a dialect does the right thing, whatever its vendor does: for the tests of an SDK that is built on bide.

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
    def test_conforms(scenario):
        conform(Declared(MINE), scenario)

The vendor is played by `MINE` itself, read backwards. That finds a declaration that contradicts itself or forgets
something; it cannot find one that believes the vendor says "done" who says "finished". For that, let the vendor
speak in words from its own documentation: `conform(Declared(MINE), scenario, voice=...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import bide
from bide.dialect import Dialect
from bide.dialects.declared import Declared
from bide.errors import BideError, InvalidSetting
from bide.faults import carried
from bide_transports.testing.fake import Exchanged, FakeService
from bide_transports.testing.judgement import findings
from bide_transports.testing.rehearsal import Rehearsal
from bide_transports.testing.report import Finding, shown, worded
from bide_transports.testing.scenario import Scenario, Turn
from bide_transports.testing.scenarios import SCENARIOS
from bide_transports.testing.spoken import Spoken
from bide_transports.testing.vocabulary import misheard
from bide_transports.testing.voice import NotApplicable, Record, Said, Voice, json_reply

__all__ = [
    "SCENARIOS",
    "FakeService",
    "NonConformant",
    "NotApplicable",
    "Outcome",
    "Record",
    "Rehearsal",
    "Said",
    "Scenario",
    "Spoken",
    "Turn",
    "Verdict",
    "Voice",
    "check",
    "conform",
    "json_reply",
    "judge",
]


class Verdict(Enum):
    """What became of a scenario, the worst first."""

    FAILS = "does not conform"
    CONFORMS = "conforms"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of `scenario`: the verdict and why, each state of the job and each exchange with the service.

    Its text is the whole report.
    """

    scenario: Scenario
    dialect: str
    verdict: Verdict
    why: str = ""
    states: tuple[bide.Job, ...] = ()
    exchanges: tuple[Exchanged, ...] = ()

    def __str__(self) -> str:
        head = f'{self.dialect}: "{self.scenario.name}" {self.verdict.value}'
        return (
            "\n  ".join([f"{head}:", *self.why.splitlines()])
            if self.verdict is Verdict.FAILS
            else (f"{head}: {self.why}" if self.why else head)
        )


class NonConformant(AssertionError):
    """The job did not go as it must; the message says what the vendor said, what was expected, and what to change."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome

    def __reduce__(self) -> tuple[Any, ...]:
        return carried(self)


def conform(dialect: Dialect, scenario: Scenario, voice: Voice | None = None) -> Outcome:
    """Play `scenario` to `dialect`, in virtual time and without a network.

    `voice` speaks for the vendor; a `Declared` dialect may do without, and is then answered as it declares. Raises
    `NonConformant`, or `NotApplicable` (to pytest and unittest: skipped) where the vendor never does such a thing.
    """
    outcome = check(dialect, scenario, voice)
    if outcome.verdict is Verdict.FAILS:
        raise NonConformant(outcome)
    if outcome.verdict is Verdict.NOT_APPLICABLE:
        raise NotApplicable(str(outcome))
    return outcome


def check(dialect: Dialect, scenario: Scenario, voice: Voice | None = None) -> Outcome:
    """The same, with every verdict as a value; raises `InvalidSetting` without a voice for what is not `Declared`."""
    voices = _own_voices(dialect) if voice is None else (voice,)
    if scenario.words:
        return _tried(Rehearsal(dialect, scenario, voices[0]), lambda rehearsal: _vocabulary(rehearsal, voices))
    outcomes = [_tried(Rehearsal(dialect, scenario, one), lambda one: judge(one, one.play())) for one in voices]
    worst = min(outcomes, key=lambda outcome: list(Verdict).index(outcome.verdict))
    if worst.verdict is Verdict.NOT_APPLICABLE and scenario.required:
        return replace(worst, verdict=Verdict.FAILS, why=f"{worst.why}\nto change:       {scenario.advice}")
    return worst


def judge(rehearsal: Rehearsal, states: Sequence[bide.Job]) -> Outcome:
    """The outcome of a rehearsal that a driver of one's own has played."""
    if isinstance(rehearsal.service.stopped, NotApplicable):
        return _not_applicable(rehearsal, rehearsal.service.stopped)
    return _outcome(rehearsal, states, next(findings(rehearsal, states), None))


def _own_voices(dialect: Dialect) -> Sequence[Voice]:
    if not isinstance(dialect, Declared):
        raise InvalidSetting(f"{dialect.name} is not declared as data: give a voice that speaks for the vendor")
    return Spoken.every(dialect)


def _tried(rehearsal: Rehearsal, play: Callable[[Rehearsal], Outcome]) -> Outcome:
    try:
        return play(rehearsal)
    except NotApplicable as reason:
        return _not_applicable(rehearsal, reason)
    except BideError as error:
        return _outcome(rehearsal, (), Finding("no error", f"{type(error).__name__}: {error}"))


def _not_applicable(rehearsal: Rehearsal, reason: NotApplicable) -> Outcome:
    return Outcome(rehearsal.scenario, rehearsal.dialect.name, Verdict.NOT_APPLICABLE, str(reason))


def _vocabulary(rehearsal: Rehearsal, voices: Sequence[Voice]) -> Outcome:
    spoken = [voice for voice in voices if isinstance(voice, Spoken)]
    if not spoken:
        raise NotApplicable("there is no declaration whose signs and words could be read")
    for source, reading, reply in misheard(rehearsal.dialect, spoken, rehearsal.record):
        return _outcome(rehearsal, (), Finding(f"{source} to be understood", f"{reading}: {shown(reply)}"))
    return _outcome(rehearsal, (), None)


def _outcome(rehearsal: Rehearsal, states: Sequence[bide.Job], finding: Finding | None) -> Outcome:
    scenario, exchanges = rehearsal.scenario, tuple(rehearsal.service.exchanges)
    name = rehearsal.dialect.name
    if finding is None:
        return Outcome(scenario, name, Verdict.CONFORMS, "", tuple(states), exchanges)
    last = finding.exchange or (exchanges[-1] if exchanges else None)
    lines = [
        f"the vendor said: {'nothing yet' if last is None else worded(last)}",
        f"expected:        {finding.expected}",
        f"what happened:   {finding.happened}",
        f"to change:       {finding.advice or scenario.advice}",
    ]
    return Outcome(scenario, name, Verdict.FAILS, "\n".join(lines), tuple(states), exchanges)
