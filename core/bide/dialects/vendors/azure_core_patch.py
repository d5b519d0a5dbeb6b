"""Azure's services for data: a resource changed by PATCH, with work that goes on after the reply.

Written from `source`; what it has in common with `azure_core_put` is written there.

* The model is the resource's path without its first slash, the input a JSON merge patch (RFC 7396).
"""

from dataclasses import replace

from bide.dialects.calls import Call
from bide.dialects.vendors.azure_core_put import DECLARATION as PUT

_MERGE = "application/merge-patch+json"

DECLARATION = replace(
    PUT,
    name="azure-core-patch",
    submit=Call("PATCH", ("/{model}",), body={"...": "{input}"}, content_type=_MERGE),
)
