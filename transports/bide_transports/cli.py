"""The `bide` command: run, wait for, cancel and resume jobs; `bide demo` shows it all on this machine.

What the options mean stands in `cli_options`; how a job is driven to its exit code stands in `drive`.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from errno import EPIPE
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

import bide
from bide.errors import CallerError
from bide.token import LARGEST
from bide_transports import cli_options as options
from bide_transports.cli_inputs import INPUT, Inputs, uploaded
from bide_transports.cli_options import Choice, try_directory, with_options
from bide_transports.drive import drive
from bide_transports.durable import read_text
from bide_transports.endings import CODES
from bide_transports.requests import Client
from bide_transports.shell import with_variable
from bide_transports.wishes import Unheard, Wishes, say, say_anything, tell

_CODES = """The exit code tells how the job ended: 0 completed, 1 failed or lost, or an input could not be
uploaded, 3 cancelled or expired, 4 abandoned or not saved or not printed (a token is written and its path printed), 130
interrupted, 143 by SIGTERM, 129 by SIGHUP (likewise); of several jobs it is the highest. 2 is a call that makes no
sense."""


_APART = ("cassette", "dialect", "webhook")  # what nobody else need wait for: each imports much of its own


class _Main(click.Group):
    """Commands that end with 4 where stdout or stderr takes nothing more, before a job is begun as well."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_APART])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _APART:
            return super().get_command(ctx, cmd_name)
        group: click.Command = getattr(import_module(f"bide_transports.cli_{cmd_name}"), cmd_name)
        return group

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Unheard as error:
            if error.errno == EPIPE and ctx.invoked_subcommand in _APART:  # whoever looks at a part, as `head` does
                ctx.exit(CODES[bide.Abandoned])
            with suppress(Unheard):
                tell(f"{error.filename} could not be written to ({error.strerror}), so this goes no further")
            ctx.exit(CODES[bide.Abandoned])


@click.group(cls=_Main, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_CODES)
@click.version_option(package_name="bide")
def main() -> None:
    """Wait for long-running HTTP jobs: submit, poll within the rate limit, fetch the result, lose nothing."""
    say_anything()


@main.command()
@with_options(
    click.argument("model"),
    INPUT,
    click.option("--webhook-url", metavar="URL", help="Where the service shall tell of the job's end, too."),
    options.SAVE,
    options.PACE,
    options.ON_TIMEOUT,
    options.ON_INTERRUPT,
    options.CASSETTE,
)
def run(choice: Choice, model: str, inputs: Inputs, webhook_url: str | None, save: Path | None) -> int:
    """Submit a job, wait for it, and print or save its result."""
    with choice.client() as client:
        job = client.prepare(model, uploaded(client, inputs, as_json=choice.as_json), webhook_url=webhook_url)
        return drive(client, [job], choice.wishes(save))


@main.command()
@with_options(
    click.argument("job_id", metavar="ID|URL"),
    options.SAVE,
    options.PACE,
    options.ON_TIMEOUT,
    options.ON_INTERRUPT,
    options.CASSETTE,
)
def wait(choice: Choice, job_id: str, save: Path | None) -> int:
    """Wait for a job that was submitted before."""
    with choice.client() as client:
        return drive(client, [client.watch(job_id)], choice.wishes(save))


@main.command()
@with_options(click.argument("job_id", metavar="ID|URL"), options.PACE)
def cancel(choice: Choice, job_id: str) -> int:
    """Ask for a job to be ended, and tell what came of it (exit code 3: it is cancelled)."""
    with choice.client() as client:
        return drive(client, [client.cancelling(job_id)], choice.wishes())


@main.command()
@with_options(
    click.argument("token", type=click.Path(path_type=Path), metavar="[TOKEN-FILE]", required=False),
    options.SAVE,
    click.option("--forget", is_flag=True, help="Take out of the journal what it is no use to resume."),
    options.ON_TIMEOUT,
    options.ON_INTERRUPT,
)
def resume(choice: Choice, token: Path | None, save: Path | None, forget: bool) -> int:
    """Take up a job from the token that an earlier command wrote, or all unfinished jobs of a --journal at once."""
    data = "" if token is None else _read(token)
    if token is None and not (choice.journal and choice.journal.exists()):
        raise CallerError(
            "give the token file of a job, or --journal with the journal of several"
            if choice.journal is None
            else f"there is no journal {choice.journal}"
        )
    with choice.client() as client:
        jobs = choice.unfinished(client) if token is None else [choice.limited(client, client.resume(data))]
        if not jobs and not client.unreadable:
            tell(f"nothing is left to be done for the jobs in {choice.journal}")
        code = drive(client, jobs, choice.wishes(save, forget=forget))
        return max(code, CODES[bide.Abandoned]) if client.unreadable else code


def _read(token: Path) -> str:
    try:
        return read_text(token, LARGEST)
    except OSError as error:
        raise CallerError(f"the token {token} cannot be read ({error.strerror})") from None


@main.command()
@click.option("--save", type=click.Path(path_type=Path), default="bide-demo", show_default=True, metavar="DIR")
@click.option("--duration", type=float, default=6.0, show_default=True, help="Seconds that the job takes.")
@options.JSON
def demo(save: Path, duration: float, as_json: bool) -> None:
    """Run one job end to end against an emulated service on this machine; needs no key and no network."""
    from bide_transports.emulator import Plan, Service
    from bide_transports.emulator.server import serve

    try:
        try_directory(save)
    except CallerError as error:
        raise click.UsageError(str(error)) from None
    plan = Plan(duration=duration, dispatched=duration * 0.1, handed_over=duration * 0.4, width=320, height=240)
    service = Service(default=plan, seed=uuid4().int)
    with serve(service) as emulator, Client(emulator.key, dialect=emulator.dialect) as client:
        say(f"an emulated ModelRoute listens at {emulator.base_url}: nothing leaves this machine", err=True)
        job = client.prepare("flux-1.1-pro", {"prompt": "a fox waiting for a bus"})
        code = drive(client, [job], Wishes(as_json, ("--base-url", emulator.base_url), save))
        seen = emulator.account
        say(
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
    from bide_transports.emulator import Limit, Plan, Service
    from bide_transports.emulator.server import serve

    service = Service(default=Plan(duration=duration), limit=Limit(limit, window), seed=uuid4().int)
    with serve(service) as running:
        say(f"an emulated ModelRoute listens at {running.base_url}; try, in another terminal:\n", err=True)
        words = ("bide", "run", "flux-1.1-pro", "-i", "prompt=fox", "--base-url", running.base_url)
        say(with_variable("MODELROUTE_API_KEY", running.key, *words))
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            say(f"\nit saw {running.account.requests} requests", err=True)


if __name__ == "__main__":
    main()
