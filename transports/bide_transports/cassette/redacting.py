"""What crosses the seam, as a cassette has it: without what nobody else should read, under the recorded addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields, is_dataclass, replace
from json import dumps
from typing import cast

import bide
from bide.dialect import Dialect
from bide.document import JSON, parse_object
from bide.handles import COOKIE, handle_of, links
from bide.job import AnyJob
from bide.messages import Headers, Reply, Request, Response
from bide.result import Acknowledgement
from bide_transports.cassette import bodies
from bide_transports.cassette.redaction import STANDARD, Redactor, Rules, scan
from bide_transports.cassette.tape import InvalidCassette

#: Header fields that tell what a file must hash to.
_DIGESTS = ("repr-digest", "digest", "content-digest", "content-md5", "x-amz-checksum-sha256")


def rules_for(dialect: Dialect, rules: Rules) -> Rules:
    """`rules` that keep the headers from which `dialect` reads what happens, and a file's digest."""
    names = {place[1:].lower() for place in _texts(dialect) if place.startswith("@")} | set(dialect.quota or ())
    names.update(_DIGESTS)
    return replace(rules, keep=tuple(sorted({*rules.keep, *names})))


def _texts(value: object) -> Iterator[str]:
    """Every text in a value: a declaration's places among them."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for member in fields(value):
            yield from _texts(getattr(value, member.name))
    elif isinstance(value, Mapping):
        for item in cast("Mapping[object, object]", value).values():
            yield from _texts(item)
    elif isinstance(value, tuple):
        for item in cast("tuple[object, ...]", value):
            yield from _texts(item)


def _without_cookies(job: AnyJob) -> AnyJob:
    """`job` as replies make it of which none sets a cookie: those on a cassette."""
    if isinstance(job, bide.Abandoned | bide.Lost):
        job = replace(job, last=_without_cookies(job.last))
    if isinstance(job, bide.Submitting):
        return replace(job, cookies="")
    handle = job.handle or ""
    parts = links(handle)
    if COOKIE not in parts:
        return job
    return replace(job, handle=handle_of({name: part for name, part in parts.items() if name != COOKIE}) or handle)


@dataclass(slots=True)
class Cleaner:
    """Redacts all of one lane; `aliases` are origins that are recorded under another name, such as a test server's."""

    rules: Rules = STANDARD
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    redactor: Redactor = field(init=False)

    def __post_init__(self) -> None:
        self.redactor = Redactor(self.rules)

    def request(self, request: Request) -> Request:
        """`request` with fewer headers and no secret; raises `InvalidCassette` for a body that cannot be redacted."""
        headers, _ = self.redactor.headers(request.headers, of="request")
        body = self._body(request.body, Headers.of(request.headers))
        if body is None:
            raise InvalidCassette("the body of a request cannot be redacted: it hides something in a packed form")
        url = self.redactor.url(self._moved(request.url))
        flags = {"credential": request.credential, "repeatable": request.repeatable}
        return Request(request.method, url, tuple(headers), body, **flags)

    def reply(self, reply: Reply) -> Reply:
        """`reply` likewise; a body that cannot be made safe is left empty."""
        if isinstance(reply, Response):
            return self._response(reply)
        return replace(
            reply, detail="", head=None if reply.head is None else self._response(replace(reply.head, body=b""))
        )

    def _response(self, reply: Response) -> Response:
        moved = [(name, self._moved(value)) for name, value in reply.headers]
        headers, _ = self.redactor.headers(moved, of="response")
        return replace(reply, headers=Headers.of(headers), body=self._body(reply.body, reply.headers) or b"")

    def head(self, head: Response) -> Response:
        """The head of a reply whose body is a file; how long that is, and whether it came compressed, is kept."""
        headers, _ = self.redactor.headers([(name, self._moved(value)) for name, value in head.headers], of="response")
        fields = head.headers.fields
        coding = head.headers.get("content-encoding")
        if coding is not None and coding.strip().lower() != "identity":
            headers = [*headers, ("content-encoding", coding)]
        elif "content-length" in fields and "transfer-encoding" not in fields:
            headers = [*headers, ("content-length", fields["content-length"][0])]
        return Response(head.status, Headers.of(headers))

    def is_safe(self, body: bytes, content_type: str | None) -> bool:
        """Whether the bytes of a file may be kept as they are: neither the redactor nor the search finds anything."""
        return self.redactor.body(body, content_type) == body and not scan(dumps(bodies.written(body)), self.rules)

    def reference(self, file: str) -> str:
        """What a service calls a file, without the signature that may be in it."""
        return self.redactor.url(self._moved(file))

    def copy(self) -> Cleaner:
        """One that goes on from here by itself: the same value has the same placeholder in both."""
        return deepcopy(self)

    def token(self, job: bide.Job) -> dict[str, JSON]:
        """The token of `job`; the key of its submission, which is new each time, gets a name."""
        last = job.last if isinstance(job, bide.Abandoned) else job
        if isinstance(last, bide.Submitting) and last.order.key is not None:
            self.redactor.name(last.order.key, "key")
        if isinstance(job, bide.Abandoned) and job.said is not None:
            job = replace(job, said=self._said(job.said))
        job = _without_cookies(job)
        token = cast("dict[str, JSON]", parse_object(self._moved(bide.dump(job)).encode()))
        return cast("dict[str, JSON]", self.redactor.document(token))

    def _said(self, said: Acknowledgement) -> Acknowledgement:
        """What answered a submission that cannot be followed, with no more of it than a reply would show."""
        reply = self._response(Response(said.status, Headers.of(said.headers), said.body.encode()))
        return replace(said, headers=tuple(reply.headers), body=reply.body.decode("utf-8", "replace"))

    def _body(self, body: bytes, headers: Headers) -> bytes | None:
        for live, recorded in self.aliases.items():
            body = body.replace(live.encode(), recorded.encode())
        return self.redactor.body(body, headers.get("content-type"))

    def _moved(self, text: str) -> str:
        for live, recorded in self.aliases.items():
            text = text.replace(live, recorded)
        return text
