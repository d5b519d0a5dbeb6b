"""What finds a job again: an id, an address, or several of them in one string; and what of it people may see.

A service that names its jobs by addresses may hand out more than one (of the status, of the result, of the
cancellation), and may move them. All of that is the handle, so that a token or a log line needs one string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from json import dumps
from typing import Any, cast

from bide.document import parse_object
from bide.urls import public

ID = "id"
STATUS = "status"
COOKIE = "cookie"
SEEN = "seen"  # a word of the status that a later reply is read by
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def links(handle: str) -> dict[str, str]:
    """The parts of a handle by name: `id`, or `status` for the address that is polled, and whatever else there is."""
    if handle[:1] == "{":
        parts = parse_object(handle.encode("utf-8", "surrogatepass")) or {}
        return {name: value for name, value in parts.items() if isinstance(value, str)}
    return {STATUS if "://" in handle else ID: handle}


def handle_of(parts: Mapping[str, str]) -> str | None:
    """The parts as one string: an id or an address as it is, anything else as JSON; None where nothing is known."""
    if len(parts) == 1:
        (alone,) = parts.values()
        if links(alone) == dict(parts):
            return alone
    return dumps(dict(sorted(parts.items())), separators=(",", ":")) if parts else None


def moved_to(handle: str, address: str, other: str) -> str:
    """The handle with the `other` address in place of this one."""
    return handle_of({name: other if part == address else part for name, part in links(handle).items()}) or handle


def same_id(one: str, other: str) -> bool:
    """Whether two ids are of one job; GUIDs are read without regard to case (RFC 9562, 4)."""
    return one == other or (one.lower() == other.lower() and _GUID.fullmatch(one) is not None)


def is_called(handle: str, name: str) -> bool:
    """Whether `name` is what others call this job: the whole handle, or the id or the address of the job in it."""
    parts = links(handle) if handle[:1] == "{" else {}
    return any(known is not None and same_id(known, name) for known in (handle, parts.get(ID), parts.get(STATUS)))


def shown(handle: str) -> str:
    """The part of a handle that may be shown: its id, or its address without the query, which may hold a signature."""
    parts = {name: part for name, part in links(handle).items() if name != COOKIE}
    return public(parts.get(ID) or parts.get(STATUS) or next(iter(parts.values()), "job"))


def id_of(handle: str) -> str:
    """The service's own id of the job in a handle; where it gives none, what may be shown of the job's address."""
    name = links(handle).get(ID, "")
    return name if name and "://" not in name else shown(handle)


class Named:
    """A dataclass with a `handle`, of which its repr tells no more than may be shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        members = ((field.name, getattr(self, field.name)) for field in fields(cast("Any", self)) if field.repr)
        said = (f"{name}={_told(name, value)!r}" for name, value in members)
        return f"{type(self).__name__}({', '.join(said)})"


class Known(Named):
    """A dataclass with the `handle` of a job that the service has named."""

    __slots__ = ()

    @property
    def id(self) -> str:
        """The service's own id, for people and for the service's console; give `handle` to bide."""
        handle: str = cast("Any", self).handle
        return id_of(handle)


class Ended(Named):
    """A dataclass with the `handle` of a job that the service may never have named."""

    __slots__ = ()

    @property
    def id(self) -> str | None:
        """The service's own id, or None where it has named no job."""
        handle: str | None = cast("Any", self).handle
        return None if handle is None else id_of(handle)


def _told(name: str, value: Any) -> object:
    """What a repr tells of a member: of handles and addresses of files no more than may be shown."""
    if name == "files":
        return tuple(shown(file) for file in value)
    return shown(value) if name == "handle" and value else value
