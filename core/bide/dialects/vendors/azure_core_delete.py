"""Azure's services for data: a resource deleted by DELETE.

Written from `source`; what it has in common with `azure_core` is written there.

* The model is the resource's path without its first slash; the input is sent nowhere.
* A job is polled at `Operation-Location`, else at `Location`. Nothing is fetched after its end: the last answer is
  the result, most often without a body.
"""

from dataclasses import replace

from bide.dialects.calls import Call
from bide.dialects.vendors.azure_core import DECLARATION as POST
from bide.dialects.vendors.azure_core import DONE, LINKS, LOCATED, SIGNS

DECLARATION = replace(
    POST,
    name="azure-core-delete",
    submit=Call("DELETE", ("/{model}",)),
    fetch=None,
    links=LINKS,
    output=("",),
    signs=(*SIGNS, LOCATED, replace(DONE, http=("200",))),
)
