"""The JSON documents of the API, field by field as the samples show them (modelroute-api.md, 4, 6, 13)."""

from __future__ import annotations

from collections.abc import Iterable

from bide.document import JSON
from bide_transports.emulator.execution import Execution, Status
from bide_transports.emulator.replies import timestamp
from bide_transports.emulator.variants import Variants

ESTIMATE = "0.040"
_HOLD = "0.048"  # 1.2 times the estimate (modelroute-api.md, 12)
_EXTRA: dict[str, JSON] = {"region": "EU", "x_trace": {"hops": [1, 2, 3], "sampled": None}}


def created(execution: Execution, variants: Variants, now: float) -> dict[str, JSON]:
    """The reply to a submission."""
    content: dict[str, JSON] = {
        "id": execution.id,
        "status": variants.word(execution.status(now)),
        "model": execution.model,
        "hold_amount": _HOLD,
        "estimated_cost": ESTIMATE,
        "expires_at": timestamp(execution.expires + variants.skew),
    }
    if variants.created_at:
        content["created_at"] = timestamp(execution.created + variants.skew)
    if variants.create_reply == "finished with result":
        content |= _outcome(execution, variants, now)
    return content | _extra(variants)


def status(execution: Execution, variants: Variants, now: float) -> dict[str, JSON]:
    """The reply to a poll or a cancel."""
    current = execution.status(now)
    content: dict[str, JSON] = {"id": execution.id, "status": variants.word(current)}
    if current is Status.FAILED:
        content["error"] = {"code": execution.plan.error_code, "message": "the provider could not finish"}
    if variants.result_at == "status":
        content |= _outcome(execution, variants, now)
    return content | _extra(variants)


def result(execution: Execution, variants: Variants, now: float) -> dict[str, JSON]:
    """The reply of /result for a run that COMPLETED."""
    current = variants.word(execution.status(now))
    return {variants.result_id: execution.id, "status": current} | _outcome(execution, variants, now) | _extra(variants)


def listing(executions: Iterable[Execution], variants: Variants, now: float) -> dict[str, JSON]:
    """The list of runs; its real shape is not documented (modelroute-api.md, 17)."""
    return {"executions": [status(execution, variants, now) for execution in executions]}


def presigned(url: str, expires: float, content_type: str, size: int) -> dict[str, JSON]:
    """Where a file may be had until `expires` (the service's clock); `size` in bytes."""
    return {"url": url, "expires_at": timestamp(expires), "content_type": content_type, "size_bytes": size}


def place(file_id: str, url: str, expires: float) -> dict[str, JSON]:
    """Where a file may be put until `expires` (the service's clock)."""
    return {"file_id": file_id, "upload_url": url, "expires_at": timestamp(expires)}


def _outcome(execution: Execution, variants: Variants, now: float) -> dict[str, JSON]:
    """The result and what it cost, or nothing. The page that shows the `file` shape shows no cost."""
    if execution.status(now) is not Status.COMPLETED:
        return {}
    if variants.result_shape == "file":
        return {"result": _file(execution, "content_type", "image/png")}
    content: dict[str, JSON] = {"output": {"images": [_file(execution, "format", "png")]}}
    if variants.usage:
        content["usage"] = {"input_tokens": 9, "output_tokens": 0}
    return content | {"cost": ESTIMATE, "latency_ms": round(execution.plan.duration * 1000)}


def _file(execution: Execution, name: str, value: str) -> dict[str, JSON]:
    return {"file_id": execution.file_id, name: value, "width": execution.plan.width, "height": execution.plan.height}


def _extra(variants: Variants) -> dict[str, JSON]:
    return _EXTRA if variants.extra_fields else {}
