"""The project's chores. `nox` runs the tests on every Python it finds, then lint and types; `nox -l` lists all."""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
CORE = ("tests/core", "tests/test_laws.py")
BROWSER = ("tests/browser",)
REAL = "tests/real"  # its servers weigh 400 MB, and tell nothing of a wheel or of our own dependencies
CONSTRAINTS = "tests/constraints.txt"
BUILD = {"PIP_BUILD_CONSTRAINT": CONSTRAINTS}  # what builds the package, where pip is 25.3 or later
SHARED = ("-n", str(2 * (os.cpu_count() or 1)), "--dist", "worksteal")  # the tests wait now and then
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

nox.options.sessions = ["tests", "lint", "typing"]
nox.options.reuse_existing_virtualenvs = True


def _runs(version: str) -> bool:
    """Whether that Python is really there: a version manager's stand-in answers for ones it does not have."""
    path = shutil.which(f"python{version}")
    return path is not None and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


def _install(session: nox.Session, *what: str) -> None:
    """Installs `what` in the versions that are in the repository, so that a new release elsewhere breaks no session."""
    session.install("-c", CONSTRAINTS, *what, env=BUILD)


PYTHONS = sorted({HERE, *filter(_runs, VERSIONS)}, key=lambda version: int(version.partition(".")[2]))


def _group(name: str) -> tuple[str, ...]:
    return tuple(nox.project.dependency_groups(PROJECT, name))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The suite, large families in part."""
    _install(session, "-e", ".[all]", *_group("test"), *_group("real"))
    session.run("pytest", *SHARED, *_without(*BROWSER), *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """The core's own tests, which must cover it in every branch."""
    _install(session, "-e", ".[all]", *_group("test"))
    env = {"COVERAGE_FILE": str(Path(session.create_tmp(), ".coverage"))}
    session.run("pytest", *SHARED, "--cov=bide", "--cov-report=", *CORE, env=env)
    session.run("coverage", "report", "--include=*/bide/*", "--fail-under=100", env=env)


@nox.session
def long(session: nox.Session) -> None:
    """The suite with every case of the large families, of which `tests` runs a sample, and with many more examples."""
    _install(session, "-e", ".[all]", *_group("test"), *_group("real"))
    session.run("pytest", *SHARED, *_without(*BROWSER), *session.posargs, env={"BIDE_LONG": "1"})


@nox.session
def browser(session: nox.Session) -> None:
    """The timeline of a cassette as a Chromium draws it: chromium-headless-shell, or any that is called so."""
    _install(session, "-e", ".[all]", *_group("test"))
    session.run("pytest", *(session.posargs or BROWSER))


@nox.session
def azure(session: nox.Session) -> None:
    """Azure's long-running operations, all 81 of the server that its client generators are tested with; wants node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        session.skip("the server is an npm package: install node and npm")
    package, home = "@microsoft.azure/autorest.testserver", Path(session.create_tmp())
    _install(session, "-e", ".[all]", *_group("test"))
    session.run("npm", "install", "--silent", "--no-save", "--prefix", str(home), f"{package}@3.3.51", external=True)
    env = {"BIDE_AZURE": str(home / "node_modules" / package)}
    session.run("pytest", *(session.posargs or ("tests/azure",)), env=env)


@nox.session
def wheel(session: nox.Session) -> None:
    """The suite, but for the core's own, against the built wheel: what users get, not what lies here."""
    built = Path(session.create_tmp())
    for old in built.glob("*.whl"):
        old.unlink()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(built), ".", env=BUILD)
    (file,) = built.glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(file))
    _install(session, f"bide[all] @ {file.resolve().as_uri()}", *_group("test"))
    session.run("pytest", *SHARED, *_without(*CORE, REAL, *BROWSER), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Format, style, and the wall between the core and the rest."""
    _install(session, "-e", ".[all]", *_group("lint"))
    session.run("ruff", "format", "--check")
    session.run("ruff", "check")
    session.run("lint-imports")


@nox.session
def typing(session: nox.Session) -> None:
    """Mypy --strict and pyright strict, tests included."""
    _install(session, "-e", ".[all]", "nox", *_group("typing"))
    session.run("mypy")
    session.run("pyright")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, warnings as errors."""
    _install(session, "-e", ".[all]", *_group("docs"))
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session
def demo(session: nox.Session) -> None:
    """One job end to end against the emulated service."""
    session.install(".[cli]")
    session.run("bide", "demo", "--save", session.create_tmp())


@nox.session
def bench(session: nox.Session) -> None:
    """Ratios, each measured in one interleaved run."""
    _install(session, "-e", ".[all]", *_group("test"), *_group("bench"))
    session.run("python", "-m", "tests.bench", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Ten million hostile inputs through all that strangers' bytes reach, timed as well: some 40 minutes on two cores.

    `nox -s fuzz -- INPUTS HOME`: as many, in a folder with which a run that was broken off goes on.
    """
    _install(session, "-e", ".[all]", *_group("test"), *_group("fuzz"))
    if session.run("python", "-c", "import atheris", silent=True, success_codes=(0, 1)):
        session.skip("there is no atheris for this Python and machine: it has wheels for 3.11 and later on Linux")
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """200 jobs at a time through faults for 20 minutes: none lost or paid twice, memory and descriptors flat."""
    _install(session, "-e", ".[all]", *_group("test"))
    session.run("python", "-m", "tests.soak", *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """The suite with the newest of everything, as users will get it: what breaks here breaks for them next.

    The core's own tests are left out, since it depends on nothing that could break.
    """
    session.install("--upgrade", "--upgrade-strategy", "eager", "-e", ".[all]", *_group("test"))
    session.run("pytest", *SHARED, *_without(*CORE, REAL, *BROWSER), *session.posargs)


@nox.session
def constraints(session: nox.Session) -> None:
    """Writes `CONSTRAINTS` anew: the newest of all that the sessions install, as pip finds it for each Python here."""
    groups = [requirement for name in PROJECT["dependency-groups"] for requirement in _group(name)]
    wanted = [".[all]", "nox", *PROJECT["build-system"]["requires"], *groups]
    found: dict[str, dict[str, str]] = {}
    for python in PYTHONS:
        report = Path(session.create_tmp(), f"{python}.json")
        how = ("install", "--dry-run", "--ignore-installed", "--quiet", "--report", str(report))
        session.run("python", "-m", "pip", f"--python={shutil.which(f'python{python}')}", *how, *wanted)
        for package in json.loads(report.read_bytes())["install"]:
            name = re.sub("[-_.]+", "-", package["metadata"]["name"]).lower()
            found.setdefault(name, {})[python] = package["metadata"]["version"]
    del found["bide"]
    lines = [line for name in sorted(found) for line in _pins(name, found[name])]
    head = f"# What the sessions install; made by `nox -s constraints` with Python {', '.join(PYTHONS)}.\n"
    Path(CONSTRAINTS).write_text(head + "\n".join(lines) + "\n", "utf-8")


def _pins(name: str, versions: dict[str, str]) -> list[str]:
    """A line for each stretch of Pythons that get the same version; the first and the last stretch have no end."""
    turns = [after for before, after in pairwise(versions) if versions[before] != versions[after]]
    since = [f'python_version >= "{python}"' for python in turns]
    until = [f'python_version < "{python}"' for python in turns]
    stretches = zip(["", *since], [*until, ""], [next(iter(versions)), *turns], strict=True)
    return [
        f"{name}=={versions[python]} ; {low}{' and ' if low and high else ''}{high}".rstrip(" ;")
        for low, high, python in stretches
    ]


def _without(*places: str) -> list[str]:
    return [f"--ignore={place}" for place in places]
