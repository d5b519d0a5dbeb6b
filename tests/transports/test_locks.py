"""Files that belong to one process: nobody comes in between, nothing hangs, nobody else's file is written to."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bide_transports.locks import locked, opened, release, remove, swapping
from tests.transports.disk import bind_socket

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="no pipes, sockets and forks there")


def is_taken(path: Path) -> bool:
    """Whether somebody has the file; it stays as it is."""
    try:
        release(locked(path, os.O_RDWR))
    except BlockingIOError:
        return True
    return False


def test_a_file_is_one_owner_s_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "file"
    fd = locked(path, os.O_RDWR)
    assert is_taken(path)
    release(fd)
    assert not is_taken(path)
    remove(path, locked(path, os.O_RDWR))
    assert not path.exists()


def test_nobody_comes_in_while_a_file_is_swapped_for_another(tmp_path: Path) -> None:
    path, fresh = tmp_path / "file", tmp_path / "fresh"
    path.write_bytes(b"old")
    fresh.write_bytes(b"new")
    with swapping(path, locked(path, os.O_RDWR), os.O_RDWR) as lock_again:
        assert is_taken(path)
        fresh.replace(path)
        assert is_taken(path)
        fd = lock_again()
        assert os.read(fd, 9) == b"new"
        assert is_taken(path)
    assert is_taken(path)
    release(fd)
    assert not is_taken(path)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_swap_that_fails_leaves_the_old_file_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    fd = locked(path, os.O_RDWR)
    with suppress(FileNotFoundError), swapping(path, fd, os.O_RDWR) as lock_again:
        try:
            (tmp_path / "missing").replace(path)
        finally:
            fd = lock_again()
    assert is_taken(path)
    assert os.read(fd, 9) == b"old"
    release(fd)


def test_what_a_crash_amid_a_swap_has_left_is_in_nobody_s_way(tmp_path: Path) -> None:
    (tmp_path / "file.swap").touch()
    assert not is_taken(tmp_path / "file")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    (tmp_path / "file.swap").mkdir()
    assert not is_taken(tmp_path / "file"), "that is somebody else's"
    assert (tmp_path / "file.swap").is_dir()


def test_a_file_with_another_name_is_left_to_that(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    other.write_bytes(b"mine")
    path.hardlink_to(other)
    fd = locked(path, os.O_RDWR, unshared=True)
    os.write(fd, b"ours")
    release(fd)
    assert (path.read_bytes(), other.read_bytes()) == (b"ours", b"mine")


@on_posix
def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    bind_socket(tmp_path / "socket")
    for name in ("pipe", "socket"):
        for way in (os.O_RDWR, os.O_RDONLY):
            with pytest.raises(OSError, match="what lies there is no file"):
                opened(tmp_path / name, way)
    with pytest.raises(OSError, match="what lies there is no file"):
        opened(tmp_path / "pipe", os.O_WRONLY)
    with pytest.raises(IsADirectoryError):
        opened(tmp_path, os.O_RDWR)
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    with pytest.raises(OSError, match="symbolic link"):
        opened(tmp_path / "link", os.O_RDWR)
    assert not (tmp_path / "missing").exists()


def played(code: str, path: Path) -> str:
    """What a process of its own prints, for which `path` is the file."""
    begin = f"import os, sys\nfrom pathlib import Path\npath = Path({str(path)!r})\n"
    done = subprocess.run([sys.executable, "-c", begin + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@on_posix
def test_what_a_fork_inherits_is_not_its_own_to_let_go_of(tmp_path: Path) -> None:
    code = (
        "from bide_transports.locks import locked, release\n"
        "fd = locked(path, os.O_RDWR)\n"
        "if not os.fork(): release(fd); os._exit(0)\n"
        "os.wait()\n"
        "try: locked(path, os.O_RDWR)\n"
        "except BlockingIOError: print('taken')\n"
        "release(fd); release(locked(path, os.O_RDWR))\n"
    )
    assert played(code, tmp_path / "file") == "taken\n"


def test_where_the_system_has_no_locks_a_process_knows_its_own(tmp_path: Path) -> None:
    code = (
        "sys.modules |= {'fcntl': None, 'msvcrt': None}\n"
        "from bide_transports.locks import locked, release\n"
        "fd = locked(path, os.O_RDWR)\n"
        "try: locked(path, os.O_RDWR)\n"
        "except BlockingIOError: print('taken')\n"
        "release(fd); release(locked(path, os.O_RDWR))\n"
    )
    assert played(code, tmp_path / "file") == "taken\n"
