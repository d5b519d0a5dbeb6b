"""The pool: connections used again, bounded, closed in time and for sure; a reused one that turns out dead."""

from __future__ import annotations

import gc
import math
import ssl
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from bide.errors import InvalidSetting
from bide.messages import Cause, NoResponse, Request, Response
from bide_transports.trio import Pool, exchange
from tests.hostile import (
    EVIL,
    GOOD,
    TEXT,
    Server,
    field_of,
    head,
    read,
    reply,
    reset,
    send,
    stall,
    tell,
)
from tests.memory_streams import Wires, canned, network

T = TypeVar("T")
URL = "http://127.0.0.1:81"
CUT = NoResponse(Cause.RESET, sent=True)
UNSENT = NoResponse(Cause.UNREACHABLE, sent=False)


def get(url: str = URL, *, timeout: float = 20.0) -> Request:
    return Request("GET", url + "/v1/executions/exec_1", timeout=timeout)


def post(url: str = URL, *, repeatable: bool, timeout: float = 20.0) -> Request:
    return Request("POST", url + "/v1/executions", body=b"{}", repeatable=repeatable, timeout=timeout)


def virtually(action: Callable[[], Awaitable[T]]) -> T:
    """Run `action` under a clock that jumps as soon as everyone waits."""
    return trio.run(action, clock=trio.testing.MockClock(autojump_threshold=0))


async def ok(pool: Pool, request: Request | None = None) -> None:
    answer = await exchange(request or get(), pool=pool)
    assert isinstance(answer, Response), answer
    assert answer.body == TEXT


# -- kept alive --------------------------------------------------------------------------------------------------------


def test_one_connection_carries_many_exchanges() -> None:
    async def main(url: str) -> None:
        async with Pool() as pool:
            for _ in range(50):
                await ok(pool, get(url))
                await ok(pool, post(url, repeatable=True))

    with Server((read, send(GOOD)) * 100) as server:
        trio.run(main, server.url)
    assert server.connections == 1
    assert len(server.received) == 100


def test_each_origin_has_its_own_connections() -> None:
    async def main() -> None:
        async with network(canned(*[GOOD] * 9)) as wires, Pool(dial=wires.dial) as pool:
            for url in (URL, "http://127.0.0.1:82", "http://localhost:81", URL, "http://LOCALHOST:81"):
                await ok(pool, get(url))
            assert len(wires.all) == len(wires.open) == 3

    trio.run(main)


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (reply(TEXT, "Connection: close"), 200),
        (head(status="HTTP/1.0 200 OK") + TEXT, 200),
        (GOOD + EVIL, 200),
        (b"no HTTP\r\n\r\n", None),
    ],
)
def test_a_connection_that_cannot_go_on_is_closed_at_once(last: bytes, status: int | None) -> None:
    async def main() -> None:
        async with network(canned(last)) as wires, Pool(dial=wires.dial) as pool:
            answer = await exchange(get(), pool=pool)
            assert (answer.status if isinstance(answer, Response) else None) == status
            assert [wire.closed for wire in wires.all] == [True]

    trio.run(main)


def test_a_body_up_to_the_end_of_the_connection_ends_it() -> None:
    async def once(stream: trio.abc.Stream, base: str) -> None:
        await canned(head() + TEXT)(stream, base)

    async def main() -> None:
        async with network(once) as wires, Pool(dial=wires.dial) as pool:
            for number in (1, 2, 3):
                await ok(pool)
                assert (len(wires.all), wires.open) == (number, [])

    trio.run(main)


# -- bounds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 8])
def test_two_hundred_exchanges_at_once_share_a_few_connections(size: int) -> None:
    async def main(url: str) -> None:
        async with Pool(size=size) as pool, trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(ok, pool, get(url))

    with Server((read, send(GOOD)) * 200) as server:
        trio.run(main, server.url)
    assert 1 <= server.connections <= size  # of all that there ever were, let alone at once
    assert len(server.received) == 200


async def slow(stream: trio.abc.Stream, base: str) -> None:
    """Take half a second for an answer, and close."""
    await trio.sleep(0.5)
    await canned(reply(TEXT, "Connection: close"))(stream, base)


def test_the_bound_holds_while_connections_come_and_go_and_no_time_is_lost_in_the_queue() -> None:
    async def main() -> None:
        began = trio.current_time()
        async with network(slow) as wires, Pool(size=5, dial=wires.dial) as pool:
            async with trio.open_nursery() as nursery:
                for _ in range(200):
                    nursery.start_soon(ok, pool, get(timeout=20))
            assert (len(wires.all), wires.most) == (200, 5)
        assert trio.current_time() - began == pytest.approx(20)

    virtually(main)


def test_the_bound_is_for_each_origin() -> None:
    async def main() -> None:
        began = trio.current_time()
        async with network(slow) as wires, Pool(size=2, dial=wires.dial) as pool:
            async with trio.open_nursery() as nursery:
                for number in range(60):
                    nursery.start_soon(ok, pool, get(f"http://127.0.0.1:{number % 3 + 1}"))
            assert wires.most == 6
        assert trio.current_time() - began == pytest.approx(5)

    virtually(main)


@pytest.mark.parametrize("size", [0, -1])
def test_a_pool_without_connections_is_refused(size: int) -> None:
    with pytest.raises(InvalidSetting, match="give 1 or more"):
        Pool(size=size)


@pytest.mark.parametrize("tls", [True, "ca.pem", ssl.create_default_context, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)])
def test_what_is_no_trust_of_a_client_is_refused(tls: Any) -> None:
    with pytest.raises(InvalidSetting, match=r"^tls is .*: give an ssl.SSLContext for clients"):
        Pool(tls=tls)


@pytest.mark.parametrize("dial", [True, "127.0.0.1", ("127.0.0.1", 80), trio.SocketStream])
def test_what_dials_nothing_is_refused(dial: Any) -> None:
    with pytest.raises(InvalidSetting, match=r"^dial is .*: give a function that opens a stream"):
        Pool(dial=dial)


# -- idle --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pause", "connections"), [(3.99, 1), (4.0, 2), (3600.0, 2)])
def test_an_idle_connection_is_used_again_for_a_while(pause: float, connections: int) -> None:
    async def main() -> None:
        async with network(canned(GOOD, GOOD)) as wires, Pool(idle=4.0, dial=wires.dial) as pool:
            await ok(pool)
            await trio.sleep(pause)
            await ok(pool)
            assert len(wires.all) == connections
            assert len(wires.open) == 1

    virtually(main)


def test_all_that_have_been_idle_too_long_are_closed_not_only_the_one_on_top() -> None:
    async def main() -> None:
        async with network(canned(*[GOOD] * 9)) as wires, Pool(idle=4.0, dial=wires.dial) as pool:
            async with trio.open_nursery() as nursery:
                for _ in range(8):
                    nursery.start_soon(ok, pool)
            assert len(wires.open) == 8
            for _ in range(3):
                await trio.sleep(2)
                await ok(pool)
            assert len(wires.all) == 8
            assert len(wires.open) == 1  # the one that has been used all the time

    virtually(main)


# -- a reused connection that turns out dead ---------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [get(), post(repeatable=True)], ids=["GET", "POST with a key"])
def test_a_request_that_may_be_repeated_goes_out_again_on_a_fresh_connection(request_: Request) -> None:
    async def main() -> None:
        async with network(canned(GOOD)) as wires, Pool(dial=wires.dial) as pool:
            for number in (1, 2, 3):
                await ok(pool, request_)
                assert (len(wires.all), len(wires.open)) == (number, 1)

    trio.run(main)


def test_one_that_may_not_goes_out_over_a_connection_of_its_own() -> None:
    async def main() -> None:
        async with network(canned(GOOD)) as wires, Pool(dial=wires.dial) as pool:
            await ok(pool)
            await ok(pool, post(repeatable=False))
            assert len(wires.all) == 2

    trio.run(main)


def test_a_body_that_streams_goes_out_once() -> None:
    async def main() -> None:
        async def pieces() -> AsyncGenerator[bytes, None]:
            yield b"{}"

        async with network(canned(GOOD)) as wires, Pool(dial=wires.dial) as pool:
            await ok(pool)
            request = Request("PUT", URL + "/upload", (("content-length", "2"),))
            content = pieces()
            assert await exchange(request, pool=pool, content=content) == CUT
            await content.aclose()
            assert (len(wires.all), wires.open) == (1, [])

    trio.run(main)


def test_the_second_try_is_not_lost_on_another_dead_one() -> None:
    async def main() -> None:
        async with network(canned(GOOD)) as wires, Pool(dial=wires.dial) as pool:
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(ok, pool)
            assert len(wires.open) == 3
            await ok(pool)
            assert (len(wires.all), len(wires.open)) == (4, 1)

    trio.run(main)


@pytest.mark.parametrize("sent", [b"H", GOOD[:-1]])
def test_an_answer_that_has_begun_is_not_asked_for_again(sent: bytes) -> None:
    async def main() -> None:
        async with network(canned(GOOD, sent)) as wires, Pool(dial=wires.dial) as pool:
            await ok(pool)
            assert await exchange(get(), pool=pool) == CUT
            assert (len(wires.all), wires.open) == (1, [])

    trio.run(main)


def test_what_was_sent_once_was_sent_even_if_no_second_connection_can_be_had() -> None:
    async def main() -> None:
        async with network(canned(GOOD)) as wires:
            dials = iter([wires.dial])

            async def dial(host: str, port: int) -> trio.abc.Stream:
                for one in dials:
                    return await one(host, port)
                raise ConnectionRefusedError

            async with Pool(dial=dial) as pool:
                await ok(pool)
                assert await exchange(get(), pool=pool) == CUT  # and not that nothing was sent
                assert await exchange(get(), pool=pool) == UNSENT
            assert wires.open == []

    trio.run(main)


def test_what_was_sent_once_was_sent_even_if_the_second_connection_takes_too_long() -> None:
    """The service read it and hung up: it may have begun, and no second try was sent."""

    async def hang_up(stream: trio.abc.Stream, base: str) -> None:
        await canned(GOOD)(stream, base)
        await stream.receive_some()

    async def main() -> None:
        async with network(hang_up) as wires:
            dials = iter([wires.dial])

            async def dial(host: str, port: int) -> trio.abc.Stream:
                for one in dials:
                    return await one(host, port)
                await trio.sleep_forever()
                raise AssertionError

            async with Pool(dial=dial) as pool:
                await ok(pool)
                assert await exchange(post(repeatable=True), pool=pool) == CUT
                assert await exchange(post(repeatable=True), pool=pool) == NoResponse(Cause.TIMEOUT, sent=False)

    virtually(main)


@pytest.mark.parametrize("timeout", [-1.0, math.nan])
def test_an_unusable_timeout_is_told_before_anything_is_sent(timeout: float) -> None:
    async def main(url: str) -> None:
        async with Pool() as pool:
            await ok(pool, get(url))
            with pytest.raises(ValueError):
                await exchange(post(url, repeatable=False, timeout=timeout), pool=pool)
            await ok(pool, get(url))

    with Server((read, send(GOOD), read, send(GOOD))) as server:
        trio.run(main, server.url)
    assert [asked.split(b" ")[0] for asked in server.received] == [b"GET", b"GET"]


def test_the_second_try_shares_the_time_of_the_first() -> None:
    async def moody(stream: trio.abc.Stream, base: str) -> None:
        await canned(GOOD)(stream, base)
        await stream.receive_some()
        await trio.sleep(6)  # then the end

    async def main() -> None:
        async with network(moody) as wires, Pool(dial=wires.dial) as pool:
            await ok(pool)
            began = trio.current_time()
            wires.attend = silent
            assert await exchange(get(timeout=10), pool=pool) == NoResponse(Cause.TIMEOUT, sent=True)
            assert trio.current_time() - began == pytest.approx(10)
            assert (len(wires.all), wires.open) == (2, [])

    virtually(main)


async def silent(stream: trio.abc.Stream, _: str) -> None:
    while await stream.receive_some():
        pass


# -- closing -----------------------------------------------------------------------------------------------------------


def test_closing_the_pool_closes_what_is_idle() -> None:
    gone = threading.Event()

    async def main(url: str) -> None:
        async with Pool() as pool:
            await ok(pool, get(url))
            assert not gone.is_set()
        assert await trio.to_thread.run_sync(gone.wait, 10)

    with Server((read, send(GOOD), stall, tell(gone))) as server:
        trio.run(main, server.url)


def test_what_is_in_use_when_the_pool_closes_is_closed_afterwards() -> None:
    async def slower(stream: trio.abc.Stream, base: str) -> None:
        await trio.sleep(5)
        await canned(GOOD, GOOD)(stream, base)

    async def main() -> None:
        async with network(slower) as wires, trio.open_nursery() as nursery:
            pool = Pool(dial=wires.dial)
            nursery.start_soon(ok, pool)
            await trio.sleep(1)
            await pool.aclose()
            assert len(wires.open) == 1
            await trio.sleep(5)
            assert wires.open == []
            await ok(pool)  # a closed pool keeps nothing, but it works
            assert wires.open == []

    virtually(main)


def test_a_pool_that_is_closed_under_cancellation_leaves_nothing_open() -> None:
    async def main() -> None:
        async with network(canned(*[GOOD] * 9)) as wires:
            with trio.CancelScope() as scope:
                async with Pool(dial=wires.dial) as pool:
                    async with trio.open_nursery() as nursery:
                        for _ in range(8):
                            nursery.start_soon(ok, pool)
                    assert len(wires.open) == 8
                    scope.cancel()
            assert wires.open == []

    trio.run(main)


def test_closing_twice_is_closing() -> None:
    async def main() -> None:
        async with network(canned(GOOD)) as wires:
            async with Pool(dial=wires.dial) as pool:
                await ok(pool)
                await pool.aclose()
            assert wires.open == []

    trio.run(main)


# -- other streams -----------------------------------------------------------------------------------------------------


def test_any_stream_will_do() -> None:
    asked: list[tuple[str, int]] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:

            async def dial(host: str, port: int) -> trio.abc.Stream:
                asked.append((host, port))
                near, far = trio.testing.lockstep_stream_pair()
                nursery.start_soon(partial(canned(GOOD, GOOD), far, ""))
                return near

            async with Pool(dial=dial) as pool:
                await ok(pool, get("http://[::1]:8080"))
                await ok(pool, get("http://[::1]:8080"))

    trio.run(main)
    assert asked == [("::1", 8080)]


class Corked(trio.abc.Stream):
    """Holds back what is written while `corked`, and sends it in one piece afterwards."""

    def __init__(self, inner: trio.abc.Stream) -> None:
        self._inner = inner
        self._held = b""
        self.corked = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._held += bytes(data)
        if not self.corked:
            held, self._held = self._held, b""
            await self._inner.send_all(held)

    async def wait_send_all_might_not_block(self) -> None:
        await self._inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._inner.send_all(self._held)
        await self._inner.aclose()


@pytest.mark.parametrize("more", [[EVIL], [b"H"], [b"", EVIL]])
def test_a_tls_record_that_came_along_with_the_reply_is_nobodys_answer(
    more: list[bytes], contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    async def talkative(far: trio.abc.Stream, _: str) -> None:
        below = Corked(far)
        stream = trio.SSLStream(below, contexts[0], server_side=True, https_compatible=True)
        while await stream.receive_some(65536):
            below.corked = True
            for piece in (GOOD, *more):
                await stream.send_all(piece)
            below.corked = False
            await below.send_all(b"")

    async def main() -> None:
        async with network(talkative) as wires, Pool(dial=wires.dial, tls=contexts[1]) as pool:
            for number in (1, 2, 3):
                await ok(pool, get("https://127.0.0.1:4"))
                assert (len(wires.all), len(wires.open)) == (number, 1)
        assert wires.open == []

    trio.run(main)


def test_a_goodbye_that_came_along_with_the_reply_is_heard(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def brief(far: trio.abc.Stream, _: str) -> None:
        below = Corked(far)
        stream = trio.SSLStream(below, contexts[0], server_side=True)
        await stream.receive_some(65536)
        below.corked = True
        await stream.send_all(GOOD)
        await stream.aclose()

    async def main() -> None:
        async with network(brief) as wires, Pool(dial=wires.dial, tls=contexts[1]) as pool:
            for number in (1, 2):
                await ok(pool, post("https://127.0.0.1:4", repeatable=False))
                assert len(wires.all) == number

    trio.run(main)


def test_a_good_tls_connection_is_used_again(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def polite(far: trio.abc.Stream, base: str) -> None:
        await canned(*[GOOD] * 9)(trio.SSLStream(far, contexts[0], server_side=True, https_compatible=True), base)

    async def main() -> Wires:
        async with network(polite) as wires, Pool(dial=wires.dial, tls=contexts[1]) as pool:
            for _ in range(5):
                await ok(pool, get("https://127.0.0.1:4"))
            return wires

    wires = trio.run(main)
    assert (len(wires.all), wires.open) == (1, [])


def test_no_socket_is_left_to_the_garbage_collector() -> None:
    async def main(url: str) -> None:
        async with Pool() as pool, trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(exchange_of, pool, get(url) if number % 2 else get(url + ":bad"))

    async def exchange_of(pool: Pool, request: Request) -> None:
        await exchange(request, pool=pool)

    with Server((read, send(GOOD)), (read, send(GOOD[:-1])), (read, reset), (read, send(b"\r\n\r\n"))) as server:
        trio.run(main, server.url)
    gc.collect()  # an open socket that is collected is a warning, and here a warning is an error
    assert all(field_of(request, "host") for request in server.received)
