"""What an exception of requests and urllib3 means: why no response came, and whether the request may have arrived.

The texts of these exceptions hold whole URLs, signatures included, so none of them is passed on.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPException, IncompleteRead

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    InvalidChunkLength,
    InvalidHeader,
    MaxRetryError,
    NewConnectionError,
)

from bide.messages import Cause, NoResponse

#: All that sending and reading with requests can raise because of the network or the server.
FAULTS = (requests.RequestException, HTTPError, HTTPException)

_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_NOT_SENT = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.InvalidHeader)
_NOT_CONNECTED = (ConnectTimeoutError, NewConnectionError)  # no ProxyError: urllib3 says so of a cut reply, too
_NOT_HTTP = (BadStatusLine, DecodeError, InvalidChunkLength, requests.exceptions.ContentDecodingError)
_TOO_SLOW = (requests.Timeout, TimeoutError)


def no_response(error: Exception) -> NoResponse:
    """`error` as the value the core decides on."""
    chain = list(_chain(error))
    if any(isinstance(e, ssl.SSLCertVerificationError) for e in chain):
        return NoResponse(Cause.UNTRUSTED, sent=False)
    name = next((e for e in chain if isinstance(e, socket.gaierror)), None)
    if name is not None:
        return NoResponse(Cause.UNRESOLVED if name.errno in _NO_SUCH_NAME else Cause.UNREACHABLE, sent=False)
    if any(isinstance(e, _NOT_CONNECTED) for e in chain):
        return NoResponse(Cause.UNREACHABLE, sent=False)
    if isinstance(error, _NOT_SENT) and not any(isinstance(e, InvalidHeader) for e in chain):  # urllib3's: the reply's
        return NoResponse(Cause.PROTOCOL, sent=False)
    if any(isinstance(e, _TOO_SLOW) for e in chain):
        return NoResponse(Cause.TIMEOUT, sent=True)
    cut = any(isinstance(e, ConnectionError | IncompleteRead) for e in chain)
    not_http = any(isinstance(e, _NOT_HTTP) for e in chain) and not any(isinstance(e, ConnectionError) for e in chain)
    return NoResponse(Cause.PROTOCOL if not_http or not cut else Cause.RESET, sent=True)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all it was made from: causes, contexts, reasons and wrapped arguments."""
    seen: set[int] = set()
    stack: list[object] = [error]
    while stack:
        item = stack.pop()
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        stack += [item.__cause__, item.__context__, *item.args]
        if isinstance(item, MaxRetryError):
            stack.append(item.reason)
