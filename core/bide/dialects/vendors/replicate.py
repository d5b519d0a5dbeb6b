"""Replicate's predictions.

Written from `source` and the pages below https://replicate.com/docs/topics/predictions.

* The model is what the API calls version: `owner/name` of an official model, `owner/name:version`, or the version.
* `canceled` is said of jobs that a person ended, and of those that ran into their deadline; `aborted` of those that
  ran into it before they started.
* An hour after its end a job loses its output, and says `data_removed`.
* The address of the job may move; nothing but `urls` tells where it is.
* A webhook brings the job itself.
"""

from dataclasses import replace

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import STANDARD_WEBHOOKS, Declaration
from bide.dialects.places import Sign

DECLARATION = Declaration(
    name="replicate",
    base_url="https://api.replicate.com/v1",
    environment="REPLICATE_API_TOKEN",
    source="https://replicate.com/docs/reference/http",
    submit=Call("POST", ("/predictions",), body={"version": "{model}", "input": "{input}", "webhook": "{webhook}"}),
    poll=Call("GET", ("{status}", "/predictions/{id}")),
    cancel=Call("POST", ("{cancel}", "/predictions/{id}/cancel")),
    id=("id",),
    links={"status": ("urls.get",), "cancel": ("urls.cancel",)},
    status=("status",),
    phases={
        "succeeded": Phase.SUCCEEDED,
        "failed": Phase.FAILED,
        "canceled": Phase.CANCELLED,
        "aborted": Phase.EXPIRED,
    },
    signs=(Sign(Phase.GONE, {"status": ("succeeded",), "data_removed": ("true",)}),),
    output=("output",),
    files=("output",),
    message=("error", "detail", "title"),
    webhook=replace(STANDARD_WEBHOOKS, job=("id",), kind=("status",)),
)
