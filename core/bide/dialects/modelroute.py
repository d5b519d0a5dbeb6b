"""ModelRoute as a dialect: facts from modelroute-api.md, tolerant of each variant in its section 16.

The status is compared without regard to case and with the terminal set only; any other word means
"not yet" and is kept (sections 5 and 16 row 26). A result is taken where it lies: inline, or at `/result`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from json import dumps
from typing import Final

from bide.dialects import Advice, Asked, Phase, Reading, modelroute_files
from bide.dialects.http import refusal
from bide.document import JSON, moment, money, number, parse_object, strings, text
from bide.messages import Headers, Order, Request, Response
from bide.pace import Every
from bide.result import Problem, Receipt, Result
from bide.secret import redact
from bide.signature import Signature
from bide.ticket import Source, Ticket
from bide.urls import base, host, is_id, is_loopback, origin, segment

#: The vendor's interval table (modelroute-api.md, 8): testing, and applications below 100 executions a day.
TESTING: Final = Every(2.0)
SMALL: Final = Every(4.0, jitter=1.0)

_ADVICE = Advice(
    daily=100,
    text="ModelRoute advises webhooks above 100 executions a day (its page /executions/polling): give a webhook_url "
    "with each submission and poll only as a fallback; webhook delivery does not use up the rate limit",
)
_WEBHOOK = Signature(  # modelroute-api.md, 14.2 and 14.3: either name of the event, either place of the job
    signature="x-signature",
    timestamp="x-signature-timestamp",
    event=("id",),
    job=("execution_id", "data.id"),
    kind=("event_type", "type"),
)
_PHASES = {
    "completed": Phase.SUCCEEDED,
    "failed": Phase.FAILED,
    "cancelled": Phase.CANCELLED,
    "canceled": Phase.CANCELLED,
    "expired": Phase.EXPIRED,
}
_RETRYABLE = {  # modelroute-api.md, 9
    "INPUT_VALIDATION_ERROR": False,
    "CONTENT_MODERATION_REJECTED": False,
    "FILE_NOT_FOUND": False,
    "FILE_FORMAT_UNSUPPORTED": False,
    "INSUFFICIENT_BALANCE": False,
    "RATE_LIMITED": True,
    "MODEL_OVERLOADED": True,
    "MODEL_UNAVAILABLE": True,
    "GENERATION_TIMEOUT": True,
    "GENERATION_FAILED": True,
    "SERVICE_UNAVAILABLE": True,
    "INTERNAL_ERROR": False,
}
_ACCEPT = ("accept", "application/json")
_PLAIN = ("accept-encoding", "identity")  # a compressed reply could grow without bound
_HEADERS = (_ACCEPT, _PLAIN)


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """The ModelRoute API at `base_url`, https only (http to this machine excepted).

    `storage_hosts` may serve files: a presigned address elsewhere is not followed. A handle is an
    execution id. Raises `InvalidAddress` for a base URL that is none.
    """

    base_url: str = "https://api.modelroute.ai"
    storage_hosts: tuple[str, ...] = ("storage.modelroute.ai",)
    name: str = field(default="modelroute", init=False)
    origin: str = field(default="", init=False)
    cadence: bool = field(default=False, init=False)
    cancel_forgets: bool = field(default=False, init=False)
    quota: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", base(self.base_url))
        object.__setattr__(self, "origin", origin(self.base_url))
        object.__setattr__(self, "storage_hosts", tuple(name.lower() for name in self.storage_hosts))

    @property
    def advice(self) -> Advice | None:
        """What the vendor says about polling in production."""
        return _ADVICE

    @property
    def webhook(self) -> Signature | None:
        """The raw body and its timestamp under the whole secret, in hex (modelroute-api.md, 14.3)."""
        return _WEBHOOK

    def authorization(self, key: str) -> tuple[str, str]:
        """The key as a bearer token (modelroute-api.md, 2)."""
        return ("authorization", f"Bearer {key}")

    def check(self, handle: str) -> str:
        """`handle`, if it can stand in a path; raises `InvalidHandle` otherwise."""
        return segment(handle)

    def submit(self, order: Order) -> Request:
        """POST the order; repeatable only under its idempotency key (modelroute-api.md, 4 and 15)."""
        body: dict[str, JSON] = {"model": order.model, "input": dict(order.input)}
        if order.webhook_url is not None:
            body["webhook_url"] = order.webhook_url
        if order.metadata is not None:
            body["metadata"] = dict(order.metadata)
        key = () if order.key is None else (("idempotency-key", order.key),)
        return Request(
            "POST",
            f"{self.base_url}/v1/executions",
            (*_HEADERS, ("content-type", "application/json"), *key),
            dumps(body, separators=(",", ":")).encode(),
            credential=True,
            repeatable=order.key is not None,
        )

    def poll(self, handle: str) -> Request:
        """GET the execution (modelroute-api.md, 6)."""
        return _looking(self.base_url, handle)

    def fetch(self, handle: str) -> Request:
        """GET the result document (modelroute-api.md, 6 and 16 row 1)."""
        return Request("GET", f"{self.base_url}/v1/executions/{segment(handle)}/result", _HEADERS, credential=True)

    def cancel(self, handle: str) -> Request:
        """POST the cancellation; asking twice does no harm (modelroute-api.md, 7)."""
        url = f"{self.base_url}/v1/executions/{segment(handle)}/cancel"
        return Request("POST", url, (*_HEADERS, ("content-type", "application/json")), b"{}", credential=True)

    def locate(self, file: str) -> Request:
        """GET the file: its bytes, or JSON with a presigned address (modelroute-api.md, 13.3)."""
        return Request("GET", f"{self.base_url}/v1/files/{segment(file)}/download", (_PLAIN,), credential=True)

    def may_locate(self, headers: Headers) -> bool:
        """JSON may be an address; anything else is the file (modelroute-api.md, 16 row 11)."""
        return "json" in (headers.get("content-type") or "").lower()

    def located(self, response: Response) -> Request | None:
        """The presigned address in a reply to `locate`, or None when the reply is the file itself.

        A stored file may be JSON too, so both `url` and `expires_at` are required (section 16 row 11).
        """
        if not self.may_locate(response.headers):
            return None
        document = parse_object(response.body) or {}
        url = document.get("url")
        if not isinstance(url, str) or "expires_at" not in document:
            return None
        return self.stored(url)

    def announced(self, response: Response) -> int | None:
        """`size_bytes` beside the presigned address (modelroute-api.md, 13.3)."""
        size = (parse_object(response.body) or {}).get("size_bytes")
        return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None

    def elsewhere(self, file: str) -> Request | None:
        """GET the presigned address, where the other path leads nowhere (modelroute-api.md, 16 row 12)."""
        return Request("GET", f"{self.base_url}/v1/files/{segment(file)}/url", _HEADERS, credential=True)

    def expires(self, response: Response) -> str | None:
        """`expires_at` beside the presigned address (modelroute-api.md, 13.3)."""
        return text((parse_object(response.body) or {}).get("expires_at"))

    def stored(self, url: str) -> Request:
        """GET at a storage host, where another one redirects to it; raises `ValueError` for any other."""
        return Request("GET", self._storage(url), (_PLAIN,))

    def upload(self, source: Source, refusal: Problem | None) -> Request | None:
        """POST for a place, one way or the other (modelroute-api.md, 13.1)."""
        return modelroute_files.asking(self.base_url, source, refusal)

    def ticket(self, response: Response, source: Source, refusal: Problem | None) -> Ticket | None:
        """The presigned address of the place (modelroute-api.md, 13.1)."""
        return modelroute_files.ticket(response, source, refusal, self._storage)

    def confirm(self, file: str) -> Request | None:
        """POST that the file is there; only one revision of the pages has this step (modelroute-api.md, 13.2)."""
        return modelroute_files.confirming(self.base_url, file)

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,  # noqa: ARG002
    ) -> Reading:
        """What a reply says; total over every status and every body.

        A document about another execution than the one asked for is not understood: caches mix replies up.
        """
        document = parse_object(response.body)
        if not 200 <= response.status < 300:
            problem = _problem(document, response.status)
            return Reading(refusal(response.status, retryable=problem.retryable, asked=asked), problem=problem)
        if document is None:
            return _unreadable(response)
        named = _named(document)
        if named is not None and named != handle and (handle is not None or not is_id(named)):
            return _unreadable(response)
        return _reading(document, response, asked, named or handle)

    def _storage(self, url: str) -> str:
        """`url`, if files may be fetched there; an address on this machine only when the API is there too."""
        place = host(url)
        if is_loopback(url) and is_loopback(self.base_url):
            return url
        if place not in self.storage_hosts or not url.lower().startswith("https:"):
            raise ValueError(
                f"the service named a file address at {place or 'no host'}, which is not among its storage hosts"
            )
        return url


@lru_cache(maxsize=1024)
def _looking(base_url: str, handle: str) -> Request:
    """GET the execution; kept, since a job is looked at again and again."""
    return Request("GET", f"{base_url}/v1/executions/{segment(handle)}", _HEADERS, credential=True)


def _reading(document: dict[str, JSON], response: Response, asked: Asked, handle: str | None) -> Reading:
    status = text(document.get("status")) or ""
    receipt = _receipt(document) if asked == "submit" else None
    phase = _PHASES.get(status.strip().lower(), Phase.UNFINISHED)
    if status and phase is Phase.UNFINISHED:
        expires = text(document.get("expires_at"))
        progress = _progress(document) if "progress" in document else None
        return Reading(phase, handle, status, progress, None, None, receipt, expires)
    inline = document.get("output") or document.get("result")
    if not status:
        phase = Phase.SUCCEEDED if asked == "fetch" and inline else Phase.UNREADABLE
    if phase is Phase.SUCCEEDED:
        result = _result(document, response, handle) if inline or asked == "fetch" else None
        return Reading(phase, handle, status, result=result, receipt=receipt)
    if phase is Phase.UNREADABLE:
        return _unreadable(response)
    return Reading(phase, handle, status, problem=_problem(document, response.status, status), receipt=receipt)


def _unreadable(response: Response) -> Reading:
    """A reply that is no execution, with an excerpt that shows what it is instead."""
    excerpt = text(redact(response.body[:200].decode("utf-8", "replace"))) or ""
    return Reading(Phase.UNREADABLE, problem=Problem("NOT_UNDERSTOOD", excerpt))


def _named(document: dict[str, JSON]) -> str | None:
    """The execution id under either of its names (section 16 row 3), whatever it looks like."""
    value = document.get("execution_id", document.get("id"))
    return value if isinstance(value, str) else None


def _progress(document: dict[str, JSON]) -> float | None:
    value = number(document.get("progress"))
    if value is None or not 0 <= value <= 100:
        return None
    return value if value <= 1 else value / 100


def _receipt(document: dict[str, JSON]) -> Receipt:
    return Receipt(
        money(document.get("hold_amount")),
        money(document.get("estimated_cost")),
        moment(document.get("created_at")),
        moment(document.get("expires_at")),
    )


def _result(document: dict[str, JSON], response: Response, handle: str | None) -> Result:
    places = [document.get("output"), document.get("result")]
    found = (value for value in strings(places) if value.startswith("file_") and is_id(value))
    latency = number(document.get("latency_ms"))
    return Result(
        handle or "",
        tuple(dict.fromkeys(found)),
        money(document.get("cost")),
        None if latency is None else latency / 1000,
        response.body.decode("utf-8-sig"),
    )


def _problem(document: dict[str, JSON] | None, http: int, status: str = "") -> Problem:
    """The error envelope (section 9), or what is known without one."""
    error = (document or {}).get("error")
    if not isinstance(error, dict):
        return Problem(status.upper() or f"HTTP_{http}", redact(text(error) or ""))
    code = text(error.get("code")) or status.upper() or f"HTTP_{http}"
    told = error.get("retryable")
    retryable = told if isinstance(told, bool) else _RETRYABLE.get(code.upper())
    return Problem(code, _said(error, "message"), retryable, text(error.get("request_id")), _details(error))


def _details(error: dict[str, JSON]) -> tuple[tuple[str, str, str], ...]:
    details = error.get("details")
    rows = [row for row in details if isinstance(row, dict)] if isinstance(details, list) else []
    return tuple((_said(row, "field"), _said(row, "code"), _said(row, "message")) for row in rows[:20])


def _said(row: dict[str, JSON], name: str) -> str:
    return redact(text(row.get(name)) or "")
