"""A part on disk: whatever the disk refuses, whoever else wants it, wherever a process dies, it is whole in the end."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import bide
from bide.download import Download, Downloaded, Downloading
from bide.errors import SaveError
from bide_transports.emulator import Drop, Fault, VirtualClock
from bide_transports.emulator.server import Emulator
from tests.faces import called
from tests.hostile import Server, head, read, send
from tests.reactions import Where, reacts
from tests.sampling import WHOLE
from tests.savers import SAVES, Save, Stopped, Until, content, done, stopped
from tests.transports.disk import file_size_limit

BY_EACH = pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


# What the disk refuses


@reacts(Where.HERE, "the disk is full while a file comes", "what came is kept, and the next `save` fetches the rest")
@BY_EACH
def test_a_full_disk_keeps_what_it_took_and_the_rest_is_fetched_later(save: Save, tmp_path: Path) -> None:
    with done() as (emulator, clock, result):
        (file,) = result.files
        with file_size_limit(2_000_000), pytest.raises(SaveError, match="the 2000000 bytes that came are kept"):
            save(result, tmp_path, dialect=emulator.dialect, clock=clock)
        assert names(tmp_path) == {f"{file}.part", f"{file}.part.json"}
        assert (tmp_path / f"{file}.part").read_bytes() == content(file)[:2_000_000]
        before = emulator.account.sent["storage"]
        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock)
    assert path.read_bytes() == content(file)
    assert names(tmp_path) == {f"{file}.png"}
    assert emulator.account.sent["storage"] - before == len(content(file)) - 2_000_000


@BY_EACH
@pytest.mark.parametrize("size", [0, 100])
def test_a_disk_that_takes_next_to_nothing(save: Save, size: int, tmp_path: Path) -> None:
    with done(side=64) as (emulator, clock, result):
        with file_size_limit(size), pytest.raises(SaveError, match="save again"):
            save(result, tmp_path, dialect=emulator.dialect, clock=clock)
        assert names(tmp_path) == set()
        save(result, tmp_path, dialect=emulator.dialect, clock=clock)


@reacts(Where.HERE, "a file of that name is there", "not replaced unless `overwrite=True`; what came is kept")
@BY_EACH
def test_a_file_that_is_there_is_not_replaced_and_costs_no_second_download(save: Save, tmp_path: Path) -> None:
    with done() as (emulator, clock, result):
        taken = tmp_path / f"{result.files[0]}.png"
        taken.write_bytes(b"mine")
        with pytest.raises(SaveError, match="already there: move it away") as caught:
            save(result, tmp_path, dialect=emulator.dialect, clock=clock)
        assert taken.read_bytes() == b"mine"
        assert "are kept" in str(caught.value)
        before = emulator.account.sent["storage"]
        taken.rename(tmp_path / "mine.png")
        assert save(result, tmp_path, dialect=emulator.dialect, clock=clock) == [taken]
        assert emulator.account.sent["storage"] == before, "the storage host had nothing more to send"
        assert emulator.account.seen[-1].status == 416
    assert taken.read_bytes() == content(result.files[0])
    assert names(tmp_path) == {"mine.png", taken.name}


@BY_EACH
def test_a_file_that_is_there_is_replaced_when_asked_to(save: Save, tmp_path: Path) -> None:
    with done(side=64) as (emulator, clock, result):
        (tmp_path / f"{result.files[0]}.png").write_bytes(b"mine")
        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock, overwrite=True)
        assert path.read_bytes() == content(result.files[0], 64)
        assert save(result, tmp_path, dialect=emulator.dialect, clock=clock) == [path], "the same bytes are as good"
    assert names(tmp_path) == {path.name}


@reacts(Where.HERE, "a link in place of the file", "not written through")
@BY_EACH
def test_a_link_in_place_of_the_file_is_not_written_through(save: Save, tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"mine")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with done(side=64) as (emulator, clock, result):
        link = pictures / f"{result.files[0]}.png"
        link.symlink_to(tmp_path / "precious")
        for overwrite in (False, True):
            with pytest.raises(SaveError, match="a symbolic link of that name stands in the way: move it"):
                save(result, pictures, dialect=emulator.dialect, clock=clock, overwrite=overwrite)
    assert link.is_symlink()
    assert (tmp_path / "precious").read_bytes() == b"mine"


@pytest.mark.parametrize("ending", [".part", ".part.json"])
@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_what_stands_in_place_of_a_part_stays(ending: str, kind: str, tmp_path: Path) -> None:
    save = SAVES["requests"]
    (tmp_path / "precious").write_bytes(b"mine")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with done(side=64) as (emulator, clock, result):
        place = pictures / f"{result.files[0]}{ending}"
        if kind == "link":
            place.symlink_to(tmp_path / "precious")
        elif kind == "pipe":
            os.mkfifo(place)
        else:
            place.mkdir()
        before = stat.S_IFMT(place.lstat().st_mode)
        with pytest.raises(SaveError, match="could not be saved"):
            save(result, pictures, dialect=emulator.dialect, clock=clock)
    assert names(pictures) == {place.name}
    assert stat.S_IFMT(place.lstat().st_mode) == before
    assert (tmp_path / "precious").read_bytes() == b"mine"


@reacts(Where.HERE, "a name that no file can have, or that a system reserves", "replaced by one that can be had")
@BY_EACH
@pytest.mark.parametrize("file", ["x" * 256, "CON", "-rf", "__"])
def test_a_name_that_no_file_can_have_is_replaced_by_one_it_can(save: Save, file: str, tmp_path: Path) -> None:
    with Server((read, send(head("Content-Length: 3", 'ETag: "1"') + b"abc"))) as server:
        result = bide.Result("exec_1", (file,))
        (path,) = save(result, tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
    assert path.parent == tmp_path
    assert len(path.name) < 120
    assert path.read_bytes() == b"abc"


# Whoever else wants it


@reacts(Where.HERE, "two that save the same file to the same place at once", "the second is told so")
@BY_EACH
def test_no_two_save_the_same_file_at_once(save: Save, tmp_path: Path) -> None:
    refusals: list[str] = []
    with done() as (emulator, clock, result):

        def note(state: Download) -> None:
            if state.received and not refusals:
                settings = {"key": emulator.key, "dialect": emulator.dialect, "clock": clock}
                with pytest.raises(SaveError, match="another process or task is saving it there") as caught:
                    called("requests", settings, "save", result, tmp_path)
                refusals.append(str(caught.value))

        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock, note=note)
    assert len(refusals) == 1
    assert path.read_bytes() == content(result.files[0])
    assert names(tmp_path) == {path.name}


@BY_EACH
@pytest.mark.parametrize("told", [None, b"", b"{}", b"\xff", b"x" * 100_000])
def test_a_leftover_that_nothing_is_known_of_is_written_over(save: Save, told: bytes | None, tmp_path: Path) -> None:
    with done(side=64) as (emulator, clock, result):
        (tmp_path / f"{result.files[0]}.part").write_bytes(bytes(1_000_000))
        if told is not None:
            (tmp_path / f"{result.files[0]}.part.json").write_bytes(told)
        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock)
    assert path.read_bytes() == content(result.files[0], 64)
    assert names(tmp_path) == {path.name}


@BY_EACH
def test_a_part_of_another_service_is_not_gone_on_with(save: Save, tmp_path: Path) -> None:
    """Two services with one seed name their files alike; their bytes are none of each other's."""
    with done() as (emulator, clock, result):
        stopped(save, result, tmp_path, dialect=emulator.dialect, clock=clock, at=1_000_000)
    with done() as (emulator, clock, result):
        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock)
    assert emulator.account.sent["storage"] == len(content(result.files[0]))
    assert path.read_bytes() == content(result.files[0])


def test_a_file_is_as_open_to_others_as_any_that_is_made_here(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with done(side=64) as (emulator, clock, result):
        (path,) = SAVES["requests"](result, tmp_path, dialect=emulator.dialect, clock=clock)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


@BY_EACH
def test_a_note_that_fails_leaves_the_part_to_others(save: Save, tmp_path: Path) -> None:
    """Told of the very first state, and of one on the way: either way nothing stays open or locked."""
    with done() as (emulator, clock, result):
        for at in (0, 1_000_000):
            with pytest.raises(Stopped):
                save(result, tmp_path, dialect=emulator.dialect, clock=clock, note=Until(at))
        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock)
    assert names(tmp_path) == {path.name}


# Several files of one result


@dataclass
class InSecond:
    """Stops the save once so much of its second file is there."""

    received: int
    done: int = 0

    def __call__(self, state: Download) -> None:
        self.done += isinstance(state, Downloaded)
        if self.done and isinstance(state, Downloading) and state.received >= self.received:
            raise Stopped


def test_a_file_that_is_finished_is_not_fetched_again_when_another_is_stopped(tmp_path: Path) -> None:
    save = SAVES["requests"]
    with done(files=2) as (emulator, clock, result):
        with pytest.raises(Stopped):
            save(result, tmp_path, dialect=emulator.dialect, clock=clock, note=InSecond(1_000_000))
        first, second = (tmp_path / f"{file}.png" for file in result.files)
        assert first.read_bytes() == content(result.files[0])
        before = emulator.account.sent["storage"]
        assert save(result, tmp_path, dialect=emulator.dialect, clock=clock) == [first, second]
        assert emulator.account.sent["storage"] - before <= len(content(result.files[1])) - 1_000_000
    assert names(tmp_path) == {first.name, second.name}
    assert [path.read_bytes() for path in (first, second)] == [content(file) for file in result.files]
    assert [path.stat().st_nlink for path in (first, second)] == [1, 1]


@pytest.mark.parametrize("tag", ['"1"', '"2"'])
def test_a_finished_file_is_never_written_to_whatever_the_server_sends_next(tag: str, tmp_path: Path) -> None:
    save, pair = SAVES["requests"], bide.Result("exec_1", ("file_1", "file_2"))
    whole = head("Content-Length: 300000", 'ETag: "1"') + bytes(300_000)
    with Server((read, send(whole), read, send(whole))) as server:
        dialect = bide.ModelRoute(server.url)
        with pytest.raises(Stopped):
            save(pair, tmp_path, dialect=dialect, clock=VirtualClock(), note=InSecond(100_000))
    (tmp_path / "file_2.part").unlink()
    more = head(
        "Content-Length: 9", f"ETag: {tag}", "Content-Range: bytes 300000-300008/300009", status="HTTP/1.1 206 P"
    )
    other = head("Content-Length: 300009", 'ETag: "2"') + b"x" * 300_009
    with Server(*[(read, send(more + b"x" * 9)), (read, send(other))]) as server:
        _as_if_from(server.url, tmp_path / "file_1.part.json")
        with pytest.raises(SaveError, match="already there"):
            save(
                bide.Result("exec_1", ("file_1",)), tmp_path, dialect=bide.ModelRoute(server.url), clock=VirtualClock()
            )
    assert (tmp_path / "file_1.bin").read_bytes() == bytes(300_000)
    assert (tmp_path / "file_1.part").read_bytes() == b"x" * 300_009


def _as_if_from(url: str, token: Path) -> None:
    """The port of a server of one test is not that of another."""
    document = json.loads(token.read_bytes()) | {"origin": bide.ModelRoute(url).origin}
    token.write_text(json.dumps(document), "ascii")


# Wherever a process dies

_CHILD = """
import os, signal, sys
import bide
from bide_transports.requests import Client
base_url, key, file, directory, step, received = sys.argv[1:]
left = int(step)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def audit(event, arguments):
    global left
    touched = [os.fspath(one) for one in arguments if isinstance(one, (str, os.PathLike))]
    if event in ("os.truncate", "fcntl.flock") or any(one.startswith(directory) for one in touched):
        left -= 1
        if left == 0:
            die()

def note(state):
    if state.received >= int(received):
        die()

sys.addaudithook(audit)
with Client(key, dialect=bide.ModelRoute(base_url)) as client:
    client.save(bide.Result("exec_1", (file,)), directory, note=note)
"""
NEVER = 10**9


def died(emulator: Emulator, file: str, directory: Path, *, step: int = 0, received: int = NEVER) -> bool:
    """Save in a process that is killed at this step of its dealings with the disk, or with so many bytes there."""
    command = [sys.executable, "-c", _CHILD, emulator.base_url, emulator.key, file, str(directory), str(step)]
    ended = subprocess.run([*command, str(received)], check=False, capture_output=True, timeout=60)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode != 0


@pytest.mark.parametrize("received", [1, 1_000_000, 3_333_333, 5_000_000])
def test_a_process_that_is_killed_among_its_bytes_loses_none(received: int, tmp_path: Path) -> None:
    with done() as (emulator, clock, result):
        assert died(emulator, result.files[0], tmp_path, received=received)
        (part,) = tmp_path.glob("*.part")
        kept = part.read_bytes()
        assert received <= len(kept)
        assert content(result.files[0]).startswith(kept)
        (path,) = SAVES["requests"](result, tmp_path, dialect=emulator.dialect, clock=clock)
        assert emulator.account.seen[-1].status in (206, 416)
        assert emulator.account.credentials_at_storage == 0
    assert path.read_bytes() == content(result.files[0])
    assert names(tmp_path) == {path.name}


@pytest.mark.parametrize("begun", [False, True])
def test_a_process_may_be_killed_at_every_step_of_its_dealings_with_the_disk(begun: bool, tmp_path: Path) -> None:
    steps = 1
    with done(Fault("storage", Drop("body", after=500_000), times=2), side=1000) as (emulator, clock, result):
        (file,) = result.files
        while True:
            directory = tmp_path / str(steps)
            if begun:
                assert died(emulator, file, directory, received=1_000_000)
            if not died(emulator, file, directory, step=steps):
                break
            (path,) = SAVES["requests"](result, directory, dialect=emulator.dialect, clock=clock)
            assert path.read_bytes() == content(file, 1000)
            assert names(directory) == {path.name}
            assert path.stat().st_nlink == 1
            steps += 1 if WHOLE else 7
    assert steps > 8, "there are that many steps at least"
