"""Azure's services for data: https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md."""

from __future__ import annotations

import bide
from bide.document import JSON
from tests.core.vendors_scene import CANCEL, POST, READ, Vendor, answer, scene

_BROKEN: JSON = {"code": "AllocationFailed", "message": "No capacity."}
_CORE = "https://westus.api.cognitive.microsoft.com"
_JOB = f"{_CORE}/vision/v3.2/read/analyzeResults/7?api-version=2024-11-30"
_RESULT = f"{_CORE}/deviceUpdate/instance/updates/7"


def _state(status: JSON, **members: JSON) -> bide.Response:
    return answer(200, {"id": "7", "status": status, **members})


_STARTED = answer(202, {"id": "7", "status": "NotStarted"}, operation_location=_JOB, retry_after="5")
_AT_LOCATION = answer(202, location=f"{_CORE}/results/7")
_AT_BOTH = answer(202, operation_location=_JOB, location=f"{_CORE}/results/7")
_INLINE: JSON = {"readResults": []}

CORE = Vendor(
    "azure-core",
    bide.Order("vision/v3.2/read/analyze", {"url": "https://x.example/a.png"}, "key-1"),
    accepted=_STARTED,
    running=_state("Running"),
    done=_state("Succeeded", result=_INLINE),
    other=answer(200, {"id": "8", "status": "Succeeded", "result": _INLINE}),
    taken_at=lambda url: answer(202, {"id": "7", "status": "NotStarted"}, operation_location=url),
    moved_to=lambda url: answer(200, {"id": "7", "status": "Running"}, operation_location=url),
    scenes=(
        scene(
            "post",
            next=f"POST {_CORE}/vision/v3.2/read/analyze",
            headers=POST,
            body={"url": "https://x.example/a.png"},
            repeatable=False,
        ),
        scene("not started", _STARTED, state=bide.Polling, status="NotStarted", next=f"GET {_JOB}", wait=5.0),
        scene("named and found", _STARTED, handle=f'{{"id":"7","status":"{_JOB}"}}'),
        scene(
            "done at once", answer(200, {"status": "Succeeded", "result": 1}), state=bide.Completed, output=1, handle=""
        ),
        scene("done with a 202", _STARTED, answer(202, {"status": "Succeeded"}), state=bide.Completed),
        scene("accepted without a word", answer(202, operation_location=_JOB), state=bide.Polling, next=f"GET {_JOB}"),
        scene("running", _STARTED, _state("running"), state=bide.Polling, status="running", headers=READ),
        scene("in a service's words", _STARTED, _state("Validating"), state=bide.Polling, failures=0),
        scene("of no status", _STARTED, _state(None), state=bide.Polling, failures=1),
        scene(
            "succeeded",
            _STARTED,
            _state("Succeeded", result=_INLINE),
            state=bide.Completed,
            output=_INLINE,
            files=(),
        ),
        scene(
            "succeeded, in older words",
            _STARTED,
            _state("succeeded", n=1),
            output={"id": "7", "status": "succeeded", "n": 1},
        ),
        scene(
            "succeeded at once",
            answer(202, {"id": "7", "status": "Succeeded", "result": 1}, operation_location=_JOB),
            state=bide.Completed,
            output=1,
        ),
        *(
            scene(
                f"a resource with a status of its own ({code})",
                answer(code, {"status": "Succeeded"}, operation_location=_JOB),
                state=bide.Polling,
                next=f"GET {_JOB}",
            )
            for code in (200, 201)
        ),
        scene(
            "succeeded elsewhere",
            _STARTED,
            _state("Succeeded", resourceLocation="/deviceUpdate/instance/updates/7"),
            state=bide.Fetching,
            next=f"GET {_RESULT}",
            headers=READ,
        ),
        scene(
            "fetched",
            _STARTED,
            _state("Succeeded", resourceLocation=_RESULT),
            answer(200, {"name": "update"}),
            state=bide.Completed,
            output={"name": "update"},
        ),
        scene("succeeded, with a location", _AT_BOTH, _state("Succeeded"), next=f"GET {_CORE}/results/7"),
        scene(
            "the resource goes before the location",
            _AT_BOTH,
            _state("Succeeded", resourceLocation=_RESULT),
            next=f"GET {_RESULT}",
        ),
        *(
            scene(
                f"fetched, and {word}",
                _AT_BOTH,
                _state("Succeeded"),
                answer(200, {"status": word}),
                state=bide.Fetching,
                failures=0,
            )
            for word in ("NotStarted", "Accepted", "Running", "InProgress")
        ),
        *(
            scene(f"fetched, and {word}", _AT_BOTH, _state("Succeeded"), answer(200, {"status": word}), state=end)
            for word, end in (("Failed", bide.Failed), ("Canceled", bide.Cancelled))
        ),
        *(
            scene(
                f"failed with a {code}",
                _STARTED,
                answer(code, {"id": "7", "status": "Failed", "error": _BROKEN}, x_ms_request_id="r-7"),
                state=bide.Failed,
                code="AllocationFailed",
                message="No capacity.",
                request_id="r-7",
            )
            for code in (200, 400, 500)
        ),
        scene(
            "failed, told by a gateway",
            _STARTED,
            answer(200, {"status": "failed"}, apim_request_id="a-7"),
            request_id="a-7",
        ),
        *(
            scene(f"{word} with a {code}", _STARTED, answer(code, {"status": word}), state=bide.Cancelled)
            for word in ("Canceled", "cancelled")
            for code in (200, 400, 500)
        ),
        *(
            scene(
                f"not authorised ({code})",
                _STARTED,
                answer(code, {"status": "Failed"}),
                reason=bide.Reason.UNAUTHORISED,
            )
            for code in (401, 403)
        ),
        scene("throttled", _STARTED, answer(429, {"status": "Failed"}, retry_after_ms="1500"), limited=1, wait=1.5),
        scene("throttled, otherwise", _STARTED, answer(429, x_ms_retry_after_ms="1700"), limited=1, wait=1.7),
        scene(
            "an error of the monitor",
            _STARTED,
            answer(404, x_ms_error_code="OperationNotFound"),
            state=bide.Polling,
            missing=1,
        ),
        scene(
            "refused",
            answer(400, {"error": {"code": "InvalidImage", "message": "No image"}}),
            state=bide.Failed,
            code="InvalidImage",
            message="No image",
        ),
        scene("refused by header", answer(400, x_ms_error_code="InvalidImage"), code="InvalidImage"),
        scene("by its location", _AT_LOCATION, state=bide.Polling, next=f"GET {_CORE}/results/7"),
        scene("accepted still", _AT_LOCATION, answer(202), state=bide.Polling, failures=0),
        *(
            scene(f"done at its location with a {code}", _AT_LOCATION, answer(code, {"n": 1}), output={"n": 1})
            for code in (200, 201)
        ),
        scene("done at its location, without a word", _AT_LOCATION, answer(204), state=bide.Completed),
        scene("running at its location", _AT_LOCATION, _state("Running"), state=bide.Polling, status="Running"),
        scene("cancel", _STARTED, CANCEL, next=f"POST {_JOB.replace('?', ':cancel?')}", body=None, headers=READ),
        scene("cancelled at once", _STARTED, CANCEL, _state("Canceled"), state=bide.Cancelled),
        scene("cancel taken", _STARTED, CANCEL, answer(202), _state("Canceling"), state=bide.Cancelling),
        scene("cancel not offered", _STARTED, CANCEL, answer(404), _state("Running"), state=bide.Polling, failures=0),
    ),
)
