"""Azure Resource Manager, deletions: documented where `vendors_azure_arm` says."""

from __future__ import annotations

import bide
from tests.core.vendors_azure_arm import (
    BOTH,
    BY_LOCATION,
    DONE,
    HOST,
    IN_PROGRESS,
    LOCATION,
    MONITOR,
    VM,
    common,
    machine,
    moved_to,
    operation,
)
from tests.core.vendors_scene import READ, Vendor, answer, scene

_TAKEN = answer(202, azure_asyncoperation=MONITOR)

ARM_DELETE = Vendor(
    "azure-arm-delete",
    bide.Order(VM, {}, "key-1"),
    accepted=BOTH,
    running=IN_PROGRESS,
    done=DONE,
    taken_at=lambda url: answer(202, azure_asyncoperation=url),
    moved_to=moved_to,
    scenes=(
        *common(BOTH, _TAKEN),
        scene(
            "delete",
            next=f"DELETE {HOST}/{VM}?api-version=2021-04-01",
            headers=READ,
            body=None,
            repeatable=True,
        ),
        scene(
            "done by its monitor",
            BOTH,
            DONE,
            state=bide.Completed,
            output=operation("Succeeded", properties={"output": 7}),
        ),
        scene("done with a 202", _TAKEN, answer(202, operation("Succeeded")), state=bide.Completed),
        *(
            scene(f"done at its location with an empty {code}", BY_LOCATION, answer(code), output=None, files=())
            for code in (200, 201, 204)
        ),
        scene("done at its location, by state", BY_LOCATION, answer(200, machine("Succeeded")), state=bide.Completed),
        scene("done at its location, of no state", BY_LOCATION, answer(200, machine(None)), output=machine(None)),
        scene("done at once", answer(200, machine(None)), state=bide.Completed, output=machine(None)),
        scene("done at once, without a word", answer(204), state=bide.Completed, output=None),
        scene("done at once, or gone before", answer(200), state=bide.Completed, output=None),
        scene("not begun at once", answer(200, {"status": "Accepted"}), state=bide.Abandoned),
        scene("taken with no address at all", answer(202), state=bide.Abandoned, reason=bide.Reason.UNFOLLOWABLE),
        scene("by its location in the end", BOTH, DONE, via="{location}", state=bide.Fetching),
        scene(
            "done at once, whatever its location",
            answer(200, machine("Succeeded"), location=LOCATION),
            via="{location}",
            state=bide.Completed,
        ),
    ),
)
