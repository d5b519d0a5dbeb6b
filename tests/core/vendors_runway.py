"""Runway: https://docs.dev.runwayml.com/api."""

from __future__ import annotations

import bide
from bide.document import JSON
from tests.core.vendors_scene import CANCEL, READ, Vendor, answer, scene

_RUNWAY = "https://api.dev.runwayml.com/v1"
_CLIP = "https://dnznrvs05pmza.cloudfront.net/clip.mp4?_jwt=abc"
_CREATED = answer(200, {"id": "t7"})
_RUNWAY_HEADERS = {**READ, "x-runway-version": "2024-11-06"}


def _task(status: str, **members: JSON) -> bide.Response:
    return answer(200, {"id": "t7", "status": status, "createdAt": "2026-11-23T18:00:00Z", **members})


_RUNNING = _task("RUNNING", progress=0.25)

RUNWAY = Vendor(
    "runway",
    bide.Order("image_to_video", {"model": "gen4_turbo", "ratio": "1280:720"}, "key-1"),
    accepted=_CREATED,
    running=_RUNNING,
    done=_task("SUCCEEDED", output=[_CLIP]),
    other=answer(200, {"id": "t8", "status": "SUCCEEDED", "output": [_CLIP]}),
    scenes=(
        scene(
            "submit",
            next=f"POST {_RUNWAY}/image_to_video",
            headers={**_RUNWAY_HEADERS, "content-type": "application/json"},
            body={"model": "gen4_turbo", "ratio": "1280:720"},
            repeatable=False,
        ),
        scene("created", _CREATED, state=bide.Polling, next=f"GET {_RUNWAY}/tasks/t7", headers=_RUNWAY_HEADERS),
        scene("pending", _CREATED, _task("PENDING"), state=bide.Polling, status="PENDING"),
        scene("throttled", _CREATED, _task("THROTTLED"), state=bide.Polling, status="THROTTLED", failures=0, limited=0),
        scene("running", _CREATED, _RUNNING, state=bide.Polling, progress=0.25),
        scene(
            "succeeded",
            _CREATED,
            _task("SUCCEEDED", output=[_CLIP]),
            state=bide.Completed,
            handle="t7",
            place=("output",),
            files=(_CLIP,),
            file=[f"GET {_CLIP}"],
        ),
        scene(
            "failed",
            _CREATED,
            _task("FAILED", failure="An unexpected error occurred.", failureCode="INTERNAL.BAD_OUTPUT.CODE01"),
            state=bide.Failed,
            code="INTERNAL.BAD_OUTPUT.CODE01",
            message="An unexpected error occurred.",
        ),
        scene("failed for no reason", _CREATED, _task("FAILED"), state=bide.Failed, code="FAILED"),
        scene("cancelled by another", _CREATED, _task("CANCELLED"), state=bide.Cancelled),
        scene("cancel", _CREATED, _RUNNING, CANCEL, next=f"DELETE {_RUNWAY}/tasks/t7", body=None),
        scene(
            "cancel taken",
            _CREATED,
            _RUNNING,
            CANCEL,
            answer(204),
            state=bide.Cancelling,
            next=f"GET {_RUNWAY}/tasks/t7",
        ),
        scene(
            "cancelled, so gone",
            _CREATED,
            _RUNNING,
            CANCEL,
            answer(204),
            answer(404, {"error": "No task"}),
            state=bide.Cancelled,
        ),
        scene("gone without a cancel", _CREATED, answer(404, {"error": "No task"}), state=bide.Polling, missing=1),
        scene(
            "refused",
            answer(400, {"error": "ratio is not supported"}),
            state=bide.Failed,
            code="HTTP_400",
            message="ratio is not supported",
        ),
        scene("over the daily limit", _CREATED, answer(429, {}, retry_after_ms="2500"), wait=2.5, limited=1),
    ),
)
