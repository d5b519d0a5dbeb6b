"""A server that answers before it has the whole request, and closes or reads no further: what it said is the reply."""

from __future__ import annotations

import ssl
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from io import BytesIO
from typing import Protocol

import pytest
import trio

from bide.messages import Cause, NoResponse, Reply, Request, Response
from bide_transports import requests as over_requests
from bide_transports import trio as over_trio
from bide_transports.bounded import BoundedAdapter
from bide_transports.requests_exchange import own_session
from tests.hostile import (
    GOOD,
    TEXT,
    Line,
    Script,
    Server,
    Step,
    head,
    hear,
    patiently,
    read,
    reply,
    reset,
    send,
    wait_for,
)
from tests.reactions import Where, reacts

MB = 1024 * 1024
LARGE = bytes(24 * MB)  # more than two kernels hold between them
REFUSED = reply(b'{"error":"too large"}', status="413 Content Too Large")
CUT, LATE = NoResponse(Cause.RESET, sent=True), NoResponse(Cause.TIMEOUT, sent=True)


class Ask(Protocol):
    """One request, a body or a file with it, over a client of its own; then a GET, to see that nothing is left over."""

    def __call__(
        self, request: Request, file: bytes | None = None, *, trusting: ssl.SSLContext | None = None
    ) -> tuple[Reply, Reply]: ...


def by_requests(
    request: Request, file: bytes | None = None, *, trusting: ssl.SSLContext | None = None
) -> tuple[Reply, Reply]:
    """Asked by requests."""
    with own_session() as session:
        if trusting is not None:
            adapter = BoundedAdapter()
            adapter.init_poolmanager(1, 1, ssl_context=trusting)
            session.mount("https://", adapter)
        content = None if file is None else BytesIO(file)
        first = over_requests.exchange(request, session=session, content=content)
        return first, over_requests.exchange(Request("GET", request.url), session=session)


def by_trio(
    request: Request, file: bytes | None = None, *, trusting: ssl.SSLContext | None = None
) -> tuple[Reply, Reply]:
    """Asked by trio with h11."""

    async def main() -> tuple[Reply, Reply]:
        async with over_trio.Pool(tls=trusting) as pool, aclosing(pieces(file or b"")) as content:
            first = await over_trio.exchange(request, pool=pool, content=None if file is None else content)
            return first, await over_trio.exchange(Request("GET", request.url), pool=pool)

    return trio.run(main)


async def pieces(file: bytes) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(file), 65536):
        await trio.lowlevel.checkpoint()
        yield file[at : at + 65536]


def submission(server: Server, *, timeout: float = 20.0, body: bytes = LARGE) -> Request:
    return Request("POST", server.url + "/v1/executions", body=body, timeout=timeout, repeatable=False)


def upload(server: Server, file: bytes = LARGE, *, timeout: float = 20.0) -> Request:
    return Request("PUT", server.url + "/upload", (("content-length", str(len(file))),), timeout=timeout)


def split(whole: bytes) -> Script:
    """`whole` in two pieces, so that TLS puts them into two records."""
    return (send(whole[:30]), send(whole[30:]))


def read_no_more(line: Line) -> None:
    wait_for(threading.Event())(line)


ASKS = pytest.mark.parametrize("ask", [by_requests, by_trio], ids=["requests", "trio"])
BOTH_KINDS = pytest.mark.parametrize("streamed", [False, True], ids=["body", "file"])


@reacts(
    Where.REPLY,
    "a reply (413, 401) before the request was read, then a reset",
    "what was said is the reply; the rest is not sent",
)
@ASKS
@BOTH_KINDS
@pytest.mark.parametrize("then", [(reset,), ()], ids=["resets", "ends"])
def test_a_refusal_that_comes_before_the_body_is_read_is_the_reply(ask: Ask, streamed: bool, then: Script) -> None:
    """Reset, or closed when all is read, as the scripts here do at their end."""
    with Server((hear, send(REFUSED), *then), (read, send(GOOD))) as server:
        first, after = ask(upload(server), LARGE) if streamed else ask(submission(server))
    assert isinstance(first, Response), first
    assert (first.status, first.body) == (413, b'{"error":"too large"}')
    assert isinstance(after, Response)
    assert after.body == TEXT


@ASKS
def test_half_a_refusal_is_a_cut(ask: Ask) -> None:
    with Server((hear, send(REFUSED[:-1]), reset), (read, send(GOOD))) as server:
        assert ask(submission(server))[0] == CUT


@ASKS
def test_no_answer_is_a_cut(ask: Ask) -> None:
    with Server((hear, reset), (read, send(GOOD))) as server:
        assert ask(submission(server))[0] == CUT


@reacts(
    Where.REPLY,
    "the same, and the server neither reads on nor closes",
    "the reply is not waited with; the connection is closed",
)
@ASKS
@BOTH_KINDS
@pytest.mark.parametrize("interim", [b"", head(status="HTTP/1.1 100 Continue")])
def test_a_server_that_has_answered_need_not_read_on(ask: Ask, streamed: bool, interim: bytes) -> None:
    with Server((hear, send(interim), send(REFUSED), read_no_more), (read, send(GOOD))) as server:
        first, after = ask(upload(server), LARGE) if streamed else ask(submission(server))
    assert isinstance(first, Response), first
    assert first.status == 413
    assert isinstance(after, Response)
    assert server.connections == 2


@ASKS
def test_a_job_that_is_accepted_before_its_input_is_read_is_accepted(ask: Ask) -> None:
    accepted = reply(b'{"id":"exec_1"}', status="202 Accepted")
    for then in (read_no_more, reset):
        with Server((hear, send(accepted), then), (read, send(GOOD))) as server:
            first, after = ask(submission(server))
        assert isinstance(first, Response), first
        assert first.status == 202
        assert isinstance(after, Response)
        assert server.connections == 2


@ASKS
def test_a_file_is_sent_to_its_end_though_its_success_is_told_before(ask: Ask) -> None:
    with Server((send(reply(b"")), read, read, send(GOOD))) as server:
        first, after = ask(upload(server, LARGE[:MB]), LARGE[:MB])
    assert isinstance(first, Response), first
    assert isinstance(after, Response)
    assert server.received[0].endswith(LARGE[:MB])
    assert (len(server.received), server.connections) == (2, 1)


@reacts(Where.FILE, "200 to an upload that was not taken whole", "no success: it counts as cut")
@ASKS
def test_a_file_that_was_not_taken_whole_is_no_success_whatever_was_told(ask: Ask) -> None:
    with Server((hear, send(reply(b"")), reset), (read, send(GOOD))) as server:
        assert ask(upload(server), LARGE)[0] == CUT

    def trial(timeout: float) -> None:
        with Server((hear, send(reply(b"")), read_no_more), (read, send(GOOD))) as server:
            assert ask(upload(server, timeout=timeout), LARGE)[0] == LATE

    patiently(trial)


# -- over TLS ----------------------------------------------------------------------------------------------------------


@ASKS
@BOTH_KINDS
@pytest.mark.parametrize("then", [reset, read_no_more])
def test_the_same_over_tls(
    ask: Ask, streamed: bool, then: Step, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    with Server((hear, *split(REFUSED), then), (read, send(GOOD)), tls=contexts[0]) as server:
        asked = (upload(server), LARGE) if streamed else (submission(server), None)
        first, after = ask(*asked, trusting=contexts[1])
    assert isinstance(first, Response), first
    assert (first.status, first.body) == (413, b'{"error":"too large"}')
    assert isinstance(after, Response)


@ASKS
def test_half_a_refusal_over_tls_is_a_cut(ask: Ask, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with Server((hear, *split(REFUSED[:-1]), reset), (read, send(GOOD)), tls=contexts[0]) as server:
        assert ask(submission(server), trusting=contexts[1])[0] == CUT
