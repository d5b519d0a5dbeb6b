"""The key: to whom it goes, and where it must not show, whatever goes wrong; the same over both transports."""

from __future__ import annotations

import io
import traceback
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
import requests
import trio

import bide
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.errors import InvalidKey, InvalidSetting, JobAbandoned, SaveError
from bide.messages import Request, Response
from bide_transports import trio as by_trio
from bide_transports.emulator import VirtualClock
from bide_transports.requests import Client
from bide_transports.requests_exchange import bare_session, own_session
from bide_transports.requests_exchange import exchange as exchange_by_requests
from bide_transports.trio_pool import Pool
from bide_transports.trio_pool import exchange as exchange_by_trio
from tests.hostile import Server, field_of, hear, read, reply, send, stall
from tests.reactions import Where, reacts
from tests.transports.disk import file_size_limit

KEY = "sk_" + "hidden_" * 9
PNG = reply(b"\x89PNG\r\n\x1a\n" + bytes(4000), "Content-Type: image/png")


def by_requests(work: str, *arguments: Any, **settings: Any) -> Any:
    """What a client's method gives, over requests."""
    options = settings.pop("options", {})
    with Client(KEY, clock=VirtualClock(), **settings) as client:
        return getattr(client, work)(*arguments, **options)


def by_trios(work: str, *arguments: Any, **settings: Any) -> Any:
    """The same over trio."""
    options = settings.pop("options", {})

    async def main() -> Any:
        async with by_trio.Client(KEY, **settings) as client:
            return await getattr(client, work)(*arguments, **options)

    return trio.run(main)


BY_EACH = pytest.mark.parametrize("run", [by_requests, by_trios], ids=["requests", "trio"])
Run = Callable[..., Any]


@contextmanager
def shows_no_key(*kinds: type[BaseException]) -> Generator[None]:
    """An exception of one of these kinds, whose traceback has the key in no local variable of any frame."""
    try:
        yield
    except kinds as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert __file__ in shown
        assert [line.strip()[:200] for line in shown.splitlines() if KEY[:30] in line] == []
    else:
        pytest.fail("nothing was raised")


class BugError(Exception):
    """What a caller's own code raises."""


def buggy(*_: Any) -> NoReturn:
    """A callback of the caller's that fails."""
    raise BugError


def interrupted(*_: Any) -> NoReturn:
    """One that is interrupted."""
    raise KeyboardInterrupt


@reacts(
    Where.SECRET,
    "an exception amid an exchange, logged with the local variables of its traceback",
    "the key is in none of them",
)
@BY_EACH
@pytest.mark.parametrize(("note", "raised"), [(buggy, BugError), (interrupted, KeyboardInterrupt)])
def test_what_goes_wrong_while_a_file_comes_shows_no_key(
    note: Any, raised: type[BaseException], run: Run, tmp_path: Path
) -> None:
    with Server((read, send(PNG)) * 2) as server, shows_no_key(raised):
        dialect = bide.ModelRoute(server.url)
        run("save", bide.Result("e", ("file_1",)), tmp_path, dialect=dialect, options={"note": note})


@BY_EACH
def test_a_full_disk_shows_no_key(run: Run, tmp_path: Path) -> None:
    with Server((read, send(PNG)) * 2) as server, file_size_limit(1000), shows_no_key(SaveError):
        run("save", bide.Result("e", ("file_1",)), tmp_path, dialect=bide.ModelRoute(server.url))


@BY_EACH
@pytest.mark.parametrize("script", [(hear,), (read, send(b"no HTTP\r\n\r\n"))])
def test_a_job_that_is_given_up_shows_no_key(script: Any, run: Run) -> None:
    with Server(script) as server, shows_no_key(JobAbandoned):
        patience = bide.Patience(first_contact=1, failures=1)
        run("wait", "exec_1", dialect=bide.ModelRoute(server.url), patience=patience)


@BY_EACH
@pytest.mark.parametrize("wrong", [{"pace": "x"}, {"on_timeout": "never"}, {"patience": "x"}])
def test_a_wrong_setting_shows_no_key(wrong: dict[str, Any], run: Run) -> None:
    with shows_no_key(InvalidSetting):
        run("wait", "exec_1", **wrong)


@pytest.mark.parametrize("made", [Client, by_trio.Client])
def test_a_key_that_is_none_does_not_show_either(made: Any) -> None:
    async def inside(key: list[str]) -> None:
        made(key.pop(), clock=None)

    with shows_no_key(InvalidKey):
        trio.run(inside, _Sheet([KEY + "\n"]))


class _Sheet(list[str]):
    """A list that shows nothing of itself."""

    def __repr__(self) -> str:
        return "Sheet"


class _Broken(io.BytesIO):
    """A file that goes wrong while it is sent."""

    def __init__(self, bug: Callable[..., Any]) -> None:
        super().__init__(bytes(300_000))
        self._bug = bug

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 100_000:
            self._bug()
        return super().read(size)


@pytest.mark.parametrize(("bug", "raised"), [(buggy, BugError), (interrupted, KeyboardInterrupt)])
def test_what_goes_wrong_while_a_file_is_sent_shows_no_key(bug: Any, raised: type[BaseException]) -> None:
    with Server((hear, stall)) as server:
        request = Request("PUT", server.url, (("content-length", "300000"),), timeout=20.0)

        async def pieces() -> AsyncIterator[bytes]:
            yield bytes(1000)
            await trio.lowlevel.checkpoint()
            bug()

        async def over_trio() -> None:
            async with Pool() as pool:
                await exchange_by_trio(request, pool=pool, credential=lines(), content=pieces())

        with shows_no_key(raised):
            trio.run(over_trio)
        with own_session() as session, shows_no_key(raised):
            exchange_by_requests(request, session=session, credential=lines(), content=_Broken(bug))


def lines() -> tuple[tuple[str, str], ...]:
    """The header line with the key, as a client lends it."""
    dialect = bide.ModelRoute()
    return bide.credential_for(dialect.poll("exec_1"), dialect, bide.Secret(KEY))


def test_what_goes_wrong_while_it_is_connected_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", buggy)
    request = Request("POST", "https://service.example", timeout=20.0)
    with own_session() as session, shows_no_key(BugError):
        exchange_by_requests(request, session=session, credential=lines())


@dataclass
class _Stream(trio.abc.Stream):
    """A connection that goes wrong as soon as it is sent to, or read from."""

    bug: Callable[..., Any]
    when: str

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        if self.when == "sending":
            del self
            raise BugError(repr(data))

    async def wait_send_all_might_not_block(self) -> None:
        raise NotImplementedError

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        del max_bytes
        await trio.lowlevel.checkpoint()
        self.bug()
        return b""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("when", ["sending", "reading"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_goes_wrong_on_a_connection_of_trio_shows_no_key(scheme: str, when: str) -> None:
    async def dial(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return _Stream(buggy, f"{when}{host[:0]}{str(port)[:0]}")

    async def main() -> None:
        async with Pool(dial=dial) as pool:
            await exchange_by_trio(Request("GET", f"{scheme}://service.example"), pool=pool, credential=lines())

    with shows_no_key(BugError):
        trio.run(main)


@pytest.mark.parametrize("script", [(read, stall), (stall,)])
def test_a_cancelled_exchange_shows_no_key(script: Any) -> None:
    async def main(url: str) -> None:
        async with Pool() as pool:
            with trio.move_on_after(0.05):
                try:
                    await exchange_by_trio(Request("GET", url, timeout=20.0), pool=pool, credential=lines())
                except trio.Cancelled:
                    with shows_no_key(trio.Cancelled):
                        raise
                    await trio.lowlevel.checkpoint()

    with Server(script) as server:
        trio.run(main, server.url)


# -- to whom it goes ---------------------------------------------------------------------------------------------------


def signs(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An `auth` of the caller's."""
    request.headers["x-signed"] = "auth-of-the-caller"
    return request


@contextmanager
def laden() -> Generator[requests.Session]:
    """A session that carries credentials in every way there is."""
    with requests.Session() as session:
        session.headers["x-api-key"] = "header-of-the-caller"
        session.headers["authorization"] = "Bearer of-the-caller"
        cast("Any", session.cookies).set("sid", "cookie-of-the-caller")
        session.params = {"token": "parameter-of-the-caller"}
        session.auth = signs
        yield session


@pytest.mark.parametrize("keyless", [False, True])
@pytest.mark.parametrize("credential", [False, True])
def test_only_the_apis_own_origin_gets_what_a_session_carries(credential: bool, keyless: bool) -> None:
    declaration = named("replicate")
    with Server((read, send(PNG)) * 2) as home, Server((read, send(PNG)) * 2) as foreign, laden() as session:
        if keyless:
            declaration = replace(declaration, authorization=None)
        client = Client(None if keyless else KEY, dialect=Declared(declaration, home.url), session=session)
        for url in (home.url, foreign.url):
            assert isinstance(client.exchange(Request("GET", url, credential=credential)), Response)
    for mark in (b"of-the-caller", KEY.encode()):
        assert mark not in foreign.received[0]
    for mark in (b"header-", b"cookie-", b"parameter-", b"auth-"):
        assert mark + b"of-the-caller" in home.received[0]
    assert (KEY.encode() in home.received[0]) is (credential and not keyless)


def test_a_client_certificate_is_not_shown_to_others() -> None:
    with requests.Session() as session:
        session.cert, session.verify = ("client.pem", "client.key"), "authorities.pem"
        assert (bare_session(session).cert, bare_session(session).verify) == (None, "authorities.pem")


@reacts(
    Where.SECRET,
    "a service that repeats the key in what it says",
    "struck out of messages, states and tokens, if it has 8 characters or more; a file stays as it is",
)
@BY_EACH
def test_a_key_that_the_service_repeats_is_shown_nowhere(run: Run) -> None:
    said = f'{{"error":{{"code":"X","message":"no such customer as {KEY}, ask for another"}}}}'.encode()
    refused = reply(said, f"X-Request-Id: {KEY}", status="403 Forbidden")
    with Server((read, send(refused)) * 2) as server, pytest.raises(JobAbandoned) as caught:
        run("wait", "exec_1", dialect=bide.ModelRoute(server.url))
    assert field_of(server.received[0], "authorization") == f"Bearer {KEY}"
    assert "no such customer as [redacted], ask for another" in str(caught.value)
    assert caught.value.job is not None
    for shown in (str(caught.value), repr(caught.value.job), bide.dump(caught.value.job)):
        assert KEY not in shown


@BY_EACH
def test_a_file_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    content = b'{"key": "' + KEY.encode() + b'"}'
    with Server((read, send(reply(content)))) as server:
        (path,) = run("save", bide.Result("e", ("file_1",)), tmp_path, dialect=bide.ModelRoute(server.url))
    assert path.read_bytes() == content
