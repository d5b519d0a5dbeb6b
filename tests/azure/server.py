"""The server that AutoRest's generators are tested with, as a child process on loopback."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path
from types import TracebackType

import requests
from typing_extensions import Self

_PRELOADED = Path(__file__).with_name("loopback.cjs")
_STRANGE = re.compile(r"^(NODE_|AUTOREST_)|_PROXY$", re.IGNORECASE)


class AutoRest:
    """The server of an npm package, with what it writes in `state`; its address is known before it is there."""

    def __init__(self, package: Path, state: Path) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        fd = self._listening.fileno()
        ours = {name: value for name, value in os.environ.items() if not _STRANGE.search(name)}
        command = ["node", "-r", str(_PRELOADED), str(package / "dist/cli/cli.js")]
        with (state / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--coverageDirectory", str(state)],
                stdin=subprocess.PIPE,  # at its end the server leaves, even when this process is killed
                stdout=log,
                stderr=log,
                pass_fds=(fd,),
                cwd=state,
                env={**ours, "BIDE_LISTENING": str(fd)},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:  # closes its pipe and waits
            self._process.kill()
        self._listening.close()

    def report(self) -> dict[str, int]:
        """How often each of the conversations that it waits for was right."""
        with requests.Session() as session:
            session.trust_env = False
            counts: dict[str, int] = session.get(f"{self.url}/report/azure", timeout=60).json()
        return counts
