"""What a job is given on the command line: `NAME=TEXT`, `NAME:=JSON`, or `NAME=@FILE` to upload that file first."""

from __future__ import annotations

import errno
import json
import shlex
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeAlias

import click
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from bide.document import JSON
from bide.errors import UploadError
from bide.upload import Upload, Uploading
from bide_transports.display import print_json
from bide_transports.drive import INTERRUPTED
from bide_transports.durable import read_text
from bide_transports.requests import Client
from bide_transports.sources import UploadNote
from bide_transports.wishes import say, tell


class LocalFile(NamedTuple):
    """A file in place of a value: its reference at the service is the value, once it is there."""

    path: Path


_LARGEST = 64 * 2**20  # bytes of JSON in a file: it is sent in one request

Inputs: TypeAlias = Mapping[str, "JSON | LocalFile"]


def _to_inputs(_: click.Context, __: click.Parameter, pairs: Iterable[str]) -> Inputs:
    inputs: dict[str, JSON | LocalFile] = {}
    for pair in pairs:
        head, equals, value = pair.partition("=")
        name = head.removesuffix(":")
        if not (name and equals):
            raise click.BadParameter(f"{pair!r} is no input: give name=text, name:=JSON, or name=@FILE")
        if name in inputs:
            raise click.BadParameter(f'{name} is given twice: keep one, or give a list: {name}:=\'["a", "b"]\'')
        inputs[name] = _parsed(name, value) if name is not head else _said(name, value)
    return inputs


def _said(name: str, value: str) -> str | LocalFile:
    """A text, or a file; what looks like JSON may have been meant so, and is told before anything is paid for."""
    if value.startswith("@"):
        return _local(value)
    if value[:1] in ("{", "[") or _is_json(value):
        json_of_it = shlex.quote(f"{name}:={value[:60]}")
        tell(f"{name} is sent as a text, though it looks like JSON: if it is meant so, give -i {json_of_it}")
    return value


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _local(value: str) -> str | LocalFile:
    if value.startswith("@@"):
        return value[1:]
    path = Path(value[1:])
    if not _is_file(path):
        raise click.BadParameter(f"{value[1:]!r} is no file: name one, or begin with @@ for a text that begins with @")
    return LocalFile(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no name of any file: too long, or with a NUL in it
        return False


def _parsed(name: str, value: str) -> JSON:
    """The JSON in a value, or in the file that it names."""
    said = f"{name}:={value[:60]}"
    try:
        text = _text_of(Path(value[1:])) if value.startswith("@") else value
        parsed: JSON = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except OSError as error:
        raise click.BadParameter(f"{said}: the file cannot be read ({error.strerror}): name another") from None
    except (ValueError, RecursionError) as error:
        hint = "mend the file" if value.startswith("@") else f"mend it, or give {name}=... for a text"
        raise click.BadParameter(f"{said} is no JSON ({error}): {hint}") from None
    return parsed


def _text_of(path: Path) -> str:
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "no file has such a name")
    return read_text(path, _LARGEST)


def _members(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


INPUT = click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    callback=_to_inputs,
    metavar="NAME=TEXT|NAME:=JSON",
    help="An input: NAME=TEXT, NAME:=JSON (numbers, true, lists, objects), or NAME=@FILE to upload that file first.",
)


def uploaded(client: Client, inputs: Inputs, *, as_json: bool) -> dict[str, JSON]:
    """The inputs with each local file uploaded and its reference in its place; ends the command where that fails."""
    try:
        return {
            name: _sent(client, name, value.path, as_json=as_json) if isinstance(value, LocalFile) else value
            for name, value in inputs.items()
        }
    except UploadError as error:
        raise click.ClickException(f"{error}; nothing was submitted") from None
    except KeyboardInterrupt:
        tell("interrupted; nothing was submitted")
        raise click.exceptions.Exit(INTERRUPTED) from None


def _sent(client: Client, name: str, path: Path, *, as_json: bool) -> str:
    with _display(path, client.clock.now, as_json=as_json) as note:
        file = client.upload(path, note=note)
    if as_json:
        print_json({"state": "Uploaded", "input": name, "path": str(path), "file": file})
    return file


@contextmanager
def _display(path: Path, now: Callable[[], float], *, as_json: bool) -> Generator[UploadNote]:
    """What shows each state of an upload: a live line on a terminal, plain lines elsewhere; nothing with JSON."""
    console, states = Console(stderr=True), deque[Upload](maxlen=1)

    def plain(state: Upload) -> None:
        if not isinstance(state, Uploading) or state.sent in (0, state.size):  # and not on its way between the two
            say(_sentence(path, state, now()), err=True)

    if as_json:
        yield lambda _: None
    elif not console.is_terminal:
        yield plain
    else:
        spinner = Spinner("dots")

        def live() -> Spinner:
            spinner.update(text=Text(_sentence(path, states[-1], now()) if states else ""))
            return spinner

        with Live(console=console, get_renderable=live, refresh_per_second=8, transient=True):
            yield states.append
        console.print(Text(_sentence(path, states[-1], now())))


def _sentence(path: Path, state: Upload, now: float) -> str:
    """The state in one line for people."""
    share = state.sent / state.size if state.size else 1.0
    parts = [f"{now - state.past.since:5.1f} s", type(state).__name__.upper(), str(path), f"{share:.0%}"]
    if isinstance(state, Uploading) and state.due - now >= 0.05:
        parts.append(f"next try in {state.due - now:.1f} s ({state.why.value})")
    return "  ".join(parts)
