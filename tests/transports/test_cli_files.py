"""What the command reads from files and writes to any terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bide_transports.cli import main


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes there")
@pytest.mark.parametrize(
    "words",
    [
        ["run", "m", "--key-file", "pipe"],
        ["resume", "pipe"],
        ["resume", "--journal", "pipe"],
        ["run", "m", "--journal", "pipe"],
        ["run", "m", "--dialect", "pipe"],
        ["webhook", "listen", "--secret-file", "pipe"],
        ["cassette", "show", "pipe"],
    ],
)
def test_a_pipe_is_refused_and_not_waited_for(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    answer = CliRunner().invoke(main, words, env={"MODELROUTE_API_KEY": "sk_any"})
    assert answer.exit_code in (1, 2)
    assert "pipe" in answer.output
    assert "no file" in answer.output


@pytest.mark.parametrize("coding", ["cp437", "cp1252"])
def test_a_character_that_a_terminal_lacks_ends_no_command(
    coding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner(charset=coding).invoke(main, ["demo", "--duration", "0", "--save", "fox \u2603 \u201etwo\u201c"])
    assert answer.exit_code == 0, answer.output
    assert "\\u2603" in answer.stdout
    assert list(Path("fox \u2603 \u201etwo\u201c").glob("*.png"))
