"""What no state of a job may do: forget itself when it is kept, or show a key."""

from __future__ import annotations

from collections.abc import Iterator

import bide
from bide.dialect import Dialect
from bide.errors import InvalidToken, JobError
from bide_transports.testing.marks import KEY, SIGNATURE
from bide_transports.testing.report import Finding

_ADVICE = (
    "in a dialect of your own, let `read` keep nothing of a reply that `bide.secret.redact` has not seen, and `check` "
    "take every handle that `read` gives; a declaration cannot cause this: tell the authors of bide"
)


def indiscretions(job: bide.Job, dialect: Dialect) -> Iterator[Finding]:
    """A token that does not bring the job back; a key anywhere; the signature of an address where people look.

    A token may hold such a signature: without it, the address could not be asked again.
    """
    name, token = type(job).__name__, bide.dump(job)
    try:
        kept = bide.load(token, dialect=dialect)
    except InvalidToken as error:
        yield Finding(f"a token that brings {name} back", str(error), None, _ADVICE)
    else:
        if kept != job:
            yield Finding(f"a token that brings {name} back as it was", f"it came back as {kept!r}", None, _ADVICE)
    for where, text in {**_told_to_people(job), "token": token}.items():
        if KEY in text:
            yield Finding("the key to be seen nowhere", f"it stands in the {where} of {name}", None, _ADVICE)
        if SIGNATURE in text and where != "token":
            yield Finding("no signature to be shown", f"one stands in the {where} of {name}", None, _ADVICE)


def _told_to_people(job: bide.Job) -> dict[str, str]:
    try:
        bide.unwrap(job)
        error = ""
    except JobError as raised:
        error = str(raised)
    return {"repr": repr(job), "trace": " ".join(event.what for event in job.past.trace), "error": error}
