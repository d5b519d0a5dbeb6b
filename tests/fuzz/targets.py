"""What strangers' bytes reach: each a function that may raise nothing but the errors it is documented to raise."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import bide
from bide.dates import http_date, span
from bide.dialects.declared import Declared
from bide.dialects.lint import lint
from bide.dialects.vendors import named, names
from bide.dialects.written import read, write
from bide.document import JSON, moment
from bide.download import download
from bide.download_token import dump_download, load_download
from bide.errors import BideError, InvalidDeclaration, InvalidToken, InvalidWebhook
from bide.messages import Headers, Reply, Request, Response
from bide.secret import redact
from bide.urls import address, may_follow, public
from bide.webhook import verify
from bide_transports.cassette.files import loads
from bide_transports.cassette.redaction.redactor import Redactor
from bide_transports.cassette.redaction.scan import scan
from bide_transports.cassette.tape import InvalidCassette
from bide_transports.h11_client import Connection
from bide_transports.h11_server import Door, Refused

NOW = 1_893_456_000.0
RECORDED = Path(__file__).parent.parent / "cassette" / "recorded"


LARGEST_HEAD, MOST_LINES = 64 * 1024, 100  # bytes and lines of a head: no transport and no server takes larger ones


class Ready(NamedTuple):
    """An input as it comes to the code: `run` is what is judged, `size` what it is given, with the JSON `documents`."""

    run: Callable[[], object]
    size: int
    documents: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Target:
    """`ready` takes any bytes; `seeds` are good ones; `share` is its part of all inputs, of a hundred.

    `allowed` are seconds for a megabyte beside what `json.loads` takes. Redaction searches each text in many ways, and
    is done aside: there it is enough that the time grows as the text does.
    """

    ready: Callable[[bytes], Ready]
    seeds: tuple[bytes, ...]
    share: int
    allowed: float = 0.050
    size: int = 512 * 1024  # bytes that an input is grown to

    def run(self, data: bytes) -> None:
        """Judge one input; raises for a fault."""
        self.ready(data).run()


# -- receive -----------------------------------------------------------------------------------------------------------


def _dialects() -> list[bide.Dialect]:
    base = "https://api.example.com"
    return [bide.ModelRoute(), *(Declared(named(name), base) for name in names())]


def _jobs() -> list[bide.Waiting]:
    found: list[bide.Waiting] = []
    for dialect in _dialects():
        for handle in ("abc", "https://api.example.com/v1/jobs/7", "projects/p/operations/7"):
            with suppress(BideError):
                job = bide.watch(handle, dialect=dialect, now=NOW)
                found += [one for one in (job, _leaving(job)) if isinstance(one, bide.Waiting)]
                break
        with suppress(BideError):
            found.append(bide.submit(bide.Order("m/n", {"p": 1}, key="key-1"), dialect=dialect, now=NOW))
    return found


def _leaving(job: bide.Job) -> bide.Job | None:
    with suppress(BideError):
        return bide.cancel(job, now=NOW) if isinstance(job, bide.Polling) else None
    return None


JOBS = _jobs()


def headers_of(head: bytes) -> tuple[Headers, int]:
    """The header lines in as many bytes, as many as come through, and their size."""
    head = head[:LARGEST_HEAD]
    lines = [line.decode("latin-1").partition(":") for line in head.split(b"\n", MOST_LINES)[:MOST_LINES]]
    return Headers.of([(one, two.strip()) for one, _, two in lines]), len(head)


def receive(data: bytes) -> Ready:
    """Any reply to any job: which job, the code, header lines up to an empty one, the body.

    What comes of it can be shown, asked on and saved.
    """
    head, _, body = data[3:].partition(b"\n\n")
    headers, size = headers_of(head)
    job, code = JOBS[data[0] % len(JOBS)] if data else JOBS[0], int.from_bytes(data[1:3], "big") % 1000
    reply, is_saved = Response(code, headers, body), data[1:2] < b"\x10" and len(data) < LARGEST_HEAD

    def run() -> object:
        after = job.receive(reply, now=NOW + 1)
        if isinstance(after, bide.Waiting):
            assert after.request.url
        if is_saved:  # which takes longer than all the rest
            assert bide.load(bide.dump(after), dialect=after.terms.dialect) == after
        return repr(after)

    return Ready(run, size + len(body), (body,))


def header(data: bytes) -> Ready:
    """Header lines alone, in a refusal or in a look."""
    headers, size = headers_of(data[1:])
    reply = Response(429, headers, b"") if data[:1] < b"\x80" else Response(202, headers, b"{}")
    return Ready(lambda: JOBS[0].receive(reply, now=NOW), size)


def date(data: bytes) -> Ready:
    """A date, an instant, a span of time."""
    text = data.decode("utf-8", "surrogateescape")
    return Ready(lambda: (http_date(text), moment(text), span(text)), len(data))


def link(data: bytes) -> Ready:
    """An address that a service names."""
    text = data.decode("latin-1")
    return Ready(lambda: (address(text), may_follow(text, "https://api.example.com"), public(text)), len(data))


# -- what comes from the disk ------------------------------------------------------------------------------------------

START = download("file_1", dialect=bide.ModelRoute(), now=NOW)


def _token(data: bytes) -> None:
    """A job's token, a download's."""
    for job in JOBS[:3]:
        with suppress(InvalidToken):
            bide.dump(bide.load(data, dialect=job.terms.dialect))
    with suppress(InvalidToken):
        load_download(data, start=START, received=3)


def cassette(data: bytes) -> Ready:
    """A cassette of a stranger's: a document a line."""

    def run() -> None:
        with suppress(InvalidCassette):
            loads(data, partial=True)

    return Ready(run, len(data), tuple(data.splitlines()))


def _declaration(data: bytes) -> None:
    """A vendor's way of speaking, as somebody declared it: read, checked, used, written."""
    with suppress(InvalidDeclaration):
        declared = read(data)
        lint(declared)
        with suppress(BideError):
            dialect = Declared(declared, "https://api.example.com")
            job = bide.watch("abc", dialect=dialect, now=NOW)
            job.receive(Response(200, Headers.of([("location", "/x")]), b'{"status":"x","id":"abc"}'), now=NOW)
        assert read(write(declared)) == declared


def redaction(data: bytes) -> Ready:
    """A text that is recorded, and searched for secrets."""
    text = data.decode("utf-8", "replace")
    return Ready(
        lambda: (redact(text), Redactor().body(data, "application/json"), Redactor().text(text), scan(text)), len(data)
    )


def _all_of_it(run: Callable[[bytes], None]) -> Callable[[bytes], Ready]:
    return lambda data: Ready(lambda: run(data), len(data), (data,))


# -- what comes over the wire ------------------------------------------------------------------------------------------

SECRET = "whsec_" + "c2VjcmV0" * 4


def webhook(data: bytes) -> Ready:
    """A notice, unsigned or signed by whoever knows the secret."""
    head, _, body = data[1:].partition(b"\n\n")
    headers, size = headers_of(head)
    dialect = JOBS[0].terms.dialect if data[:1] < b"\x80" else named("replicate")

    def run() -> None:
        with suppress(InvalidWebhook):
            verify(headers, body, secrets=SECRET, signature=dialect.webhook, now=NOW)

    return Ready(run, size + len(body), (body,))


GET = Request("GET", "https://api.example.com/v1/jobs/7", largest=65536)
PLACE = address(GET.url)


SEGMENT = 1400  # bytes, about what the network brings at once


def wire(data: bytes) -> Ready:
    """A reply as bytes, cut anywhere: the same comes of it."""
    size = 1 + data[0] if data else 1
    size = size if len(data) < 8192 else SEGMENT + size

    def run() -> object:
        whole, cut = _heard([data[1:]]), _heard([data[at : at + size] for at in range(1, len(data), size)])
        assert type(whole) is type(cut), (whole, cut)
        if isinstance(whole, Response) and isinstance(cut, Response):
            assert (whole.status, whole.body) == (cut.status, cut.body)
        return whole

    return Ready(run, 2 * len(data))


def door(data: bytes) -> Ready:
    """A webhook request as bytes, in pieces."""
    size = 1 + data[0] if data else 1
    size = size if len(data) < 8192 else SEGMENT + size

    def run() -> None:
        here = Door(65536)
        with suppress(EOFError, Refused):
            for piece in (*(data[at : at + size] for at in range(1, len(data), size)), b""):
                here.receive(piece)

    return Ready(run, len(data))


def _heard(pieces: list[bytes]) -> Reply | None:
    assert PLACE is not None
    connection = Connection()
    connection.send(GET, PLACE)
    for piece in (*filter(None, pieces), b""):
        answer = connection.receive(piece)
        if answer is not None:
            return answer
    return None


def _json(**members: JSON) -> bytes:
    return json.dumps(members).encode()


_LIMITS = (
    b"retry-after: 30\nx-ratelimit-limit: 60\nx-ratelimit-remaining: 0\nx-ratelimit-reset: 1893456021\n"
    b'ratelimit: "a";r=0;t=30\nratelimit-policy: "a";q=9;w=60\ndate: Tue, 01 Jan 2030 00:00:00 GMT'
)
_DONE = _json(
    id="abc", status="COMPLETED", output={"images": [{"file_id": "file_1"}]}, urls={"get": "https://x.example/7"}
)
_FAILED = _json(
    error={"code": "RATE_LIMITED", "message": "Bearer sk_live_0123456789 https://x/?sig=1", "details": [{}]}
)
_RECORDED = min(RECORDED.glob("*.jsonl"), key=lambda path: path.stat().st_size).read_bytes()

_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nx: y\r\n\r\n"

TARGETS = {
    "receive": Target(
        receive,
        tuple(
            bytes([job]) + code.to_bytes(2, "big") + b"location: /jobs/7\n" + _LIMITS + b"\n\n" + body
            for job in range(0, len(JOBS), 4)
            for code, body in ((200, _DONE), (202, b"{}"), (429, _FAILED), (303, b""), (404, _FAILED), (200, b"<html>"))
        ),
        3,
    ),
    "header": Target(header, (b"\0" + _LIMITS, b"\0retry-after: 1, 120", b"\xffratelimit-reset: 6m0s"), 11),
    "date": Target(date, (b"Tue, 01 Jan 2030 00:00:00 GMT", b"2030-01-01T00:00:00.5+01:00", b"6m0s", b"PT1H"), 33),
    "link": Target(link, (b"https://[::ffff:7f00:1]:443/a?b#c", b"http://0x7f.1/", b"https://u:p@h.example./"), 31),
    "token": Target(
        _all_of_it(_token), (*(bide.dump(job).encode() for job in JOBS[:3]), dump_download(START).encode()), 1
    ),
    "webhook": Target(
        webhook,
        (b"\xffwebhook-id: 1\nwebhook-timestamp: 1893456000\nwebhook-signature: v1,YQ==\n\n" + _DONE, b"\0a: b\n\n{}"),
        8,
    ),
    "declaration": Target(_all_of_it(_declaration), tuple(write(named(name)).encode() for name in names()), 1),
    "cassette": Target(cassette, (_RECORDED,), 2),
    "redaction": Target(
        redaction, (_FAILED, _RECORDED[:2000], b"Authorization: Bearer eyJhbGciOi.eyJzdWIi.c2ln"), 1, 6.0, 32 * 1024
    ),
    "wire": Target(
        wire,
        (
            b"\x03HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            b"\x09HTTP/1.1 103 Early Hints\r\n\r\n" + _CHUNKED,
            b"\x50HTTP/1.0 200\r\ncontent-encoding: gzip\r\nx y: z\r\n folded\r\n\r\n\x1f\x8b\x08\x00",
        ),
        6,
    ),
    "door": Target(
        door, (b"\x20POST /hook HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n",), 2
    ),
}
DRAWN = 1  # of a hundred: values that hypothesis makes up (see `drawn`)
