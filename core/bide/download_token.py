"""What must lie beside a part of a file so that another process can go on with it: a line of JSON, no secret in it.

How many bytes are there is the disk's to say. The token says of which file of which service they are, and by what
the service will tell whether the rest still belongs to them.
"""

from __future__ import annotations

from dataclasses import replace
from json import dumps
from typing import cast

from bide.byte_ranges import Partial, is_validator
from bide.digests import Digest
from bide.document import JSON, parse_object
from bide.download import Downloading
from bide.faults import InvalidToken
from bide.handles import shown

VERSION = 1
LARGEST = 65536  # bytes of a token


def dump_download(file: Downloading) -> str:
    """What to keep beside the part while it grows; it changes only when the reply to a request has been `heard`."""
    partial = file.partial
    return dumps(
        {
            "bide": VERSION,
            **_home(file),
            "size": partial.size,
            "validator": partial.validator,
            "digest": None if partial.digest is None else ":".join(partial.digest),
            "linked": partial.linked,
        },
        separators=(",", ":"),
    )


def load_download(data: str | bytes, *, start: Downloading, received: int) -> Downloading:
    """`start`, going on with the part that a token of `dump_download` tells of; `received` bytes of it are on disk.

    Raises `InvalidToken` for one that is not whole, belongs to another file or service, or to less than is there.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    document = parse_object(raw) if len(raw) <= LARGEST else None
    if document is None or type(document.get("bide")) is not int or document["bide"] != VERSION:
        raise InvalidToken("this is no token of a download, or one of another version")
    home = _home(start)
    if {name: document.get(name) for name in home} != home:
        raise InvalidToken("the token belongs to another file, or to another service")
    size, validator, linked = document.get("size"), document.get("validator"), document.get("linked")
    sized = size is None or (type(size) is int and received <= size < 10**15)
    valid = validator is None or (isinstance(validator, str) and is_validator(validator))
    if not (sized and valid and isinstance(linked, bool)):
        raise InvalidToken("the token of the download is damaged, or does not fit what is there")
    partial = Partial(received, cast("int | None", size), cast("str | None", validator), _digest(document), linked)
    return replace(start, partial=partial, furthest=received)


def _home(file: Downloading) -> dict[str, JSON]:
    """What a part must not be mixed up with: a file's name on disk may be that of another service's file."""
    dialect = file.terms.dialect
    return {"dialect": dialect.name, "origin": dialect.origin, "file": shown(file.file)}


def _digest(document: dict[str, JSON]) -> Digest | None:
    said = document.get("digest")
    if said is None:
        return None
    digest = Digest(*said.partition(":")[::2]) if isinstance(said, str) else None
    if digest is None or not digest.is_sound:
        raise InvalidToken("the token of the download is damaged at its digest")
    return digest
