"""Replies whose head came and whose body was cut, or too large: what the head says is heard."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.places import Sign
from bide.messages import head_of
from bide.ticket import Source, Ticket
from bide.upload import Uploaded, Uploading, upload
from tests.laws import DIALECT, HANDLE, START

FOUND = "https://api.mill.example/jobs/7"


def mill(**more: object) -> Declared:
    """A service that takes no key and says in the head where the job is."""
    said: dict[str, object] = {
        "submit": Call("POST", ("/jobs",), body={"input": "{input}"}),
        "poll": Call(urls=("{status}", "/jobs/{id}")),
        "cancel": Call("POST", ("/jobs/{id}/cancel",)),
        "id": ("@mill-job", "id"),
        "links": {"status": ("@location",)},
        "status": ("status",),
        "phases": {"ground": Phase.SUCCEEDED},
    }
    return Declared(Declaration(name="mill", base_url="https://api.mill.example", **(said | more)))  # type: ignore[arg-type]


def cut(status: int, cause: bide.Cause = bide.Cause.RESET, **fields: str) -> bide.NoResponse:
    lines = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return bide.NoResponse(cause, sent=True, head=bide.Response(status, bide.Headers.of(lines)))


def order(dialect: bide.Dialect = mill(), key: str | None = None) -> bide.Submitting:
    return bide.submit(bide.Order("rye", {}, key=key), dialect=dialect, now=START)


@pytest.mark.parametrize("cause", [bide.Cause.RESET, bide.Cause.TIMEOUT, bide.Cause.PROTOCOL, bide.Cause.TOO_LARGE])
@pytest.mark.parametrize("fields", [{"location": "/jobs/7"}, {"mill_job": "7"}])
def test_a_job_that_the_head_names_is_polled(cause: bide.Cause, fields: dict[str, str]) -> None:
    job = order().receive(cut(202, cause, **fields), now=START)
    assert isinstance(job, bide.Polling)
    assert job.request.url == FOUND
    assert (job.past.known, job.past.failures) == (True, 0)


def test_no_head_says_that_a_job_is_done() -> None:
    at_once = mill(signs=(Sign(Phase.SUCCEEDED, http=("200",)),))
    job = order(at_once).receive(cut(200, location="/jobs/7"), now=START)
    assert isinstance(job, bide.Polling)
    again = job.receive(cut(200), now=job.due)
    assert isinstance(again, bide.Polling)
    assert (again.past.failures, again.past.trace[-1].what) == (1, "poll: the connection was cut")


def test_what_accepts_and_names_nothing_is_kept() -> None:
    for cause in (bide.Cause.RESET, bide.Cause.TOO_LARGE):
        job = order().receive(cut(202, cause, mill_queue="slow"), now=START)
        assert isinstance(job, bide.Abandoned)
        assert job.reason is bide.Reason.UNFOLLOWABLE
        assert job.said is not None
        assert job.said.headers == (("mill-queue", "slow"),)
        assert job.problem == bide.Problem("HTTP_202", f"only the head came: {cause.value}")


def test_where_it_points_is_told_with_why_no_body_came() -> None:
    job = order().receive(cut(201, location="http://elsewhere.example/7?sig=1"), now=START)
    assert isinstance(job, bide.Abandoned)
    told = "location: http://elsewhere.example/7; only the head came: the connection was cut"
    assert job.problem == bide.Problem("HTTP_201", told)


def test_under_its_key_a_submission_is_sent_again() -> None:
    job = order(DIALECT, "key-1").receive(cut(202), now=START)
    assert isinstance(job, bide.Submitting)
    assert job.unclear


@pytest.mark.parametrize(("status", "end"), [(422, bide.Failed), (401, bide.Abandoned)])
def test_a_refusal_is_heard_by_its_status(status: int, end: type[bide.Job]) -> None:
    job = order().receive(cut(status), now=START)
    assert isinstance(job, end)
    assert not isinstance(job, bide.Abandoned) or job.reason is bide.Reason.UNAUTHORISED


def test_a_limiter_is_heard_with_its_wait() -> None:
    job = order().receive(cut(429, retry_after="40"), now=START)
    assert isinstance(job, bide.Submitting)
    assert (job.due, job.unclear) == (START + 40, False)


def test_a_redirect_is_followed() -> None:
    job = bide.watch("7", dialect=mill(), now=START).receive(cut(307, location="/jobs/8"), now=START)
    assert isinstance(job, bide.Polling)
    assert job.request.url == "https://api.mill.example/jobs/8"


def test_what_answers_a_cancel_is_looked_into() -> None:
    known = bide.watch("7", dialect=mill(), now=START)
    asked = bide.cancel(known, now=START)
    assert isinstance(asked, bide.Cancelling)
    for status in (200, 202, 409):
        after = asked.receive(cut(status), now=START)
        assert isinstance(after, bide.Cancelling)
        assert (after.asked, after.request.method, after.tries) == (True, "GET", 0)


def test_other_words_of_a_head_stand() -> None:
    limited = mill(signs=(Sign(Phase.LIMITED, when={"@mill-busy": ("1",)}),))
    job = order(limited).receive(cut(200, mill_busy="1"), now=START)
    assert isinstance(job, bide.Submitting)
    assert job.past.limited == 1


def test_a_file_that_was_put_is_there_and_a_place_must_be_read() -> None:
    file = upload(Source("fox.png", 3), dialect=DIALECT, now=START)
    asked = file.receive(cut(200), now=START)
    assert isinstance(asked, Uploading)
    assert (asked.step, asked.past.failures) == ("ask", 1)
    there = Ticket("file_1", bide.Request("PUT", "https://storage.example/1"))
    put = replace(file, step="put", ticket=there).receive(cut(200), now=START)
    assert isinstance(put, Uploading)
    assert put.step == "confirm"
    assert isinstance(put.receive(cut(204), now=START), Uploaded)


def test_the_head_is_taken_for_the_reply_from_a_status_on() -> None:
    reply, nothing = cut(300), bide.NoResponse(bide.Cause.RESET, sent=True)
    assert head_of(reply) is reply.head
    assert head_of(reply, least=301) is reply
    assert head_of(nothing) is nothing
    assert head_of(bide.Response(200)) == bide.Response(200)


def test_a_job_keeps_its_handle_through_a_cut_look() -> None:
    job = bide.watch(HANDLE, dialect=DIALECT, now=START).receive(cut(503, retry_after="9"), now=START)
    assert isinstance(job, bide.Polling)
    assert (job.handle, job.due) == (HANDLE, START + 9)
