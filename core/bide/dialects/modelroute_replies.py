"""What a reply of ModelRoute says of an execution (modelroute-api.md, 5, 6, 9 and 16).

The status is compared without regard to case and with the terminal set only; any other word means
"not yet" and is kept (sections 5 and 16 row 26). A result is taken where it lies: inline, or at `/result`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from json import dumps

from bide.dialect import Asked, Phase, Reading
from bide.dialects.http import another_job, excerpt, refusal
from bide.document import JSON, moment, money, number, parse_object, strings, text
from bide.handles import same_id
from bide.messages import Response
from bide.result import Problem, Receipt, Result
from bide.secret import redact
from bide.urls import is_id

_FILE = re.compile(r'"(?<!\\")(file_[A-Za-z0-9_-]{0,251})"(?!:)')  # in JSON: a text, and no member's name
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


def read(response: Response, asked: Asked, handle: str | None) -> Reading:
    """The reading of any status and any body.

    A document about another execution than the one asked for is not understood: caches mix replies up.
    """
    document = parse_object(response.body)
    if not 200 <= response.status < 300:
        problem = _problem(document, response)
        return Reading(refusal(response.status, retryable=problem.retryable, asked=asked), problem=problem)
    if document is None:
        return _unreadable(response)
    named = _named(document)
    if named is not None and handle is not None and not same_id(named, handle):
        return Reading(Phase.UNREADABLE, problem=another_job(named, handle))
    if named is not None and handle is None and not is_id(named):
        return _unreadable(response)
    return _reading(document, response, asked, named or handle)


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
    return Reading(phase, handle, status, problem=_problem(document, response, status), receipt=receipt)


def _unreadable(response: Response) -> Reading:
    """A reply that is no execution, with an excerpt that shows what it is instead."""
    return Reading(Phase.UNREADABLE, problem=Problem("NOT_UNDERSTOOD", excerpt(response)))


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
    latency = number(document.get("latency_ms"))
    return Result(
        handle or "",
        tuple(dict.fromkeys(_files([document.get("output"), document.get("result")]))),
        money(document.get("cost")),
        None if latency is None or abs(latency) >= 1e12 else latency / 1000,
        response.body.decode("utf-8-sig"),
    )


def _files(places: JSON) -> Iterable[str]:
    """The ids of files, wherever they stand: found in the document written anew, which is quicker than to walk it."""
    try:
        return _FILE.findall(dumps(places, check_circular=False))
    except RecursionError:
        return (value for value in strings(places) if value.startswith("file_") and is_id(value))


def _problem(document: dict[str, JSON] | None, response: Response, status: str = "") -> Problem:
    """The error envelope (section 9), or what is known without one."""
    error, name = (document or {}).get("error"), status.upper() or f"HTTP_{response.status}"
    if not isinstance(error, dict):
        return Problem(name, redact(text(error) or "") or excerpt(response))
    code = text(error.get("code")) or name
    told = error.get("retryable")
    retryable = told if isinstance(told, bool) else _RETRYABLE.get(code.upper())
    return Problem(
        code, _said(error, "message") or excerpt(response), retryable, text(error.get("request_id")), _details(error)
    )


def _details(error: dict[str, JSON]) -> tuple[tuple[str, str, str], ...]:
    details = error.get("details")
    rows = [row for row in details if isinstance(row, dict)] if isinstance(details, list) else []
    return tuple((_said(row, "field"), _said(row, "code"), _said(row, "message")) for row in rows[:20])


def _said(row: dict[str, JSON], name: str) -> str:
    return redact(text(row.get(name)) or "")
