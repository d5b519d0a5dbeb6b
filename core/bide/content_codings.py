"""How a body is compressed (RFC 9110, 8.4), and whether that can be undone: one rule for replies and files alike.

bide asks for no compression, so a body that comes compressed all the same is a server's mistake, and what stands in
the field is often no coding at all: a character set, a media type, a coding of mails. Those leave the bytes as they
are. A coding that is not known cannot be undone: such a body is neither a reply that can be read nor a file.
"""

from __future__ import annotations

import re

from bide.messages import Headers

_UNDONE, _ALSO = ("gzip", "deflate"), {"x-gzip": "gzip"}
_MOST = 4  # codings over one another: each may unpack to a thousand times what it is given
_MOST_WORDS = 64  # that are looked at
_NONE = frozenset(
    (
        *("", "*", "identity", "none", "null", "no", "off", "plain", "text", "raw", "json", "binary", "base64"),
        *("quoted-printable", "7bit", "8bit", "chunked", "aws-chunked", "amz-1.0", "amz-1.1"),
    )
)
_CHARSET = re.compile(
    r"(?:us-)?ascii|unicode|utf[-_]?(?:7|8|16|32)(?:[-_]?[bl]e)?"
    r"|(?:iso|windows|cp|koi8|latin|big|gb|euc|shift)[-_]?[a-z0-9_-]{1,20}"
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,100}")


def codings(headers: Headers) -> tuple[str, ...]:
    """How the body is compressed, in the order in which that was done; empty where it is not."""
    said = ",".join(headers.every("content-encoding")).lower().split(",", _MOST_WORDS)
    if len(said) > _MOST_WORDS:
        return tuple(one.strip()[:80] for one in said[: _MOST + 1])  # more than can be undone, whatever they are
    names = (one.partition(";")[0].strip() for one in said)
    return tuple(_ALSO.get(name, name) for name in names if _is_coding(name))


def can_be_undone(said: tuple[str, ...]) -> bool:
    """Whether the body itself can be had of one that is compressed so."""
    return len(said) <= _MOST and all(name in _UNDONE for name in said)


def _is_coding(name: str) -> bool:
    """Whether a word may be the name of a coding: a token (RFC 9110, 5.6.2) that is not known for anything else."""
    return name not in _NONE and _TOKEN.fullmatch(name) is not None and _CHARSET.fullmatch(name) is None
