"""A declared dialect on the real machine: what is sent, what is understood, and what no reply can make it do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.dialect import Asked, Phase, Reading
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.places import Sign
from bide.document import JSON
from bide.errors import InvalidAddress, InvalidHandle, InvalidOrder, NotOffered
from bide.messages import Headers, Order, Response
from tests.laws import BY_CODE, BY_LINKS, KEY, START, responses

API = "https://api.links.example/v1"
OP = "https://api.code.example/operations/7"


def reply(document: JSON, status: int = 200, **fields: str) -> Response:
    lines = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return Response(status, Headers.of(lines), json.dumps(document).encode())


def with_(dialect: Declared, **changes: object) -> Declared:
    return Declared(replace(dialect.declaration, **changes))  # type: ignore[arg-type]


def submitted(answer: Response, dialect: Declared = BY_LINKS) -> bide.Job:
    order = Order("fox", {"prompt": "a fox"}, "key-1")
    return bide.submit(order, dialect=dialect, now=START).receive(answer, now=START)


def polling(dialect: Declared = BY_LINKS, handle: str = "job-7") -> bide.Polling:
    return bide.watch(handle, dialect=dialect, now=START)


def read(
    answer: Response, asked: Asked = "poll", handle: str | None = "job-7", dialect: Declared = BY_LINKS
) -> Reading:
    return dialect.read(answer, asked=asked, handle=handle)


def test_a_submission_is_made_as_declared() -> None:
    request = BY_LINKS.submit(Order("fox", {"prompt": "a fox"}, "key-1"))
    assert (request.method, request.url, request.body) == ("POST", f"{API}/jobs/fox", b'{"prompt":"a fox"}')
    assert dict(request.headers) == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "idempotency-key": "key-1",
    }
    assert request.credential


def test_a_submission_is_repeatable_only_under_a_key_that_is_sent_or_by_put() -> None:
    keyless = with_(BY_LINKS, submit=Call("POST", ("/jobs",), body="{input}"))
    assert BY_LINKS.submit(Order("fox", {}, "key-1")).repeatable
    assert not BY_LINKS.submit(Order("fox", {})).repeatable
    assert not keyless.submit(Order("fox", {}, "key-1")).repeatable
    assert BY_CODE.submit(Order("fox", {})).repeatable


def test_what_the_service_has_no_place_for_is_refused_before_anything_is_sent() -> None:
    for order, what in (
        (Order("fox", {}, webhook_url="https://x.example"), "webhook URL"),
        (Order("fox", {}, metadata={}), "metadata"),
        (Order("../fox", {}), "cannot stand in /jobs/{model}"),
    ):
        with pytest.raises(InvalidOrder, match=what):
            bide.submit(order, dialect=BY_LINKS, now=START)
    with pytest.raises(NotOffered, match="watch the job"):
        bide.submit(Order("fox", {}), dialect=with_(BY_LINKS, submit=None), now=START)
    takes = with_(BY_LINKS, submit=Call("POST", ("/jobs",), body={"hook": "{webhook}", "meta": "{metadata}"}))
    order = Order("fox", {}, metadata={"a": 1}, webhook_url="https://x.example")
    assert json.loads(takes.submit(order).body) == {"hook": "https://x.example", "meta": {"a": 1}}


def test_a_cancellation_that_is_not_offered_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(NotOffered, match="by-links offers no such call"):
        bide.cancel(polling(with_(BY_LINKS, cancel=None)), now=START)
    with pytest.raises(NotOffered, match="has not said where to send this for job-7"):
        bide.cancel(polling(with_(BY_LINKS, cancel=Call(urls=("{cancel}",)))), now=START)


@pytest.mark.parametrize("handle", ["http://api.links.example/1", "https://127.0.0.1/1", "", "a/../b", "{"])
def test_a_handle_that_finds_nothing_is_refused(handle: str) -> None:
    with pytest.raises(InvalidHandle, match=r"finds no job of by-links: give what fits \{status\} or /jobs/\{id\}"):
        bide.watch(handle, dialect=BY_LINKS, now=START)
    with pytest.raises(InvalidHandle, match="finds no job of by-code"):
        bide.watch("job-7", dialect=BY_CODE, now=START)


def test_the_key_goes_where_and_as_declared() -> None:
    assert BY_LINKS.authorization("k") == ("authorization", "Bearer k")
    assert with_(BY_LINKS, authorization=("x-api-key", "{key}")).authorization("k") == ("x-api-key", "k")
    assert not with_(BY_LINKS, authorization=None).poll("job-7").credential


def test_the_base_url_is_checked_and_may_be_another() -> None:
    assert Declared(BY_LINKS.declaration, "https://eu.links.example").poll("7").url == "https://eu.links.example/jobs/7"
    with pytest.raises(InvalidAddress):
        Declared(BY_LINKS.declaration, "http://api.links.example")


def test_an_acknowledgement_names_the_job_and_where_it_is() -> None:
    job = submitted(reply({"id": "job-7", "urls": {"cancel": f"{API}/jobs/7/cancel"}}, 201, location="../jobs/7?sig=1"))
    assert isinstance(job, bide.Polling)
    assert job.request.url == f"{API}/jobs/7?sig=1"
    assert BY_LINKS.cancel(job.handle).url == f"{API}/jobs/7/cancel"
    assert bide.load(bide.dump(job), dialect=BY_LINKS) == job


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_acknowledgement_without_a_way_to_follow_the_job_is_no_success(status: int) -> None:
    keyless = bide.submit(Order("fox", {}), dialect=BY_LINKS, now=START)
    accepted = reply({"status": "queued"}, status)
    for job in (submitted(accepted), submitted(accepted, BY_CODE), keyless.receive(accepted, now=START)):
        assert isinstance(job, bide.Abandoned)
        assert job.reason is bide.Reason.UNFOLLOWABLE


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("/v2/moved", "https://api.links.example/v2/moved"),
        ("moved", f"{API}/jobs/moved"),
        ("?page=2", f"{API}/jobs/job-7?page=2"),
        ("https://elsewhere.example/1", "https://elsewhere.example/1"),
        ("//elsewhere.example/1", "https://elsewhere.example/1"),
    ],
)
def test_an_address_is_resolved_against_the_one_that_was_asked(said: str, asked: str) -> None:
    job = polling().receive(reply({"id": "job-7", "status": "running"}, location=said), now=START)
    assert isinstance(job, bide.Polling)
    assert job.request.url == asked
    key = bide.credential_for(job.request, BY_LINKS, bide.Secret(KEY))
    assert bool(key) is asked.startswith("https://api.links.example/")


@pytest.mark.parametrize(
    "said", ["http://api.links.example/1", "https://127.0.0.1/1", "https://a@b.example/", "", "https://[", "//["]
)
def test_an_address_that_must_not_be_followed_changes_nothing(said: str) -> None:
    job = polling().receive(reply({"id": "job-7", "status": "running"}, location=said), now=START)
    assert isinstance(job, bide.Polling)
    assert job.request.url == f"{API}/jobs/job-7"


def test_what_a_finished_reply_points_to_is_not_where_the_job_is_polled() -> None:
    job = polling().receive(
        reply({"status": "completed", "urls": {"result": "/v1/r/7"}}, location="/elsewhere"), now=START
    )
    assert isinstance(job, bide.Fetching)
    assert job.request.url == "https://api.links.example/v1/r/7"
    assert "elsewhere" not in job.handle


def test_a_result_lies_in_the_job_where_nothing_leads_elsewhere() -> None:
    done = reply({"status": "Completed", "output": {"image": "https://cdn.example/a.png", "n": 1}, "progress": 100})
    job = polling().receive(done, now=START)
    assert isinstance(job, bide.Completed)
    assert job.result.output == {"image": "https://cdn.example/a.png", "n": 1}
    assert job.result.files == ("https://cdn.example/a.png",)
    assert read(done).progress == 1.0


def test_a_fetched_document_is_the_result_whatever_its_words() -> None:
    job = read(reply({"status": "failed", "id": "other", "result": 7}), "fetch")
    assert job.phase is Phase.SUCCEEDED
    assert job.result is not None
    assert job.result.output == 7
    assert read(reply({}, 202), "fetch").phase is Phase.UNFINISHED
    assert read(reply({}, 404), "fetch").phase is Phase.MISSING


def test_what_is_no_document_is_a_file() -> None:
    handle = '{"id":"job-7","result":"https://api.links.example/r/7"}'
    for kind in ("image/png", "application/x-jsonl", "application/x-ndjson; charset=utf-8", "text/csv"):
        for body in (b"\x89PNG", b'{"n": 1}\n', b'{"n": 1}\n{"n": 2}\n'):
            result = read(Response(200, Headers.of([("content-type", kind)]), body), "fetch", handle).result
            assert result == bide.Result(handle, ("https://api.links.example/r/7",))


@pytest.mark.parametrize(
    "kind", ["application/json", "application/hal+json; charset=utf-8", "text/html", "text/plain", ""]
)
@pytest.mark.parametrize(
    ("status", "body"), [(200, b'{"n": 4'), (200, b'{"n": 4}x'), (200, b""), (204, b""), (206, b"{}")]
)
def test_what_should_be_a_document_and_is_none_is_not_understood(kind: str, status: int, body: bytes) -> None:
    job = fetching()
    after = job.receive(Response(status, Headers.of([("content-type", kind)]), body), now=START)
    assert isinstance(after, bide.Fetching)
    assert after.past.failures == 1
    assert isinstance(after.receive(reply({"output": 4}), now=START + 1), bide.Completed)


def test_a_declaration_says_what_the_fetch_brings() -> None:
    fetch = Call("GET", ("{result}",), brings="text")
    handle = '{"id":"job-7","result":"https://api.links.example/r/7"}'
    words = read(
        Response(200, body="grüße, 1\n".encode()), "fetch", handle, dialect=with_(BY_LINKS, fetch=fetch)
    ).result
    assert words is not None
    assert (words.output, words.files) == ("grüße, 1\n", ())
    as_file = with_(BY_LINKS, fetch=replace(fetch, brings="file"))
    whole = read(reply({"n": 1}), "fetch", handle, dialect=as_file).result
    assert whole == bide.Result(handle, ("https://api.links.example/r/7",))
    led = read(Response(302, Headers.of([("location", "https://store.example/7")])), "fetch", handle, dialect=as_file)
    assert led.result == whole
    for wrong in (Response(200), Response(200, Headers.of([("content-type", "text/html")]), b"<html>")):
        assert read(wrong, "fetch", handle, dialect=as_file).phase is Phase.UNREADABLE
        assert read(wrong, "fetch", handle, dialect=with_(BY_LINKS, fetch=fetch)).phase is Phase.UNREADABLE
    home = read(Response(302, Headers.of([("location", "/r/8")])), "fetch", handle, dialect=as_file)
    assert home.phase is Phase.REDIRECTED


def test_only_an_address_is_a_file() -> None:
    texts: JSON = ["http://cdn.example/a", "/b", "plain", "see https://x.example", "https://cdn.example/c"]
    result = read(reply({"status": "completed", "output": texts})).result
    assert result is not None
    assert result.files == ("https://cdn.example/c",)


def test_files_may_be_ids() -> None:
    dialect = with_(BY_LINKS, fetch=None, files=("file_id",), file=Call(urls=("/files/{file}/content",)))
    result = read(reply({"status": "completed", "file_id": "file-1"}), dialect=dialect).result
    assert result is not None
    assert result.files == ("file-1",)
    request = dialect.locate("file-1")
    assert (request.url, request.credential) == (f"{API}/files/file-1/content", True)
    with pytest.raises(InvalidHandle, match="no file of by-links"):
        dialect.locate("../up")
    with pytest.raises(InvalidHandle, match="no file of by-links"):
        BY_LINKS.locate("https://127.0.0.1/f?sig=5ec2e7")


def test_a_reply_to_locate_is_the_file() -> None:
    answer = reply({"url": "https://x.example", "expires_at": 1})
    assert not BY_LINKS.may_locate(answer.headers)
    assert BY_LINKS.located(answer) is None
    assert BY_LINKS.announced(answer) is None
    assert BY_LINKS.advice is None


def test_a_reply_about_another_job_is_not_understood() -> None:
    assert read(reply({"id": "job-8", "status": "completed"})).phase is Phase.UNREADABLE
    assert read(reply({"id": "job-8", "status": "completed"}), handle=f"{API}/jobs/7").phase is Phase.SUCCEEDED


def test_a_page_in_place_of_the_api_is_not_understood() -> None:
    page = read(Response(200, body=b"<html>sign in? token=abc</html>"))
    assert page.phase is Phase.UNREADABLE
    assert page.problem == bide.Problem("HTTP_200", "<html>sign in? token=abc</html>")
    assert read(reply({"other": 1})).phase is Phase.UNREADABLE


def test_a_status_code_may_be_all_there_is() -> None:
    assert read(Response(202), handle=OP, dialect=BY_CODE).phase is Phase.UNFINISHED
    over = read(Response(200, body=b'{"a":1}'), handle=OP, dialect=BY_CODE)
    assert over.result is not None
    assert over.result.output is None
    job = submitted(Response(202, Headers.of([("Location", f"{OP}?sig=1")])), BY_CODE)
    assert isinstance(job, bide.Polling)
    done = job.receive(Response(200), now=START)
    assert isinstance(done, bide.Fetching)
    assert done.request.url == "https://api.code.example/fox"


def test_a_problem_is_told_in_the_declared_words() -> None:
    told = reply({"error": {"code": "BAD", "message": "no bearer abcdefgh12345"}, "status": "failed"})
    job = polling().receive(told, now=START)
    assert isinstance(job, bide.Failed)
    assert job.problem == bide.Problem("BAD", "no [redacted]")
    assert read(reply({"status": "failed"})).problem == bide.Problem("FAILED", '{"status": "failed"}')
    named = read(reply({}, 429, x_request_id="r-1"), dialect=with_(BY_LINKS, request_id=("@x-request-id",)))
    assert (named.phase, named.problem) == (Phase.LIMITED, bide.Problem("HTTP_429", "", None, "r-1"))


def test_a_job_that_is_gone_after_its_cancellation_is_cancelled() -> None:
    asked = cancelling().receive(reply({"status": "running"}), now=START)
    assert isinstance(asked, bide.Cancelling)
    assert isinstance(asked.receive(reply({}, 404), now=START), bide.Cancelled)
    refused = cancelling().receive(reply({}, 409), now=START)
    assert isinstance(refused, bide.Cancelling)
    gone = refused.receive(reply({}, 404), now=START)
    assert isinstance(gone, bide.Cancelling)
    assert isinstance(refused.receive(reply({"status": "running"}), now=START), bide.Polling)


def test_a_cancel_that_would_take_the_result_away_looks_first() -> None:
    asked = bide.cancel(polling(), now=START)
    assert isinstance(asked, bide.Cancelling)
    assert asked.request == BY_LINKS.poll("job-7")
    done = asked.receive(reply({"status": "completed", "output": 1}), now=START)
    assert isinstance(done, bide.Completed)
    unclear = asked.receive(reply({}, 503), now=START)
    assert isinstance(unclear, bide.Cancelling)
    assert unclear.request.method == "GET"
    gone = asked.receive(reply({}, 404), now=START)
    assert isinstance(gone, bide.Lost)  # never seen at all: nothing was cancelled
    running = asked.receive(reply({"status": "running"}), now=START)
    assert isinstance(running, bide.Cancelling)
    assert (running.request, running.due) == (BY_LINKS.cancel("job-7"), START)
    assert bide.load(bide.dump(asked), dialect=BY_LINKS) == asked


def test_a_job_seen_a_moment_ago_is_cancelled_at_once() -> None:
    seen = polling().receive(reply({"status": "running"}), now=START)
    assert isinstance(seen, bide.Polling)
    assert bide.cancel(seen, now=START + 0.5).request.method == "DELETE"
    assert bide.cancel(seen, now=START + 1.5).request.method == "GET"
    assert bide.cancel(polling(with_(BY_LINKS, cancel=Call("POST", ("/x",)))), now=START).request.method == "POST"


def fetching() -> bide.Fetching:
    """A job whose result is fetched next."""
    job = polling().receive(reply({"status": "completed", "urls": {"result": f"{API}/r/7"}}), now=START)
    assert isinstance(job, bide.Fetching)
    return job


def cancelling() -> bide.Cancelling:
    """A job whose cancellation is sent next."""
    asked = bide.cancel(polling(), now=START)
    assert isinstance(asked, bide.Cancelling)
    looked = asked.receive(reply({"status": "running"}), now=START)
    assert isinstance(looked, bide.Cancelling)
    return looked


@pytest.mark.parametrize(
    ("document", "progress"),
    [
        ({"progress": 25}, 0.25),
        ({"progress": "25"}, 0.25),
        ({"progress": "x"}, None),
        ({"progress": 101}, None),
        ({"progress": -1}, None),
        ({"progress": True}, None),
        ({}, None),
    ],
)
def test_progress_is_a_share(document: dict[str, str | int | bool], progress: float | None) -> None:
    assert read(reply({"status": "running", **document})).progress == progress


def test_progress_may_be_counted_out_of_another_figure() -> None:
    dialect = with_(BY_LINKS, progress="counts.done", full="counts.all")
    assert read(reply({"status": "x", "counts": {"done": 1, "all": 4}}), dialect=dialect).progress == 0.25
    assert read(reply({"status": "x", "counts": {"done": 0, "all": 0}}), dialect=dialect).progress is None
    assert read(reply({"status": "x"}), dialect=with_(BY_LINKS, progress=None)).progress is None


def test_a_hint_in_milliseconds_is_obeyed() -> None:
    assert read(reply({"status": "x"}, retry_after_ms="250")).wait == 0.25
    assert read(reply({}, 429, retry_after_ms="250")).wait == 0.25
    assert read(reply({"status": "x"}, retry_after_ms="-1")).wait is None
    job = polling().receive(reply({"status": "x"}, retry_after_ms="250", retry_after="7"), now=START)
    assert isinstance(job, bide.Polling)
    assert (job.due, job.why) == (START + 0.25, bide.Why.RETRY_AFTER)


def test_nothing_to_wait_for_means_now() -> None:
    job = polling().receive(reply({"status": "x"}, 202, retry_after="0"), now=START)
    assert isinstance(job, bide.Polling)
    assert job.due == START + 0.05
    unclear = polling().receive(reply({}, retry_after="0"), now=START)
    assert isinstance(unclear, bide.Polling)
    assert unclear.due > START + 0.2  # not understood: our own backoff


def test_a_declared_cookie_leads_back_to_the_same_machine() -> None:
    answer = Response(
        200,
        Headers.of(
            [("Set-Cookie", "affinity=a1; Path=/"), ("Set-Cookie", "session=5ec2e7"), ("Set-Cookie", "affinity=é")]
        ),
        b'{"status": "running"}',
    )
    job = polling().receive(answer, now=START)
    assert isinstance(job, bide.Polling)
    assert dict(job.request.headers)["cookie"] == "affinity=a1"
    kept = job.receive(reply({"status": "running"}), now=START)
    assert isinstance(kept, bide.Polling)
    assert dict(kept.request.headers)["cookie"] == "affinity=a1"
    moved = kept.receive(reply({"status": "running"}, location="https://elsewhere.example/1"), now=START)
    assert isinstance(moved, bide.Polling)
    assert "cookie" not in dict(moved.request.headers)
    foreign = moved.receive(Response(200, Headers.of([("Set-Cookie", "affinity=evil")]), b'{"status":"x"}'), now=START)
    assert isinstance(foreign, bide.Polling)
    assert "evil" not in foreign.handle


def test_the_first_sign_that_holds_is_the_one_that_counts() -> None:
    signs = (
        Sign(Phase.GONE, {"error.code": ("gone",)}),
        Sign(Phase.FAILED, {"error": ("*",)}, http=("*xx", "2xx", "400")),
    )
    dialect = with_(BY_LINKS, signs=signs)
    assert read(reply({"status": "completed", "error": {"code": "Gone"}}), dialect=dialect).phase is Phase.GONE
    assert read(reply({"status": "completed", "error": {"code": "x"}}), dialect=dialect).phase is Phase.FAILED
    assert read(reply({"error": "x"}, 400), dialect=dialect).phase is Phase.FAILED
    assert read(reply({"error": "x"}, 500), dialect=dialect).phase is Phase.TRANSIENT


def test_it_shows_its_name_and_where_it_is() -> None:
    assert repr(BY_LINKS) == f"Declared(by-links at {API})"
    declared = Declaration("x", "https://x.example")
    assert repr(Declared(declared)) == "Declared(x at https://x.example)"


@given(
    responses, st.sampled_from(["submit", "poll", "fetch", "cancel", "confirm"]), st.sampled_from([BY_LINKS, BY_CODE])
)
def test_reading_is_total(answer: Response, asked: Asked, dialect: Declared) -> None:
    handle = OP if dialect is BY_CODE else "job-7"
    order = Order("fox", {}) if asked == "submit" else None
    reading = dialect.read(answer, asked=asked, handle=None if order else handle, order=order)
    assert isinstance(reading.phase, Phase)
    assert reading.handle is None or dialect.check(reading.handle)


# What a submission knows, and later calls say again


REMEMBERING = with_(
    BY_LINKS,
    submit=Call("POST", ("/{input.region}/jobs",), (("x-key", "{key}"),), body={"...": "{input}"}),
    poll=Call("GET", ("/{input.region}/{model}/jobs/{id}",), (("x-key", "{key}"),), (("size", "{input.size}"),)),
    headers=(("accept", "application/json"), ("x-model", "{model}")),
    fetch=None,
    links={},
)
ORDER_OF_ALL = Order("fox", {"region": "eu/west", "size": 3, "prompt": "a fox"}, "key-1")


def test_what_a_submission_knows_may_stand_in_every_call() -> None:
    job = bide.submit(ORDER_OF_ALL, dialect=REMEMBERING, now=START)
    assert job.request.url == f"{API}/eu/west/jobs"
    polling = job.receive(reply({"id": "job-7", "status": "new"}, 201), now=START)
    assert isinstance(polling, bide.Polling)
    assert polling.request.url == f"{API}/eu/west/fox/jobs/job-7?size=3"
    assert {("x-key", "key-1"), ("x-model", "fox")} < set(polling.request.headers)
    assert bide.load(bide.dump(polling), dialect=REMEMBERING) == polling
    assert "'job-7'" in repr(polling)
    later = polling.receive(reply({"id": "job-7", "status": "new"}), now=START + 9)
    assert isinstance(later, bide.Polling)
    assert later.request.url == polling.request.url


def test_what_was_not_said_is_left_out_of_later_calls() -> None:
    job = bide.submit(Order("fox", {"region": "eu"}), dialect=REMEMBERING, now=START)
    polling = job.receive(reply({"id": "job-7", "status": "new"}, 201), now=START)
    assert isinstance(polling, bide.Polling)
    assert polling.request.url == f"{API}/eu/fox/jobs/job-7"
    assert "x-key" not in dict(polling.request.headers)


def test_an_order_that_cannot_be_said_is_refused_with_what_is_wrong() -> None:
    for order, says in (
        (Order("fox", {"size": 3}), r"\{input.region\} cannot stand in /\{input.region\}/jobs"),
        (Order("fox", {"region": ".."}), r"\{input.region\} cannot stand in"),
        (Order("f\u00fcchse", {"region": "eu"}), "a header line would hold what none can: give printable ASCII"),
        (Order("fox\r\nx-key: k", {"region": "eu"}), "a header line would hold what none can"),
    ):
        with pytest.raises(InvalidOrder, match=says):
            bide.submit(order, dialect=REMEMBERING, now=START)
    for call, says in (
        (Call("POST", ("/{Model}",), body="{input}"), r"\{Model\} in /\{Model\} is no gap"),
        (Call("POST", ("/jobs",), body={"size": "{input.size}"}), "no place for region, prompt of the input"),
        (Call("DELETE", ("/{model}",)), "no place for region, size, prompt of the input"),
    ):
        with pytest.raises(InvalidOrder, match=says):
            bide.submit(ORDER_OF_ALL, dialect=with_(BY_LINKS, submit=call), now=START)
    assert with_(BY_LINKS, submit=Call("DELETE", ("/{model}",))).submit(Order("fox", {})).body == b""


def test_a_handle_that_no_header_line_can_hold_is_none() -> None:
    dialect = with_(BY_LINKS, poll=Call("GET", ("/jobs",), (("x-job", "{id}"),)), links={}, fetch=None)
    with pytest.raises(InvalidHandle):
        bide.watch("a\r\nb", dialect=dialect, now=START)


# Jobs of several parts, and jobs that fall back

PARTS = with_(BY_LINKS, status=("jobs.*.state",), links={}, fetch=None, signs=())


@pytest.mark.parametrize(
    ("states", "end"),
    [
        (["completed", "completed"], bide.Completed),
        (["completed", "running"], bide.Polling),
        (["running", "failed"], bide.Failed),
        (["cancelled", "expired"], bide.Expired),
        (["completed", None], bide.Polling),
        ([], bide.Polling),
    ],
)
def test_the_words_of_all_parts_are_the_status_of_the_job(states: list[str], end: type[bide.Job]) -> None:
    document: JSON = {"jobs": [{"state": state} for state in states], "output": 1}
    job = polling(PARTS).receive(reply(document), now=START)
    assert isinstance(job, end)
    assert job.past.failures == 0


def test_parts_that_are_not_there_say_nothing() -> None:
    job = polling(PARTS).receive(reply({"jobs": "none"}), now=START)
    assert (job.past.failures, type(job)) == (1, bide.Polling)


def test_a_job_that_falls_back_is_gone() -> None:
    fallen = Sign(Phase.GONE, {"status": ("pending",)}, after=("started", "re*"))
    dialect = with_(BY_LINKS, signs=(fallen,), fetch=None)
    job: bide.Job = polling(dialect)
    for status in ("pending", "pending", "retried", "waiting"):
        assert isinstance(job, bide.Polling)
        job = bide.load(bide.dump(job), dialect=dialect)
        assert isinstance(job, bide.Polling)
        job = job.receive(reply({"id": "job-7", "status": status}), now=START)
    assert isinstance(job, bide.Polling)
    assert job.request.url == f"{API}/jobs/job-7"
    assert isinstance(job.receive(reply({"id": "job-7", "status": "Pending"}), now=START), bide.Lost)


# A part of a value, and values within values


def test_a_part_of_an_address_or_of_a_text_may_be_what_is_asked_for() -> None:
    dialect = with_(
        BY_LINKS,
        id=("@location|path.-2",),
        links={},
        fetch=None,
        status=("payload|json.state", "|text"),
        output=("payload|json.video",),
        files=("payload|json.video",),
    )
    job = submitted(reply({}, 201, location="https://api.links.example/v1/jobs/a%20b/status?sig=1"), dialect)
    assert isinstance(job, bide.Polling)
    assert job.request.url == f"{API}/jobs/a%20b"
    job = job.receive(Response(200, body=b"RUNNING"), now=START)
    assert (type(job), job.past.status) == (bide.Polling, "RUNNING")
    video = "https://files.links.example/1.mp4"
    done = job.receive(reply({"payload": json.dumps({"state": "completed", "video": video})}), now=START)  # type: ignore[union-attr]
    assert isinstance(done, bide.Completed)
    assert (done.result.output, done.result.files) == (video, (video,))


# Lists that go on elsewhere


@pytest.mark.parametrize(
    ("document", "link", "more"),
    [
        ({"next": "https://api.links.example/v1/r?page=2"}, None, "https://api.links.example/v1/r?page=2"),
        ({"next": "/v1/r?page=2"}, None, "https://api.links.example/v1/r?page=2"),
        ({"next": "?page=2"}, None, f"{API}/jobs/job-7?page=2"),
        ({"next": "http://10.0.0.1/r"}, None, "http://10.0.0.1/r"),
        ({"next": "cursor_7"}, None, "cursor_7"),
        ({"next": 7}, None, "7"),
        ({"next": None, "has_more": True}, None, "true"),
        ({"next": "", "has_more": False}, None, None),
        ({}, None, None),
        ({}, '</v1/r?page=2>; rel="next"', "https://api.links.example/v1/r?page=2"),
    ],
)
def test_a_result_that_is_a_part_of_a_list_says_so(document: dict[str, JSON], link: str | None, more: str) -> None:
    dialect = with_(BY_LINKS, next=("next", "@link|link.next", "has_more"), fetch=None)
    told: dict[str, JSON] = {"status": "completed", "output": [1], **document}
    answer = reply(told) if link is None else reply(told, link=link)
    job = polling(dialect).receive(answer, now=START)
    assert isinstance(job, bide.Completed)
    assert job.result.more == more
    assert bide.load(bide.dump(job), dialect=dialect) == job


def test_an_output_in_hand_is_not_fetched_again() -> None:
    done: dict[str, JSON] = {"id": "job-7", "status": "completed", "urls": {"result": f"{API}/r/7"}}
    made: JSON = {"n": 1}
    whole = polling().receive(reply(done | {"output": made}), now=START)
    assert isinstance(whole, bide.Completed)
    assert whole.result.output == {"n": 1}
    nothing: list[JSON] = [None, {}, [], ""]
    for empty in nothing:
        assert isinstance(polling().receive(reply(done | {"output": empty}), now=START), bide.Fetching)
    as_file = with_(BY_LINKS, fetch=Call("GET", ("{result}",), brings="file"))
    told = read(reply(done | {"output": made}), dialect=as_file)
    assert (told.phase, told.result) == (Phase.SUCCEEDED, None)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("http://api.links.example/r/7", "unencrypted"),
        ("https://10.0.0.7/r", "private network"),
        ("s3://bucket/7", "begins with s3"),
        ("https://[", "cannot be read"),
        ("/r/7\nx: y", "line breaks"),
        (f"https://api.links.example/{'x' * 9000}", "too long"),
    ],
)
def test_an_address_of_the_result_that_is_not_asked_is_told(said: str, why: str) -> None:
    done: JSON = {"id": "job-7", "status": "completed", "urls": {"result": said}}
    job = polling().receive(reply(done), now=START)
    assert isinstance(job, bide.Completed)
    (refused,) = job.result.refused
    assert (refused.address, why in refused.reason) == (said, True)
    assert bide.load(bide.dump(job), dialect=BY_LINKS) == job


@pytest.mark.parametrize(("said", "asked"), [("/jobs/a b", "/jobs/a%20b"), ("/jobs/ü", "/jobs/%C3%BC")])
def test_an_address_of_the_job_is_escaped(said: str, asked: str) -> None:
    job = submitted(reply({"id": "job-7"}, 201, location=said))
    assert isinstance(job, bide.Polling)
    assert job.request.url == f"https://api.links.example{asked}"


@pytest.mark.parametrize(("private", "public"), [(False, True), (True, False)])
def test_an_address_that_the_service_names_is_asked_in_public_unless_private_ones_are_allowed(
    private: bool, public: bool
) -> None:
    dialect = with_(BY_LINKS, private=private)
    at_home, abroad = polling(dialect), polling(dialect, "https://jobs.elsewhere.example/7")
    assert not at_home.request.public
    assert abroad.request.public is public


def test_a_private_address_is_followed_where_it_is_allowed() -> None:
    inside = "https://10.1.2.3/jobs/7"
    with pytest.raises(InvalidHandle):
        polling(BY_LINKS, inside)
    assert polling(with_(BY_LINKS, private=True), inside).request.url == inside
