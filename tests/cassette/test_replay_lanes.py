"""Which lane a job is played on: by its order, its handle, or where it was left; and where the recording was cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest

import bide
from bide.messages import Reply, Request
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load
from bide_transports.cassette.recording import record
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.tape import Heard, Open, Send
from bide_transports.emulator import InMemory, Plan, Service, VirtualClock
from bide_transports.requests import Client, follow
from tests.cassette.replaying import DIALECT, FOX, fox, lane_of


def test_a_job_that_is_left_goes_on_as_it_was_recorded(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    network = InMemory(Service(default=Plan(duration=60)), clock, latency=0.05)
    with record(path) as tape:
        *_, last = islice(follow(*tape.lane(fox(clock.now()), network.exchange, clock)), 3)
        assert isinstance(last, bide.Polling)
        for _ in follow(*tape.lane(bide.cancel(last, now=clock.now()), network.exchange, clock)):
            pass
    with replay(path) as played:
        *_, state = islice(follow(*lane_of(played, fox())), 3)
        assert isinstance(state, bide.Polling)
        with pytest.raises(ReplayDiverged, match="state: cassette 'Cancelling', code 'Polling'"):
            lane_of(played, state)
        with pytest.raises(ReplayDiverged, match="state: cassette 'Cancelling', code 'Polling'"):
            lane_of(played, bide.watch(state.handle, dialect=DIALECT, now=1e9))
        left = bide.watch(state.handle, dialect=DIALECT, now=1e9)
        *_, state = follow(*lane_of(played, bide.cancel(left, now=1e9)))
        assert isinstance(state, bide.Cancelled)


def test_a_watched_job_is_found_by_its_handle(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    network = InMemory(Service(), clock)
    network.exchange(fox().request)
    (handle,) = network.service.executions
    with record(path) as tape:
        lane = tape.lane(bide.watch(handle, dialect=DIALECT, now=clock.now()), network.exchange, clock)
        *_, last = follow(lane.job, lane.exchange, lane.clock)
    with replay(path) as played, Client(Service.key, dialect=DIALECT, tape=played) as over:
        with pytest.raises(ReplayDiverged, match=f"handle: cassette '{handle}', code 'exec_other'"):
            over.wait("exec_other")
        with pytest.raises(ReplayDiverged, match="state: cassette 'Polling', code 'Cancelling'"):
            over.cancel(handle)
        assert over.wait(handle) == cast("bide.Completed", last).result


def test_equal_orders_take_equal_lanes_in_turn(tmp_path: Path) -> None:
    path, clock = tmp_path / "jobs.cassette.jsonl", VirtualClock()
    network = InMemory(Service(default=Plan(duration=0)), clock)
    with record(path) as tape:
        orders = [bide.Order("flux-1.1-pro", FOX, f"key-of-the-order-{number}") for number in range(12)]
        jobs = [bide.submit(order, dialect=DIALECT, now=clock.now()) for order in orders]
        lanes = [tape.lane(job, network.exchange, clock) for job in jobs]
        recorded = [list(follow(*lane))[-1].handle for lane in lanes]
    with replay(path) as played:
        lanes = [lane_of(played, fox()) for _ in jobs]
        assert [list(follow(*lane))[-1].handle for lane in lanes] == recorded


def test_a_secret_of_the_clients_own_in_an_order_is_found_again(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    network = InMemory(Service(default=Plan(duration=0)), clock)
    keys = [f"sk_{word * 4}" for word in ("firstkey", "otherkey")]

    def order(key: str) -> dict[str, Any]:
        return {"prompt": "a fox", "token": key, "says": f"use {key} here"}

    with record(path) as tape:
        tape.hide(keys[0])
        job = bide.submit(bide.Order("flux-1.1-pro", order(keys[0]), "k"), dialect=DIALECT, now=clock.now())
        for _ in follow(*tape.lane(job, network.exchange, clock)):
            pass
    assert keys[0] not in path.read_text()
    with replay(path) as played, Client(keys[1], dialect=DIALECT, tape=played) as over:
        assert over.run("flux-1.1-pro", order(keys[1])).handle


def test_a_request_that_was_cut_is_not_missed_and_not_answered(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    network = InMemory(Service(), clock, latency=0.05)
    with record(path) as tape:
        for _ in follow(*tape.lane(fox(clock.now()), network.exchange, clock)):
            pass
    whole = load(path)
    heard = [n for n, event in enumerate(whole.events) if isinstance(event, Heard)]
    cassette = replace(whole, events=whole.events[: heard[1]])
    with replay(cassette) as played, Client(Service.key, dialect=DIALECT, tape=played) as client:
        job = client.submit("flux-1.1-pro", FOX)
    assert isinstance(job, bide.Polling)
    played = replay(cassette)
    with pytest.raises(ReplayDiverged, match="the recording was cut here") as caught:
        Client(Service.key, dialect=DIALECT, tape=played).run("flux-1.1-pro", FOX)
    assert isinstance(caught.value.expected, Send)


def test_a_job_that_was_cut_is_taken_up_again(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    network, fails = InMemory(Service(), clock, latency=0.05), iter([False, False, True])

    def exchange(request: Request) -> Reply:
        if next(fails, False):
            raise KeyboardInterrupt
        return network.exchange(request)

    with record(path) as tape:
        lane = tape.lane(fox(clock.now()), exchange, clock)
        last: bide.Job = lane.job
        with pytest.raises(KeyboardInterrupt):
            for last in follow(*lane):  # noqa: B007
                pass
        for _ in follow(*tape.lane(last, exchange, clock)):
            pass
    cassette = load(path)
    with replay(path) as played:
        states = list(islice(follow(*lane_of(played, fox())), 3))
        *_, done = follow(*lane_of(played, states[-1]))
        assert isinstance(done, bide.Completed)
    assert sum(isinstance(event, Open) for event in cassette.events) == 2


def test_what_was_recorded_under_another_address_is_played_under_either(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    service = Service(api_url="http://127.0.0.1:4567")
    network, aliases = InMemory(service, clock), {service.api_url: "https://api.modelroute.ai"}
    job = bide.submit(fox().order, dialect=service.dialect, now=clock.now())
    with record(path, dialect=bide.ModelRoute(), aliases=aliases) as tape:
        *_, last = follow(*tape.lane(job, network.exchange, clock))
    assert isinstance(last, bide.Completed)
    with replay(path) as played, Client(Service.key, dialect=bide.ModelRoute(), tape=played) as client:
        assert client.run("flux-1.1-pro", FOX) == last.result
    with replay(path, aliases=aliases) as played, Client(Service.key, dialect=service.dialect, tape=played) as client:
        assert client.run("flux-1.1-pro", FOX) == last.result
