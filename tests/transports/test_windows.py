"""Windows, as far as Linux can play it: what the tests of the disk ask for holds by its rules for files, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the rules are imposed by what Linux has")

ROOMS = ("test_journal.py", "test_journalled.py", "test_download_disk.py", "test_cli_keeping.py", "test_locks.py")
#: What is of POSIX alone, or runs in other processes by the rules of those, or takes long.
APART = (
    "pipe or no_file or killed or one_process or crash_at_any_byte or fork or no_locks or outlives or "
    "full_disk_leaves or no_longer_there"
)


def ended(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)


def test_the_tests_of_the_disk_hold_by_its_rules(tmp_path: Path) -> None:
    here = Path(__file__).parent
    words = ("-m", "pytest", "-q", "-p", "tests.transports.windows", "-p", "no:cacheprovider", "-k", f"not ({APART})")
    place = ("--basetemp", str(tmp_path / "its own"))  # whose leftovers pytest does not search, by those rules
    done = ended(*words, *place, *(str(here / room) for room in ROOMS))
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_two_processes_have_one_journal(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import tests.transports.windows\n"
        "from bide.errors import SaveError; from bide_transports.journal import Journal\n"
        "try: journal = Journal(Path(sys.argv[1]))\n"
        "except SaveError as error: print(error); sys.exit()\n"
        "print('opened', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "jobs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "opened\n"
        assert "another process has it open" in ended(*command[1:]).stdout
        first.kill()
    assert subprocess.run(command, input="", capture_output=True, text=True, check=False).stdout == "opened\n"
