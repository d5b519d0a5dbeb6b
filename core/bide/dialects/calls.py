"""One request of a declared dialect, as data with gaps, and how the gaps are filled.

A gap is a name in braces. In an address, `{id}` and `{model}` become path segments; a link such as `{status}` is
a whole address. In a body, a text that is nothing but one gap becomes the value itself, and its member is left
out where there is none; the member `...` spreads an object into its surroundings. `{input_json}` is the input as a
text, for services that want JSON within JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json import dumps
from typing import Literal
from urllib.parse import quote

from bide.dialects.places import Places
from bide.document import JSON
from bide.handles import ID
from bide.urls import address

_GAP = re.compile(r"\{([a-z_]+)\}", re.ASCII)
_SPREAD = "..."
_LONGEST = 8192  # characters of what fills a gap of an address or a header line
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to make: the first of `urls` whose gaps can all be filled, relative to the base URL.

    `query` is added where it can be filled and the address does not have it yet; `body` is JSON, sent as
    `content_type`. `repeatable` is the service's word on whether sending it twice does no more than once; without
    one a key or the method tells (RFC 9110, 9.2.2). `brings` is what the reply to `fetch` is: JSON (a reply of
    another media type is a file all the same), a file whatever its type, or text.
    """

    method: str = "GET"
    urls: Places = ("{status}",)
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    body: JSON = None
    content_type: str = "application/json"
    repeatable: bool | None = None
    brings: Literal["json", "file", "text"] = "json"

    def url(self, base: str, names: Mapping[str, JSON]) -> str | None:
        """The address, or None where a gap of each cannot be filled."""
        for template in self.urls:
            filled = _address(template, names)
            url = filled and with_query(filled if "://" in filled else base + filled, _lines(self.query, names))
            if url and address(url) is not None:
                return url
        return None

    def says_id(self, names: Mapping[str, JSON]) -> bool:
        """Whether the request names the job by its id, rather than by an address that was told."""
        found = next((template for template in self.urls if _address(template, names)), "")
        return ID in gaps(found) or ID in self.said

    def link(self, names: Mapping[str, JSON]) -> str:
        """The link that the address is taken from; the empty text where it is made of parts, or cannot be made."""
        found = next((template for template in self.urls if _address(template, names)), "")
        match = _GAP.match(found)
        return match[1] if match else ""

    @property
    def said(self) -> frozenset[str]:
        """The names of the gaps in the body."""
        return gaps(dumps(self.body))

    @property
    def gaps(self) -> frozenset[str]:
        """The names of all gaps, wherever they are."""
        return gaps("\n".join((*self.urls, *(value for _, value in (*self.headers, *self.query)), dumps(self.body))))

    def content(self, names: Mapping[str, JSON]) -> bytes:
        """The bytes of the body; none where the call has none."""
        return b"" if self.body is None else dumps(_filled(self.body, names), separators=(",", ":")).encode()

    def lines(self, names: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
        """The header lines of this call; one whose gap cannot be filled is left out."""
        lines = _lines(self.headers, names)
        return lines if self.body is None else (("content-type", self.content_type), *lines)


def is_sayable(value: str) -> bool:
    """Whether a text can stand in a request: no longer than an address may be, and without lone surrogates."""
    return len(value) <= _LONGEST and not _SURROGATE.search(value)


def gaps(text: str) -> frozenset[str]:
    """The names of the gaps in a template."""
    return frozenset(_GAP.findall(text))


def is_link(template: str) -> bool:
    """Whether an address is taken whole from a link, rather than made from parts."""
    return _GAP.match(template) is not None


def with_query(url: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """`url` with these parameters, unless it has them already."""
    path, _, query = url.partition("?")
    present = {part.partition("=")[0] for part in query.split("&")}
    added = [f"{quote(name)}={quote(value)}" for name, value in pairs if name not in present]
    query = "&".join([query, *added] if query else added)
    return f"{path}?{query}" if query else path


def _address(template: str, names: Mapping[str, JSON]) -> str | None:
    link = _GAP.match(template)
    if link is not None:  # a whole address; what follows the gap belongs to its path
        whole, rest = names.get(link[1]), template[link.end() :]
        if not isinstance(whole, str) or address(whole) is None:
            return None
        path, mark, query = whole.partition("#")[0].partition("?")
        return f"{path}{rest}{mark}{query}"
    parts = {name: _segments(names.get(name)) for name in gaps(template)}
    return None if None in parts.values() else _GAP.sub(lambda match: parts[match[1]] or "", template)


def _segments(value: JSON) -> str | None:
    """A value as path segments, which can never mean another path; None if it cannot be that."""
    if not isinstance(value, str) or not is_sayable(value):
        return None
    pieces = value.split("/")
    return None if any(piece in ("", ".", "..") for piece in pieces) else "/".join(quote(p, safe=":") for p in pieces)


def _text(template: str, names: Mapping[str, JSON]) -> str | None:
    values = {name: names.get(name) for name in gaps(template)}
    if not all(isinstance(value, str) and is_sayable(value) for value in values.values()):
        return None
    return _GAP.sub(lambda match: str(values[match[1]]), template)


def _lines(pairs: Iterable[tuple[str, str]], names: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    """The pairs with their values filled, without those that cannot be."""
    filled = ((name, _text(value, names)) for name, value in pairs)
    return tuple((name, value) for name, value in filled if value is not None)


def _filled(template: JSON, names: Mapping[str, JSON]) -> JSON:
    if isinstance(template, str):
        whole = _GAP.fullmatch(template)
        return names.get(whole[1]) if whole else _text(template, names)
    if isinstance(template, list):
        return [_filled(item, names) for item in template]
    if not isinstance(template, dict):
        return template
    filled: dict[str, JSON] = {}
    for key, value in template.items():
        item = _filled(value, names)
        if key == _SPREAD and isinstance(item, dict):
            filled |= item
        elif key != _SPREAD and (item is not None or value is None):
            filled[key] = item
    return filled
