"""`python -m bide_transports`, and the `bide` script: the command, or what to install for it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; ends with 2 where a package that it needs is not installed, with 130 for Ctrl-C at once."""
    try:
        from bide_transports.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        package = (error.name or "bide").partition(".")[0]
        if package in ("bide", "bide_transports"):
            raise
        sys.stderr.write(f'bide: the command needs {package}: pip install "bide[cli]"\n')
        sys.exit(2)


if __name__ == "__main__":
    main()
