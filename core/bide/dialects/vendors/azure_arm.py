"""Azure Resource Manager: a resource made or changed by PUT.

Written from `source` and https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md.

* The model is the resource's path without its first slash (`subscriptions/…/virtualMachines/vm1`), the input its body.
* The API version is that of `Microsoft.Resources`. For another provider, replace `submit` by
  `Call("PUT", ("/{model}",), query=(("api-version", "2024-07-01"),), body={"...": "{input}"})`.
* A job is polled at `Azure-AsyncOperation`, else at `Location`, else at the resource itself, which is the result.
  Of `Location` the status code tells: 202 is "not yet", all else the answer that a PUT without waiting would get.
* No cancellation is common to all providers.
"""

from bide.dialects import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import ANY_REQUEST, Sign

_STATE = "properties.provisioningState"
_ANY_CODE = ("2xx", "4xx", "5xx")
_CANCELLED = ("Canceled", "Cancelled")

#: What replies of the Resource Manager mean, to a PUT and to an action alike.
SIGNS = (
    Sign(Phase.UNAUTHORISED, http=("401", "403")),
    Sign(Phase.LIMITED, http=("429",)),
    Sign(Phase.FAILED, {"status": ("Failed",)}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.CANCELLED, {"status": _CANCELLED}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.UNFINISHED, {"@azure-asyncoperation": ("*",)}, asked=("submit",)),
    Sign(Phase.UNFINISHED, {"@location": ("*",)}, asked=("submit",)),
    Sign(Phase.FAILED, {"status": ("!",), _STATE: ("Failed",)}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.CANCELLED, {"status": ("!",), _STATE: _CANCELLED}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.UNFINISHED, {"status": ("!",)}, ("202",)),
    Sign(Phase.SUCCEEDED, {"status": ("!",), _STATE: ("!",)}, ("200", "201", "204"), ("poll",), ("location",)),
    Sign(Phase.FAILED, {"error.code": ("*",)}, ("400", "409", "422"), ("poll",), ("location",)),
    Sign(Phase.SUCCEEDED, {_STATE: ("Succeeded",)}, asked=("fetch",)),
    Sign(Phase.UNFINISHED, {_STATE: ("*",)}, asked=("fetch",)),
    Sign(Phase.UNFINISHED, {"status": ("NotStarted", "Accepted", "Running", "InProgress")}, asked=("fetch",)),
)

DECLARATION = Declaration(
    name="azure-arm",
    base_url="https://management.azure.com",
    source="https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations",
    submit=Call("PUT", ("/{model}",), query=(("api-version", "2021-04-01"),), body={"...": "{input}"}),
    poll=Call("GET", ("{status}", "{location}", "{resource}")),
    fetch=Call("GET", ("{resource}",)),
    links={"status": ("@azure-asyncoperation",), "location": ("@location",), "resource": ("~",)},
    status=("status", _STATE),
    phases={"Succeeded": Phase.SUCCEEDED},
    signs=(
        *SIGNS,
        Sign(Phase.SUCCEEDED, {"": ("*",), _STATE: ("!",)}, ("200", "201"), ("submit",)),
        Sign(Phase.SUCCEEDED, {"": ("*",), "status": ("!",), _STATE: ("!",)}, ("200",), ("poll",), ("resource",)),
    ),
    progress="percentComplete",
    wait_ms=("@retry-after-ms", "@x-ms-retry-after-ms"),
    output=("",),
    code=("error.code",),
    message=("error.message",),
    request_id=("@x-ms-request-id",),
)
