"""What a reply says, in few words: the service's word for the job, how far it is, the code of an error.

The dialect knows where they stand; without one they are looked for under the names that most services use.
"""

from __future__ import annotations

from dataclasses import dataclass

from bide.dialect import Dialect, Phase
from bide.document import JSON, number, parse_object, text
from bide.errors import BideError
from bide.messages import Response
from bide_transports.cassette.tape import Head
from bide_transports.cassette.tokens import dialect_of

_STATUS = ("status", "state", "phase")
_PROGRESS = ("progress", "percent", "percentage", "percentComplete")
_CODE = ("code", "type", "title")
_USUAL = {
    **dict.fromkeys(("succeeded", "success", "completed", "complete", "done", "finished", "ready"), Phase.SUCCEEDED),
    **dict.fromkeys(("failed", "failure", "error"), Phase.FAILED),
    **dict.fromkeys(("cancelled", "canceled", "aborted"), Phase.CANCELLED),
    **dict.fromkeys(("expired", "timed_out"), Phase.EXPIRED),
}
_NO_CODE = ("http_", "not_understood")  # what bide calls an error that the service has no word for


@dataclass(frozen=True, slots=True)
class Said:
    """The service's `status`, a `progress` from 0 to 1, the `code` of an error; `phase` is what the status means."""

    status: str = ""
    progress: float | None = None
    code: str = ""
    phase: Phase = Phase.UNFINISHED

    def __str__(self) -> str:
        progress = "" if self.progress is None else f"{self.progress:.0%}"
        code = "" if self.code.lower() == self.status.lower() else self.code
        return " ".join(filter(None, (self.status, progress, code)))


def known(head: Head) -> Dialect | None:
    """The dialect of a cassette; None for one that does not come with bide."""
    try:
        return dialect_of(head)
    except BideError:
        return None


def said(reply: Response, dialect: Dialect | None) -> Said:
    """What `reply` says of a job; empty where it says nothing of one."""
    if dialect is None:
        return _usual(reply)
    reading = dialect.read(reply, asked="poll", handle=None)
    code = "" if reading.problem is None else reading.problem.code
    if reading.phase in (Phase.UNFINISHED, Phase.SUCCEEDED) or code.lower().startswith(_NO_CODE):
        code = ""
    return Said(reading.status, reading.progress, text(code) or "", reading.phase)


def _usual(reply: Response) -> Said:
    document = parse_object(reply.body) or {}
    places = [document, *(value for value in document.values() if isinstance(value, dict))]
    status = _first(places, _STATUS) if 200 <= reply.status < 300 else ""
    error = document.get("error")
    code = error if isinstance(error, str) else _first([error] if isinstance(error, dict) else [], _CODE)
    progress = next((value for place in places for name in _PROGRESS if (value := _share(place.get(name)))), None)
    return Said(status, progress, text(code) or "", _USUAL.get(status.lower(), Phase.UNFINISHED))


def _first(places: list[dict[str, JSON]], names: tuple[str, ...]) -> str:
    return next((word for place in places for name in names if (word := text(place.get(name)))), "")


def _share(value: JSON) -> float | None:
    figure = number(value)
    if figure is None or not 0 <= figure <= 100:
        return None
    return figure if figure <= 1 else figure / 100
