"""`bide webhook listen`, typed for real: what it prints, what it refuses, and the emulator that feeds it."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from time import time
from typing import IO, cast

from click.testing import CliRunner

import bide
from bide.urls import Address, address
from bide_transports.cli import main
from bide_transports.emulator import Plan, Service
from bide_transports.emulator.events import sign
from bide_transports.emulator.server import serve
from bide_transports.requests import Client
from tests.laws import HANDLE

SECRET = "whsec_5ec2e75ec2e75ec2"
PROGRAM = [sys.executable, "-c", "from bide_transports.cli import main; main()", "webhook", "listen", "--port", "0"]


@dataclass
class Listening:
    """A running command: where it listens, and what it said so far, line by line."""

    process: subprocess.Popen[str]
    url: str
    out: queue.Queue[str]
    err: queue.Queue[str]

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        place = cast("Address", address(self.url))
        connection = HTTPConnection(place.host, place.port, timeout=30)
        connection.request("POST", "/", body, headers)
        status = connection.getresponse().status
        connection.close()
        return status


def _lines(stream: IO[str] | None) -> queue.Queue[str]:
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in stream or ():
            lines.put(line.rstrip("\n"))

    Thread(target=read, daemon=True).start()
    return lines


@contextmanager
def listening(*options: str, **environment: str) -> Generator[Listening]:
    env = dict(os.environ) | environment
    with subprocess.Popen(
        [*PROGRAM, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as running:
        out, err = _lines(running.stdout), _lines(running.stderr)
        greeting = err.get(timeout=60)
        assert greeting.startswith("listening at http://127.0.0.1:")
        try:
            yield Listening(running, greeting.rpartition(" ")[2], out, err)
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=60) == 0


def webhook(secret: str = SECRET, event: str = "evt_1") -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"id": event, "type": "execution.completed", "data": {"id": HANDLE}}).encode()
    stamp = str(int(time()))
    return body, {"X-Signature": sign(secret, stamp, body), "X-Signature-Timestamp": stamp}


def test_each_notice_is_printed_once_and_the_rest_is_refused() -> None:
    with listening(MODELROUTE_WEBHOOK_SECRET=SECRET) as heard:
        assert heard.post(*webhook()) == 200
        assert re.fullmatch(rf"20\S+\+00:00  execution\.completed  {HANDLE}  evt_1", heard.out.get(timeout=30))
        greeting = [heard.err.get(timeout=30) for _ in range(4)]
        assert any("bide emulator" in line for line in greeting)
        assert any(heard.url in line for line in greeting)
        assert heard.post(*webhook()) == 200
        assert heard.err.get(timeout=30) == "200: taken before"
        assert heard.post(*webhook("whsec_other")) == 401
        assert heard.err.get(timeout=30) == "401: no signature fits"
    assert heard.out.empty()


def test_json_is_one_document_per_notice_and_a_file_may_hold_two_secrets(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(f"whsec_new\n\n{SECRET}\n")
    with listening("--json", "--secret-file", str(file)) as heard:
        assert heard.post(*webhook()) == 200
        assert heard.post(*webhook("whsec_new", "evt_2")) == 200
        documents = [json.loads(heard.out.get(timeout=30)) for _ in range(2)]
    assert [document["event"] for document in documents] == ["evt_1", "evt_2"]
    assert documents[0].keys() == {"at", "kind", "id", "event"}
    assert (documents[0]["id"], documents[0]["kind"]) == (HANDLE, "execution.completed")


def test_the_emulator_feeds_it() -> None:
    service = Service(default=Plan(duration=0.2, dispatched=0.1))
    with listening("--json", MODELROUTE_WEBHOOK_SECRET=service.webhooks.secret) as heard, serve(service) as emulator:
        with Client(emulator.key, dialect=emulator.dialect) as client:
            reply = client.exchange(client.prepare("flux-1.1-pro", {}, webhook_url=heard.url).request)
        assert isinstance(reply, bide.Response)
        documents = [json.loads(heard.out.get(timeout=30)) for _ in range(2)]
    assert [document["kind"] for document in documents] == ["execution.started", "execution.completed"]
    assert {document["id"] for document in documents} == set(service.executions)


def test_another_dialects_webhooks_are_read_as_it_declares() -> None:
    with listening("--dialect", "replicate", BIDE_WEBHOOK_SECRET="whsec_" + "A" * 32) as heard:
        assert heard.post(b"{}", {}) == 401
        assert heard.out.empty()


def refused(*words: str, **environment: str) -> str:
    answer = CliRunner().invoke(
        main, ["webhook", "listen", *words], env={"MODELROUTE_WEBHOOK_SECRET": "", **environment}
    )
    assert answer.exit_code == 2
    assert answer.stdout == ""
    return answer.stderr


def test_a_call_that_makes_no_sense_is_told(tmp_path: Path) -> None:
    assert "set MODELROUTE_WEBHOOK_SECRET" in refused()
    assert "cannot be read (No such file or directory)" in refused("--secret-file", str(tmp_path / "none"))
    assert "set BIDE_WEBHOOK_SECRET" in refused("--dialect", "replicate", BIDE_WEBHOOK_SECRET="")
    assert "signs no webhooks" in refused("--dialect", "azure-core", BIDE_WEBHOOK_SECRET=SECRET)
    assert "is no file that can be read" in refused("--dialect", "nowhere", BIDE_WEBHOOK_SECRET=SECRET)
    assert "base64" in refused("--dialect", "replicate", BIDE_WEBHOOK_SECRET="whsec_!")


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "name another with --port" in refused("--port", port, MODELROUTE_WEBHOOK_SECRET=SECRET)
