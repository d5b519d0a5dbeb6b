"""fal's queue.

Written from `source` and https://docs.fal.ai/documentation/model-apis/request-errors.

* The model is the app with its subpath (`fal-ai/flux/dev`), the input the app's own. The addresses of the job leave
  the subpath out, so they are never made here, only taken from the reply.
* `COMPLETED` says that it is over, not that it went well: an `error` beside it, or the status code at `response_url`,
  tells. A failure is kept there with its code; one from the queue itself is told by `x-fal-request-id`, and is final.
  Without that field a 5xx is a gateway's, and may pass.
* Cancelling a job in progress is only a signal: it may still complete.
* Webhooks are signed with Ed25519 by keys to be fetched, which no `Signature` describes.
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import ANY_REQUEST, Sign

_ANY_CODE = ("2xx", "4xx", "5xx")

DECLARATION = Declaration(
    name="fal",
    base_url="https://queue.fal.run",
    environment="FAL_KEY",
    source="https://docs.fal.ai/model-endpoints/queue",
    submit=Call("POST", ("/{model}",), body={"...": "{input}"}),
    poll=Call("GET", ("{status}",)),
    fetch=Call("GET", ("{response}",)),
    cancel=Call("PUT", ("{cancel}",)),
    authorization=("authorization", "Key {key}"),
    id=("request_id",),
    links={"status": ("status_url",), "response": ("response_url",), "cancel": ("cancel_url",)},
    status=("status",),
    phases={"COMPLETED": Phase.SUCCEEDED},
    signs=(
        Sign(Phase.CANCELLED, {"error_type": ("client_cancelled",)}, _ANY_CODE, ANY_REQUEST),
        Sign(Phase.FAILED, {"status": ("COMPLETED",), "error": ("*",)}),
        Sign(Phase.FAILED, {"status": ("COMPLETED",), "error_type": ("*",)}),
        Sign(Phase.UNFINISHED, {"status": ("IN_QUEUE", "IN_PROGRESS")}, asked=("fetch",)),
        Sign(Phase.UNFINISHED, {"detail": ("*still in progress*",)}, ("400",), ("fetch",)),
        Sign(Phase.FAILED, {"@x-fal-request-id": ("*",)}, ("400", "422", "499", "5xx"), ("fetch",)),
    ),
    output=("",),
    files=("",),
    code=("error_type", "@x-fal-error-type", "detail.0.type"),
    message=("error", "detail", "detail.0.msg"),
    request_id=("@x-fal-request-id",),
)
