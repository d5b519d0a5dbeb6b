"""The command in a process that is killed after so many calls and returns: `EVENTS WORD...`; 0 lets it live."""

from __future__ import annotations

import sys

from bide_transports.cli import main
from tests.transports.dying import die_after

if __name__ == "__main__":
    if int(sys.argv[1]):
        die_after(int(sys.argv[1]))
    main(sys.argv[2:])
