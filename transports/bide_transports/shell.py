"""Commands that are shown to be typed, in the words of the shell that is usual on this system."""

from __future__ import annotations

import re
import shlex
import sys

_PLAIN = re.compile(r"[\w@:\\/.,+=-]+", re.ASCII)
_TRAILING = re.compile(r"\\*$")


def command_line(*words: str) -> str:
    """What to type for these words: quoted for cmd and PowerShell on Windows, for a POSIX shell elsewhere."""
    return " ".join(map(_quoted, words)) if sys.platform == "win32" else shlex.join(words)


def with_variable(name: str, value: str, *words: str) -> str:
    """What to type to run a command with an environment variable, in PowerShell on Windows."""
    if sys.platform == "win32":
        return f"$env:{name}={_quoted(value)}; {command_line(*words)}"
    return f"{name}={shlex.quote(value)} {command_line(*words)}"


def _quoted(word: str) -> str:
    """In double quotes as programs on Windows read them, also where only the shell would see more in it than text."""
    if _PLAIN.fullmatch(word):
        return word
    from subprocess import list2cmdline

    quoted = list2cmdline([word])
    return quoted if quoted.startswith('"') else f'"{quoted}{_TRAILING.findall(word)[0]}"'
