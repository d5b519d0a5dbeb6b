"""What an exception of requests and urllib3 means: why no response came, and whether the request may have arrived.

The texts of these exceptions hold whole URLs, signatures included, so none of them is passed on.
"""

from __future__ import annotations

import socket
import ssl
from http.client import BadStatusLine, HTTPException, IncompleteRead

import requests
from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    DecodeError,
    EmptyPoolError,
    HTTPError,
    InvalidChunkLength,
    InvalidHeader,
    LocationValueError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    SSLError,
)

from bide.messages import Cause, NoResponse
from bide_transports.budget import Deserted
from bide_transports.connection_faults import chain, is_about_a_file, no_connection
from bide_transports.lookup import PrivateAddress
from bide_transports.proxies import ProxyFailed

#: All that sending and reading with requests can raise because of the network or the server.
FAULTS = (requests.RequestException, HTTPError, HTTPException)

#: No byte came over a connection that was used before; the same value each time.
DESERTED = NoResponse(Cause.RESET, sent=True)

_NOT_SENT = (requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema, requests.exceptions.InvalidHeader)
_NO_NAME = (requests.exceptions.InvalidURL, LocationValueError)  # one that no host can have: the rest of it is sound
_NOT_CONNECTED = (ConnectTimeoutError, NewConnectionError)  # no ProxyError: urllib3 says so of a cut reply, too
_NO_CONNECTION = (EmptyPoolError, ClosedPoolError)  # all are in use; or another thread closes those that are not
_NOT_HTTP = (BadStatusLine, DecodeError, InvalidChunkLength, requests.exceptions.ContentDecodingError)
_ENDED = ("Response ended prematurely",)  # between two chunks, in the words of urllib3
_NO_TUNNEL = "Tunnel connection failed: "  # in those of http.client
_TOO_SLOW = (requests.Timeout, TimeoutError)
_MISSING = ("Could not find a suitable TLS ", "Could not find the TLS ")  # in those of requests


def no_response(error: Exception) -> NoResponse:
    """`error` as the value the core decides on."""
    causes = list(chain(error))

    def is_any(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if is_any(*_NO_CONNECTION):
        return NoResponse(Cause.BUSY, sent=False)
    if is_any(ssl.SSLCertVerificationError, socket.gaierror, ProxyFailed, PrivateAddress, *_NOT_CONNECTED) or any(
        map(is_about_a_file, causes)
    ):
        made = no_connection(error)
        by_proxy = is_any(ProxyError) and made.cause in (Cause.UNREACHABLE, Cause.UNRESOLVED)
        return NoResponse(Cause.PROXY, sent=False) if by_proxy else made
    if any(str(cause).startswith(_NO_TUNNEL) for cause in causes):
        return NoResponse(Cause.PROXY, sent=False)
    if is_any(SSLError) and is_any(PermissionError):  # a file of certificates that is another's
        return NoResponse(Cause.UNTRUSTED, sent=False)
    if isinstance(error, _NOT_SENT) and not is_any(InvalidHeader):  # urllib3's own is about the reply
        return NoResponse(Cause.PROTOCOL, sent=False)
    if is_any(*_NO_NAME):
        return NoResponse(Cause.UNRESOLVED, sent=False)
    if is_any(*_TOO_SLOW):
        return NoResponse(Cause.TIMEOUT, sent=True)
    if is_any(Deserted):
        return DESERTED
    cut = is_any(ConnectionError) or (is_any(IncompleteRead) and not is_any(*_NOT_HTTP))
    cut = cut or any(isinstance(cause, ProtocolError) and cause.args == _ENDED for cause in causes)
    return NoResponse(Cause.RESET if cut else Cause.PROTOCOL, sent=True)


def no_certificates(error: OSError) -> NoResponse | None:
    """That a file of certificates, the authorities' or our own, is missing; None for any other error.

    The text holds the path and nothing else, so it is passed on.
    """
    text = str(error)
    return NoResponse(Cause.UNTRUSTED, sent=False, detail=text) if text.startswith(_MISSING) else None
