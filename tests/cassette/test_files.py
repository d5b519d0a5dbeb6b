"""A cassette on disk: cut at any byte it loads to its last whole line, and killed at any moment so much is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bide_transports.cassette.files import in_order, load, loads, save
from bide_transports.cassette.tape import Cassette, InvalidCassette, Told
from tests.cassette.scenes import RECORDED, recorded
from tests.sampling import WHOLE

_NAME = "waits-as-long-as-it-is-told"


@pytest.fixture(scope="module")
def whole() -> bytes:
    return (RECORDED / f"{_NAME}.cassette.jsonl").read_bytes()


def test_a_cassette_cut_at_any_byte_loads_to_its_last_whole_line(whole: bytes) -> None:
    lines = whole.count(b"\n")
    cassette = loads(whole)
    for end in range(whole.index(b"\n") + 1, len(whole), 1 if WHOLE else 7):
        cut = loads(whole[:end], partial=True)
        assert cut.events == cassette.events[: whole.count(b"\n", 0, end) - 1]
        with pytest.raises(InvalidCassette, match="has no end: it was cut short"):
            loads(whole[:end])
    assert len(cassette.events) == lines - 2


def test_without_its_first_line_there_is_no_cassette(whole: bytes) -> None:
    for end in range(whole.index(b"\n") + 1):
        with pytest.raises(InvalidCassette, match="is empty: record it anew"):
            loads(whole[:end], partial=True)


def test_a_cassette_is_written_as_it_was_read(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "below" / "copy.cassette.jsonl"
    save(loads(whole), path)
    assert path.read_bytes() == whole
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    with pytest.raises(InvalidCassette, match="is there already"):
        save(loads(whole), path)
    path.chmod(0o644)
    save(replace(loads(whole), events=()), path, overwrite=True)
    assert load(path).events == ()
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_line_that_was_changed_is_told(whole: bytes) -> None:
    changed = whole.replace(b'"ms":7000', b'"ms":7001')
    assert changed != whole
    with pytest.raises(InvalidCassette, match="was changed after it was written: `bide cassette settle"):
        loads(changed, name="mine.cassette.jsonl")
    assert loads(changed, partial=True).events != loads(whole).events


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'{"k":"recv"', b'{"k":"heard"', r"mine:5 is no line of a cassette: .*'heard'"),
        (b'{"k":"recv"', b'{"k":"recv', r"mine:5 is no line of a cassette: it is no JSON"),
        (b'"cassette":1', b'"cassette":2', r"mine is no cassette: it has version 2"),
        (b'{"k":"end"', b'{"k":"told","o":"a","t":1}\n{"k":"fin"', r"mine has no end: it was cut short"),
        (b'{"cassette"', b'PNG\n{"cassette"', r"mine:1 is no line"),
        (b'{"cassette"', b'[]\n{"cassette"', r"mine:1 is no line"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(whole: bytes, old: bytes, new: bytes, says: str) -> None:
    with pytest.raises(InvalidCassette, match=says):
        loads(whole.replace(old, new, 1), name="mine")


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path, whole: bytes) -> None:
    with pytest.raises(InvalidCassette, match="cannot be read"):
        load(tmp_path / "missing.cassette.jsonl")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidCassette, match="cannot be written"):
        save(loads(whole), tmp_path / "file" / "a.cassette.jsonl")


def test_lanes_that_overlap_are_put_in_order() -> None:
    events = (Told("b#1", 5), Told("a#1", 5), Told("b#1", 7), Told("a#1", 5), Told("c#1", 6))
    assert [(event.lane, event.t) for event in in_order(events)] == [
        ("a#1", 5), ("a#1", 5), ("b#1", 5), ("c#1", 6), ("b#1", 7),
    ]  # fmt: skip


def test_a_cassette_knows_where_its_events_stand(whole: bytes) -> None:
    cassette = loads(whole, name="mine")
    assert cassette.place(cassette.events[3]) == "mine:5"
    assert cassette.place(Told("a#1", 0)) == "mine"
    assert Cassette(cassette.head, cassette.events).place(cassette.events[0]) == ""


def test_recording_the_same_again_gives_the_same_bytes(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "again.cassette.jsonl"
    assert recorded(_NAME, path).events == loads(whole).events
    first = path.read_bytes()
    for _ in range(200 if WHOLE else 20):
        recorded(_NAME, path)
        assert path.read_bytes() == first


_KILLED = """
import os, signal, sys
from pathlib import Path
from bide_transports.cassette import files
from tests.cassette.scenes import recorded
left, write = int(sys.argv[2]), files.write_all
def write_all(fd, data):
    global left
    if left < len(data):
        os.write(fd, data[:left])
        os.kill(os.getpid(), signal.SIGKILL)
    left -= len(data)
    write(fd, data)
files.write_all = write_all
recorded("has-no-key", Path(sys.argv[1]))
"""


@pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.8, 0.99])
def test_a_recorder_that_is_killed_leaves_what_it_had(share: float, tmp_path: Path) -> None:
    whole = (RECORDED / "has-no-key.cassette.jsonl").read_bytes()
    at = int(len(whole[: whole.rindex(b'{"k":"end"')]) * share)
    path = tmp_path / "killed.cassette.jsonl"
    command = [sys.executable, "-c", _KILLED, str(path), str(at)]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": "."}, check=False)
    assert run.returncode == -signal.SIGKILL
    left = path.with_name(path.name + ".partial").read_bytes()
    assert (left, path.exists()) == (whole[:at], False)
    if b"\n" in left:
        assert loads(left, partial=True).events == loads(whole).events[: left.count(b"\n") - 1]
