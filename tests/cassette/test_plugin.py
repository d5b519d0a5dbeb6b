"""The pytest plugin: what each mode does with the cassette of a test, and what a run says when it does not work out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bide_transports.cassette.files import load
from bide_transports.cassette.tape import Wait
from bide_transports.cassette.verify import verify
from tests.cassette.suite import ONE_TEST, Suite
from tests.sampling import WHOLE

pytest_plugins = ("pytester",)

FOX = "cassettes/test_a/test_fox.cassette.jsonl"
CI_SAYS = "*CI is set, and a build server replays*--cassette-in-ci*"


def test_what_is_recorded_is_replayed_without_a_server(recorded: Suite) -> None:
    assert recorded.files() == [FOX]
    assert load(recorded.path / FOX).head.base == "https://api.modelroute.ai"
    recorded.run().assert_outcomes(passed=1)


def test_recording_replays_what_is_there(recorded: Suite) -> None:
    before = (recorded.path / FOX).stat()
    recorded.tests(test_a=f"{ONE_TEST}\ndef test_hen(fox): fox('a hen')\n")
    recorded.run("--cassette=record").assert_outcomes(passed=2)
    assert recorded.files() == [FOX, "cassettes/test_a/test_hen.cassette.jsonl"]
    assert (recorded.path / FOX).stat() == before


def test_recording_again_replaces_only_what_differs(recorded: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (recorded.path / FOX).stat()
    recorded.run("--cassette=rerecord").assert_outcomes(passed=1)
    assert (recorded.path / FOX).stat() == before
    monkeypatch.setenv("RETRY_AFTER", "11")
    recorded.run("--cassette=rerecord").assert_outcomes(passed=1)
    waits = [event.ms for event in load(recorded.path / FOX).events if isinstance(event, Wait)]
    assert 11_000 in waits
    assert 7000 not in waits


@pytest.mark.parametrize("mode", ["record", "rerecord", "settle"])
def test_a_build_server_writes_no_cassettes(recorded: Suite, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = recorded.run(f"--cassette={mode}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([CI_SAYS])
    recorded.run(f"--cassette={mode}", "--cassette-in-ci").assert_outcomes(passed=1)
    recorded.run().assert_outcomes(passed=1)


def test_a_variable_that_says_no_is_no_build_server(recorded: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "false")
    recorded.run("--cassette=rerecord").assert_outcomes(passed=1)


def test_off_is_live_and_leaves_nothing(suite: Suite) -> None:
    suite.tests(
        test_a="""
        def test_fox(fox, cassette, emulator):
            assert fox().files
            assert emulator.account.requests > 0
            assert (cassette.mode, cassette.waits, cassette.lanes, cassette.transcript) == ("off", [], {}, "")
            assert cassette.verify().lanes == 0
        """
    )
    suite.run("--cassette=off").assert_outcomes(passed=1)
    assert suite.files() == []


def test_a_mode_that_there_is_not(suite: Suite) -> None:
    result = suite.run("--cassette=rewind")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'rewind' is no mode of cassettes*replay, record, rerecord, settle, off*"])


def test_settling_decides_anew_under_the_pace_of_the_code(recorded: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACE", "3")
    recorded.run("--cassette=settle").assert_outcomes(passed=1)
    settled = load(recorded.path / FOX)
    assert 3000 in [event.ms for event in settled.events if isinstance(event, Wait)]
    assert verify(settled).lanes == 1
    recorded.run().assert_outcomes(passed=1)
    monkeypatch.delenv("PACE")
    recorded.run().assert_outcomes(failed=1)


def test_settling_leaves_the_file_of_a_failed_test(recorded: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (recorded.path / FOX).read_bytes()
    monkeypatch.setenv("PACE", "3")
    recorded.tests(test_a="def test_fox(fox):\n    fox()\n    assert False")
    result = recorded.run("--cassette=settle")
    result.stdout.fnmatch_lines(["*so far (settle)*", "*stays as it was, since the test did not pass"])
    assert (recorded.path / FOX).read_bytes() == before


def test_a_cassette_changed_by_hand_is_refused_until_it_is_settled(recorded: Suite) -> None:
    file = recorded.path / FOX
    file.write_text(file.read_text().replace('"retry-after":"7"', '"retry-after":"9"'))
    refused = recorded.run()
    refused.assert_outcomes(errors=1)
    refused.stdout.fnmatch_lines(["*was changed after it was written*"])
    recorded.run("--cassette=settle").assert_outcomes(passed=1)
    recorded.run().assert_outcomes(passed=1)
    assert 9000 in [event.ms for event in load(file).events if isinstance(event, Wait)]


def test_the_tape_tells_what_is_on_it(recorded: Suite) -> None:
    recorded.tests(
        test_a="""
        def test_fox(fox, cassette):
            assert (cassette.waits, cassette.lanes) == ([], {})
            fox()
            assert cassette.path.name == "test_fox.cassette.jsonl"
            assert 7000 in cassette.waits and len(cassette.waits) == 5
            (events,) = cassette.lanes.values()
            assert type(events[-1]).__name__ == "Done"
            assert "wait 7000 ms (retry-after)" in cassette.transcript
            assert cassette.verify().exchanges == 6
        """
    )
    for mode in ("replay", "rerecord", "settle"):
        recorded.run(f"--cassette={mode}").assert_outcomes(passed=1)


def test_both_clients_and_bare_trio_play_the_same_cassette(recorded: Suite) -> None:
    recorded.tests(test_a=OVER_TRIO)
    recorded.run().assert_outcomes(passed=1)
    before = (recorded.path / FOX).stat()
    recorded.run("--cassette=rerecord").assert_outcomes(passed=1)
    assert (recorded.path / FOX).stat() == before
    recorded.tests(test_a=f"import pytest\n{OVER_TRIO.partition('def test_fox')[0]}{UNDER_PLUGIN}")
    recorded.run().assert_outcomes(passed=1)


OVER_TRIO = """
import trio
from bide_transports.trio import Client
from tests.drivers import TrioVirtualClock

async def by_trio(emulator, clock, tape):
    async with Client(emulator.key, dialect=emulator.dialect, clock=TrioVirtualClock(clock), tape=tape) as client:
        return await client.run("flux-1.1-pro", {"prompt": "a fox"})

def test_fox(emulator, clock, cassette):
    assert trio.run(by_trio, emulator, clock, cassette).files
"""
UNDER_PLUGIN = """
@pytest.mark.trio
async def test_fox(emulator, clock, cassette):
    assert (await by_trio(emulator, clock, cassette)).files
"""


def test_workers_of_xdist_record_and_replay_side_by_side(suite: Suite) -> None:
    tests = "".join(f"def test_{n}(fox, cassette):\n    fox('{n} foxes')\n" for n in range(6))
    suite.tests(test_a=tests, test_b=tests)
    suite.run_apart("--cassette=record", "-n2").assert_outcomes(passed=12)
    assert len(suite.files()) == 12
    suite.run().assert_outcomes(passed=12)
    if WHOLE:
        suite.run_apart("-n2", "--cassette-scan", "--cassette-orphans").assert_outcomes(passed=13)


def test_a_run_without_cassettes_imports_nothing_of_bide() -> None:
    look = "import sys, pytest, bide_transports.pytest_plugin; print(*sorted(sys.modules))"
    names = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True).stdout.split()
    ours = [name for name in names if name.partition(".")[0] in ("bide", "bide_transports")]
    assert ours == ["bide_transports", "bide_transports.pytest_plugin"]
    assert not {"requests", "trio", "h11", "click"} & set(names)
