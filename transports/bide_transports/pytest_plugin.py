"""The pytest plugin: a fixture `cassette` for each test, and what pytest has to know of it.

Every run of pytest imports this, whether it has cassettes or not; so whatever does the work is imported when it is
first asked for.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from bide.dialect import Dialect
    from bide_transports.cassette.redaction import Rules
    from bide_transports.testing.taping.fixture import CassetteFixture, Taped
    from bide_transports.testing.taping.settings import CassetteSettings

_MARK = "cassette(name=None, *, strict=None, inline=None): how this test's cassette is called, compared, and kept."
_OPTIONS: Final = {
    "--cassette-in-ci": "Let --cassette write files though CI is set.",
    "--cassette-scan": "In place of the tests, search all cassettes for secrets.",
    "--cassette-orphans": "In place of the tests, look for cassettes that no test uses.",
}
_TAPED: pytest.StashKey[Taped] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What can be chosen for a run, and for a project."""
    group = parser.getgroup("cassette", "cassettes: recorded jobs")
    modes = "replay (the default), record what is missing, rerecord, settle (decide anew), off (live, nothing written)"
    group.addoption("--cassette", metavar="MODE", help=f"What becomes of cassettes: {modes}.")
    for option, says in _OPTIONS.items():
        group.addoption(option, action="store_true", help=says)
    parser.addini("cassette", "What becomes of cassettes, unless --cassette tells.", default="replay")
    parser.addini("cassette_dir", "The directory of the cassettes, beside each test file.", default="cassettes")
    parser.addini("cassette_strict", "What is compared: exact (all decisions) or wire (requests).", default="exact")
    parser.addini("cassette_max_age", "Days after which a recording is old enough for a warning.", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what cannot be meant before anything is collected."""
    config.addinivalue_line("markers", _MARK)
    if config.getoption("cassette") is not None or config.getini("cassette") != "replay":
        from bide_transports.testing.taping.modes import wished

        wished(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the checks in place of the tests, where those are asked for."""
    if config.getoption("cassette_scan") or config.getoption("cassette_orphans"):
        from bide_transports.testing.taping.checks import checks

        items[:] = checks(session, items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the tape know how its test ended, and tell what is on it if that was badly."""
    taped = item.stash.get(_TAPED, None)
    if taped is not None and call.excinfo is not None:
        call.excinfo = taped.shown(call.excinfo)
    report = yield
    if taped is not None:
        taped.heed(report)
    return report


@pytest.fixture(scope="session")
def cassette_rules() -> Rules:
    """What is secret on cassettes, and what only looks so; override it in a conftest."""
    from bide_transports.cassette.redaction import STANDARD

    return STANDARD


@pytest.fixture(scope="session")
def cassette_dialect() -> Dialect | None:
    """What the cassettes speak, where that is not what the client does; override it in a conftest."""
    return None


@pytest.fixture(scope="session")
def cassette_aliases() -> Mapping[str, str]:
    """Origins that have another name on the cassettes, such as a test server's; override it in a conftest."""
    return {}


@pytest.fixture
def cassette_settings(
    cassette_rules: Rules, cassette_dialect: Dialect | None, cassette_aliases: Mapping[str, str]
) -> CassetteSettings:
    """All three together; `make_fixture` makes another."""
    from bide_transports.testing.taping.settings import CassetteSettings

    return CassetteSettings(cassette_rules, cassette_dialect, cassette_aliases)


@pytest.fixture
def cassette(request: pytest.FixtureRequest, cassette_settings: CassetteSettings) -> Generator[CassetteFixture]:
    """The tape of this test, for a client: `Client(key, tape=cassette)`."""
    from bide_transports.testing.taping.fixture import taping

    node: Any = request.node
    with taping(node, cassette_settings) as taped:
        node.stash[_TAPED] = taped
        yield taped.tape
