"""Every fault of a network and a server, on real sockets, through `exchange`; then what the machine makes of some."""

from __future__ import annotations

import errno
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
import requests
import trustme
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError
from urllib3.exceptions import SSLError as UnreadableCertificates

import bide
from bide.errors import JobAbandoned
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide_transports.bounded import BoundedAdapter
from bide_transports.emulator import VirtualClock
from bide_transports.requests import Client, exchange, run
from bide_transports.requests_faults import no_response
from bide_transports.sinks import Into
from tests import hostile
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
    forward,
    head,
    hear,
    patiently,
    read,
    reply,
    send,
    sip,
    stall,
    tell,
    wait_for,
)

KEY = "sk_" + "0" * 64
BEARER = (("authorization", f"Bearer {KEY}"),)
MB = 1024 * 1024
BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no netrc"))


@pytest.fixture
def session() -> Generator[requests.Session]:
    with requests.Session() as made:
        made.mount("http://", BoundedAdapter())
        made.mount("https://", BoundedAdapter())
        yield made


def get(url: str, *, timeout: float = 20.0, largest: int = 65536) -> Request:
    return Request("GET", url + "/v1/executions/exec_1", timeout=timeout, largest=largest)


def post(url: str, *, timeout: float = 20.0, largest: int = 65536, body: bytes = b"{}") -> Request:
    return Request("POST", url + "/v1/executions", body=body, timeout=timeout, largest=largest)


def in_time(request: Request, session: requests.Session, *, into: Into | None = None) -> Reply:
    """What comes back: nothing takes longer than it may."""
    began = time.monotonic()
    answer = exchange(request, session=session, into=into)
    assert time.monotonic() - began < 2 * request.timeout
    return answer


# -- the table ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [get, post])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_a_value_and_the_next_exchange_gets_its_own_answer(
    fault: Fault, ask: Callable[..., Request], session: requests.Session
) -> None:
    def trial(timeout: float) -> None:
        with Server(fault.script, (read, send(GOOD))) as server:
            answer = in_time(ask(server.url, timeout=timeout, largest=fault.largest), session)
            after = exchange(get(server.url), session=session)
        assert fault.allows(answer), answer
        assert isinstance(after, Response)
        assert after.body == TEXT
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
def test_what_has_no_end_takes_little_memory(name: str, session: requests.Session) -> None:
    fault = BY_NAME[name]
    with Server(fault.script) as server:
        tracemalloc.start()
        try:
            answer = exchange(get(server.url, largest=fault.largest), session=session)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert fault.allows(answer)
    assert peak < 4 * MB


@pytest.mark.parametrize("length", [len(TEXT) - 1, len(TEXT)])
def test_the_limit_is_exact(length: int, session: requests.Session) -> None:
    with Server((read, send(GOOD))) as server:
        answer = exchange(get(server.url, largest=length), session=session)
    whole = length == len(TEXT)
    assert isinstance(answer, Response) if whole else answer == NoResponse(Cause.TOO_LARGE, sent=True)
    if isinstance(answer, NoResponse):
        assert answer.detail == f"the body has more than {length} bytes; it was said to have {length + 1}"


def test_a_large_body_without_a_length_is_told_by_the_limit_alone(session: requests.Session) -> None:
    fault = BY_NAME["chunks without end"]
    with Server(fault.script) as server:
        answer = exchange(get(server.url, largest=1000), session=session)
    assert isinstance(answer, NoResponse)
    assert answer.detail == "the body has more than 1000 bytes"


# -- connections -------------------------------------------------------------------------------------------------------


def test_a_refused_port_sends_nothing(session: requests.Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert exchange(post(url), session=session) == NoResponse(Cause.UNREACHABLE, sent=False)


@pytest.mark.parametrize(
    ("error", "cause"), [(socket.EAI_NONAME, Cause.UNRESOLVED), (socket.EAI_AGAIN, Cause.UNREACHABLE)]
)
def test_a_name_that_does_not_exist_is_told_from_one_that_cannot_be_asked_for(error: int, cause: Cause) -> None:
    # Loopback has no name server: the exceptions are the libraries' own, the lookup is not.
    unknown = NameResolutionError("api.example", HTTPConnection("api.example"), socket.gaierror(error, "no"))
    wrapped = requests.ConnectionError(MaxRetryError(None, "/secret?sig=1", unknown))  # type: ignore[arg-type]
    unknown.__cause__ = socket.gaierror(error, "no")
    assert no_response(wrapped) == NoResponse(cause, sent=False)


@pytest.mark.parametrize("url", ["http://", "http://exa mple/", "ftp://127.0.0.1/", "http://[::1/", "http://*.x/"])
def test_an_address_that_is_none_sends_nothing(url: str, session: requests.Session) -> None:
    answer = exchange(Request("GET", url), session=session)
    assert isinstance(answer, NoResponse)
    assert not answer.sent


def test_a_connection_is_used_again(session: requests.Session) -> None:
    with Server((read, send(GOOD), read, send(GOOD))) as server:
        for _ in range(2):
            assert isinstance(exchange(get(server.url), session=session), Response)
    assert server.connections == 1


def test_bytes_that_come_late_are_nobodys_answer(session: requests.Session) -> None:
    answered, late = threading.Event(), threading.Event()
    with Server((read, send(GOOD), wait_for(answered), send(EVIL), tell(late), stall), (read, send(GOOD))) as server:
        exchange(get(server.url), session=session)
        answered.set()
        assert late.wait(10)
        answer = exchange(get(server.url), session=session)
    assert isinstance(answer, Response)
    assert answer.body == TEXT
    assert server.connections == 2


@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints"])
def test_a_connection_is_used_again_after_interim_replies(status: str, session: requests.Session) -> None:
    with Server((read, send(head(status=f"HTTP/1.1 {status}") * 16 + GOOD)) * 2) as server:
        answers = [exchange(ask(server.url), session=session) for ask in (post, get)]
    assert [answer.body for answer in answers if isinstance(answer, Response)] == [TEXT, TEXT]
    assert server.connections == 1


def test_an_adapter_that_stops_at_an_interim_reply_has_no_answer() -> None:
    late = (read, send(head(status="HTTP/1.1 103 Early Hints")), read, send(EVIL))
    with Server(late, (read, send(GOOD))) as server, requests.Session() as plain:
        interim, answer = (exchange(get(server.url), session=plain) for _ in range(2))
    assert isinstance(interim, NoResponse)
    assert (interim.cause, interim.sent) == (Cause.PROTOCOL, True)
    assert isinstance(answer, Response)
    assert answer.body == TEXT  # and not the reply that was late


def test_a_connection_that_was_closed_while_idle_is_not_used(session: requests.Session) -> None:
    closed = threading.Event()
    with Server((read, send(GOOD), finish, tell(closed)), (read, send(GOOD))) as server:
        exchange(post(server.url), session=session)
        assert closed.wait(10)
        assert isinstance(exchange(post(server.url), session=session), Response)
    assert server.connections == 2


def test_a_server_that_takes_nothing_in_is_too_slow(session: requests.Session) -> None:
    def trial(timeout: float) -> None:
        with Server((wait_for(threading.Event()),)) as server:
            answer = in_time(post(server.url, timeout=timeout, body=bytes(32 * MB)), session)
        assert answer == NoResponse(Cause.TIMEOUT, sent=True)

    patiently(trial)


def test_a_server_that_takes_in_little_by_little_is_too_slow(session: requests.Session) -> None:
    def trial(timeout: float) -> None:
        with Server((sip,), (read, send(GOOD))) as server:
            began = time.monotonic()
            upload = replace(post(server.url, timeout=timeout), method="PUT")
            answer = exchange(upload, session=session, content=BytesIO(bytes(16 * MB)))
            assert time.monotonic() - began < 2 * timeout
            assert answer == NoResponse(Cause.TIMEOUT, sent=True)
            assert isinstance(exchange(get(server.url), session=session), Response)

    patiently(trial)


def test_slowness_and_silence_share_one_budget(session: requests.Session) -> None:
    def trial(timeout: float) -> None:
        with Server((read, dribble(GOOD[:2], every=0.8 * timeout), stall)) as server:
            began = time.monotonic()
            answer = exchange(get(server.url, timeout=timeout), session=session)
            assert time.monotonic() - began < 1.6 * timeout  # and not 0.8 and another 1.0 of it
        assert answer == NoResponse(Cause.TIMEOUT, sent=True)

    patiently(trial)


# -- redirects, .netrc, proxies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str, session: requests.Session) -> None:
    with Server((read, send(GOOD))) as elsewhere:
        moved = (read, send(reply(b"", f"Location: {elsewhere.url}/v1/executions", status=status)))
        with Server(moved * 2) as server:
            answers = [exchange(ask(server.url), session=session, credential=BEARER) for ask in (get, post)]
    assert [answer.status for answer in answers if isinstance(answer, Response)] == [int(status[:3])] * 2
    assert elsewhere.connections == 0


@pytest.mark.parametrize("credential", [BEARER, ()])
def test_netrc_neither_replaces_nor_adds_a_credential(
    credential: tuple[tuple[str, str], ...], session: requests.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server((read, send(GOOD)), (read, send(GOOD))) as server:
        requests.get(server.url, timeout=10)
        exchange(get(server.url), session=session, credential=credential)
    assert field_of(server.received[0], "authorization") == "Basic c29tZW9uZTplbHNl"  # the file does work
    assert field_of(server.received[1], "authorization") == (f"Bearer {KEY}" if credential else None)


def test_a_proxy_of_the_environment_is_used(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        answer = exchange(get("http://service.invalid"), session=session)
    assert isinstance(answer, Response)
    assert proxy.received[0].startswith(b"GET http://service.invalid/v1/executions/exec_1 HTTP/1.1\r\n")


def test_no_proxy_is_used_where_none_is_wanted(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy, Server((read, send(GOOD))) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        exchange(get(server.url), session=session)
    assert (proxy.connections, server.connections) == (0, 1)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ((read,), NoResponse(Cause.RESET, sent=True)),
        ((read, hostile.reset), NoResponse(Cause.RESET, sent=True)),
        ((read, stall), NoResponse(Cause.TIMEOUT, sent=True)),
        ((read, send(b"no HTTP\r\n\r\n")), NoResponse(Cause.PROTOCOL, sent=True)),
    ],
)
def test_what_a_proxy_has_cut_may_have_arrived(script: Script, expected: Reply, session: requests.Session) -> None:
    def trial(timeout: float) -> None:
        with Server(script) as proxy:
            session.proxies = {"http": proxy.url}
            assert exchange(post("http://service.invalid", timeout=timeout), session=session) == expected
        assert len(proxy.received) == 1

    patiently(trial)


def test_a_proxy_that_refuses_connections_sends_nothing(session: requests.Session) -> None:
    with Server() as gone:
        pass
    session.proxies = {"http": gone.url, "https": gone.url}
    for scheme in ("http", "https"):
        answer = exchange(post(f"{scheme}://service.invalid"), session=session)
        assert answer == NoResponse(Cause.UNREACHABLE, sent=False)


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ((read, send(head(status="HTTP/1.1 407 Proxy Authentication Required"))), Cause.UNREACHABLE),
        ((read,), Cause.UNREACHABLE),
        ((read, hostile.reset), Cause.UNREACHABLE),
        ((read, dribble(head(*["X-A: 1"] * 50))), Cause.TIMEOUT),
    ],
)
def test_a_tunnel_that_is_not_opened_sends_nothing(script: Script, cause: Cause, session: requests.Session) -> None:
    def trial(timeout: float) -> None:
        with Server(script) as proxy:
            session.proxies = {"https": proxy.url}
            answer = in_time(post("https://service.invalid", timeout=timeout), session)
        assert answer == NoResponse(cause, sent=False)
        assert proxy.received, "it was given up before it was asked"
        assert proxy.received[0].startswith(b"CONNECT service.invalid:443 ")

    patiently(trial)


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, session: requests.Session, tmp_path: Path) -> requests.Session:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    session.verify = str(tmp_path / "ca.pem")
    return session


def tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  pyOpenSSL is not here
    return context


def test_a_chain_that_is_trusted(authority: trustme.CA, trusting: requests.Session) -> None:
    with Server((read, send(GOOD), read, send(GOOD)), tls=tls(authority)) as server:
        answers = [exchange(get(server.url), session=trusting) for _ in range(2)]
    assert [answer.body for answer in answers if isinstance(answer, Response)] == [TEXT, TEXT]
    assert server.connections == 1


def test_an_authority_that_is_not_known(authority: trustme.CA, session: requests.Session) -> None:
    with Server((read, send(GOOD)), tls=tls(authority)) as server:
        assert exchange(post(server.url), session=session) == NoResponse(Cause.UNTRUSTED, sent=False)
        assert (server.connections, server.received) == (1, [])
        with pytest.raises(requests.exceptions.SSLError):
            session.get(server.url, timeout=10)  # the adapter changes nothing for its other users


@pytest.mark.parametrize("name", ["missing.pem", "empty.pem", "no.pem", "directory"])
def test_authorities_that_cannot_be_read(
    name: str, authority: trustme.CA, session: requests.Session, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").touch()
    (tmp_path / "no.pem").write_text("buy milk")
    (tmp_path / "directory").mkdir()
    session.verify = str(tmp_path / name)
    with Server((read, send(GOOD)), tls=tls(authority)) as server:
        answer = exchange(post(server.url), session=session)
    assert isinstance(answer, NoResponse)
    assert (answer.cause, answer.sent) == (Cause.UNTRUSTED, False)
    assert (str(tmp_path / name) in answer.detail) is (name == "missing.pem")
    assert server.received == []


def test_authorities_that_are_anothers() -> None:
    refused = UnreadableCertificates(PermissionError(errno.EACCES, "not yours"))
    error = requests.exceptions.SSLError(MaxRetryError(None, "/", refused))  # type: ignore[arg-type]
    assert no_response(error) == NoResponse(Cause.UNTRUSTED, sent=False)


def test_a_certificate_of_ones_own_that_is_missing(session: requests.Session, tmp_path: Path) -> None:
    session.cert = str(tmp_path / "missing.pem")
    answer = exchange(post("https://127.0.0.1:9"), session=session)
    assert isinstance(answer, NoResponse)
    assert (answer.cause, answer.sent) == (Cause.UNTRUSTED, False)
    assert answer.detail.endswith("missing.pem")


def test_a_job_gives_up_at_once_where_the_authorities_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/missing/ca.pem")
    client = Client(KEY, dialect=bide.ModelRoute("https://127.0.0.1:9"), clock=VirtualClock())
    with client, pytest.raises(JobAbandoned, match="CA certificates"):
        client.run("flux", {})


def test_a_certificate_of_another_host(authority: trustme.CA, trusting: requests.Session) -> None:
    with Server((read, send(GOOD)), tls=tls(authority, "elsewhere.example")) as server:
        assert exchange(post(server.url), session=trusting) == NoResponse(Cause.UNTRUSTED, sent=False)
    assert (server.connections, server.received) == (1, [])


def test_a_job_gives_up_at_once_where_the_certificate_is_not_trusted(authority: trustme.CA) -> None:
    with Server((read, send(GOOD)), tls=tls(authority)) as server:
        client = Client(KEY, dialect=bide.ModelRoute(server.url), clock=VirtualClock())
        with client, pytest.raises(JobAbandoned, match="CA certificates") as caught:
            client.run("flux", {})
    assert isinstance(caught.value.job, bide.Abandoned)
    assert caught.value.job.reason is bide.Reason.UNTRUSTED
    assert server.connections == 1


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ((hear,), Cause.UNREACHABLE),
        ((hear, hostile.reset), Cause.UNREACHABLE),
        ((hear, send(b"HTTP/1.1 400 Bad Request\r\n\r\n")), Cause.UNREACHABLE),
        ((hear, stall), Cause.TIMEOUT),
        ((hear, dribble(b"\x16\x03\x03\x10\x00" + bytes(400))), Cause.TIMEOUT),
    ],
    ids=["end", "reset", "plain HTTP", "silence", "a byte at a time"],
)
def test_a_handshake_that_fails_sends_nothing_and_may_be_tried_again(
    script: Script, cause: Cause, trusting: requests.Session
) -> None:
    def trial(timeout: float) -> None:
        with Server(script, scheme="https") as server:
            answer = in_time(post(server.url, timeout=timeout), trusting)
        assert answer == NoResponse(cause, sent=False)

    patiently(trial)


@pytest.mark.parametrize(
    "name",
    [
        "end before the status",
        "end mid body",
        "reset mid body",
        "interim replies of all kinds, then the answer",
        "an interim reply too many",
        "slow interim replies",
        "a slow head",
        "a slow body",
    ],
)
def test_faults_behind_tls(name: str, authority: trustme.CA, trusting: requests.Session) -> None:
    fault = BY_NAME[name]

    def trial(timeout: float) -> None:
        with Server(fault.script, tls=tls(authority)) as server:
            answer = in_time(post(server.url, timeout=timeout), trusting)
        assert fault.allows(answer), answer

    patiently(trial, fault.timeout)


def test_a_tunnel_to_a_trusted_host(authority: trustme.CA, trusting: requests.Session) -> None:
    opened = head(status="HTTP/1.1 103 Early Hints") + head(status="HTTP/1.1 200 Connection established")
    with (
        Server((read, send(GOOD)), tls=tls(authority)) as server,
        Server((read, send(opened), forward(server.address))) as proxy,
    ):
        trusting.proxies = {"https": proxy.url}
        answer = exchange(get(server.url), session=trusting, credential=BEARER)
    assert isinstance(answer, Response)
    assert field_of(server.received[0], "authorization") == f"Bearer {KEY}"
    assert KEY.encode() not in proxy.received[0]


def test_what_is_cut_behind_a_tunnel_may_have_arrived(authority: trustme.CA, trusting: requests.Session) -> None:
    opened = head(status="HTTP/1.1 200 Connection established")
    with Server((read,), tls=tls(authority)) as server, Server((read, send(opened), forward(server.address))) as proxy:
        trusting.proxies = {"https": proxy.url}
        assert exchange(post(server.url), session=trusting) == NoResponse(Cause.RESET, sent=True)


# -- bodies that go into a file ----------------------------------------------------------------------------------------


class Chunks:
    """Takes the bytes of a file and keeps their number only."""

    def __init__(self) -> None:
        self.size, self.largest = 0, 0

    def write(self, chunk: bytes, /) -> None:
        self.size += len(chunk)
        self.largest = max(self.largest, len(chunk))


def test_a_file_is_passed_on_in_small_pieces(session: requests.Session) -> None:
    chunks, picture = Chunks(), gzip.compress(bytes(16 * MB))
    with Server((read, send(reply(picture, "Content-Encoding: gzip")))) as server:
        tracemalloc.start()
        try:
            answer = exchange(get(server.url), session=session, into=lambda _: chunks)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert isinstance(answer, Response)
    assert answer.body == b""
    assert chunks.size == 16 * MB
    assert chunks.largest <= 65536
    assert peak < 2 * MB


def test_a_file_without_end_is_bounded_in_time(session: requests.Session) -> None:
    def trial(timeout: float) -> None:
        with Server((read, send(head()), flood(bytes(65536)))) as server:
            answer = in_time(get(server.url, timeout=timeout), session, into=lambda _: Chunks())
        assert answer == NoResponse(Cause.TIMEOUT, sent=True)

    patiently(trial)


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.allowed[0] == NoResponse(Cause.RESET, sent=True)], ids=lambda f: f.name
)
def test_a_file_that_is_cut_is_never_whole(fault: Fault, session: requests.Session) -> None:
    with Server(fault.script) as server:
        answer = exchange(get(server.url), session=session, into=lambda _: Chunks())
    assert fault.allows(answer), answer


def test_a_reply_that_is_no_file_is_read_as_ever(session: requests.Session) -> None:
    seen: list[Response] = []
    with Server((read, send(reply(TEXT, status="404 Not Found")))) as server:
        answer = exchange(get(server.url), session=session, into=seen.append)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (404, TEXT)
    assert [(one.status, one.body) for one in seen] == [(404, b"")]


def test_the_errors_of_the_file_are_the_callers(session: requests.Session) -> None:
    class Full:
        def write(self, _: bytes, /) -> None:
            raise OSError(errno.ENOSPC, "no room")

    with Server((read, send(GOOD))) as server, pytest.raises(OSError, match="no room"):
        exchange(get(server.url), session=session, into=lambda _: Full())


# -- what the machine makes of it --------------------------------------------------------------------------------------

PROCESSING = reply(b'{"id":"exec_1","status":"PROCESSING"}')
COMPLETED = reply(b'{"id":"exec_1","status":"COMPLETED","output":{"text":"a fox"}}')
PORTALS = [b"<!doctype html><title>Sign in</title>", b"", b"[]", b"null", b"{", b"\xff\xfe"]


def watched(server: Server, session: requests.Session, patience: bide.Patience) -> bide.Finished:
    clock = VirtualClock()
    job = bide.watch("exec_1", dialect=bide.ModelRoute(server.url), now=clock.now(), patience=patience)
    return run(job, partial(exchange, session=session), clock)


@pytest.mark.parametrize("body", PORTALS)
def test_a_page_in_place_of_the_api_is_put_up_with_for_a_while(body: bytes, session: requests.Session) -> None:
    portal = [read, send(reply(body))]
    with Server([*portal * 2, read, send(PROCESSING), *portal * 2, read, send(COMPLETED)]) as server:
        assert isinstance(watched(server, session, bide.Patience(failures=3)), bide.Completed)
    assert len(server.received) == 6


@pytest.mark.parametrize("body", PORTALS)
def test_a_page_in_place_of_the_api_is_not_put_up_with_for_ever(body: bytes, session: requests.Session) -> None:
    with Server([read, send(reply(body))] * 20) as server:
        ended = watched(server, session, bide.Patience(failures=3))
    assert isinstance(ended, bide.Abandoned)
    assert ended.reason is bide.Reason.NOT_UNDERSTOOD
    assert len(server.received) == 3


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.timeout != SHORT and fault.name != "a gzip bomb"], ids=lambda f: f.name
)
def test_no_fault_ends_a_job(fault: Fault, session: requests.Session) -> None:
    patience = bide.Patience(largest=fault.largest)
    with Server(fault.script, (read, send(COMPLETED))) as server:
        ended = watched(server, session, patience)
    assert isinstance(ended, bide.Completed)
    assert ended.result.output == {"text": "a fox"}


def test_the_machine_asks_for_plain_bytes(session: requests.Session) -> None:
    with Server((read, send(PROCESSING), read, send(COMPLETED))) as server:
        watched(server, session, bide.Patience())
    assert {field_of(request, "accept-encoding") for request in server.received} == {"identity"}
