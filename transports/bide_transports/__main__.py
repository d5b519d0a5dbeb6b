"""`python -m bide_transports`, and the `bide` script: the command, or what to install for it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; ends with 2 where a package that it needs is not installed."""
    try:
        from bide_transports.cli import main as command
    except ModuleNotFoundError as error:
        package = (error.name or "bide").partition(".")[0]
        if package in ("bide", "bide_transports"):
            raise
        sys.stderr.write(f'bide: the command needs {package}: pip install "bide[cli]"\n')
        sys.exit(2)
    command()


if __name__ == "__main__":
    main()
