"""Recording: what a client does goes on the cassette as it happens, without a secret, and nothing that cannot be
replayed gets a name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import trio
from typing_extensions import override

import bide
from bide.errors import InvalidSetting
from bide.messages import Reply, Request, Response
from bide_transports import trio as over_trio
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import Recording, record
from bide_transports.cassette.redaction import Rules
from bide_transports.cassette.tape import Cassette, Done, Heard, InvalidCassette, Open, Send, Told, Wait
from bide_transports.cassette.verify import verify
from bide_transports.emulator import Fault, InMemory, Plan, Service, Status, VirtualClock, too_many
from bide_transports.emulator.server import Emulator, serve
from bide_transports.requests import Client, follow
from tests.drivers import TrioVirtualClock

FOX = {"prompt": "a fox"}
KEY = "sk_" + "0dd5ec2e7" * 4 + "_cafe"


def _recorded(path: Path) -> Cassette:
    cassette = load(path)
    assert not path.with_name(path.name + ".partial").exists()
    assert verify(cassette).decisions > 0
    return cassette


def _kinds(cassette: Cassette) -> list[str]:
    return [type(event).__name__ for event in cassette.events]


def test_a_client_of_requests_records_what_it_waits_for(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    with serve(Service(), clock=clock.now) as emulator:
        tape = record(path)
        with tape, Client(emulator.key, dialect=emulator.dialect, clock=clock, tape=tape) as client:
            result = client.run("flux-1.1-pro", FOX)
    cassette = _recorded(path)
    assert cassette.head.dialect == "modelroute"
    assert (cassette.head.base, cassette.head.by) == (emulator.base_url, "record")
    (events,) = cassette.lanes.values()
    assert [type(event) for event in events[:4]] == [Open, Wait, Send, Heard]
    done = events[-1]
    assert isinstance(done, Done)
    assert (done.state, done.files) == ("Completed", result.files)
    assert emulator.key not in path.read_text()
    assert all(event.request.credential for event in events if isinstance(event, Send))


def test_a_client_of_trio_records_the_same(tmp_path: Path) -> None:
    lanes: list[Any] = []
    for name in ("one", "other"):
        path, clock = tmp_path / f"{name}.cassette.jsonl", VirtualClock()

        async def main(tape: Recording, emulator: Emulator, clock: VirtualClock) -> None:
            async with over_trio.Client(
                emulator.key, dialect=emulator.dialect, clock=TrioVirtualClock(clock), tape=tape
            ) as client:
                await client.run("flux-1.1-pro", FOX)

        with (
            serve(Service(), clock=clock.now) as emulator,
            record(path, dialect=bide.ModelRoute(), aliases={emulator.base_url: "https://api.modelroute.ai"}) as tape,
        ):
            if name == "one":
                trio.run(main, tape, emulator, clock)
            else:
                with Client(emulator.key, dialect=emulator.dialect, clock=clock, tape=tape) as client:
                    client.run("flux-1.1-pro", FOX)
        lanes.append(_recorded(path).lanes)
    assert lanes[0] == lanes[1]


def test_a_job_that_is_left_and_taken_up_again_stays_in_its_lane(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    with serve(Service(default=Plan(duration=60)), clock=clock.now) as emulator:
        tape = record(path)
        with tape, Client(emulator.key, dialect=emulator.dialect, clock=clock, tape=tape) as client:
            job = client.submit("flux-1.1-pro", FOX)
            clock.sleep_until(clock.now() + 3)
            assert isinstance(client.cancel(job), bide.Cancelled)
            client.submit("flux-1.1-pro", FOX)
            client.submit("flux-1.1-pro", {"prompt": "a hen"})
    cassette = _recorded(path)
    first, second, other = cassette.lanes
    assert first.removesuffix("#1") == second.removesuffix("#2")
    assert first.rpartition("-")[0] == other.rpartition("-")[0]
    assert [type(event) for event in cassette.lanes[first]].count(Open) == 2
    assert _states(cassette, first) == ["Submitting", "Polling", "Cancelling", "Cancelled"]


def _states(cassette: Cassette, lane: str) -> list[str]:
    return [event.state for event in cassette.lanes[lane] if isinstance(event, Wait | Done)]


def test_a_failed_job_is_recorded_too(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    plan = Plan(outcome=Status.FAILED)
    with serve(Service(default=plan), clock=clock.now) as emulator:
        tape = record(path)
        with tape, Client(emulator.key, dialect=emulator.dialect, clock=clock, tape=tape) as client:
            last = client.submit("flux-1.1-pro", FOX)
            *_, last = client.follow(last)
    assert isinstance(last, bide.Failed)
    assert _kinds(_recorded(path))[-1] == "Done"


def test_an_exchange_of_ones_own_is_recorded(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    network = InMemory(Service(faults=[Fault("poll", too_many(7))]), clock, latency=0.25)
    job = bide.submit(bide.Order("m", FOX, "key-1"), dialect=network.service.dialect, now=clock.now())
    with record(path) as tape:
        lane = tape.lane(job, network.exchange, clock)
        *_, last = follow(lane.job, lane.exchange, lane.clock)
    assert isinstance(last, bide.Completed)
    waits = [event for event in _recorded(path).events if isinstance(event, Wait)]
    assert (waits[2].ms, waits[2].why) == (7000, "retry-after")


def test_each_line_is_on_the_disk_before_what_it_tells_of(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    network, lines = InMemory(Service(), clock), list[str]()

    def exchange(request: Request) -> Reply:
        lines.append(path.with_name(path.name + ".partial").read_text().splitlines()[-1])
        return network.exchange(request)

    job = bide.submit(bide.Order("m", FOX, "key-1"), dialect=network.service.dialect, now=clock.now())
    with record(path) as tape:
        lane = tape.lane(job, exchange, clock)
        for _ in follow(lane.job, lane.exchange, lane.clock):
            pass
    assert len(lines) > 2
    assert {json.loads(line)["k"] for line in lines} == {"send"}


def test_nothing_recorded_leaves_nothing(tmp_path: Path) -> None:
    with record(tmp_path / "job.cassette.jsonl") as tape:
        pass
    assert tape.cassette is None
    assert list(tmp_path.iterdir()) == []


def test_a_cassette_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    path.write_text("mine")
    with pytest.raises(InvalidCassette, match="is there already"):
        record(path)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    with record(path, overwrite=True) as tape:
        _play(tape)
    assert tape.cassette == load(path)


def test_two_recordings_into_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    with record(path) as tape:
        with pytest.raises(InvalidCassette, match="cannot be written"):
            record(path)
        _play(tape)


def test_a_tape_and_a_journal_do_not_go_together(tmp_path: Path) -> None:
    with record(tmp_path / "job.cassette.jsonl") as tape, pytest.raises(InvalidSetting, match="the one or the other"):
        Client(KEY, tape=tape, journal=tmp_path / "jobs")


def _play(tape: Recording, service: Service | None = None, input: dict[str, Any] = FOX) -> bide.Job:  # noqa: A002
    clock = VirtualClock()
    network = InMemory(service or Service(), clock)
    job = bide.submit(bide.Order("m", input, "key-1"), dialect=network.service.dialect, now=clock.now())
    lane = tape.lane(job, network.exchange, clock)
    *_, last = follow(lane.job, lane.exchange, lane.clock)
    return last


class _Talkative(Service):
    """Tells when to come again in a header that nobody knows."""

    def __init__(self) -> None:
        super().__init__(faults=[Fault("poll", too_many("3"))])

    @override
    def handle(self, request: Request, *, now: float) -> Any:
        answer = super().handle(request, now=now)
        if not isinstance(answer, Response) or answer.status != 429:
            return answer
        (retry,) = answer.headers.every("retry-after")
        headers = [(name, value) for name, value in answer.headers if name != "retry-after"]
        return Response(429, bide.Headers.of([*headers, ("Retry-After", f"{KEY}, {retry}"), ("Retry-After", retry)]))


def test_a_header_that_decides_and_holds_a_secret_ends_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    with record(path, rules=Rules(secrets=(KEY,))) as tape:
        assert isinstance(_play(tape, _Talkative()), bide.Completed)
    assert KEY not in path.read_text()


def test_a_secret_that_no_rule_knows_is_found_before_the_cassette_has_a_name(tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    strange = "Zq8" + "vT1nX7bK4mR9wL2c" * 3
    with (
        pytest.raises(InvalidCassette, match=r"would stand in 2 places of .*Name them in"),
        record(path) as tape,
    ):
        _play(tape, input={"prompt": "a fox", "memo": strange})
    assert not path.exists()
    with record(path, rules=Rules(secrets=(strange,))) as tape:
        _play(tape, input={"prompt": "a fox", "memo": strange})
    assert strange not in path.read_text()
    _recorded(path)


def test_a_reply_that_is_too_large_to_be_kept_is_told(tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    with (
        pytest.raises(InvalidCassette, match=r":5: this reply of \d+ bytes .* a larger `inline`"),
        record(path, inline=100) as tape,
    ):
        _play(tape)
    assert not path.exists()
    with record(path, overwrite=True) as tape:
        _play(tape, input={"prompt": " ".join(["a fox"] * 20_000)})  # a request is kept whole: its job is, too
    _recorded(path)


def test_a_cassette_that_would_be_too_large_is_told(tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    with (
        pytest.raises(InvalidCassette, match="more than 5242880: record less"),
        record(path) as tape,
    ):
        _play(tape, input={"prompt": " ".join(["a fox"] * 500_000)})
    assert not path.exists()


def test_notices_are_recorded(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    network = InMemory(Service(default=Plan(duration=12)), clock)

    async def exchange(request: Request) -> Reply:
        await trio.lowlevel.checkpoint()
        return network.exchange(request)

    heard = list[float]()

    def listener(job: Any) -> Any:
        if isinstance(job, bide.Polling) and job.past.polls == 2 and not heard:
            heard.append(clock.now())
            return bide.notice(job, bide.Notice("e1", job.handle), now=clock.now())
        return job

    async def main(tape: Recording) -> bide.Job:
        job = bide.submit(bide.Order("m", FOX, "key-1"), dialect=network.service.dialect, now=clock.now())
        lane = tape.async_lane(job, exchange, TrioVirtualClock(clock), listener)
        state: bide.Job = lane.job
        while isinstance(state, bide.Waiting):
            state = await over_trio.step(state, lane.exchange, lane.clock, lane.listener)
        return state

    with record(path) as tape:
        assert isinstance(trio.run(main, tape), bide.Completed)
    cassette = _recorded(path)
    index = _kinds(cassette).index("Told")
    told, decided = cassette.events[index : index + 2]
    assert isinstance(told, Told)
    assert (cassette.head.now(told.t), cast("Wait", decided).why) == (heard[0], "notice")


def test_a_wait_that_is_cancelled_leaves_its_request_without_a_reply(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    network = InMemory(Service(), clock)

    async def main(tape: Recording) -> None:
        async def exchange(request: Request) -> Reply:
            if request.method == "GET":
                scope.cancel()
            await trio.lowlevel.checkpoint()
            return network.exchange(request)

        with trio.CancelScope() as scope:
            job = bide.submit(bide.Order("m", FOX, "key-1"), dialect=network.service.dialect, now=clock.now())
            lane = tape.async_lane(job, exchange, TrioVirtualClock(clock))
            await over_trio.run(lane.job, lane.exchange, lane.clock)
        assert scope.cancelled_caught

    with record(path) as tape:
        trio.run(main, tape)
    assert _kinds(_recorded(path)) == ["Open", "Wait", "Send", "Heard", "Wait", "Send"]
