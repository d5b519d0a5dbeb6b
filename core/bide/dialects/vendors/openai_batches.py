"""OpenAI's batches: many requests in one file, answered within a day.

Written from `source` and the OpenAPI document of https://github.com/openai/openai-openapi.

* The model is the endpoint that each line of the input file is for, such as `/v1/responses`; the input names the file:
  `{"input_file_id": "file-…"}`.
* The result is the batch object; its files are ids, one of the answers and one of the errors. A completed batch may
  hold errors alone. One that expired or was cancelled has files of what was done until then: they are in no result.
* `cancelling` lasts up to ten minutes.
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import STANDARD_WEBHOOKS, Declaration

DECLARATION = Declaration(
    name="openai-batches",
    base_url="https://api.openai.com/v1",
    environment="OPENAI_API_KEY",
    source="https://platform.openai.com/docs/api-reference/batch",
    submit=Call(
        "POST",
        ("/batches",),
        body={"endpoint": "{model}", "completion_window": "24h", "metadata": "{metadata}", "...": "{input}"},
    ),
    poll=Call("GET", ("/batches/{id}",)),
    cancel=Call("POST", ("/batches/{id}/cancel",)),
    file=Call("GET", ("/files/{file}/content",)),
    id=("id",),
    status=("status",),
    phases={
        "completed": Phase.SUCCEEDED,
        "failed": Phase.FAILED,
        "cancelled": Phase.CANCELLED,
        "expired": Phase.EXPIRED,
    },
    progress="request_counts.completed",
    full="request_counts.total",
    expires=("expires_at",),
    wait_ms=("@retry-after-ms", "@openai-poll-after-ms"),
    quota=("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    output=("",),
    files=("output_file_id", "error_file_id"),
    code=("errors.data.0.code", "error.code", "error.type"),
    message=("errors.data.0.message", "error.message"),
    request_id=("@x-request-id",),
    webhook=STANDARD_WEBHOOKS,
)
