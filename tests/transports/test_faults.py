"""Every fault of a network and a server, on real sockets, over each transport; then what the machine makes of some."""

from __future__ import annotations

import errno
import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests

import bide
from bide.messages import Cause, NoResponse, Request, Response
from bide.secret import Credential
from tests.hostile import (
    EVIL,
    FAULTS,
    GOOD,
    SHORT,
    TEXT,
    Fault,
    Script,
    Server,
    dribble,
    field_of,
    finish,
    flood,
    head,
    hear,
    patiently,
    read,
    reply,
    send,
    stall,
    tell,
    wait_for,
)
from tests.reactions import Where, reacts
from tests.wires import BY_EACH, Wire, in_time, watched

KEY = "sk_" + "0" * 64
BEARER = (("authorization", f"Bearer {KEY}"),)
MB = 1024 * 1024
BY_NAME = {fault.name: fault for fault in FAULTS}
LATE, UNSENT = NoResponse(Cause.TIMEOUT, sent=True), NoResponse(Cause.UNREACHABLE, sent=False)


def get(url: str, *, timeout: float = 20.0, largest: int = 65536) -> Request:
    return Request("GET", url + "/v1/executions/exec_1", timeout=timeout, largest=largest)


def post(url: str, *, timeout: float = 20.0, largest: int = 65536, body: bytes = b"{}") -> Request:
    return Request("POST", url + "/v1/executions", body=body, timeout=timeout, largest=largest)


def once(url: str) -> Request:
    return replace(post(url), repeatable=False)


def bodies(*replies: object) -> list[bytes]:
    return [one.body for one in replies if isinstance(one, Response)]


# -- the table ---------------------------------------------------------------------------------------------------------


@BY_EACH
@pytest.mark.parametrize("ask", [get, post])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_a_value_and_the_next_exchange_gets_its_own_answer(
    fault: Fault, ask: Callable[..., Request], wire: Wire
) -> None:
    def trial(timeout: float) -> None:
        with Server(fault.script, (read, send(GOOD))) as server:
            began = time.monotonic()
            answer, after = wire(ask(server.url, timeout=timeout, largest=fault.largest), get(server.url))
            assert time.monotonic() - began < 2 * timeout
        assert fault.allows(answer), answer
        assert bodies(after) == [TEXT]
        assert server.received[0].startswith(b"GET" if ask is get else b"POST")

    patiently(trial, fault.timeout)


@pytest.mark.parametrize(
    "script", [(read, stall), (flood(EVIL),), (hear, dribble(EVIL, every=60)), (wait_for(threading.Event()),)]
)
def test_the_hostile_server_leaves_nothing_behind(script: Script) -> None:
    with Server(script) as server, socket.create_connection(server.address) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        line.shutdown(socket.SHUT_WR)
    assert [thread.name for thread in threading.enumerate() if "hostile" in thread.name] == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address)


def test_the_names_of_the_faults_are_their_own() -> None:
    assert len(BY_NAME) == len(FAULTS)


@reacts(
    Where.REPLY,
    "a body without end, or one that unpacks to too much",
    "read up to `Patience(largest=)`, decoded bytes counted; then it ends as too large",
)
@BY_EACH
@pytest.mark.parametrize(
    "name",
    [
        "100 without end",
        "a header line without end",
        "a body without end",
        "chunks without end",
        "a chunk size of -1",
        "a length beyond the limit",
        "a gzip bomb",
    ],
)
def test_what_has_no_end_takes_little_memory(name: str, wire: Wire) -> None:
    fault = BY_NAME[name]
    with Server(fault.script) as server:
        tracemalloc.start()
        try:
            (answer,) = wire(get(server.url, largest=fault.largest))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert fault.allows(answer)
    assert peak < 4 * MB


@BY_EACH
@pytest.mark.parametrize("length", [len(TEXT) - 1, len(TEXT)])
def test_the_limit_is_exact(length: int, wire: Wire) -> None:
    with Server((read, send(GOOD))) as server:
        (answer,) = wire(get(server.url, largest=length))
    if length == len(TEXT):
        assert bodies(answer) == [TEXT]
    else:
        assert answer == NoResponse(Cause.TOO_LARGE, sent=True)
        assert isinstance(answer, NoResponse)
        assert answer.detail == f"the body has more than {length} bytes; it was said to have {length + 1}"


@BY_EACH
def test_a_large_body_without_a_length_is_told_by_the_limit_alone(wire: Wire) -> None:
    fault = BY_NAME["chunks without end"]
    with Server(fault.script) as server:
        (answer,) = wire(get(server.url, largest=1000))
    assert isinstance(answer, NoResponse)
    assert answer.detail == "the body has more than 1000 bytes"


# -- connections -------------------------------------------------------------------------------------------------------


@BY_EACH
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_port_sends_nothing(scheme: str, wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}"
    assert wire(post(url)) == [UNSENT]


@BY_EACH
@pytest.mark.parametrize("name", ["a..b", ".example", f"{'a' * 64}.example"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_no_host_can_have_sends_nothing(scheme: str, name: str, wire: Wire) -> None:
    assert wire(post(f"{scheme}://{name}")) == [NoResponse(Cause.UNRESOLVED, sent=False)]


@BY_EACH
@pytest.mark.parametrize(
    "url",
    ["http://", "http://exa mple/", "ftp://127.0.0.1/", "http://[::1/", "http://*.x/", "http://u:p@127.0.0.1:9/"],
)
def test_an_address_that_is_none_sends_nothing(url: str, wire: Wire) -> None:
    (answer,) = wire(Request("GET", url))
    assert isinstance(answer, NoResponse)
    assert not answer.sent


@BY_EACH
def test_a_connection_is_used_again(wire: Wire) -> None:
    with Server((read, send(GOOD), read, send(GOOD))) as server:
        assert bodies(*wire(get(server.url), post(server.url))) == [TEXT, TEXT]
    assert server.connections == 1


@BY_EACH
@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints"])
def test_a_connection_is_used_again_after_interim_replies(status: str, wire: Wire) -> None:
    with Server((read, send(head(status=f"HTTP/1.1 {status}") * 16 + GOOD)) * 2) as server:
        assert bodies(*wire(post(server.url), get(server.url))) == [TEXT, TEXT]
    assert server.connections == 1


@reacts(
    Where.CONNECTION,
    "bytes after the reply, or on an idle connection",
    "nobody's answer: that connection is not used again",
)
@BY_EACH
@pytest.mark.parametrize("ask", [get, post])
def test_bytes_that_come_late_are_nobodys_answer(ask: Callable[..., Request], wire: Wire) -> None:
    answered, late = threading.Event(), threading.Event()

    def wait() -> None:
        answered.set()
        assert late.wait(10)

    script = (read, send(GOOD), wait_for(answered), send(EVIL), tell(late), stall)
    with Server(script, (read, send(GOOD))) as server:
        assert bodies(*wire(get(server.url), wait, ask(server.url))) == [TEXT, TEXT]
    assert server.connections == 2


@reacts(
    Where.CONNECTION,
    "a connection that the server has closed while it was idle",
    "not used again, so a submission is not lost in it",
)
@BY_EACH
@pytest.mark.parametrize("ask", [get, post, once], ids=["GET", "POST", "POST once"])
def test_a_connection_that_was_closed_while_idle_is_not_used(ask: Callable[..., Request], wire: Wire) -> None:
    closed = threading.Event()
    with Server((read, send(GOOD), finish, tell(closed)), (read, send(GOOD))) as server:
        assert bodies(*wire(post(server.url), lambda: closed.wait(10), ask(server.url))) == [TEXT, TEXT]
    assert server.connections == 2


@BY_EACH
def test_a_server_that_takes_nothing_in_is_too_slow(wire: Wire) -> None:
    def trial(timeout: float) -> None:
        with Server((wait_for(threading.Event()),)) as server:
            assert in_time(wire, post(server.url, timeout=timeout, body=bytes(32 * MB))) == LATE

    patiently(trial)


@reacts(
    Where.REPLY,
    "a head or a body that comes a byte at a time",
    "one timeout bounds the exchange as a whole",
)
@BY_EACH
def test_slowness_and_silence_share_one_budget(wire: Wire) -> None:
    def trial(timeout: float) -> None:
        with Server((read, dribble(GOOD[:2], every=0.8 * timeout), stall)) as server:
            began = time.monotonic()
            (answer,) = wire(get(server.url, timeout=timeout))
            assert time.monotonic() - began < 1.6 * timeout  # and not 0.8 and another 1.0 of it
        assert answer == LATE

    patiently(trial)


@BY_EACH
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str, wire: Wire) -> None:
    with Server((read, send(GOOD))) as elsewhere:
        moved = (read, send(reply(b"", f"Location: {elsewhere.url}/v1/executions", status=status)))
        with Server(moved * 2) as server:
            answers = wire(get(server.url), post(server.url), credential=BEARER)
    assert [answer.status for answer in answers if isinstance(answer, Response)] == [int(status[:3])] * 2
    assert elsewhere.connections == 0


@reacts(
    Where.SECRET,
    "a `.netrc` that knows the host",
    "never read",
)
@BY_EACH
@pytest.mark.parametrize("credential", [BEARER, ()])
def test_netrc_neither_replaces_nor_adds_a_credential(
    credential: Credential, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server((read, send(GOOD)), (read, send(GOOD))) as server:
        requests.get(server.url, timeout=10)
        wire(get(server.url), credential=credential)
    assert field_of(server.received[0], "authorization") == "Basic c29tZW9uZTplbHNl"  # the file does work
    assert field_of(server.received[1], "authorization") == (f"Bearer {KEY}" if credential else None)


# -- bodies with a coding ----------------------------------------------------------------------------------------------


def raw_deflate(content: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(content) + machine.flush()


@BY_EACH
@pytest.mark.parametrize(
    ("coding", "code"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]
)
@pytest.mark.parametrize("bitwise", [False, True])
def test_a_coded_body_is_decoded_within_its_bound(
    coding: str, code: Callable[[bytes], bytes], bitwise: bool, wire: Wire
) -> None:
    content = reply(code(TEXT), f"Content-Encoding: {coding}")
    how = dribble(content, every=0.0) if bitwise else send(content)
    with Server((read, how, read, how, read, send(reply(code(TEXT + b" "), f"Content-Encoding: {coding}")))) as server:
        came = wire(*[get(server.url, largest=len(TEXT))] * 3)
    assert bodies(*came[:2]) == [TEXT, TEXT]
    assert came[2] == NoResponse(Cause.TOO_LARGE, sent=True)
    assert server.connections == 1


@reacts(
    Where.REPLY,
    "a `Content-Encoding` whose end is missing",
    "not valid: never a value, never a file",
)
@BY_EACH
@pytest.mark.parametrize("kept", [1, 9, 30])
def test_a_coded_body_that_is_not_whole_is_no_answer(kept: int, wire: Wire) -> None:
    torn = reply(gzip.compress(TEXT)[:kept], "Content-Encoding: gzip")
    with Server((read, send(torn)), (read, send(GOOD))) as server:
        answer, after = wire(get(server.url), get(server.url))
    assert answer == NoResponse(Cause.PROTOCOL, sent=True)
    assert bodies(after) == [TEXT]


# -- bodies that go into a file ----------------------------------------------------------------------------------------


class Chunks:
    """Takes the bytes of a file and keeps their number only."""

    def __init__(self) -> None:
        self.size, self.largest = 0, 0

    def write(self, chunk: bytes, /) -> None:
        self.size += len(chunk)
        self.largest = max(self.largest, len(chunk))


@BY_EACH
def test_a_file_is_passed_on_in_small_pieces(wire: Wire) -> None:
    chunks, picture = Chunks(), gzip.compress(bytes(16 * MB))
    with Server((read, send(reply(picture, "Content-Encoding: gzip")))) as server:
        tracemalloc.start()
        try:
            came = wire(get(server.url, largest=16 * MB), into=lambda _: chunks)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert bodies(*came) == [b""]
    assert chunks.size == 16 * MB
    assert chunks.largest <= 65536
    assert peak < 2 * MB


@BY_EACH
def test_a_file_without_end_is_bounded_in_time(wire: Wire) -> None:
    def trial(timeout: float) -> None:
        with Server((read, send(head()), flood(bytes(65536)))) as server:
            assert in_time(wire, get(server.url, timeout=timeout), into=lambda _: Chunks()) == LATE

    patiently(trial)


@reacts(
    Where.FILE,
    "a file that is cut",
    "never whole: the rest is fetched, or all of it",
)
@BY_EACH
@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.allowed[0] == NoResponse(Cause.RESET, sent=True)], ids=lambda f: f.name
)
def test_a_file_that_is_cut_is_never_whole(fault: Fault, wire: Wire) -> None:
    with Server(fault.script) as server:
        (answer,) = wire(get(server.url), into=lambda _: Chunks())
    assert fault.allows(answer), answer


@BY_EACH
def test_a_reply_that_is_no_file_is_read_as_ever(wire: Wire) -> None:
    seen: list[Response] = []
    with Server((read, send(reply(TEXT, status="404 Not Found")))) as server:
        (answer,) = wire(get(server.url), into=seen.append)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (404, TEXT)
    assert [(one.status, one.body) for one in seen] == [(404, b"")]


class Full:
    """A disk without room."""

    def write(self, _: bytes, /) -> None:
        raise OSError(errno.ENOSPC, "no room")


@BY_EACH
def test_the_errors_of_the_file_are_the_callers(wire: Wire) -> None:
    with Server((read, send(GOOD))) as server, pytest.raises(OSError, match="no room"):
        wire(get(server.url), into=lambda _: Full())


# -- what the machine makes of it --------------------------------------------------------------------------------------

PROCESSING = reply(b'{"id":"exec_1","status":"PROCESSING"}')
COMPLETED = reply(b'{"id":"exec_1","status":"COMPLETED","output":{"text":"a fox"}}')
PORTALS = [b"<!doctype html><title>Sign in</title>", b"", b"[]", b"null", b"{", b"\xff\xfe"]


@BY_EACH
@pytest.mark.parametrize("body", PORTALS)
def test_a_page_in_place_of_the_api_is_put_up_with_for_a_while(body: bytes, wire: Wire) -> None:
    portal = [read, send(reply(body))]
    with Server([*portal * 2, read, send(PROCESSING), *portal * 2, read, send(COMPLETED)]) as server:
        assert isinstance(watched(wire, server.url, bide.Patience(failures=3)), bide.Completed)
    assert len(server.received) == 6


@BY_EACH
@pytest.mark.parametrize("body", PORTALS)
def test_a_page_in_place_of_the_api_is_not_put_up_with_for_ever(body: bytes, wire: Wire) -> None:
    with Server([read, send(reply(body))] * 20) as server:
        ended = watched(wire, server.url, bide.Patience(failures=3))
    assert isinstance(ended, bide.Abandoned)
    assert ended.reason is bide.Reason.NOT_UNDERSTOOD
    assert len(server.received) == 3


@reacts(
    Where.REPLY,
    "a chunk size that is none, no status line, no HTTP, lengths that contradict each other or `Transfer-Encoding`",
    "not valid HTTP: the connection is closed; a look is sent again",
)
@reacts(
    Where.REPLY,
    "interim replies (100, 102, 103), before the reply or without end",
    "read past, sixteen of them; then it is not valid HTTP",
)
@reacts(
    Where.REPLY,
    "header lines without end, or more than 100 of them, or 64 KiB",
    "not valid HTTP; the rest is not read",
)
@BY_EACH
@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.timeout != SHORT and fault.name != "a gzip bomb"], ids=lambda f: f.name
)
def test_no_fault_ends_a_job(fault: Fault, wire: Wire) -> None:
    with Server(fault.script, (read, send(COMPLETED))) as server:
        ended = watched(wire, server.url, bide.Patience(largest=fault.largest))
    assert isinstance(ended, bide.Completed)
    assert ended.result.output == {"text": "a fox"}


@BY_EACH
def test_the_machine_asks_for_plain_bytes(wire: Wire) -> None:
    with Server((read, send(PROCESSING), read, send(COMPLETED))) as server:
        watched(wire, server.url, bide.Patience())
    assert {field_of(request, "accept-encoding") for request in server.received} == {"identity"}
    assert server.connections == 1
