"""Azure's services for data: a resource made or replaced by PUT, with work that goes on after the reply.

Written from `source`; what it has in common with `azure_core` is written there.

* The model is the resource's path without its first slash, the input its body.
* A job is polled at `Operation-Location`, else at `Location`, else at the resource itself.
* The result is the resource: where a reply holds it, that is the result; else it is fetched from `resourceLocation`,
  else from where it was put: `{original}` in `fetch`, the original-uri of Azure's API descriptions.
"""

from dataclasses import replace

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.places import Sign
from bide.dialects.vendors.azure_core import DECLARATION as POST
from bide.dialects.vendors.azure_core import FETCHED, LOCATED, SIGNS

_RESOURCE = {"": ("*",), "status": ("!",)}

DECLARATION = replace(
    POST,
    name="azure-core-put",
    submit=Call("PUT", ("/{model}",), body={"...": "{input}"}),
    poll=Call("GET", ("{status}", "{location}", "{original}")),
    fetch=Call("GET", ("{resource}", "{original}")),
    links={**POST.links, "original": ("~",)},
    output=("",),
    id=(),  # the resource has one, and its operation another
    signs=(
        *SIGNS,
        Sign(Phase.SUCCEEDED, _RESOURCE, ("200", "201"), ("submit",), here=True),
        Sign(
            Phase.SUCCEEDED,
            {**_RESOURCE, "resourceLocation": ("!",)},
            ("200", "201"),
            ("poll",),
            ("location", "original"),
            here=True,
        ),
        LOCATED,
        FETCHED,
    ),
)
