"""What is particular to the wire of requests: sessions, their adapters and certificates, names that are looked up."""

from __future__ import annotations

import errno
import ssl
import time
from collections.abc import Generator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError
from urllib3.exceptions import SSLError as UnreadableCertificates

import bide
from bide.errors import JobAbandoned
from bide.messages import Cause, NoResponse, Request, Response
from bide_transports.bounded import BoundedAdapter
from bide_transports.emulator import VirtualClock
from bide_transports.requests import Client, exchange
from bide_transports.requests_faults import no_response
from tests.hostile import EVIL, GOOD, TEXT, Server, head, patiently, read, send, sip

KEY = "sk_" + "0" * 64
MB = 1024 * 1024


@pytest.fixture
def session() -> Generator[requests.Session]:
    with requests.Session() as made:
        made.mount("http://", BoundedAdapter())
        made.mount("https://", BoundedAdapter())
        yield made


def post(url: str, *, timeout: float = 20.0) -> Request:
    return Request("POST", url + "/v1/executions", body=b"{}", timeout=timeout, largest=65536)


def test_an_adapter_of_ones_own_that_stops_at_an_interim_reply_has_no_answer() -> None:
    class Own(HTTPAdapter):
        pass

    late = (read, send(head(status="HTTP/1.1 103 Early Hints")), read, send(EVIL))
    with Server(late, (read, send(GOOD))) as server, requests.Session() as own:
        own.mount("http://", Own())
        interim, answer = (exchange(post(server.url), session=own) for _ in range(2))
    assert isinstance(interim, NoResponse)
    assert (interim.cause, interim.sent) == (Cause.PROTOCOL, True)
    assert isinstance(answer, Response)
    assert answer.body == TEXT  # and not the reply that was late


def test_a_server_that_takes_in_little_by_little_is_too_slow(session: requests.Session) -> None:
    def trial(timeout: float) -> None:
        with Server((sip,), (read, send(GOOD))) as server:
            began = time.monotonic()
            upload = replace(post(server.url, timeout=timeout), method="PUT")
            answer = exchange(upload, session=session, content=BytesIO(bytes(16 * MB)))
            assert time.monotonic() - began < 2 * timeout
            assert answer == NoResponse(Cause.TIMEOUT, sent=True)
            assert isinstance(exchange(post(server.url), session=session), Response)

    patiently(trial)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  pyOpenSSL is not here
    return context


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
