"""Google's operations: googleapis/google/longrunning/operations.proto, and Cloud Vision's."""

from __future__ import annotations

import bide
from bide.document import JSON
from tests.core.vendors_scene import CANCEL, POST, READ, Vendor, answer, scene

_VISION = "https://vision.googleapis.com/v1"
_NAME = "projects/7/operations/abc"


def _operation(**members: JSON) -> bide.Response:
    return answer(200, {"name": _NAME, **members})


_METADATA: JSON = {"@type": "type.googleapis.com/google.cloud.vision.v1.OperationMetadata", "state": "RUNNING"}
_RESPONSE: JSON = {"@type": "type.googleapis.com/google.cloud.vision.v1.AsyncBatchAnnotateFilesResponse"}

GOOGLE = Vendor(
    "google-lro",
    bide.Order("files:asyncBatchAnnotate", {"requests": []}, "key-1"),
    accepted=_operation(),
    running=_operation(metadata=_METADATA),
    done=_operation(metadata=_METADATA, done=True, response=_RESPONSE),
    other=answer(200, {"name": "projects/7/operations/abd", "done": True, "response": _RESPONSE}),
    scenes=(
        scene("submit", next=f"POST {_VISION}/files:asyncBatchAnnotate", headers=POST, body={"requests": []}),
        scene("submit once", repeatable=False),
        scene("accepted", _operation(), state=bide.Polling, handle=_NAME, next=f"GET {_VISION}/{_NAME}", headers=READ),
        scene("running", _operation(), _operation(metadata=_METADATA), state=bide.Polling, status="RUNNING"),
        scene(
            "running, with a share and an early response",
            _operation(),
            _operation(done=False, metadata={"progressPercentage": 30}, response=_RESPONSE),
            state=bide.Polling,
            progress=0.3,
        ),
        scene("done at once", _operation(done=True, response=_RESPONSE), state=bide.Completed, output=_RESPONSE),
        scene(
            "done",
            _operation(),
            _operation(metadata=_METADATA, done=True, response=_RESPONSE),
            state=bide.Completed,
            output=_RESPONSE,
            files=(),
        ),
        scene("done, and nothing to say", _operation(), _operation(done=True), state=bide.Completed, output=None),
        scene(
            "failed",
            _operation(),
            _operation(done=True, error={"code": 3, "message": "Bad image"}),
            state=bide.Failed,
            code="3",
            message="Bad image",
        ),
        scene(
            "cancelled",
            _operation(),
            _operation(done=True, error={"code": 1, "message": "Cancelled"}),
            state=bide.Cancelled,
            code="1",
        ),
        scene(
            "not done, whatever its error",
            _operation(),
            _operation(error={"code": 1, "message": "one of many"}),
            state=bide.Polling,
            failures=0,
        ),
        scene(
            "an HTTP error is not the job's",
            _operation(),
            answer(404, {"error": {"code": 404, "message": "Not found", "status": "NOT_FOUND"}}),
            state=bide.Polling,
            missing=1,
        ),
        scene(
            "refused",
            answer(400, {"error": {"code": 400, "message": "No uri", "status": "INVALID_ARGUMENT"}}),
            state=bide.Failed,
            code="INVALID_ARGUMENT",
            message="No uri",
        ),
        scene("cancel", _operation(), CANCEL, next=f"POST {_VISION}/{_NAME}:cancel", body={}, headers=POST),
        scene("an answer of something else", _operation(), answer(200, {"kind": "x"}), state=bide.Polling, failures=1),
        scene(
            "cancel taken", _operation(), CANCEL, answer(200, {}), state=bide.Cancelling, next=f"GET {_VISION}/{_NAME}"
        ),
        scene(
            "cancel not known to this service",
            _operation(),
            CANCEL,
            answer(501, {"error": {"code": 501, "status": "UNIMPLEMENTED"}}),
            _operation(),
            state=bide.Polling,
            failures=0,
        ),
    ),
)
