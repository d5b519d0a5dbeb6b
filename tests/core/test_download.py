"""One file from its reference to its bytes: addresses followed with care, links renewed, limits obeyed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import bide
from bide.document import JSON
from bide.download import Downloaded, Downloading, Undelivered, download
from bide.errors import InvalidHandle
from tests.core.download_scene import (
    ADDRESS,
    BYTES,
    CUT,
    FILE,
    LINK,
    UNSENT,
    answer,
    expect,
    in_json,
    locating,
    transferring,
)
from tests.laws import DIALECT, START

# Where the bytes are


def test_the_service_is_asked_at_once_and_with_the_credential() -> None:
    file = locating()
    assert (file.due, file.not_before, file.why) == (START, START, bide.Why.AT_ONCE)
    assert file.request.url == f"https://api.modelroute.ai/v1/files/{FILE}/download"
    assert file.request.credential


def test_a_reference_that_is_no_id_is_refused() -> None:
    with pytest.raises(InvalidHandle):
        download("../keys", dialect=DIALECT, now=START)


def test_the_service_may_answer_with_the_bytes() -> None:
    file = locating()
    assert file.is_file(BYTES)
    done = expect(Downloaded, file.receive(BYTES, received=34567, now=START + 1))
    assert (done.file, done.size, done.body) == (FILE, 34567, None)


def test_the_service_may_answer_with_an_address_which_is_asked_without_the_credential() -> None:
    assert not locating().is_file(ADDRESS)
    file = transferring()
    assert (file.due, file.why) == (START, bide.Why.AT_ONCE)
    assert (file.request.url, file.request.credential) == (LINK, False)
    assert file.is_file(BYTES)
    assert expect(Downloaded, file.receive(BYTES, received=3, now=START + 1)).size == 3


@pytest.mark.parametrize("document", [{"a": 1}, {"url": LINK}, {"expires_at": "soon"}, [], "text"])
def test_a_file_that_is_json_itself_arrives_in_the_body(document: JSON) -> None:
    reply = in_json(document)
    done = expect(Downloaded, locating().receive(reply, received=0, now=START + 1))
    assert (done.body, done.size) == (reply.body, len(reply.body))


def test_json_from_the_storage_host_is_the_file_whatever_it_says() -> None:
    assert transferring().is_file(ADDRESS)
    assert expect(Downloaded, transferring().receive(ADDRESS, received=3, now=START + 1)).size == 3


@pytest.mark.parametrize("url", ["https://evil.example/f?sig=xyz", "http://storage.modelroute.ai/f?sig=xyz", ""])
def test_a_foreign_address_is_not_followed(url: str) -> None:
    end = expect(
        Undelivered, locating().receive(in_json({"url": url, "expires_at": "soon"}), received=0, now=START + 1)
    )
    assert end.reason is bide.Reason.REFUSED
    assert end.problem is not None
    assert end.problem.code == "FOREIGN_ADDRESS"
    assert "sig=xyz" not in str(end.problem)


@pytest.mark.parametrize("status", [204, 206, 302, 403, 404, 429, 500])
def test_only_a_200_is_the_file(status: int) -> None:
    assert not locating().is_file(answer(status))
    assert not transferring().is_file(answer(status))


def test_the_limits_of_the_patience_bound_both_requests() -> None:
    patience = bide.Patience(timeout=5, largest=1000, transfer=90)
    for file in (locating(patience), transferring(patience)):
        assert (file.request.timeout, file.request.largest) == (90, 1000)


# Trouble


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_expired_link_is_replaced_by_a_fresh_one(status: int) -> None:
    file = expect(Downloading, transferring().receive(answer(status), received=0, now=START + 1))
    assert file.request == locating().request
    assert file.why is bide.Why.BACKOFF
    again = expect(Downloading, file.receive(ADDRESS, received=0, now=file.due))
    assert again.request.url == LINK


@pytest.mark.parametrize("trouble", [CUT, UNSENT, answer(500), answer(503), answer(302), answer(206)], ids=repr)
def test_trouble_on_the_way_asks_the_same_link_again(trouble: bide.Reply) -> None:
    file = expect(Downloading, transferring().receive(trouble, received=1, now=START + 1))
    assert file.request == transferring().request
    assert file.due > START + 1


@pytest.mark.parametrize("trouble", [CUT, UNSENT, answer(502), answer(202), answer(206, b"part")], ids=repr)
def test_trouble_at_the_service_asks_it_again(trouble: bide.Reply) -> None:
    file = expect(Downloading, locating().receive(trouble, received=0, now=START + 1))
    assert file.request == locating().request
    assert (file.due > START + 1, file.why, file.not_before) == (True, bide.Why.BACKOFF, file.due)


def test_429_is_obeyed_on_both_ways() -> None:
    for start in (locating(), transferring()):
        file = expect(Downloading, start.receive(answer(429, retry_after="7"), received=0, now=START + 1))
        assert (file.due, file.not_before, file.why) == (START + 8, START + 8, bide.Why.RETRY_AFTER)


def test_429_never_uses_up_the_failure_budget() -> None:
    file = transferring(bide.Patience(failures=1, deadline=1e6))
    link = file.request
    for _ in range(9):
        file = expect(Downloading, file.receive(answer(429), received=0, now=START))
        assert file.request == link, "a 429 does not mean that the link has expired"


@pytest.mark.parametrize("status", [400, 410])
def test_a_file_the_service_does_not_have_is_not_asked_for_again(status: int) -> None:
    body = json.dumps({"error": {"code": "FILE_NOT_FOUND", "message": "expired"}}).encode()
    end = expect(Undelivered, locating().receive(answer(status, body), received=0, now=START + 1))
    assert (end.file, end.reason, end.problem) == (
        FILE,
        bide.Reason.REFUSED,
        bide.Problem("FILE_NOT_FOUND", "expired", retryable=False),
    )


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(400), bide.Reason.REFUSED),
        (answer(401), bide.Reason.UNAUTHORISED),
        (answer(402), bide.Reason.UNPAID),
        (answer(403), bide.Reason.UNAUTHORISED),
        (bide.NoResponse(bide.Cause.UNTRUSTED, sent=False), bide.Reason.UNTRUSTED),
        (bide.NoResponse(bide.Cause.PRIVATE, sent=False), bide.Reason.PRIVATE),
        (bide.NoResponse(bide.Cause.UNRESOLVED, sent=False), bide.Reason.UNREACHABLE),
    ],
)
def test_what_asking_again_cannot_mend_ends_it(reply: bide.Reply, reason: bide.Reason) -> None:
    end = expect(Undelivered, locating().receive(reply, received=0, now=START + 1))
    assert end.reason is reason
    assert end.last.request == locating().request


@pytest.mark.parametrize(
    "reply",
    [answer(410), answer(401), answer(400), in_json({"url": "https://evil.example/", "expires_at": ""})],
    ids=["410", "401", "400", "foreign address"],
)
def test_every_end_carries_what_happened(reply: bide.Response) -> None:
    end = expect(Undelivered, locating().receive(reply, received=0, now=START + 1))
    assert end.past.requests == 1
    assert len(end.past.trace) == 1


@pytest.mark.parametrize("received", [0, 2, 4])
def test_a_file_of_another_size_than_announced_is_not_the_file(received: int) -> None:
    file = transferring(bide.Patience(failures=2))
    again = expect(Downloading, file.receive(BYTES, received=received, now=START + 1))
    assert (again.request, again.size, again.why) == (file.request, 3, bide.Why.BACKOFF)
    assert expect(Downloaded, again.receive(BYTES, received=3, now=again.due)).size == 3
    end = expect(Undelivered, again.receive(BYTES, received=received, now=again.due))
    assert str(end.problem) == f"WRONG_SIZE: {received} bytes came, 3 were announced"


@pytest.mark.parametrize("announced", [None, "3", True, -1, 3.0])
def test_a_size_that_is_none_is_not_checked(announced: JSON) -> None:
    address = in_json({"url": LINK, "expires_at": "2030-01-05T09:00:00Z", "size_bytes": announced})
    file = expect(Downloading, locating().receive(address, received=0, now=START))
    assert expect(Downloaded, file.receive(BYTES, received=7, now=START)).size == 7


def test_a_fresh_link_announces_its_own_size() -> None:
    file = expect(Downloading, transferring().receive(answer(403), received=0, now=START + 1))
    assert file.size is None


def test_the_failure_budget_ends() -> None:
    file = transferring(bide.Patience(failures=3))
    for _ in range(2):
        file = expect(Downloading, file.receive(CUT, received=1, now=START))
    end = expect(Undelivered, file.receive(CUT, received=1, now=START))
    assert end.reason is bide.Reason.FAILURES


def test_first_contact_has_its_own_budget() -> None:
    file = locating(bide.Patience(first_contact=2))
    file = expect(Downloading, file.receive(UNSENT, received=0, now=START))
    assert expect(Undelivered, file.receive(UNSENT, received=0, now=START)).reason is bide.Reason.UNREACHABLE


def test_the_deadline_ends_and_is_never_overslept() -> None:
    file = locating(bide.Patience(deadline=10))
    file = expect(Downloading, file.receive(answer(429, retry_after="60"), received=0, now=START + 1))
    assert (file.due, file.why) == (START + 10, bide.Why.LAST_LOOK)
    assert expect(Undelivered, file.receive(answer(502), received=0, now=START + 10)).reason is bide.Reason.DEADLINE
    assert isinstance(file.receive(BYTES, received=3, now=START + 10), Downloaded)


# The quota as last seen


def test_a_spent_quota_is_waited_for_at_the_start() -> None:
    quota = bide.Quota(60, 0, START + 9)
    file = download(FILE, dialect=DIALECT, now=START, quota=quota)
    assert (file.due, file.not_before, file.why) == (START + 9, START + 9, bide.Why.QUOTA)


@pytest.mark.parametrize(
    "quota",
    [
        None,
        bide.Quota(60, 1, START + 9),
        bide.Quota(60, 0, START - 1),
        bide.Quota(60, 0, None),
        bide.Quota(60, 0, START),
    ],
    ids=["unknown", "some left", "reset already", "no reset", "reset now"],
)
def test_a_quota_that_is_not_spent_now_holds_nothing(quota: bide.Quota | None) -> None:
    assert download(FILE, dialect=DIALECT, now=START, quota=quota).due == START


def test_a_key_asked_to_wait_is_not_used_before_then() -> None:
    quota = bide.Quota(closed=START + 9)
    file = download(FILE, dialect=DIALECT, now=START, quota=quota)
    assert (file.due, file.why) == (START + 9, bide.Why.RETRY_AFTER)


def test_the_storage_host_has_no_say_in_the_quota_of_the_api() -> None:
    spent = answer(429, x_ratelimit_remaining="0", x_ratelimit_reset="50")
    asked = expect(Downloading, locating().receive(spent, received=0, now=START))
    assert asked.past.quota is not None
    assert (asked.past.quota.remaining, asked.past.quota.closed) == (0, START + 50)
    linked = expect(Downloading, transferring().receive(spent, received=0, now=START))
    assert (linked.past.quota, linked.due) == (None, START + 50)


def test_a_spent_quota_is_waited_for_to_the_deadline_only() -> None:
    quota = bide.Quota(60, 0, START + 900)
    file = download(FILE, dialect=DIALECT, now=START, quota=quota, patience=bide.Patience(deadline=10))
    assert (file.due, file.not_before) == (START + 10, START + 10)


def test_a_state_can_be_taken_up_again_from_its_end() -> None:
    end = expect(Undelivered, transferring(bide.Patience(failures=1)).receive(CUT, received=1, now=START + 1))
    assert isinstance(replace(end.last, due=START + 60), Downloading)
    assert isinstance(end.last.receive(ADDRESS, received=0, now=START + 60), Downloading)
