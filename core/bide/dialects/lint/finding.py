"""One finding: where, what is wrong, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How bad a finding is."""

    ERROR = "error"  # some job would be lost, misread or never end, or a credential would leak
    WARNING = "warning"  # it may be meant so


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at `place`, spelt as in the JSON form, and `advice` for the one who wrote it.

    `code` names a kind of warning, so that a declaration can accept it; errors have none.
    """

    place: str
    problem: str
    advice: str
    severity: Severity = Severity.ERROR
    code: str = ""

    def __str__(self) -> str:
        return f"{self.severity.value} in {self.place}: {self.problem}. {self.advice[:1].upper()}{self.advice[1:]}."


def warning(code: str, place: str, problem: str, advice: str) -> Finding:
    """A finding that may be meant so."""
    return Finding(place, problem, advice, Severity.WARNING, code)
