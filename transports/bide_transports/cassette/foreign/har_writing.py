"""Cassettes written as HTTP archives (HAR 1.2), which browsers and proxies open.

Lanes are pages; times and failures are kept. What the format has no place for stands in members that begin with an
underscore, which other tools let be: how a lane was taken up (`_opened`), and what the core decided (`_decision`).
Lost are notices of webhooks, requests that the recording cut short, files that were sent, the beginnings of those
whose download was cut, and the bodies that the cassette has left out; the log's `comment` says how much.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from importlib.metadata import version
from json import dumps
from urllib.parse import parse_qsl

from bide.document import JSON
from bide.messages import Headers, NoResponse, Request, Response
from bide_transports.cassette.foreign.exchanges import Exchanged, exchanges, losses_in_har
from bide_transports.cassette.lines import event_members
from bide_transports.cassette.tape import Cassette, Head, Open

_UNKNOWN = -1  # HAR's word for a size that is not known
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
Members = dict[str, JSON]


def write_har(cassette: Cassette) -> str:
    """The cassette as the text of a HAR file."""
    found = exchanges(cassette)
    creator: Members = {"name": "bide", "version": version("bide")}
    pages: list[JSON] = [_page(lane, events[0].t, cassette.head) for lane, events in cassette.lanes.items()]
    entries: list[JSON] = [_entry(one, cassette.head) for one in found]
    log: Members = {"version": "1.2", "creator": creator, "pages": pages, "entries": entries}
    lost = losses_in_har(cassette)
    log |= {"comment": " ".join(lost)} if lost else {}
    return dumps({"log": log}, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace").decode() + "\n"


def _page(lane: str, t: int, head: Head) -> Members:
    return {"startedDateTime": _written(head.t0 + t), "id": lane, "title": lane, "pageTimings": {}}


def _entry(one: Exchanged, head: Head) -> Members:
    took = one.ended - one.began
    members: Members = {"pageref": one.lane, "startedDateTime": _written(head.t0 + one.began), "time": took}
    members |= {"request": _request(one.request), "response": _response(one), "cache": {}}
    members |= {"timings": {"send": 0, "wait": took, "receive": 0}, "_lane": one.lane}
    members |= {} if one.opened is None else {"_opened": _opened(one.opened, head)}
    if one.decision is not None:
        decided = event_members(one.decision)
        members |= {"_decision": {name: value for name, value in decided.items() if name not in ("o", "t")}}
    return members


def _opened(event: Open, head: Head) -> Members:
    return {"startedDateTime": _written(head.t0 + event.t), "job": None if event.token is None else dict(event.token)}


def _request(request: Request) -> Members:
    headers = Headers.of(request.headers)
    members: Members = {"method": request.method, "url": request.url, "httpVersion": "HTTP/1.1", "cookies": []}
    members |= {"headers": _headers(headers), "queryString": _query(request.url)}
    members |= {"headersSize": _UNKNOWN, "bodySize": len(request.body), "_credential": request.credential}
    members |= {} if request.repeatable else {"_once": True}
    if request.body:
        kind = headers.get("content-type") or "application/octet-stream"
        posted: Members = {"mimeType": kind}
        members |= {"postData": posted | _text(request.body, "_encoding")}
    return members


def _response(one: Exchanged) -> Members:
    reply = one.reply
    if isinstance(reply, NoResponse):
        members = _reply(0, "", Headers(), {"size": 0, "mimeType": "x-unknown"}, 0)
        return members | {"_error": reply.cause.name.lower(), "_sent": reply.sent}
    kind = reply.headers.get("content-type") or "x-unknown"
    size = len(reply.body) if one.omitted is None else one.omitted.length
    content: Members = {"size": size, "mimeType": kind}
    if one.omitted is None:
        content |= _text(reply.body, "encoding")
    else:
        content |= {"comment": f"left out; SHA-256 {one.omitted.digest}"}
    return _reply(reply.status, _phrase(reply), reply.headers, content, size)


def _reply(status: int, phrase: str, headers: Headers, content: Members, size: int) -> Members:
    members: Members = {"status": status, "statusText": phrase, "httpVersion": "HTTP/1.1", "cookies": []}
    members |= {"headers": _headers(headers), "content": content}
    return members | {"redirectURL": headers.get("location") or "", "headersSize": _UNKNOWN, "bodySize": size}


def _headers(headers: Headers) -> JSON:
    return [{"name": name, "value": value} for name, value in headers]


def _query(url: str) -> JSON:
    pairs = parse_qsl(url.partition("#")[0].partition("?")[2], keep_blank_values=True)
    return [{"name": name, "value": value} for name, value in pairs]


def _text(body: bytes, encoding: str) -> Members:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": b64encode(body).decode(), encoding: "base64"}


def _written(at: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03}Z"


def _phrase(reply: Response) -> str:
    try:
        return HTTPStatus(reply.status).phrase
    except ValueError:
        return ""
