"""What may lie where a file is to be saved: it is neither waited for, nor followed, nor written into."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import bide
from bide.dialects.declared import Declared
from bide.errors import SaveError
from bide_transports.emulator import VirtualClock
from tests.hostile import Server, read, reply, send
from tests.reactions import Where, reacts
from tests.savers import SAVES, Save, content, done, stopped
from tests.transports.acme import ACME
from tests.transports.disk import bind_socket

BY_EACH = pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pipes and sockets there")


KINDS: dict[str, Callable[[Path], None]] = {"pipe": os.mkfifo, "socket": bind_socket, "directory": Path.mkdir}


@BY_EACH
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_not_taken_for_the_file(save: Save, kind: str, tmp_path: Path) -> None:
    with done(side=64) as (emulator, clock, result):
        place = tmp_path / f"{result.files[0]}.png"
        KINDS[kind](place)
        before = stat.S_IFMT(place.lstat().st_mode)
        for overwrite in (False, True):
            with pytest.raises(SaveError, match=f"a {kind} of that name stands in the way: move it, then"):
                save(result, tmp_path, dialect=emulator.dialect, clock=clock, overwrite=overwrite)
            assert stat.S_IFMT(place.lstat().st_mode) == before


@BY_EACH
def test_a_device_in_place_of_the_directory_is_told_as_such(save: Save) -> None:
    with done(side=64) as (emulator, clock, result):
        for place in (Path(os.devnull), Path(os.devnull, "today")):
            with pytest.raises(SaveError, match="that is not a directory: choose another"):
                save(result, place, dialect=emulator.dialect, clock=clock)


@reacts(Where.HERE, "a pipe or a socket in place of a file's part", "named, and left as it is; nothing hangs")
@BY_EACH
@pytest.mark.parametrize("ending", [".part", ".part.json"])
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_part_is_refused_by_name(save: Save, kind: str, ending: str, tmp_path: Path) -> None:
    with done(side=64) as (emulator, clock, result):
        KINDS[kind](tmp_path / f"{result.files[0]}{ending}")
        with pytest.raises(SaveError, match=f"{result.files[0]} could not .*or that of its part, is no file: move it"):
            save(result, tmp_path, dialect=emulator.dialect, clock=clock)


@reacts(Where.HERE, "a part with another name as well (a hard link)", "left to that name, and begun anew")
@BY_EACH
@pytest.mark.parametrize("ending", [".part", ".part.json"])
def test_a_part_that_has_another_name_is_left_to_that(save: Save, ending: str, tmp_path: Path) -> None:
    precious, pictures = tmp_path / "precious", tmp_path / "pictures"
    precious.write_bytes(b"mine")
    pictures.mkdir()
    with done(side=64) as (emulator, clock, result):
        (pictures / f"{result.files[0]}{ending}").hardlink_to(precious)
        (path,) = save(result, pictures, dialect=emulator.dialect, clock=clock)
    assert path.read_bytes() == content(result.files[0], 64)
    assert precious.read_bytes() == b"mine"
    assert [one.name for one in pictures.iterdir()] == [path.name]


@BY_EACH
def test_a_part_with_another_name_is_not_gone_on_with(save: Save, tmp_path: Path) -> None:
    """Whoever has put it there has the bytes that came as its own: they stay so."""
    with done() as (emulator, clock, result):
        stopped(save, result, tmp_path, dialect=emulator.dialect, clock=clock, at=1_000_000)
        (part,) = tmp_path.glob("*.part")
        (tmp_path / "copy").hardlink_to(part)
        came = part.read_bytes()
        (path,) = save(result, tmp_path, dialect=emulator.dialect, clock=clock)
    assert path.read_bytes() == content(result.files[0])
    assert (tmp_path / "copy").read_bytes() == came


@BY_EACH
def test_a_place_that_is_no_directory_is_told(save: Save, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with done(side=64) as (emulator, clock, result), pytest.raises(SaveError, match=r"pipe: .*: (move|choose)"):
        save(result, tmp_path / "pipe", dialect=emulator.dialect, clock=clock)


@reacts(
    Where.FILE,
    "two files of one name, or of names that differ in case alone",
    "each has a name of its own, and the same one when it is saved again",
)
@BY_EACH
@pytest.mark.parametrize("second", ["/b/out.png", "/a/OUT.png", "/a/out.png?page=2"])
def test_files_of_one_name_have_names_of_their_own(save: Save, second: str, tmp_path: Path) -> None:
    picture = send(reply(b"\x89PNG\r\n\x1a\n", "Content-Type: image/png"))
    with Server((read, picture, read, picture)) as server:
        result = bide.Result("exec_1", (f"{server.url}/a/out.png", f"{server.url}{second}"))
        dialect = Declared(ACME, server.url)
        saved = [save(result, tmp_path / place, dialect=dialect, clock=VirtualClock()) for place in ("one", "two")]
    first, again = ([path.name for path in paths] for paths in saved)
    assert first == again
    assert len({name.lower() for name in first}) == 2
