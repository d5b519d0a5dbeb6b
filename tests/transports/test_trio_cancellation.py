"""The sweep: cancel at every step there is, by number, and look at what is left: no socket, no claim, no lost job."""

from __future__ import annotations

import gc
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TypeVar

import h11
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

import bide
from bide.document import JSON
from bide.errors import JobFailed
from bide.messages import NoResponse, Request, Response
from bide_transports.emulator import Drop, Fault, Plan, Service, Status, too_many
from bide_transports.trio import Client, Pool, TrioClock, exchange
from tests.hostile import Line, Server, read, reply, wait_for
from tests.memory_streams import Attend, cancelled_at, emulated, network, read_request

T = TypeVar("T")
URL = "http://127.0.0.1:81"
START = 1_800_000_000.0
FOX: dict[str, JSON] = {"prompt": "a fox"}
ENDLESS = 10_000  # steps; more than any exchange here takes


def virtually(action: Callable[[], Awaitable[T]]) -> T:
    """Run `action` under a clock that jumps as soon as everyone waits: who waits for ever is soon found out."""
    return trio.run(action, clock=trio.testing.MockClock(autojump_threshold=0))


# -- servers that answer each question with itself ---------------------------------------------------------------------


async def echo(stream: trio.abc.Stream, base: str, *lines: str, times: int = ENDLESS) -> None:
    """Answer every request with its target, so that no answer can be taken for another's."""
    for _ in range(times):
        request = await read_request(stream, h11.Connection(h11.SERVER), base)
        if request is None:
            return
        target = request.url.removeprefix(base).encode()
        answer = reply(target, *lines)
        await stream.send_all(answer[:20])  # in two pieces, with a step in between
        await stream.send_all(answer[20:])


async def brief(stream: trio.abc.Stream, base: str) -> None:
    """Answer once, and close without a word."""
    await echo(stream, base, times=1)


async def moody(stream: trio.abc.Stream, base: str) -> None:
    """Speak no HTTP the first time, on every connection."""
    request = await read_request(stream, h11.Connection(h11.SERVER), base)
    if request is not None:
        last = request.url.endswith("after")
        await stream.send_all(reply(b"/after", "Connection: close") if last else b"no HTTP\r\n\r\n")


async def closing(stream: trio.abc.Stream, base: str) -> None:
    """Answer, and say that this was all."""
    await echo(stream, base, "Connection: close", times=1)


def encrypted(server: ssl.SSLContext) -> Attend:
    async def attend(stream: trio.abc.Stream, base: str) -> None:
        await echo(
            trio.SSLStream(stream, server, server_side=True, https_compatible=True), base.replace("http:", "https:")
        )

    return attend


def tunnelled(server: ssl.SSLContext) -> Attend:
    async def attend(stream: trio.abc.Stream, _: str) -> None:
        proxy = h11.Connection(h11.SERVER)
        while not isinstance(proxy.next_event(), h11.Request):
            proxy.receive_data(bytes(await stream.receive_some(65536)))
        await stream.send_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await encrypted(server)(stream, URL)

    return attend


# -- one exchange ------------------------------------------------------------------------------------------------------


async def pieces() -> AsyncGenerator[bytes, None]:
    for piece in (b"12", b"34", b"5"):
        await trio.lowlevel.checkpoint()
        yield piece


@dataclass(frozen=True)
class Case:
    """An exchange with `attend`, after `before` others; `least` checkpoints it must have for the sweep to be one."""

    name: str
    attend: Attend | None = echo
    before: int = 0
    method: str = "GET"
    repeatable: bool = True
    streamed: bool = False
    busy: bool = False
    proxy: bool = False
    least: int = 4


CASES = [
    Case("fresh"),
    Case("fresh, a POST", method="POST", repeatable=False),
    Case("used before", before=2, least=3),
    Case("used before and dead", brief, before=1, least=6),
    Case("no HTTP", moody),
    Case("the last on its connection", closing),
    Case("a body that streams", method="PUT", streamed=True, least=8),
    Case("waiting for a connection", busy=True, least=3),
    Case("TLS", None, least=8),
    Case("TLS, used before", None, before=1, least=3),
    Case("TLS in a tunnel", None, proxy=True, least=10),
]


async def swept(case: Case, nth: int, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> bool:
    """The case, cancelled at the `nth` step; whether that was felt."""
    scheme = "https" if case.attend is None else "http"
    base = f"{scheme}://{'service.invalid' if case.proxy else '127.0.0.1'}:81"
    attend = case.attend or (tunnelled if case.proxy else encrypted)(contexts[0])

    def ask(path: str, method: str = "GET") -> Request:
        lengths = (("content-length", "5"),) if case.streamed and method == "PUT" else ()
        return Request(method, f"{base}/{path}", lengths, repeatable=case.repeatable)

    async with network(attend) as wires:
        async with Pool(size=1, dial=wires.dial, tls=contexts[1]) as pool:
            for number in range(case.before):
                await exchange(ask(f"before/{number}"), pool=pool)
            async with trio.open_nursery() as others:
                if case.busy:
                    others.start_soon(partial(exchange, ask("other"), pool=pool))
                    await trio.testing.wait_all_tasks_blocked()
                content = pieces() if case.streamed else None
                felt = await cancelled_at(
                    nth, partial(exchange, ask("present", case.method), pool=pool, content=content)
                )
                if content is not None:
                    await content.aclose()
            assert len(wires.open) <= 1
            after = await exchange(ask("after"), pool=pool)
            if isinstance(after, NoResponse):  # a POST on a dead connection: the next one gets through
                assert not case.repeatable
                after = await exchange(ask("after"), pool=pool)
            assert isinstance(after, Response), after  # and not a timeout: the one claim there is was given back
            assert after.body == b"/after"
        assert wires.open == []
    return felt


async def steps(action: Callable[[int], Awaitable[bool]]) -> list[bool]:
    """Whether the cancellation was felt at step 1, 2, ... up to the end and a few beyond."""
    felt = [await action(1)]
    while any(felt[-5:]):
        felt.append(await action(len(felt) + 1))
        assert len(felt) < ENDLESS
    return felt


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_exchange_can_be_cancelled_at_every_step(
    case: Case, contexts: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.proxy:
        monkeypatch.setenv("https_proxy", "http://proxy.example:3128")

    async def main() -> list[bool]:
        return await steps(lambda nth: swept(case, nth, contexts))

    felt = virtually(main)
    assert sum(felt) >= case.least
    gc.collect()


class GivenWay(trio.abc.Instrument):
    """Sets `event` as soon as any task has given way: from then on somebody waits."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        self._event.set()


def answer_each(may_answer: Event, line: Line) -> None:
    """Answer every request with its target, as soon as that is wanted; what it was is noted on this line only."""
    own = Line(line.sock, [], line.closing)
    while True:
        read(own)
        wait_for(may_answer)(own)
        line.sock.sendall(reply(own.received[-1].split(b" ")[1]))


@pytest.mark.parametrize("before", [0, 1], ids=["fresh", "used before"])
@pytest.mark.parametrize("encrypted_", [False, True], ids=["plain", "TLS"])
def test_the_same_on_sockets(before: int, encrypted_: bool, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    opened: list[trio.SocketStream] = []
    may_answer = Event()

    async def dial(host: str, port: int) -> trio.abc.Stream:
        opened.append(await trio.open_tcp_stream(host, port))
        return opened[-1]

    async def once(url: str, nth: int) -> bool:
        async with Pool(size=1, dial=dial, tls=contexts[1]) as pool:
            may_answer.set()
            for _ in range(before):  # the present one's twin, as polls are
                await exchange(Request("GET", f"{url}/present"), pool=pool)
            may_answer.clear()  # no reply is there before it is waited for
            trio.lowlevel.add_instrument(asked := GivenWay(may_answer))
            felt = await cancelled_at(nth, partial(exchange, Request("GET", f"{url}/present"), pool=pool))
            trio.lowlevel.remove_instrument(asked)
            after = await exchange(Request("GET", f"{url}/after", timeout=10), pool=pool)
            assert isinstance(after, Response), after
            assert after.body == b"/after"
            assert sum(stream.socket.fileno() >= 0 for stream in opened) <= 1
        assert all(stream.socket.fileno() < 0 for stream in opened)
        return felt

    with Server((partial(answer_each, may_answer),), tls=contexts[0] if encrypted_ else None) as server:
        felt = trio.run(steps, partial(once, server.url))
    assert any(felt)  # how many steps there are, the network decides
    gc.collect()


# -- a whole job -------------------------------------------------------------------------------------------------------

TROUBLE = (Fault("submit", Drop("after")), Fault("poll", too_many(3), nth=2), Fault("result", Drop("body")))


async def job_swept(nth: int) -> bool:
    """A job of a few polls, cancelled at the `nth` step, then resumed to its end."""
    service, clock = Service(default=Plan(duration=5), faults=TROUBLE), TrioClock(START)
    async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
        client = Client(service.key, dialect=service.dialect, pace=bide.Every(2), pool=pool, clock=clock)
        order = client.prepare("flux", {"prompt": "a fox"}, key="order-1")
        felt = await cancelled_at(nth, partial(client.wait, order))
        assert len(client.unfinished) == felt
        heard = True
        for state in client.unfinished:
            assert isinstance(state, bide.Waiting)
            assert state.past.requests <= service.account.requests <= state.past.requests + 1
            heard = service.account.requests == state.past.requests
            token = bide.dump(state)
            assert bide.load(token, dialect=service.dialect) == state
            result = await client.wait(client.resume(token))
            assert len(result.files) == 1
        account = service.account
        assert account.executions == 1
        assert account.early == () or not heard  # a hint in the reply that was cut off is not known to anyone
    assert wires.open == []
    return felt


def test_a_job_can_be_cancelled_at_every_step_and_taken_up_again() -> None:
    felt = virtually(partial(steps, job_swept))
    assert sum(felt) > 50


@settings(max_examples=20, deadline=None)
@given(instants=st.lists(st.floats(0, 30), min_size=1, max_size=12))
def test_jobs_cancelled_at_any_instant_are_all_taken_up_again(instants: list[float]) -> None:
    service = Service(default=Plan(duration=20), faults=TROUBLE)

    async def main() -> None:
        clock = TrioClock(START)

        async def impatient(client: Client, seconds: float, number: int) -> None:
            with trio.move_on_after(seconds) as scope:
                await client.wait(client.prepare("flux", {}, key=f"order-{number}"))
            done.append(not scope.cancelled_caught)

        done: list[bool] = []
        async with network(emulated(service, clock)) as wires, Pool(size=3, dial=wires.dial) as pool:
            client = Client(service.key, dialect=service.dialect, pool=pool, clock=clock)
            async with trio.open_nursery() as nursery:
                for number, seconds in enumerate(instants):
                    nursery.start_soon(impatient, client, seconds, number)
            assert len(client.unfinished) + sum(done) == len(instants)
            tokens = [bide.dump(state) for state in client.unfinished]
            async with trio.open_nursery() as nursery:
                for token in tokens:
                    nursery.start_soon(client.wait, client.resume(token))
            assert wires.most <= 3
        assert service.account.executions == len(instants)

    virtually(main)


def test_a_cancelled_wait_goes_on_from_the_very_state() -> None:
    async def main() -> None:
        service, clock = Service(default=Plan(duration=60)), TrioClock(START)
        async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
            client = Client(service.key, dialect=service.dialect, pool=pool, clock=clock)
            job = await client.submit("flux", {})
            with trio.move_on_after(20):
                await client.wait(job)
            (state,) = client.unfinished
            assert state.handle == job.handle
            assert state.past.requests > job.past.requests
            asked = service.account.requests
            assert asked == state.past.requests
            result = await client.wait(state)
            assert result.handle == job.handle
        assert service.account.executions == 1
        assert service.account.early == ()

    virtually(main)


def test_a_cancelled_step_can_be_taken_again_by_the_same_iterator() -> None:
    async def main() -> None:
        service, clock = Service(default=Plan(duration=60)), TrioClock(START)
        async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
            client = Client(service.key, dialect=service.dialect, pool=pool, clock=clock)
            states, seen = client.follow(client.prepare("flux", FOX)), list[bide.Job]()
            while not isinstance(states.job, bide.Completed):
                with trio.move_on_after(7):
                    async for state in states:
                        seen.append(state)
                assert states.job is seen[-1]
            assert len(seen) == len({id(state) for state in seen}) == service.account.requests + 1
        assert service.account.executions == 1

    virtually(main)


def test_one_that_fails_takes_its_siblings_along_and_none_is_lost() -> None:
    """The caller's own nursery: an error in one task cancels the others, whose jobs can all be resumed."""
    plans = {"bad": Plan(duration=10, outcome=Status.FAILED), "good": Plan(duration=60)}

    async def main() -> None:
        service, clock = Service(plans=plans), TrioClock(START)
        async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
            client = Client(service.key, dialect=service.dialect, pool=pool, clock=clock)
            with pytest.RaisesGroup(JobFailed):
                async with trio.open_nursery() as nursery:
                    for model in ("good", "bad", "good", "good"):
                        nursery.start_soon(client.run, model, FOX)
            assert len(client.unfinished) == 3
            for state in tuple(client.unfinished):
                await client.wait(state)
        assert service.account.executions == 4

    virtually(main)


class InterruptedClock(TrioClock):
    """A clock at which somebody presses Ctrl-C in the second sleep."""

    sleeps = 0

    async def sleep_until(self, due: float, name: str | None = None) -> None:
        self.sleeps += 1
        if self.sleeps == 2:
            raise KeyboardInterrupt
        await super().sleep_until(due, name)


def test_an_interrupt_leaves_the_last_state_too() -> None:
    async def main() -> None:
        service, clock = Service(default=Plan(duration=5)), InterruptedClock(START)
        async with network(emulated(service, clock)) as wires, Pool(dial=wires.dial) as pool:
            client = Client(service.key, dialect=service.dialect, pace=bide.Every(2), pool=pool, clock=clock)
            with pytest.raises(KeyboardInterrupt):
                await client.run("flux", {"prompt": "a fox"})
            (state,) = client.unfinished
            assert isinstance(state, bide.Polling)
            assert len((await client.wait(state)).files) == 1
            assert service.account.executions == 1

    virtually(main)
