"""What is wrong with a declaration, or odd about it, found without asking the service; each finding with advice.

    for finding in lint(declaration):
        print(finding)

A declaration without errors can still be wrong about its service: only a conversation with it tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from bide.dialects.declaration import Declaration
from bide.dialects.lint.calls import of_calls
from bide.dialects.lint.credentials import of_credentials
from bide.dialects.lint.finding import Finding, Severity, warning
from bide.dialects.lint.phases import of_phases
from bide.dialects.lint.signs import of_signs
from bide.dialects.lint.spelling import of_spelling

__all__ = ["Finding", "Severity", "lint"]

_RULES = (of_spelling, of_calls, of_phases, of_signs, of_credentials)


def lint(declaration: Declaration) -> tuple[Finding, ...]:
    """All findings that are not accepted, errors first; a usual declaration has no errors and few warnings."""
    findings = [finding for rule in _RULES for finding in rule(declaration)]
    left = [finding for finding in findings if not _is_accepted(finding, declaration.accepted)]
    left += _needless(findings, declaration.accepted)
    return tuple(sorted(left, key=lambda finding: finding.severity is not Severity.ERROR))


def _is_accepted(finding: Finding, accepted: tuple[str, ...]) -> bool:
    """Whether the declaration says that this is meant so; an error never is."""
    return finding.severity is Severity.WARNING and (finding.code in accepted or finding.place in accepted)


def _needless(findings: list[Finding], accepted: tuple[str, ...]) -> Iterator[Finding]:
    for number, name in enumerate(accepted):
        if not any(_is_accepted(finding, (name,)) for finding in findings):
            yield warning(
                "accepted",
                f"accepted[{number}]",
                f'there is no warning "{name}"',
                "leave it out; write the code or the place of a warning, since errors are mended and never accepted",
            )
