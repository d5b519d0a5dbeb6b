"""What must not show when a traceback is shown with its local variables: keys on their way to the wire.

The HTTP libraries hold the lines of a request in their locals. Our own frames hold them in what hides itself
(`bide.secret.Lines`, `Hidden`), and an exception that leaves a transport has left those of the libraries out.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TypeVar

from bide_transports.connection_faults import chain

E = TypeVar("E", bound=BaseException)

_WIRE = ("requests", "urllib3", "http", "h11")
_OURS = tuple(f"bide_transports.{name}" for name in ("bounded", "dialling", "proxies"))


class Hidden(bytes):
    """Bytes with a key in them, which are not shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def hushed(error: E) -> E:
    """`error`, to be raised, with no frame in its traceback that holds what is on the wire; nor in its causes'."""
    for one in chain(error):
        one.__traceback__ = _without(one.__traceback__)
    return error


def _without(trace: TracebackType | None) -> TracebackType | None:
    kept: TracebackType | None = None
    for one in reversed(list(_each(trace))):
        if not _is_of_the_wire(str(one.tb_frame.f_globals.get("__name__"))):
            kept = TracebackType(kept, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return kept


def _each(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _is_of_the_wire(module: str) -> bool:
    return module in _OURS or module.partition(".")[0] in _WIRE
