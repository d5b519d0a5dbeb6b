"""Azure Resource Manager: an action on a resource, such as starting a virtual machine, by POST.

Written from `source` and https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md;
what it has in common with `azure_arm` is written there, and in `azure_arm_delete`.

* The model is the action's path without its first slash (`subscriptions/…/virtualMachines/vm1/start`).
* A job is polled at `Azure-AsyncOperation`, and its result is then what `Location` answers; with one of them alone,
  its last answer is the result. Where the API's description says `final-state-via: azure-async-operation`, `Location`
  must not be asked: `replace(DECLARATION, fetch=Call("GET", ("{status}",)))`.
* An action is sent again only after an answer that `azure_arm_patch` names; one whose reply was lost is not.
* The API version is that of `Microsoft.Compute`; replace `submit` for another provider's.
"""

from dataclasses import replace

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.places import Sign
from bide.dialects.vendors.azure_arm import FETCHED
from bide.dialects.vendors.azure_arm_delete import DECLARATION as DELETE
from bide.dialects.vendors.azure_arm_delete import SIGNS
from bide.dialects.vendors.azure_arm_patch import REPEATED

DECLARATION = replace(
    DELETE,
    name="azure-arm-action",
    submit=Call("POST", ("/{model}",), query=(("api-version", "2024-07-01"),), body={"...": "{input}"}),
    fetch=Call("GET", ("{location}",)),
    signs=(
        *SIGNS,
        *FETCHED,
        Sign(Phase.SUCCEEDED, http=("200", "204"), asked=("fetch",), here=True),  # with a result or without
        Sign(Phase.SUCCEEDED, {"status": ("!",)}, ("200", "204"), ("submit",)),
        REPEATED,
    ),
)
