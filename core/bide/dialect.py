"""A dialect is one vendor's way of speaking, as pure functions over messages.

Nothing else in bide knows a path, a field or a status name of a vendor. A dialect says how to submit,
poll, fetch and cancel, and turns a `Response` into a `Reading`; what follows from a reading is decided
in `bide.job`, for every vendor alike. Those that come along stand in `bide.dialects`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple, Protocol, TypeAlias

from bide.messages import Headers, Order, Request, Response
from bide.result import Problem, Receipt, Result
from bide.signature import Signature
from bide.ticket import Source, Ticket

#: What a request is for; `confirm` is the look at a job after the service took its cancellation, `reason` the question
#: why a job has failed.
Asked: TypeAlias = Literal["submit", "poll", "fetch", "cancel", "confirm", "reason"]


#: Seconds for which a service is taken to recognise an idempotency key, where it documents nothing: a day is usual.
KEY_LIFETIME = 86400.0


class Phase(Enum):
    """What one reply says: first the phases of a job, then replies that say nothing of the job itself."""

    UNFINISHED = "unfinished"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LIMITED = "rate limited"
    TRANSIENT = "trouble that may pass"
    CONFLICT = "in conflict with another request"
    MISSING = "not found"
    GONE = "gone for good"
    UNAUTHORISED = "not authorised"
    UNPAID = "payment required"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    UNREADABLE = "not understood"


class Reading(NamedTuple):
    """One reply, understood; a tuple, since one is made and dropped with every reply.

    `handle` finds the job again and may move between replies; `status` is the vendor's own word;
    `progress` runs from 0 to 1; `expires` is the vendor's text for the instant the job times out;
    `wait` is how many seconds the reply asks to wait, beside `Retry-After`; `cookies` are those to be sent with the
    next request, each as `name=value`, without a value to send it no more.
    """

    phase: Phase
    handle: str | None = None
    status: str = ""
    progress: float | None = None
    result: Result | None = None
    problem: Problem | None = None
    receipt: Receipt | None = None
    expires: str | None = None
    wait: float | None = None
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """What a vendor advises about polling: up to `daily` jobs a day; `text` says what to do above that."""

    daily: int
    text: str


class Dialect(Protocol):
    """One vendor's way of speaking; every method is pure, and `read` is total over all responses.

    `name` and `origin` stand in tokens: a job is never resumed elsewhere.
    """

    @property
    def name(self) -> str:
        """The vendor's short name, as tokens carry it."""
        ...

    @property
    def origin(self) -> str:
        """The API's own origin, in the spelling of `bide.urls.origin`."""
        ...

    @property
    def cadence(self) -> bool:
        """Whether `Retry-After` on a 2xx reply counts while quota is left."""
        ...

    @property
    def cancel_forgets(self) -> bool:
        """Whether a cancellation takes the result of a job that has ended away: then a look goes before it."""
        ...

    @property
    def quota(self) -> tuple[str, str, str] | None:
        """The header fields of limit, remaining and reset, in lower case, where they are none of the usual ones."""
        ...

    @property
    def advice(self) -> Advice | None:
        """What the vendor says about polling in production."""
        ...

    @property
    def webhook(self) -> Signature | None:
        """How the vendor signs its notifications; None where it sends none that can be verified."""
        ...

    @property
    def wants_key(self) -> bool:
        """Whether the service wants the caller's key."""
        ...

    @property
    def environment(self) -> str:
        """The environment variable that usually holds the key; empty where none is usual."""
        ...

    def authorization(self, key: str) -> tuple[str, str]:
        """The header line that carries the caller's key."""
        ...

    def check(self, handle: str) -> str:
        """`handle`, if it can be one; raises `InvalidHandle` otherwise."""
        ...

    def submit(self, order: Order) -> Request:
        """How to submit; `repeatable` only when sending it twice cannot create two jobs."""
        ...

    def key_lifetime(self, order: Order) -> float | None:
        """For how many seconds the service recognises the idempotency key of `order`; None where none is sent."""
        ...

    def poll(self, handle: str) -> Request:
        """How to look at the job."""
        ...

    def fetch(self, handle: str) -> Request:
        """How to get the result of a job that completed without it inline."""
        ...

    def cancel(self, handle: str) -> Request:
        """How to ask for the job to be ended."""
        ...

    def locate(self, file: str) -> Request:
        """How to ask for the bytes of a file, or for the address they can be had from."""
        ...

    def may_locate(self, headers: Headers) -> bool:
        """Whether a 200 reply to `locate` with these headers may hold an address rather than the file."""
        ...

    def located(self, response: Response) -> Request | None:
        """The request for the bytes, where the reply to `locate` is an address; None where it is the bytes.

        Raises `ValueError` for an address that must not be followed.
        """
        ...

    def announced(self, response: Response) -> int | None:
        """How many bytes the address in a reply to `locate` leads to, where the reply says so."""
        ...

    def upload(self, source: Source, refusal: Problem | None) -> Request | None:
        """How to ask for a place for a file, or None where files are not taken.

        After a `refusal` of that: how to ask in other words, or None where there are none.
        """
        ...

    def ticket(self, response: Response, source: Source, refusal: Problem | None) -> Ticket | None:
        """The place in a 2xx reply to `upload`, or None where there is none in it.

        Raises `ValueError` for an address that must not be followed.
        """
        ...

    def confirm(self, file: str) -> Request | None:
        """How to say that a file's bytes are in their place, or None where that is not wanted."""
        ...

    def read(
        self,
        response: Response,
        *,
        asked: Asked,
        handle: str | None,
        order: Order | None = None,
        url: str | None = None,
    ) -> Reading:
        """What a reply to `asked` says; `handle` is the job asked about, None for a submission of `order`.

        `url` is the address that was asked, where a redirect led there; else it is the dialect's own.
        """
        ...
