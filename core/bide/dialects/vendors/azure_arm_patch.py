"""Azure Resource Manager: a resource changed by PATCH.

Written from `source` and https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md;
what it has in common with `azure_arm` is written there.

* The model is the resource's path without its first slash, the input what changes of it.
* A submission is sent again only after an answer that the Resource Manager's contract has clients repeat (its
  addendum, "Retrying REST Calls"); one whose reply was lost is not.
"""

from dataclasses import replace

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.places import Sign
from bide.dialects.vendors.azure_arm import DECLARATION as PUT

#: The answers to a PATCH or POST after which it is sent again. A 502 or 504 is none: it may come from a gateway behind
#: which the request has arrived.
REPEATED = Sign(Phase.TRANSIENT, http=("408", "500", "503"), asked=("submit",))

DECLARATION = replace(
    PUT,
    name="azure-arm-patch",
    submit=Call("PATCH", ("/{model}",), query=(("api-version", "2021-04-01"),), body={"...": "{input}"}),
    signs=(*PUT.signs, REPEATED),
)
