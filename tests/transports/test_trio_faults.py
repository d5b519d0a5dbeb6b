"""Every fault of a network and a server, on real sockets, through trio's `exchange`; proxies, TLS, streamed bodies."""

from __future__ import annotations

import errno
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NoReturn

import h11
import pytest
import trio
import trio.testing
import trustme

import bide
from bide.errors import InvalidAddress, JobAbandoned
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide.urls import address
from bide_transports.emulator import VirtualClock
from bide_transports.h11_client import Connection
from bide_transports.proxies import proxy_for
from bide_transports.sinks import Into
from bide_transports.trio import Client, Pool, exchange, run
from tests import hostile
from tests.drivers import TrioVirtualClock
from tests.hostile import (
    EVIL,
    FAULTS,
    GOOD,
    SHORT,
    TEXT,
    Fault,
    Line,
    Script,
    Server,
    dribble,
    field_of,
    flood,
    forward,
    head,
    hear,
    patiently,
    read,
    reply,
    send,
    stall,
    wait_for,
)

KEY = "sk_" + "0" * 64
BEARER = (("authorization", f"Bearer {KEY}"),)
MB = 1024 * 1024
BY_NAME = {fault.name: fault for fault in FAULTS}
CUT, BAD = NoResponse(Cause.RESET, sent=True), NoResponse(Cause.PROTOCOL, sent=True)
UNSENT, LATE = NoResponse(Cause.UNREACHABLE, sent=False), NoResponse(Cause.TIMEOUT, sent=True)
UNRESOLVED, UNTRUSTED = NoResponse(Cause.UNRESOLVED, sent=False), NoResponse(Cause.UNTRUSTED, sent=False)
STALLED = NoResponse(Cause.TIMEOUT, sent=False)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def get(url: str, *, timeout: float = 20.0, largest: int = 65536) -> Request:
    return Request("GET", url + "/v1/executions/exec_1", timeout=timeout, largest=largest)


def post(url: str, *, timeout: float = 20.0, largest: int = 65536, body: bytes = b"{}") -> Request:
    return Request("POST", url + "/v1/executions", body=body, timeout=timeout, largest=largest)


def answers(
    *requests: Request,
    credential: tuple[tuple[str, str], ...] = (),
    into: Into | None = None,
    tls: ssl.SSLContext | None = None,
) -> list[Reply]:
    """What comes back, one after the other over one pool."""

    async def main() -> list[Reply]:
        async with Pool(tls=tls) as pool:
            return [await exchange(one, pool=pool, credential=credential, into=into) for one in requests]

    return trio.run(main)


def answer(
    request: Request,
    *,
    credential: tuple[tuple[str, str], ...] = (),
    into: Into | None = None,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """What comes back, in time: nothing takes longer than it may."""
    began = time.monotonic()
    (came,) = answers(request, credential=credential, into=into, tls=tls)
    assert time.monotonic() - began < 2 * request.timeout
    return came


def body_of(one: Reply) -> bytes:
    assert isinstance(one, Response), one
    return one.body


# -- the table ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [get, post])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_a_value_and_the_next_exchange_gets_its_own_answer(
    fault: Fault, ask: Callable[..., Request]
) -> None:
    async def main(url: str, timeout: float) -> tuple[Reply, float, Reply]:
        async with Pool() as pool:
            began = trio.current_time()
            first = await exchange(ask(url, timeout=timeout, largest=fault.largest), pool=pool)
            took = trio.current_time() - began
            return first, took, await exchange(get(url), pool=pool)

    def trial(timeout: float) -> None:
        with Server(fault.script, (read, send(GOOD))) as server:
            first, took, after = trio.run(main, server.url, timeout)
        assert fault.allows(first), first
        assert took < 2 * timeout
        assert body_of(after) == TEXT
        assert server.received[0].startswith(b"GET" if ask is get else b"POST")

    patiently(trial, fault.timeout)


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
def test_what_has_no_end_takes_little_memory(name: str) -> None:
    fault = BY_NAME[name]
    with Server(fault.script) as server:
        tracemalloc.start()
        try:
            came = answer(get(server.url, largest=fault.largest))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert fault.allows(came)
    assert peak < 4 * MB


@pytest.mark.parametrize("length", [len(TEXT) - 1, len(TEXT)])
def test_the_limit_is_exact(length: int) -> None:
    with Server((read, send(GOOD))) as server:
        came = answer(get(server.url, largest=length))
    whole = length == len(TEXT)
    assert body_of(came) == TEXT if whole else came == NoResponse(Cause.TOO_LARGE, sent=True)
    if isinstance(came, NoResponse):
        assert came.detail == f"the body has more than {length} bytes; it was said to have {length + 1}"


# -- bodies with a coding ----------------------------------------------------------------------------------------------


def raw_deflate(content: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(content) + machine.flush()


@pytest.mark.parametrize(
    ("coding", "code"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]
)
@pytest.mark.parametrize("bitwise", [False, True])
def test_a_coded_body_is_decoded_within_its_bound(coding: str, code: Callable[[bytes], bytes], bitwise: bool) -> None:
    content = reply(code(TEXT), f"Content-Encoding: {coding}")
    how = dribble(content, every=0.0) if bitwise else send(content)
    with Server((read, how, read, how, read, send(reply(code(TEXT + b" "), f"Content-Encoding: {coding}")))) as server:
        limit = len(TEXT)
        came = answers(*[get(server.url, largest=limit)] * 3)
    assert [body_of(one) for one in came[:2]] == [TEXT, TEXT]
    assert came[2] == NoResponse(Cause.TOO_LARGE, sent=True)
    assert server.connections == 1


@pytest.mark.parametrize("kept", [1, 9, 30])
def test_a_coded_body_that_is_not_whole_is_no_answer(kept: int) -> None:
    with Server(
        (read, send(reply(gzip.compress(TEXT)[:kept], "Content-Encoding: gzip"))), (read, send(GOOD))
    ) as server:
        came = answers(get(server.url), get(server.url))
    assert came[0] == BAD
    assert body_of(came[1]) == TEXT


# -- connections -------------------------------------------------------------------------------------------------------


def test_a_refused_port_sends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert answer(post(url)) == UNSENT
    assert answer(post(url.replace("http:", "https:"))) == UNSENT


class Resolver(trio.abc.HostnameResolver):
    """Names are looked up here and nowhere else: with an error, or, without one, never to the end."""

    def __init__(self, error: int | None) -> None:
        self._error = error

    async def getaddrinfo(
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002  the interface's own word
        proto: int = 0,
        flags: int = 0,
    ) -> NoReturn:
        del host, port, family, type, proto, flags
        if self._error is None:
            await trio.sleep_forever()
        raise socket.gaierror(self._error, "no")

    async def getnameinfo(self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int) -> NoReturn:
        raise NotImplementedError(sockaddr, flags)


@pytest.mark.parametrize(
    ("error", "expected"), [(socket.EAI_NONAME, UNRESOLVED), (socket.EAI_AGAIN, UNSENT), (None, STALLED)]
)
def test_a_name_that_does_not_exist_is_told_from_one_that_cannot_be_asked_for(
    error: int | None, expected: Reply
) -> None:
    async def main() -> Reply:
        trio.socket.set_custom_hostname_resolver(Resolver(error))
        async with Pool() as pool:
            return await exchange(post("https://service.example", timeout=30), pool=pool)

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) == expected


@pytest.mark.parametrize("name", ["a..b", ".example", f"{'a' * 64}.example"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_no_host_can_have_sends_nothing(scheme: str, name: str) -> None:
    assert answer(post(f"{scheme}://{name}")) == UNRESOLVED


@pytest.mark.parametrize(
    "url", ["http://", "http://exa mple", "ftp://127.0.0.1", "http://[::1", "http://*.x", "http://u:p@127.0.0.1"]
)
def test_an_address_that_is_none_sends_nothing(url: str) -> None:
    came = answer(get(url))
    assert isinstance(came, NoResponse)
    assert not came.sent


def test_a_server_that_takes_nothing_in_is_too_slow() -> None:
    def trial(timeout: float) -> None:
        with Server((wait_for(threading.Event()),)) as server:
            assert answer(post(server.url, timeout=timeout, body=bytes(32 * MB))) == LATE

    patiently(trial)


def test_slowness_and_silence_share_one_budget() -> None:
    def trial(timeout: float) -> None:
        with Server((read, dribble(GOOD[:2], every=0.8 * timeout), stall)) as server:
            began = time.monotonic()
            assert answer(get(server.url, timeout=timeout)) == LATE
            assert time.monotonic() - began < 1.6 * timeout  # and not 0.8 and another 1.0 of it

    patiently(trial)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str) -> None:
    with Server((read, send(GOOD))) as elsewhere:
        moved = (read, send(reply(b"", f"Location: {elsewhere.url}/v1/executions", status=status)))
        with Server(moved * 2) as server:
            came = answers(get(server.url), post(server.url), credential=BEARER)
    assert [one.status for one in came if isinstance(one, Response)] == [int(status[:3])] * 2
    assert elsewhere.connections == 0


@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints"])
def test_an_interim_reply_is_not_the_answer(status: str) -> None:
    with Server((read, send(head(status=f"HTTP/1.1 {status}") * 16 + GOOD)) * 2) as server:
        assert [body_of(one) for one in answers(get(server.url), get(server.url))] == [TEXT, TEXT]
    assert server.connections == 1


def test_netrc_is_never_looked_into(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server((read, send(GOOD))) as server:
        answer(get(server.url))
    assert field_of(server.received[0], "authorization") is None


# -- proxies -----------------------------------------------------------------------------------------------------------

LOGIN = "some%20one:p%40ss%2Fword"
BASIC = f"Basic {b64encode(b'some one:p@ss/word').decode()}"
OPENED = head(status="HTTP/1.1 200 Connection established")


def with_login(url: str) -> str:
    return url.replace("://", f"://{LOGIN}@")


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD)) * 2) as proxy:
        monkeypatch.setenv(name, proxy.url)
        came = answers(get("http://service.invalid"), post("http://service.invalid"))
    assert [body_of(one) for one in came] == [TEXT, TEXT]
    assert proxy.connections == 1
    assert proxy.received[0].startswith(b"GET http://service.invalid/v1/executions/exec_1 HTTP/1.1\r\n")
    assert field_of(proxy.received[0], "host") == "service.invalid"
    assert field_of(proxy.received[0], "proxy-authorization") is None
    assert proxy.received[1].endswith(b"{}")


def test_a_proxy_may_be_named_without_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removeprefix("http://"))
        assert body_of(answer(get("http://service.invalid"))) == TEXT


@pytest.mark.parametrize("hosts", ["127.0.0.1", "other.example,127.0.0.1", "*", "127.0.0.1:{port}"])
def test_no_proxy_is_used_where_none_is_wanted(hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy, Server((read, send(GOOD))) as server:
        monkeypatch.setenv("http_proxy", with_login(proxy.url))
        monkeypatch.setenv("no_proxy", hosts.format(port=server.address[1]))
        answer(get(server.url))
    assert (proxy.connections, server.connections) == (0, 1)
    assert field_of(server.received[0], "proxy-authorization") is None


def test_a_proxy_for_one_scheme_is_none_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy, Server((read, send(GOOD))) as server:
        monkeypatch.setenv("https_proxy", proxy.url)
        answer(get(server.url))
    assert (proxy.connections, server.connections) == (0, 1)


def test_the_login_of_a_proxy_goes_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy:
        monkeypatch.setenv("http_proxy", with_login(proxy.url))
        answer(get("http://service.invalid"))
    assert field_of(proxy.received[0], "proxy-authorization") == BASIC


def test_the_login_of_a_proxy_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://{LOGIN}@proxy.example:3128")
    place = address("http://service.invalid")
    assert place is not None
    proxy = proxy_for(place)
    assert proxy is not None
    assert (proxy.host, proxy.port) == ("proxy.example", 3128)
    shown = f"{proxy!r} {Connection(proxy)!r} {Pool()!r}"
    for secret in ("p@ss", "p%40ss", BASIC.removeprefix("Basic ")):
        assert secret not in shown


@pytest.mark.parametrize(
    "url",
    [
        "socks5://someone:secret@127.0.0.1:1080",
        "https://someone:secret@127.0.0.1:1080",
        "http://someone:secret@127.0.0.1:port",
        "http://someone:sec/secret@127.0.0.1:1080",
        "http://someone:sec#secret@127.0.0.1:1080",
        "http://someone:secret@127.0.0.1:99999",
        "http://[someone:secret",
        "http://",
        "://secret",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_login(
    scheme: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", url)

    async def main() -> None:
        async with Pool(size=1) as pool:
            for _ in range(2):  # the first leaves nothing claimed
                with pytest.raises(InvalidAddress, match="http://host:port") as caught:
                    await exchange(get(f"{scheme}://service.invalid"), pool=pool)
                assert "sec" not in str(caught.value).replace("service", "")
                assert caught.value.__cause__ is None
                assert caught.value.__suppress_context__ or caught.value.__context__ is None

    trio.run(main)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ((read,), CUT),
        ((read, hostile.reset), CUT),
        ((read, stall), LATE),
        ((read, send(b"no HTTP\r\n\r\n")), BAD),
    ],
)
def test_what_a_proxy_has_cut_may_have_arrived(
    script: Script, expected: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trial(timeout: float) -> None:
        with Server(script) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            assert answer(post("http://service.invalid", timeout=timeout)) == expected
        assert len(proxy.received) == 1

    patiently(trial)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_connections_sends_nothing(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as gone:
        pass
    monkeypatch.setenv(f"{scheme}_proxy", gone.url)
    assert answer(post(f"{scheme}://service.invalid")) == UNSENT


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ((read, send(head(status="HTTP/1.1 407 Proxy Authentication Required"))), UNSENT),
        ((read, send(head(status="HTTP/1.1 502 Bad Gateway"))), UNSENT),
        ((read, send(b"no HTTP\r\n\r\n")), UNSENT),
        ((read,), UNSENT),
        ((read, hostile.reset), UNSENT),
        ((read, send(OPENED)), UNSENT),
        ((read, stall), STALLED),
        ((read, dribble(head(*["X-A: 1"] * 50))), STALLED),
    ],
)
def test_a_tunnel_that_is_not_opened_sends_nothing(
    script: Script, expected: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trial(timeout: float) -> None:
        with Server(script) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            assert answer(post("https://service.invalid", timeout=timeout), credential=BEARER) == expected
        assert proxy.received, "it was given up before it was asked"
        assert proxy.received[0].startswith(b"CONNECT service.invalid:443 ")
        assert field_of(proxy.received[0], "authorization") is None

    patiently(trial)


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]  pyOpenSSL is not here
    return context


def tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


def test_a_chain_that_is_trusted(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    with Server((read, send(GOOD)) * 3, tls=tls(authority)) as server:
        came = answers(*[get(server.url)] * 3, tls=trusting)
    assert [body_of(one) for one in came] == [TEXT] * 3
    assert server.connections == 1


def test_the_trust_of_the_system_is_the_default(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(path)
    with Server((read, send(GOOD)), tls=tls(authority)) as server:
        assert answer(post(server.url)) == UNTRUSTED
        monkeypatch.setenv("SSL_CERT_FILE", path)  # where OpenSSL is told that the system keeps it
        assert body_of(answer(post(server.url))) == TEXT


def test_an_authority_that_is_not_known(authority: trustme.CA) -> None:
    with Server((read, send(GOOD)), tls=tls(authority)) as server:
        assert answer(post(server.url), credential=BEARER) == UNTRUSTED
        assert (server.connections, server.received) == (1, [])


def test_a_certificate_of_another_host(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    with Server((read, send(GOOD)), tls=tls(authority, "elsewhere.example")) as server:
        assert answer(post(server.url), tls=trusting, credential=BEARER) == UNTRUSTED
    assert (server.connections, server.received) == (1, [])


def test_a_job_gives_up_at_once_where_the_certificate_is_not_trusted(authority: trustme.CA) -> None:
    async def main(url: str) -> None:
        async with Client(KEY, dialect=bide.ModelRoute(url), clock=TrioVirtualClock(VirtualClock())) as client:
            with pytest.raises(JobAbandoned, match="CA certificates") as caught:
                await client.run("flux", {})
        assert caught.value.job.reason is bide.Reason.UNTRUSTED

    with Server((read, send(GOOD)), tls=tls(authority)) as server:
        trio.run(main, server.url)
    assert server.connections == 1


def test_the_name_and_the_protocol_are_told_in_the_handshake(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    names: list[str | None] = []
    chosen: list[str | None] = []

    def note(line: Line) -> None:
        assert isinstance(line.sock, ssl.SSLSocket)
        chosen.append(line.sock.selected_alpn_protocol())

    context = tls(authority, "localhost")
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.sni_callback = lambda _, name, __: names.append(name)
    with Server((note, read, send(GOOD)), tls=context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        assert body_of(answer(get(url), tls=trusting)) == TEXT
        assert answer(get(server.url), tls=trusting) == UNTRUSTED  # the same server under a name it has no proof for
    assert chosen == ["http/1.1"]
    assert names[0] == "localhost"
    assert field_of(server.received[0], "host") == f"localhost:{server.address[1]}"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ((hear,), UNSENT),
        ((hear, hostile.reset), UNSENT),
        ((hear, send(b"HTTP/1.1 400 Bad Request\r\n\r\n")), UNSENT),
        ((hear, stall), STALLED),
        ((hear, dribble(b"\x16\x03\x03\x10\x00" + bytes(400))), STALLED),
    ],
    ids=["end", "reset", "plain HTTP", "silence", "a byte at a time"],
)
def test_a_handshake_that_fails_sends_nothing_and_may_be_tried_again(
    script: Script, expected: Reply, trusting: ssl.SSLContext
) -> None:
    def trial(timeout: float) -> None:
        with Server(script, scheme="https") as server:
            assert answer(post(server.url, timeout=timeout), tls=trusting) == expected

    patiently(trial)


BEHIND_TLS = [
    "end before the status",
    "end mid body",
    "reset mid body",
    "end mid chunk",
    "no length, then the end",  # without a goodbye of TLS either, as many servers do it
    "interim replies of all kinds, then the answer",
    "an interim reply too many",
    "slow interim replies",
    "a slow head",
    "a slow body",
]


@pytest.mark.parametrize("name", BEHIND_TLS)
def test_faults_behind_tls(name: str, authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    fault = BY_NAME[name]

    def trial(timeout: float) -> None:
        with Server(fault.script, (read, send(GOOD)), tls=tls(authority)) as server:
            came = answers(post(server.url, timeout=timeout), get(server.url), tls=trusting)
        assert fault.allows(came[0]), came[0]
        assert body_of(came[1]) == TEXT

    patiently(trial, fault.timeout)


def test_a_tunnel_to_a_trusted_host(
    authority: trustme.CA, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Server((read, send(GOOD)) * 2, tls=tls(authority)) as server,
        Server((read, send(head(status="HTTP/1.1 103 Early Hints") + OPENED), forward(server.address))) as proxy,
    ):
        monkeypatch.setenv("https_proxy", with_login(proxy.url))
        came = answers(get(server.url), post(server.url), tls=trusting, credential=BEARER)
    assert [body_of(one) for one in came] == [TEXT, TEXT]
    assert (server.connections, proxy.connections) == (1, 1)
    assert field_of(proxy.received[0], "proxy-authorization") == BASIC
    assert KEY.encode() not in proxy.received[0]
    for request in server.received:
        assert field_of(request, "authorization") == f"Bearer {KEY}"
        assert field_of(request, "proxy-authorization") is None


def test_a_tunnel_to_a_host_that_is_not_trusted(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Server((read, send(GOOD)), tls=tls(authority)) as server,
        Server((read, send(OPENED), forward(server.address))) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url)
        assert answer(post(server.url), credential=BEARER) == UNTRUSTED
    assert (proxy.connections, server.received) == (1, [])


def test_what_is_cut_behind_a_tunnel_may_have_arrived(
    authority: trustme.CA, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server((read,), tls=tls(authority)) as server, Server((read, send(OPENED), forward(server.address))) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        assert answer(post(server.url), tls=trusting) == CUT


# -- bodies that go into a file ----------------------------------------------------------------------------------------


class Chunks:
    """Takes the bytes of a file and keeps their number only."""

    def __init__(self) -> None:
        self.size, self.largest = 0, 0

    def write(self, chunk: bytes, /) -> None:
        self.size += len(chunk)
        self.largest = max(self.largest, len(chunk))


def test_a_file_is_passed_on_in_small_pieces() -> None:
    chunks, picture = Chunks(), gzip.compress(bytes(16 * MB))
    with Server((read, send(reply(picture, "Content-Encoding: gzip")))) as server:
        tracemalloc.start()
        try:
            came = answer(get(server.url), into=lambda _: chunks)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert body_of(came) == b""
    assert chunks.size == 16 * MB
    assert chunks.largest <= 65536
    assert peak < 2 * MB


def test_a_file_without_end_is_bounded_in_time() -> None:
    def trial(timeout: float) -> None:
        with Server((read, send(head()), flood(bytes(65536)))) as server:
            assert answer(get(server.url, timeout=timeout), into=lambda _: Chunks()) == LATE

    patiently(trial)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.allowed[0] == CUT], ids=lambda f: f.name)
def test_a_file_that_is_cut_is_never_whole(fault: Fault) -> None:
    with Server(fault.script) as server:
        came = answer(get(server.url), into=lambda _: Chunks())
    assert fault.allows(came), came


def test_a_reply_that_is_no_file_is_read_as_ever() -> None:
    seen: list[Response] = []
    with Server((read, send(reply(TEXT, status="404 Not Found")))) as server:
        came = answer(get(server.url), into=seen.append)
    assert isinstance(came, Response)
    assert (came.status, came.body) == (404, TEXT)
    assert [(one.status, one.body) for one in seen] == [(404, b"")]


class Full:
    """A disk without room."""

    def write(self, _: bytes, /) -> None:
        raise OSError(errno.ENOSPC, "no room")


def test_the_errors_of_the_file_are_the_callers_and_end_the_connection() -> None:
    async def main(url: str) -> Reply:
        async with Pool(size=1) as pool:
            with pytest.raises(OSError, match="no room"):
                await exchange(get(url), pool=pool, into=lambda _: Full())
            return await exchange(get(url), pool=pool)

    with Server((read, send(GOOD), read, send(EVIL)), (read, send(GOOD))) as server:
        assert body_of(trio.run(main, server.url)) == TEXT
    assert server.connections == 2


# -- bodies that come from a stream ------------------------------------------------------------------------------------


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        await trio.lowlevel.checkpoint()
        yield piece


def upload(url: str, length: int | None, *, timeout: float = 20.0) -> Request:
    headers = () if length is None else (("content-length", str(length)),)
    return Request("PUT", url + "/upload", headers, timeout=timeout)


def test_a_body_is_streamed() -> None:
    async def main(url: str) -> list[Reply]:
        async with Pool() as pool:
            first = await exchange(
                upload(url, 3 * MB), pool=pool, credential=BEARER, content=pieces(*[bytes(MB // 2)] * 6)
            )
            return [first, await exchange(get(url), pool=pool)]

    with Server((read, send(GOOD)) * 2) as server:
        assert [body_of(one) for one in trio.run(main, server.url)] == [TEXT, TEXT]
    uploaded = server.received[0].partition(b"\r\n\r\n")[2]
    assert uploaded == bytes(3 * MB)
    assert field_of(server.received[0], "authorization") == f"Bearer {KEY}"
    assert server.connections == 1


@pytest.mark.parametrize("length", [5, 9, None])
def test_a_body_of_another_length_than_told_is_the_callers_fault(length: int | None) -> None:
    async def main(url: str) -> Reply:
        async with Pool(size=1) as pool:
            content = pieces(b"1234", b"567")
            with pytest.raises(h11.LocalProtocolError):
                await exchange(upload(url, length), pool=pool, content=content)
            async for _ in content:
                pass
            return await exchange(get(url), pool=pool)

    with Server((hear, stall), (read, send(GOOD))) as server:
        assert body_of(trio.run(main, server.url)) == TEXT
    assert server.connections == 2


def test_the_errors_of_a_streamed_body_are_the_callers_and_end_the_connection() -> None:
    async def broken() -> AsyncIterator[bytes]:
        await trio.lowlevel.checkpoint()
        yield b"1234"
        raise OSError(errno.EIO, "no more")

    async def main(url: str) -> Reply:
        async with Pool(size=1) as pool:
            with pytest.raises(OSError, match="no more"):
                await exchange(upload(url, 7), pool=pool, content=broken())
            return await exchange(get(url), pool=pool)

    with Server((hear, stall), (read, send(GOOD))) as server:
        assert body_of(trio.run(main, server.url)) == TEXT


def test_a_streamed_body_is_bounded_in_time() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"1234"
        await trio.sleep_forever()

    async def main(url: str, timeout: float) -> Reply:
        async with Pool() as pool:
            return await exchange(upload(url, 7, timeout=timeout), pool=pool, content=slow())

    def trial(timeout: float) -> None:
        with Server((hear, stall)) as server:
            began = time.monotonic()
            assert trio.run(main, server.url, timeout) == LATE
            assert time.monotonic() - began < 2 * timeout

    patiently(trial)


def test_a_streamed_body_may_come_from_another_exchange() -> None:
    async def main(url: str) -> Reply:
        async with Pool() as pool:

            async def relayed() -> AsyncIterator[bytes]:
                yield body_of(await exchange(get(url), pool=pool))  # the same task, the same origin

            return await exchange(upload(url, len(TEXT)), pool=pool, content=relayed())

    with Server((read, send(GOOD))) as server:
        assert body_of(trio.run(main, server.url)) == TEXT
    assert server.received[-1].endswith(TEXT)
    assert server.connections == 2


# -- what the machine makes of it --------------------------------------------------------------------------------------

PROCESSING = reply(b'{"id":"exec_1","status":"PROCESSING"}')
COMPLETED = reply(b'{"id":"exec_1","status":"COMPLETED","output":{"text":"a fox"}}')


def watched(server: Server, patience: bide.Patience) -> bide.Finished:
    async def main() -> bide.Finished:
        clock = TrioVirtualClock(VirtualClock())
        job = bide.watch("exec_1", dialect=bide.ModelRoute(server.url), now=clock.now(), patience=patience)
        async with Pool() as pool:
            return await run(job, lambda request: exchange(request, pool=pool), clock)

    return trio.run(main)


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.timeout != SHORT and fault.name != "a gzip bomb"], ids=lambda f: f.name
)
def test_no_fault_ends_a_job(fault: Fault) -> None:
    with Server(fault.script, (read, send(COMPLETED))) as server:
        ended = watched(server, bide.Patience(largest=fault.largest))
    assert isinstance(ended, bide.Completed)
    assert ended.result.output == {"text": "a fox"}


def test_the_machine_asks_for_plain_bytes() -> None:
    with Server((read, send(PROCESSING), read, send(COMPLETED))) as server:
        watched(server, bide.Patience())
    assert {field_of(request, "accept-encoding") for request in server.received} == {"identity"}
    assert server.connections == 1
