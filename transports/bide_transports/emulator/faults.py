"""Faults to order: which request is struck, and what happens to it instead.

A `Fault` picks requests by endpoint and count. Its deed is a reply that answers in place of the service, or
something on the wire: the connection cut at one of four points, bytes that are no HTTP, a reply that dribbles
or never comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bide.messages import Headers, Response
from bide_transports.emulator.replies import Refused, problem

Point: TypeAlias = Literal["before", "after", "head", "body"]
Kind: TypeAlias = Literal[
    "submit",
    "list",
    "poll",
    "result",
    "cancel",
    "upload",
    "put",
    "confirm",
    "download",
    "url",
    "storage",
    "endpoint",
    "delivery",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Masked:
    """The request is processed, but `answer` goes out instead of its reply: a proxy that lost patience."""

    answer: Response


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is cut: before the request is processed, after it (the reply is lost), in the head, or mid body.

    `reset` cuts it with a TCP reset instead of an orderly close. Mid body is after so many bytes of it as `after` says,
    or after half of them; a shorter body goes out whole before the connection is cut.
    """

    when: Point = "after"
    reset: bool = False
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Garbage:
    """The request is processed, and `sent` (raw bytes) goes out instead of HTTP; then the connection closes."""

    sent: bytes = b"\x00\xff\xfe this is no HTTP \r\n\r\n"


@dataclass(frozen=True, slots=True)
class Dribble:
    """The request is processed, and its reply goes out byte by byte."""

    seconds_per_byte: float = 1.0


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing is ever answered; the request is processed (`after`) or not (`before`)."""

    when: Literal["before", "after"] = "after"


@dataclass(frozen=True, slots=True)
class Lost:
    """The webhook delivery never arrives, and the service does not know."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The webhook delivery goes out so many times."""

    times: int = 2


@dataclass(frozen=True, slots=True)
class Late:
    """The webhook delivery goes out later."""

    seconds: float = 10.0


Wire: TypeAlias = Drop | Garbage | Dribble | Hang
Deed: TypeAlias = Response | Masked | Wire
Post: TypeAlias = Lost | Repeated | Late


@dataclass(frozen=True, slots=True)
class Fault:
    """`deed` strikes the `nth` request to `at` since it was injected (1 is the first), and the next: `times` in all.

    At "delivery" it strikes the service's own webhook deliveries, and "any" does not mean those. Raises `ValueError`
    for a deed that cannot happen there.
    """

    at: Kind | Literal["any"]
    deed: Deed | Post
    nth: int = 1
    times: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.deed, Post) != (self.at == "delivery"):
            raise ValueError(
                f"{type(self.deed).__name__} cannot strike at {self.at}: webhooks are lost, repeated or late"
            )

    def matches(self, kind: Kind) -> bool:
        """Whether a request of this kind counts."""
        return self.at == kind or (self.at == "any" and kind != "delivery")

    def strikes(self, count: int) -> bool:
        """Whether the `count`-th matching request is struck."""
        return self.nth <= count < self.nth + self.times


@dataclass(frozen=True, slots=True)
class Broken:
    """No whole reply: what happens on the wire, and the reply that is spoilt (None when nothing was processed)."""

    wire: Wire
    reply: Response | None


def untouched(deed: Deed) -> bool:
    """Whether the request never reaches the service itself."""
    match deed:
        case Drop(when="before") | Hang(when="before"):
            return True
        case _:
            return isinstance(deed, Response)


def too_many(retry_after: str | float | None = 5) -> Response:
    """A 429 outside the service's own counting; `retry_after` (seconds, or any text) becomes the header."""
    limited = problem(Refused(429, "RATE_LIMITED", "slow down"))
    if retry_after is None:
        return limited
    return Response(429, Headers.of([*limited.headers, ("Retry-After", str(retry_after))]), limited.body)


def unavailable() -> Response:
    """A 503 SERVICE_UNAVAILABLE, said to be retryable."""
    return problem(Refused(503, "SERVICE_UNAVAILABLE", "the platform is unavailable"))


def broken_down() -> Response:
    """A 500 INTERNAL_ERROR, said not to be retryable."""
    return problem(Refused(500, "INTERNAL_ERROR", "something broke"))


def unauthorised() -> Response:
    """A 401 UNAUTHORIZED."""
    return problem(Refused(401, "UNAUTHORIZED", "the API key is missing or unknown"))


def html(status: int = 200) -> Response:
    """A page for people where JSON belongs: a captive portal, a proxy's error."""
    page = b"<!doctype html><title>One moment</title><p>Please sign in to use this network."
    return Response(status, Headers.of([("Content-Type", "text/html; charset=utf-8")]), page)
