"""How the caller of a command wants it, and how the command speaks: results to stdout, all else to stderr."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import click

OnInterrupt: TypeAlias = Literal["detach", "cancel"]


@dataclass(frozen=True)
class Wishes:
    """JSON or not; the options that say which service (advice names them); where to save, and where to write down.

    `forget` takes out of the journal what it is no use to resume.
    """

    as_json: bool
    service: tuple[str, ...] = ()
    save: Path | None = None
    journal: Path | None = None
    on_interrupt: OnInterrupt = "detach"
    forget: bool = False


def out(lines: Iterable[str]) -> None:
    """Lines of a result."""
    for line in lines:
        click.echo(line)


def tell(message: str) -> None:
    """A message to people."""
    click.echo(f"bide: {message}", err=True)
