"""Replies as the service words them: JSON documents, the error envelope, and two spellings of an instant."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from bide.document import JSON
from bide.faults import carried
from bide.messages import Headers, Response

# modelroute-api.md, 9: whether repeating the same request may work.
_RETRYABLE = frozenset(
    {
        "RATE_LIMITED",
        "MODEL_OVERLOADED",
        "MODEL_UNAVAILABLE",
        "GENERATION_TIMEOUT",
        "GENERATION_FAILED",
        "SERVICE_UNAVAILABLE",
    }
)


class Refused(Exception):
    """The service's own no: raised where the reason is found, turned into an error reply at the door."""

    def __init__(self, status: int, code: str, message: str, details: Sequence[Mapping[str, JSON]] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details

    def __reduce__(self) -> tuple[Any, ...]:
        return carried(self)


def document(status: int, content: Mapping[str, JSON]) -> Response:
    """A JSON reply."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return Response(status, Headers.of([("Content-Type", "application/json")]), body)


def problem(refused: Refused, request_id: str | None = None) -> Response:
    """A refusal in the error envelope (modelroute-api.md, 9)."""
    error: dict[str, JSON] = {
        "code": refused.code,
        "message": refused.message,
        "retryable": refused.code in _RETRYABLE,
    }
    if request_id is not None:
        error["request_id"] = request_id
    if refused.details:
        error["details"] = [dict(detail) for detail in refused.details]
    return document(refused.status, {"error": error})


def invalid(field: str, code: str, message: str) -> Refused:
    """A refusal of the submitted body that names the field."""
    detail: dict[str, JSON] = {"field": field, "code": code, "message": message}
    return Refused(400, "INPUT_VALIDATION_ERROR", "the input is not acceptable", [detail])


def nowhere() -> Refused:
    """A refusal of a path that this service does not know."""
    return Refused(404, "NOT_FOUND", "there is nothing at this path")


def stamped(response: Response, at: float, extra: Iterable[tuple[str, str]] = ()) -> Response:
    """`response` with `Date` (seconds since the epoch), `Content-Length` and `extra`, unless it has its own."""
    length = [("Content-Length", str(len(response.body)))] if response.status >= 200 and response.status != 204 else []
    mine = [("Date", http_date(int(at // 1))), *length, *extra]
    added = [line for line in mine if line[0].lower() not in response.headers.fields]
    return Response(response.status, Headers.of([*response.headers, *added]), response.body)


@lru_cache(maxsize=4096)
def http_date(second: int) -> str:
    """Whole seconds since the epoch as an IMF-fixdate (RFC 9110, 5.6.7)."""
    return formatdate(second, usegmt=True)


@lru_cache(maxsize=4096)
def _iso(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def timestamp(at: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, whole seconds as in all samples (modelroute-api.md, 17)."""
    return _iso(int(at // 1))
