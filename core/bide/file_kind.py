"""Whether what came can be the file that was asked for: gateways answer 200 with a page, and services with an error.

Headers often say too little or the wrong thing, so the first bytes count as well: a picture that is announced as
`text/html` is a picture, and a page that is announced as nothing is a page.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from bide.document import text
from bide.file_names import is_known
from bide.messages import Headers
from bide.secret import redact

LOOKED_AT = 512  # bytes
_SHOWN = 120  # characters
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:(?:<!--.{0,400}?-->|<\?xml[^>]{0,200}>)\s*){0,4}<(?:!doctype\s+)?html\b",
    re.IGNORECASE | re.DOTALL,
)
_PAGES = re.compile(r"[sm]?html?|xht(?:ml)?")
#: Endings of files that never begin as JSON or XML do.
_BINARY = re.compile(
    r"png|jpe?g|jfif|gif|webp|avif|hei[cf]|bmp|tiff?|ico|psd|exr|wav|mp[34]|m4[av]|flac|og[gav]|opus|aac|aiff?|wm[av]|"
    r"midi?|mov|webm|mkv|avi|mpe?g|flv|pdf|zip|t?gz|bz2|xz|zst|7z|rar|tar|glb|fbx|usdz|safetensors|np[yz]|parquet|"
    r"sqlite|(?:doc|xls|ppt)x|od[tsp]|epub|[ot]tf|woff2?|wasm"
)
#: Endings of texts that are no JSON.
_TEXTS = re.compile(r"txt|[ct]sv|md|srt|vtt|ass|xml|svg|tex|rtf|obj|ply|mtl|ya?ml|toml|log|m3u8")
_BINARY_KIND = re.compile(r"(?:image/(?!svg)|audio/|video/|application/(?:pdf|zip|gzip)\b)", re.IGNORECASE)
_ENDING = re.compile(r"\.([a-z0-9]{1,11})[\"']?\s*$", re.ASCII | re.IGNORECASE)


class Called(NamedTuple):
    """What a file is called, by `addresses` (or ids) and by media types, its `kinds`; either may be empty texts."""

    addresses: tuple[str, ...]
    kinds: tuple[str, ...]

    def endings(self, headers: Headers) -> frozenset[str]:
        """The endings of its names, in lower case without the dot; one in a header line counts, too (RFC 6266)."""
        names = [*map(_path, self.addresses), *headers.every("content-disposition")]
        found = [_ENDING.search(name) for name in names]
        if not any(found):
            found = [_ENDING.search(unquote(part)) for name in self.addresses for part in _query(name)]
        return frozenset(match[1].lower() for match in found if match)


def is_doubtful(called: Called, headers: Headers) -> bool:
    """Whether the media type says that something else comes than was asked for."""
    kind, endings = _kind(headers), called.endings(headers)
    page = _is_html(kind) and not _may_be_page(called, endings)
    return page or (_is_json(kind) and _has(endings, _BINARY))


def mistaken(called: Called, headers: Headers, beginning: bytes) -> str:
    """What came instead of the file, in words; empty where it may be the file."""
    if is_known(beginning):
        return ""
    kind, endings = _kind(headers), called.endings(headers)
    first, is_text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n")[:1], _has(endings, _TEXTS)
    announced = _is_html(kind) and (first == b"<" or not is_text)
    if not _may_be_page(called, endings) and (announced or _PAGE.match(beginning)):
        return f"a page came, and no name or declared type calls for one: {_excerpt(beginning)}"
    is_binary = _has(endings, _BINARY) or any(map(_BINARY_KIND.match, called.kinds))
    if (first in (b"<", b"{", b"[") and is_binary) or (first in (b"{", b"[") and is_text and _is_json(kind)):
        return f"a message came in its place: {_excerpt(beginning)}"
    return ""


def _may_be_page(called: Called, endings: frozenset[str]) -> bool:
    return _has(endings, _PAGES) or any("html" in kind.lower() for kind in called.kinds)


def _has(endings: frozenset[str], among: re.Pattern[str]) -> bool:
    return any(map(among.fullmatch, endings))


def _kind(headers: Headers) -> str:
    return (headers.get("content-type") or "").partition(";")[0].strip().lower()


def _is_html(kind: str) -> bool:
    return kind in ("text/html", "application/xhtml+xml")


def _is_json(kind: str) -> bool:
    return kind.endswith(("/json", "+json"))


def _path(address: str) -> str:
    """The last segment of an address's path, or an id."""
    return unquote(re.split(r"[?#]", address.partition("://")[2] or f"/{address}", maxsplit=1)[0].partition("/")[2])


def _query(address: str) -> list[str]:
    return address.partition("#")[0].partition("?")[2].split("&")


def _excerpt(beginning: bytes) -> str:
    """How something begins, without secrets and line breaks."""
    return text(redact(" ".join(beginning[:_SHOWN].decode("utf-8", "replace").split()))) or ""
