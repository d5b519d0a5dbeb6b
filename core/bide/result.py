"""What a service says of a job at its end: the result, or the problem; and at its start: the receipt.

Each keeps the vendor's JSON as text, whole and unchanged, so a field nobody knew is never lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from bide.document import JSON, at, parse_plain, text
from bide.handles import Known, shown
from bide.secret import redact
from bide.urls import public

Document: TypeAlias = dict[str, JSON]


class Refused(NamedTuple):
    """An `address` that stands among a job's files, as the service wrote it, and why it is not fetched."""

    address: str
    reason: str

    def __repr__(self) -> str:
        return f"Refused({shown(self.address)!r}, {self.reason!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Result(Known):
    """A completed job's result. `files` are references in the order the service named them.

    `refused` are those that are not fetched, each with the reason: `save` raises for them, once it has the others.
    `cost` is in the account's currency, `latency` in seconds; both are None where the service is silent. `place`
    leads to the output inside `raw`, key by key; without one it is looked for under the usual names. `more` says that
    this is a part of a list, and where the rest is: an address, or the service's name for the next part.
    """

    handle: str
    files: tuple[str, ...] = ()
    cost: Decimal | None = None
    latency: float | None = None
    raw: str = field(default="{}", repr=False)
    place: tuple[str, ...] | None = None
    refused: tuple[Refused, ...] = ()
    more: str | None = field(default=None, repr=False)

    @property
    def _said(self) -> JSON:
        try:
            return parse_plain(self.raw.encode("utf-8", "surrogatepass"))
        except ValueError:
            return None

    @property
    def document(self) -> Document:
        """The whole reply that carried the result, unknown fields included: plain JSON, read afresh and the caller's.

        Empty where the reply is no JSON object (`output` has the value of any other).
        """
        document = self._said
        return document if isinstance(document, dict) else {}

    @property
    def output(self) -> JSON:
        """The part of the document that is the output: `output`, else `result`; an empty one hides no other."""
        if self.place is not None:
            return at(self._said, self.place)
        document = self.document
        output = document.get("output")
        return output or document.get("result", output)

    @property
    def usage(self) -> JSON:
        """What the service says was used (tokens and the like), as it came."""
        return self.document.get("usage")


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, as the service put it. Unknown codes are kept as they came.

    `retryable` is None where neither the reply nor the code tells. `details` are (field, code, message).
    """

    code: str
    message: str = ""
    retryable: bool | None = None
    request_id: str | None = None
    details: tuple[tuple[str, str, str], ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.code}: {self.message}" if self.message else self.code]
        parts += [f"{field} ({code}) {message}".strip() for field, code, message in self.details]
        if self.request_id:
            parts.append(f"request id {self.request_id}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, repr=False)
class Acknowledgement:
    """What a service answered when it accepted a submission, and named nothing that can be followed.

    `headers` are its header lines but for cookies, `body` is its text, each as it came within bounds. Whoever looks
    for the job finds it by these.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    @property
    def problem(self) -> Problem:
        """What of it may be shown: where it points to, without queries, and how its body begins."""
        places = (f"{name}: {public(value)}" for name, value in self.headers if "location" in name)
        said = text(redact(self.body[:1000].strip()))
        return Problem(f"HTTP_{self.status}", "; ".join((*places, *((said,) if said else ()))))

    def __repr__(self) -> str:
        return f"Acknowledgement({self.status}, {len(self.headers)} header lines, {len(self.body)} characters)"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the service promised when it took the job: sums as `Decimal`, times aware."""

    hold_amount: Decimal | None = None
    estimated_cost: Decimal | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
