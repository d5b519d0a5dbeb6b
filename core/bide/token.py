"""A job as plain JSON, and back: to be kept on disk, sent to another process, taken up by another version.

A token holds no credential (the core never sees one) and no code. It names the dialect and the origin it
belongs to, and is refused anywhere else. Reading is driven by the annotations of the states: whatever does
not fit them is refused with the place where it does not.

A version stands for what the members mean, not for which there are. A state may gain members that have a default
without a new one: an older token, which lacks them, has the defaults, and an older bide refuses a token that has
them. What is renamed, or means something else, is a new version.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import partial
from json import dumps
from typing import Any, cast

from bide.codec import Misfit, decode, encode, hints, inside
from bide.dialect import Dialect
from bide.dialects.vendors import as_dialect
from bide.document import parse_strictly
from bide.faults import CallerError, ForeignToken, InvalidHandle, InvalidToken
from bide.handles import COOKIE
from bide.job import Abandoned, Completed, Finished, Job, Lost, Waiting, no_job
from bide.urls import origin

VERSION = 1
LARGEST = 64 * 1024 * 1024  # bytes of a token: a result of the largest size, every character escaped


def dump(job: Job) -> str:
    """The job as one line of JSON; keep it private all the same, since it holds the job's input.

    Raises `InvalidHandle` for what is no job.
    """
    if not isinstance(cast("object", job), Waiting | Finished):
        raise InvalidHandle(no_job(job))
    dialect = job.terms.dialect
    head = {"bide": VERSION, "dialect": dialect.name, "origin": dialect.origin}
    return dumps({**head, "job": encode(job, _Tagged(dialect))}, separators=(",", ":"))


def load(data: str | bytes, *, dialect: Dialect | str) -> Job:
    """The job in a token made by `dump`; raises `InvalidToken` when it is not whole, or `ForeignToken` of elsewhere."""
    dialect = as_dialect(dialect)
    if not isinstance(cast("object", data), str | bytes):
        raise InvalidToken(f"the token is a {type(data).__name__}: give the text that `dump` wrote, as str or bytes")
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > LARGEST:
        raise InvalidToken(f"the token has {len(raw)} bytes, more than any job needs: is it the right file?")
    try:
        document = parse_strictly(raw)
    except ValueError:
        raise InvalidToken("the token is not JSON: it is cut short, or not a token of bide") from None
    if not isinstance(document, dict) or "bide" not in document:
        raise InvalidToken("this is no token of bide: give a file that `bide` or `dump` wrote")
    if document["bide"] != VERSION or document["bide"] is True:
        raise InvalidToken(
            f"the token has version {document['bide']!r:.40}, this bide reads {VERSION}: use the bide that wrote it"
        )
    home = (document.get("dialect"), document.get("origin"))
    if home != (dialect.name, dialect.origin):
        raise ForeignToken(
            f"the token belongs to {home[0]} at {home[1]}, not to {dialect.name} at {dialect.origin}: "
            "give the dialect and the base URL it was made with"
        )
    try:
        return _checked(cast("Job", decode(Job, document.get("job"), "job", _Tagged(dialect))))
    except InvalidToken:
        raise
    except Misfit as error:
        raise InvalidToken(f"the token is damaged at {error.place}, or a later bide wrote it: then use that") from None
    except CallerError as error:
        raise InvalidToken(f"the token is damaged: {error}") from None


def _checked(job: Job) -> Job:
    """`job`, once its handles are known to be sendable: a state read from a token must not raise later."""
    for state in (job, job.last) if isinstance(job, Lost | Abandoned) else (job,):
        if state.handle is not None and not isinstance(state, Completed):
            state.terms.dialect.check(state.handle)
        if isinstance(state, Waiting):
            home = state.terms.dialect.origin
            if state.redirect is not None and origin(state.redirect.url) != home:
                raise InvalidToken(f"the token is damaged: it leads elsewhere than to {home}")
            if not all(line.isascii() and line.isprintable() for name, line in state.request.headers if name == COOKIE):
                raise InvalidToken("the token is damaged: no request can send its cookies")
    return job


_hints = partial(hints, Waiting=Waiting)


@dataclass(frozen=True, slots=True)
class _Tagged:
    """A record as a token has it: the name of its kind as `is`, and every member but the dialect, which is given."""

    dialect: Dialect

    def spelt(self, member: Enum) -> str:
        return member.name

    def listed(self, value: object, kind: Any) -> list[object] | None:  # noqa: ARG002  lists of all kinds are alike
        return cast("list[object]", value) if isinstance(value, list) else None

    def write(self, record: object) -> object:
        kind: Any = type(record)
        names = (name for name in _hints(kind) if name != "dialect")
        return {"is": kind.__name__, **{name: encode(getattr(record, name), self) for name in names}}

    def read(self, kinds: tuple[type, ...], value: object, place: str) -> object:
        members = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        kind: Any = next((kind for kind in kinds if kind.__name__ == members.get("is")), None)
        if kind is None:
            raise Misfit(place, kind, members)
        wanted = {name: hint for name, hint in _hints(kind).items() if name != "dialect"}
        unknown = next((name for name in members if name not in wanted and name != "is"), None)
        if unknown is not None:
            raise InvalidToken(
                f"a later bide wrote the token, or it is damaged: {place} has {unknown!r:.40}, which this one does not "
                "know; use the bide that wrote it"
            )
        if wanted.keys() - members.keys() - _defaulted(kind):
            raise Misfit(place, kind, members)
        read = {
            name: decode(wanted[name], members[name], inside(place, name), self) for name in wanted if name in members
        }
        return kind(**({"dialect": self.dialect} if "dialect" in _hints(kind) else {}), **read)


def _defaulted(kind: Any) -> set[str]:
    """The members of a record that have a default."""
    if is_dataclass(kind):
        return {field.name for field in fields(kind) if (field.default, field.default_factory) != (MISSING, MISSING)}
    return set(kind._field_defaults)
