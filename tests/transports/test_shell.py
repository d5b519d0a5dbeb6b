"""Commands that are shown are typed as they stand, in the shell that is usual there."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from bide_transports.shell import command_line, with_variable

WORDS = (
    "bide",
    "resume",
    "a b.json",
    'say "no"',
    "$HOME",
    "it's",
    "x&y",
    "100%",
    "",
    "C:\\end\\",
    "C:\\my end\\",
    "-n",
)


def test_a_posix_shell_reads_the_words_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert shlex.split(command_line(*WORDS)) == list(WORDS)
    assert with_variable("KEY", "a b", "bide", "run") == "KEY='a b' bide run"


def test_on_windows_they_are_in_double_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert command_line(*WORDS) == (
        r'bide resume "a b.json" "say \"no\"" "$HOME" "it' + "'" + r's" "x&y" "100%" "" C:\end\ "C:\my end\\" -n'
    )
    assert command_line("x&\\") == '"x&\\\\"'
    assert with_variable("KEY", "a b", "bide", "run") == '$env:KEY="a b"; bide run'


def test_what_windows_reads_is_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unquoted, the line is what Python itself would hand to a program there."""
    monkeypatch.setattr(sys, "platform", "win32")
    words = ("bide", "a b", 'a "b" c', "c:\\d e\\")
    assert command_line(*words) == subprocess.list2cmdline(words)
