"""Azure's services for data, as their common guidelines have it: a status monitor at `Operation-Location`, by POST.

Written from `source`, and from what azure-core does where a service is older than the guidelines. `azure_core_put`,
`azure_core_patch` and `azure_core_delete` are made from it.

* The model is the operation's path, such as `vision/v3.2/read/analyze`, the input its body. There is no host for all:
  `Declared(DECLARATION, base_url="https://NAME.cognitiveservices.azure.com")` sets the resource's own. Where the
  service wants an API version, replace `submit` by a call with `query=(("api-version", "2024-11-30"),)`; where it
  takes a key, `authorization` by `("ocp-apim-subscription-key", "{key}")`.
* The result lies at the body's `resourceLocation`, else at `Location`, else in the status monitor itself.
* `fetch` names the link where it lies otherwise, the `final-state-via` of Azure's API descriptions: `{status}` for
  operation-location and azure-async-operation, `{location}` for location, as in
  `replace(DECLARATION, fetch=Call("GET", ("{status}",)))`.
* Without `Operation-Location` a job is polled at `Location`, where 202 is "not yet" and any other success the result.
* Words beyond the guidelines' five (`Validating`, `partiallyCompleted`) differ between services: they are "not yet".
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import ANY_REQUEST, Sign

_ANY_CODE = ("2xx", "4xx", "5xx")

#: What replies mean, whatever the method.
SIGNS = (
    Sign(Phase.UNAUTHORISED, http=("401", "403")),
    Sign(Phase.LIMITED, http=("429",)),
    Sign(Phase.FAILED, {"status": ("Failed",)}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.CANCELLED, {"status": ("Canceled", "Cancelled")}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.UNFINISHED, {"@operation-location": ("*",)}, ("200", "201"), ("submit",)),
    Sign(Phase.UNFINISHED, {"@azure-asyncoperation": ("*",)}, ("200", "201"), ("submit",)),
    Sign(Phase.UNFINISHED, {"status": ("!",)}, ("202",), ("poll",)),
)
#: What stands where the result is fetched from, as long as it is none.
FETCHED = Sign(Phase.UNFINISHED, {"status": ("NotStarted", "Accepted", "Running", "InProgress")}, asked=("fetch",))
#: The last answer at `Location`, with a result or without.
LOCATED = Sign(Phase.SUCCEEDED, {"status": ("!",)}, ("200", "201", "204"), ("poll",), ("location",))
#: An answer after which there is nothing to wait for.
DONE = Sign(Phase.SUCCEEDED, {"status": ("!",), "@location": ("!",)}, ("200", "204"), ("submit",))
LINKS = {"status": ("@operation-location", "@azure-asyncoperation"), "location": ("@location",)}

DECLARATION = Declaration(
    name="azure-core",
    base_url="https://westus.api.cognitive.microsoft.com",
    source="https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md",
    submit=Call("POST", ("/{model}",), body={"...": "{input}"}),
    poll=Call("GET", ("{status}", "{location}")),
    fetch=Call("GET", ("{resource}", "{location}")),
    cancel=Call("POST", ("{status}:cancel",)),
    id=("id",),
    links={**LINKS, "resource": ("resourceLocation",)},
    cookies=("*",),
    status=("status",),
    phases={"Succeeded": Phase.SUCCEEDED},
    signs=(*SIGNS, LOCATED, FETCHED, DONE),
    wait_ms=("@retry-after-ms", "@x-ms-retry-after-ms"),
    output=("result", ""),
    code=("error.code", "@x-ms-error-code"),
    message=("error.message",),
    request_id=("@x-ms-request-id", "@apim-request-id"),
)
