"""A suite of somebody else's, as it is and with its one cassette; the tests that want it load `pytester`."""

from __future__ import annotations

import pytest

from tests.cassette.suite import ONE_TEST, Suite


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.delenv("CI", raising=False)
    return Suite(pytester)


@pytest.fixture
def recorded(suite: Suite) -> Suite:
    suite.tests(test_a=ONE_TEST)
    suite.run("--cassette=record").assert_outcomes(passed=1)
    return suite
