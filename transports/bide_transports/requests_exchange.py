"""One request through requests: what goes on the wire, what comes back, and what must not leak on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any, BinaryIO, cast

import requests
from requests.auth import HTTPBasicAuth
from urllib3 import HTTPResponse

from bide.messages import Cause, Headers, NoResponse, Reply, Request, Response
from bide.secret import Credential
from bide.urls import address
from bide_transports.bounded import BoundedAdapter, bounded
from bide_transports.budget import Deadline
from bide_transports.dialling import sent
from bide_transports.flow import Floor, Flow
from bide_transports.lookup import only_public
from bide_transports.reply_body import begin
from bide_transports.requests_faults import DESERTED, FAULTS, no_certificates, no_response
from bide_transports.sinks import Into
from bide_transports.tracebacks import hushed

_CHUNK, _SMALL_CHUNK = 65536, 8192  # bytes


def exchange(
    request: Request,
    *,
    session: requests.Session,
    credential: Credential = (),
    into: Into | None = None,
    content: BinaryIO | None = None,
    floor: Floor = Floor(),
) -> Reply:
    """Send one request once and return what came back; network and server faults are values, never raised.

    `credential` holds the header lines that carry the key. `into` sees status and headers first: where it
    returns a file, the body goes there in chunks and is left out of the response. `content` is a file whose bytes
    are the request's body. Errors of either file pass, and one that is slower than the `floor` is given up. A
    repeatable request over a connection that the server had closed meanwhile is sent once more, over a new one. All
    that takes time is within the request's timeout: look-up, connection, proxy, handshake, request and reply.
    """
    if address(request.url) is None:
        return NoResponse(Cause.PROTOCOL, sent=False)

    def sign(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        own = cast("Any", session).auth  # an auth of ours in its place: requests would look into ~/.netrc otherwise
        if own:
            prepared = cast("Any", own if callable(own) else HTTPBasicAuth(*own))(prepared)
        prepared.headers.update(credential)
        if not session.params:
            prepared.url = request.url  # requests spells some addresses anew, which may be signed over their text
        return prepared

    is_file, now = into is not None or content is not None, time.monotonic()
    flow = Flow(last=now + request.timeout, floor=floor if is_file else None, now=now)
    deadline = Deadline(flow, fresh=not request.repeatable)
    plain = requests.Request(
        request.method, request.url, headers=dict(request.headers), data=content or request.body or None, auth=sign
    )
    reply = _attempt(plain, session, request, deadline, into)
    if reply is DESERTED and request.repeatable and content is None and deadline.read_timeout:
        bounded(session.get_adapter(request.url)).close()  # closes what is idle: it is of that age, too
        again = _attempt(plain, session, request, deadline, into)
        reply = again if isinstance(again, Response) or again.sent else reply  # the first may have arrived all the same
    return reply


def _attempt(
    plain: requests.Request, session: requests.Session, request: Request, deadline: Deadline, into: Into | None
) -> Reply:
    try:
        with only_public(request.public):
            adapter = bounded(session.get_adapter(request.url))  # below Session.send: it reads a redirect's whole body
            answer, proxy = sent(session.prepare_request(plain), session, adapter, request.url, deadline)
        with answer:
            refusal = None if proxy is None else proxy.refusal(answer.status_code)
            return refusal or _read(answer, request, into)
    except FAULTS as error:
        return no_response(error)
    except OSError as error:
        missing = no_certificates(error)
        if missing is None:
            raise hushed(error)  # noqa: B904  it is the same
        return missing
    except BaseException as error:  # noqa: BLE001  it is raised again
        raise hushed(error)  # noqa: B904  it is the same


def _read(answer: requests.Response, request: Request, into: Into | None) -> Reply:
    """The response with its body read within the bounds of the `request`, or what is wrong with it."""
    headers = Headers.of(answer.raw.headers.items())
    length = headers.get("content-length")
    if answer.status_code < 200:  # the reply itself may follow, to where only a `BoundedAdapter` reads on
        return NoResponse(Cause.PROTOCOL, sent=True, detail=f"{answer.status_code} came in place of the reply")
    if length is not None and not (length.isascii() and length.isdigit() and "transfer-encoding" not in headers.fields):
        return NoResponse(Cause.PROTOCOL, sent=True)
    body = begin(Response(answer.status_code, headers), request, into)
    if isinstance(body, NoResponse):
        return body
    try:
        for chunk in _pieces(answer.raw):
            refusal = body.take(chunk)
            if refusal is not None:
                return refusal
    except FAULTS as error:
        return replace(no_response(error), head=body.head)
    return body.reply()


def _pieces(raw: HTTPResponse) -> Iterator[bytes]:
    """The body as it comes, coded: `read` would wait for a whole piece, and lose the beginning of one that is cut."""
    if raw.chunked:  # by an adapter of the caller's own
        return raw.stream(_SMALL_CHUNK, decode_content=False)  # there it loses no more than that
    return iter(partial(raw.read1, _CHUNK, decode_content=False), b"")


def own_session() -> requests.Session:
    """A session for the API: whole exchanges bounded, no cookies kept."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter())
    return bare_session(session)


def bare_session(like: requests.Session) -> requests.Session:
    """A fresh session that goes the same way as `like`, with none of its headers, cookies or credentials."""
    session = requests.Session()
    session.headers["user-agent"] = f"bide {requests.utils.default_user_agent()}"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.proxies, session.verify, session.trust_env = like.proxies, like.verify, like.trust_env
    session.adapters = like.adapters
    return session
