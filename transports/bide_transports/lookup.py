"""Names of hosts, looked up within the time of a request, and what they lead to, checked before it is connected to.

The system's resolver may hang for minutes and cannot be interrupted: it works in threads that are left behind, a
bounded number of them. What was checked is what is connected to: a name that leads elsewhere a moment later (DNS
rebinding) changes nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import Any

from bide.urls import is_public

_MOST = 32  # look-ups at once, those that hang included
_free = BoundedSemaphore(_MOST)

#: Whether the request that is sent in this context is public (see `bide.messages.Request`).
public_only: ContextVar[bool] = ContextVar("public_only", default=False)


@contextmanager
def only_public(public: bool) -> Generator[None]:
    """Let requests in this context be `public`, or not."""
    token = public_only.set(public)
    try:
        yield
    finally:
        public_only.reset(token)


class PrivateAddress(OSError):
    """All that a name led to lies in private or special networks; nothing was connected to."""


def look_up(host: str, port: int, *, family: int, timeout: float | None) -> list[str]:
    """The IP addresses of a host in the order to try them; blocks for at most `timeout` seconds.

    Raises `socket.gaierror` for a name that leads nowhere, `UnicodeError` for what is none, `TimeoutError`.
    """
    with suppress(ValueError):
        return [str(ip_address(host))]
    begun = time.monotonic()
    if not _free.acquire(timeout=timeout):
        raise TimeoutError("too many look-ups of names hang")
    answers: SimpleQueue[list[str] | Exception] = SimpleQueue()
    try:
        Thread(target=_work, args=(host, port, family, answers), name=f"look-up of {host}", daemon=True).start()
    except RuntimeError:  # no more threads
        _free.release()
        raise TimeoutError("no thread is left to look a name up") from None
    try:
        answer = answers.get(timeout=None if timeout is None else max(0.0, begun + timeout - time.monotonic()))
    except Empty:
        raise TimeoutError("the look-up of the name took too long") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def addresses(found: Iterable[Sequence[Any]]) -> list[str]:
    """The IP addresses that `getaddrinfo` has found, each once."""
    return list(dict.fromkeys(str(one[-1][0]) for one in found))


def checked(found: list[str], *, public: bool) -> list[str]:
    """Of these IP addresses the ones that may be connected to; raises `PrivateAddress` where that is none of them."""
    allowed = [one for one in found if is_public(one)] if public else found
    if not allowed:
        raise PrivateAddress("the name leads into a private network")
    return allowed


def _work(host: str, port: int, family: int, answers: SimpleQueue[list[str] | Exception]) -> None:
    try:
        answers.put(addresses(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)))
    except Exception as error:  # noqa: BLE001  it is raised where it is waited for
        answers.put(error)
    finally:
        _free.release()
