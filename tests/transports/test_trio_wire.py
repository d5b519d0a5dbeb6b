"""What is particular to the wire of trio: names that are looked up, its proxies, bodies that stream."""

from __future__ import annotations

import errno
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import h11
import pytest
import trio
import trustme

from bide.errors import InvalidAddress
from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide.urls import address
from bide_transports.h11_client import Connection
from bide_transports.proxies import proxy_for
from bide_transports.trio import Pool, exchange
from tests.hostile import EVIL, GOOD, TEXT, Server, field_of, hear, patiently, read, send, stall
from tests.wires import WIRES

KEY = "sk_" + "0" * 64
BEARER = (("authorization", f"Bearer {KEY}"),)
MB = 1024 * 1024
CUT, BAD = NoResponse(Cause.RESET, sent=True), NoResponse(Cause.PROTOCOL, sent=True)
UNSENT, LATE = NoResponse(Cause.UNREACHABLE, sent=False), NoResponse(Cause.TIMEOUT, sent=True)
UNRESOLVED, UNTRUSTED = NoResponse(Cause.UNRESOLVED, sent=False), NoResponse(Cause.UNTRUSTED, sent=False)
STALLED = NoResponse(Cause.TIMEOUT, sent=False)


def get(url: str, *, timeout: float = 20.0, largest: int = 65536) -> Request:
    return Request("GET", url + "/v1/executions/exec_1", timeout=timeout, largest=largest)


def post(url: str, *, timeout: float = 20.0, largest: int = 65536, body: bytes = b"{}") -> Request:
    return Request("POST", url + "/v1/executions", body=body, timeout=timeout, largest=largest)


def body_of(one: Reply) -> bytes:
    assert isinstance(one, Response), one
    return one.body


# -- proxies -----------------------------------------------------------------------------------------------------------

LOGIN = "some%20one:p%40ss%2Fword"
BASIC = f"Basic {b64encode(b'some one:p@ss/word').decode()}"


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


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


def test_the_trust_of_the_system_is_the_default(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(path)
    with Server((read, send(GOOD)), tls=tls(authority)) as server:
        assert WIRES["trio"](post(server.url)) == [UNTRUSTED]
        monkeypatch.setenv("SSL_CERT_FILE", path)  # where OpenSSL is told that the system keeps it
        (answer,) = WIRES["trio"](post(server.url))
        assert body_of(answer) == TEXT


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
