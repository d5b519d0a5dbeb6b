"""Runway's tasks.

Written from `source`, https://docs.dev.runwayml.com/errors/task-failures and https://docs.dev.runwayml.com/usage/tiers.

* The model is the endpoint, such as `image_to_video`; the generation model is part of the input.
* `THROTTLED` is a task that waits for its turn: no error.
* A task that was cancelled is gone: 404. Cancelling one that has ended deletes its data.
* The addresses of the output expire within two days; looking at the task again gives fresh ones.
* Runway asks for no more than one look in five seconds: give `pace=Every(6, jitter=1)`.
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import Sign

DECLARATION = Declaration(
    name="runway",
    base_url="https://api.dev.runwayml.com/v1",
    environment="RUNWAYML_API_SECRET",
    source="https://docs.dev.runwayml.com/api",
    submit=Call("POST", ("/{model}",), body={"...": "{input}"}),
    poll=Call("GET", ("/tasks/{id}",)),
    cancel=Call("DELETE", ("/tasks/{id}",)),
    headers=(("accept", "application/json"), ("x-runway-version", "2024-11-06")),
    id=("id",),
    status=("status",),
    phases={"SUCCEEDED": Phase.SUCCEEDED, "FAILED": Phase.FAILED, "CANCELLED": Phase.CANCELLED},
    signs=(Sign(Phase.CANCELLED, http=("404",), asked=("confirm",)),),
    progress="progress",
    full="1",
    wait_ms=("@retry-after-ms",),
    output=("output",),
    files=("output",),
    code=("failureCode",),
    message=("failure", "error"),
)
