"""Other services than ModelRoute on the command line: how one is named, and `bide dialect` to look at them."""

from __future__ import annotations

import json
import sys

import click

from bide.dialects.declaration import Declaration
from bide.dialects.lint import Finding, Severity, lint
from bide.dialects.vendors import named, names
from bide.dialects.written import write
from bide.document import text
from bide.errors import CallerError
from bide_transports.cli_options import declared
from bide_transports.wishes import say


def _to_declaration(_: click.Context, __: click.Parameter, value: str) -> Declaration:
    try:
        return declared(value)
    except CallerError as error:
        raise click.BadParameter(str(error)) from None


_WHICH = click.argument("declaration", metavar="NAME|FILE", callback=_to_declaration)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document a line.")


@click.group()
def dialect() -> None:
    """Show the services that are built in, and check a declaration of your own."""


@dialect.command("list")
@_JSON
def list_(as_json: bool) -> None:
    """List the dialects that are built in, each with its base URL."""
    width = max(map(len, names()), default=0)
    for name in names():
        known = named(name)
        facts = {"name": name, "base_url": known.base_url, "source": known.source}
        say(json.dumps(facts) if as_json else f"{name:{width}}  {known.base_url}")


@dialect.command()
@_WHICH
def show(declaration: Declaration) -> None:
    """Print a declaration as JSON, to read it or to begin one of your own with."""
    say(write(declaration))


@dialect.command()
@_WHICH
@_JSON
def check(declaration: Declaration, as_json: bool) -> None:
    """Tell what is wrong with a declaration, and what is odd; the exit code is 1 if anything is wrong.

    A warning that is meant so is accepted in the declaration, by the code in brackets: "accepted": ["no-key"].
    """
    findings = lint(declaration)
    for finding in findings:
        say(json.dumps(_document(finding)) if as_json else _paragraph(finding))
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    say(f"bide: {declaration.name}: {_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}", err=True)
    sys.exit(1 if errors else 0)


def _paragraph(finding: Finding) -> str:
    """A finding in three lines; what stood in the declaration may be a stranger's, and must not move the cursor."""
    code = f"  ({finding.code})" if finding.code else ""
    lines = (
        f"{finding.severity.value:7}  {finding.place}{code}",
        f"         {finding.problem}",
        f"         {finding.advice}",
    )
    return "\n".join(text(line) or "" for line in lines)


def _document(finding: Finding) -> dict[str, str]:
    return {
        "severity": finding.severity.value,
        "place": finding.place,
        "problem": finding.problem,
        "advice": finding.advice,
        **({"code": finding.code} if finding.code else {}),
    }


def _count(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"
