"""Azure Resource Manager: a resource deleted by DELETE.

Written from `source` and https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md.
`azure_arm` (PUT), `azure_arm_patch` and `azure_arm_action` (POST) are made from it.

* The model is the resource's path without its first slash (`subscriptions/…/virtualMachines/vm1`); the input is sent
  nowhere. The API version is that of `Microsoft.Resources`. For another provider:
  `replace(DECLARATION, submit=replace(DECLARATION.submit, query=(("api-version", "2024-07-01"),)))`.
* A job is polled at `Azure-AsyncOperation`, else at `Location`. Of `Location` the status code tells: 202 is "not yet",
  all else the answer that would have come without waiting.
* Nothing is fetched after its end: the last answer is the result, most often without a body.
* No cancellation is common to all providers.
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import ANY_REQUEST, Sign

STATE = "properties.provisioningState"
_ANY_CODE = ("2xx", "4xx", "5xx")
_CANCELLED = ("Canceled", "Cancelled")

#: What replies of the Resource Manager mean, whatever the method.
SIGNS = (
    Sign(Phase.UNAUTHORISED, http=("401", "403")),
    Sign(Phase.LIMITED, http=("429",)),
    Sign(Phase.FAILED, {"status": ("Failed",)}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.CANCELLED, {"status": _CANCELLED}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.SUCCEEDED, {STATE: ("Succeeded",)}, ("200", "201"), ("submit",), here=True),
    Sign(Phase.UNFINISHED, {"@azure-asyncoperation": ("*",)}, asked=("submit",)),
    Sign(Phase.UNFINISHED, {"@operation-location": ("*",)}, asked=("submit",)),
    Sign(Phase.UNFINISHED, {"@location": ("*",)}, asked=("submit",)),
    Sign(Phase.FAILED, {"status": ("!",), STATE: ("Failed",)}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.CANCELLED, {"status": ("!",), STATE: _CANCELLED}, _ANY_CODE, ANY_REQUEST),
    Sign(Phase.UNFINISHED, {"status": ("!",)}, ("202",)),
    Sign(Phase.SUCCEEDED, {"status": ("!",), STATE: ("!",)}, ("200", "201", "204"), ("poll",), ("location",)),
    Sign(Phase.FAILED, {"error.code": ("*",)}, ("400", "409", "422"), ("poll",), ("location",)),
)

DECLARATION = Declaration(
    name="azure-arm-delete",
    base_url="https://management.azure.com",
    source="https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations",
    submit=Call("DELETE", ("/{model}",), query=(("api-version", "2021-04-01"),)),
    poll=Call("GET", ("{status}", "{location}")),
    links={"status": ("@azure-asyncoperation", "@operation-location"), "location": ("@location",)},
    cookies=("*",),
    status=("status", STATE),
    phases={"Succeeded": Phase.SUCCEEDED},
    signs=(*SIGNS, Sign(Phase.SUCCEEDED, {"status": ("!",)}, ("200",), ("submit",))),
    progress="percentComplete",
    wait_ms=("@retry-after-ms", "@x-ms-retry-after-ms"),
    output=("",),
    code=("error.code",),
    message=("error.message",),
    request_id=("@x-ms-request-id",),
)
