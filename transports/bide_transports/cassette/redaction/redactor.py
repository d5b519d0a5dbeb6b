"""The redactor: text, links, headers, bodies and documents without what is secret in them.

Each text is looked through by the same passes in the same order: first secrets with a name, since their values reach
as far as the place they stand in; then known values; then shapes; then what is packed. What a pass has replaced is a
placeholder, which no later pass touches. A secret with a blank or a quote in it may hide where a link ends: so a text
in which something was found is looked through once more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping

from bide.document import JSON
from bide_transports.cassette.redaction import bodies, labelled, members, packed
from bide_transports.cassette.redaction.known import Known
from bide_transports.cassette.redaction.names import PLAIN, VAGUE, Names, plain, weighed
from bide_transports.cassette.redaction.patterns import shaped
from bide_transports.cassette.redaction.placeholders import Placeholders, spliced
from bide_transports.cassette.redaction.rules import LINKS, STANDARD, Of, Rules

_DEEPEST = 4  # texts within one another, such as JSON in a query in a link
_DEEPEST_DOCUMENT = 100  # containers in one another; what is deeper is replaced
_ROUNDS = 4  # a text is looked through again while that changes it
_FEWEST_DIGITS = 4  # of a number that is a secret; shorter ones are counts
#: What is in each text that holds more than known values: most strings of a document have none of these.
_REMARKABLE = re.compile(r"[=%\"'<{\[\\@_-]|:[ \t]|A[KSI]|ya29|xox|hv[sb]\.|eyJ|(?i:earer|asic)|[A-Za-z0-9+/]{24}")
_NAMED = re.compile(r"[=%\"'<]|:[ \t]")


class Redactor:
    """Redacts all of one lane of a cassette: the same value gets the same placeholder everywhere.

    Nothing is read but what it is given. Placeholders that come in, from a cassette that is replayed, stay as they
    are, and the numbering goes on after them.
    """

    def __init__(self, rules: Rules = STANDARD) -> None:
        self._rules, self._names = rules, Names(rules)
        self._placeholders, self._known = Placeholders(), Known()
        self._room = packed.LARGEST  # bytes that may still be unpacked of what is looked through
        for secret in rules.secrets:
            self._known.add(secret, "secret")

    @property
    def counts(self) -> Mapping[str, int]:
        """How many values of each kind have been replaced so far."""
        return self._placeholders.counts

    def name(self, value: str, kind: str) -> str:
        """The placeholder of `value`, which from now on replaces it wherever it appears.

        A value of fewer than six characters is replaced only where it is a whole field. Raises `ValueError` unless
        `kind` is lower-case letters.
        """
        self._known.add(value, kind)
        return self._placeholders.of(value, kind)

    def text(self, value: str) -> str:
        """A text of any sort; when it is JSON, it is redacted as a document."""
        self._room = packed.LARGEST
        return self._text(value, 0)

    def url(self, value: str) -> str:
        """A link, absolute or relative, which leads to the same place as every other spelling of it here."""
        self._room, link = packed.LARGEST, value.strip()
        self._placeholders.note(link)
        return _settled(link, self._link)

    def headers(self, pairs: Iterable[tuple[str, str]], *, of: Of) -> tuple[list[tuple[str, str]], list[str]]:
        """The headers to store, redacted, and the names of those that are not; all names in lower case."""
        kept: list[tuple[str, str]] = []
        dropped: dict[str, None] = {}
        for name, value in ((name.lower(), value) for name, value in pairs):
            if self._is_told_by(name):
                continue
            if self._rules.keeps(name, of):
                kept.append((name, self._header(name, value)))
            else:
                dropped[name] = None
        return kept, list(dropped)

    def body(self, body: bytes, content_type: str | None) -> bytes | None:
        """A body, decoded of any content coding; the same bytes when nothing was found in it.

        None when it may not be stored: it is binary or packed and holds something, or too much to look through.
        """
        self._room = packed.LARGEST
        return self._body(body, content_type, 0)

    def document(self, value: JSON) -> JSON:
        """A JSON value: by the names of members at any depth, and by what stands in its strings."""
        self._room = packed.LARGEST
        for text in bodies.strings(value):
            self._placeholders.note(text)
        return self._value(value, None, 0, 0)

    def _is_told_by(self, name: str) -> bool:
        """Whether the name of a header, which is in lower case, holds a secret."""
        return self._known.may_be_in_lower(name) or self._rest(name, 0) != name

    def _header(self, name: str, value: str) -> str:
        if name == "idempotency-key":
            self._known.add(value, "key")
        if name == "x-request-id":
            self._known.add_field(value, "rid")
        if kind := self._known.whole(value) or weighed(self._names.in_document(name), value):
            return self._placeholders.hide(value, kind)
        return self.url(value) if name in LINKS else self.text(value)

    def _body(self, body: bytes, content_type: str | None, depth: int) -> bytes | None:
        if depth > _DEEPEST:
            return None
        if boundary := bodies.boundary(content_type):
            return bodies.multipart(body, boundary, lambda part: self._part(part, depth + 1))
        if packed.is_packed(body):
            inner = packed.unpacked(body, self._room)
            self._room = 0 if inner is None else self._room - len(inner)
            return body if inner is not None and self._body(inner, None, depth + 1) == inner else None
        text, coding = bodies.decoded(body)
        safer = _settled(text, self._form) if bodies.is_form(content_type) else self._text(text, depth)
        if safer == text:
            return None if any(self._text(other, depth) != other for other in bodies.readings(body)) else body
        return safer.encode() if coding == "utf-8" else None

    def _part(self, part: bodies.Part, depth: int) -> bytes | None:
        text = bodies.decoded(part.content)[0]
        kind = weighed(self._names.in_form(part.name), text)
        if kind and part.content:
            return self._placeholders.hide(text, kind).encode()
        return self._body(part.content, part.content_type, depth)

    def _link(self, link: str) -> str:
        edits = members.in_link(link, self._judge, self._hide, lambda inner: self._text(inner, 1))
        return self._rest(spliced(link, edits), 0)

    def _form(self, text: str) -> str:
        edits = members.in_form(text, self._names.in_form, self._hide, lambda inner: self._text(inner, 1))
        return self._rest(spliced(text, edits), 0)

    def _value(self, value: JSON, kind: str | None, nested: int, depth: int) -> JSON:
        """A value of a document, whose `kind` of secret the name before it told."""
        kind = kind if isinstance(value, list) else weighed(kind, value)
        if isinstance(value, str):
            return self._placeholders.hide(value, kind) if kind else self._text(value, depth)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value, kind)
        if nested == _DEEPEST_DOCUMENT:
            return self._placeholders.of("what is nested too deeply", "deep")
        if isinstance(value, list):
            return [self._value(item, kind, nested + 1, depth) for item in value]
        return {self._text(name, depth): self._member(name, item, kind, nested, depth) for name, item in value.items()}

    def _member(self, name: str, value: JSON, outer: str | None, nested: int, depth: int) -> JSON:
        kind = self._names.in_document(name)
        if kind in (None, VAGUE) and plain(name) not in PLAIN:
            kind = outer or kind
        if isinstance(value, int | float) and kind and not self._names.holds_numbers(name):
            kind = None
        return self._value(value, kind, nested + 1, depth)

    def _number(self, value: float, kind: str | None) -> JSON:
        text = str(value)
        kind = self._known.whole(text) or (kind if len(text) >= _FEWEST_DIGITS else None)
        return self._placeholders.of(text, kind) if kind else value

    def _judge(self, in_query: bool, name: str) -> str | None:
        return self._names.in_link(name) if in_query else self._names.in_document(name)

    def _text(self, value: str, depth: int) -> str:
        if kind := self._known.whole(value):
            return self._placeholders.of(value, kind)
        if not _REMARKABLE.search(value):
            return self._without_known(value)
        self._placeholders.note(value)
        document = bodies.document_in(value) if depth <= _DEEPEST else None
        if document is not None:
            safer = self._value(document, None, 0, depth + 1)
            return value if safer == document else json.dumps(safer, separators=bodies.separators(value))
        return _settled(value, lambda text: self._rest(self._named(text, depth), depth))

    def _named(self, text: str, depth: int) -> str:
        """Text without what a name before it tells to be secret."""
        if not _NAMED.search(text):
            return text
        judge, hide = self._names.in_document, self._hide
        text = spliced(text, labelled.quoted(text, judge, hide))
        text = spliced(text, labelled.lines(text, judge, hide))
        text = spliced(text, labelled.elements(text, judge, hide))
        return spliced(text, members.in_text(text, self._judge, hide, lambda inner: self._inner(inner, depth)))

    def _hide(self, value: str, kind: str) -> str:
        """What stands for a value whose name told the kind."""
        meant = weighed(kind, value)
        return self._placeholders.hide(value, meant) if meant else value

    def _inner(self, text: str, depth: int) -> str:
        if depth <= _DEEPEST:
            return self._text(text, depth + 1)
        return self._placeholders.of("what is nested too deeply", "deep") if _REMARKABLE.search(text) else text

    def _rest(self, text: str, depth: int) -> str:
        """Text without what is secret whatever its name."""
        hide = self._placeholders.hide
        text = self._without_known(text)
        text = spliced(text, shaped(text, hide))
        for pack in (packed.in_lines, packed.in_base64) if depth < _DEEPEST else ():
            text = spliced(text, pack(text, lambda data: self._body(data, None, depth + 1) != data, hide))
        return text

    def _without_known(self, text: str) -> str:
        if not self._known.may_be_in(text):
            return text
        return spliced(text, self._known.edits(text, self._placeholders.hide))


def _settled(text: str, redacted: Callable[[str], str], rounds: int = _ROUNDS) -> str:
    """`text` redacted until nothing more is found."""
    safer = redacted(text)
    return safer if safer == text or rounds == 1 else _settled(safer, redacted, rounds - 1)
