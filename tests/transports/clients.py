"""The service that both clients for people are tested against: a model for each way that a job can go."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager

from bide.document import JSON
from bide_transports.emulator import Fault, Limit, Plan, Service, Status, Variants, png
from tests.hostile import Server, read, reply, send

KEY = "sk_" + "0" * 64
FOX: dict[str, JSON] = {"prompt": "a fox"}
PLANS = {
    "good": Plan(duration=95),
    "bad": Plan(duration=20, outcome=Status.FAILED, error_code="CONTENT_MODERATION_REJECTED"),
    "stopped": Plan(duration=20, outcome=Status.CANCELLED),
    "late": Plan(outcome=Status.EXPIRED, expires_after=150),
    "short": Plan(duration=3),
    "quick": Plan(duration=0),  # over when the submission is acknowledged
}


def service(*faults: Fault, variants: Variants = Variants(), limit: Limit = Limit()) -> Service:
    """A service with those models, and this trouble."""
    return Service(plans=PLANS, variants=variants, limit=limit, faults=faults)


@contextmanager
def two_hosts(*, cookie: str = "") -> Generator[tuple[Server, Server]]:
    """An API whose file is at another host; it sets `cookie` with every reply."""
    lines = [f"Set-Cookie: {cookie}"] if cookie else []
    with Server((read, send(reply(png("file_1", 8, 8), *lines)))) as storage:
        place: dict[str, JSON] = {"url": f"{storage.url}/f?sig=secret", "expires_at": "2030-01-05T09:00:00Z"}
        api = [
            reply(b'{"id":"exec_1","status":"PENDING"}', *lines),
            reply(b'{"id":"exec_1","status":"COMPLETED","output":{"image":"file_1"}}', *lines),
            reply(json.dumps(place).encode(), *lines),
        ]
        with Server([step for one in api for step in (read, send(one))]) as server:
            yield server, storage
