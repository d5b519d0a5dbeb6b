"""What stands in the way on a disk: no room, for as long as a test wants it so, and a socket in a place of a file."""

from __future__ import annotations

import os
import resource
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


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


def bind_socket(place: Path) -> None:
    """Leave a socket at `place`, however deep that is: the address of one is short."""
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(place.parent)
        try:
            listening.bind(place.name)
        finally:
            os.chdir(here)
