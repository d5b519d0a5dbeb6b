"""Whether what came can be the file that was asked for: gateways answer 200 with a page, and services with an error.

Headers often say too little or the wrong thing, so the first bytes count as well: a picture that is announced as
`text/html` is a picture, and a page that is announced as nothing is a page.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from bide.document import parse_object, text
from bide.file_names import is_known
from bide.messages import Headers
from bide.secret import redact

LOOKED_AT = 512  # bytes
_SHOWN = 120  # characters
_BEFORE = rb"\s*(?:(?:<!--.{0,400}?-->|<\?xml[^>]{0,200}>)\s*){0,4}"
_PAGE = re.compile(_BEFORE + rb"<(?:!doctype\s+)?html\b", re.IGNORECASE | re.DOTALL)
#: How pages begin that leave out what may be left out (WHATWG MIME Sniffing, 7.1).
_FRAGMENT = re.compile(
    _BEFORE + rb"<(?:head|title|meta|body|script|style|iframe|h1|center)\b", re.IGNORECASE | re.DOTALL
)
#: How S3 and those that speak like it, GCS and Azure Storage say that something is wrong.
_STORAGE_ERROR = re.compile(_BEFORE + rb"<Error(?:\s[^>]{0,200})?>\s*<Code>", re.DOTALL)
#: What beside `error` or `errors` stands in a message that is nothing but an error.
_ENVELOPE = frozenset(
    ["error", "errors", "message", "detail", "details", "code", "status", "type", "title", "success", "request_id"]
)
_PROBLEMS = ("application/problem+json", "application/problem+xml")  # RFC 9457
_CONTROLS = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_PAGES = re.compile(r"[sm]?html?|xht(?:ml)?")
#: Endings of files that never begin as JSON or XML do.
_BINARY = re.compile(
    r"png|jpe?g|jfif|gif|webp|avif|hei[cf]|bmp|tiff?|ico|psd|exr|wav|mp[34]|m4[av]|flac|og[gav]|opus|aac|aiff?|wm[av]|"
    r"midi?|mov|webm|mkv|avi|mpe?g|flv|pdf|zip|t?gz|bz2|xz|zst|7z|rar|tar|glb|fbx|usdz|safetensors|np[yz]|parquet|"
    r"sqlite|(?:doc|xls|ppt)x|od[tsp]|epub|[ot]tf|woff2?|wasm"
)
#: Endings of texts that are no JSON.
_TEXTS = re.compile(r"txt|[ct]sv|md|srt|vtt|ass|xml|svg|tex|rtf|obj|ply|mtl|ya?ml|toml|log|m3u8")
#: Endings of texts that may be an error's own form.
_MESSAGES = re.compile(r"jsonl?|ndjson|xml")
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
    kind, endings, plain = _kind(headers), called.endings(headers), _plain(beginning)
    first, is_text = plain.lstrip()[:1], _has(endings, _TEXTS)
    announced = _is_html(kind) and (first == b"<" or not is_text)
    is_page = _PAGE.match(plain) or (not is_text and _FRAGMENT.match(plain))
    if not _may_be_page(called, endings) and (announced or is_page):
        return f"a page came, and no name or declared type calls for one: {_excerpt(plain)}"
    is_binary = _has(endings, _BINARY) or any(map(_BINARY_KIND.match, called.kinds))
    in_words = is_binary and _is_in_words(kind, first, plain)
    is_json = is_text and first in (b"{", b"[") and _is_json(kind)
    if in_words or is_json or (not _has(endings, _MESSAGES) and _is_error(kind, plain)):
        return f"a message came in its place: {_excerpt(plain) or 'an empty one'}"
    return ""


def _plain(beginning: bytes) -> bytes:
    """Text in UTF-8 without its byte order mark; what is no text stays as it is."""
    wide = _WIDE.get(beginning[:2])
    if wide is not None:
        return beginning[2:].decode(wide, "replace").encode()
    return beginning.removeprefix(b"\xef\xbb\xbf")


def _is_in_words(kind: str, first: bytes, plain: bytes) -> bool:
    """Whether this is text where a file of a binary kind should be; of plain words the media type must say so."""
    told = kind.startswith("text/") or _is_json(kind) or kind.endswith("xml")
    return bool(plain) and (first in b"<{[" or (told and not _CONTROLS.search(plain)))


def _is_error(kind: str, plain: bytes) -> bool:
    """Whether this is an error and nothing else, whatever the file is called."""
    document = parse_object(plain) or {}
    told = bool(document.get("error") or document.get("errors")) and document.keys() <= _ENVELOPE
    return told or kind in _PROBLEMS or _STORAGE_ERROR.match(plain) is not None


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
