"""OGC API – Processes, Part 1, as pygeoapi, ZOO and others serve it.

Written from `source` (1.0), with what the draft of 2.0 changes: https://github.com/opengeospatial/ogcapi-processes.

* The model is the process, the input its inputs. The server is one's own:
  `Declared(DECLARATION, base_url="https://HOST/PATH")` sets it.
* A server may run a process at once in spite of `Prefer`: then its 200 is the result, or `Location` leads to it.
* Asked for too early, a result is a 404 with a type of its own; any other 404 means that it is not there.
* A dismissed job may say so, or be gone (404, 410). Dismissing a job that has ended removes it with its results.
* What a server says of its own errors is no part of the standard: `code` and `description` are pygeoapi's names.
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import Sign

DECLARATION = Declaration(
    name="ogc-processes",
    base_url="https://demo.pygeoapi.io/master",
    source="https://docs.ogc.org/is/18-062r2/18-062r2.html",
    submit=Call(
        "POST",
        ("/processes/{model}/execution",),
        headers=(("prefer", "respond-async"),),
        body={"inputs": "{input}"},
    ),
    poll=Call("GET", ("{status}", "/jobs/{id}")),
    fetch=Call("GET", ("{status}/results", "/jobs/{id}/results")),
    cancel=Call("DELETE", ("{status}", "/jobs/{id}")),
    id=("jobID", "id"),
    links={"status": ("@location",)},
    status=("status",),
    phases={"successful": Phase.SUCCEEDED, "failed": Phase.FAILED, "dismissed": Phase.CANCELLED},
    signs=(
        Sign(Phase.SUCCEEDED, {"": ("*",), "status": ("!",)}, ("200",), ("submit",)),
        Sign(Phase.UNFINISHED, {"type": ("*/result-not-ready", "ResultNotReady")}, ("404",), ("fetch",)),
        Sign(Phase.UNFINISHED, {"type": ("process",), "status": ("accepted", "running")}, asked=("fetch",)),
        Sign(Phase.CANCELLED, http=("404", "410"), asked=("confirm",)),
        Sign(Phase.REFUSED, http=("501",), asked=("cancel",)),
    ),
    progress="progress",
    output=("",),
    code=("code", "exception.type"),
    message=("exception.detail", "message", "detail", "description", "title"),
)
