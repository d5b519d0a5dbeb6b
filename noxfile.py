"""The project's chores. `nox` runs the tests on every Python it finds, then lint and types; `nox -l` lists all."""

import shutil
import subprocess
import sys
from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
CORE = ("tests/core", "tests/test_laws.py")
BROWSER = ("tests/browser",)
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

nox.options.sessions = ["tests", "lint", "typing"]
nox.options.reuse_existing_virtualenvs = True


def _runs(version: str) -> bool:
    """Whether that Python is really there: a version manager's stand-in answers for ones it does not have."""
    path = shutil.which(f"python{version}")
    return path is not None and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


PYTHONS = sorted({HERE, *filter(_runs, VERSIONS)}, key=lambda version: int(version.partition(".")[2]))


def _group(name: str) -> tuple[str, ...]:
    return tuple(nox.project.dependency_groups(PROJECT, name))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The whole suite; on the Python at hand its own tests must cover the core in every branch."""
    session.install("-e", ".[all]", *_group("test"), *_group("real"))
    if session.python == HERE and not session.posargs:
        _tests_of_the_core(session)
        session.run("pytest", "-n", "auto", *_without(*CORE, *BROWSER))
    else:
        session.run("pytest", "-n", "auto", *_without(*BROWSER), *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """The timeline of a cassette as a Chromium draws it: chromium-headless-shell, or any that is called so."""
    session.install("-e", ".[all]", *_group("test"))
    session.run("pytest", *(session.posargs or BROWSER))


@nox.session
def wheel(session: nox.Session) -> None:
    """The suite against the built wheel: what users get, not what lies here."""
    built = Path(session.create_tmp())
    for old in built.glob("*.whl"):
        old.unlink()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(built), ".")
    (file,) = built.glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(file))
    session.install(f"bide[all] @ {file.resolve().as_uri()}", *_group("test"))
    # The servers of tests/real weigh 400 MB and tell nothing of a wheel.
    session.run("pytest", "-n", "auto", *_without("tests/real", *BROWSER), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Format, style, and the wall between the core and the rest."""
    session.install("-e", ".[all]", *_group("lint"))
    session.run("ruff", "format", "--check")
    session.run("ruff", "check")
    session.run("lint-imports")


@nox.session
def typing(session: nox.Session) -> None:
    """Mypy --strict and pyright strict, tests included."""
    session.install("-e", ".[all]", "nox", *_group("typing"))
    session.run("mypy")
    session.run("pyright")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, warnings as errors."""
    session.install("-e", ".[all]", *_group("docs"))
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session
def demo(session: nox.Session) -> None:
    """One job end to end against the emulated service."""
    session.install(".[cli]")
    session.run("bide", "demo", "--save", session.create_tmp())


@nox.session
def bench(session: nox.Session) -> None:
    """Ratios, each measured in one interleaved run."""
    session.install("-e", ".[all]", *_group("test"), *_group("bench"))
    session.run("python", "-m", "tests.bench", *session.posargs)


def _without(*places: str) -> list[str]:
    return [f"--ignore={place}" for place in places]


def _tests_of_the_core(session: nox.Session) -> None:
    env = {"COVERAGE_FILE": str(Path(session.create_tmp(), ".coverage"))}
    session.run("pytest", "-n", "auto", "--cov=bide", "--cov-report=", *CORE, env=env)
    session.run("coverage", "report", "--include=*/bide/*", "--fail-under=100", env=env)
