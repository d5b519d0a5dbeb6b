"""What is wrong with a declaration, or odd about it, found without asking the service; each finding with advice.

    for finding in lint(declaration):
        print(finding)

A declaration without errors can still be wrong about its service: only a conversation with it tells.
"""

from __future__ import annotations

from bide.dialects.declaration import Declaration
from bide.dialects.lint.calls import of_calls
from bide.dialects.lint.credentials import of_credentials
from bide.dialects.lint.finding import Finding, Severity
from bide.dialects.lint.phases import of_phases
from bide.dialects.lint.signs import of_signs
from bide.dialects.lint.spelling import of_spelling

__all__ = ["Finding", "Severity", "lint"]

_RULES = (of_spelling, of_calls, of_phases, of_signs, of_credentials)


def lint(declaration: Declaration) -> tuple[Finding, ...]:
    """All findings, errors first; a usual declaration of a real service has no errors and few warnings."""
    findings = (finding for rule in _RULES for finding in rule(declaration))
    return tuple(sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR))
