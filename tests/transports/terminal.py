"""The command as a person sees it: with a terminal to speak to."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType

_TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "120"}


def on_a_terminal(*words: str, env: Mapping[str, str] = MappingProxyType({})) -> tuple[int, str, bytes]:
    """The exit code, all of stdout, which is a pipe, and what the terminal was shown, which is stderr."""
    ours, theirs = pty.openpty()
    program = [sys.executable, "-c", "from bide_transports.cli import main; main()", *words]
    environment = {**os.environ, **_TERMINAL, **env}
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment) as running:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            shown += chunk
        assert running.stdout is not None
        out = running.stdout.read()
    os.close(ours)
    return running.returncode, out, shown
