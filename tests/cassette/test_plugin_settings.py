"""`make_fixture` beside the fixtures it stands for, and orphans that somebody else reads, in suites that are run."""

from __future__ import annotations

import shutil

import pytest

from tests.cassette.suite import ONE_TEST, Suite

pytest_plugins = ("pytester",)

FOX = "cassettes/test_a/test_fox.cassette.jsonl"
MADE = """
from bide_transports.cassette.redaction import Rules
from bide_transports.testing.fixtures import make_fixture

settings = make_fixture(
    keep=["x-made"],
    secrets=["hush-made-1"],
    aliases={"http://two.test": "https://made.test"},
    rules=Rules(secret_names=("tan",), allow=("made",)),
)


@pytest.fixture(scope="session")
def cassette_rules():
    return Rules(
        secrets=("hush-told-2",), keep=("x-told",), secret_names=("hint",), plain_names=("code",),
        allow=("told",),
    )


@pytest.fixture(scope="session")
def cassette_aliases():
    return {"http://one.test": "https://told.test", "http://two.test": "https://told.test"}
"""
TEST = """
import bide
from bide_transports.cassette.redaction import Rules
from bide_transports.cassette.scripted.script import Script
from bide_transports.requests import run

def test_fox(cassette_settings, cassette, cassette_dialect):
    order = bide.Order("flux-1.1-pro", {"prompt": "hush-made-1 and hush-told-2", "hint": "hush3"}, "key-1")
    stage = Script().state(9, "COMPLETED").stage(order=order)
    job = bide.submit(order, dialect=bide.ModelRoute(), now=stage.clock.now())
    assert isinstance(run(*cassette.lane(job, stage.exchange, stage.clock)), bide.Completed)
    assert cassette_settings.rules == Rules(
        secrets=("hush-told-2", "hush-made-1"), keep=("x-told", "x-made"), secret_names=("hint", "tan"),
        plain_names=("code",), allow=("told", "made"),
    )
    assert cassette_settings.aliases == {"http://one.test": "https://told.test", "http://two.test": "https://made.test"}
    assert cassette_settings.dialect is cassette_dialect is not None
"""


def test_a_made_fixture_adds_to_those_that_were_overridden(suite: Suite) -> None:
    conftest = (suite.path / "conftest.py").read_text()
    suite.pytester.makeconftest(f"{conftest}\n{MADE}")
    suite.tests(test_a=TEST)
    suite.run("--cassette=record").assert_outcomes(passed=1)
    stored = (suite.path / FOX).read_text()
    assert "hush" not in stored
    assert "redacted-secret-1" in stored
    suite.run().assert_outcomes(passed=1)


def test_a_made_dialect_goes_before_one_that_was_overridden(suite: Suite) -> None:
    more = """
from bide_transports.cassette.redaction import Rules

settings = make_fixture(dialect=OWN, inline=7)

@pytest.fixture
def cassette_rules():
    return Rules(capture="all")
"""
    conftest = (suite.path / "conftest.py").read_text()
    made = "from bide_transports.testing.fixtures import make_fixture\nOWN = bide.ModelRoute()\n"
    suite.pytester.makeconftest(f"{conftest}\n{made}{more}")
    suite.tests(
        test_a="""
        from conftest import OWN

        def test_it(cassette_settings):
            assert cassette_settings.dialect is OWN
            assert cassette_settings.inline == 7
            assert cassette_settings.rules.capture == "all"
        """
    )
    suite.run().assert_outcomes(passed=1)


def test_what_nobody_plays_may_still_be_read_by_others(suite: Suite) -> None:
    suite.tests(test_a=ONE_TEST)
    suite.run("--cassette=record").assert_outcomes(passed=1)
    frozen = suite.path / "cassettes" / "frozen" / "fox.cassette.jsonl"
    frozen.parent.mkdir()
    shutil.copy(suite.path / FOX, frozen)
    result = suite.run("--cassette-orphans")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["1 cassette that no collected test plays by the fixture; if nothing else reads it, delete it:", "*fox.*"]
    )


@pytest.mark.parametrize(("pattern", "counts"), [("cassettes/frozen/**", {"passed": 1}), ("cassettes", {"failed": 1})])
def test_a_test_claims_the_cassettes_it_collects_unless_it_takes_all(
    suite: Suite, pattern: str, counts: dict[str, int]
) -> None:
    suite.tests(test_a=ONE_TEST)
    suite.run("--cassette=record").assert_outcomes(passed=1)
    frozen = suite.path / "cassettes" / "frozen" / "fox.cassette.jsonl"
    frozen.parent.mkdir()
    shutil.copy(suite.path / FOX, frozen)
    suite.tests(
        test_frozen=f"""
        import pytest
        from bide_transports.testing.fixtures import cassettes

        @pytest.mark.parametrize("cassette_file", cassettes("{pattern}"), ids=str)
        def test_decisions(cassette_file):
            cassette_file.verify()
        """
    )
    suite.run("--cassette-orphans").assert_outcomes(**counts)
