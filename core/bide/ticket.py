"""What an upload is made of: the file a caller has, and the place the service gives it."""

from __future__ import annotations

from dataclasses import dataclass

from bide.messages import Request


@dataclass(frozen=True, slots=True)
class Source:
    """A file to upload: its name without any directory, its size in bytes, its media type."""

    name: str
    size: int
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place for one file: its reference once it is there, and the request that takes its bytes."""

    file: str
    request: Request
