"""What a file is called on disk: a name of our own, whatever the service says, and an ending told from its bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

from bide.urls import is_id

_LONGEST = 100  # characters of an id: with its endings it must fit into any file system's 255 bytes
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)  # no names for files on Windows
_FORMATS = (
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"),
    (8, b"WAVE", ".wav"),
    (4, b"ftypavif", ".avif"),
    (4, b"ftypqt  ", ".mov"),
    (4, b"ftypM4A ", ".m4a"),
    (4, b"ftyp", ".mp4"),
    (0, b"\x1a\x45\xdf\xa3", ".webm"),
    (0, b"ID3", ".mp3"),
    (0, b"\xff\xfb", ".mp3"),
    (0, b"fLaC", ".flac"),
    (0, b"OggS", ".ogg"),
    (0, b"glTF", ".glb"),
    (0, b"%PDF-", ".pdf"),
    (0, b"PK\x03\x04", ".zip"),
)


def file_name(file: str) -> str:
    """A name on disk for a file: its id, or the last part of its address with what tells it from its namesakes.

    Made of letters, digits, '.', '_' and '-' alone, without an ending; the query, which may change, has no part in it.
    """
    if is_id(file):
        plain = len(file) <= _LONGEST and not _RESERVED.fullmatch(file)
        return file if plain else f"{file[:60]}-{crc32(file.encode()):08x}"
    address = re.split(r"[?#]", file, maxsplit=1)[0]
    last = address.rstrip("/").rpartition("/")[2].rpartition("@")[2]
    last = re.sub(r"[^A-Za-z0-9_-]+", "-", last.partition(".")[0])[:60].strip("-")
    return f"{last or 'file'}-{crc32(address.encode('utf-8', 'replace')):08x}"


def file_names(files: Sequence[str]) -> list[str]:
    """A name for each of several files in one directory; those that would share one are numbered in their order.

    Names that differ in case alone count as one: some file systems know no difference.
    """
    names: dict[str, str] = {}
    for name in map(file_name, files):
        numbered = (f"{name}-{count}" for count in range(2, len(files) + 2))
        own = name if name.lower() not in names else next(one for one in numbered if one.lower() not in names)
        names[own.lower()] = own
    return list(names.values())


def suffix(head: bytes) -> str:
    """The file name's ending that the first 16 bytes of a file call for, or '.bin'."""
    return next((ending for at, magic, ending in _FORMATS if head.startswith(magic, at)), ".bin")
