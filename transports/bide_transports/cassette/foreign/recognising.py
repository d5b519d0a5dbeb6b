"""Which of a dialect's calls a recorded request is.

A dialect only says how to ask, so it is asked with made-up names: where these stand in its request, the recorded one
has the real ones. A dialect may have any form; what was found is right when it makes the recorded address again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import unquote

from bide.dialect import Dialect, Phase
from bide.document import JSON, parse
from bide.errors import CallerError
from bide.messages import Order, Request, Response
from bide.urls import address, origin

_MODEL, _KEY, _WEBHOOK = "bide-model", "bide-key", "https://bide.example/webhook"
_INPUT: dict[str, JSON] = {"bide-input": "bide"}
_METADATA: dict[str, JSON] = {"bide-metadata": "bide"}
_HANDLE = "bide-handle"
_SAID = {_MODEL: "model", _KEY: "key", _WEBHOOK: "webhook"}
_ABOUT_A_JOB = (Phase.UNFINISHED, Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED)

Found = dict[str, JSON]


@dataclass(slots=True)
class Recogniser:
    """Knows the requests of `dialect` when it sees them."""

    dialect: Dialect
    _submit: Request | None = field(init=False, default=None)
    _poll: Request | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._submit = next(_submissions(self.dialect), None)
        with suppress(CallerError):
            self._poll = self.dialect.poll(self.dialect.check(_HANDLE))

    def order(self, request: Request) -> tuple[Order, bool] | None:
        """What a submission orders, and whether it can be nothing else; None for another request."""
        template = self._submit
        if template is None or template.method != request.method:
            return None
        found: Found = {}
        if not _in_address(template.url, request.url, _MODEL, found, "model"):
            return None
        by_address = "model" in found
        if not _in_headers(template, request, found) or not _in_body(template, request, found):
            return None
        order = _order(found, self.dialect.name)
        with suppress(CallerError):
            if order is not None and place(self.dialect.submit(order)) == place(request):
                return order, not by_address
        return None

    def handle(self, request: Request, reply: Response) -> str | None:
        """The handle of a job that is looked at, at the service's own address; None unless the reply tells of one."""
        for handle in self._handles(request):
            with suppress(CallerError):
                if not is_same(self.dialect.poll(self.dialect.check(handle)), request):
                    continue
                reading = self.dialect.read(reply, asked="poll", handle=handle)
                if reading.phase in _ABOUT_A_JOB and reading.status:
                    return handle
        return None

    def _handles(self, request: Request) -> Iterator[str]:
        """What the handle may be, if this is a look: a part of the address or of the body, or the address itself."""
        found: Found = {}
        if self._poll is not None and _in_address(self._poll.url, request.url, _HANDLE, found, "handle"):
            _match(_document(self._poll), _document(request), found, {_HANDLE: "handle"})
        known = found.get("handle")
        yield from (known,) if isinstance(known, str) else ()
        yield from (request.url,) if origin(request.url) == self.dialect.origin else ()


def place(request: Request) -> tuple[str, str]:
    """Method and address, whatever spelling the address has."""
    known = address(request.url)
    return request.method, request.url if known is None else known.origin + known.target


def is_same(asked: Request, recorded: Request) -> bool:
    """Whether a recorded request is what bide would ask, whatever header lines another client adds."""
    if place(asked) != place(recorded):
        return False
    theirs = dict(recorded.headers)
    if any(name[:2] == "x-" and theirs.get(name, value) != value for name, value in asked.headers):
        return False
    return asked.body in (b"", b"{}") or _document(asked) == _document(recorded)


def _submissions(dialect: Dialect) -> Iterator[Request]:
    """A submission with as much in it as the service has places for."""
    for given, metadata, webhook in product((_INPUT, {}), (_METADATA, None), (_WEBHOOK, None)):
        with suppress(CallerError):
            yield dialect.submit(Order(_MODEL, given, _KEY, metadata, webhook))


def _order(found: Found, usual: str) -> Order | None:
    """The order in what was found; None where it is none."""
    model, given, key = found.get("model", usual), found.get("input", {}), found.get("key")
    metadata, webhook = found.get("metadata"), found.get("webhook")
    if not isinstance(model, str) or not isinstance(given, dict):
        return None
    try:
        return Order(
            model,
            given,
            key if isinstance(key, str) else None,
            metadata if isinstance(metadata, dict) else None,
            webhook if isinstance(webhook, str) else None,
        )
    except CallerError:
        return None


def _in_address(template: str, url: str, sought: str, found: Found, name: str) -> bool:
    """Whether `url` is the template with something else in the place of what is sought, which is then found."""
    ours, theirs = address(template), address(url)
    if ours is None or theirs is None or ours.origin != theirs.origin:
        return False
    if sought not in ours.target:
        return ours.target == theirs.target
    match = re.fullmatch("(.+)".join(map(re.escape, ours.target.split(sought, 1))), theirs.target)
    if match is not None:
        found[name] = unquote(match[1])
    return match is not None


def _in_headers(template: Request, request: Request, found: Found) -> bool:
    theirs = dict(request.headers)
    for name, value in template.headers:
        if value == _KEY and name in theirs:
            found["key"] = theirs[name]
        elif name[:2] == "x-" and theirs.get(name, value) != value:
            return False
    return True


def _in_body(template: Request, request: Request, found: Found) -> bool:
    if not template.body:
        return True
    return _match(_document(template), _document(request), found, _SAID) and "input" in found


def _match(template: JSON, value: JSON, found: Found, names: dict[str, str]) -> bool:
    """Whether `value` has what the template has, and something in each of its gaps; what it has besides is let be."""
    if isinstance(template, str) and template in names:
        found[names[template]] = value
        return isinstance(value, str)
    if template == _METADATA:
        found["metadata"] = value
        return isinstance(value, dict)
    if template == _INPUT or (isinstance(template, str) and _text_document(template) == _INPUT):
        found["input"] = value if template == _INPUT else _text_document(value)
        return isinstance(found["input"], dict)
    if isinstance(template, dict):
        return isinstance(value, dict) and _match_members(template, value, found, names)
    if isinstance(template, list) and isinstance(value, list) and len(template) == len(value):
        return all(_match(ours, theirs, found, names) for ours, theirs in zip(template, value, strict=True))
    return template == value


def _match_members(template: dict[str, JSON], value: dict[str, JSON], found: Found, names: dict[str, str]) -> bool:
    own = {name: item for name, item in template.items() if name not in _INPUT}
    if len(own) < len(template):  # the input is spread among the others
        found["input"] = {name: item for name, item in value.items() if name not in own}
    for name, item in own.items():
        optional = item in (_KEY, _WEBHOOK, _METADATA)
        if name not in value or (value[name] is None and optional):
            if optional:
                continue
            return False
        if not _match(item, value[name], found, names):
            return False
    return True


def _document(request: Request) -> JSON:
    try:
        return parse(request.body)
    except ValueError:
        return None


def _text_document(value: object) -> JSON:
    try:
        return parse(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else None
    except ValueError:
        return None
