"""`bide webhook listen`: see what webhooks say, before an application of yours takes them."""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime, timezone
from pathlib import Path

import click

import bide
from bide.dialects.declared import Declared
from bide.errors import CallerError
from bide.handles import shown
from bide_transports.cli_options import declared
from bide_transports.durable import read_text
from bide_transports.emulator.service import WEBHOOK_SECRET
from bide_transports.webhook_server import listening
from bide_transports.webhooks import Answer, Mailbox
from bide_transports.wishes import say

_PORT = 8099


@click.group()
def webhook() -> None:
    """Receive signed webhooks on this machine."""


@webhook.command()
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0 takes a free one.")
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    help="The file that holds the secret, or several, one a line; if not MODELROUTE_WEBHOOK_SECRET, or "
    "BIDE_WEBHOOK_SECRET with --dialect.",
)
@click.option("--dialect", metavar="NAME|FILE", help="Whose webhooks, if not ModelRoute's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per notice on stdout.")
def listen(port: int, secret_file: Path | None, dialect: str | None, as_json: bool) -> None:
    """Print each webhook that comes and is rightly signed, until interrupted; say of all others why they are refused.

    It listens at 127.0.0.1 only, unencrypted: a service elsewhere reaches it through a tunnel or a proxy.
    """
    try:
        speaks = bide.ModelRoute() if dialect is None else Declared(declared(dialect))
        variable = "MODELROUTE_WEBHOOK_SECRET" if dialect is None else "BIDE_WEBHOOK_SECRET"
        mailbox = Mailbox(_secrets(secret_file, variable), dialect=speaks)
    except CallerError as error:
        raise click.UsageError(str(error)) from None

    def receive(method: str, headers: bide.Headers, body: bytes) -> Answer:
        answer = mailbox.receive(method, headers, body)
        if answer.notice is None:
            say(f"{answer.status}: {answer.text}", err=True)
        return answer

    try:
        with listening(receive, lambda notice: _print(notice, as_json=as_json), port=port) as url:
            _greet(url)
            threading.Event().wait()
    except OSError as error:
        raise click.UsageError(f"port {port} cannot be had ({error.strerror}): name another with --port") from None
    except KeyboardInterrupt:
        say("", err=True)


def _secrets(file: Path | None, variable: str) -> list[str]:
    """The secrets, one a line; raises `CallerError` where there are none."""
    if file is not None:
        try:
            held = read_text(file)
        except OSError as error:
            raise CallerError(f"the secret file {file} cannot be read ({error.strerror})") from None
    else:
        held = os.environ.get(variable, "")
    secrets = [line.strip() for line in held.splitlines() if line.strip()]
    if not secrets:
        raise CallerError(
            f"there is no webhook secret: set {variable}, or name a file that holds it with --secret-file "
            f"(`bide emulator` signs with {WEBHOOK_SECRET})"
        )
    return secrets


def _greet(url: str) -> None:
    say(f"listening at {url}", err=True)
    say(
        "to try it, start `bide emulator` in another terminal, and submit there, with the base URL and the key that "
        f'it prints:\n\n  curl $BASE_URL/v1/executions -H "authorization: Bearer $KEY" -d \''
        f"{json.dumps({'model': 'flux-1.1-pro', 'input': {}, 'webhook_url': url})}'\n",
        err=True,
    )


def _print(notice: bide.Notice, *, as_json: bool) -> None:
    at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    facts = {"at": at, "kind": notice.kind, "id": shown(notice.handle), "event": notice.id}
    say(json.dumps(facts) if as_json else "  ".join(facts.values()))
