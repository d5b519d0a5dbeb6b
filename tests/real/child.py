"""A server we did not write, as a child process on loopback: its state in a temporary directory, its life our own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from select import select
from types import TracebackType

from typing_extensions import Self

_SERVE = Path(__file__).with_name("serve.py")
_STRANGE = re.compile(r"_PROXY$|^(PYTHON|AWS_|MOTO_|PYGEOAPI_)", re.IGNORECASE)
_PATIENCE = 60.0  # seconds for the imports of a server on a busy machine


class Child:
    """The server called `name` in `serve.py`, with all that it keeps in `state`.

    The listening socket is ours, so the server has the same address when it is started again.
    """

    def __init__(self, name: str, state: Path) -> None:
        self.state = state
        self._name = name
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = self._started()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()
        self._listening.close()

    def restart_killed(self) -> None:
        """Kill the server without warning, and start it again on what it had written."""
        self._kill()
        self._process = self._started()

    def requests(self) -> list[str]:
        """Every request answered so far, in order: method, path or target, status."""
        log = self.state / "requests.log"
        return log.read_text("utf-8").splitlines() if log.exists() else []

    def _kill(self) -> None:
        with self._process:  # closes its pipes and waits
            self._process.kill()

    def _started(self) -> subprocess.Popen[bytes]:
        fd = self._listening.fileno()
        log = self.state / "server.log"
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, str(_SERVE), self._name, str(fd), str(self.state)],
                stdin=subprocess.PIPE,  # at its end the server leaves, even when this process is killed
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=(fd,),
                cwd=self.state,
                env=_environment(self.state),
            )
        assert process.stdout is not None
        heard, _, _ = select([process.stdout], [], [], _PATIENCE)
        if not heard or process.stdout.readline() != b"ready\n":
            with process:
                process.kill()
            raise RuntimeError(f"{self._name} did not start:\n{log.read_text('utf-8', 'replace')}")
        return process


def _environment(home: Path) -> dict[str, str]:
    """Ours, without what would change the server: proxies, credentials, settings of Python such as -W error."""
    ours = {name: value for name, value in os.environ.items() if not _STRANGE.search(name)}
    return {**ours, "HOME": str(home), "TMPDIR": str(home)}
