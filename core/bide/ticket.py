"""What an upload is made of: the file a caller has, and the place the service gives it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bide.faults import InvalidSetting
from bide.messages import Request

# A type, a subtype and perhaps parameters (RFC 9110, 8.3.1), since it goes into a header line.
_MEDIA_TYPE = re.compile(r"[\w.+!#$&^-]+/[\w.+!#$&^-]+(?:[ \t]*;[ -~]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to upload: its name without any directory, its size in bytes, its media type.

    Raises `InvalidSetting` for a media type that is none.
    """

    name: str
    size: int
    content_type: str = "application/octet-stream"

    def __post_init__(self) -> None:
        if not _MEDIA_TYPE.fullmatch(self.content_type):
            raise InvalidSetting(f"content_type is {self.content_type!r}: give a media type such as 'image/png'")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place for one file: its reference once it is there, and the request that takes its bytes."""

    file: str
    request: Request
