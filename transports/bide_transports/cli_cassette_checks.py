"""`bide cassette verify`, `scan` and `settle`: whether recordings still hold, and nothing on them is a secret."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import cast

import click

from bide_transports.cassette.changing.settle import settle as settled
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import LARGEST_READ, contents, load, save, text_of
from bide_transports.cassette.redaction import Rules
from bide_transports.cassette.redaction import scan as findings
from bide_transports.cassette.shelf import looked_at
from bide_transports.cassette.shown.transcript import count, transcript
from bide_transports.cassette.tape import Cassette
from bide_transports.cassette.track import Strict
from bide_transports.cassette.verify import Verified
from bide_transports.cassette.verify import verify as verified
from bide_transports.cli_cassette_files import ALLOW, AS_JSON, DIALECT, FILES, each, named, needed, print_json, told
from bide_transports.wishes import say


@click.command()
@FILES
@click.option(
    "--strict",
    type=click.Choice(["exact", "wire"]),
    default="exact",
    show_default=True,
    help="Compare every decision, or only what was sent and how it ended.",
)
@DIALECT
@AS_JSON
def verify(paths: tuple[Path, ...], strict: str, dialect: str | None, as_json: bool) -> None:
    """Decide anew on all that came back, and compare: nothing is sent, and nobody waits.

    The exit code is 1 if any of them diverged.
    """
    began, all_of_them = time.perf_counter(), list[Verified]()

    def look(path: Path) -> bool:
        try:
            cassette = load(path)
            found = verified(cassette, dialect=needed(dialect, cassette.head), strict=cast("Strict", strict))
        except ReplayDiverged as error:
            say(f"bide: {told(str(error))}", err=True)
            if as_json:
                place = {"lane": error.lane, "step": error.step, "path": error.path}
                print_json({"file": str(path), "ok": False, "error": str(error), **place})
            return False
        all_of_them.append(found)
        if as_json:
            counts = {"lanes": found.lanes, "exchanges": found.exchanges, "decisions": found.decisions}
            print_json({"file": str(path), "ok": True, **counts})
        return True

    code = each(paths, look, as_json=as_json)
    if all_of_them and not as_json:
        say(_counted(all_of_them, time.perf_counter() - began))
    sys.exit(code)


def _to_secrets(_: click.Context, __: click.Parameter, value: Path | None) -> tuple[str, ...]:
    try:
        text = "" if value is None else value.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise click.BadParameter(f"{value} is no text in UTF-8: write one secret a line") from None
    except OSError as error:
        raise click.BadParameter(f"{value} cannot be read ({error.strerror or error})") from None
    return tuple(filter(None, map(str.strip, text.split("\n"))))


@click.command()
@FILES
@ALLOW
@click.option(
    "--secret-file",
    "secrets",
    callback=_to_secrets,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of secrets, one a line, that must be nowhere.",
)
@AS_JSON
def scan(paths: tuple[Path, ...], allow: tuple[str, ...], secrets: tuple[str, ...], as_json: bool) -> None:
    """Look for secrets, also in what a recording that was cut short has left.

    Prints where one may stand, and why, never the value itself. The exit code is 1 if anything was found.
    """
    rules, places = Rules(secrets=secrets, allow=allow), 0

    def look(path: Path) -> bool:
        nonlocal places
        found = findings(_text(path), rules)
        places += len(found)
        for finding in found:
            if as_json:
                print_json({"file": str(path), "line": finding.line, "path": finding.path, "kind": finding.kind})
            else:
                say(f"{named(path)}:{finding.line}: {told(finding.path)}: {finding.kind}")
        return not found

    code = each(paths, look, as_json=as_json, unfinished=True)
    if places:
        say(
            f"bide: {count(places, 'place')} may hold a secret: give the recording rules that hide it and record "
            "anew, or name what is no secret with --allow",
            err=True,
        )
    sys.exit(code)


@click.command()
@FILES
@click.option("--check", is_flag=True, help="Write nothing; the exit code is 1 if anything would change.")
@DIALECT
@AS_JSON
def settle(paths: tuple[Path, ...], check: bool, dialect: str | None, as_json: bool) -> None:
    """Decide anew on what came back, after a change to bide, to a pace, or by hand; show what that changes.

    It also closes a recording that was cut short.
    """

    def look(path: Path) -> bool:
        cassette, _ = looked_at(path)
        fresh = settled(cassette, dialect=needed(dialect, cassette.head))
        changed = contents(path, LARGEST_READ) != text_of(fresh)
        if changed and not check:
            save(fresh, path, overwrite=True)
        diff = [*_diff(cassette, fresh, path, dialect)]
        if as_json:
            print_json({"file": str(path), "ok": not (changed and check), "changed": changed, "diff": list(diff)})
        else:
            say("\n".join([*diff, f"{named(path)}: {_result(changed, check=check)}"]))
        return not (changed and check)

    sys.exit(each(paths, look, as_json=as_json))


def _counted(all_of_them: list[Verified], took: float) -> str:
    exchanges = sum(one.exchanges for one in all_of_them)
    decisions = sum(one.decisions for one in all_of_them)
    lanes = sum(one.lanes for one in all_of_them)
    counts = f"{count(lanes, 'lane')}, {count(exchanges, 'exchange')}, {count(decisions, 'decision')}"
    return f"{count(len(all_of_them), 'cassette')} verified: {counts} in {took * 1000:.0f} ms"


def _text(path: Path) -> str:
    return contents(path, LARGEST_READ).decode("utf-8", "replace")


def _diff(before: Cassette, after: Cassette, path: Path, dialect: str | None) -> Iterator[str]:
    """The difference of the two transcripts."""
    old, new = (transcript(one, dialect=needed(dialect, one.head)).splitlines() for one in (before, after))
    return unified_diff(old, new, named(path), f"{named(path)} (settled)", lineterm="")


def _result(changed: bool, *, check: bool) -> str:
    if not changed:
        return "nothing to settle"
    return "would be settled" if check else "settled"
