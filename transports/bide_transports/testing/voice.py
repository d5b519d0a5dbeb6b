"""What a service says, apart from the words it says it in: a `Voice` finds those.

A scenario knows only meanings: "not yet", "failed, for this reason", "ask at that address from now on". A voice is
one vendor's way to put them into a request or a reply. `bide_transports.testing.spoken.Spoken` makes one from a
declaration; whoever has the vendor's documentation at hand writes one from that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias
from unittest import SkipTest

from bide.dialect import Asked, Phase
from bide.document import JSON
from bide.messages import Headers, Order, Request, Response

#: What a client may ask of a service.
Question: TypeAlias = Asked | Literal["file"]


class NotApplicable(SkipTest):
    """The vendor never does what the scenario is about; pytest and unittest report the test as skipped, with why."""


class Contradiction(Exception):
    """The declaration does not mean what it says: a reply made after it reads as something else."""


@dataclass(frozen=True, slots=True)
class Record:
    """The job as the service knows it.

    `address` is where it is asked for, at services that name their jobs so; `apart` says that its result lies
    elsewhere than in the job; `elsewhere` is the origin of another host, where files lie.
    """

    order: Order
    id: str
    address: str
    elsewhere: str
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply to `asked` is to say of a job: it is in `phase`, and whatever else is not empty here.

    `id` is the job that the reply names: another one's, where a cache mixes replies up. `address` is the text that
    says where to ask next, whole or relative. `word` is a status to be given in place of the usual one. `answer`
    is a text to stand in the output, `message` one to stand in the problem. `progress` runs from 0 to 1, `wait` is
    a hint of the vendor's own, in seconds.
    """

    asked: Asked
    phase: Phase
    record: Record
    id: str
    address: str = ""
    word: str = ""
    answer: str = ""
    message: str = ""
    progress: float | None = None
    wait: float | None = None


def json_reply(status: int, document: JSON, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A reply with this status code and JSON body."""
    return Response(status, Headers.of([*headers, ("content-type", "application/json")]), json.dumps(document).encode())


class Voice(Protocol):
    """One vendor's way of speaking, from the vendor's side. Pure: equal questions get equal answers."""

    def request(self, question: Question, record: Record) -> Request:
        """The request that the vendor documents for this; raises `NotApplicable` where it has none.

        Headers and body need to hold only what the request cannot do without; `repeatable` says of a submission
        that the vendor takes it once however often it comes.
        """
        ...

    def reply(self, said: Said) -> Response:
        """How the vendor says this; raises `NotApplicable` where it never does.

        What the vendor has no words for may be left out: a reply that is the same without it does not test it.
        """
        ...
