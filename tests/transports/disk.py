"""A disk that is full, for as long as a test wants it so."""

from __future__ import annotations

import resource
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def file_size_limit(size: int) -> Generator[None]:
    """No file of this process grows beyond `size` bytes: the nearest thing to a full disk that needs no mount.

    A module that is imported meanwhile is not compiled to disk: cut off, it would stay there for every later process.
    """
    before, compiles = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = compiles
