"""Azure Resource Manager: an action on a resource, such as starting a virtual machine, by POST.

Written from `source` and https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md;
what it has in common with `azure_arm` is written there.

* The model is the action's path without its first slash (`subscriptions/…/virtualMachines/vm1/start`).
* A job is polled at `Azure-AsyncOperation`, and its result is then what `Location` answers; with one of them alone,
  its last answer is the result.
* The API version is that of `Microsoft.Compute`; replace `submit` for another provider's.
"""

from dataclasses import replace

from bide.dialects import Phase
from bide.dialects.calls import Call
from bide.dialects.places import Sign
from bide.dialects.vendors.azure_arm import DECLARATION as PUT
from bide.dialects.vendors.azure_arm import SIGNS

DECLARATION = replace(
    PUT,
    name="azure-arm-action",
    submit=Call("POST", ("/{model}",), query=(("api-version", "2024-07-01"),), body={"...": "{input}"}),
    poll=Call("GET", ("{status}", "{location}")),
    fetch=Call("GET", ("{location}",)),
    links={"status": ("@azure-asyncoperation",), "location": ("@location",)},
    signs=(
        Sign(Phase.SUCCEEDED, http=("204",), asked=("fetch",)),
        *SIGNS,
        Sign(Phase.SUCCEEDED, {"status": ("!",)}, ("200", "204"), ("submit",)),
    ),
)
