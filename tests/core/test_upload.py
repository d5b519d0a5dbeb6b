"""Uploading: three steps, each of which may go wrong, and none of which leaves the file half known."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.document import JSON
from bide.errors import InvalidSetting, NotOffered
from bide.messages import Headers, NoResponse, Reply, Response
from bide.ticket import Source
from bide.upload import NotUploaded, Uploaded, Uploading, upload
from tests.laws import BY_LINKS, DIALECT, START, gaps, replies

FILE = "file_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
PLACE = "https://storage.modelroute.ai/u/abc?sig=5ec2e75ec2e75ec2"
SOURCE = Source("photo.png", 34567, "image/png")
CUT = NoResponse(bide.Cause.RESET, sent=True)


def reply(status: int, document: JSON = None, **fields: str) -> Response:
    lines = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return Response(status, Headers.of(lines), b"" if document is None else json.dumps(document).encode())


GIVEN = reply(200, {"file_id": FILE, "upload_url": PLACE, "expires_at": "2030-01-05T09:00:00Z"})
WANTS_MORE = reply(
    400,
    {
        "error": {
            "code": "INPUT_VALIDATION_ERROR",
            "details": [{"field": "filename", "code": "REQUIRED", "message": "x"}],
        }
    },
)


def after(*answers: Reply, state: Uploading | None = None) -> Uploading | Uploaded | NotUploaded:
    file: Uploading | Uploaded | NotUploaded = state or upload(SOURCE, dialect=DIALECT, now=START)
    for answer in answers:
        assert isinstance(file, Uploading)
        file = file.receive(answer, now=file.due)
    return file


def going(*answers: Reply, state: Uploading | None = None) -> Uploading:
    file = after(*answers, state=state)
    assert isinstance(file, Uploading)
    return file


def test_a_place_is_asked_for_by_purpose() -> None:
    file = going()
    assert (file.request.method, file.request.url) == ("POST", "https://api.modelroute.ai/v1/files/upload")
    assert json.loads(file.request.body) == {"purpose": "INPUT"}
    assert file.request.credential
    assert not file.carries_file


def test_the_bytes_go_to_the_place_without_the_key() -> None:
    file = going(GIVEN)
    assert (file.request.method, file.request.url) == ("PUT", PLACE)
    assert file.request.headers == (("content-length", "34567"),)
    assert not file.request.credential
    assert file.request.timeout == bide.Patience().transfer
    assert file.carries_file
    assert "5ec2e7" not in repr(file)


def test_the_service_is_told_that_they_are_there() -> None:
    file = going(GIVEN, reply(200))
    assert (file.request.method, file.request.url) == ("POST", "https://api.modelroute.ai/v1/files/confirm")
    assert json.loads(file.request.body) == {"file_id": FILE}
    assert file.request.credential
    done = after(reply(200, {}), state=file)
    assert isinstance(done, Uploaded)
    assert done.file == FILE


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_service_that_does_not_want_to_be_told_is_not(status: int) -> None:
    done = after(GIVEN, reply(200), reply(status))
    assert isinstance(done, Uploaded)
    assert done.file == FILE


def test_the_former_way_of_asking_is_tried_when_the_refusal_calls_for_it() -> None:
    file = going(WANTS_MORE)
    assert json.loads(file.request.body) == {"filename": "photo.png", "content_type": "image/png", "size_bytes": 34567}
    assert file.due == START
    put = going(GIVEN, state=file)
    assert put.request.headers == (("content-length", "34567"), ("content-type", "image/png"))
    end = after(WANTS_MORE, state=file)
    assert isinstance(end, NotUploaded)
    assert end.reason is bide.Reason.REFUSED


def test_any_other_refusal_is_told() -> None:
    end = after(reply(400, {"error": {"code": "FILE_FORMAT_UNSUPPORTED", "message": "no"}}))
    assert isinstance(end, NotUploaded)
    assert end.problem == bide.Problem("FILE_FORMAT_UNSUPPORTED", "no", retryable=False)
    unpaid = after(reply(402, {"error": {"code": "INSUFFICIENT_BALANCE"}}))
    assert isinstance(unpaid, NotUploaded)
    assert unpaid.reason is bide.Reason.UNPAID
    assert unpaid.past.requests == 1


@pytest.mark.parametrize(
    "answers", [(CUT,), (reply(503),), (GIVEN, CUT), (GIVEN, reply(500)), (GIVEN, reply(429)), (GIVEN, reply(200), CUT)]
)
def test_trouble_is_waited_out_and_the_step_taken_again(answers: tuple[Reply, ...]) -> None:
    file = going(*answers)
    again = going(*answers[:-1])
    assert file.request == again.request
    assert file.due > again.due


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_an_address_that_is_refused_is_replaced_by_a_fresh_one(status: int) -> None:
    file = going(GIVEN, reply(status))
    assert file.request.url == "https://api.modelroute.ai/v1/files/upload"
    assert file.due > START


def test_an_address_that_is_always_refused_ends_it() -> None:
    file: Uploading | Uploaded | NotUploaded = upload(SOURCE, dialect=DIALECT, now=START)
    for _ in range(100):
        if not isinstance(file, Uploading):
            break
        file = file.receive(reply(403) if file.carries_file else GIVEN, now=file.due)
    assert isinstance(file, NotUploaded)
    assert file.reason is bide.Reason.FAILURES
    assert file.past.requests == 2 * bide.Patience().failures, "a fresh place is no reason to forget the failures"
    assert file.last.request.url.endswith("/v1/files/upload")


def test_an_address_where_the_bytes_are_cut_off_twice_is_replaced_by_a_fresh_one() -> None:
    """A host that refuses them may hang up before its refusal is heard."""
    assert going(GIVEN, CUT).request.url == PLACE
    file = going(GIVEN, CUT, CUT)
    assert file.request.url == "https://api.modelroute.ai/v1/files/upload"
    assert file.past.failures == going(GIVEN, state=file).past.failures == 2
    assert going(GIVEN, reply(200), state=file).past.failures == 0


def test_a_file_that_is_too_large_for_the_storage_host_is_not_sent_again() -> None:
    end = after(GIVEN, reply(413))
    assert isinstance(end, NotUploaded)
    assert end.reason is bide.Reason.REFUSED
    assert end.problem == bide.Problem("HTTP_413", "the storage host takes no file of this size")


def test_an_error_of_the_service_is_waited_out_even_if_it_is_said_to_be_final() -> None:
    file = going(reply(500, {"error": {"code": "INTERNAL_ERROR", "retryable": False}}))
    assert file.step == "ask"
    assert file.due > START


def test_each_state_tells_how_much_is_sent() -> None:
    put = going(GIVEN)
    assert (put.sent, put.size) == (0, SOURCE.size)
    half = put.grown(17_000)
    assert half.sent == 17_000
    assert going(CUT, state=half).sent == going(reply(403), state=half).sent == 0
    told = going(reply(200), state=half)
    assert told.sent == going(CUT, state=told).sent == SOURCE.size
    end, done = after(reply(403), state=told), after(reply(200), state=told)
    assert isinstance(end, NotUploaded)
    assert isinstance(done, Uploaded)
    assert (end.sent, end.size, done.sent, done.size) == (SOURCE.size,) * 4


@pytest.mark.parametrize(
    "kind", ["image/png", "text/plain; charset=utf-8", "application/vnd.a+json", "model/gltf-binary"]
)
def test_a_media_type_stands_in_a_header_line(kind: str) -> None:
    assert Source("a", 1, kind).content_type == kind


@pytest.mark.parametrize("kind", ["", "image", "image/", "image/png\r\nx-evil: 1", "image/pñg", "a/b;\n", "a b/c"])
def test_what_is_no_media_type_is_refused(kind: str) -> None:
    with pytest.raises(InvalidSetting, match="give a media type"):
        Source("a", 1, kind)


def test_a_place_elsewhere_is_not_used() -> None:
    end = after(reply(200, {"file_id": FILE, "upload_url": "https://evil.example/u?sig=1"}))
    assert isinstance(end, NotUploaded)
    assert end.problem is not None
    assert end.problem.code == "FOREIGN_ADDRESS"
    assert "sig" not in str(end.problem)


@pytest.mark.parametrize("document", [None, {}, {"file_id": "../up", "upload_url": PLACE}, {"file_id": FILE}, []])
def test_a_reply_without_a_place_is_not_understood(document: JSON) -> None:
    file = going(reply(200, document))
    assert file.step == "ask"
    assert file.past.failures == 1


def test_a_spent_quota_holds_back_the_asking_but_not_the_bytes() -> None:
    spent = bide.Quota(60, 0, START + 30)
    assert upload(SOURCE, dialect=DIALECT, now=START, quota=spent).due == START + 30
    given = Response(200, Headers.of([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "30")]), GIVEN.body)
    put = going(given)
    assert put.past.quota is not None
    told = going(reply(200, None, x_ratelimit_remaining="0", x_ratelimit_reset="3000"), state=put)
    assert told.past.quota == put.past.quota


def test_a_service_without_uploads_says_so() -> None:
    with pytest.raises(NotOffered, match="by-links takes no uploads"):
        upload(SOURCE, dialect=BY_LINKS, now=START)
    assert BY_LINKS.ticket(GIVEN, SOURCE, None) is None
    assert BY_LINKS.confirm(FILE) is None


@given(st.lists(st.tuples(replies | st.sampled_from([GIVEN, WANTS_MORE, reply(200)]), gaps), max_size=30))
def test_whatever_comes_it_ends_or_asks_again_later(course: list[tuple[Reply, float]]) -> None:
    file: Uploading | Uploaded | NotUploaded = upload(SOURCE, dialect=DIALECT, now=START)
    for answer, gap in course:
        if not isinstance(file, Uploading):
            break
        now = file.due + gap
        file = file.receive(answer, now=now)
        if isinstance(file, Uploading):
            assert math.isfinite(file.due)
            assert file.due >= file.not_before
            assert file.request.credential is not file.carries_file
            assert not file.carries_file or file.request.url == PLACE
            assert file.sent in (0, SOURCE.size)
    if isinstance(file, NotUploaded):
        assert file.last.request.method in ("POST", "PUT")
        assert file.past == file.last.past
    if isinstance(file, Uploaded):
        assert file.file == FILE
