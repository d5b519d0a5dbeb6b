"""What `bide.dialects` is asked for: each name leads to its room, and any other is told with those that there are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bide import dialects


def test_each_name_is_there() -> None:
    for name in dialects.__all__:
        assert getattr(dialects, name).__name__ == name


def test_another_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(AttributeError, match="no attribute 'declared_of': it has Call, Declaration, Declared"):
        _ = dialects.declared_of


def test_a_name_is_imported_when_it_is_asked_for() -> None:
    code = "import sys, bide; print('bide.dialects.declared' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
