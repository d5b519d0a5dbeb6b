"""What is read and written whole: short files from anywhere, and bytes that outlive a power cut."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bide_transports.durable import read_file, read_text, replace_whole, sync, sync_directory

fcntl = pytest.importorskip("fcntl")


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_short_text_is_read_as_any_editor_and_shell_writes_it(coding: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("grün\r\n", coding, newline="")
    assert read_text(tmp_path / "key") == "grün\r\n"


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "directory").mkdir()
    for name in ("pipe", "link", "directory"):
        before = (tmp_path / name).lstat()
        with pytest.raises(OSError, match="what lies there is no file"):
            replace_whole(tmp_path / name, b"{}")
        assert (tmp_path / name).lstat() == before
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "link", "directory"}


@pytest.mark.parametrize("data", [b"\xff", b"\xff\xfe\0", b"caf\xe9"])
def test_what_is_no_text_is_told(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(data)
    with pytest.raises(OSError, match="it is no text in UTF-8"):
        read_text(tmp_path / "key")


def test_what_is_no_file_or_too_large_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match=r"no file|directory"):
            read_file(path, 9)
    (tmp_path / "file").write_bytes(b"x" * 10)
    assert read_file(tmp_path / "file", 10) == b"x" * 10
    with pytest.raises(OSError, match="it has more than 9 bytes"):
        read_file(tmp_path / "file", 9)


@pytest.mark.parametrize(
    ("refusal", "called"),
    [(None, ["full"]), (errno.ENOTSUP, ["full", "plain"]), (errno.EINVAL, ["full", "plain"]), (errno.EIO, ["full"])],
)
def test_a_mac_is_asked_to_write_past_the_cache_of_its_drive(
    refusal: int | None, called: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def control(_: int, command: int) -> int:
        calls.append("full" if command == 51 else "other")
        if refusal is not None:
            raise OSError(refusal, os.strerror(refusal))
        return 0

    plain: Callable[[int], None] = lambda _: calls.append("plain")  # noqa: E731
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", control)
    monkeypatch.setattr(os, "fsync", plain)
    with (tmp_path / "file").open("wb") as file:
        if refusal == errno.EIO:
            with pytest.raises(OSError, match="Input/output error"):
                sync(file.fileno())
        else:
            sync(file.fileno())
    assert calls == called


@pytest.mark.skipif(sys.platform == "win32", reason="no directory can be opened there")
@pytest.mark.parametrize("refusal", [errno.EINVAL, errno.ENOSPC])
def test_a_directory_is_made_durable_where_that_can_be(
    refusal: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(os, "fsync", refuse)
    if refusal == errno.ENOSPC:
        with pytest.raises(OSError, match="No space"):
            sync_directory(tmp_path)
    else:
        sync_directory(tmp_path)
