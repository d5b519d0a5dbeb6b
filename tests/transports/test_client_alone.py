"""The client without a transport: what it imports, and that a function that sends is all that it wants."""

from __future__ import annotations

import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from typing import BinaryIO

import pytest

import bide
from bide.errors import JobFailed
from bide.messages import Reply, Request, Response
from bide.secret import Credential
from bide_transports.client import Ask, Client, Interrupted, Wait, drive
from bide_transports.client.conversations import JobConversation
from bide_transports.client.drivers import of_jobs
from bide_transports.emulator import VirtualClock
from bide_transports.sinks import Into
from bide_transports.wishes import say

DONE = b'{"id":"exec_1","status":"COMPLETED","output":{"text":"a fox"}}'
FAILED = b'{"id":"exec_1","status":"FAILED","error":{"code":"NO_FOX","message":"none came"}}'


class Sent:
    """An adapter that answers by itself, and keeps what it was given."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.seen = list(replies), list[tuple[str, Credential, bool]]()

    def __call__(
        self, request: Request, credential: Credential, into: Into | None, content: BinaryIO | None, *, home: bool
    ) -> Reply:
        assert (into, content) == (None, None)
        self.seen.append((request.method, credential, home))
        return self.replies.pop(0)


def test_it_imports_no_http_library() -> None:
    code = "import sys, bide_transports.client; print({'requests', 'urllib3', 'trio', 'h11', 'anyio'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"


def test_a_function_that_sends_is_all_it_wants() -> None:
    send = Sent(Response(202, body=b'{"id":"exec_1","status":"PENDING"}'), Response(200, body=DONE))
    with Client("sk_key", send=send, clock=VirtualClock()) as client:
        assert client.run("flux-1.1-pro", {"prompt": "a fox"}).output == {"text": "a fox"}
    assert send.seen == [
        ("POST", (("authorization", "Bearer sk_key"),), True),
        ("GET", (("authorization", "Bearer sk_key"),), True),
    ]


def test_an_interrupt_says_where_to_go_on() -> None:
    class Late(VirtualClock):
        def sleep_until(self, due: float) -> None:
            if due > self.now():
                raise KeyboardInterrupt

    send = Sent(Response(202, body=b'{"id":"exec_1","status":"PENDING"}'))
    with Client("sk_key", send=send, clock=Late()) as client, pytest.raises(Interrupted) as caught:
        client.run("flux-1.1-pro", {"prompt": "a fox"})
    assert caught.value.job.handle == "exec_1"
    assert client.unfinished == [caught.value.job]


def test_a_conversation_waits_once_before_each_request() -> None:
    clock = VirtualClock()
    job = bide.watch("exec_1", dialect=bide.ModelRoute(), now=clock.now())
    told: list[bide.Job] = []
    talk = JobConversation(job, note=told.append)
    first = talk.next(now=clock.now())
    assert first == Wait(job.due, "exec_1")
    asked = talk.next(now=clock.now())
    assert isinstance(asked, Ask)
    assert asked.request == job.request
    talk.receive(Response(200, body=FAILED), now=clock.now())
    assert told == []
    assert talk.next(now=clock.now()) is None
    assert told == [talk.outcome()]
    with pytest.raises(JobFailed, match="NO_FOX"):
        bide.unwrap(talk.outcome())


def test_what_an_exchange_raises_is_told_to_the_conversation() -> None:
    clock, left = VirtualClock(), list[BaseException]()

    def keep(job: bide.Job, error: BaseException) -> bide.Job:
        left.append(error)
        return job

    def exchange(_: Request) -> Reply:
        raise LookupError

    talk = JobConversation(bide.watch("exec_1", dialect=bide.ModelRoute(), now=clock.now()), left=keep)
    with pytest.raises(LookupError) as caught:
        drive(talk, of_jobs(exchange), clock)
    assert left == [caught.value]


@pytest.mark.parametrize("key", [None, "key-1"])
def test_a_submission_that_was_cut_short_is_not_sent_again_without_a_key(key: str | None) -> None:
    clock = VirtualClock()
    job = bide.submit(bide.Order("m", {}, key=key), dialect=bide.ModelRoute(), now=clock.now())
    talk = JobConversation(job)
    talk.next(now=clock.now())
    assert isinstance(talk.next(now=clock.now()), Ask)
    again = talk.next(now=clock.now())  # nobody has said what came of the first
    if key is None:
        assert again is None
        assert isinstance(talk.job, bide.Abandoned)
        assert talk.job.reason is bide.Reason.AMBIGUOUS
    else:
        assert isinstance(again, Ask)
        assert isinstance(talk.job, bide.Submitting)
        assert talk.job.unclear


def test_the_command_speaks_to_a_text_in_memory_too() -> None:
    with redirect_stdout(StringIO()) as said:
        say("a fox")
    assert said.getvalue() == "a fox\n"
