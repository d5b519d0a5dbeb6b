"""What differs from one request of a job to the next: its id and its time, the same whenever the state is the same."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.dialects.calls import Call
from bide.dialects.declared import Declared
from bide.dialects.moments import Moment, told
from tests.declarations import SOUND
from tests.laws import START

DIALECT = Declared(
    replace(
        SOUND,
        submit=Call(
            "POST",
            ("/jobs",),
            (("first-sent", "{since}"), ("key", "{key}")),
            body={"in": "{input}", "run": "{request_id}"},
        ),
        poll=Call("GET", ("/jobs/{id}",), query=(("at", "{now}"),)),
        cancel=Call("PUT", ("/jobs/{id}/stop",)),
        headers=(("x-request-id", "{request_id}"), ("x-date", "{date}")),
    )
)


def reply(status: str, code: int = 200) -> bide.Response:
    return bide.Response(code, body=json.dumps({"id": "7", "status": status, "output": 1}).encode())


def lines(job: bide.Waiting) -> dict[str, str]:
    return dict(job.request.headers)


def test_every_request_has_an_id_of_its_own_and_its_time() -> None:
    job: bide.Job = bide.submit(bide.Order("m", {}, "key-1"), dialect=DIALECT, now=START)
    assert isinstance(job, bide.Submitting)
    assert lines(job)["x-date"] == lines(job)["first-sent"] == "Mon, 23 Nov 2026 13:33:27 GMT"
    assert json.loads(job.request.body)["run"] == lines(job)["x-request-id"]
    seen = [lines(job)["x-request-id"]]
    again = job.receive(bide.NoResponse(bide.Cause.TIMEOUT, sent=True), now=START + 30)
    assert isinstance(again, bide.Submitting)
    assert lines(again)["first-sent"] == "Mon, 23 Nov 2026 13:33:27 GMT"
    seen.append(lines(again)["x-request-id"])
    job = again.receive(reply("new", 201), now=START + 60)
    for now in (61, 65, 70):
        assert isinstance(job, bide.Polling)
        assert job.request.url.startswith("https://api.acme.example/v1/jobs/7?at=2026-11-23T13%3A34%3A")
        seen.append(lines(job)["x-request-id"])
        job = job.receive(reply("running"), now=START + now)
    assert isinstance(job, bide.Polling)
    seen.append(lines(bide.cancel(job, now=START + 71))["x-request-id"])
    seen.append(lines(job)["x-request-id"])
    assert len(set(seen)) == len(seen) == 7


def test_the_same_state_makes_the_same_request_and_a_token_keeps_it() -> None:
    job = bide.watch("7", dialect=DIALECT, now=START)
    assert job.request == job.request
    assert bide.load(bide.dump(job), dialect=DIALECT) == job
    assert bide.load(bide.dump(job), dialect=DIALECT).request == job.request  # type: ignore[union-attr]


def test_a_declaration_without_such_a_gap_speaks_as_it_is() -> None:
    plain = Declared(SOUND)
    assert plain.at(Moment("seed", START, "poll", 1, START)) is plain


@given(
    st.builds(
        Moment,
        st.text(),
        st.floats(-1e300, 1e300),
        st.sampled_from(["submit", "poll"]),
        st.integers(0, 2**60),
        st.floats(-1e300, 1e300),
    )
)
def test_any_moment_can_be_told(moment: Moment) -> None:
    said = told(moment)
    assert UUID(said["request_id"]).version in (8, None)
    assert str(UUID(said["request_id"])) == said["request_id"]
    assert all(value.isascii() and value.isprintable() for value in said.values())


@pytest.mark.parametrize(
    ("at", "date", "now"),
    [
        (0.0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
        (951_827_696.9, "Tue, 29 Feb 2000 12:34:56 GMT", "2000-02-29T12:34:56Z"),
        (-5.0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
        (1e18, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z"),
    ],
)
def test_times_are_told_as_http_and_iso_8601_have_them(at: float, date: str, now: str) -> None:
    said = told(Moment("seed", at, "poll", 0, at))
    assert (said["date"], said["since"], said["now"]) == (date, date, now)
