"""HTTP archives (HAR 1.2), as browsers and proxies write them, read into cassettes.

    cassette = read_har("session.har", dialect=bide.ModelRoute())

An archive holds times and failures, so these come through to the millisecond; what a browser did besides goes to
lanes without a job. `har_writing` is the way back.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import bide
from bide.dialect import Dialect
from bide.document import JSON, moment, number, parse_strictly
from bide.messages import Cause, Headers, NoResponse, Reply, Response
from bide_transports.cassette.foreign.importing import Terms, imported
from bide_transports.cassette.foreign.interactions import (
    Interaction,
    Opening,
    Spot,
    as_object,
    contents,
    cookies,
    header_lines,
    is_web,
    request_of,
)
from bide_transports.cassette.foreign.unpacking import unpacked
from bide_transports.cassette.lines import FARTHEST
from bide_transports.cassette.redaction import STANDARD, Rules
from bide_transports.cassette.tape import Cassette, InvalidCassette

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LONGEST = 10 * 86_400_000  # milliseconds of one exchange
_GONE = ("content-encoding", "transfer-encoding", "content-length")
_BODILESS = (204, 304)
#: What browsers call a failure, by a part of the word; whether the request may have arrived.
_FAILURES: tuple[tuple[tuple[str, ...], Cause, bool], ...] = (
    (("name_not_resolved", "name_resolution", "dns"), Cause.UNRESOLVED, False),
    (("cert", "ssl_", "tls"), Cause.UNTRUSTED, False),
    (("refused", "unreachable", "disconnected", "connection_failed", "connection_timed_out"), Cause.UNREACHABLE, False),
    (("timed_out", "timeout"), Cause.TIMEOUT, True),
    (("invalid", "protocol", "decoding_failed", "mismatch"), Cause.PROTOCOL, True),
)


def read_har(
    source: str | Path | bytes,
    *,
    dialect: Dialect,
    pace: bide.Pace | None = None,
    patience: bide.Patience | None = None,
    rules: Rules = STANDARD,
) -> Cassette:
    """The cassette in a HAR file, or in the bytes of one.

    `dialect` speaks with the service at the address that was recorded. `pace` and `patience` decide on the waits; by
    default they fit the recorded times. Credentials do not come through, nor what `rules` hide. A file that bide
    wrote has its lanes as they were. Raises `InvalidCassette`, which names the place.
    """
    data, name = contents(source)
    log = _log(data, name)
    creator = as_object(log.member("creator").value) or {}
    entries = [one for one in log.member("entries").items() if is_web(one.member("request").member("url").text())]
    interactions = [_interaction(entry, dialect, ours=creator.get("name") == "bide") for entry in entries]
    return imported(interactions, Terms(dialect, "har", True, pace, patience, rules), name)


def _log(data: bytes, name: str) -> Spot:
    try:
        document = parse_strictly(data)
    except ValueError as error:
        raise InvalidCassette(f"{name} is no JSON ({error}): save the archive anew") from None
    log = Spot(document, name).member("log")
    if not log.member("version").text().startswith("1."):
        raise log.member("version").wrong("version 1.2")
    return log


def _interaction(entry: Spot, dialect: Dialect, *, ours: bool) -> Interaction:
    asked = entry.member("request")
    method, url = asked.member("method"), asked.member("url")
    request, secrets = request_of(dialect, method, url, _headers(asked), _posted(asked.member("postData")))
    if ours:
        had, once = asked.member("_credential").value is True, asked.member("_once").value is True
        request = replace(request, credential=had or request.credential, repeatable=not once)
    reply, lacks = _reply(entry)
    shown = [value for _, value in _headers(entry.member("response"), only="set-cookie")]
    secrets = (*secrets, *(value for line in shown for value in cookies(line.partition(";")[0])))
    lane = entry.member("_lane").text() if ours else ""
    opening = _opening(entry.member("_opened")) if lane else None
    began, took = _instant(entry.member("startedDateTime")), _took(entry)
    return Interaction(entry.place, request, reply, began, took, lacks, secrets, lane, opening)


def _headers(spot: Spot, only: str = "") -> list[tuple[str, str]]:
    fields = spot.member("headers")
    if fields.value is None:
        return []
    pairs = ((field.member("name"), field.member("value")) for field in fields.items())
    return [line for name, value in pairs for line in header_lines(name.text(), [value]) if only in ("", line[0])]


def _posted(spot: Spot) -> bytes:
    if spot.value is None:
        return b""
    text, params = spot.member("text"), spot.member("params")
    if text.value is None and params.value:
        pairs = ((one.member("name").text(), one.member("value")) for one in params.items())
        return urlencode([(name, "" if value.value is None else value.text()) for name, value in pairs]).encode()
    return _content(text, spot.member("_encoding"))


def _content(text: Spot, encoding: Spot) -> bytes:
    if text.value is None:
        return b""
    if encoding.value != "base64":
        return text.text().encode("utf-8", "surrogatepass")
    try:
        return b64decode(text.text())
    except ValueError:
        raise text.wrong("base64") from None


def _reply(entry: Spot) -> tuple[Reply, str]:
    """What came back, and why its body is not known."""
    spot = entry.member("response")
    status, failure = spot.member("status").whole(0, 999), _failure(entry, spot)
    if failure is not None or status < 100:
        return failure or NoResponse(Cause.RESET, sent=True), ""
    told, content = Headers.of(_headers(spot)), spot.member("content")
    headers = Headers({name: values for name, values in told.fields.items() if name not in _GONE})
    if content.value is None:
        return Response(status, headers), ""
    text = content.member("text")
    missing = text.value is None and status not in _BODILESS and (number(content.member("size").value) or 0) > 0
    body, lacks = unpacked(_content(text, content.member("encoding")), told.every("content-encoding"))
    return Response(status, headers, body), "is not in the file: save it with content" if missing else lacks


def _failure(entry: Spot, response: Spot) -> NoResponse | None:
    word = response.member("_error").value or entry.member("_error").value
    if not isinstance(word, str):
        return None
    known = word.upper()
    if known in Cause.__members__:
        return NoResponse(Cause[known], sent=response.member("_sent").value is not False)
    spoken = word.lower()
    for parts, cause, sent in _FAILURES:
        if any(part in spoken for part in parts):
            return NoResponse(cause, sent=sent)
    return NoResponse(Cause.RESET, sent=True)


def _instant(spot: Spot) -> int:
    """Milliseconds since the epoch."""
    at = moment(spot.value)
    if at is None or not 0 <= (ms := (at - _EPOCH) // timedelta(milliseconds=1)) <= FARTHEST:
        raise spot.wrong("an instant such as 2026-11-23T13:33:28.000Z")
    return ms


def _took(entry: Spot) -> int:
    """Milliseconds that the exchange took; a negative figure stands for one that is not known."""
    spot = entry.member("time")
    if spot.value is None:
        return 0
    figure = number(spot.value)
    if figure is None or figure > _LONGEST:
        raise spot.wrong("a number of milliseconds")
    return max(round(figure), 0)


def _opening(spot: Spot) -> Opening | None:
    if spot.value is None:
        return None
    token = spot.member("job")
    members = as_object(token.value)
    if token.value is not None and members is None:
        raise token.wrong("a token")
    return Opening(_instant(spot.member("startedDateTime")), cast("dict[str, JSON] | None", members))
