"""Azure Resource Manager: a resource made or replaced by PUT.

Written from `source` and https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md;
what it has in common with `azure_arm_delete` is written there.

* The model is the resource's path without its first slash, the input its body.
* A job is polled at `Azure-AsyncOperation`, else at `Location`, else at the resource itself.
* The result is the resource: where a reply holds it, that is the result, and it is not fetched again.
* `fetch` names the link where the result lies otherwise, the `final-state-via` of Azure's API descriptions:
  `{status}` for azure-async-operation and operation-location, `{location}` for location, `{resource}` for
  original-uri, as in `replace(DECLARATION, fetch=Call("GET", ("{location}",)))`.
"""

from dataclasses import replace

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.places import Sign
from bide.dialects.vendors.azure_arm_delete import DECLARATION as DELETE
from bide.dialects.vendors.azure_arm_delete import SIGNS, STATE

#: What stands where the result is fetched from, as long as it is none.
FETCHED = (
    Sign(Phase.SUCCEEDED, {STATE: ("Succeeded",)}, asked=("fetch",)),
    Sign(Phase.UNFINISHED, {STATE: ("*",)}, asked=("fetch",)),
    Sign(Phase.UNFINISHED, {"status": ("NotStarted", "Accepted", "Running", "InProgress")}, asked=("fetch",)),
)
_RESOURCE = {"": ("*",), "status": ("!",), STATE: ("!",)}  # of no state: it is assumed to have succeeded

DECLARATION = replace(
    DELETE,
    name="azure-arm",
    submit=Call("PUT", ("/{model}",), query=(("api-version", "2021-04-01"),), body={"...": "{input}"}),
    poll=Call("GET", ("{status}", "{location}", "{resource}")),
    fetch=Call("GET", ("{resource}",)),
    links={**DELETE.links, "resource": ("~",)},
    signs=(
        Sign(Phase.SUCCEEDED, _RESOURCE, ("200", "201"), ("poll",), ("location", "resource"), here=True),
        Sign(Phase.SUCCEEDED, {STATE: ("Succeeded",)}, ("200", "201"), ("poll",), ("location",), here=True),
        *SIGNS,
        *FETCHED,
        Sign(Phase.SUCCEEDED, _RESOURCE, ("200", "201"), ("submit",), here=True),
    ),
)
