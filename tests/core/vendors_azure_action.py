"""Azure Resource Manager, actions: documented where `vendors_azure_arm` says."""

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
    fetched,
    machine,
    moved_to,
    operation,
    sent_again,
)
from tests.core.vendors_scene import POST, READ, Vendor, answer, scene

_START = f"{VM}/start"
_TAKEN = answer(202, azure_asyncoperation=MONITOR)
_TO_LOCATION = (BOTH, DONE)

ARM_ACTION = Vendor(
    "azure-arm-action",
    bide.Order(_START, {"n": 1}, "key-1"),
    accepted=BOTH,
    running=IN_PROGRESS,
    done=DONE,
    taken_at=lambda url: answer(202, azure_asyncoperation=url),
    moved_to=moved_to,
    scenes=(
        *common(BOTH, _TAKEN),
        scene(
            "post",
            next=f"POST {HOST}/{_START}?api-version=2024-07-01",
            headers=POST,
            body={"n": 1},
            repeatable=False,
        ),
        scene(
            "done by its monitor", *_TO_LOCATION, state=bide.Fetching, next=f"GET {LOCATION}", headers=READ, wait=0.0
        ),
        scene("fetched", *_TO_LOCATION, answer(200, {"secret": 7}), state=bide.Completed, output={"secret": 7}),
        *(
            scene(f"fetched, and empty ({code})", *_TO_LOCATION, answer(code), output=None, files=())
            for code in (200, 204)
        ),
        scene("fetched, and cut", *_TO_LOCATION, answer(200, b'{"secret": '), state=bide.Fetching, failures=1),
        scene("fetched too early", *_TO_LOCATION, answer(202), state=bide.Fetching, failures=0),
        scene("fetched, and succeeded", *_TO_LOCATION, answer(200, machine("Succeeded")), state=bide.Completed),
        *fetched(*_TO_LOCATION),
        scene("by its monitor in the end", *_TO_LOCATION, via="{status}", state=bide.Completed),
        *sent_again(),
        scene(
            "done by its monitor alone",
            _TAKEN,
            DONE,
            state=bide.Completed,
            output=operation("Succeeded", properties={"output": 7}),
        ),
        *(
            scene(f"done at its location with a {code}", BY_LOCATION, answer(code, {"n": 1}), output={"n": 1})
            for code in (200, 201)
        ),
        *(
            scene(f"done at its location with an empty {code}", BY_LOCATION, answer(code), state=bide.Completed)
            for code in (200, 204)
        ),
        scene("done at its location, by word", BY_LOCATION, answer(200, {"status": "Succeeded"}), state=bide.Completed),
        scene("done with a 202", _TAKEN, answer(202, operation("Succeeded")), state=bide.Completed),
        scene("done at once", answer(200, {"n": 1}), state=bide.Completed, handle="", output={"n": 1}),
        scene("done at once, without a word", answer(204), state=bide.Completed, output=None),
        scene("not begun at once", answer(200, {"status": "Accepted"}), state=bide.Abandoned),
        scene("taken with no address at all", answer(202), state=bide.Abandoned, reason=bide.Reason.UNFOLLOWABLE),
    ),
)
