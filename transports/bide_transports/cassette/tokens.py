"""The states that open a lane: read from their tokens, and taken up under the terms of whoever plays them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from json import dumps

import bide
from bide.dialect import Dialect
from bide.dialects.declared import Declared
from bide.dialects.vendors import named, names
from bide.document import JSON
from bide.errors import InvalidAddress, InvalidToken
from bide.history import Terms
from bide_transports.cassette.tape import Head, InvalidCassette


def dialect_of(head: Head) -> Dialect:
    """The dialect that a cassette names; raises `InvalidCassette` for one that does not come with bide."""
    try:
        if head.dialect == "modelroute":
            return bide.ModelRoute(head.base)
        if head.dialect in names():
            return Declared(named(head.dialect), head.base)
    except InvalidAddress as error:
        raise InvalidCassette(f"the cassette's base cannot be asked: {error}") from None
    raise InvalidCassette(
        f"the cassette speaks {head.dialect!r:.60}, which does not come with bide: give the dialect it was made with"
    )


def head_of(dialect: Dialect, now: float, *, by: str = "record") -> Head:
    """The head of a cassette on which `dialect` is spoken from `now` on."""
    base = dialect.base_url if isinstance(dialect, bide.ModelRoute | Declared) else dialect.origin
    return Head(round(now * 1000), dialect.name, base, by, f"bide {version('bide')}")


def opened(token: Mapping[str, JSON], dialect: Dialect, mine: bide.Job | None = None) -> bide.Job:
    """The job in `token`, as it was, under the pace and patience of `mine` where that is given."""
    try:
        job = bide.load(dumps(token), dialect=dialect)
    except InvalidToken as error:
        raise InvalidCassette(f"a job on the cassette cannot be read: {error}") from None
    if mine is None or not isinstance(job, bide.Waiting):
        return job
    return _under(job, mine.terms)


def _under(job: bide.Waiting, mine: Terms) -> bide.Waiting:
    """`job` under other terms; its times and its dice stay as they were recorded."""
    terms = replace(job.terms, pace=mine.pace, patience=mine.patience)
    if terms == job.terms:
        return job
    past = job.past
    if mine.patience != job.terms.patience and not past.requests:
        past = past._replace(deadline=past.prolonged(mine.patience, now=past.since).deadline)
    return replace(job, terms=terms, past=past)
