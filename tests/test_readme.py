"""The README says what is so: its drawing is current, its snippet runs, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bide
from bide_transports.client import drivers
from bide_transports.emulator import Plan, Service
from bide_transports.emulator.server import serve
from tests.arrows import README, drawing, drawn

TEXT = README.read_text("utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_drawing_is_current() -> None:
    assert drawn() == drawing(), "run: python -m tests.arrows"


def test_the_first_snippet_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(Service(default=Plan(duration=0.0))) as emulator:
        code = SNIPPETS[0].replace(
            '"sk_your_key"', f'"{emulator.key}", dialect=bide.ModelRoute("{emulator.base_url}"), pace=bide.Every(0.05)'
        )
        monkeypatch.chdir(tmp_path)
        exec(compile(code, "README.md", "exec"), {"bide": bide})  # noqa: S102  our own README
    (picture,) = (tmp_path / "pictures").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture.relative_to(tmp_path)) in capsys.readouterr().out
    assert emulator.account.executions == 1


def test_the_driver_shown_is_the_driver() -> None:
    shown = [line.strip() for line in SNIPPETS[1].splitlines()][1:]
    source = Path(drivers.__file__).read_text("utf-8")
    assert all(line in source for line in shown)


def test_links_lead_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)", TEXT) if "://" not in target]
    assert targets
    assert all((README.parent / target).exists() for target in targets)
