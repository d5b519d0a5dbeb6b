"""Several at one tape, or at one file: threads, processes, services, and jobs of yesterday beside those of today."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from threading import Barrier, Thread

import pytest

import bide
from bide_transports.cassette.files import load, loads, save
from bide_transports.cassette.recording import record
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.tape import Cassette, InvalidCassette, Open
from bide_transports.cassette.verify import verify
from bide_transports.emulator import Plan, Service, VirtualClock
from bide_transports.emulator.server import serve
from bide_transports.requests import Client
from tests.cassette.scenes import RECORDED

FOX = {"prompt": "a fox"}
REAL = "https://api.modelroute.ai"


@pytest.fixture(scope="module")
def whole() -> Cassette:
    return load(RECORDED / "has-no-key.cassette.jsonl")


_SECOND = """
import sys
from bide_transports.cassette import record
from bide_transports.cassette.tape import InvalidCassette
try:
    record(sys.argv[1], overwrite=True)
except InvalidCassette as error:
    print(error)
"""


def test_whoever_is_turned_away_leaves_the_first_ones_lines(tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    with serve(Service(), clock=clock.now) as emulator:
        tape = record(path)
        with tape, Client(emulator.key, dialect=emulator.dialect, clock=clock, tape=tape) as client:
            client.run("flux-1.1-pro", FOX)
            before = tape.partial.read_bytes()
            command = [sys.executable, "-c", _SECOND, str(path)]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            assert "another process has it open" in run.stdout
            assert tape.partial.read_bytes() == before
            client.run("flux-1.1-pro", FOX)
    assert len(load(path).lanes) == 2


def test_what_an_earlier_recording_left_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    left = path.with_name(path.name + ".partial")
    left.write_text("of an earlier recording")
    tape = record(path)
    assert left.read_bytes() == b""
    tape.close()


def test_of_several_that_save_at_once_each_leaves_a_whole_file(
    whole: Cassette, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.cassette.jsonl"
    save(whole, path)
    first, second = (replace(whole, head=replace(whole.head, lib=lib)) for lib in ("first", "second"))
    fsync, saved = os.fsync, list[bytes]()

    def slow(fd: int) -> None:
        """While the first one waits for its disk the second one comes and goes."""
        if not saved:
            saved.append(b"")
            save(second, path, overwrite=True)
            saved.append(path.read_bytes())
        fsync(fd)

    monkeypatch.setattr(os, "fsync", slow)
    save(first, path, overwrite=True)
    assert loads(saved[1]).head == second.head
    assert load(path).head == first.head
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_file_that_cannot_be_put_in_place_is_not_left(
    whole: Cassette, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(fd: int) -> None:  # noqa: ARG001  as it is called
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(InvalidCassette, match="Input/output error"):
        save(whole, tmp_path / "job.cassette.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("attempt", range(5))
def test_threads_with_a_client_each_share_a_tape(attempt: int, tmp_path: Path) -> None:
    path, clock = tmp_path / f"{attempt}.cassette.jsonl", VirtualClock()
    gate, failed = Barrier(4), list[BaseException]()
    with serve(Service(), clock=clock.now) as emulator, record(path) as tape:

        def go(number: int) -> None:
            try:
                with Client(emulator.key, dialect=emulator.dialect, clock=VirtualClock(), tape=tape) as client:
                    gate.wait(30)
                    for turn in range(3):
                        client.submit("flux-1.1-pro", {"prompt": f"fox {number} {turn}"})
            except BaseException as error:  # noqa: BLE001  told below
                failed.append(error)

        threads = [Thread(target=go, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert verify(load(path)).lanes == 12
    assert path.read_text().count('"cassette":1') == 1


def test_equal_orders_of_two_threads_have_lanes_of_their_own(tmp_path: Path) -> None:
    path, clock, gate = tmp_path / "job.cassette.jsonl", VirtualClock(), Barrier(4)
    with serve(Service(), clock=clock.now) as emulator, record(path) as tape:

        def go() -> None:
            with Client(emulator.key, dialect=emulator.dialect, clock=VirtualClock(), tape=tape) as client:
                gate.wait(30)
                client.submit("flux-1.1-pro", FOX)

        threads = [Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert verify(load(path)).lanes == 4


def test_a_job_of_yesterday_has_a_lane_of_its_own_beside_an_equal_order(tmp_path: Path) -> None:
    path, clock = tmp_path / "today.cassette.jsonl", VirtualClock()
    with serve(Service(default=Plan(duration=20)), clock=clock.now) as emulator:
        how = partial(Client, emulator.key, dialect=emulator.dialect, clock=clock)
        with record(tmp_path / "yesterday.cassette.jsonl") as tape, how(tape=tape) as client:
            token = bide.dump(client.submit("flux-1.1-pro", FOX))
        with record(path) as tape, how(tape=tape) as client:
            today, yesterday = client.submit("flux-1.1-pro", FOX), client.resume(token)
            assert today.terms.seed == yesterday.terms.seed
            *_, (one, other) = zip_longest(client.follow(today), client.follow(yesterday))
    assert isinstance(one or other, bide.Completed)
    cassette = load(path)
    assert verify(cassette).lanes == 2
    opened = {name: sum(isinstance(event, Open) for event in events) for name, events in cassette.lanes.items()}
    assert opened.pop(today.terms.seed) == 2
    assert [*opened.values()] == [1]
    with Client(emulator.key, dialect=emulator.dialect, tape=replay(cassette)) as client:
        today = client.submit("flux-1.1-pro", FOX)
        assert isinstance(client.wait(client.resume(token)), bide.Result)
        assert isinstance(client.wait(today), bide.Result)


def test_a_submission_of_yesterday_has_a_lane_of_its_own_too(tmp_path: Path) -> None:
    path, clock = tmp_path / "today.cassette.jsonl", VirtualClock()
    with (
        serve(Service(), clock=clock.now) as emulator,
        record(path) as tape,
        Client(emulator.key, dialect=emulator.dialect, clock=clock, tape=tape) as client,
    ):
        today = client.submit("flux-1.1-pro", FOX)
        order = bide.Order("flux-1.1-pro", FOX, "key-of-yesterday")
        prepared = bide.submit(order, dialect=emulator.dialect, now=clock.now())
        prepared = replace(prepared, terms=replace(prepared.terms, seed=today.terms.seed))
        assert isinstance(client.wait(prepared), bide.Result)
        assert isinstance(client.wait(today), bide.Result)
    assert verify(load(path)).lanes == 2


def test_a_second_service_is_refused_before_its_job_is_paid_for(tmp_path: Path) -> None:
    clock, service, other = VirtualClock(), Service(), Service()
    with (
        serve(service, clock=clock.now) as one,
        serve(other, clock=clock.now) as two,
        record(tmp_path / "job.cassette.jsonl") as tape,
    ):
        with Client(one.key, dialect=one.dialect, clock=clock, tape=tape) as client:
            client.run("flux-1.1-pro", FOX)
        with (
            pytest.raises(InvalidCassette, match=f"speaks with {one.base_url}.* is at {two.base_url}"),
            Client(two.key, dialect=two.dialect, clock=clock, tape=tape) as client,
        ):
            client.run("flux-1.1-pro", FOX)
    assert (len(service.executions), len(other.executions)) == (1, 0)
    assert len(load(tmp_path / "job.cassette.jsonl").lanes) == 1


@pytest.mark.parametrize("settings", ["aliases", "dialect"])
def test_another_name_for_a_service_needs_both_settings(settings: str, tmp_path: Path) -> None:
    path, clock, service = tmp_path / "job.cassette.jsonl", VirtualClock(), Service()
    with serve(service, clock=clock.now) as emulator:
        aliases = {emulator.base_url: REAL} if settings == "aliases" else None
        dialect = bide.ModelRoute() if settings == "dialect" else None
        with (
            pytest.raises(InvalidCassette, match="record each service on a tape of its own, or say with `dialect=`"),
            record(path, aliases=aliases, dialect=dialect) as tape,
            Client(emulator.key, dialect=emulator.dialect, clock=clock, tape=tape) as client,
        ):
            client.run("flux-1.1-pro", FOX)
    assert service.executions == {}
    assert list(tmp_path.iterdir()) == []
