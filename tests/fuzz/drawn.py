"""Values that hypothesis makes up, rather than bytes: `python -m tests.fuzz.drawn LAW INPUTS`; a fault raises."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bide
from bide.dialects.declared import Declared
from bide.dialects.lint import lint
from bide.dialects.written import read, write
from bide.errors import BideError, InvalidToken
from bide.limit_fields import read_quota, retry_after
from bide.messages import Headers, Reply
from tests.declarations import declarations
from tests.fuzz.targets import NOW
from tests.laws import header_lines, jobs, replies, waiting_jobs


def receive(job: bide.Waiting, reply: Reply) -> None:
    """Any reply to a job in any state."""
    after = job.receive(reply, now=job.due + 1)
    assert bide.load(bide.dump(after), dialect=after.terms.dialect) == after


def token(job: bide.Job, place: int, byte: int) -> None:
    """The token of any job with one byte changed."""
    data = bytearray(bide.dump(job).encode())
    data[place % len(data)] = byte
    with suppress(InvalidToken):
        bide.load(bytes(data), dialect=job.terms.dialect)


def declaration(declared: Any) -> None:
    """A declaration of any kind: checked, used, written."""
    lint(declared)
    with suppress(BideError):
        Declared(declared, "https://api.example.com")
    with suppress(BideError):
        read(write(declared))


def header(lines: list[tuple[str, str]]) -> None:
    """Header fields that speak of limits."""
    headers = Headers.of(lines)
    read_quota(headers, now=NOW)
    retry_after(headers, now=NOW)


LAWS: dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]]] = {
    "receive": (receive, (waiting_jobs, replies)),
    "token": (token, (jobs(), st.integers(0, 10_000), st.integers(0, 255))),
    "declaration": (declaration, (declarations,)),
    "header": (header, (st.lists(header_lines, max_size=12),)),
}


def main(name: str, inputs: int) -> None:
    """Try one law on so many values."""
    law, values = LAWS[name]
    slow = [
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.large_base_example,
    ]
    quiet = settings(max_examples=inputs, database=None, deadline=None, suppress_health_check=slow)

    @quiet
    @given(st.tuples(*values))
    def tried(drawn: tuple[Any, ...]) -> None:
        law(*drawn)

    tried()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
