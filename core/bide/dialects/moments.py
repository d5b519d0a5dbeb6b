"""What differs from one request of a job to the next: an id of its own, and the time it is sent at.

The core has no clock and rolls no dice: the time is the instant at which the request is due, the id a hash of what
tells this request from all others. So the same state makes the same request, and a replay sends what was recorded.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple, Protocol

from bide.dialect import Asked, Dialect

#: The gaps that a request fills by itself: `request_id` is a UUID (RFC 9562, 5.8), `now` the time in ISO 8601, `date`
#: and `since` an HTTP date (RFC 9110, 5.6.7) of now, and of the first time that the job was asked for.
MOMENT = frozenset({"request_id", "now", "date", "since"})
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LATEST = 253_402_300_799.0  # the end of the year 9999


class Moment(NamedTuple):
    """One request among all of a job: `seed` and `since` (seconds since the epoch) are the job's, the rest its own."""

    seed: str
    since: float
    asked: Asked
    requests: int
    due: float


class Momentary(Protocol):
    """What a dialect may know beyond what `Dialect` asks of every one: how a request tells of its moment."""

    def at(self, moment: Moment) -> Dialect:
        """The dialect for this one request."""
        ...


def told(moment: Moment) -> dict[str, str]:
    """What fills the gaps in `MOMENT`."""
    from hashlib import sha256  # here, since few services want it and it takes long to load

    due, since = _time(moment.due), _time(moment.since)
    said = "\0".join((moment.seed, repr(moment.since), moment.asked, str(moment.requests)))
    digits = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    variant = "89ab"[int(digits[16], 16) % 4]
    return {
        "request_id": f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}",
        "now": due.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "date": _http_date(due),
        "since": _http_date(since),
    }


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, 0.0), _LATEST), timezone.utc)


def _http_date(time: datetime) -> str:
    day, month = _DAYS[time.weekday()], _MONTHS[time.month - 1]
    return f"{day}, {time.day:02} {month} {time.year:04} {time:%H:%M:%S} GMT"
