"""`bide cassette scan --secret-file`: one secret a line, blanks and all, and an error for what is no text."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bide_transports.cli import main
from tests.cassette.scenes import RECORDED

LIMITED = RECORDED / "is-limited-at-its-submission.cassette.jsonl"


def scan(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["cassette", "scan", *map(str, words)])


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    return Path(shutil.copy(LIMITED, tmp_path / "jobs.cassette.jsonl"))


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def test_a_line_is_one_secret_with_its_blanks(jobs: Path, known: Path) -> None:
    known.write_text("waiting for another bus\n")
    assert scan("--secret-file", known, jobs).stdout == scan(jobs).stdout
    known.write_text("\ufeff\n  \n  waiting for a bus \r\n", "utf-8")
    assert f"{jobs}:4: $.b.input.prompt: known\n" in scan("--secret-file", known, jobs).stdout


def test_a_blank_line_is_no_secret(jobs: Path, known: Path) -> None:
    known.write_text("\n \n\t\n")
    assert scan("--secret-file", known, jobs).stdout == scan(jobs).stdout


def test_a_file_that_is_no_text_is_told_and_nothing_of_it(jobs: Path, known: Path) -> None:
    known.write_bytes(b"koala\xff\xfe")
    answer = scan("--secret-file", known, jobs)
    assert answer.exit_code == 2
    assert isinstance(answer.exception, SystemExit)
    assert f"{known} is no text in UTF-8" in " ".join(answer.stderr.split()).replace("- ", "-")
    assert "koala" not in answer.output
