"""fal's queue: https://docs.fal.ai/model-endpoints/queue."""

from __future__ import annotations

import bide
from bide.document import JSON
from tests.core.vendors_scene import CANCEL, POST, Vendor, answer, scene

_REQUEST = "https://queue.fal.run/fal-ai/flux/requests/r7"  # without the model's subpath
_STATUS = f"{_REQUEST}/status"
_IMAGE = "https://v3.fal.media/files/koala/a.png"
_OUTPUT: JSON = {"images": [{"url": _IMAGE, "content_type": "image/png"}], "seed": 7, "prompt": "a fox"}


def _queued(status: str, at: str = _STATUS, **members: JSON) -> dict[str, JSON]:
    urls: dict[str, JSON] = {"status_url": at, "response_url": _REQUEST, "cancel_url": f"{_REQUEST}/cancel"}
    return {"status": status, "request_id": "r7", **urls, **members}


_IN_QUEUE = answer(200, _queued("IN_QUEUE", queue_position=2))
_COMPLETED = answer(200, {"status": "COMPLETED", "request_id": "r7", "metrics": {"inference_time": 3.7}})
_TO_FETCH = (_IN_QUEUE, _COMPLETED)
_INVALID: JSON = {"detail": [{"loc": ["body", "prompt"], "msg": "field required", "type": "value_error.missing"}]}

FAL = Vendor(
    "fal",
    bide.Order("fal-ai/flux/dev", {"prompt": "a fox"}, "key-1"),
    accepted=_IN_QUEUE,
    running=answer(202, _queued("IN_PROGRESS", logs=[])),
    done=_COMPLETED,
    other=answer(200, {"status": "COMPLETED", "request_id": "r8"}),
    taken_at=lambda url: answer(200, _queued("IN_QUEUE", url)),
    moved_to=lambda url: answer(202, _queued("IN_PROGRESS", url)),
    scenes=(
        scene(
            "submit",
            next="POST https://queue.fal.run/fal-ai/flux/dev",
            headers={**POST, "authorization": "Key KEY"},
            body={"prompt": "a fox"},
            repeatable=False,
        ),
        scene("in queue", _IN_QUEUE, state=bide.Polling, status="IN_QUEUE", next=f"GET {_STATUS}"),
        scene(
            "named and found",
            _IN_QUEUE,
            handle=f'{{"cancel":"{_REQUEST}/cancel","id":"r7","response":"{_REQUEST}","status":"{_STATUS}"}}',
        ),
        scene(
            "an error that is not the end",
            _IN_QUEUE,
            answer(202, _queued("IN_PROGRESS", error="x")),
            state=bide.Polling,
        ),
        scene(
            "a type of error that is not the end",
            _IN_QUEUE,
            answer(202, _queued("IN_PROGRESS", error_type="x")),
            state=bide.Polling,
        ),
        scene("in progress", _IN_QUEUE, answer(202, _queued("IN_PROGRESS")), state=bide.Polling, status="IN_PROGRESS"),
        scene("completed", *_TO_FETCH, state=bide.Fetching, next=f"GET {_REQUEST}", wait=0.0),
        scene(
            "fetched",
            *_TO_FETCH,
            answer(200, _OUTPUT),
            state=bide.Completed,
            output=_OUTPUT,
            files=(_IMAGE,),
            file=[f"GET {_IMAGE}"],
        ),
        scene(
            "watched, and led to its result", answer(200, _queued("COMPLETED")), watch=_STATUS, next=f"GET {_REQUEST}"
        ),
        scene(
            "completed with an error",
            _IN_QUEUE,
            answer(200, _queued("COMPLETED", error="Runner died", error_type="runner_disconnected")),
            state=bide.Failed,
            code="runner_disconnected",
            message="Runner died",
        ),
        scene(
            "completed with an error without a type",
            _IN_QUEUE,
            answer(200, _queued("COMPLETED", error="Runner died")),
            state=bide.Failed,
            code="COMPLETED",
        ),
        scene(
            "completed with an error of a type alone",
            _IN_QUEUE,
            answer(200, _queued("COMPLETED", error_type="startup_timeout")),
            state=bide.Failed,
            code="startup_timeout",
        ),
        scene(
            "its input was wrong",
            *_TO_FETCH,
            answer(422, _INVALID, x_fal_request_id="r7"),
            state=bide.Failed,
            code="value_error.missing",
            message="field required",
            request_id="r7",
        ),
        scene(
            "a failure that is kept, not passing",
            *_TO_FETCH,
            answer(504, {"detail": "Request timed out"}, x_fal_request_id="r7", x_fal_error_type="request_timeout"),
            state=bide.Failed,
            code="request_timeout",
            message="Request timed out",
        ),
        scene("bad request", *_TO_FETCH, answer(400, {"detail": "Bad"}, x_fal_request_id="r7"), state=bide.Failed),
        scene("client gone", *_TO_FETCH, answer(499, {"detail": "Gone"}, x_fal_request_id="r7"), state=bide.Failed),
        scene("a gateway's trouble", *_TO_FETCH, answer(504, b"nginx"), state=bide.Fetching, failures=1),
        scene(
            "the key is not accepted",
            *_TO_FETCH,
            answer(401, {"detail": "No user"}, x_fal_request_id="r9"),
            state=bide.Abandoned,
            reason=bide.Reason.UNAUTHORISED,
        ),
        scene(
            "throttled",
            *_TO_FETCH,
            answer(429, {"detail": "Too many"}, x_fal_request_id="r9"),
            state=bide.Fetching,
            limited=1,
        ),
        scene(
            "asked too early",
            *_TO_FETCH,
            answer(400, {"detail": "Request is still in progress"}, x_fal_request_id="r7"),
            state=bide.Fetching,
            failures=0,
        ),
        scene("too early, in the queue", *_TO_FETCH, answer(200, _queued("IN_QUEUE")), state=bide.Fetching, failures=0),
        scene(
            "too early, in progress", *_TO_FETCH, answer(200, _queued("IN_PROGRESS")), state=bide.Fetching, failures=0
        ),
        scene("cancel", _IN_QUEUE, CANCEL, next=f"PUT {_REQUEST}/cancel", body=None),
        scene(
            "cancel is only a signal",
            _IN_QUEUE,
            CANCEL,
            answer(202, {"status": "CANCELLATION_REQUESTED"}),
            state=bide.Cancelling,
            next=f"GET {_STATUS}",
        ),
        scene(
            "cancelled",
            _IN_QUEUE,
            CANCEL,
            answer(202, {"status": "CANCELLATION_REQUESTED"}),
            answer(200, _queued("COMPLETED", error="Cancelled", error_type="client_cancelled")),
            state=bide.Cancelled,
            message="Cancelled",
        ),
        *(
            scene(
                f"cancelled, as its result says with a {code}",
                *_TO_FETCH,
                answer(code, {"detail": "Cancelled", "error_type": "client_cancelled"}, x_fal_request_id="r7"),
                state=bide.Cancelled,
            )
            for code in (499, 500)
        ),
        scene(
            "cancelled too late",
            _IN_QUEUE,
            CANCEL,
            answer(400, {"status": "ALREADY_COMPLETED"}),
            _COMPLETED,
            state=bide.Fetching,
        ),
    ),
)
