"""Five made-up vendors, as unlike each other as real ones are, to try the conformance kit on."""

from __future__ import annotations

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import Sign

_JSON = {"@content-type": ("application/json*",)}

#: Jobs have ids; the result and the files lie in the job, or apart from it; submissions have a key.
ID = Declaration(
    name="id",
    base_url="https://api.id.example/v1",
    submit=Call("POST", ("/jobs",), (("idempotency-key", "{key}"),), body={"model": "{model}", "input": "{input}"}),
    poll=Call("GET", ("/jobs/{id}",)),
    cancel=Call("POST", ("/jobs/{id}/cancel",)),
    id=("id",),
    status=("state",),
    phases={
        "done": Phase.SUCCEEDED,
        "error": Phase.FAILED,
        "cancelled": Phase.CANCELLED,
        "timed out": Phase.EXPIRED,
        "queued": Phase.UNFINISHED,
    },
    progress="progress.percent",
    wait_ms=("poll_after_ms",),
    quota=("x-limit", "x-left", "x-reset"),
    output=("output",),
    files=("files",),
    code=("error.code",),
    message=("error.message",),
)

#: Jobs are addresses in a header; only the status code tells how they are.
LOCATION = Declaration(
    name="location",
    base_url="https://location.example/api",
    submit=Call("PUT", ("/things/{model}",), query=(("api-version", "7"),), body="{input}"),
    poll=Call("GET", ("{status}",), query=(("api-version", "7"),)),
    cancel=Call("DELETE", ("{status}",)),
    authorization=("api-key", "{key}"),
    links={"status": ("@operation-location", "@location")},
    signs=(
        Sign(Phase.CANCELLED, http=("404", "410"), asked=("confirm",)),
        Sign(Phase.UNFINISHED, http=("202",)),
        Sign(Phase.FAILED, _JSON, http=("422", "500")),
        Sign(Phase.SUCCEEDED, http=("200",)),
    ),
    code=("error.code", "@x-error-code"),
    message=("error.message",),
)

#: A boolean says whether it is over; what is there besides says how; the result is asked for at an address of its own.
DONE = Declaration(
    name="done",
    base_url="https://done.example",
    submit=Call("POST", ("/v1/{model}:run",), body={"...": "{input}", "requestId": "{key}"}),
    poll=Call("GET", ("/v1/{id}",)),
    fetch=Call("GET", ("{result}",)),
    cancel=Call("POST", ("/v1/{id}:cancel",), body={}),
    id=("name",),
    links={"result": ("metadata.links.0.href",)},
    signs=(
        Sign(Phase.CANCELLED, {"done": ("true",), "error.code": ("1",)}),
        Sign(Phase.EXPIRED, {"done": ("true",), "error.code": ("4",)}),
        Sign(Phase.FAILED, {"done": ("true",), "error": ("*",)}),
        Sign(Phase.SUCCEEDED, {"done": ("true",)}),
        Sign(Phase.UNFINISHED, {"name": ("*",)}),
        Sign(Phase.UNFINISHED, {"error.status": ("NOT_READY",)}, http=("400",), asked=("fetch",)),
        Sign(Phase.FAILED, {"error.status": ("FAILED",)}, http=("2xx", "4xx"), asked=("fetch",)),
    ),
    cadence=False,
    progress="metadata.progress",
    full="metadata.total",
    output=("response", ""),
    files=("response.pictures",),
    file=Call("GET", ("/v1/files/{file}",)),
    code=("error.code", "error.status"),
    message=("error.message",),
)

#: One address for all; headers and body say what is asked. Jobs cannot be submitted twice, and have no key.
DESCRIBE = Declaration(
    name="describe",
    base_url="https://describe.example",
    submit=Call(
        "POST", ("/",), (("x-target", "Jobs.Start"),), body={"Input": "{input}"}, content_type="application/x-json"
    ),
    poll=Call("POST", ("/",), (("x-target", "Jobs.Get"),), body={"JobId": "{id}"}, content_type="application/x-json"),
    cancel=Call(
        "POST", ("/",), (("x-target", "Jobs.Stop"),), body={"JobId": "{id}"}, content_type="application/x-json"
    ),
    authorization=None,
    id=("JobId", "Job.JobId"),
    cookies=("AFFINITY",),
    status=("Job.Status",),
    phases={"COMPLETED": Phase.SUCCEEDED, "FAILED": Phase.FAILED, "ABORTED": Phase.CANCELLED},
    signs=(
        Sign(Phase.MISSING, {"__type": ("*NotFoundException",)}, http=("400",)),
        Sign(Phase.LIMITED, {"__type": ("ThrottlingException",)}, http=("400",)),
    ),
    output=("Job.Output",),
    code=("__type",),
    message=("Job.Reason", "message"),
)

#: A job has parts, each with a word of its own; what is asked for stands within texts and lists.
PARTS = Declaration(
    name="parts",
    base_url="https://parts.example/v2",
    submit=Call("POST", ("/{model}/jobs",), (("idempotency-key", "{key}"),), body={"in": "{input}"}),
    poll=Call("GET", ("/{model}/jobs/{id}",), query=(("key", "{key}"),)),
    cancel=Call("PUT", ("/{model}/jobs/{id}/stop",)),
    headers=(("accept", "application/json"), ("x-request-id", "{request_id}")),
    id=("@location|path.-1",),
    status=("tasks.*.state",),
    phases={"done": Phase.SUCCEEDED, "error": Phase.FAILED, "stopped": Phase.CANCELLED, "late": Phase.EXPIRED},
    signs=(Sign(Phase.GONE, {"tasks.*.state|all": ("unknown",)}, after=("running",)),),
    output=("payload|json.answer",),
    files=("files[kind=picture].at",),
    file=Call("GET", ("/files/{file}",)),
    code=("tasks.*.error.code",),
    message=("tasks.*.error.message", "message"),
    next=("@link|link.next",),
)

SAMPLES = (ID, LOCATION, DONE, DESCRIBE, PARTS)
