"""The far end of a replayed connection: what it takes, what it gives, and what it finds that no server can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

import bide
from bide.messages import Headers, NoResponse, Reply, Request, Response
from bide.secret import Credential
from bide_transports.cassette.replaying.far_end import FarEnd, UnfaithfulReplay
from bide_transports.cassette.tape import Cassette, Heard
from tests.cassette.replaying import DIALECT, by_requests, by_trio, fox, scripted


@pytest.mark.parametrize(
    "reply",
    [
        Response(200, Headers.of([("retry-after", "1\r\nx: y")]), b"{}"),
        Response(204, body=b"no room for this"),
        NoResponse(bide.Cause.RESET, sent=False),
        NoResponse(bide.Cause.UNREACHABLE, sent=True),
    ],
)
def test_what_no_server_can_send_is_the_cassettes_fault(tmp_path: Path, reply: Reply) -> None:
    cassette = scripted(tmp_path / "job.cassette.jsonl", fox(), [Response(503)])
    heard = next(n for n, event in enumerate(cassette.events) if isinstance(event, Heard))
    changed = [*cassette.events[:heard], replace(cast("Heard", cassette.events[heard]), reply=reply)]
    for play in (by_requests, by_trio):
        with pytest.raises(UnfaithfulReplay, match="not the code under test"):
            play(Cassette(cassette.head, tuple(changed), "changed"))


def bytes_of(request: Request, *lines: tuple[str, str]) -> bytes:
    head = [f"{request.method} /v1/executions HTTP/1.1", "Host: api.modelroute.test", "User-Agent: me"]
    head += [f"{name}: {value}" for name, value in (*request.headers, *lines)]
    return "\r\n".join([*head, f"Content-Length: {len(request.body)}", "", ""]).encode() + request.body


def spoilt(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield "a header cookie", data.replace(b"\r\nHost", b"\r\nCookie: a=b\r\nHost")
    yield "method", data.replace(b"POST", b"PUT", 1)
    yield "target", data.replace(b"/v1/executions", b"/v1/executions/x", 1)
    yield "headers", data.replace(b"api.modelroute.test", b"evil.example")
    yield "headers", data.replace(b"application/json", b"text/plain", 1)
    yield "body", data.replace(b"a fox", b"a cat")


def test_the_far_end_takes_exactly_what_the_core_asked_for() -> None:
    far, request = FarEnd(DIALECT), fox().request
    far.expect(request, Response(202, body=b"{}"))
    whole = bytes_of(request, *far.credential)
    for what, data in spoilt(whole):
        far.expect(request, Response(202, body=b"{}"))
        with pytest.raises(UnfaithfulReplay, match=f"differs in what it sends: {what}"):
            far.take(data)
    far.expect(request, Response(202, body=b"{}"))
    with pytest.raises(UnfaithfulReplay, match="headers"):
        far.take(bytes_of(request))
    far.expect(replace(request, credential=False), Response(202))
    with pytest.raises(UnfaithfulReplay, match="a header authorization"):
        far.take(whole)
    far.expect(request, Response(202, body=b"{}"))
    for byte in whole:
        assert far.give(100) == b""
        far.take(bytes([byte]))
    assert far.give(12) + far.give(1000) == b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}"


def test_adapters_may_spell_an_address_in_their_own_way() -> None:
    far, request = FarEnd(DIALECT), replace(fox().request, url="https://api.modelroute.test/v1/executions/%7Ea%2fb?c=|")
    whole = bytes_of(request, *far_credential(far, request))
    for target, same in {"/%7Ea%2fb?c=|": True, "/~a%2Fb?c=%7C": True, "/~a/b?c=%7C": False}.items():
        far.expect(request, Response(200))
        sent = whole.replace(b"/v1/executions ", f"/v1/executions{target} ".encode(), 1)
        if same:
            far.take(sent)
            assert far.give(12) == b"HTTP/1.1 200"
        else:
            with pytest.raises(UnfaithfulReplay, match="target"):
                far.take(sent)


def far_credential(far: FarEnd, request: Request) -> Credential:
    far.expect(request, Response(200))
    return far.credential


def test_the_key_goes_to_no_other_origin() -> None:
    far = FarEnd(DIALECT)
    request = replace(fox().request, url="https://elsewhere.example/v1/executions")
    far.expect(request, Response(200))
    assert not far.credential
    far.expect(fox().request, Response(200))
    assert dict(far.credential).keys() == {"authorization"}
