"""Google's long-running operations (`google.longrunning.Operations`), as all of its newer APIs have them.

Written from `source` and https://google.aip.dev/151.

* The model is the method's path, such as `files:asyncBatchAnnotate`, the input its body. The base URL is the
  service's with its version, here Cloud Vision's; `Declared(DECLARATION, base_url="https://SERVICE.googleapis.com/v1")`
  sets another. A name is known to the service that gave it and to no other.
* `done` is left out while it is false. An operation may be done with neither `response` nor `error`.
* `error.code` is a google.rpc.Code: 1 is "cancelled". The body of an HTTP error has an `error` too, of another kind.
* `metadata` differs between services; its `state`, where there is one, is told, but decides nothing.
* With an API key: `replace(DECLARATION, authorization=("x-goog-api-key", "{key}"))`.
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import Sign

DECLARATION = Declaration(
    name="google-lro",
    base_url="https://vision.googleapis.com/v1",
    source="https://github.com/googleapis/googleapis/blob/master/google/longrunning/operations.proto",
    submit=Call("POST", ("/{model}",), body={"...": "{input}"}),
    poll=Call("GET", ("/{id}",)),
    cancel=Call("POST", ("/{id}:cancel",), body={}),
    id=("name",),
    status=("metadata.state",),
    signs=(
        Sign(Phase.CANCELLED, {"done": ("true",), "error.code": ("1",)}),
        Sign(Phase.FAILED, {"done": ("true",), "error": ("*",)}),
        Sign(Phase.SUCCEEDED, {"done": ("true",)}),
        Sign(Phase.UNFINISHED, {"name": ("*",)}),
        Sign(Phase.REFUSED, http=("501",), asked=("cancel",)),
    ),
    progress="metadata.progressPercentage",
    output=("response",),
    code=("error.status", "error.code"),
    message=("error.message",),
)
