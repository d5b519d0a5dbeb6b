"""A lane's events stay in their order, whatever its clock says; what stands in no order is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import bide
from bide_transports.cassette.changing.settle import settle
from bide_transports.cassette.files import in_order, load, loads, save, text_of
from bide_transports.cassette.recording import record
from bide_transports.cassette.scripted.script import Script
from bide_transports.cassette.tape import Cassette, Event, Heard, InvalidCassette, Open, Send, Told
from bide_transports.cassette.verify import verify
from bide_transports.cli import main
from bide_transports.emulator import Plan, Service, VirtualClock
from bide_transports.emulator.server import serve
from bide_transports.requests import Client

FOX = {"prompt": "a fox"}
CASSETTE = Script().state(2.5, "PROCESSING").state(14.2, "COMPLETED").cassette(pace=bide.Every(2))


class _SetBack(VirtualClock):
    """The same clock, `by` seconds behind."""

    def __init__(self, clock: VirtualClock, by: float) -> None:
        super().__init__(clock.now() - by)


def test_a_lane_stays_in_its_order_where_its_clock_goes_back() -> None:
    events = (Told("a#1", 5), Told("a#1", 9), Told("b#1", 7), Told("a#1", 3), Told("a#1", 8), Told("b#1", 10))
    ordered = in_order(events)
    assert [(event.lane, event.t) for event in ordered] == [
        ("a#1", 5), ("b#1", 7), ("a#1", 9), ("a#1", 3), ("a#1", 8), ("b#1", 10),
    ]  # fmt: skip
    assert in_order(ordered) == ordered


@pytest.mark.parametrize("by", [0.02, 5.0, 3600.0])
def test_a_recording_whose_clock_was_set_back_verifies_as_it_is_read(by: float, tmp_path: Path) -> None:
    path, clock = tmp_path / "job.cassette.jsonl", VirtualClock()
    with serve(Service(default=Plan(duration=60)), clock=clock.now) as emulator, record(path) as tape:
        with Client(emulator.key, dialect=emulator.dialect, clock=clock, tape=tape) as client:
            job = client.submit("flux-1.1-pro", FOX)
        back = _SetBack(clock, by)
        with Client(emulator.key, dialect=emulator.dialect, clock=back, tape=tape) as client:
            assert isinstance(client.cancel(job), bide.Cancelled)
    cassette = load(path)
    verify(cassette)
    times = [event.t for event in cassette.events]
    assert times != sorted(times)
    assert settle(cassette).events == cassette.events
    assert loads(text_of(cassette)).events == cassette.events


def _moved(cassette: Cassette, event: Event, t: int) -> Cassette:
    return replace(cassette, events=tuple(replace(one, t=t) if one is event else one for one in cassette.events))


def _replies(cassette: Cassette) -> list[tuple[Send, Heard]]:
    pairs = zip(cassette.events, cassette.events[1:], strict=False)
    return [(a, b) for a, b in pairs if isinstance(a, Send) and isinstance(b, Heard)]


def test_a_reply_of_an_earlier_time_than_its_request_is_refused_with_its_line() -> None:
    cassette = loads(text_of(CASSETTE), name="mine")
    sent, heard = _replies(cassette)[2]
    line = cassette.events.index(heard) + 2
    with pytest.raises(InvalidCassette, match=rf"mine:{line}: this reply of lane job#1 at .* comes before its request"):
        settle(loads(text_of(_moved(cassette, heard, sent.t - 1)), name="mine"))


def test_a_reply_that_stands_before_its_request_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "job.cassette.jsonl"
    save(CASSETTE, path)
    lines = path.read_bytes().splitlines(keepends=True)
    sent, _ = _replies(CASSETTE)[1]
    at = CASSETTE.events.index(sent) + 1
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    path.write_bytes(b"".join(lines))
    edited = path.read_bytes()
    ran = CliRunner().invoke(main, ["cassette", "settle", str(path)])
    assert ran.exit_code != 0
    assert f"{path}:{at + 1}: this reply" in ran.output
    assert path.read_bytes() == edited


def test_a_reply_to_a_request_of_another_stretch_is_refused() -> None:
    sent, heard = _replies(CASSETTE)[1]
    first = CASSETTE.events[0]
    assert isinstance(first, Open)
    at = CASSETTE.events.index(heard)
    events = (*CASSETTE.events[:at], replace(first, t=sent.t), *CASSETTE.events[at:])
    with pytest.raises(InvalidCassette, match="comes before its request"):
        settle(replace(CASSETTE, events=events))


def test_what_settle_gives_verifies_as_it_is_written() -> None:
    settled = settle(CASSETTE, pace=bide.Every(0.5))
    verify(loads(text_of(settled)))
