"""One request of a declared dialect, as data with gaps, and how the gaps are filled.

A gap is a name in braces, such as `{id}`; `{input.size}` is a member of what has that name. `{{` and `}}` are braces
that are meant. In an address a gap becomes path segments, behind its `?` a value of the query; a link such as
`{status}` at its beginning is a whole address. In a body, a text that is nothing but one gap becomes the value itself,
and its member is left out where there is none; the member `...` spreads an object into its surroundings.
`{input_json}` is the input as a text, for services that want JSON within JSON. A text with any other brace is no
template: an address cannot be made of it, everything else is sent as it stands, and `bide.dialects.lint` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from json import dumps
from typing import Literal, NamedTuple
from urllib.parse import quote

from bide.dialects.moments import MOMENT
from bide.dialects.places import Places, keys
from bide.document import JSON, at
from bide.handles import ID
from bide.urls import address

_PIECE = re.compile(r"\{\{|\}\}|\{([a-z_][a-z0-9_]*(?:\.[^{}\s?#]+)?)\}", re.ASCII)
_STRAY = re.compile(r"\{[^{}\0]*\}?|\}")
_SPREAD = "..."
_LONGEST = 8192  # characters of what fills a gap of an address or a header line
_SURROGATE = re.compile("[\ud800-\udfff]")
#: What a submission knows, and a later call may be given again.
ORDER = frozenset({"model", "input", "input_json", "key", "metadata", "webhook"})


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
            url = filled and with_query(filled if "://" in filled else base + filled, filled_lines(self.query, names))
            if url and address(url) is not None:
                return url
        return None

    def says_id(self, names: Mapping[str, JSON]) -> bool:
        """Whether the request names the job by its id, rather than by an address that was told."""
        found = next((template for template in self.urls if _address(template, names)), "")
        return ID in gaps(found) or ID in self.said

    def link(self, names: Mapping[str, JSON]) -> str:
        """The link that the address is taken from; the empty text where it is made of parts, or cannot be made."""
        return link_of(next((template for template in self.urls if _address(template, names)), ""))

    @property
    def said(self) -> frozenset[str]:
        """The names of the gaps in the body that say which job it is."""
        return frozenset[str]().union(*map(gaps, texts(self.body))) - ORDER - MOMENT

    @property
    def templates(self) -> Iterator[tuple[str, str]]:
        """Every text in which gaps are filled, with the member that holds it."""
        yield from (("urls", url) for url in self.urls)
        yield from (("headers", value) for _, value in self.headers)
        yield from (("query", value) for _, value in self.query)
        yield from (("body", text) for text in texts(self.body))

    @property
    def gaps(self) -> frozenset[str]:
        """The names of all gaps, wherever they are."""
        return frozenset[str]().union(*(gaps(text) for _, text in self.templates))

    def content(self, names: Mapping[str, JSON]) -> bytes:
        """The bytes of the body; none where the call has none."""
        return b"" if self.body is None else dumps(_filled(self.body, names), separators=(",", ":")).encode()

    def lines(self, names: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
        """The header lines of this call; one whose gap cannot be filled is left out."""
        lines = filled_lines(self.headers, names)
        return lines if self.body is None else (("content-type", self.content_type), *lines)


def is_sayable(value: str) -> bool:
    """Whether a text can stand in a request: no longer than an address may be, and without lone surrogates."""
    return len(value) <= _LONGEST and not _SURROGATE.search(value)


class _Template(NamedTuple):
    """A text taken apart: what is said, each time with the gap after it, and the rest; and what is neither."""

    said: tuple[tuple[str, str], ...]
    rest: str
    strays: tuple[str, ...]


@lru_cache(maxsize=4096)
def _template(text: str) -> _Template:
    strays = tuple(_STRAY.findall(_PIECE.sub("\0", text))) if "{" in text or "}" in text else ()
    said, before, end = list[tuple[str, str]](), "", 0
    for match in () if strays else _PIECE.finditer(text):
        before, end = before + text[end : match.start()], match.end()
        if match[1]:
            said.append((before, match[1]))
            before = ""
        else:
            before += match[0][0]
    return _Template(tuple(said), before + text[end:], strays)


def paths(text: str) -> frozenset[str]:
    """The gaps in a template, whole: `input.size` and not only its name; none in a text that is no template."""
    return frozenset(path for _, path in _template(text).said)


def gaps(text: str) -> frozenset[str]:
    """The names of the gaps in a template."""
    return frozenset(path.partition(".")[0] for _, path in _template(text).said)


def strays(text: str) -> tuple[str, ...]:
    """What stands in braces in a template and is neither a gap nor a brace that is meant."""
    return _template(text).strays


def link_of(template: str) -> str:
    """The link that an address begins with; the empty text where it is made of parts."""
    said = _template(template).said
    return said[0][1] if said and not said[0][0] else ""


def is_link(template: str) -> bool:
    """Whether an address is taken whole from a link, rather than made from parts."""
    return bool(link_of(template))


def texts(body: JSON) -> Iterator[str]:
    """Every text in a body, keys included; never recurses."""
    stack = [body]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def with_query(url: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """`url` with these parameters, unless it has them already."""
    path, _, query = url.partition("?")
    present = {part.partition("=")[0] for part in query.split("&")}
    added = [f"{quote(name)}={quote(value)}" for name, value in pairs if name not in present]
    query = "&".join([query, *added] if query else added)
    return f"{path}?{query}" if query else path


def filled_lines(pairs: Iterable[tuple[str, str]], names: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    """The pairs with their values filled, without those that cannot be."""
    filled = ((name, _text(value, names)) for name, value in pairs)
    return tuple((name, value) for name, value in filled if value is not None)


def value_of(path: str, names: Mapping[str, JSON]) -> JSON:
    """What fills a gap; None where nothing does."""
    if path in names:
        return names[path]
    name, _, rest = path.partition(".")
    return at(names.get(name), keys(rest)) if rest else None


def plain(value: JSON) -> str | None:
    """A value as the text that an address or a header line can hold; figures as JSON has them."""
    if isinstance(value, bool | int | float):
        return dumps(value)
    return value if isinstance(value, str) and is_sayable(value) else None


def _address(template: str, names: Mapping[str, JSON]) -> str | None:
    if strays(template):
        return None
    start, query, link = "", "", link_of(template)
    if link:  # a whole address; what follows the gap belongs to its path and query
        whole = plain(value_of(link, names))
        if whole is None or address(whole) is None:
            return None
        template, whole = template[len(link) + 2 :], whole.partition("#")[0]
        if not template:
            return whole
        start, _, query = whole.partition("?")
    path, _, added = template.partition("?")
    tail, parameters = _made(path, names, _segments), _made(added, names, _parameter)
    if tail is None or parameters is None:
        return None
    tail, parameters = _escaped(tail), _escaped(parameters)
    query = f"{query}&{parameters}" if query and parameters else query or parameters
    start = start.removesuffix("/") if tail[:1] == "/" else start
    return f"{start}{tail}?{query}" if query else f"{start}{tail}"


def _made(template: str, names: Mapping[str, JSON], quoted: Callable[[str], str | None]) -> str | None:
    """A template with its gaps filled, each value `quoted`; None if one cannot be."""
    said, rest, _ = _template(template)
    made = ""
    for before, path in said:
        value = plain(value_of(path, names))
        part = None if value is None else quoted(value)
        if part is None:
            return None
        made += before + part
    return made + rest


def _escaped(part: str) -> str:
    """A part of an address whose braces are meant (RFC 3986, 2): every other one is quoted already."""
    return part.replace("{", "%7B").replace("}", "%7D") if "{" in part or "}" in part else part


def _segments(value: str) -> str | None:
    """A value as path segments, which can never mean another path; None if it cannot be that."""
    pieces = value.split("/")
    return None if any(piece in ("", ".", "..") for piece in pieces) else "/".join(quote(p, safe=":") for p in pieces)


def _parameter(value: str) -> str:
    return quote(value, safe="")


def _text(template: str, names: Mapping[str, JSON]) -> str | None:
    return _made(template, names, str)


def _filled(template: JSON, names: Mapping[str, JSON]) -> JSON:
    if isinstance(template, str):
        said, rest, _ = _template(template)
        return value_of(said[0][1], names) if len(said) == 1 and said[0][0] == rest == "" else _text(template, names)
    if isinstance(template, list):
        return [_filled(item, names) for item in template]
    if not isinstance(template, dict):
        return template
    filled: dict[str, JSON] = {}
    for key, value in template.items():
        item, name = _filled(value, names), _text(key, names)
        if key == _SPREAD and isinstance(item, dict):
            filled |= item
        elif key != _SPREAD and name is not None and (item is not None or value is None):
            filled[name] = item
    return filled
