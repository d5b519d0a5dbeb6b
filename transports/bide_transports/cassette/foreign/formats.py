"""The kinds of recordings that can be converted into one another, told by the name of a file or by what is in it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

from bide.dialect import Dialect
from bide.document import parse_object
from bide_transports.cassette.files import contents, load, text_of
from bide_transports.cassette.foreign.interactions import LARGEST
from bide_transports.cassette.redaction import STANDARD, Rules
from bide_transports.cassette.tape import Cassette, InvalidCassette

CASSETTE, VCR, HAR = "cassette", "vcr", "har"
KINDS = (CASSETTE, VCR, HAR)
_SUFFIXES = {".jsonl": CASSETTE, ".partial": CASSETTE, ".yaml": VCR, ".yml": VCR, ".har": HAR}


def kind_of(path: Path, *, written: bool = False) -> str:
    """The kind of the recording at `path`; of one that is to be `written` only its name is known.

    Raises `InvalidCassette` where neither tells.
    """
    kind = _SUFFIXES.get(path.suffix.lower()) or ("" if written else _kind_inside(path))
    if not kind:
        raise InvalidCassette(
            f"the name {path.name!r} does not tell what kind of recording it is: one of {', '.join(KINDS)} is wanted"
        )
    return kind


def read(path: Path, kind: str, *, dialect: Dialect, rules: Rules = STANDARD) -> Cassette:
    """The recording at `path`. Of another kind, `dialect` speaks with the service, and `rules` hide secrets."""
    if kind == VCR:
        from bide_transports.cassette.foreign.vcr import read_vcr

        return read_vcr(path, dialect=dialect, rules=rules)
    if kind == HAR:
        from bide_transports.cassette.foreign.har import read_har

        return read_har(path, dialect=dialect, rules=rules)
    return load(path)


def written(cassette: Cassette, kind: str) -> bytes:
    """The recording as a file of this kind."""
    writer = _writer(kind)
    return text_of(cassette) if writer is None else writer(cassette).encode()


def told(cassette: Cassette, kind: str, data: bytes) -> list[str]:
    """What is lost where `data` is what was written of the recording, a line for each kind of thing."""
    if kind == HAR:
        from bide_transports.cassette.foreign.exchanges import losses_in_har

        return losses_in_har(cassette)
    lines = data.decode("utf-8", "replace").splitlines()
    return [line.lstrip("# ") for line in takewhile(lambda line: line.startswith("#"), lines)]


def _writer(kind: str) -> Callable[[Cassette], str] | None:
    if kind == VCR:
        from bide_transports.cassette.foreign.vcr import write_vcr

        return write_vcr
    if kind == HAR:
        from bide_transports.cassette.foreign.har_writing import write_har

        return write_har
    return None


def _kind_inside(path: Path) -> str:
    data = contents(path, LARGEST)
    if (parse_object(data.partition(b"\n")[0]) or {}).get("cassette") is not None:
        return CASSETTE
    document = parse_object(data) or {}
    return HAR if "log" in document else VCR if "interactions" in document else ""
