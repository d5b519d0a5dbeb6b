"""Files in the plugin's fixture: recorded and replayed with the job, under every mode."""

from __future__ import annotations

import pytest

from tests.cassette.suite import Suite

pytest_plugins = ("pytester",)

TEST = """
import pytest


@pytest.fixture
def cassette_aliases(emulator):
    return {emulator.base_url: "https://api.modelroute.ai", emulator.storage_url: "https://storage.modelroute.ai"}


def test_files(client, cassette, tmp_path, emulator):
    (tmp_path / "a photo.png").write_bytes(bytes(range(256)) * 9)
    file = client.upload(tmp_path / "a photo.png")
    result = client.run("flux-1.1-pro", {"image": file})
    (path,) = client.save(result, tmp_path / "saved")
    assert path.read_bytes().startswith(b"\\x89PNG")
    assert sorted(name.partition("-")[0] for name in cassette.lanes) == ["flux"]
    assert cassette.verify().lanes == 3
    assert cassette.transcript.count("lane file-") == 2
    assert (emulator.account.requests > 0) == (cassette.mode == "record")
"""


def test_a_job_and_its_files_in_every_mode(suite: Suite) -> None:
    suite.tests(test_a=TEST)
    suite.run("--cassette=record").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    suite.run("--cassette=settle").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    suite.run("--cassette=rerecord").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    assert suite.files() == ["cassettes/test_a/test_files.cassette.jsonl"]


def test_settling_keeps_the_files_and_decides_the_job_anew(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.tests(test_a=TEST)
    suite.run("--cassette=record").assert_outcomes(passed=1)
    monkeypatch.setenv("PACE", "3")
    suite.run().assert_outcomes(failed=1)
    suite.run("--cassette=settle").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)


def test_a_request_beside_the_cassette_fails_the_test_even_if_it_is_swallowed(suite: Suite) -> None:
    suite.tests(
        test_a="""
from contextlib import suppress


def test_fox(fox, client, cassette, emulator):
    fox()
    if cassette.mode == "replay":
        with suppress(Exception):
            client.exchange(emulator.dialect.locate("file_1"))
"""
    )
    suite.run("--cassette=record").assert_outcomes(passed=1)
    result = suite.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*is asked beside all jobs and files*Nothing was sent anywhere*"])
