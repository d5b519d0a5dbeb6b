"""What the commands' options say, and the client and the wishes that follow from them."""

from __future__ import annotations

import functools
import os
import re
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import click

import bide
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.modelroute import SMALL, TESTING
from bide.dialects.vendors import named, names
from bide.dialects.written import read
from bide.errors import CallerError, InvalidDeclaration, SaveError, UnreadableEntry
from bide.pace import as_pace, whole
from bide_transports.cli_recording import taped
from bide_transports.client.core import OnTimeout
from bide_transports.display import print_json
from bide_transports.durable import read_text
from bide_transports.requests import Client
from bide_transports.tapes import Tape
from bide_transports.wishes import OnInterrupt, Wishes, tell

_SIZE = re.compile(
    r"(?P<figure>\d{1,15}(?:\.\d{1,3})?) ?(?P<unit>[kmg]?)(?P<binary>(?<=[kmg])i)?b?", re.ASCII | re.IGNORECASE
)
_LONGEST = 1024 * 1024  # bytes of a declaration
_PACES: dict[str, bide.Pace] = {"default": bide.Growing(), "testing": TESTING, "small": SMALL}


@dataclass(frozen=True)
class Choice:
    """What the options say that several commands share."""

    base_url: str | None
    dialect: str | None
    as_json: bool
    deadline: float | None
    largest: int | None
    largest_file: int | None
    key_file: Path | None
    journal: Path | None
    pace: bide.Pace = _PACES["default"]
    on_timeout: OnTimeout = "detach"
    on_interrupt: OnInterrupt = "detach"
    cassette: Path | None = None

    @contextmanager
    def client(self) -> Generator[Client]:
        """A client of the chosen service, for as long as the command lasts.

        Raises `CallerError` without a usable key, dialect, base URL or journal, for a journal of another service, and
        for a cassette that cannot be recorded; `SaveError` for a journal that cannot be kept.
        """
        with taped(self.cassette) as tape, self._client(tape) as client:
            for line, why in client.unreadable:
                tell(str(why))
                if self.as_json:
                    print_json({"state": "Unreadable", "journal": str(self.journal), "line": line, "problem": str(why)})
            yield client

    def _client(self, tape: Tape | None) -> Client:
        key, dialect = self._spoken()
        client = Client(
            key,
            dialect=dialect,
            pace=self.pace,
            patience=self._patience(),
            journal=self.journal,
            on_timeout=self.on_timeout,
            tape=tape,
        )
        try:
            _taken_up(client)  # a journal of another service is told before anything is written there
        except CallerError:
            client.close()
            raise
        return client

    def unfinished(self, client: Client) -> list[bide.Job]:
        """The jobs in the journal for which something is left to be done, limited as `limited` does it."""
        return [self.limited(client, job) for job in _taken_up(client)]

    def limited(self, client: Client, job: bide.Job) -> bide.Job:
        """A job with the limits that were given in place of its own; all of them count from now then."""
        given = (self.deadline, self.largest, self.largest_file)
        if isinstance(job, bide.Finished) or given == (None, None, None):
            return job
        return client.resume(job, patience=self._patience(job.terms.patience))

    def wishes(self, save: Path | None = None, *, forget: bool = False) -> Wishes:
        """The same for one drive."""
        options = {"--dialect": self.dialect, "--base-url": self.base_url, "--key-file": self.key_file}
        service = (word for name, value in options.items() if value is not None for word in (name, str(value)))
        return Wishes(self.as_json, tuple(service), save, self.journal, self.on_interrupt, forget)

    def _patience(self, usual: bide.Patience = bide.Patience()) -> bide.Patience:
        return replace(
            usual,
            deadline=self.deadline or usual.deadline,
            largest=self.largest or usual.largest,
            largest_file=self.largest_file or usual.largest_file,
        )

    def _spoken(self) -> tuple[str | None, bide.Dialect]:
        if self.dialect in (None, "modelroute"):
            usual = bide.ModelRoute() if self.base_url is None else bide.ModelRoute(self.base_url)
            return _key(self.key_file, "MODELROUTE_API_KEY"), usual
        declaration = declared(self.dialect)
        dialect = Declared(declaration, self.base_url or "")
        variables = [name for name in (dialect.environment, "BIDE_API_KEY") if name]
        return _key(self.key_file, *variables) if dialect.wants_key else None, dialect


def _taken_up(client: Client) -> list[bide.Job]:
    with warnings.catch_warnings():  # what cannot be read is told in the command's own words
        warnings.simplefilter("ignore", UnreadableEntry)
        return client.resume_all()


def _key(file: Path | None, *variables: str) -> str:
    if file is not None:
        try:
            return read_text(file).strip()
        except OSError as error:
            raise CallerError(f"the key file {file} cannot be read ({error.strerror})") from None
    keys = (os.environ.get(variable, "").strip() for variable in variables)
    if key := next(filter(None, keys), ""):
        return key
    raise CallerError(
        f"there is no API key: set {' or '.join(variables)}, or name a file that holds it with --key-file"
    )


def declared(name: str) -> Declaration:
    """The built-in declaration of this name, else the one in the file; raises `CallerError` where there is neither."""
    if name in names():
        return named(name)
    try:
        return read(read_text(Path(name), _LONGEST))
    except InvalidDeclaration as error:
        raise InvalidDeclaration(f"{name}: {error}") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CallerError(
            f"{name!r} is no file that can be read ({why}), and none of the dialects that are built in: "
            f"{', '.join(names())}"
        ) from None


def try_directory(path: Path) -> None:
    """Make the directory where files shall be saved, and try it; raises `CallerError` where it can hold none."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise CallerError(
            f"nothing can be saved in {path} ({error.strerror}): name another directory; nothing was sent"
        ) from None


def _to_pace(_: click.Context, __: click.Parameter, value: str) -> bide.Pace:
    try:
        return _PACES.get(value) or as_pace(float(value))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no pace: give {', '.join(_PACES)}, or seconds (0.05 or more)") from None


def _to_directory(_: click.Context, __: click.Parameter, value: str | None) -> Path | None:
    if value == "":
        raise click.BadParameter("it is empty: name a directory, such as '.' for the current one")
    return None if value is None else Path(value)


def _to_deadline(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    try:
        return bide.Patience(deadline=value).deadline
    except CallerError as error:
        raise click.BadParameter(str(error)) from None


def _to_bytes(_: click.Context, option: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is no size: give bytes, or such as 64MB or 64MiB")
    unit = (1024 if match["binary"] else 1000) ** " kmg".index((match["unit"] or " ").lower())
    size = int(float(match["figure"]) * unit)
    try:
        whole(option.name or "", size)
    except CallerError as error:
        raise click.BadParameter(str(error)) from None
    return size


JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document per state on stdout.")
SAVE = click.option("--save", callback=_to_directory, metavar="DIR", help="Save the result's files there.")
PACE = click.option("--pace", default="default", callback=_to_pace, help="default, testing, small, or seconds.")
ON_TIMEOUT = click.option(
    "--on-timeout",
    type=click.Choice(["detach", "cancel"]),
    default="detach",
    show_default=True,
    help="What becomes of the job at the deadline.",
)
ON_INTERRUPT = click.option(
    "--on-interrupt",
    type=click.Choice(["detach", "cancel"]),
    default="detach",
    show_default=True,
    help="What becomes of it at Ctrl-C; a second one always detaches.",
)
CASSETTE = click.option(
    "--cassette",
    type=click.Path(path_type=Path),
    envvar="BIDE_CASSETTE",
    metavar="FILE",
    help="Record all that is sent and decided there, without secrets. [env: BIDE_CASSETTE]",
)
_JOURNAL = click.option(
    "--journal",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write each job down there before it is sent; not even a crash loses one.",
)
_KEY = click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    help="The file that holds the key, if not MODELROUTE_API_KEY, or with --dialect its variable or BIDE_API_KEY.",
)
_DIALECT = click.option(
    "--dialect",
    metavar="NAME|FILE",
    help="Another service than ModelRoute: one that is built in, or declared in a file.",
)
_BASE = click.option("--base-url", metavar="URL", help="The API to speak to, if not the dialect's usual one.")
_DEADLINE = click.option(
    "--deadline", type=float, callback=_to_deadline, metavar="SECONDS", help="When to stop waiting."
)
_LARGEST = click.option(
    "--largest", callback=_to_bytes, metavar="SIZE", help="The most that one reply may hold, such as 64MB; 8MiB if not."
)
_LARGEST_FILE = click.option(
    "--largest-file",
    callback=_to_bytes,
    metavar="SIZE",
    help="The most that one file may hold, such as 2GB; 16GiB if not.",
)


def with_options(*options: Callable[[Any], Any]) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """A function to make a command of, with the shared options and `options`; what it returns is the exit code."""

    def decorate(function: Callable[..., int]) -> Callable[..., None]:
        @functools.wraps(function)
        def invoke(**given: Any) -> None:
            names = Choice.__dataclass_fields__.keys() & given.keys()
            choice = Choice(**{name: given.pop(name) for name in names})
            try:
                if given.get("save") is not None:
                    try_directory(given["save"])
                sys.exit(function(choice, **given))
            except (CallerError, SaveError) as error:
                raise click.UsageError(str(error)) from None

        decorated: Callable[..., None] = invoke
        for option in (*options, _JOURNAL, _DIALECT, _BASE, _KEY, _DEADLINE, _LARGEST_FILE, _LARGEST, JSON):
            decorated = option(decorated)
        return decorated

    return decorate
