"""What a status code alone says of a request that was refused: the same for every vendor (RFC 9110, 15)."""

from __future__ import annotations

from bide.dialect import Asked, Phase
from bide.document import text
from bide.handles import shown
from bide.messages import Response
from bide.result import Problem
from bide.secret import redact

_BY_STATUS = {
    401: Phase.UNAUTHORISED,
    402: Phase.UNPAID,
    403: Phase.UNAUTHORISED,
    404: Phase.MISSING,
    409: Phase.CONFLICT,
    410: Phase.GONE,
    429: Phase.LIMITED,
    **dict.fromkeys((301, 302, 303, 307, 308), Phase.REDIRECTED),
}
_MAY_PASS = frozenset({408, 421, 425})
_EXCERPT = 1000  # bytes of a body that are looked at to be shown
_SHOWN = 200  # characters of it that are
_NOTHING = ("", "{}", "[]", "null", '""')


def excerpt(response: Response) -> str:
    """The beginning of a body, for people: shortened before it is searched for what must not be shown."""
    said = response.body[:_EXCERPT].decode("utf-8", "replace").strip()
    return "" if said in _NOTHING else (text(redact(said)) or "")[:_SHOWN]


def another_job(told: str, known: str) -> Problem:
    """That a reply is about another job than the one asked about: caches mix replies up."""
    return Problem("ANOTHER_JOB", f"the reply is about {shown(told)}, not about {shown(known)}")


def refusal(status: int, *, retryable: bool | None, asked: Asked) -> Phase:
    """The phase of a reply that is no success; `retryable` is the service's own word, where it gave one.

    A look can always be repeated, so a server error there is trouble that may pass whatever its body says;
    a submission is repeated only unless the service calls that useless (modelroute-api.md, 18: retry choice).
    """
    phase = _BY_STATUS.get(status)
    if phase is not None:
        return phase
    if status >= 500 or status in _MAY_PASS:
        return Phase.REFUSED if asked == "submit" and retryable is False else Phase.TRANSIENT
    if 400 <= status < 500:
        return Phase.TRANSIENT if retryable else Phase.REFUSED
    return Phase.TRANSIENT  # 1xx, other 3xx: no answer of this API; a portal or a proxy in between may go away
