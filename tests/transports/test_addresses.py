"""Addresses as they go out: byte for byte as they were given, whichever way they go."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter

from bide.messages import Cause, NoResponse, Request, Response
from bide_transports.requests import exchange
from tests.hostile import GOOD, Server, field_of, forward, head, read, send
from tests.reactions import Where, reacts
from tests.wires import BY_EACH, Wire

#: What stands behind the host, and what is asked for.
TARGETS = {
    "/out/a%7Eb.png?u=https%3A%2F%2Fx%2F%7Eme&sig=aZ%2b/9==": None,
    "/a%2fb%2Fc?d=%3a": None,
    "/a/../b/./c//d/": None,
    "/%2e%2E/%41": None,
    "/a%": None,
    "/a%zz?%": None,
    "/a;v=1,2/$&'()*+=@:!?/?:@&=+$,;": None,
    '/a[b]{c}|d^e`f"g<h>\\i?[b]{c}|d^e`f"g<h>\\i': None,
    "//a": None,
    "/?": None,
    "/a?": None,
    "/a??b": None,
    "/a?b#c?d": "/a?b",
    "/a#": "/a",
    "": "/",
    "?a=1": "/?a=1",
}


def target_of(request: bytes) -> str:
    return request.split(b" ", 2)[1].decode()


@reacts(
    Where.SECRET, "an address that is signed over its text (`%7E`, `%2f`, `/../`)", "sent byte for byte as it was given"
)
@BY_EACH
@pytest.mark.parametrize("given", TARGETS)
def test_an_address_goes_out_as_it_was_given(given: str, wire: Wire) -> None:
    with Server((read, send(GOOD))) as server:
        (answer,) = wire(Request("GET", server.url + given))
    assert isinstance(answer, Response)
    assert target_of(server.received[0]) == (TARGETS[given] or given)
    assert field_of(server.received[0], "host") == server.url.removeprefix("http://")


@reacts(Where.SECRET, "the same through a proxy", "the same")
@BY_EACH
@pytest.mark.parametrize("given", TARGETS)
def test_an_address_goes_to_a_proxy_as_it_was_given(given: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((read, send(GOOD))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        (answer,) = wire(Request("GET", "http://service.invalid" + given))
    assert isinstance(answer, Response)
    assert target_of(proxy.received[0]) == "http://service.invalid" + (TARGETS[given] or given)
    assert field_of(proxy.received[0], "host") == "service.invalid"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@BY_EACH
@pytest.mark.parametrize("tunnelled", [False, True])
def test_an_address_goes_out_over_tls_as_it_was_given(
    tunnelled: bool, wire: Wire, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    opened = head(status="HTTP/1.1 200 Connection established")
    given = "/a/../%7E%2f?sig=%2b"
    name = "service.invalid" if tunnelled else "127.0.0.1"
    with (
        Server((read, send(GOOD)), tls=tls(authority, name)) as server,
        Server((read, send(opened), forward(server.address))) as proxy,
    ):
        if tunnelled:
            monkeypatch.setenv("https_proxy", proxy.url)
        url = f"https://{name}:{server.address[1]}"
        (answer,) = wire(Request("GET", url + given), authorities=tmp_path / "ca.pem")
    assert isinstance(answer, Response)
    assert target_of(server.received[0]) == given
    assert proxy.connections == tunnelled


def tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


@BY_EACH
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/ä", "http://127.0.0.1:9/a b", "http://user@127.0.0.1:9/", "http://127.0.0.1:9/a\nb", ""]
)
def test_an_address_that_would_have_to_be_mended_is_none(url: str, wire: Wire) -> None:
    assert wire(Request("GET", url)) == [NoResponse(Cause.PROTOCOL, sent=False)]


def test_parameters_of_the_callers_session_are_added() -> None:
    with Server((read, send(GOOD))) as server, requests.Session() as session:
        session.params = {"team": "foxes"}
        exchange(Request("GET", server.url + "/a?b=1"), session=session)
    assert target_of(server.received[0]) == "/a?b=1&team=foxes"


def test_an_adapter_of_the_callers_own_is_given_the_address_as_it_is() -> None:
    class Noting(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            noted.append(request.url)
            return super().send(request, *args, **kwargs)

    noted: list[str | None] = []
    with Server((read, send(GOOD))) as server, requests.Session() as session:
        session.mount("http://", Noting())
        exchange(Request("GET", server.url + "/a%7Eb"), session=session)
    assert noted == [server.url + "/a%7Eb"]
