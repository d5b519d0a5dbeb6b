"""Run as a child process: `python serve.py NAME FD STATE` serves pygeoapi or moto until its parent is gone.

FD is a listening socket, STATE a directory for everything the server writes. Nothing of `tests` is imported here:
pygeoapi's wheel installs a package of that name. The servers' own packages are imported by name, since they are
installed for these tests alone and are not typed.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeAlias

App: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
PROCESSES = ("Echo", "Fail", "Paint", "Sync", "Syncfail")


def pygeoapi(port: int, state: Path) -> App:
    """An OGC API that offers our processes; it reads its configuration while it is imported."""
    files = {"PYGEOAPI_CONFIG": _config(f"http://127.0.0.1:{port}", state), "PYGEOAPI_OPENAPI": {}}
    for name, content in files.items():
        path = state / f"{name.lower()}.json"
        path.write_text(json.dumps(content), "utf-8")
        os.environ[name] = str(path)
    (state / "results").mkdir(exist_ok=True)
    app: App = import_module("pygeoapi.flask_app").APP
    return app


def _config(url: str, state: Path) -> dict[str, Any]:
    processes = {
        name.lower(): {"type": "process", "processor": {"name": f"pygeoapi_processes.{name}"}} for name in PROCESSES
    }
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": 0},
            "url": url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "map": {"url": "", "attribution": ""},
            "manager": {"name": "TinyDB", "connection": str(state / "jobs.db"), "output_dir": str(state / "results")},
        },
        "logging": {"level": "ERROR", "logfile": str(state / "pygeoapi.log")},
        "metadata": {"identification": {"title": "t", "description": "d", "keywords": [], "url": url}},
        "resources": processes,
    }


def moto(port: int, _: Path) -> App:
    """Every AWS service that moto knows; its Step Functions call its queues by MOTO_PORT."""
    os.environ["MOTO_PORT"] = str(port)
    werkzeug_app = import_module("moto.moto_server.werkzeug_app")
    app: App = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
    return app


def _noting(app: App, path: Path) -> App:
    """`app`, with a line for each of its answers written before it is sent: method, path or target, status."""
    lock = Lock()

    def noting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        what = f"{environ['REQUEST_METHOD']} {environ.get('HTTP_X_AMZ_TARGET') or environ['PATH_INFO']}"

        def note(status: str, *rest: Any) -> Any:
            with lock, path.open("a", encoding="utf-8") as log:
                log.write(f"{what} {status[:3]}\n")
            return start_response(status, *rest)

        return app(environ, note)

    return noting


def _leave_with_the_parent() -> None:
    os.read(0, 1)  # comes back when the parent closes the pipe, or dies
    os._exit(0)


def main(name: str, fd: int, state: Path) -> None:
    """Serve, and say `ready` on stdout when requests are answered."""
    Thread(target=_leave_with_the_parent, daemon=True).start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with socket.socket(fileno=fd) as listening:
        port: int = listening.getsockname()[1]
        app = _noting({"pygeoapi": pygeoapi, "moto": moto}[name](port, state), state / "requests.log")
        sys.dont_write_bytecode = True  # what is still to be imported lies beside this file, or is compiled already
        server = import_module("werkzeug.serving").make_server("127.0.0.1", port, app, threaded=True, fd=fd)
        print("ready", flush=True)  # noqa: T201  the parent waits for it
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
