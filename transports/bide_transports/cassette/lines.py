"""A cassette's lines: each event as one JSON object, and back. Names that are not known are left alone, kinds are not.

The fields are told in docs/cassettes.md. Keys come in a fixed order, so equal recordings are equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from json import dumps
from typing import cast

from bide.document import JSON, moment
from bide.messages import Cause, Headers, NoResponse, Request, Response
from bide_transports.cassette import bodies
from bide_transports.cassette.tape import VERSION, Done, Event, Head, Heard, Omitted, Open, Send, Told, Wait

Members = dict[str, JSON]

FARTHEST = 10**14  # milliseconds from the epoch to `t0`, and from there: twice that is a year of four digits still


class Misread(ValueError):
    """What stands in a line is not what a cassette has there."""


def line(members: Mapping[str, JSON]) -> bytes:
    """One line of a cassette."""
    return dumps(members, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def head_members(head: Head) -> Members:
    """The first line of a cassette."""
    members: Members = {"cassette": VERSION, "by": head.by, "lib": head.lib, "t0": _written(head.t0)}
    members |= {"dialect": head.dialect, "base": head.base}
    if head.edits:
        members["edits"] = list[JSON](head.edits)
    return members


def read_head(members: Mapping[str, JSON]) -> Head:
    """The head in the first line; raises `Misread`."""
    if members.get("cassette") != VERSION:
        raise Misread(
            f"it has version {members.get('cassette')!r:.40}, this bide reads {VERSION}: use the bide that wrote it"
        )
    edits = members.get("edits", [])
    if not isinstance(edits, list):
        raise Misread("edits is no list")
    return Head(
        _start(members),
        _text(members, "dialect"),
        _text(members, "base"),
        _text(members, "by", "record"),
        _text(members, "lib", ""),
        tuple(map(str, edits)),
    )


_NO_FIELDS = Headers()


def event_members(event: Event, inline: int | None = None) -> Members:
    """The line of an event; the body of a reply is left out above `inline` bytes."""
    members: Members = {"k": _kind(event), "o": event.lane, "t": event.t}
    match event:
        case Open(token=token) if token is not None:
            members["job"] = dict(token)
        case Wait():
            members |= {"state": event.state, "ms": event.ms, "floor": event.floor, "why": event.why}
        case Send(request=request, omitted=omitted):
            members |= _request(request) | ({} if omitted is None else {"b": _omission(omitted)})
        case Heard(reply=NoResponse() as reply, omitted=omitted, begun=begun):
            members |= {"cause": reply.cause.name.lower(), "sent": reply.sent}
            if begun is not None:
                members |= _response(begun, omitted, inline)
            elif reply.head is not None:
                members["head"] = {"s": reply.head.status, "h": _headers(reply.head.headers)}
        case Heard(reply=Response() as reply, omitted=omitted):
            members |= _response(reply, omitted, inline)
        case Done():
            members |= {"state": event.state, "says": event.says}
            members |= {"files": list[JSON](event.files)} if event.files else {}
        case _:
            pass
    return members


def _kind(event: Event) -> str:
    if isinstance(event, Heard):
        return "fail" if isinstance(event.reply, NoResponse) else "recv"
    return type(event).__name__.lower()


def _omission(omitted: Omitted) -> JSON:
    """What stands for a body that was left out."""
    return {"$omit": {"len": omitted.length, "sha256": omitted.digest}}


def read_event(members: Mapping[str, JSON]) -> Event:
    """The event in a line; raises `Misread`, also for a kind that this version does not know."""
    kind = members.get("k")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise Misread(f"there is no kind of line called {kind!r:.40}: one of {', '.join(_READERS)} is expected")
    return reader(members)


def _written(t0: int) -> str:
    """An instant as text, to the millisecond."""
    start = datetime.fromtimestamp(t0 // 1000, tz=timezone.utc)
    return f"{start:%Y-%m-%dT%H:%M:%S}.{t0 % 1000:03}Z"


def _start(members: Mapping[str, JSON]) -> int:
    start = moment(_text(members, "t0"))
    if start is None:
        raise Misread("t0 is no instant: give one such as 2026-11-23T13:33:28.000Z")
    t0 = round(start.timestamp() * 1000)
    if not 0 <= t0 <= FARTHEST:
        raise Misread("t0 is before 1970, or too far away")
    return t0


def _request(request: Request) -> Members:
    members: Members = {"m": request.method, "u": request.url, "h": _headers(Headers.of(request.headers))}
    members |= {"key": True} if request.credential else {}
    members |= {} if request.repeatable else {"once": True}
    return members | bodies.written(request.body)


def _response(reply: Response, omitted: Omitted | None, inline: int | None) -> Members:
    members: Members = {"s": reply.status, "h": _headers(reply.headers)}
    return members | (bodies.written(reply.body, inline) if omitted is None else {"b": _omission(omitted)})


def _headers(headers: Headers) -> dict[str, JSON]:
    return {name: values[0] if len(values) == 1 else list(values) for name, values in headers.fields.items()}


def _read_open(members: Mapping[str, JSON]) -> Open:
    token = members.get("job")
    if token is not None and not isinstance(token, dict):
        raise Misread("job is no token")
    return Open(*_place(members), token)


def _read_wait(members: Mapping[str, JSON]) -> Wait:
    figures = (_int(members, "ms"), _int(members, "floor"))
    return Wait(*_place(members), _text(members, "state"), *figures, _text(members, "why"))


def _read_send(members: Mapping[str, JSON]) -> Send:
    body, omitted = _body(members) if "b" in members else (b"", None)
    request = Request(
        _text(members, "m"),
        _text(members, "u"),
        tuple(_read_headers(members)) if "h" in members else (),
        body,
        credential=members.get("key") is True,
        repeatable=members.get("once") is not True,
    )
    return Send(*_place(members), request, omitted)


def _read_recv(members: Mapping[str, JSON]) -> Heard:
    return Heard(*_place(members), *_read_response(members))


def _read_response(members: Mapping[str, JSON]) -> tuple[Response, Omitted | None]:
    body, omitted = _body(members)
    headers = Headers.of(_read_headers(members)) if "h" in members else _NO_FIELDS
    return Response(_status(members), headers, body), omitted


def _body(members: Mapping[str, JSON]) -> tuple[bytes, Omitted | None]:
    body = bodies.read(members)
    return (b"", body) if isinstance(body, Omitted) else (body, None)


def _read_fail(members: Mapping[str, JSON]) -> Heard:
    name = _text(members, "cause").upper()
    if name not in Cause.__members__:
        raise Misread(f"cause is {name.lower()!r:.40}: one of {', '.join(Cause.__members__).lower()} is expected")
    begun, omitted = _read_response(members) if "s" in members else (None, None)
    there = members.get("head")
    if there is not None and not isinstance(there, dict):
        raise Misread("head is no object")
    head = replace(begun, body=b"") if begun is not None else None if there is None else _read_response(there)[0]
    reply = NoResponse(Cause[name], sent=members.get("sent") is True, head=head)
    return Heard(*_place(members), reply, omitted, begun)


def _read_told(members: Mapping[str, JSON]) -> Told:
    return Told(*_place(members))


def _read_done(members: Mapping[str, JSON]) -> Done:
    files = members.get("files", [])
    if not isinstance(files, list):
        raise Misread("files is no list")
    return Done(*_place(members), _text(members, "state"), _text(members, "says", ""), tuple(map(str, files)))


_READERS: dict[str, Callable[[Mapping[str, JSON]], Event]] = {
    "open": _read_open,
    "wait": _read_wait,
    "send": _read_send,
    "recv": _read_recv,
    "fail": _read_fail,
    "told": _read_told,
    "done": _read_done,
}


def _place(members: Mapping[str, JSON]) -> tuple[str, int]:
    return _text(members, "o"), _int(members, "t")


def _text(members: Mapping[str, JSON], name: str, usual: str | None = None) -> str:
    value = members.get(name, usual)
    if not isinstance(value, str):
        raise Misread(f"{name} is {value!r:.40}: a text is expected")
    return value


def _int(members: Mapping[str, JSON], name: str) -> int:
    value = members.get(name)
    if type(value) is not int:  # a boolean is one
        raise Misread(f"{name} is {value!r:.40}: a whole number is expected")
    if not -FARTHEST <= value <= FARTHEST:
        raise Misread(f"{name} is beyond {FARTHEST} milliseconds")
    return value


def _status(members: Mapping[str, JSON]) -> int:
    if not 100 <= (value := _int(members, "s")) <= 999:
        raise Misread(f"s is {value}: a status from 100 to 999 is expected")
    return value


def _read_headers(members: Mapping[str, JSON]) -> list[tuple[str, str]]:
    headers = members["h"]
    if not isinstance(headers, dict):
        raise Misread("h is no object of header fields")
    pairs: list[tuple[str, str]] = []
    for name, value in headers.items():
        if isinstance(value, str):
            pairs.append((name, value))
            continue
        values = cast("list[JSON]", value if isinstance(value, list) else [value])
        if not all(isinstance(one, str) for one in values):
            raise Misread(f"the header field {name!r:.40} is no text")
        pairs += [(name, cast("str", one)) for one in values]
    return pairs
