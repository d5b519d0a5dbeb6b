"""What a socket takes at once, and who tells of its faults."""

from __future__ import annotations

import socket
import sys

import pytest
import trio

from bide.messages import Request, Response
from bide_transports.prompt_send import sent_at_once
from bide_transports.trio import Pool, exchange
from tests.hostile import GOOD, Server, read, send

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="a socket is no file descriptor there")


@on_posix
def test_what_fits_is_sent_and_nothing_is_left() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        assert sent_at_once(ours.fileno(), b"GET / HTTP/1.1\r\n\r\n") == b""
        assert theirs.recv(100) == b"GET / HTTP/1.1\r\n\r\n"


@on_posix
def test_what_does_not_fit_is_left_in_order() -> None:
    ours, theirs = socket.socketpair()
    content = bytes(range(256)) * 40_000
    with ours, theirs:
        ours.setblocking(False)
        left = sent_at_once(ours.fileno(), content)
        assert 0 < len(left) < len(content)
        assert sent_at_once(ours.fileno(), left) == left, "it is full"
        ours.close()
        assert b"".join(iter(lambda: theirs.recv(65536), b"")) + left == content


def test_a_fault_is_left_to_whoever_sends_the_rest() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        assert sent_at_once(ours.fileno(), b"GET") == b"GET"
    assert sent_at_once(-1, b"GET") == b"GET"


def test_a_large_request_arrives_whole_on_a_connection_used_before() -> None:
    """More than a socket takes at once."""
    body = bytes(range(256)) * 40_000

    async def main(url: str) -> None:
        async with Pool() as pool:
            for content in (b"", body):
                answer = await exchange(Request("POST", f"{url}/v1/executions", body=content), pool=pool)
                assert isinstance(answer, Response), answer

    with Server((read, send(GOOD), read, send(GOOD))) as server:
        trio.run(main, server.url)
    assert server.connections == 1
    assert server.received[1].endswith(b"\r\n\r\n" + body)


class Turns(trio.abc.Instrument):
    """How often any task has given way."""

    def __init__(self) -> None:
        self.taken = 0

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        self.taken += 1


@on_posix
def test_a_poll_on_a_connection_used_before_gives_way_once() -> None:
    """It waits for its reply, and not for its own request to be gone."""

    async def main(url: str) -> int:
        turns = Turns()
        async with Pool() as pool:
            await exchange(Request("GET", url), pool=pool)
            trio.lowlevel.add_instrument(turns)
            await exchange(Request("GET", url), pool=pool)
            trio.lowlevel.remove_instrument(turns)
        return turns.taken

    with Server((read, send(GOOD), read, send(GOOD))) as server:
        assert trio.run(main, server.url) == 1


@pytest.mark.parametrize("before", [0, 1])
def test_an_exchange_that_is_cancelled_already_sends_nothing(before: int) -> None:
    async def main(url: str) -> None:
        async with Pool() as pool:
            for _ in range(before):
                await exchange(Request("GET", url), pool=pool)
            with trio.CancelScope() as scope:
                scope.cancel()
                await exchange(Request("GET", url), pool=pool)
            assert scope.cancelled_caught
            await exchange(Request("GET", f"{url}/after"), pool=pool)

    with Server((read, send(GOOD), read, send(GOOD))) as server:
        trio.run(main, server.url)
    assert len(server.received) == before + 1
