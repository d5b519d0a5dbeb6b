"""What lies where a cassette should be, and is no file: it is refused by name, and nobody waits for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import bide
from bide_transports.cassette.files import load, save
from bide_transports.cassette.foreign.har import read_har
from bide_transports.cassette.foreign.vcr import read_vcr
from bide_transports.cassette.recording import record
from bide_transports.cassette.tape import InvalidCassette
from bide_transports.cli import main
from tests.cassette.altered import CASSETTE


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS: dict[str, Callable[[Path], object]] = {"directory": Path.mkdir, "device": _device}
if hasattr(os, "mkfifo"):
    KINDS["pipe"] = os.mkfifo
READERS: dict[str, Callable[[Path], object]] = {
    "load": load,
    "load what is left": lambda path: load(path, partial=True),
    "vcrpy": lambda path: read_vcr(path, dialect=bide.ModelRoute()),
    "HAR": lambda path: read_har(path, dialect=bide.ModelRoute()),
}


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "given.cassette.jsonl"
    if request.param == "device" and not Path("/dev/zero").exists():
        pytest.skip("there are no devices here")
    KINDS[request.param](path)
    return path


@pytest.mark.parametrize("reader", READERS)
def test_it_is_not_read(place: Path, reader: str) -> None:
    with pytest.raises(InvalidCassette, match=r"given\.cassette\.jsonl cannot be read"):
        READERS[reader](place)


@pytest.mark.parametrize("command", ["verify", "scan", "show", "settle", "timeline"])
def test_no_command_waits_for_it(place: Path, command: str) -> None:
    done = CliRunner().invoke(main, ["cassette", command, str(place)])
    assert done.exit_code == 2
    assert "given.cassette.jsonl" in done.output


def test_it_is_not_recorded_over(place: Path, tmp_path: Path) -> None:
    place.rename(tmp_path / "mine.cassette.jsonl.partial")
    with pytest.raises(InvalidCassette, match=r"mine\.cassette\.jsonl\.partial cannot be written"):
        record(tmp_path / "mine.cassette.jsonl")


def test_a_link_does_not_lead_the_recording_away(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("my notes")
    (tmp_path / "mine.cassette.jsonl.partial").symlink_to(tmp_path / "precious")
    (tmp_path / "whole.cassette.jsonl").symlink_to(tmp_path / "precious")
    with pytest.raises(InvalidCassette, match="cannot be written"):
        record(tmp_path / "mine.cassette.jsonl")
    save(CASSETTE, tmp_path / "whole.cassette.jsonl", overwrite=True)
    assert (tmp_path / "precious").read_text() == "my notes"
