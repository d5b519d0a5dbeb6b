"""The pytest plugin beyond its modes: names of files, the marker, the ini file, and the checks in place of tests."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bide_transports.cassette.files import load, save
from tests.cassette.suite import ONE_TEST, Suite

pytest_plugins = ("pytester",)

FOX = "cassettes/test_a/test_fox.cassette.jsonl"
SECRET = "ghp_" + "0123456789abcdefghijABCDEFGHIJ456789"
HOSTILE = [
    "a/b",
    "a-b",
    "a\\b",
    "A-b",
    "..",
    "../../../up",
    "a" * 300,
    "a" * 299 + "b",
    "con",
    "a:b*?<>|",
    "ä",
    "a\u0308",
    "\u202egnp",
    "\0",
    "a\nb",
    "☃",
    "🦊",
    " ",
    ".",
    "%2e%2e%2f",
    "a::b",
    "]",
]


def test_no_two_tests_share_a_file_on_any_file_system(suite: Suite) -> None:
    suite.tests(
        test_a=f"""
        import pytest

        class TestOne:
            @pytest.mark.parametrize("prompt", {HOSTILE!a})
            def test_it(self, fox, prompt):
                fox(prompt)

        class TestOther:
            def test_it(self, fox):
                fox()

        def test_it(fox):
            fox()
        """
    )
    suite.run("--cassette=record").assert_outcomes(passed=len(HOSTILE) + 2)
    files = suite.files()
    assert len({file.lower() for file in files}) == len(files) == len(HOSTILE) + 2
    assert {"cassettes/test_a/test_it.cassette.jsonl", "cassettes/test_a/TestOther.test_it.cassette.jsonl"} < {*files}
    assert all(re.fullmatch(r"cassettes/test_a/[A-Za-z0-9_.-]{1,80}\.cassette\.jsonl", file) for file in files)
    assert "cassettes/test_a/TestOne.test_it-a-b.cassette.jsonl" in files
    suite.run().assert_outcomes(passed=len(HOSTILE) + 2)


def test_cassettes_lie_beside_the_file_of_their_test(suite: Suite) -> None:
    suite.tests(**{"one/test_a": ONE_TEST, "other/test_b": ONE_TEST})
    suite.pytester.makeini("[pytest]\ncassette_dir = data/tapes")
    suite.run("--cassette=record").assert_outcomes(passed=2)
    assert suite.files() == [
        "one/data/tapes/test_a/test_fox.cassette.jsonl",
        "other/data/tapes/test_b/test_fox.cassette.jsonl",
    ]
    suite.run("--cassette-orphans").assert_outcomes(passed=1)


@pytest.mark.parametrize("directory", ["/tmp", "../here", "."])  # noqa: S108  never written to
def test_a_directory_that_is_not_beside_the_tests_is_refused(suite: Suite, directory: str) -> None:
    suite.pytester.makeini(f"[pytest]\ncassette_dir = {directory}")
    suite.tests(test_a=ONE_TEST)
    suite.run().stdout.fnmatch_lines(["*cassette_dir is a directory beside each test file, such as cassettes*"])


def test_a_name_is_shared_by_the_tests_that_want_it(suite: Suite) -> None:
    marked = f"import pytest\npytestmark = pytest.mark.cassette('shared/fox')\n{ONE_TEST}"
    suite.tests(test_a=marked, test_b=marked.replace("'shared/fox'", "name='shared/fox'"))
    suite.run("--cassette=record").assert_outcomes(passed=2)
    assert suite.files() == ["cassettes/shared/fox.cassette.jsonl"]
    suite.run("--cassette-orphans").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("'../up'", "*is no name for a cassette*"),
        ("'/etc/passwd'", "*is no name for a cassette*"),
        ("''", "*is no name for a cassette*"),
        ("7", "*is no name for a cassette*"),
        ("strict='loosely'", "*cassettes are compared exact or wire, and not 'loosely'*"),
        ("colour='red'", "*the marker cassette(name, strict=, inline=) takes no more than that*"),
        ("'a', 'b'", "*the marker cassette(name, strict=, inline=) takes no more than that*"),
    ],
)
def test_a_marker_that_cannot_be_meant(suite: Suite, mark: str, says: str) -> None:
    suite.tests(test_a=f"import pytest\n@pytest.mark.cassette({mark})\ndef test_fox(cassette): ...")
    result = suite.run("--strict-markers")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([says])


@pytest.mark.parametrize("by", ["mark", "ini"])
def test_on_the_wire_the_pace_does_not_count(recorded: Suite, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACE", "3")
    recorded.run().assert_outcomes(failed=1)
    if by == "ini":
        recorded.pytester.makeini("[pytest]\ncassette_strict = wire")
    else:
        recorded.tests(test_a=f"import pytest\npytestmark = pytest.mark.cassette(strict='wire')\n{ONE_TEST}")
    recorded.run().assert_outcomes(passed=1)


def test_a_large_body_is_kept_where_the_marker_says_so(suite: Suite) -> None:
    test = "import pytest\n@pytest.mark.cassette(inline={})\ndef test_fox(fox):\n    fox('fox' * 100)"
    suite.tests(test_a=test.format(64))
    suite.run("--cassette=record").assert_outcomes(errors=1, passed=1)
    suite.tests(test_a=test.format(65536))
    suite.run("--cassette=record").assert_outcomes(passed=1)


def test_the_ini_file_says_the_mode_and_the_command_line_overrides_it(suite: Suite) -> None:
    suite.tests(test_a=ONE_TEST)
    suite.pytester.makeini("[pytest]\ncassette = record")
    suite.run("--cassette=replay").assert_outcomes(errors=1)
    suite.run().assert_outcomes(passed=1)
    assert suite.files() == [FOX]


def test_an_old_recording_is_warned_of_but_not_on_a_build_server(
    recorded: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    cassette = load(recorded.path / FOX)
    recorded.pytester.makeini("[pytest]\ncassette_max_age = 30")
    recorded.run().assert_outcomes(passed=1, warnings=0)
    save(replace(cassette, head=replace(cassette.head, t0=1_600_000_000_000)), recorded.path / FOX, overwrite=True)
    recorded.run("-rw").stdout.fnmatch_lines(["*OldCassette: *test_fox.cassette.jsonl was recorded * days ago*"])
    monkeypatch.setenv("CI", "1")
    recorded.run().stdout.no_fnmatch_line("*OldCassette*")
    monkeypatch.delenv("CI")
    recorded.pytester.makeini("[pytest]\ncassette_max_age = a while")
    recorded.run().stdout.fnmatch_lines(["*cassette_max_age is a number of days, and not 'a while'*"])


def plant(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{{"k":"recv","b":{{"note":"{SECRET}"}}}}\n')


def test_a_scan_finds_secrets_wherever_cassettes_lie_and_never_tells_them(recorded: Suite) -> None:
    recorded.run("--cassette-scan").assert_outcomes(passed=1)
    plant(recorded.path / "docs" / "old.cassette.jsonl")
    plant(recorded.path / f"{FOX}.partial")
    plant(recorded.path / "venv" / "lib" / "not-ours.cassette.jsonl")
    result = recorded.run("--cassette-scan", "-v")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        ["*docs/old.cassette.jsonl: what looks secret stands in 1 places:", "*line 1, *pattern*"]
    )
    result.stdout.no_fnmatch_line(f"*{SECRET}*")


def test_the_rules_of_the_suite_hold_for_the_scan(recorded: Suite) -> None:
    plant(recorded.path / "cassettes" / "test_a" / "test_hen.cassette.jsonl")
    recorded.run("--cassette-scan").assert_outcomes(passed=1, failed=1)
    conftest = (recorded.path / "conftest.py").read_text()
    rules = f"""
from bide_transports.cassette.redaction import Rules

@pytest.fixture(scope="session")
def cassette_rules():
    return Rules(allow=("{SECRET}",))
"""
    recorded.pytester.makeconftest(conftest + rules)
    recorded.run("--cassette-scan").assert_outcomes(passed=2)


def test_a_scan_where_there_are_no_cassettes_says_so(suite: Suite) -> None:
    result = suite.run("--cassette-scan", "-rs")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*there is no cassette here*"])


def test_orphans_are_cassettes_without_a_test(recorded: Suite) -> None:
    recorded.run("--cassette-orphans").assert_outcomes(passed=1)
    for name in ("cassettes/test_a/test_gone", "cassettes/test_gone/test_it", "deep/cassettes/test_b/test_it"):
        plant(recorded.path / f"{name}.cassette.jsonl")
    plant(recorded.path / "docs" / "of-no-test.cassette.jsonl")
    plant(recorded.path / f"{FOX}.partial")
    result = recorded.run("--cassette-orphans")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "3 cassettes that no collected test plays by the fixture; if nothing else reads them, delete them:",
            "*cassettes/test_a/test_gone.cassette.jsonl",
            "*cassettes/test_gone/test_it.cassette.jsonl",
            "*deep/cassettes/test_b/test_it.cassette.jsonl",
        ]
    )


def test_cassettes_of_tests_that_were_not_asked_for_are_no_orphans(recorded: Suite) -> None:
    recorded.tests(test_b=ONE_TEST)
    recorded.run("--cassette=record").assert_outcomes(passed=2)
    for asked in (["test_a.py"], ["test_b.py"], ["test_a.py::test_fox"], ["."], [], ["-k", "nothing or orphans"]):
        recorded.run("--cassette-orphans", *asked).assert_outcomes(passed=1)
    recorded.tests(test_b="def test_other(cassette): ...")
    recorded.run("--cassette-orphans", "test_a.py").assert_outcomes(passed=1)
    recorded.run("--cassette-orphans", "test_b.py").assert_outcomes(failed=1)


AUTOUSE = """
import pytest

def guard(scope):
    @pytest.fixture(scope=scope, autouse=True, name=f"guard_{scope}")
    def guarding():
        pytest.fail(f"the {scope} is no business of a check")
    return guarding

of_session, of_package, of_module, of_class, of_test = map(guard, ["session", "package", "module", "class", "function"])
"""


@pytest.mark.parametrize("option", ["--cassette-scan", "--cassette-orphans"])
@pytest.mark.parametrize("where", ["conftest", "sub/conftest"])
def test_a_check_is_not_prepared_as_the_tests_are(suite: Suite, option: str, where: str) -> None:
    suite.tests(**{where: AUTOUSE, "sub/test_a": "class TestIt:\n    def test_it(self): ..."})
    suite.pytester.makeini("[pytest]\nusefixtures = of_another_project")
    suite.run(option, "-rs").assert_outcomes(**{"passed" if "orphans" in option else "skipped": 1})
    (suite.path / "sub" / "cassettes").mkdir()
    (suite.path / "sub" / "cassettes" / "kept.cassette.jsonl").write_text("{}\n")
    if option == "--cassette-scan":
        suite.run(option).assert_outcomes(passed=1)
        suite.run(option, "--collect-only").stdout.fnmatch_lines(["*cassette-scan?sub/cassettes/kept.cassette.jsonl?*"])
    else:
        suite.run(option).assert_outcomes(failed=1)


@pytest.mark.parametrize("scope", ["session", "package", "module", "class", "function"])
def test_the_rules_of_a_suite_may_come_from_fixtures_of_any_scope(suite: Suite, scope: str) -> None:
    suite.pytester.makeconftest(f"""
import pytest
from bide_transports.cassette.redaction import Rules

@pytest.fixture(scope="{scope}")
def allowed(request):
    assert request.node
    return ("{SECRET}",)

@pytest.fixture(scope="{scope}")
def cassette_rules(allowed):
    return Rules(allow=allowed)

@pytest.fixture
def cassette_settings(cassette_rules):
    from bide_transports.testing.taping.settings import CassetteSettings
    return CassetteSettings(cassette_rules)
""")
    plant(suite.path / "cassettes" / "test_a" / "test_hen.cassette.jsonl")
    suite.run("--cassette-scan").assert_outcomes(passed=1)
