"""A suite of somebody else's for pytester: an emulated service, a client of each kind, and cassettes."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from bide_transports import requests, trio
from bide_transports.cassette.replaying import by_requests as replay_requests
from bide_transports.cassette.replaying import by_trio as replay_trio
from bide_transports.emulator import server
from bide_transports.testing import fixtures
from bide_transports.testing.taping import checks, fixture

#: Imported before any inner run begins, which takes out of `sys.modules` what it has put there.
IMPORTED = (requests, trio, server, replay_requests, replay_trio, fixtures, checks, fixture)

_NAME = "bide_transports.pytest_plugin"
_IS_INSTALLED = any(point.value == _NAME for point in entry_points(group="pytest11"))
_PLUGIN = () if _IS_INSTALLED else ("-p", _NAME)

CONFTEST = """
import os

import bide
import pytest
from bide_transports.emulator import Fault, Service, VirtualClock, too_many
from bide_transports.emulator.server import serve
from bide_transports.requests import Client

FOX = {"prompt": "a fox"}


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def emulator(clock):
    told = int(os.environ.get("RETRY_AFTER", "7"))
    with serve(Service(faults=[Fault("poll", too_many(told), nth=2)]), clock=clock.now) as emulator:
        yield emulator


@pytest.fixture
def cassette_dialect():
    return bide.ModelRoute()


@pytest.fixture
def cassette_aliases(emulator):
    return {emulator.base_url: "https://api.modelroute.ai"}


@pytest.fixture
def client(emulator, clock, cassette):
    pace = bide.Every(float(os.environ["PACE"])) if "PACE" in os.environ else bide.Growing()
    with Client(emulator.key, dialect=emulator.dialect, clock=clock, pace=pace, tape=cassette) as client:
        yield client


@pytest.fixture
def fox(client):
    return lambda prompt="a fox": client.run("flux-1.1-pro", {"prompt": prompt})
"""

ONE_TEST = """
def test_fox(fox, cassette, emulator):
    assert fox().files
    assert (emulator.account.requests > 0) == (cassette.mode == "record")
"""


class Suite:
    """The suite in `pytester`'s directory."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        pytester.makeconftest(CONFTEST)
        pytester.makeini("[pytest]")  # wherever its directory lies, it is a project of its own

    def tests(self, **modules: str) -> None:
        """Write test modules."""
        self.pytester.makepyfile(**modules)

    def run(self, *options: str) -> pytest.RunResult:
        """Run it in this process."""
        return self.pytester.runpytest_inprocess(*_PLUGIN, *options)

    def run_apart(self, *options: str) -> pytest.RunResult:
        """Run it in a process of its own."""
        return self.pytester.runpytest_subprocess(*_PLUGIN, *options)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.pytester.path

    def files(self) -> list[str]:
        """What there is of cassettes, finished or not."""
        found = (file.relative_to(self.path) for file in self.path.rglob("*.jsonl*"))
        return sorted(file.as_posix() for file in found)
