"""Azure Resource Manager: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations."""

from __future__ import annotations

import bide
from bide.document import JSON
from tests.core.vendors_scene import POST, READ, Scene, Vendor, answer, scene

_BROKEN: JSON = {"code": "AllocationFailed", "message": "No capacity."}
HOST = "https://management.azure.com"
MONITOR = f"{HOST}/subscriptions/1/providers/Microsoft.Compute/operations/7?api-version=2024-07-01&t=1"
LOCATION = f"{HOST}/subscriptions/1/operationResults/7?api-version=2024-07-01"
_MOVED = f"{HOST}/subscriptions/1/operationResults/8?api-version=2024-07-01"
VM = "subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1"
_RESOURCE = f"{HOST}/{VM}?api-version=2021-04-01"


def machine(state: str | None, **members: JSON) -> dict[str, JSON]:
    known: dict[str, JSON] = {} if state is None else {"provisioningState": state}
    return {"id": f"/{VM}", "type": "Microsoft.Compute/virtualMachines", "properties": {**known, "size": 1}, **members}


def operation(status: JSON, **members: JSON) -> dict[str, JSON]:
    return {"id": "/subscriptions/1/operations/7", "name": "7", "status": status, **members}


_BY_MONITOR = answer(201, machine("Creating"), azure_asyncoperation=MONITOR, retry_after="10")
BY_LOCATION = answer(202, location=LOCATION)
IN_PROGRESS = answer(200, operation("InProgress", percentComplete=12.5))


def common(by_both: bide.Response, by_monitor: bide.Response) -> tuple[Scene, ...]:
    """What holds whatever the method."""
    return (
        scene("by its monitor", by_monitor, state=bide.Polling, next=f"GET {MONITOR}", headers=READ),
        scene("by its monitor, with a location", by_both, next=f"GET {MONITOR}"),
        scene("by its location", BY_LOCATION, state=bide.Polling, next=f"GET {LOCATION}", headers=READ),
        scene(
            "by the location of a 200",
            answer(200, {"n": 1}, location=LOCATION),
            state=bide.Polling,
            next=f"GET {LOCATION}",
        ),
        scene("by the monitor of a 200", answer(200, {"n": 1}, azure_asyncoperation=MONITOR), next=f"GET {MONITOR}"),
        scene("by a monitor otherwise named", answer(200, {"n": 1}, operation_location=MONITOR), next=f"GET {MONITOR}"),
        *(
            scene(
                f"done at once with a {code}, wherever it points to",
                answer(code, machine("Succeeded"), azure_asyncoperation=MONITOR, location=LOCATION),
                state=bide.Completed,
                output=machine("Succeeded"),
            )
            for code in (200, 201)
        ),
        scene(
            "accepted in the state of before",
            answer(202, machine("Succeeded"), azure_asyncoperation=MONITOR),
            state=bide.Polling,
            next=f"GET {MONITOR}",
        ),
        scene(
            "by way of one of its machines",
            answer(202, location=LOCATION, set_cookie="slice=west; Path=/"),
            headers={**READ, "cookie": "slice=west"},
        ),
        scene("in progress", by_monitor, IN_PROGRESS, state=bide.Polling, status="InProgress", progress=0.125),
        scene(
            "of no status", by_monitor, answer(200, operation(None, properties=None)), state=bide.Polling, failures=1
        ),
        scene("in a provider's words", by_monitor, answer(200, operation("PreparingVMDisk")), state=bide.Polling),
        scene("told when", by_monitor, answer(200, operation("Running"), retry_after="15"), wait=15.0),
        scene("told in milliseconds", by_monitor, answer(200, operation("Running"), retry_after_ms="150"), wait=0.15),
        scene(
            "told in its own milliseconds",
            by_monitor,
            answer(200, operation("Running"), x_ms_retry_after_ms="250"),
            wait=0.25,
        ),
        *(
            scene(
                f"failed with a {code}",
                by_monitor,
                answer(code, operation("Failed", error=_BROKEN), x_ms_request_id="r-7"),
                state=bide.Failed,
                code="AllocationFailed",
                message="No capacity.",
                request_id="r-7",
            )
            for code in (200, 409, 404, 500)
        ),
        *(
            scene(f"{word} with a {code}", by_monitor, answer(code, operation(word)), state=bide.Cancelled)
            for word in ("Canceled", "Cancelled")
            for code in (200, 409, 500)
        ),
        *(
            scene(
                f"not authorised, whatever it says ({code})",
                by_monitor,
                answer(code, operation("Failed")),
                state=bide.Abandoned,
                reason=bide.Reason.UNAUTHORISED,
            )
            for code in (401, 403)
        ),
        scene(
            "throttled, whatever it says", by_monitor, answer(429, operation("Failed")), state=bide.Polling, limited=1
        ),
        scene("an error of the monitor", by_monitor, answer(500, {"error": _BROKEN}), state=bide.Polling, failures=1),
        scene(
            "a refusal of the monitor is not the job's end",
            by_monitor,
            answer(409, {"error": _BROKEN}),
            state=bide.Polling,
            failures=1,
        ),
        scene("accepted still", BY_LOCATION, answer(202), state=bide.Polling, failures=0, next=f"GET {LOCATION}"),
        scene("moved", BY_LOCATION, answer(202, location=_MOVED), state=bide.Polling, next=f"GET {_MOVED}"),
        *(
            scene(
                f"refused at its location with a {code}",
                BY_LOCATION,
                answer(code, {"error": _BROKEN}),
                state=bide.Failed,
                code="AllocationFailed",
            )
            for code in (400, 409, 422)
        ),
        scene("a location's own trouble", BY_LOCATION, answer(409), state=bide.Polling, failures=1),
        scene(
            "failed at its location",
            BY_LOCATION,
            answer(200, {"status": "Failed", "error": _BROKEN}),
            state=bide.Failed,
        ),
        *(
            scene(f"its state failed, with a {code}", BY_LOCATION, answer(code, machine("Failed")), state=bide.Failed)
            for code in (200, 409, 500)
        ),
        *(
            scene(f"its state is {word}, with a {code}", BY_LOCATION, answer(code, machine(word)), state=bide.Cancelled)
            for word in ("Canceled", "Cancelled")
            for code in (200, 409, 500)
        ),
        scene(
            "an old failure in the monitor's properties",
            by_monitor,
            answer(200, machine("Failed", status="Running")),
            state=bide.Polling,
        ),
        scene(
            "an old end in the monitor's properties",
            by_monitor,
            answer(200, machine("Canceled", status="Running")),
            state=bide.Polling,
        ),
        scene("still creating", BY_LOCATION, answer(200, machine("Creating")), state=bide.Polling, status="Creating"),
        scene("running with a 200", BY_LOCATION, answer(200, {"status": "Running"}), state=bide.Polling, failures=0),
        scene(
            "running with a 202", by_monitor, answer(202, operation("Running")), state=bide.Polling, status="Running"
        ),
        scene("refused", answer(400, {"error": _BROKEN}), state=bide.Failed, handle=None, code="AllocationFailed"),
        scene("failed at once", answer(409, {"status": "Failed", "error": _BROKEN}), state=bide.Failed),
    )


def fetched(*script: bide.Response) -> tuple[Scene, ...]:
    """What holds wherever the result is fetched from after this script."""
    return (
        scene(
            "fetched, and changing again", *script, answer(200, machine("Updating")), state=bide.Fetching, failures=0
        ),
        *(
            scene(f"fetched, and failed with a {code}", *script, answer(code, machine("Failed")), state=bide.Failed)
            for code in (200, 409, 500)
        ),
        *(
            scene(f"fetched, and {word}", *script, answer(200, {"status": word}), state=bide.Fetching, failures=0)
            for word in ("NotStarted", "Accepted", "Running", "InProgress")
        ),
        scene("fetched, and cancelled", *script, answer(200, machine("Canceled")), state=bide.Cancelled),
        scene("fetched, and failed by word", *script, answer(200, operation("Failed")), state=bide.Failed),
        scene("fetched, and cancelled by word", *script, answer(200, operation("Canceled")), state=bide.Cancelled),
    )


BOTH = answer(202, azure_asyncoperation=MONITOR, location=LOCATION)
_OPERATION = operation("Succeeded", properties={"output": 7})
DONE = answer(200, _OPERATION)
_FETCHED = (_BY_MONITOR, DONE)
_FETCHED_FROM_BOTH = (BOTH, DONE)

ORDER = bide.Order(VM, {"location": "westus", "properties": {"size": 1}}, "key-1")


def taken_at(url: str) -> bide.Response:
    return answer(201, machine("Creating"), azure_asyncoperation=url)


def moved_to(url: str) -> bide.Response:
    return answer(200, operation("InProgress"), azure_asyncoperation=url)


def sent_again() -> tuple[Scene, ...]:
    """What holds where a submission is sent again after some answers only."""
    return (
        *(
            scene(f"sent again after a {code}", answer(code, set_cookie="slice=west"), state=bide.Submitting)
            for code in (408, 500, 503)
        ),
        *(
            scene(f"not sent again after a {code}", answer(code), state=bide.Abandoned, reason=bide.Reason.AMBIGUOUS)
            for code in (502, 504)
        ),
        scene("refused after it was sent again", answer(500), answer(400), state=bide.Failed),
    )


def _of_a_resource(method: str) -> tuple[Scene, ...]:
    """What holds where a resource is sent, and is the result."""
    return (
        *common(BOTH, _BY_MONITOR),
        scene(
            "sent",
            next=f"{method} {_RESOURCE}",
            headers=POST,
            body={"location": "westus", "properties": {"size": 1}},
            repeatable=method == "PUT",
        ),
        scene("done by its monitor", *_FETCHED, state=bide.Fetching, next=f"GET {_RESOURCE}", headers=READ, wait=0.0),
        scene(
            "fetched", *_FETCHED, answer(200, machine("Succeeded")), state=bide.Completed, output=machine("Succeeded")
        ),
        scene(
            "fetched, of no state", *_FETCHED, answer(200, machine(None)), state=bide.Completed, output=machine(None)
        ),
        *fetched(*_FETCHED),
        *(
            scene(f"done at its location with a {code}", BY_LOCATION, answer(code, resource), output=resource)
            for code in (200, 201)
            for resource in (machine(None), machine("Succeeded"))
        ),
        scene("done at its location, by word", BY_LOCATION, DONE, next=f"GET {_RESOURCE}"),
        *(
            scene(f"done at its location, without a word ({code})", BY_LOCATION, answer(code), next=f"GET {_RESOURCE}")
            for code in (200, 201)
        ),
        scene("done at its location, without a word", BY_LOCATION, answer(204), next=f"GET {_RESOURCE}"),
        scene("by itself", answer(201, machine("Creating")), state=bide.Polling, next=f"GET {_RESOURCE}"),
        scene("done with a 202", _BY_MONITOR, answer(202, operation("Succeeded")), state=bide.Fetching),
        scene(
            "accepted, whatever its state",
            answer(202, machine("Succeeded")),
            state=bide.Polling,
            next=f"GET {_RESOURCE}",
        ),
        scene(
            "by itself, in a word",
            answer(202),
            answer(200, machine(None, status="Updating")),
            state=bide.Polling,
            failures=0,
        ),
        scene("accepted with no address at all", answer(202), state=bide.Polling, next=f"GET {_RESOURCE}"),
        scene(
            "by itself, still", answer(201, machine("Creating")), answer(200, machine("Creating")), state=bide.Polling
        ),
        scene(
            "done by itself",
            answer(202),
            answer(200, machine("Succeeded")),
            state=bide.Completed,
            output=machine("Succeeded"),
        ),
        scene(
            "done by itself, of no state",
            answer(202),
            answer(200, machine(None)),
            state=bide.Completed,
            output=machine(None),
        ),
        scene("nothing there", answer(202), answer(200), state=bide.Polling, failures=1),
        scene("failed by itself", answer(202), answer(200, machine("Failed")), state=bide.Failed, code="FAILED"),
        scene("not there yet", answer(202), answer(404, {"error": _BROKEN}), state=bide.Polling, missing=1),
        *(
            scene(f"done at once with a {code}, of no state", answer(code, machine(None)), output=machine(None))
            for code in (200, 201)
        ),
        scene("not done at once, by word", answer(200, machine(None, status="Updating")), next=f"GET {_RESOURCE}"),
        scene("failed at once, by its state", answer(200, machine("Failed")), state=bide.Failed),
        scene(
            "begun anew after a failure",
            answer(200, machine("Failed"), azure_asyncoperation=MONITOR),
            state=bide.Polling,
        ),
        scene("a word without an answer", answer(200), state=bide.Polling, next=f"GET {_RESOURCE}"),
        scene("watched by its monitor", DONE, watch=MONITOR, state=bide.Completed),
        scene("by its location in the end", *_FETCHED_FROM_BOTH, via="{location}", next=f"GET {LOCATION}"),
        scene("by its monitor in the end", *_FETCHED_FROM_BOTH, via="{status}", output=_OPERATION),
        scene("by itself in the end", *_FETCHED_FROM_BOTH, via="{resource}", next=f"GET {_RESOURCE}"),
    )


ARM = Vendor(
    "azure-arm",
    ORDER,
    accepted=_BY_MONITOR,
    running=IN_PROGRESS,
    done=DONE,
    taken_at=taken_at,
    moved_to=moved_to,
    scenes=_of_a_resource("PUT"),
)
ARM_PATCH = Vendor(
    "azure-arm-patch",
    ORDER,
    accepted=_BY_MONITOR,
    running=IN_PROGRESS,
    done=DONE,
    taken_at=taken_at,
    moved_to=moved_to,
    scenes=(*_of_a_resource("PATCH"), *sent_again()),
)
