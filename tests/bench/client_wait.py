"""`Client.wait` against a bare requests loop that does the same GETs and `.json()`: CPU of the client's process."""

from __future__ import annotations

import requests

import bide
from bide_transports.emulator import VirtualClock
from bide_transports.requests import Client
from tests.bench.measure import Figure, cpu, paired, server

_POLLS = 300


def measure() -> list[Figure]:
    """The server lives in another process and its time moves with each request, so nobody sleeps."""
    with server(_POLLS) as (base_url, key):
        dialect = bide.ModelRoute(base_url)
        client = Client(key, dialect=dialect, pace=bide.Every(1), clock=VirtualClock())
        session = requests.Session()
        headers = {"authorization": f"Bearer {key}"}

        def submit() -> str:
            body: dict[str, object] = {"model": "flux-1.1-pro", "input": {}}
            return str(session.post(f"{base_url}/v1/executions", json=body, headers=headers, timeout=30).json()["id"])

        def bare(job: str) -> None:
            url = f"{base_url}/v1/executions/{job}"
            while session.get(url, headers=headers, timeout=30).json()["status"] != "COMPLETED":
                pass
            session.get(f"{url}/result", headers=headers, timeout=30).json()

        def ours() -> float:
            job = submit()
            return cpu(lambda: client.wait(job))

        def theirs() -> float:
            job = submit()
            return cpu(lambda: bare(job))

        mine, other, ratio = paired(ours, theirs, 15)
        client.close()
        session.close()
    says = f"Client.wait {mine / _POLLS * 1e6:.0f} µs / bare loop {other / _POLLS * 1e6:.0f} µs of CPU per poll"
    return [Figure(says, ratio, 1.05)]
