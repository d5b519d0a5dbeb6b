"""Replicate: https://replicate.com/docs/reference/http."""

from __future__ import annotations

import bide
from bide.document import JSON
from tests.core.vendors_scene import CANCEL, POST, READ, Vendor, answer, scene

_API = "https://api.replicate.com"
_PREDICTIONS = f"{_API}/v1/predictions"
_FLUX = "black-forest-labs/flux-schnell"
_SHEEP = "https://replicate.delivery/xezq/sheep.webp"


def _prediction(status: str, at: str = f"{_PREDICTIONS}/p7", **members: JSON) -> dict[str, JSON]:
    urls: JSON = {"get": at, "cancel": f"{_PREDICTIONS}/p7/cancel?v=2"}
    return {"id": "p7", "model": _FLUX, "status": status, "output": None, "error": None, "urls": urls, **members}


_STARTING = answer(201, _prediction("starting", logs=""))
_PROCESSING = answer(200, _prediction("processing", output=["https://replicate.delivery/part.webp"]))
_SUCCEEDED = answer(200, _prediction("succeeded", output=[_SHEEP]))

REPLICATE = Vendor(
    "replicate",
    bide.Order(_FLUX, {"prompt": "a sheep"}, "key-1", webhook_url="https://hooks.example/r"),
    accepted=_STARTING,
    running=_PROCESSING,
    done=_SUCCEEDED,
    other=answer(200, {**_prediction("succeeded", output=[_SHEEP]), "id": "p8"}),
    taken_at=lambda url: answer(201, _prediction("starting", url)),
    moved_to=lambda url: answer(200, _prediction("processing", url)),
    scenes=(
        scene(
            "submit",
            next=f"POST {_PREDICTIONS}",
            headers=POST,
            body={"version": _FLUX, "input": {"prompt": "a sheep"}, "webhook": "https://hooks.example/r"},
            repeatable=False,
        ),
        scene("starting", _STARTING, state=bide.Polling, status="starting", next=f"GET {_PREDICTIONS}/p7"),
        scene(
            "named and found",
            _STARTING,
            handle=f'{{"cancel":"{_PREDICTIONS}/p7/cancel?v=2","id":"p7","status":"{_PREDICTIONS}/p7"}}',
        ),
        scene("at another address", answer(201, _prediction("starting", "/v2/p7")), next=f"GET {_API}/v2/p7"),
        scene("processing", _STARTING, _PROCESSING, state=bide.Polling, status="processing", headers=READ, body=None),
        scene("succeeded", _STARTING, _SUCCEEDED, state=bide.Completed, place=("output",), files=(_SHEEP,)),
        scene(
            "succeeded with text, of which no word is a file",
            _STARTING,
            answer(200, _prediction("succeeded", output=["Once", " upon", "/a"])),
            output=["Once", " upon", "/a"],
            files=(),
        ),
        scene(
            "failed",
            _STARTING,
            answer(200, _prediction("failed", error="CUDA out of memory")),
            state=bide.Failed,
            code="FAILED",
            message="CUDA out of memory",
        ),
        scene("canceled", _STARTING, answer(200, _prediction("canceled")), state=bide.Cancelled, code="CANCELED"),
        scene("aborted", _STARTING, answer(200, _prediction("aborted")), state=bide.Expired, code="ABORTED"),
        scene(
            "its output removed",
            answer(200, _prediction("succeeded", data_removed=True)),
            watch="p7",
            state=bide.Lost,
        ),
        scene(
            "failed long ago",
            answer(200, _prediction("failed", error="NSFW", data_removed=True)),
            watch="p7",
            state=bide.Failed,
            message="NSFW",
        ),
        scene("watched by id", watch="p7", next=f"GET {_PREDICTIONS}/p7"),
        scene("cancel", _STARTING, CANCEL, next=f"POST {_PREDICTIONS}/p7/cancel?v=2", body=None, headers=READ),
        scene("cancel by id", _PROCESSING, CANCEL, watch="p7", next=f"POST {_PREDICTIONS}/p7/cancel?v=2"),
        scene("cancel by id alone", CANCEL, watch="p7", next=f"POST {_PREDICTIONS}/p7/cancel"),
        scene(
            "cancel taken, then done",
            _STARTING,
            CANCEL,
            _PROCESSING,
            answer(200, _prediction("canceled")),
            state=bide.Cancelled,
        ),
        scene(
            "an input that is refused",
            answer(422, {"title": "Input validation failed", "detail": "- input: prompt is required", "status": 422}),
            state=bide.Failed,
            handle=None,
            code="HTTP_422",
            message="- input: prompt is required",
        ),
        scene("a refusal by title alone", answer(400, {"title": "Bad version"}), message="Bad version"),
        scene(
            "throttled",
            _STARTING,
            answer(429, {"detail": "Request was throttled."}, ratelimit_remaining="0", ratelimit_reset="9"),
            state=bide.Polling,
            wait=9.0,
            why=bide.Why.QUOTA,
            limited=1,
        ),
    ),
)
