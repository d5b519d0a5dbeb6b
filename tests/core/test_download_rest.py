"""What came before a cut is not asked for again, and what comes must be the file that was told."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest

import bide
from bide.digests import Digest
from bide.download import Downloaded, Downloading, Undelivered
from tests.core.download_scene import (
    ADDRESS,
    CUT,
    LINK,
    TAG,
    WHOLE,
    answer,
    cut_at,
    expect,
    locating,
    rest_from,
    transferring,
    unsized,
)
from tests.laws import START

SHA = sha256(b"the file").hexdigest()
TOLD = answer(200, etag=TAG, repr_digest=f"sha-256=:{b64encode(bytes.fromhex(SHA)).decode()}:")


def test_only_the_rest_is_asked_for_after_a_cut() -> None:
    file = cut_at(200_000)
    assert (file.received, file.size) == (200_000, 500_000)
    assert file.request.url == LINK
    assert file.request.headers[-2:] == (("range", "bytes=200000-"), ("if-range", TAG))
    heard = file.heard(rest_from(200_000))
    assert heard is not None
    assert heard.received == 200_000, "the body goes on from there"
    done = expect(Downloaded, heard.receive(rest_from(200_000), received=500_000, now=START))
    assert (done.size, done.received) == (500_000, 500_000)
    assert done.past.failures == 0


def test_the_state_while_a_body_comes_tells_how_far_it_is() -> None:
    heard = unsized().heard(WHOLE)
    assert heard is not None
    assert (heard.received, heard.size, heard.grown(7).received) == (0, 500_000, 7)
    assert heard.heard(WHOLE) == heard, "hearing it twice changes nothing"


def test_an_address_or_an_error_is_not_heard_as_the_file() -> None:
    assert locating().heard(ADDRESS) is None
    assert unsized().heard(answer(503)) is None
    assert unsized().heard(rest_from(0)) is None, "no range was asked for"


def test_the_service_itself_may_give_ranges_too() -> None:
    file = cut_at(7, locating())
    assert file.request == replace(
        locating().request, headers=(*locating().request.headers, ("range", "bytes=7-"), ("if-range", TAG))
    )
    linked = expect(Downloading, file.receive(ADDRESS, received=7, now=START))
    assert linked.request.headers == unsized().request.headers, "another host is not asked for the rest of those bytes"


def test_a_cut_that_brought_much_is_followed_up_at_once() -> None:
    for received, due, failures in ((65536, START, 0), (500_000, START, 0)):
        file = cut_at(received)
        assert (file.due, file.past.failures) == (due, failures)


def test_a_cut_that_brought_little_is_no_failure_in_a_row_but_no_hurry_either() -> None:
    file = unsized(bide.Patience(failures=2))
    for received in range(1, 9):
        file = cut_at(received, file, WHOLE if received == 1 else rest_from(received - 1))
        assert (file.why, file.past.failures) == (bide.Why.BACKOFF, 1)
    end = expect(Undelivered, file.receive(CUT, received=8, now=START))
    assert (end.reason, end.received, end.size) == (bide.Reason.FAILURES, 8, 500_000)


def test_the_rest_that_comes_in_parts_is_put_together() -> None:
    file = cut_at(200_000)
    part = answer(206, etag=TAG, content_range="bytes 200000-299999/500000")
    after = expect(Downloading, file.receive(part, received=300_000, now=START))
    assert (after.received, after.due, after.past.failures) == (300_000, START, 0)
    assert ("range", "bytes=300000-") in after.request.headers


def test_a_whole_answer_to_a_range_begins_anew() -> None:
    file = cut_at(200_000)
    other = answer(200, etag='"abc-2"', content_length="400000")
    heard = file.heard(other)
    assert heard is not None
    assert (heard.received, heard.size) == (0, 400_000)
    assert expect(Downloaded, heard.receive(other, received=400_000, now=START)).size == 400_000


@pytest.mark.parametrize(
    "wrong",
    [rest_from(199_999), rest_from(0), rest_from(200_000, '"abc-2"'), rest_from(200_000, size=600_000), answer(206)],
    ids=["before", "whole", "version", "size", "no range"],
)
def test_a_part_of_another_kind_begins_anew(wrong: bide.Response) -> None:
    file = cut_at(200_000)
    assert file.heard(wrong) is None
    after = expect(Downloading, file.receive(wrong, received=200_000, now=START))
    assert (after.received, after.request, after.past.failures) == (0, unsized().request, 1)
    assert after.spoilt == 0, "no whole file has come"
    assert after.why is bide.Why.BACKOFF


def test_what_is_too_large_to_be_the_rest_begins_anew() -> None:
    large = bide.NoResponse(bide.Cause.TOO_LARGE, sent=True)
    assert expect(Downloading, cut_at(200_000).receive(large, received=200_000, now=START)).received == 0


def test_a_416_means_that_all_is_here_or_that_nothing_is() -> None:
    file = cut_at(500_000)
    nothing_more = answer(416, content_range="bytes */500000")
    assert expect(Downloaded, file.receive(nothing_more, received=500_000, now=START)).size == 500_000
    shrunk = answer(416, content_range="bytes */400000")
    after = expect(Downloading, file.receive(shrunk, received=500_000, now=START))
    assert (after.received, after.link, after.why) == (0, file.link, bide.Why.BACKOFF)
    nothing_asked = expect(Downloading, unsized().receive(nothing_more, received=0, now=START))
    assert nothing_asked.request == unsized().request


@pytest.mark.parametrize("status", [204, 207, 403, 416, 503])
def test_no_other_reply_holds_the_rest_whatever_it_says(status: int) -> None:
    lines = rest_from(200_000).headers
    assert cut_at(200_000).heard(bide.Response(status, lines)) is None


@pytest.mark.parametrize("status", [302, 429, 503])
def test_that_all_is_here_must_be_said_by_a_416(status: int) -> None:
    file = cut_at(500_000)
    assert expect(Downloading, file.receive(answer(status), received=500_000, now=START)).request == file.request


def test_a_416_to_a_request_for_the_whole_is_a_refusal() -> None:
    end = expect(Undelivered, locating().receive(answer(416), received=0, now=START))
    assert end.reason is bide.Reason.REFUSED
    assert end.problem is not None
    assert end.problem.code == "HTTP_416"


def test_without_a_validator_everything_is_asked_for_again() -> None:
    file = cut_at(200_000, head=answer(200, content_length="500000"))
    assert (file.received, file.request) == (0, unsized().request)
    assert (file.due, file.furthest) == (START, 200_000)
    again = cut_at(200_000, file, answer(200, content_length="500000"))
    assert again.past.failures == 1, "it came no further than before"


def test_a_cut_after_its_head_is_an_answer() -> None:
    """A server that is cut again and again has been reached all the same."""
    file = unsized(bide.Patience(first_contact=1))
    assert cut_at(0, file).past.answered


def test_the_storage_host_may_end_a_body_too_soon_without_a_cut() -> None:
    """A body that ends with its connection cannot tell that it was cut: the announced size does."""
    file = transferring()
    short = expect(Downloading, file.receive(answer(200, etag=TAG), received=2, now=START))
    assert ("range", "bytes=2-") in short.request.headers
    whole = answer(206, etag=TAG, content_range="bytes 2-2/3")
    assert expect(Downloaded, short.receive(whole, received=3, now=START)).size == 3


def test_more_than_was_announced_is_never_gone_on_with() -> None:
    file = cut_at(500_001)
    assert (file.received, file.request) == (0, unsized().request)


# Whether it is the file that was told


def test_a_digest_that_was_told_must_be_that_of_the_bytes() -> None:
    file = unsized().heard(TOLD)
    assert file is not None
    assert file.partial.digest == Digest("sha256", SHA)
    assert isinstance(file.receive(TOLD, received=8, digest=SHA, now=START), Downloaded)
    assert isinstance(file.receive(TOLD, received=8, now=START), Downloaded), "a driver that computes none"
    wrong = expect(Downloading, file.receive(TOLD, received=8, digest="0" * 64, now=START))
    assert (wrong.received, wrong.spoilt, wrong.why) == (0, 1, bide.Why.BACKOFF)


@pytest.mark.parametrize("size", [8, 70_000])
def test_a_file_that_is_never_what_was_told_is_not_asked_for_for_ever(size: int) -> None:
    file: Downloading | Downloaded | Undelivered = unsized()
    count = 0
    while isinstance(file, Downloading):
        count += 1
        file = file.receive(TOLD, received=size, digest="0" * 64, now=file.due)
    end = expect(Undelivered, file)
    assert (count, end.reason, end.received) == (3, bide.Reason.NOT_UNDERSTOOD, 0)
    assert end.problem is not None
    assert end.problem.code == "WRONG_DIGEST"


def test_two_sizes_for_one_file_are_one_too_many() -> None:
    file = transferring().heard(answer(200, content_length="4"))
    assert file is not None
    wrong = expect(Downloading, file.receive(answer(200, content_length="4"), received=4, now=START))
    assert wrong.spoilt == 1
