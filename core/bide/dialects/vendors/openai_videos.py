"""OpenAI's videos, and the services that speak as they do.

Written from `source` and the OpenAPI document of https://github.com/openai/openai-openapi. OpenAI announced the end of
its own service for 24 September 2026; `Declared(DECLARATION, base_url=…)` leads to another.

* The result is the video object. Its bytes are a file by the video's own id, which dies at `expires_at`.
* `expired` is not documented, but was seen.
* Nothing cancels a job: DELETE removes the video.
* The service says in milliseconds when to look again (`openai-poll-after-ms`).
"""

from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import STANDARD_WEBHOOKS, Declaration

DECLARATION = Declaration(
    name="openai-videos",
    base_url="https://api.openai.com/v1",
    environment="OPENAI_API_KEY",
    source="https://platform.openai.com/docs/api-reference/videos",
    submit=Call("POST", ("/videos",), body={"model": "{model}", "...": "{input}"}),
    poll=Call("GET", ("/videos/{id}",)),
    file=Call("GET", ("/videos/{file}/content",)),
    id=("id",),
    status=("status",),
    phases={"completed": Phase.SUCCEEDED, "failed": Phase.FAILED, "expired": Phase.EXPIRED},
    progress="progress",
    wait_ms=("@retry-after-ms", "@openai-poll-after-ms"),
    quota=("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    output=("",),
    files=("id",),
    code=("error.code", "error.type"),
    message=("error.message",),
    request_id=("@x-request-id",),
    webhook=STANDARD_WEBHOOKS,
)
