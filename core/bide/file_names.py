"""What a file is called on disk: a name of our own, whatever the service says, and an ending told from its bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

from bide.data_urls import is_data
from bide.urls import is_id

_LONGEST = 100  # characters of an id: with its endings it must fit into any file system's 255 bytes
_UNKNOWN = ".bin"
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)  # no names for files on Windows
#: Parameters of signed addresses, which differ each time that the same file is named.
_PASSING = re.compile(
    r"x-[a-z]+-(?:algorithm|credential|date|expires|security-token|signature|signedheaders|content-sha256)|q-[a-z-]+"
    r"|(?:aws|google|oss)?access(?:key)?id|key-pair-id|policy|signature|sig|sign|hmac|jwt|nonce|verify|hdnts|hdnea"
    r"|(?:(?:access|auth|security)[_-]?)?token|auth[_-]?key|expir(?:es|y|ation)|exp|ts|timestamp"
    r"|s[etvpr]|spr|sip|sk(?:oid|tid|[tesv])",
    re.IGNORECASE,
)
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

    Made of letters, digits, '.', '_' and '-' alone, without an ending. Of a query only what says which file is meant
    has a part in it, and no signature with its times: these may be others the next time.
    """
    if is_id(file):
        plain = len(file) <= _LONGEST and not _RESERVED.fullmatch(file)
        return file if plain else f"{file[:60]}-{_sum(file)}"
    if is_data(file):
        return f"data-{_sum(file)}"
    address, _, query = file.partition("#")[0].partition("?")
    lasting = [part for part in query.split("&") if part and not _PASSING.fullmatch(part.partition("=")[0])]
    last = address.rstrip("/").rpartition("/")[2].rpartition("@")[2]
    last = re.sub(r"[^A-Za-z0-9_-]+", "-", last.partition(".")[0])[:60].strip("-")
    return f"{last or 'file'}-{_sum('?'.join((address, *lasting)))}"


def _sum(text: str) -> str:
    return f"{crc32(text.encode('utf-8', 'replace')):08x}"


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


def is_known(head: bytes) -> bool:
    """Whether the first 16 bytes of a file tell what kind of file it is."""
    return suffix(head) != _UNKNOWN


def suffix(head: bytes) -> str:
    """The file name's ending that the first 16 bytes of a file call for, or '.bin'."""
    return next((ending for at, magic, ending in _FORMATS if head.startswith(magic, at)), _UNKNOWN)
