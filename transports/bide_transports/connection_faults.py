"""What an exception means that kept a connection from being made: the same for every transport.

The texts of such exceptions may hold whole URLs, signatures included, so none of them is passed on.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from bide.messages import Cause, NoResponse
from bide_transports.lookup import PrivateAddress
from bide_transports.proxies import ProxyFailed

_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def no_connection(error: BaseException) -> NoResponse:
    """`error`, raised before anything was sent, as the value the core decides on."""
    too_slow = False
    for cause in chain(error):
        if isinstance(cause, ProxyFailed):
            return NoResponse(Cause.PROXY, sent=False, detail=str(cause))
        if isinstance(cause, PrivateAddress):
            return NoResponse(Cause.PRIVATE, sent=False)
        if isinstance(cause, ssl.SSLCertVerificationError) or is_about_a_file(cause):
            return NoResponse(Cause.UNTRUSTED, sent=False)
        if isinstance(cause, socket.gaierror) and cause.errno in _NO_SUCH_NAME:
            return NoResponse(Cause.UNRESOLVED, sent=False)
        if isinstance(cause, UnicodeError):  # a name that no host can have (RFC 3490, 4.1)
            return NoResponse(Cause.UNRESOLVED, sent=False)
        too_slow = too_slow or isinstance(cause, TimeoutError)
    return NoResponse(Cause.TIMEOUT if too_slow else Cause.UNREACHABLE, sent=False)


def is_about_a_file(cause: BaseException) -> bool:
    """Whether the certificates on our own side cannot be read."""
    return isinstance(cause, ssl.SSLError) and cause.library == "X509"


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all it was made from: causes, contexts, reasons and wrapped arguments."""
    seen: set[int] = set()
    stack: list[object] = [error]
    while stack:
        item = stack.pop()
        if isinstance(item, BaseException) and id(item) not in seen:
            seen.add(id(item))
            yield item
            stack += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
