"""The pytest plugin when it does not work out: what is told, and what becomes of the file."""

from __future__ import annotations

import pytest

from tests.cassette.suite import ONE_TEST, Suite

pytest_plugins = ("pytester",)

FOX = "cassettes/test_a/test_fox.cassette.jsonl"


def test_a_missing_cassette_is_named_with_the_command_that_records_it(suite: Suite) -> None:
    suite.tests(test_a=ONE_TEST)
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [f"there is no cassette {FOX}. Record it:", "*pytest test_a.py::test_fox --cassette=record"]
    )
    assert suite.files() == []


def test_the_command_is_told_from_where_pytest_was_called(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.tests(
        **{"deep/test_a": "import pytest\n@pytest.mark.parametrize('x', ['a b'])\ndef test_it(x, cassette): ..."}
    )
    suite.pytester.makeini("[pytest]")
    monkeypatch.chdir(suite.path / "deep")
    result = suite.run()
    result.stdout.fnmatch_lines(["*pytest 'test_a.py::test_it[[]a b]' --cassette=record"])


def test_a_recording_of_a_failed_test_gets_no_name(suite: Suite) -> None:
    suite.tests(test_a="def test_fox(fox):\n    fox()\n    assert False")
    result = suite.run("--cassette=record")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*cassette test_fox.cassette.jsonl so far (record)*", "*wait 7000 ms (retry-after)*", "*did not pass*.partial"]
    )
    assert suite.files() == [f"{FOX}.partial"]
    missing = suite.run()
    missing.stdout.fnmatch_lines([f"{FOX}.partial is from a test that did not pass, or was cut off"])


@pytest.mark.parametrize("ends", ["assert False", "import pytest; pytest.skip('not now')", "raise KeyboardInterrupt"])
def test_what_was_recorded_before_outlives_a_test_that_does_not_pass(recorded: Suite, ends: str) -> None:
    before = (recorded.path / FOX).read_bytes()
    recorded.tests(test_a=f"def test_fox(fox):\n    fox()\n    {ends}")
    recorded.run_apart("--cassette=rerecord")
    assert (recorded.path / FOX).read_bytes() == before


def test_a_client_without_the_tape_is_noticed(suite: Suite) -> None:
    suite.tests(test_a="def test_fox(cassette): ...")
    result = suite.run("--cassette=record")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*nothing was recorded for *test_fox.cassette.jsonl: give the client tape=cassette"])
    assert suite.files() == []


def test_a_recording_with_a_secret_gets_no_name(suite: Suite) -> None:
    suite.tests(test_a="def test_fox(fox):\n    fox('a fox and aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY')")
    result = suite.run("--cassette=record")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*what looks secret*: entropy*for you alone to read"])
    assert suite.files() == [f"{FOX}.partial"]


def test_what_a_test_leaves_out_fails_it_at_its_end(recorded: Suite) -> None:
    recorded.tests(test_a="def test_fox(cassette): ...")
    result = recorded.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*not played: flux-1.1-pro-*", "*intended? pytest test_a.py::test_fox --cassette=settle"]
    )


def test_a_test_that_failed_already_is_not_blamed_for_what_it_left_out(recorded: Suite) -> None:
    recorded.tests(test_a="def test_fox(cassette):\n    assert False")
    result = recorded.run()
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*not played*")


def test_a_step_too_many_fails_a_test_that_swallows_the_objection(recorded: Suite) -> None:
    recorded.tests(
        test_a="""
        from contextlib import suppress
        def test_fox(fox):
            fox()
            with suppress(Exception):
                fox("a hen")
        """
    )
    result = recorded.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(['replay diverged: no lane of *{"prompt": "a hen"}*', "*so far (replay)*"])


def test_a_divergence_is_told_with_the_way_to_it_and_what_was_before(
    recorded: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACE", "3")
    result = recorded.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*assert fox().files*",
            "E*replay diverged at step 5 of 20*",
            "E*cassette (recorded): *Polling: wait * ms (pace)",
            "E*code (now)*Polling: wait 3000 ms (pace)",
            "*cassette test_fox.cassette.jsonl so far (replay)*",
            "*> POST /v1/executions*",
            f"it diverged at *{FOX}:6",
            "intended? pytest test_a.py::test_fox --cassette=settle",
        ]
    )
    result.stdout.no_fnmatch_line("*track.py*")
    recorded.run("--full-trace").stdout.fnmatch_lines(["*track.py*"])
