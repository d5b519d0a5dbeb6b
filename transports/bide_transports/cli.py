"""The `bide` command: run, wait for, cancel and resume jobs; `bide demo` shows it all on this machine.

What an option means stands here; how one job is driven to its exit code stands in `drive`.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

import bide
from bide.dialects.declared import Declared
from bide.dialects.modelroute import SMALL, TESTING
from bide.document import JSON
from bide.errors import CallerError
from bide_transports.cli_dialect import declared, dialect
from bide_transports.cli_webhook import webhook
from bide_transports.drive import Wishes, drive
from bide_transports.emulator import Limit, Plan, Service
from bide_transports.emulator.server import serve
from bide_transports.requests import Client

_PACES: dict[str, bide.Pace] = {"default": bide.Growing(), "testing": TESTING, "small": SMALL}
_CODES = """The exit code tells how the job ended: 0 completed, 1 failed or lost, 3 cancelled or expired, 4 abandoned
or not saved (a token is written and its path printed), 130 interrupted (likewise); 2 is a call that makes no sense."""


@dataclass(frozen=True)
class Choice:
    """What the options say that all commands share."""

    base_url: str | None
    dialect: str | None
    as_json: bool
    patience: bide.Patience | None
    key_file: Path | None
    pace: bide.Pace = _PACES["default"]

    def client(self) -> Client:
        """A client of the chosen service; raises `CallerError` without a usable key, dialect or base URL."""
        key, dialect = self._spoken()
        return Client(key, dialect=dialect, pace=self.pace, patience=self.patience or bide.Patience())

    def _spoken(self) -> tuple[str | None, bide.Dialect]:
        if self.dialect is None:
            usual = bide.ModelRoute() if self.base_url is None else bide.ModelRoute(self.base_url)
            return _key(self.key_file, "MODELROUTE_API_KEY"), usual
        declaration = declared(self.dialect)
        key = None if declaration.authorization is None else _key(self.key_file, "BIDE_API_KEY")
        return key, Declared(declaration, self.base_url or "")

    def wishes(self, save: Path | None = None) -> Wishes:
        """The same for one drive."""
        options = {"--dialect": self.dialect, "--base-url": self.base_url, "--key-file": self.key_file}
        service = (word for name, value in options.items() if value is not None for word in (name, str(value)))
        return Wishes(self.as_json, tuple(service), save)


def _key(file: Path | None, variable: str) -> str:
    if file is not None:
        try:
            return file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CallerError(f"the key file {file} cannot be read ({error.__class__.__name__})") from None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise CallerError(f"there is no API key: set {variable}, or name a file that holds it with --key-file")
    return key


def _to_pace(_: click.Context, __: click.Parameter, value: str) -> bide.Pace:
    try:
        return _PACES.get(value) or bide.Every(float(value))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no pace: give {', '.join(_PACES)}, or seconds (0.05 or more)") from None


def _to_patience(_: click.Context, __: click.Parameter, value: float | None) -> bide.Patience | None:
    try:
        return None if value is None else bide.Patience(deadline=value)
    except CallerError as error:
        raise click.BadParameter(str(error)) from None


def _to_inputs(_: click.Context, __: click.Parameter, pairs: Iterable[str]) -> dict[str, JSON]:
    inputs: dict[str, JSON] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{pair!r} is no input: give name=value")
        try:
            inputs[name] = json.loads(value)
        except (ValueError, RecursionError):
            inputs[name] = value
    return inputs


_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document per state on stdout.")
_SAVE = click.option("--save", type=click.Path(path_type=Path), metavar="DIR", help="Save the result's files there.")
_PACE = click.option("--pace", default="default", callback=_to_pace, help="default, testing, small, or seconds.")
_KEY = click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    help="The file that holds the key, if not MODELROUTE_API_KEY, or BIDE_API_KEY with --dialect.",
)
_DIALECT = click.option(
    "--dialect",
    metavar="NAME|FILE",
    help="Another service than ModelRoute: one that is built in, or declared in a file.",
)
_BASE = click.option("--base-url", metavar="URL", help="The API to speak to, if not the dialect's usual one.")
_DEADLINE = click.option(
    "--deadline", "patience", type=float, callback=_to_patience, metavar="SECONDS", help="When to stop waiting."
)


def _command(*options: Callable[[Any], Any]) -> Callable[[Callable[..., int]], click.Command]:
    """A command with the shared options and `options`; what it returns is the exit code."""

    def decorate(function: Callable[..., int]) -> click.Command:
        @functools.wraps(function)
        def invoke(**given: Any) -> None:
            names = Choice.__dataclass_fields__.keys() & given.keys()
            choice = Choice(**{name: given.pop(name) for name in names})
            try:
                sys.exit(function(choice, **given))
            except CallerError as error:
                raise click.UsageError(str(error)) from None

        decorated: Any = invoke
        for option in (*options, _DIALECT, _BASE, _KEY, _DEADLINE, _JSON):
            decorated = option(decorated)
        return main.command()(decorated)

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_CODES)
@click.version_option(package_name="bide")
def main() -> None:
    """Wait for long-running HTTP jobs: submit, poll within the rate limit, fetch the result, lose nothing."""


main.add_command(dialect)
main.add_command(webhook)


@_command(
    click.argument("model"),
    click.option(
        "-i", "--input", "inputs", multiple=True, callback=_to_inputs, metavar="NAME=VALUE", help="JSON, or else text."
    ),
    _SAVE,
    _PACE,
)
def run(choice: Choice, model: str, inputs: dict[str, JSON], save: Path | None) -> int:
    """Submit a job, wait for it, and print or save its result."""
    with choice.client() as client:
        return drive(client, client.prepare(model, inputs), choice.wishes(save))


@_command(click.argument("job_id", metavar="ID|URL"), _SAVE, _PACE)
def wait(choice: Choice, job_id: str, save: Path | None) -> int:
    """Wait for a job that was submitted before."""
    with choice.client() as client:
        return drive(client, client.watch(job_id), choice.wishes(save))


@_command(click.argument("job_id", metavar="ID|URL"), _PACE)
def cancel(choice: Choice, job_id: str) -> int:
    """Ask for a job to be ended, and tell what came of it (exit code 3: it is cancelled)."""
    with choice.client() as client:
        return drive(client, client.cancelling(job_id), choice.wishes())


@_command(click.argument("token", type=click.Path(path_type=Path), metavar="TOKEN-FILE"), _SAVE)
def resume(choice: Choice, token: Path, save: Path | None) -> int:
    """Take up a job from the token that an earlier command wrote."""
    try:
        data = token.read_bytes()
    except OSError as error:
        raise CallerError(f"the token {token} cannot be read ({error.strerror})") from None
    with choice.client() as client:
        return drive(client, client.resume(data, patience=choice.patience), choice.wishes(save))


@main.command()
@click.option("--save", type=click.Path(path_type=Path), default="bide-demo", show_default=True, metavar="DIR")
@click.option("--duration", type=float, default=6.0, show_default=True, help="Seconds that the job takes.")
@_JSON
def demo(save: Path, duration: float, as_json: bool) -> None:
    """Run one job end to end against an emulated service on this machine; needs no key and no network."""
    plan = Plan(duration=duration, dispatched=duration * 0.1, handed_over=duration * 0.4, width=320, height=240)
    service = Service(default=plan, seed=uuid4().int)
    with serve(service) as emulator, Client(emulator.key, dialect=emulator.dialect) as client:
        click.echo(f"an emulated ModelRoute listens at {emulator.base_url}: nothing leaves this machine", err=True)
        job = client.prepare("flux-1.1-pro", {"prompt": "a fox waiting for a bus"})
        code = drive(client, job, Wishes(as_json, ("--base-url", emulator.base_url), save))
        seen = emulator.account
        click.echo(
            f"the service saw {seen.requests} requests: {len(seen.early)} too early, {seen.limited} over the limit, "
            f"{seen.credentials_at_storage} with the key at the storage host",
            err=True,
        )
    sys.exit(code)


@main.command()
@click.option("--duration", type=float, default=10.0, show_default=True, help="Seconds that each job takes.")
@click.option("--limit", type=click.IntRange(1), default=60, show_default=True, help="Requests in a window.")
@click.option("--window", type=float, default=60.0, show_default=True, help="Seconds of a window.")
def emulator(duration: float, limit: int, window: float) -> None:
    """Serve an emulated ModelRoute on this machine until interrupted."""
    service = Service(default=Plan(duration=duration), limit=Limit(limit, window), seed=uuid4().int)
    with serve(service) as running:
        click.echo(f"an emulated ModelRoute listens at {running.base_url}; try, in another terminal:\n", err=True)
        click.echo(
            f"MODELROUTE_API_KEY={running.key} bide run flux-1.1-pro -i prompt=fox --base-url {running.base_url}"
        )
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo(f"\nit saw {running.account.requests} requests", err=True)
