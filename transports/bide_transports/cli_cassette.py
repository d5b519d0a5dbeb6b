"""`bide cassette`: look at recorded jobs, check them, and take them to other tools and back."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import click

import bide
from bide.dialect import Dialect
from bide.dialects.declared import Declared
from bide.errors import BideError
from bide_transports.cassette.foreign import formats
from bide_transports.cassette.lines import event_members
from bide_transports.cassette.redaction import Rules
from bide_transports.cassette.shelf import looked_at
from bide_transports.cassette.shown.picture import picture
from bide_transports.cassette.shown.transcript import by_time, chosen, transcript
from bide_transports.cassette.tape import Cassette, InvalidCassette
from bide_transports.cassette.wording import Wording
from bide_transports.cli_cassette_checks import scan, settle, verify
from bide_transports.cli_cassette_files import (
    ALLOW,
    AS_JSON,
    DIALECT,
    FILES,
    UNREADABLE,
    complain,
    each,
    named,
    print_json,
    spoken,
)
from bide_transports.cli_options import declared
from bide_transports.durable import replace_whole
from bide_transports.wishes import say

_ONE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def cassette() -> None:
    """Look at recorded jobs, check them, and convert them.

    The exit code is 0 if all is well, 1 if a replay diverged, a secret may be there or a cassette would change, and 2
    for a call that makes no sense or a cassette that cannot be read.
    """


cassette.add_command(verify)
cassette.add_command(scan)
cassette.add_command(settle)


@cassette.command()
@FILES
@click.option("--lane", "lanes", multiple=True, metavar="NAME", help="Only this lane; may be given several times.")
@click.option("--by-time", "in_time", is_flag=True, help="All lanes together, in the order of their times.")
@DIALECT
@AS_JSON
def show(paths: tuple[Path, ...], lanes: tuple[str, ...], in_time: bool, dialect: str | None, as_json: bool) -> None:
    """Print what is on a cassette, one line a step: sent, came back, waited for and why, ended."""

    def look(path: Path) -> bool:
        cassette, notice = looked_at(path)
        if notice:
            complain(notice)
        how = by_time if in_time else transcript
        if as_json:
            _print_events(path, cassette, lanes, spoken(dialect, cassette.head))
        else:
            heading = f"== {named(path)}\n" if len(paths) > 1 or path not in paths else ""
            say((heading + how(cassette, lanes=lanes, dialect=spoken(dialect, cassette.head))).removesuffix("\n"))
        return True

    sys.exit(each(paths, look, as_json=as_json))


@cassette.command()
@click.argument("path", metavar="FILE", type=_ONE)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where, if not beside the cassette."
)
@click.option("--open", "opens", is_flag=True, help="Show it in the browser, too.")
@DIALECT
def timeline(path: Path, output: Path | None, opens: bool, dialect: str | None) -> None:
    """Draw a cassette as a page for the browser: lanes over time, requests, waits, and the quota.

    The page needs no script and nothing from elsewhere. Prints its path.
    """
    place = output or path.with_suffix(".html")
    try:
        cassette, notice = looked_at(path)
        page = picture(cassette, dialect=spoken(dialect, cassette.head), notice=notice)
        _write(place, page.encode())
    except BideError as error:
        complain(error)
        sys.exit(UNREADABLE)
    say(str(place))
    if opens:
        webbrowser.open(place.absolute().as_uri())


@cassette.command()
@click.argument("source", metavar="FROM", type=_ONE)
@click.argument("target", metavar="TO", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "given", type=click.Choice(formats.KINDS), help="What FROM is, if its name does not tell.")
@click.option("--to", "wanted", type=click.Choice(formats.KINDS), help="What TO shall be, if its name does not tell.")
@click.option("--dialect", metavar="NAME|FILE", help="The service in a recording of another tool, if not ModelRoute.")
@click.option("--base-url", metavar="URL", help="Where that service was, if not at the dialect's usual address.")
@ALLOW
@click.option("--overwrite", is_flag=True, help="Replace TO if it is there.")
def convert(
    source: Path,
    target: Path,
    given: str | None,
    wanted: str | None,
    dialect: str | None,
    base_url: str | None,
    allow: tuple[str, ...],
    overwrite: bool,
) -> None:
    """Convert between cassettes, recordings of vcrpy (YAML or JSON), and HTTP archives (HAR).

    Of a recording by another tool the core decides anew; what another kind has no place for is lost, and told.
    """
    try:
        if target.exists() and not overwrite:
            raise InvalidCassette(f"{target} is there already: replace it with --overwrite")
        kind = wanted or formats.kind_of(target, written=True)
        read = formats.read(
            source, given or formats.kind_of(source), dialect=_service(dialect, base_url), rules=Rules(allow=allow)
        )
        data = formats.written(read, kind)
        _write(target, data)
    except BideError as error:
        complain(error)
        sys.exit(UNREADABLE)
    for line in formats.told(read, kind, data):
        say(f"bide: {line}", err=True)
    say(str(target))


def _service(dialect: str | None, base_url: str | None) -> Dialect:
    if dialect is not None:
        return Declared(declared(dialect), base_url or "")
    return bide.ModelRoute() if base_url is None else bide.ModelRoute(base_url)


def _print_events(path: Path, cassette: Cassette, lanes: tuple[str, ...], dialect: Dialect | None) -> None:
    """Each event as the cassette has it, with its place, and the words that people read."""
    wording, names = Wording.of(cassette.head, dialect), chosen(cassette, lanes)
    for number, event in zip(cassette.lines, cassette.events, strict=True):
        if event.lane in names:
            told = {"file": str(path), "line": number, "told": wording.what(event)}
            print_json(told | event_members(event))


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        replace_whole(path, data)
    except OSError as error:
        raise InvalidCassette(f"{path} cannot be written ({error.strerror or error}): choose another place") from None
