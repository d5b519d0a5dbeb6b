"""The events of an execution as webhooks tell them: when there is one, what it says, and how it is signed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from bide.document import JSON
from bide_transports.emulator.documents import ESTIMATE
from bide_transports.emulator.execution import Execution, Status
from bide_transports.emulator.replies import timestamp
from bide_transports.emulator.variants import Variants

STARTED = "execution.started"
TEST = "endpoint.test"  # what a real one holds is not documented (modelroute-api.md, 17)
_KINDS = {
    Status.COMPLETED: "execution.completed",
    Status.FAILED: "execution.failed",
    Status.CANCELLED: "execution.cancelled",  # and none for EXPIRED (modelroute-api.md, 16 row 24)
}


def events(execution: Execution) -> Iterator[tuple[float, str]]:
    """When an execution tells of itself (seconds since the epoch), and what, as far as its plan says now."""
    started = execution.created + execution.plan.dispatched
    if started < execution.ended:
        yield started, STARTED
    kind = _KINDS.get(execution.status(execution.ended))
    if kind is not None:
        yield execution.ended, kind


def head(name: str, kind: str, at: float, variants: Variants) -> dict[str, JSON]:
    """What every event begins with: its id, its kind under either name (section 16 row 6), its time."""
    member = "type" if variants.webhook_payload == "short" else "event_type"
    return {"id": name, member: kind, "timestamp": timestamp(at + variants.skew)}


def payload(execution: Execution, name: str, kind: str, at: float, variants: Variants) -> dict[str, JSON]:
    """The event called `name`, in either shape (modelroute-api.md, 14.2)."""
    status = execution.status(at)
    data: dict[str, JSON] = {"id": execution.id, "status": variants.word(status), "model": execution.model}
    if status is Status.COMPLETED:
        data["cost"] = ESTIMATE
    if variants.webhook_payload == "short":
        return {**head(name, kind, at, variants), "data": data}
    if status is Status.COMPLETED:
        data |= {"latency_ms": round((at - execution.created) * 1000), "result": {"file_id": execution.file_id}}
    data["created_at"] = timestamp(execution.created + variants.skew)
    if status.terminal:
        data["completed_at"] = timestamp(at + variants.skew)
    envelope: dict[str, JSON] = {"version": "1.0", "organization_id": "org_1234abcd", "execution_id": execution.id}
    return {**head(name, kind, at, variants), **envelope, "data": data}


def sign(secret: str, stamp: str, body: bytes) -> str:
    """The hex digest of a delivery; `stamp` is the text of its timestamp (modelroute-api.md, 14.3)."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
