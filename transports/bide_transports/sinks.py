"""Where the bytes of a file go while they come: the one place where a body is not kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from bide.messages import Response


class Sink(Protocol):
    """Whatever takes the bytes of a file."""

    def write(self, chunk: bytes, /) -> object:
        """Take `chunk` whole."""
        ...


#: Sees a response's status and headers; the sink it returns gets the body, None leaves it in the response.
Into: TypeAlias = Callable[[Response], "Sink | None"]
