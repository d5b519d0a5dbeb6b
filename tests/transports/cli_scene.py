"""The command against an emulated service: asked in this process, or typed into a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from click.testing import CliRunner, Result

from bide import Request, Response
from bide_transports.cli import main
from bide_transports.emulator import Broken, Limit, Plan, Service
from bide_transports.emulator.server import Emulator

START = 1_800_000_000.0
AMPLE = Limit(10**6, 60.0)
SLOW = Plan(duration=60.0, width=64, height=48)


def slow() -> Service:
    """A service whose jobs take a minute of its own time."""
    return Service(default=SLOW, limit=AMPLE)


def jumping(service: Service) -> Callable[[], float]:
    """A clock that stands still until a cancellation is asked for, and is a minute later from then on."""
    return lambda: START + 60.0 * any(seen.kind == "cancel" for seen in service.account.seen)


class InTheWay(Service):
    """A service while whose jobs run the empty directory for their files is replaced by a file."""

    def __init__(self, out: Path) -> None:
        super().__init__(default=Plan(duration=0.1), limit=AMPLE)
        self._out = out

    def handle(self, request: Request, *, now: float) -> Response | Broken:
        if request.method == "POST":
            self._out.rmdir()
            self._out.write_text("in the way")
        return super().handle(request, now=now)


def ask(emulator: Emulator, *words: str) -> Result:
    """What the command answers, asked in this process."""
    env = {"MODELROUTE_API_KEY": emulator.key}
    return CliRunner().invoke(main, [*words, "--base-url", emulator.base_url], env=env)


def tokens(place: Path) -> list[Path]:
    """The token files there."""
    return sorted(place.glob("bide-*.json"))


@dataclass
class Typed:
    """A command that runs, and what it has said so far."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list[str])

    def until(self, word: str) -> None:
        """Read what it says until a line with `word`."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if word in line:
                return
        raise AssertionError(f"it never said {word}: {self.said}")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.send(signal.SIGINT)

    def send(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def leave(self) -> None:
        """Stop listening to what it says, as `head` does when it has seen enough."""
        assert self.process.stderr is not None
        self.process.stderr.close()

    def end(self) -> tuple[int, str, str]:
        """The exit code, all of stdout, all of stderr."""
        if self.process.stderr is not None and self.process.stderr.closed:
            self.process.stderr = None
        out, rest = self.process.communicate()
        return self.process.returncode, out or "", "".join(self.said) + (rest or "")


@contextmanager
def typed(
    emulator: Emulator, *words: str, before: str = "", stdout: int | IO[str] = subprocess.PIPE, **env: str
) -> Generator[Typed]:
    """The command in a process of its own, which runs the line `before` first; `env` is added to the environment."""
    program = [sys.executable, "-c", f"{before}\nfrom bide_transports.cli import main; main()"]
    env = {**os.environ, "MODELROUTE_API_KEY": emulator.key, **env}
    command = [*program, *words, "--base-url", emulator.base_url]
    with subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield Typed(process)
        finally:
            process.kill()
