"""The documentation says what is so: each page's snippets run, from top to bottom, and nothing public is left out."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import bide
from bide import errors
from bide_transports import cassette, emulator, requests, trio
from bide_transports.cassette import changing, foreign, scripted, shown
from bide_transports.cli import main
from bide_transports.drive import INTERRUPTED
from bide_transports.endings import CODES
from bide_transports.testing import fake_server, fixtures
from tests import reactions, test_laws

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
EXCEPTIONS = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
PARTS = (changing, scripted, foreign, shown)
PUBLIC = [
    *(f"bide.{name}" for name in bide.__all__),
    *(f"bide.errors.{kind.__name__}" for kind in EXCEPTIONS),
    *(f"bide_transports.requests.{name}" for name in requests.__all__),
    *(f"bide_transports.trio.{name}" for name in trio.__all__),
    *(f"bide_transports.emulator.{name}" for name in emulator.__all__),
    *(f"{module.__name__}.{name}" for module in (cassette, *PARTS, fixtures, fake_server) for name in module.__all__),
]
# A snippet of Python begins with "```python"; in any other spelling it would be shown and not be run.
FENCES = {"python", "console", "{eval-rst}", "{include}", "{literalinclude}", "{toctree}"}

_connect = socket.socket.connect


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def snippets(path: Path) -> Iterator[str]:
    """The Python of a page, each piece on the lines it has there, so that a traceback points into the page."""
    text = path.read_text("utf-8")
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield "\n" * text.count("\n", 0, found.start(1)) + found[1]


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def connect_on_loopback(self: socket.socket, address: tuple[str, int]) -> None:
    assert address[0] == "127.0.0.1", f"a snippet wants to leave this machine for {address}"
    _connect(self, address)


each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


@each_page
def test_the_snippets_of_a_page_run_in_order(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", connect_on_loopback)
    names: dict[str, object] = {"__name__": path.stem}
    for code in snippets(path):
        exec(compile(code, path, "exec", dont_inherit=True), names)  # noqa: S102  our own pages


@each_page
def test_no_snippet_is_shown_and_not_run(path: Path) -> None:
    opened = re.findall(r"^\s*(?:`{3,}|~{3,})([^\s`]+)", path.read_text("utf-8"), re.MULTILINE)
    assert set(opened) <= FENCES
    assert opened.count("python") == len(list(snippets(path)))


@each_page
def test_links_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for file, anchor in re.findall(r"\]\(([^)\s#]+)#?([^)\s]*)\)", prose):
        assert (DOCS / file).is_file()
        assert not anchor or anchor in anchors(DOCS / file)


def test_every_page_is_in_the_contents() -> None:
    listed = re.findall(r"^\w+$", page("index"), re.MULTILINE)
    assert sorted([*listed, "index"]) == [path.stem for path in PAGES]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    assert re.search(rf"^\.\. [\w:]+:: {re.escape(name)}$", page("reference"), re.MULTILINE)


@pytest.mark.parametrize("kind", [kind for kind in EXCEPTIONS if not kind.__subclasses__()])
def test_every_exception_has_its_next_step(kind: type[Exception]) -> None:
    assert f"`{kind.__name__}`" in page("client")


def test_every_command_and_option_is_told() -> None:
    context = click.Context(main)
    for name in main.list_commands(context):
        assert f"| `bide {name}" in page("command")
        command = main.get_command(context, name)
        assert command is not None
        options = [option for option in command.params if isinstance(option, click.Option)]
        assert all(f"`{option.opts[-1]}" in page("command") for option in options)


def test_every_exit_code_is_told() -> None:
    told = re.findall(r"^\| (\d+) \|", page("command"), re.MULTILINE)
    assert {int(code) for code in told} == {*CODES.values(), INTERRUPTED, click.UsageError.exit_code}


def test_every_law_is_told_by_the_name_of_its_test() -> None:
    told = re.findall(r"`(test_law_\w+)`", page("core"))
    assert told == [name for name in vars(test_laws) if name.startswith("test_law_")]


@pytest.mark.parametrize("member", [*bide.Why, *bide.Cause])
def test_every_reason_and_cause_is_explained(member: bide.Why | bide.Cause) -> None:
    where, word = ("core", member.value) if isinstance(member, bide.Why) else ("driver", member.name)
    assert f"| `{word}` |" in page(where)


def test_the_table_of_faults_is_what_the_tests_say() -> None:
    assert page("faults") == reactions.page(), "write it anew: python -m tests.reactions"


@pytest.mark.parametrize(("row", "test"), [pytest.param(*one, id=one[0].fault) for one in reactions.shown()])
def test_a_row_of_the_table_is_shown_over_each_transport(row: reactions.Row, test: Any) -> None:
    marks = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    ids = [mark.args[1] if callable(names := mark.kwargs.get("ids")) else names or mark.args[1] for mark in marks]
    named = [{name for name in each if isinstance(name, str)} for each in ids]
    assert any({"requests", "trio"} <= each for each in named), (
        f"no parameter of {row.test} is called requests and trio"
    )
