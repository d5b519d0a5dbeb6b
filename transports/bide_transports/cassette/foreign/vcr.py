"""Cassettes of vcrpy (its format 1), read and written.

    cassette = read_vcr("tests/cassettes/render.yaml", dialect=bide.ModelRoute())
    Path("render.yaml").write_text(write_vcr(cassette))

vcrpy keeps no times, no failures, no decisions and no lanes. Read, an interaction stands at the second of its reply's
`Date`, or where there is none when the core would have asked. Written, they are lost; the file's first lines say how
much. YAML needs PyYAML, which comes with vcrpy: `pip install bide[vcr]`.
"""

from __future__ import annotations

from base64 import b64decode
from http import HTTPStatus
from pathlib import Path
from typing import Any

import bide
from bide.dates import http_date
from bide.dialect import Dialect
from bide.document import parse
from bide.messages import Headers, Request, Response
from bide_transports.cassette.foreign.exchanges import exchanges, losses
from bide_transports.cassette.foreign.importing import Terms, imported
from bide_transports.cassette.foreign.interactions import Interaction, Spot, contents, header_lines, is_web, request_of
from bide_transports.cassette.foreign.unpacking import unpacked
from bide_transports.cassette.foreign.yaml_text import load_yaml, write_yaml
from bide_transports.cassette.lines import FARTHEST
from bide_transports.cassette.redaction import STANDARD, Rules
from bide_transports.cassette.tape import Cassette, InvalidCassette

_FORMAT = 1


def read_vcr(
    source: str | Path | bytes,
    *,
    dialect: Dialect,
    pace: bide.Pace | None = None,
    patience: bide.Patience | None = None,
    rules: Rules = STANDARD,
) -> Cassette:
    """The cassette in a file of vcrpy, YAML or JSON, or in the bytes of one.

    `dialect` speaks with the service at the address that was recorded. `pace` and `patience` decide on the waits;
    by default they fit the recorded times. Credentials do not come through, nor what `rules` hide. Raises
    `InvalidCassette`, which names the place.
    """
    data, name = contents(source)
    root = Spot(_document(data, name), name)
    if isinstance(root.value, list):
        raise InvalidCassette(f"{name} is of a vcrpy before 1.0: run `python -m vcr.migration` on it")
    if root.member("version").value not in (None, _FORMAT):
        raise InvalidCassette(f"{name} is of another version of vcrpy's format: save it with vcrpy 1 or later")
    items = root.member("interactions").items()
    interactions = [
        _interaction(item, dialect) for item in items if is_web(item.member("request").member("uri").text())
    ]
    return imported(interactions, Terms(dialect, "vcrpy", False, pace, patience, rules), name)


def write_vcr(cassette: Cassette) -> str:
    """The cassette as YAML that vcrpy replays, one interaction for each reply of 200 to 599, in the order of sending.

    Failures, decisions, waits and lanes are lost, files that were sent, and replies whose body is not on the cassette;
    a comment on top says how many. Raises `InvalidCassette` where PyYAML is not installed.
    """
    whole = [one for one in exchanges(cassette) if one.is_whole and one.status >= 200]
    written = [_written(one.request, one.reply) for one in whole if isinstance(one.reply, Response)]
    document = {"interactions": written, "version": _FORMAT}
    comment = [f"# Written by {cassette.head.lib or 'bide'} from {len(whole)} exchanges.", *losses(cassette, whole)]
    return "\n# ".join(comment) + "\n" + write_yaml(document)


def _document(data: bytes, name: str) -> object:
    if not data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return load_yaml(data, name)
    try:
        return parse(data)
    except ValueError as error:
        raise InvalidCassette(f"{name} is no JSON ({error})") from None


def _interaction(item: Spot, dialect: Dialect) -> Interaction:
    asked, answered = item.member("request"), item.member("response")
    method, url = asked.member("method"), asked.member("uri")
    headers, body = _headers(asked.member("headers")), _body(asked.member("body"))
    request, secrets = request_of(dialect, method, url, headers, body)
    told = Headers.of(_headers(answered.member("headers")))
    plain, lacks = unpacked(_body(answered.member("body")), told.every("content-encoding"))
    reply = Response(answered.member("status").member("code").whole(100, 999), _kept(told), plain)
    date = http_date(told.get("date"))
    began = round(date * 1000) if date is not None and 0 <= date * 1000 <= FARTHEST else None
    return Interaction(item.place, request, reply, began, 0, lacks, secrets)


def _headers(spot: Spot) -> list[tuple[str, str]]:
    if spot.value is None:
        return []
    pairs = ((name, value.items() if isinstance(value.value, list) else [value]) for name, value in spot.members())
    return [line for name, values in pairs for line in header_lines(name, values)]


def _body(spot: Spot) -> bytes:
    """Bytes or text, alone or as `string`; older versions wrote `base64_string`."""
    if isinstance(spot.value, dict):
        packed = spot.member("base64_string")
        if packed.value is not None:
            return _base64(packed)
        spot = spot.member("string")
    if spot.value is None or isinstance(spot.value, bytes):
        return spot.value or b""
    return spot.text().encode("utf-8", "surrogatepass")


def _base64(spot: Spot) -> bytes:
    try:
        return b64decode(spot.text())
    except ValueError:
        raise spot.wrong("base64") from None


def _kept(headers: Headers) -> Headers:
    gone = ("content-encoding", "transfer-encoding", "content-length")
    return Headers({name: values for name, values in headers.fields.items() if name not in gone})


def _written(request: Request, reply: Response) -> dict[str, Any]:
    return {
        "request": {
            "body": _string(request.body) if request.body else None,
            "headers": _lists(Headers.of(request.headers)),
            "method": request.method,
            "uri": request.url,
        },
        "response": {
            "body": {"string": _string(reply.body)},
            "headers": _lists(_kept(reply.headers)),
            "status": {"code": reply.status, "message": _phrase(reply.status)},
        },
    }


def _lists(headers: Headers) -> dict[str, list[str]]:
    return {name: list(values) for name, values in headers.fields.items()}


def _string(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
