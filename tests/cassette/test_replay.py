"""Replay: one cassette makes the same states in the core, through requests and through trio, and nothing leaves."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import trio
import trio.testing
from typing_extensions import override

import bide
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.messages import Cause, Headers, NoResponse, Reply, Request, Response
from bide_transports import trio as over_trio
from bide_transports.cassette.changing.settle import settle
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import Recording, record
from bide_transports.cassette.redaction import Rules
from bide_transports.cassette.replaying.playback import Playback, replay
from bide_transports.cassette.tape import Cassette, Done, Event, Heard, InvalidCassette, Open, Send, Wait
from bide_transports.cassette.verify import verify
from bide_transports.clock import SystemClock
from bide_transports.emulator import VirtualClock
from bide_transports.requests import follow
from bide_transports.trio import Client, TrioClock
from tests.cassette.replaying import (
    PLAYERS,
    Stretch,
    by_core,
    by_requests,
    by_trio,
    followed,
    no_async_exchange,
    no_exchange,
    scripted,
    stretches,
)

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.cassette.jsonl"))
ONE = Path(__file__).parent / "recorded" / "a-job-that-completes.cassette.jsonl"
NOW = 1893830400.0
ACCEPTED = Response(202, Headers.of([("content-type", "application/json")]), b'{"id":"exec_1","status":"PENDING"}')
PENDING = Response(200, Headers.of([("content-type", "application/json")]), b'{"id":"exec_1","status":"PENDING"}')
DONE = Response(200, ACCEPTED.headers, b'{"id":"exec_1","status":"COMPLETED"}')
RESULT = Response(200, ACCEPTED.headers, b'{"execution_id":"exec_1","status":"COMPLETED","output":{"images":[]}}')


def job() -> bide.Submitting:
    """A submission, begun at the scripts' time."""
    order = bide.Order("flux-1.1-pro", {"prompt": "a fox"}, "b6f1d7e4-6d3c-4b0e-8f55-2f6d9c1a0b7e")
    return bide.submit(order, dialect=bide.ModelRoute(), now=NOW)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.partition(".")[0])
def test_a_cassette_makes_the_same_states_everywhere(path: Path) -> None:
    cassette = load(path)
    verify(cassette)
    states = by_core(cassette)
    assert by_requests(cassette) == states
    assert by_trio(cassette) == states


@pytest.mark.parametrize("player", PLAYERS)
def test_a_redirect_to_a_signed_address_is_followed_again(player: str, tmp_path: Path) -> None:
    signature = "Zm94ZXMgd2FpdCBmb3IgYnVzZXM"
    sent_on = [Response(code, Headers.of([("location", f"?sig={signature}&n={code}")])) for code in (307, 302, 308)]
    path = tmp_path / "job.cassette.jsonl"
    cassette = scripted(path, job(), [sent_on[0], ACCEPTED, *sent_on[1:], PENDING, DONE, sent_on[1], RESULT])
    assert signature not in path.read_text()
    verify(cassette)
    states = PLAYERS[player](cassette)
    assert states == by_core(cassette)
    asked = [event.request.url for event in cassette.events if isinstance(event, Send)]
    assert sum("sig=redacted-sig-1" in url for url in asked) == 4


def test_a_job_that_sends_cookies_back_is_one_job_when_it_is_taken_up_again(tmp_path: Path) -> None:
    session = "c2Vzc2lvbi1vZi1mb3hlcw"
    dialect, path, clock = Declared(named("azure-arm-action")), tmp_path / "job.cassette.jsonl", VirtualClock(NOW)
    place = ("location", "/operations/1?api-version=1")
    replies = [Response(500, Headers.of([("set-cookie", f"a={session}; Path=/")]))]
    replies += [Response(202, Headers.of([("set-cookie", f"a={session}{n}; Path=/"), place])) for n in range(4)]
    replies += [Response(200, Headers.of([("content-type", "application/json")]), b'{"fox": 1}')]
    cookies: list[str | None] = []

    def exchange(request: Request) -> Reply:
        cookies.append(Headers.of(request.headers).get("cookie"))
        return replies[len(cookies) - 1]

    def taken_up_twice(tape: Recording | Playback) -> list[str]:
        job: bide.Job = bide.submit(bide.Order("fox", {}), dialect=dialect, now=NOW, pace=bide.Every(2))
        lane = tape.lane(job, exchange, clock)
        *_, job = islice(follow(lane.job, lane.exchange, lane.clock), 4)
        lane = tape.lane(job, exchange, clock)
        return [type(state).__name__ for state in follow(lane.job, lane.exchange, lane.clock)]

    with record(path) as tape:
        states = taken_up_twice(tape)
    assert cookies == [None, f"a={session}", *(f"a={session}{n}" for n in range(4))]
    assert session not in path.read_text()
    cassette = load(path)
    assert [type(event) for event in cassette.events].count(Open) == 2
    assert len(cassette.lanes) == 1
    with replay(cassette) as played:
        assert taken_up_twice(played) == states
    assert states[-1] == "Completed"


class _Drowsy(VirtualClock):
    """Sleeps 30 hours longer, as a machine does whose lid is closed."""

    @override
    def sleep_until(self, due: float) -> None:
        super().sleep_until(due + (108_000.0 if due > self.now() else 0.0))


def test_a_submission_that_was_not_sent_again_after_a_long_sleep_is_not_on_replay(tmp_path: Path) -> None:
    clock, path = _Drowsy(NOW), tmp_path / "job.cassette.jsonl"
    with record(path) as tape:
        lane = tape.lane(job(), lambda _: NoResponse(Cause.RESET, sent=True), clock)
        *_, last = follow(lane.job, lane.exchange, lane.clock)
    assert isinstance(last, bide.Abandoned)
    cassette = load(path)
    wait, done = cassette.events[-2:]
    assert (isinstance(wait, Wait), isinstance(done, Done), done.t) == (True, True, 108_000_000 + wait.t + _ms(wait))
    assert settle(cassette).events == cassette.events
    with replay(cassette) as played:
        lane = played.lane(job(), no_exchange, SystemClock())
        *_, again = follow(lane.job, lane.exchange, lane.clock)
    assert isinstance(again, bide.Abandoned)
    assert again.reason is bide.Reason.AMBIGUOUS

    async def main() -> bide.Job:
        with replay(cassette) as played:
            lane = played.async_lane(job(), no_async_exchange, TrioClock())
            return [s async for s in over_trio.follow(lane.job, lane.exchange, lane.clock, lane.listener)][-1]

    assert trio.run(main) == again


def _ms(event: Event) -> int:
    assert isinstance(event, Wait)
    return event.ms


#: What a connection can come to, each by something that really happens on it.
SILENCES = [
    (Cause.UNRESOLVED, False),
    (Cause.UNREACHABLE, False),
    (Cause.PRIVATE, False),
    (Cause.PROXY, False),
    (Cause.UNTRUSTED, False),
    (Cause.TIMEOUT, False),
    (Cause.TIMEOUT, True),
    (Cause.RESET, True),
    (Cause.PROTOCOL, True),
    (Cause.TOO_LARGE, True),
    (Cause.BUSY, False),
]


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize(("cause", "sent"), SILENCES)
def test_every_silence_is_heard_again(tmp_path: Path, player: str, cause: Cause, sent: bool) -> None:
    silence = NoResponse(cause, sent=sent)
    scripts: dict[str, list[Reply]] = {
        "first": [silence],
        "kept-alive": [ACCEPTED, PENDING, silence, silence, DONE, RESULT],
    }
    for name, replies in scripts.items():
        cassette = scripted(tmp_path / f"{name}.cassette.jsonl", job(), replies)
        assert PLAYERS[player](cassette) == by_core(cassette)


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("reply", [
    Response(204, Headers.of([("retry-after", "1")])),
    Response(304, Headers.of([("etag", '"1"')])),
    Response(200, Headers.of([("etag", "caf\xe9"), ("link", "<a>"), ("link", "<b>")]), b"\x00\xff" * 20_000),
    Response(302, Headers.of([("location", "https://elsewhere.example/x")])),
    Response(401, Headers.of([("content-type", "text/plain")]), b"no"),
    Response(599, body=b"x"),
], ids=lambda reply: str(reply.status))  # fmt: skip
def test_every_reply_is_heard_again(tmp_path: Path, player: str, reply: Reply) -> None:
    cassette = scripted(tmp_path / "job.cassette.jsonl", job(), [ACCEPTED, reply], rules=Rules(keep=("etag", "link")))
    assert PLAYERS[player](cassette) == by_core(cassette)


@pytest.mark.parametrize("player", PLAYERS)
def test_an_address_with_a_signature_leads_to_the_same_request_without_it(tmp_path: Path, player: str) -> None:
    dialect = Declared(named("azure-arm"))
    signature = "c2lnbmF0dXJlLW9mLWFuLWFkZHJlc3M="
    base = "https://management.azure.com/subscriptions/1/operations"

    def told(status: int, where: str, sig: str) -> Response:
        headers = [("location", f"{base}/{where}?api-version=2021-04-01&sig={sig}"), ("retry-after", "3")]
        return Response(status, Headers.of(headers))

    done = Response(200, body=b'{"properties":{"provisioningState":"Succeeded"}}')
    replies = [told(202, "a", signature), told(202, "b", signature[::-1]), done]
    order = bide.Order("subscriptions/1/resourceGroups/r", {"location": "westeurope"}, None)
    cassette = scripted(tmp_path / "job.cassette.jsonl", bide.submit(order, dialect=dialect, now=NOW), replies)
    text = (tmp_path / "job.cassette.jsonl").read_text()
    assert signature not in text
    assert signature[::-1] not in text
    urls = [event.request.url for event in cassette.events if isinstance(event, Send)]
    assert [url.rpartition("/")[2] for url in urls[1:3]] == [
        "a?api-version=2021-04-01&sig=redacted-sig-1",
        "b?api-version=2021-04-01&sig=redacted-sig-2",
    ]
    assert PLAYERS[player](cassette) == by_core(cassette)


def test_a_dialect_of_ones_own_needs_no_telling(tmp_path: Path) -> None:
    dialect = Declared(replace(named("replicate"), name="a-vendor-of-our-own"))
    accepted = Response(201, body=b'{"id":"p1","status":"starting","urls":{}}')
    done = Response(200, body=b'{"id":"p1","status":"succeeded","output":["https://replicate.delivery/a/out-0.png"]}')
    order = bide.Order("black-forest-labs/flux", {"prompt": "a fox"}, None)
    job = bide.submit(order, dialect=dialect, now=NOW)
    cassette = scripted(tmp_path / "job.cassette.jsonl", job, [accepted, done])
    with pytest.raises(InvalidCassette, match="does not come with bide"):
        verify(cassette)
    for given in (None, dialect):
        with replay(cassette, dialect=given) as tape:
            *_, last = follow(*tape.lane(job, no_exchange, SystemClock()))
        assert isinstance(last, bide.Completed)
        assert last.result.files == ("https://replicate.delivery/a/out-0.png",)


def test_one_playback_serves_both_clients() -> None:
    cassette = load(ONE)
    (stretch,) = stretches(cassette)

    async def rest(tape: Playback, job: bide.Job) -> list[bide.Job]:
        return await followed(tape, Stretch(stretch.lane, job, stretch.events))

    with replay(cassette) as tape:
        *_, last = follow(*tape.lane(stretch.job, no_exchange, SystemClock()))
        with pytest.raises(ReplayDiverged, match="every lane was begun already"):
            trio.run(rest, tape, stretch.job)
    with replay(cassette) as tape:
        assert trio.run(rest, tape, stretch.job)[-1] == last


def test_virtual_time_of_ones_own_changes_nothing() -> None:
    cassette = load(ONE)

    async def main(cassette: Cassette) -> list[str]:
        began = trio.current_time()
        with replay(cassette) as tape:
            states = [state for stretch in stretches(cassette) for state in await followed(tape, stretch)]
        assert trio.current_time() == began
        return list(map(bide.dump, states))

    for clock in (trio.testing.MockClock(), trio.testing.MockClock(autojump_threshold=0)):
        assert trio.run(main, cassette, clock=clock) == [state for one in by_core(cassette).values() for state in one]


def test_a_timeout_takes_no_time_of_anybodys(tmp_path: Path) -> None:
    silences = [NoResponse(Cause.TIMEOUT, sent=True), NoResponse(Cause.TIMEOUT, sent=False)]
    cassette = scripted(tmp_path / "job.cassette.jsonl", job(), [ACCEPTED, *silences, DONE])

    async def main() -> None:
        began = trio.current_time()
        with replay(cassette) as tape:
            for stretch in stretches(cassette):
                await followed(tape, stretch)
        assert trio.current_time() == began

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_wait_can_be_cancelled() -> None:
    cassette = load(ONE)
    (stretch,) = stretches(cassette)
    assert isinstance(stretch.job, bide.Submitting)
    order, dialect = stretch.job.order, stretch.job.terms.dialect

    async def main() -> None:
        tape = replay(cassette)
        async with Client("key-of-nobody", dialect=dialect, tape=tape) as client:
            with trio.CancelScope() as scope:
                scope.cancel()
                await client.run(order.model, order.input)
            assert scope.cancelled_caught
            assert [type(state) for state in client.unfinished] == [bide.Submitting]

    trio.run(main)


def test_exchanges_of_no_job_need_not_be_played() -> None:
    cassette = load(ONE)
    get = Request("GET", "https://api.modelroute.ai/v1/executions")
    apart = (Open("apart#1", 0), Send("apart#1", 0, get), Heard("apart#1", 1, PENDING))
    more = Cassette(cassette.head, (*apart, *cassette.events))
    assert verify(more).lanes == 2
    job = next(stretches(cassette)).job
    with replay(more) as tape:
        *_, last = follow(*tape.lane(job, no_exchange, SystemClock()))
    assert isinstance(last, bide.Completed)


def test_no_network_is_touched_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)

    def forbidden(*_: object) -> None:
        raise AssertionError("a network was wanted")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    cassette = load(ONE)
    assert by_requests(cassette) == by_trio(cassette) == by_core(cassette)


def test_only_the_transport_that_is_asked_for_is_imported() -> None:
    code = (
        "import sys, bide_transports.cassette.replaying.playback as p\n"
        "print(sorted({'requests', 'trio', 'h11', 'urllib3', 'click'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
