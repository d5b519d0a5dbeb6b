"""OpenAI's videos and batches, as its documentation has them answer."""

from __future__ import annotations

import bide
from bide.document import JSON
from tests.core.vendors_scene import CANCEL, POST, Vendor, answer, scene

# -- OpenAI's videos: https://platform.openai.com/docs/api-reference/videos --------------------------------------------

_OPENAI = "https://api.openai.com/v1"


def _video(status: str, progress: int = 0, **members: JSON) -> dict[str, JSON]:
    return {"id": "video_7", "object": "video", "status": status, "progress": progress, "error": None, **members}


_QUEUED = answer(200, _video("queued"), x_request_id="req_1")
_FINISHED = _video("completed", 100, expires_at=1795526400)

OPENAI_VIDEOS = Vendor(
    "openai-videos",
    bide.Order("sora-2", {"prompt": "a fox", "seconds": "4"}, "key-1"),
    accepted=_QUEUED,
    running=answer(200, _video("in_progress", 40)),
    done=answer(200, _FINISHED),
    other=answer(200, {**_FINISHED, "id": "video_8"}),
    scenes=(
        scene(
            "submit",
            next=f"POST {_OPENAI}/videos",
            headers=POST,
            body={"model": "sora-2", "prompt": "a fox", "seconds": "4"},
            repeatable=False,
        ),
        scene("queued", _QUEUED, state=bide.Polling, status="queued", next=f"GET {_OPENAI}/videos/video_7"),
        scene("in progress", _QUEUED, answer(200, _video("in_progress", 40)), state=bide.Polling, progress=0.4),
        scene(
            "told when to look again",
            _QUEUED,
            answer(200, _video("in_progress"), openai_poll_after_ms="2500", retry_after="9"),
            wait=2.5,
            why=bide.Why.RETRY_AFTER,
        ),
        scene("told again, otherwise", _QUEUED, answer(200, _video("in_progress"), retry_after_ms="700"), wait=0.7),
        scene(
            "completed",
            _QUEUED,
            answer(200, _FINISHED),
            state=bide.Completed,
            output=_FINISHED,
            files=("video_7",),
            file=[f"GET {_OPENAI}/videos/video_7/content"],
        ),
        scene(
            "failed",
            _QUEUED,
            answer(200, _video("failed", error={"code": "moderation_blocked", "message": "Blocked."})),
            state=bide.Failed,
            code="moderation_blocked",
            message="Blocked.",
        ),
        scene("expired", _QUEUED, answer(200, _video("expired")), state=bide.Expired),
        scene(
            "refused",
            answer(400, {"error": {"message": "No.", "type": "invalid_request_error", "code": None}}, x_request_id="r"),
            state=bide.Failed,
            code="invalid_request_error",
            message="No.",
            request_id="r",
        ),
        scene(
            "the last request of this minute",
            _QUEUED,
            answer(
                200,
                _video("queued"),
                x_ratelimit_limit_requests="500",
                x_ratelimit_remaining_requests="0",
                x_ratelimit_reset_requests="1m2.5s",
            ),
            wait=62.5,
            why=bide.Why.QUOTA,
            limit=500,
        ),
    ),
)

# -- OpenAI's batches: https://platform.openai.com/docs/api-reference/batch --------------------------------------------

_BATCHES = "https://api.openai.com/v1/batches"


def _batch(status: str, done: int = 0, **members: JSON) -> dict[str, JSON]:
    counts: JSON = {"total": 4, "completed": done, "failed": 0}
    return {"id": "batch_7", "object": "batch", "status": status, "request_counts": counts, "errors": None, **members}


_VALIDATING = answer(200, {"id": "batch_7", "status": "validating", "request_counts": {"total": 0, "completed": 0}})
_BATCHED = _batch("completed", 4, output_file_id="file-o", error_file_id="file-e")
_BAD_LINE: JSON = {"object": "list", "data": [{"code": "invalid_json_line", "message": "Line 3", "line": 3}]}

OPENAI_BATCHES = Vendor(
    "openai-batches",
    bide.Order("/v1/responses", {"input_file_id": "file-i"}, "key-1", metadata={"run": "7"}),
    accepted=_VALIDATING,
    running=answer(200, _batch("in_progress", 1)),
    done=answer(200, _BATCHED),
    other=answer(200, {**_BATCHED, "id": "batch_8"}),
    scenes=(
        scene(
            "submit",
            next=f"POST {_BATCHES}",
            headers=POST,
            body={
                "endpoint": "/v1/responses",
                "completion_window": "24h",
                "metadata": {"run": "7"},
                "input_file_id": "file-i",
            },
            repeatable=False,
        ),
        scene("validating", _VALIDATING, state=bide.Polling, progress=None, next=f"GET {_BATCHES}/batch_7"),
        scene("in progress", _VALIDATING, answer(200, _batch("in_progress", 1)), state=bide.Polling, progress=0.25),
        scene("finalizing", _VALIDATING, answer(200, _batch("finalizing", 4)), state=bide.Polling, progress=1.0),
        scene("cancelling", _VALIDATING, answer(200, _batch("cancelling")), state=bide.Polling, status="cancelling"),
        scene(
            "completed",
            _VALIDATING,
            answer(200, _BATCHED),
            state=bide.Completed,
            output=_BATCHED,
            files=("file-o", "file-e"),
            file=[f"GET https://api.openai.com/v1/files/{name}/content" for name in ("file-o", "file-e")],
        ),
        scene(
            "failed",
            _VALIDATING,
            answer(200, _batch("failed", errors=_BAD_LINE)),
            state=bide.Failed,
            code="invalid_json_line",
            message="Line 3",
        ),
        scene("expired", _VALIDATING, answer(200, _batch("expired", output_file_id="file-o")), state=bide.Expired),
        scene("cancelled", _VALIDATING, answer(200, _batch("cancelled")), state=bide.Cancelled),
        scene("cancel", _VALIDATING, CANCEL, next=f"POST {_BATCHES}/batch_7/cancel", body=None),
        scene("cancel taken", _VALIDATING, CANCEL, answer(200, _batch("cancelling")), state=bide.Cancelling),
        scene(
            "refused",
            answer(404, {"error": {"message": "No such File", "type": "invalid_request_error", "code": "no_file"}}),
            state=bide.Failed,
            code="no_file",
            message="No such File",
        ),
        scene(
            "refused without a code",
            answer(400, {"error": {"message": "No.", "type": "invalid_request_error", "code": None}}, x_request_id="r"),
            code="invalid_request_error",
            request_id="r",
        ),
        scene("told when", _VALIDATING, answer(200, _batch("in_progress"), openai_poll_after_ms="9000"), wait=9.0),
        scene("told when, otherwise", _VALIDATING, answer(503, {}, retry_after_ms="900"), wait=0.9),
        scene(
            "out of requests",
            _VALIDATING,
            answer(
                200,
                _batch("in_progress"),
                x_ratelimit_limit_requests="2000",
                x_ratelimit_remaining_requests="0",
                x_ratelimit_reset_requests="6m0s",
            ),
            wait=360.0,
            limit=2000,
        ),
    ),
)
