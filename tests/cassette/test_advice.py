"""What a message says to do next can be done as it is written."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bide
from bide_transports.cassette import changing
from bide_transports.cassette.divergence import ReplayDiverged
from bide_transports.cassette.files import load, save, text_of
from bide_transports.cassette.replaying.playback import replay
from bide_transports.cassette.tape import Cassette, InvalidCassette, Wait
from bide_transports.cassette.verify import verify
from bide_transports.cli import main
from tests.cassette.altered import CASSETTE
from tests.cassette.replaying import FOX
from tests.cassette.test_replay_divergence import client, recorded

NAMES = ["fox", "a fox", 'fox\'s "best"', "$(fox)", "-fox", "fox;ls"]


def _waits_otherwise(cassette: Cassette) -> Cassette:
    events = tuple(replace(event, ms=event.ms + 1) if isinstance(event, Wait) else event for event in cassette.events)
    return replace(cassette, events=events)


def _followed(advice: str) -> Result:
    bide_itself, *arguments = shlex.split(advice)
    assert bide_itself == "bide"
    return CliRunner().invoke(main, arguments)


def _intended(error: ReplayDiverged) -> str:
    found = re.search(r"intended\? (.*?)   \(", str(error))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_command_after_a_divergence_settles_the_cassette(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.cassette.jsonl"
    save(_waits_otherwise(CASSETTE), path)
    with pytest.raises(ReplayDiverged) as raised:
        verify(load(path))
    assert _followed(_intended(raised.value)).exit_code == 0
    assert verify(load(path)).lanes == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("harm", ["cut short", "changed"])
def test_the_command_for_a_cassette_that_is_not_whole_mends_it(tmp_path: Path, name: str, harm: str) -> None:
    path, whole = tmp_path / f"{name}.cassette.jsonl", text_of(CASSETTE)
    path.write_bytes(whole[: whole.rindex(b'{"k":"end"')] if harm == "cut short" else whole.replace(b"a fox", b"a hen"))
    with pytest.raises(InvalidCassette) as raised:
        load(path)
    command = re.search(r"`(bide .*)`", str(raised.value))
    assert command is not None
    assert _followed(command[1]).exit_code == 0
    assert verify(load(path)).lanes == 1


def test_another_pace_is_not_sent_to_a_command_that_does_not_know_it(tmp_path: Path) -> None:
    cassette, slow = recorded(tmp_path, FOX), bide.Growing(first=3)
    with pytest.raises(ReplayDiverged) as raised, replay(cassette) as tape, client(tape, pace=slow) as over:
        over.run("flux-1.1-pro", FOX)
    advice = _intended(raised.value)
    called = re.fullmatch(r"([\w.]+)\.settle\(cassette, pace=\.\.\.\), or in a test pytest (--\S+)", advice)
    assert called is not None, advice
    assert (called[1], called[2]) == (changing.__name__, "--cassette=settle")
    with replay(changing.settle(cassette, pace=slow)) as tape, client(tape, pace=slow) as over:
        assert over.run("flux-1.1-pro", FOX).files


def test_a_service_that_bide_does_not_know_is_named() -> None:
    own = replace(CASSETTE, head=replace(CASSETTE.head, dialect="acme"), name="acme.cassette.jsonl")
    with pytest.raises(ReplayDiverged) as raised:
        verify(_waits_otherwise(own), dialect=bide.ModelRoute())
    assert _intended(raised.value) == "bide cassette settle acme.cassette.jsonl --dialect FILE"
    assert "--dialect" in CliRunner().invoke(main, ["cassette", "settle", "--help"]).output
