"""Azure's services for data: https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md."""

from __future__ import annotations

from dataclasses import replace

import bide
from bide.document import JSON
from tests.core.vendors_scene import CANCEL, POST, READ, Scene, Vendor, answer, scene

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


def _common(started: bide.Response) -> tuple[Scene, ...]:
    """What holds whatever the method."""
    return (
        scene("accepted without a word", answer(202, operation_location=_JOB), state=bide.Polling, next=f"GET {_JOB}"),
        scene("running", started, _state("running"), state=bide.Polling, status="running", headers=READ),
        scene("in a service's words", started, _state("Validating"), state=bide.Polling, failures=0),
        scene("of no status", started, _state(None), state=bide.Polling, failures=1),
        *(
            scene(
                f"a resource with a status of its own ({code})",
                answer(code, {"status": "Succeeded"}, operation_location=_JOB),
                state=bide.Polling,
                next=f"GET {_JOB}",
            )
            for code in (200, 201)
        ),
        *(
            scene(
                f"failed with a {code}",
                started,
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
            started,
            answer(200, {"status": "failed"}, apim_request_id="a-7"),
            request_id="a-7",
        ),
        *(
            scene(f"{word} with a {code}", started, answer(code, {"status": word}), state=bide.Cancelled)
            for word in ("Canceled", "cancelled")
            for code in (200, 400, 500)
        ),
        *(
            scene(
                f"not authorised ({code})",
                started,
                answer(code, {"status": "Failed"}),
                reason=bide.Reason.UNAUTHORISED,
            )
            for code in (401, 403)
        ),
        scene("throttled", started, answer(429, {"status": "Failed"}, retry_after_ms="1500"), limited=1, wait=1.5),
        scene("throttled, otherwise", started, answer(429, x_ms_retry_after_ms="1700"), limited=1, wait=1.7),
        scene(
            "an error of the monitor",
            started,
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
        scene("running at its location", _AT_LOCATION, _state("Running"), state=bide.Polling, status="Running"),
        scene("cancel", started, CANCEL, next=f"POST {_JOB.replace('?', ':cancel?')}", body=None, headers=READ),
        scene("cancelled at once", started, CANCEL, _state("Canceled"), state=bide.Cancelled),
        scene("cancel taken", started, CANCEL, answer(202), _state("Canceling"), state=bide.Cancelling),
        scene("cancel not offered", started, CANCEL, answer(404), _state("Running"), state=bide.Polling, failures=0),
        *(
            scene(
                f"by a monitor otherwise named ({code})",
                answer(code, {"status": "Succeeded"}, azure_asyncoperation=_JOB),
                state=bide.Polling,
                next=f"GET {_JOB}",
            )
            for code in (200, 201)
        ),
        scene(
            "by way of one of its machines",
            answer(202, operation_location=_JOB, set_cookie="slice=west; Path=/"),
            headers={**READ, "cookie": "slice=west"},
        ),
    )


def _fetched(*script: bide.Response) -> tuple[Scene, ...]:
    """What holds wherever the result is fetched from after this script."""
    return (
        *(
            scene(
                f"fetched, and {word}",
                *script,
                answer(200, {"status": word}),
                state=bide.Fetching,
                failures=0,
            )
            for word in ("NotStarted", "Accepted", "Running", "InProgress")
        ),
        *(
            scene(f"fetched, and {word}", *script, answer(200, {"status": word}), state=end)
            for word, end in (("Failed", bide.Failed), ("Canceled", bide.Cancelled))
        ),
    )


def _by_location() -> tuple[Scene, ...]:
    """What holds where the last answer at a location is the result."""
    return (
        *(
            scene(f"done at its location with a {code}", _AT_LOCATION, answer(code, {"n": 1}), output={"n": 1})
            for code in (200, 201)
        ),
        scene("done at its location, without a word", _AT_LOCATION, answer(204), state=bide.Completed),
        scene("done at once, without a word", answer(204), state=bide.Completed, output=None, files=()),
        scene("done at once, of no status", answer(200, {"n": 1}), state=bide.Completed, output={"n": 1}),
        scene("not done at once, by word", answer(200, {"status": "Running"}), reason=bide.Reason.UNFOLLOWABLE),
        scene("not done at once", answer(200, {"n": 1}, location=f"{_CORE}/results/7"), state=bide.Polling),
    )


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
        *_common(_STARTED),
        *_fetched(_AT_BOTH, _state("Succeeded")),
        *_by_location(),
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
        scene("by its monitor in the end", _AT_BOTH, _state("Succeeded"), via="{status}", state=bide.Completed),
        scene("by its location in the end", _AT_BOTH, _state("Succeeded"), via="{location}", state=bide.Fetching),
    ),
)


_PUT_TO = f"{_CORE}/deployments/7"
_THING: dict[str, JSON] = {"id": "thing-7", "size": 1}
_AT_MONITOR = answer(201, _THING, operation_location=_JOB)
_TAKEN_AT_LOCATION = answer(202, location=f"{_CORE}/results/7")
_OPERATION: JSON = {"id": "7", "status": "Succeeded"}


def _of_a_resource(method: str, content_type: str) -> tuple[Scene, ...]:
    """What holds where a resource is sent, and is the result."""
    return (
        *_common(_AT_MONITOR),
        scene(
            "sent",
            next=f"{method} {_PUT_TO}",
            headers={**POST, "content-type": content_type},
            body={"size": 1},
            repeatable=method == "PUT",
        ),
        scene("of an id that its operation has not", _AT_MONITOR, _state("Running"), state=bide.Polling, failures=0),
        scene("succeeded", _AT_MONITOR, _state("Succeeded"), state=bide.Fetching, next=f"GET {_PUT_TO}", headers=READ),
        scene("fetched", _AT_MONITOR, _state("Succeeded"), answer(200, _THING), state=bide.Completed, output=_THING),
        scene(
            "succeeded elsewhere",
            _AT_MONITOR,
            _state("Succeeded", resourceLocation=_RESULT),
            state=bide.Fetching,
            next=f"GET {_RESULT}",
        ),
        *_fetched(_AT_MONITOR, _state("Succeeded")),
        *(scene(f"done at once with a {code}", answer(code, _THING), output=_THING) for code in (200, 201)),
        scene("accepted with no address at all", answer(202), state=bide.Polling, next=f"GET {_PUT_TO}"),
        scene("done with a 202", _AT_MONITOR, answer(202, {"status": "Succeeded"}), state=bide.Fetching),
        scene("made, and nothing said", answer(201), state=bide.Polling, next=f"GET {_PUT_TO}"),
        scene("still being made", answer(201, {**_THING, "status": "Running"}), state=bide.Polling, status="Running"),
        scene("done by itself", answer(202), answer(200, _THING), state=bide.Completed, output=_THING),
        *(
            scene(f"done at its location with a {code}", _TAKEN_AT_LOCATION, answer(code, _THING), output=_THING)
            for code in (200, 201)
        ),
        *(
            scene(
                f"done at its location, without a word ({code})",
                _TAKEN_AT_LOCATION,
                answer(code),
                next=f"GET {_PUT_TO}",
            )
            for code in (200, 201, 204)
        ),
        scene(
            "pointed to its resource from its location",
            _TAKEN_AT_LOCATION,
            answer(200, {"resourceLocation": _RESULT}),
            next=f"GET {_RESULT}",
        ),
        scene("by its monitor in the end", _AT_MONITOR, _state("Succeeded"), via="{status}", output=_OPERATION),
        scene("by its location in the end", _AT_BOTH, _state("Succeeded"), via="{location}", state=bide.Fetching),
    )


CORE_PUT = Vendor(
    "azure-core-put",
    bide.Order("deployments/7", {"size": 1}, "key-1"),
    accepted=_AT_MONITOR,
    running=_state("Running"),
    done=_state("Succeeded"),
    taken_at=lambda url: answer(201, _THING, operation_location=url),
    moved_to=lambda url: answer(200, {"id": "7", "status": "Running"}, operation_location=url),
    scenes=_of_a_resource("PUT", "application/json"),
)
CORE_PATCH = replace(CORE_PUT, name="azure-core-patch", scenes=_of_a_resource("PATCH", "application/merge-patch+json"))
CORE_DELETE = Vendor(
    "azure-core-delete",
    bide.Order("deployments/7", {}, "key-1"),
    accepted=_STARTED,
    running=_state("Running"),
    done=_state("Succeeded"),
    other=answer(200, {"id": "8", "status": "Succeeded"}),
    taken_at=lambda url: answer(202, {"id": "7", "status": "NotStarted"}, operation_location=url),
    moved_to=lambda url: answer(200, {"id": "7", "status": "Running"}, operation_location=url),
    scenes=(
        *_common(_STARTED),
        *_by_location(),
        scene("named and found", _STARTED, handle=f'{{"id":"7","status":"{_JOB}"}}'),
        scene("done with a 202", _STARTED, answer(202, {"status": "Succeeded"}), state=bide.Completed),
        scene("delete", next=f"DELETE {_PUT_TO}", headers=READ, body=None, repeatable=True),
        scene("succeeded", _AT_BOTH, _state("Succeeded"), state=bide.Completed, output=_OPERATION),
        scene("done at once", answer(200), state=bide.Completed, output=None),
        scene("taken with no address at all", answer(202), state=bide.Abandoned, reason=bide.Reason.UNFOLLOWABLE),
    ),
)
