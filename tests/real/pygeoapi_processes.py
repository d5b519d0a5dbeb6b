"""The processes that the pygeoapi under test offers: plain classes, since it asks for no more than these members.

One that is given a `gate`, the path of a named pipe, waits there until the test writes a byte.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any


class Echo:
    """Accepted until the gate opens, then running, and when it opens again, done."""

    options: tuple[str, ...] = ("sync-execute", "async-execute")
    supports_outputs = False

    def __init__(self, definition: dict[str, Any]) -> None:
        self.name: str = definition["name"]
        self.metadata: dict[str, Any] = {
            "version": "1.0.0",
            "id": type(self).__name__.lower(),
            "title": type(self).__name__,
            "description": type(self).__name__,
            "jobControlOptions": list(self.options),
            "inputs": {},
            "outputs": {"echo": {"schema": {"type": "object", "contentMediaType": "application/json"}}},
        }
        self.job_id = ""

    def set_job_id(self, job_id: str) -> None:
        self.job_id = job_id

    def execute(self, data: dict[str, Any]) -> tuple[str, Any]:
        if "gate" in data:
            with Path(data["gate"]).open("rb") as gate:
                gate.read(1)
                self.report(status="running", progress=40, message="half way")
                gate.read(1)
        return self.outcome(data)

    def outcome(self, data: dict[str, Any]) -> tuple[str, Any]:
        return "application/json", {"id": "echo", "value": data.get("value")}

    def report(self, **news: Any) -> None:
        """Tell pygeoapi of this job; on its own it would call it accepted to the end."""
        manager = json.loads(Path(os.environ["PYGEOAPI_CONFIG"]).read_text("utf-8"))["server"]["manager"]
        import_module("pygeoapi.process.manager.tinydb_").TinyDBManager(manager).update_job(self.job_id, news)


class Fail(Echo):
    """Ends with an error."""

    def outcome(self, data: dict[str, Any]) -> tuple[str, Any]:
        raise ValueError(f"no such scene: {data.get('value')}")


class Paint(Echo):
    """Returns the picture that it was given in hexadecimal."""

    def outcome(self, data: dict[str, Any]) -> tuple[str, Any]:
        return "image/png", bytes.fromhex(data["picture"])


class Sync(Echo):
    """Knows no jobs: whoever prefers one gets the result at once all the same."""

    options = ("sync-execute",)


class Syncfail(Fail):
    """Knows no jobs, and ends with an error."""

    options = ("sync-execute",)
