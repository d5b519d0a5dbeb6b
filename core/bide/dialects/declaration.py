"""A vendor's way of speaking, as data: frozen, printable, and the same in JSON (`bide.dialects.written`).

    Declaration(
        name="acme",
        base_url="https://api.acme.example/v1",
        submit=Call("POST", ("/jobs",), body={"model": "{model}", "input": "{input}"}),
        poll=Call("GET", ("/jobs/{id}",)),
        id=("id",),
        status=("status",),
        phases={"done": Phase.SUCCEEDED, "error": Phase.FAILED},
        output=("output",),
        message=("error.message",),
    )

`bide.dialects.declared.Declared` speaks it. Any word that is not in `phases` means "not yet".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from bide.dialect import KEY_LIFETIME, Phase
from bide.dialects.calls import Call
from bide.dialects.places import Places, Sign
from bide.faults import InvalidSetting
from bide.pace import either, number
from bide.signature import Signature as Signature

#: What https://www.standardwebhooks.com specifies, and several vendors follow.
STANDARD_WEBHOOKS = Signature(
    signature="webhook-signature",
    timestamp="webhook-timestamp",
    id="webhook-id",
    signed="{id}.{timestamp}.{body}",
    prefix="v1,",
    coding="base64",
    key="whsec",
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """All that is particular about one vendor's job API.

    * Requests: `submit` (None: jobs are only watched), `poll`, `fetch` (None: the result lies in the job itself),
      `reason` (why a job failed; None: what tells that it failed tells why), `cancel` (None: not offered), `file`;
      each with the header lines in `headers`. `authorization` is the header that carries the caller's key, and how;
      None where the API wants none. `environment` is the variable in which people usually have that key. The gap
      `{key}` in `submit` is for the submission's idempotency key: only with it, or by PUT, is a submission ever sent
      twice. What a submission knows (`{model}`, `{key}`, `{input.size}`) may stand in the other calls as well: the
      handle keeps it for them.
    * Finding the job again: `id`, and `links` by the names that the calls use; `~` is the address just asked.
      The link called `status` moves while the job is unfinished. `cookies` are the names of those to be
      sent back; `*` stands for any text in one.
    * Its phase: `signs` are tried first, in order, then the word at `status` in `phases`. Of several words
      (`jobs.*.state`) the bad end of one is the job's, and it has succeeded when all have. A reply that shows neither
      a sign nor a word says nothing of the job.
    * Its limits: `expires` is the instant at which the service gives the job up (ISO 8601, or Unix time);
      `key_lifetime` for how many seconds the service recognises an idempotency key.
    * Its news: `progress` (a figure) out of `full` (a figure, or the place of one); `wait_ms` (a hint beside
      `Retry-After`, which counts on 2xx replies if `cadence`); `quota` (fields of limit, remaining, reset).
    * Its end: `output` in the result; `files` (addresses or ids, which `file` fetches); `next`, where the rest of a
      list is named whose result is a part only; `code`, `message` and `request_id` of a problem.

    `private` allows that addresses which the service names lie in a private network, over https.
    `source` is where the vendor documents all this. `accepted` are the linter's warnings that are meant so, each by its
    code or its place.
    """

    name: str
    base_url: str
    source: str = ""
    submit: Call | None = None
    poll: Call = Call()
    fetch: Call | None = None
    cancel: Call | None = None
    file: Call = Call("GET", ("{file}",))
    headers: tuple[tuple[str, str], ...] = (("accept", "application/json"),)
    authorization: tuple[str, str] | None = ("authorization", "Bearer {key}")
    id: Places = ()
    links: Mapping[str, Places] = field(default_factory=dict[str, Places])
    cookies: Places = ()
    status: Places = ()
    phases: Mapping[str, Phase] = field(default_factory=dict[str, Phase])
    signs: tuple[Sign, ...] = ()
    progress: str | None = None
    full: str = "100"
    cadence: bool = True
    wait_ms: Places = ()
    quota: tuple[str, str, str] | None = None
    output: Places = ()
    files: Places = ()
    code: Places = ()
    message: Places = ()
    request_id: Places = ()
    webhook: Signature | None = None
    expires: Places = ()
    key_lifetime: float = KEY_LIFETIME
    next: Places = ()
    accepted: tuple[str, ...] = ()
    reason: Call | None = None
    environment: str = ""
    private: bool = False


def check_values(declaration: object) -> None:
    """Raise `InvalidSetting` for values that would be noticed after a job is paid for, or be taken for others."""
    if not isinstance(declaration, Declaration):
        raise InvalidSetting(f"declaration is {declaration!r:.60}: give a Declaration")
    number("key_lifetime", declaration.key_lifetime, 0, inf, "for how many seconds a key is recognised, as a number")
    either("private", declaration.private)
    either("cadence", declaration.cadence)
    for name in ("name", "environment", "full"):
        value: object = getattr(declaration, name)
        if not isinstance(value, str):
            raise InvalidSetting(f"{name} is {value!r:.60}: give a text")
