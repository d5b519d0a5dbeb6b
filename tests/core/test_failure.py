"""The reason of a failure at an address of its own: asked for once the job has failed, and never more than a reason."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.lint import lint
from bide.dialects.places import Sign
from bide.dialects.written import read, write
from bide.document import JSON
from bide.errors import InvalidToken
from tests.declarations import SOUND
from tests.laws import START

API = "https://api.kiln.example"
DECLARATION = Declaration(
    name="kiln",
    base_url=API,
    submit=Call("POST", ("/firings",), body={"...": "{input}"}),
    poll=Call("GET", ("/firings/{id}",)),
    fetch=Call("GET", ("/firings/{id}/pot",)),
    cancel=Call("POST", ("/firings/{id}/stop",)),
    reason=Call("GET", ("{log}", "/firings/{id}/log")),
    id=("id",),
    links={"log": ("log",)},
    status=("state",),
    phases={"fired": Phase.SUCCEEDED, "cracked": Phase.FAILED, "stopped": Phase.CANCELLED},
    code=("fault.code",),
    message=("fault.text", "note"),
    request_id=("@x-request-id",),
)
KILN = Declared(DECLARATION)
LOG = f"{API}/firings/7/log"
CRACKED: dict[str, JSON] = {"id": "7", "state": "cracked"}
WHY: JSON = {"fault": {"code": "TOO_HOT", "text": "1400 degrees"}}
CUT = bide.NoResponse(bide.Cause.RESET, sent=True)
BUSY = bide.NoResponse(bide.Cause.BUSY, sent=False)


def answer(document: JSON, status: int = 200, **fields: str) -> bide.Response:
    lines = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return bide.Response(status, bide.Headers.of(lines), json.dumps(document).encode())


def polling(dialect: bide.Dialect = KILN, patience: bide.Patience = bide.Patience()) -> bide.Polling:
    return bide.watch("7", dialect=dialect, now=START, pace=bide.Every(4), patience=patience)


def after(job: bide.Job, *replies: bide.Reply) -> bide.Job:
    for reply in replies:
        assert isinstance(job, bide.Waiting)
        job = bide.load(bide.dump(job), dialect=job.terms.dialect)
        assert isinstance(job, bide.Waiting)
        job = job.receive(reply, now=job.due)
    return job


def asking(*, dialect: bide.Dialect = KILN, **members: JSON) -> bide.Fetching:
    """A job that has failed, and whose reason is asked for next."""
    job = after(polling(dialect), answer({**CRACKED, **members}))
    assert isinstance(job, bide.Fetching)
    return job


def problem(job: bide.Job) -> bide.Problem:
    assert isinstance(job, bide.Failed)
    assert job.handle is not None
    return job.problem


def test_the_reason_is_asked_for_at_once() -> None:
    job = asking()
    assert (job.request.method, job.request.url, job.due, job.why) == ("GET", LOG, START, bide.Why.AT_ONCE)
    assert job.failure == bide.Problem("CRACKED", json.dumps({**CRACKED}))
    told = after(job, answer(WHY, x_request_id="r-2"))
    assert problem(told) == bide.Problem("TOO_HOT", "1400 degrees", request_id="r-2")
    assert told.past.trace[-1].what == "reason: 200 TOO_HOT"
    assert told.past.status == "cracked"
    assert bide.load(bide.dump(told), dialect=KILN) == told


def test_it_may_lie_at_an_address_that_the_failure_tells() -> None:
    job = asking(log="/logs/a?t=1")
    assert job.request.url == f"{API}/logs/a?t=1"
    assert after(job, answer(WHY)).handle == job.handle


def test_nothing_is_asked_where_it_cannot_be_asked() -> None:
    by_log_alone = Declared(replace(DECLARATION, reason=Call("GET", ("{log}",))))
    assert problem(after(polling(by_log_alone), answer({**CRACKED}))).code == "CRACKED"
    silent = Declared(replace(DECLARATION, reason=None))
    assert problem(after(polling(silent), answer({**CRACKED}))).code == "CRACKED"


def test_every_reply_that_says_failed_leads_there() -> None:
    order = bide.Order("pot", {"clay": "red"})
    at_once = after(bide.submit(order, dialect=KILN, now=START), answer({**CRACKED}, 201))
    assert isinstance(at_once, bide.Fetching)
    fetched = Sign(Phase.FAILED, {"state": ("cracked",)}, asked=("fetch",))
    in_the_end = Declared(replace(DECLARATION, signs=(fetched,)))
    at_last = after(polling(in_the_end), answer({"id": "7", "state": "fired"}), answer({**CRACKED}))
    cancelled = after(bide.cancel(polling(), now=START), answer({}, 202), answer({**CRACKED}))
    for job in (at_once, at_last, cancelled):
        assert isinstance(job, bide.Fetching)
        assert job.request.url == LOG
        assert bide.cancel(job, now=START) is job
        assert problem(after(job, answer(WHY))).message == "1400 degrees"


def test_what_was_ordered_may_be_told_when_it_is_asked() -> None:
    by_input = Declared(
        replace(DECLARATION, reason=Call("POST", ("/logs",), body={"job": "{id}", "of": "{input.clay}"}))
    )
    submitted = bide.submit(bide.Order("pot", {"clay": "red"}), dialect=by_input, now=START)
    job = after(submitted, answer({"id": "7", "state": "new"}, 201), answer({**CRACKED}))
    assert isinstance(job, bide.Fetching)
    assert (job.request.method, job.request.body) == ("POST", b'{"job":"7","of":"red"}')


def test_each_question_may_have_an_id_of_its_own() -> None:
    traced = Declared(replace(DECLARATION, reason=Call("GET", ("/firings/{id}/log",), (("x-trace", "{request_id}"),))))
    first = asking(dialect=traced)
    second = after(first, answer({}, 503))
    assert isinstance(second, bide.Fetching)
    assert len({dict(job.request.headers)["x-trace"] for job in (first, second)}) == 2


@pytest.mark.parametrize(
    ("reply", "code", "message"),
    [
        (answer({"note": "it was wet"}), "CRACKED", "it was wet"),
        (answer({"lines": ["wet"]}), "CRACKED", '{"lines": ["wet"]}'),
        (bide.Response(200, body=b"clay too wet\n"), "CRACKED", "clay too wet"),
        (answer({"id": "log-1", "state": "fired", "note": "x"}), "CRACKED", "x"),
        (answer({"fault": {"code": "WET"}}, 202), "WET", '{"fault": {"code": "WET"}}'),
    ],
)
def test_what_it_does_not_say_stays_as_it_was(reply: bide.Response, code: str, message: str) -> None:
    assert problem(after(asking(), reply)) == bide.Problem(code, message)


@pytest.mark.parametrize("reply", [bide.Response(204), answer({}), answer({"fault": {"code": "WET"}})])
def test_words_of_the_failure_itself_are_not_lost(reply: bide.Response) -> None:
    job = after(asking(note="kiln 3 opened", fault={"code": "E3"}), reply)
    assert "kiln 3 opened" in problem(job).message
    assert problem(job).code in ("E3", "WET")


def test_words_that_are_told_twice_are_shown_once() -> None:
    told = after(asking(note="kiln 3 opened"), answer({"note": "kiln 3 opened: power cut"}))
    assert problem(told).message == "kiln 3 opened: power cut"
    assert problem(after(asking(note="kiln 3 opened"), answer(WHY))).message == "1400 degrees (kiln 3 opened)"


PASSING = [
    answer({}, 503),
    answer({}, 429),
    CUT,
    bide.Response(200, bide.Headers.of([("content-type", "text/html")]), b"<html>log in"),
]


@pytest.mark.parametrize("first", PASSING)
@pytest.mark.parametrize("second", PASSING)
def test_trouble_is_given_three_tries(first: bide.Reply, second: bide.Reply) -> None:
    job = asking()
    again = after(job, first)
    assert isinstance(again, bide.Fetching)
    assert (again.why, again.tries, again.request) == (bide.Why.BACKOFF, 1, job.request)
    assert again.due > job.due
    assert problem(after(again, second, answer(WHY))).code == "TOO_HOT"
    assert problem(after(again, second, first)) == job.failure


def test_a_hint_is_obeyed() -> None:
    job = after(asking(), answer({}, 429, retry_after="9"))
    assert isinstance(job, bide.Fetching)
    assert job.due == START + 9


def test_a_try_that_was_not_made_is_none() -> None:
    job = after(asking(), BUSY, BUSY, BUSY, BUSY)
    assert isinstance(job, bide.Fetching)
    assert job.tries == 0


@pytest.mark.parametrize(
    "reply",
    [
        *(answer({"note": "no"}, status) for status in (400, 401, 402, 403, 404, 409, 410, 422)),
        answer({}, 307, location="https://elsewhere.example/log"),
        bide.NoResponse(bide.Cause.UNTRUSTED, sent=False),
    ],
)
def test_a_refusal_leaves_the_failure_as_it_was(reply: bide.Reply) -> None:
    job = asking(note="kiln 3 opened")
    assert problem(after(job, reply)) == job.failure


def test_a_redirect_is_followed_and_is_no_try() -> None:
    job = after(asking(), answer({}, 302, location="/archive/7"))
    assert isinstance(job, bide.Fetching)
    assert (job.request.url, job.tries, job.due) == (f"{API}/archive/7", 0, START)
    assert problem(after(job, answer(WHY))).code == "TOO_HOT"


def test_a_sign_may_say_what_a_reply_about_the_reason_means() -> None:
    signs = (
        Sign(Phase.TRANSIENT, http=("404",), asked=("reason",)),
        Sign(Phase.SUCCEEDED, {"all": ("well",)}, asked=("reason",)),
        Sign(Phase.FAILED, http=("410",), asked=("reason",)),
    )
    job = asking(dialect=Declared(replace(DECLARATION, signs=signs)))
    assert isinstance(after(job, answer({}, 404)), bide.Fetching)  # it is written a while later
    assert problem(after(job, answer({"all": "well", "note": "fine"}))) == job.failure
    assert problem(after(job, answer({"note": "swept away"}, 410))).message == "swept away"


def test_the_deadline_is_exact() -> None:
    patience = bide.Patience(deadline=10)
    assert problem(polling(patience=patience).receive(answer({**CRACKED}), now=START + 10)).code == "CRACKED"
    late = polling(patience=patience).receive(answer({**CRACKED}), now=START + 9.9)
    assert isinstance(late, bide.Fetching)
    assert 0 < late.request.timeout <= 0.101
    last = late.receive(answer({}, 503), now=START + 9.95)
    assert isinstance(last, bide.Fetching)
    assert (last.due, last.request.timeout) == (START + 10, 10)
    assert problem(last.receive(answer({}, 503), now=START + 10)) == last.failure


def test_a_token_without_a_way_to_ask_is_refused() -> None:
    with pytest.raises(InvalidToken, match="has not said where to ask why 7 failed"):
        bide.load(bide.dump(asking()), dialect=Declared(replace(DECLARATION, reason=None)))


def test_it_is_declared_like_any_other_call() -> None:
    assert '"reason": {"urls": ["{log}", "/firings/{id}/log"]}' in write(DECLARATION)
    assert read(write(DECLARATION)) == DECLARATION
    sound = replace(SOUND, reason=Call("GET", ("/jobs/{id}/log",)))
    assert lint(sound) == ()
    late = Sign(Phase.TRANSIENT, http=("404",), asked=("reason",))
    assert lint(replace(sound, signs=(*SOUND.signs, late))) == ()
    assert [finding.code for finding in lint(replace(SOUND, signs=(*SOUND.signs, late)))] == ["unused-sign"]
    linked = replace(SOUND, links={**SOUND.links, "log": ("log",)}, reason=Call("GET", ("{log}",)))
    assert lint(linked) == ()


@pytest.mark.parametrize(
    ("call", "place"),
    [
        (Call("GET", ("{log}",)), "reason.urls"),
        (Call("GET", ("/logs",)), "reason.urls[0]"),
        (Call("get", ("/logs/{id}",)), "reason.method"),
        (Call("GET", ("/logs/{id}",), (("a b", "c"),)), "reason.headers"),
        (Call("GET", ("/logs/{id}",), (("x-api-key", "0123456789abcdef0123"),)), "reason.headers"),
        (Call("GET", ("/logs/{id}/{file}",)), "reason.urls"),
    ],
)
def test_the_linter_finds_what_is_wrong_with_it(call: Call, place: str) -> None:
    assert [finding.place for finding in lint(replace(SOUND, reason=call))] == [place]
