"""The command by whichever name it is called, and where its packages are not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

RUN = "import runpy, sys; sys.modules[sys.argv.pop(1)] = None; runpy.run_module('bide_transports', run_name='__main__')"


@pytest.mark.parametrize("module", ["bide_transports", "bide_transports.cli"])
def test_python_runs_the_command_as_a_module(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, "dialect", "list"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("aws-step-functions ")
    assert done.stderr == ""


@pytest.mark.parametrize("missing", ["click", "rich", "requests", "h11"])
def test_what_to_install_is_told_in_place_of_a_traceback(missing: str) -> None:
    done = subprocess.run([sys.executable, "-c", RUN, missing, "demo"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f'bide: the command needs {missing}: pip install "bide[cli]"\n'


def test_an_error_of_bides_own_is_shown_as_it_is() -> None:
    command = [sys.executable, "-c", RUN, "bide_transports.display", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
