"""Every arrow of the machine walked by one named reply, then its decisions, one situation each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from decimal import Decimal
from email.utils import formatdate
from math import inf
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide import errors
from bide.dialect import Asked, Phase, Reading
from bide.document import JSON
from tests.arrows import arrows
from tests.laws import DIALECT, HANDLE, START

T = TypeVar("T")
LONG = bide.Patience(deadline=1e6)
OTHER = "exec_99999999-2222-4333-8444-555555555555"
FILES: JSON = {"images": [{"file_id": "file_a-1", "format": "png"}]}


def expect(kind: type[T], job: object) -> T:
    assert isinstance(job, kind), job
    return job


def answer(status: int = 200, body: JSON = None, **headers: str) -> bide.Response:
    """A reply; header names are written with '_' for '-'."""
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return bide.Response(status, bide.Headers.of(lines), b"" if body is None else json.dumps(body).encode())


def execution(status: str, **fields: JSON) -> dict[str, JSON]:
    return {"id": HANDLE, "status": status, **fields}


def error(code: str, **fields: JSON) -> dict[str, JSON]:
    return {"error": {"code": code, **fields}}


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat()


def date(at: float) -> str:
    return formatdate(at, usegmt=True)


PENDING = answer(202, execution("PENDING"))
RUNNING = answer(200, execution("PROCESSING"))
DONE = answer(200, execution("COMPLETED"))
DONE_INLINE = answer(200, execution("COMPLETED", output=FILES))
FAILED = answer(200, execution("FAILED", error={"code": "GENERATION_FAILED", "message": "provider could not finish"}))
CANCELLED = answer(200, execution("CANCELLED"))
EXPIRED = answer(200, execution("EXPIRED"))
HTML = bide.Response(200, bide.Headers.of([("Content-Type", "text/html")]), b"<html>welcome to the hotel</html>")
REFUSED = answer(409, error("NOT_CANCELLABLE", message="too late"))
CUT = bide.NoResponse(bide.Cause.RESET, sent=True)
TOO_LARGE = bide.NoResponse(bide.Cause.TOO_LARGE, sent=True)
UNSENT = bide.NoResponse(bide.Cause.UNREACHABLE, sent=False)
NO_SUCH_HOST = bide.NoResponse(bide.Cause.UNRESOLVED, sent=False)
INDOORS = bide.NoResponse(bide.Cause.PRIVATE, sent=False)
FORGED = bide.NoResponse(bide.Cause.UNTRUSTED, sent=False)


def submitting(
    key: str | None = "key-1", patience: bide.Patience = bide.Patience(), dialect: bide.Dialect = DIALECT
) -> bide.Submitting:
    order = bide.Order("flux-1.1-pro", {"prompt": "a fox"}, key=key)
    return bide.submit(order, dialect=dialect, now=START, pace=bide.Every(4), patience=patience)


def polling(patience: bide.Patience = bide.Patience()) -> bide.Polling:
    return expect(bide.Polling, submitting(patience=patience).receive(PENDING, now=START))


def watching(patience: bide.Patience = bide.Patience(), dialect: bide.Dialect = DIALECT) -> bide.Polling:
    return bide.watch(HANDLE, dialect=dialect, now=START, pace=bide.Every(4), patience=patience)


def fetching(patience: bide.Patience = bide.Patience()) -> bide.Fetching:
    return expect(bide.Fetching, polling(patience).receive(DONE, now=START + 1))


def cancelling(patience: bide.Patience = bide.Patience()) -> bide.Cancelling:
    return expect(bide.Cancelling, bide.cancel(polling(patience), now=START + 1))


def refused() -> bide.Cancelling:
    return expect(bide.Cancelling, cancelling().receive(REFUSED, now=START + 1))


@dataclass(frozen=True)
class Walk:
    """From a state, by a reply that comes `after` seconds since the start."""

    start: Callable[[], bide.Waiting]
    reply: bide.Reply
    after: float = 1.0


WALKS: dict[tuple[str, str], Walk] = {
    ("Submitting", "Submitting"): Walk(submitting, answer(503)),
    ("Submitting", "Polling"): Walk(submitting, PENDING),
    ("Submitting", "Fetching"): Walk(submitting, DONE),
    ("Submitting", "Completed"): Walk(submitting, DONE_INLINE),
    ("Submitting", "Failed"): Walk(submitting, answer(400, error("INPUT_VALIDATION_ERROR"))),
    ("Submitting", "Cancelled"): Walk(submitting, CANCELLED),
    ("Submitting", "Expired"): Walk(submitting, EXPIRED),
    ("Submitting", "Abandoned"): Walk(submitting, answer(401)),
    ("Polling", "Polling"): Walk(polling, RUNNING),
    ("Polling", "Fetching"): Walk(polling, DONE),
    ("Polling", "Completed"): Walk(polling, DONE_INLINE),
    ("Polling", "Failed"): Walk(polling, FAILED),
    ("Polling", "Cancelled"): Walk(polling, CANCELLED),
    ("Polling", "Expired"): Walk(polling, EXPIRED),
    ("Polling", "Lost"): Walk(polling, answer(410)),
    ("Polling", "Abandoned"): Walk(polling, RUNNING, after=3600),
    ("Fetching", "Fetching"): Walk(fetching, answer(502)),
    ("Fetching", "Completed"): Walk(fetching, DONE_INLINE),
    ("Fetching", "Failed"): Walk(fetching, FAILED),
    ("Fetching", "Cancelled"): Walk(fetching, CANCELLED),
    ("Fetching", "Expired"): Walk(fetching, EXPIRED),
    ("Fetching", "Lost"): Walk(fetching, answer(410)),
    ("Fetching", "Abandoned"): Walk(fetching, answer(403)),
    ("Cancelling", "Cancelling"): Walk(cancelling, RUNNING),
    ("Cancelling", "Polling"): Walk(refused, RUNNING),
    ("Cancelling", "Fetching"): Walk(cancelling, DONE),
    ("Cancelling", "Completed"): Walk(cancelling, DONE_INLINE),
    ("Cancelling", "Failed"): Walk(cancelling, FAILED),
    ("Cancelling", "Cancelled"): Walk(cancelling, CANCELLED),
    ("Cancelling", "Expired"): Walk(cancelling, EXPIRED),
    ("Cancelling", "Lost"): Walk(cancelling, answer(410)),
    ("Cancelling", "Abandoned"): Walk(cancelling, FORGED),
}


def test_the_walks_are_the_annotated_arrows() -> None:
    assert sorted(WALKS) == sorted(arrows())


@pytest.mark.parametrize("arrow", WALKS, ids=" to ".join)
def test_every_arrow_is_walked(arrow: tuple[str, str]) -> None:
    walk = WALKS[arrow]
    job = walk.start()
    after = job.receive(walk.reply, now=START + walk.after)
    assert (type(job).__name__, type(after).__name__) == arrow


# When to ask next: due, not_before, why


def test_a_new_job_is_asked_for_at_once() -> None:
    for job in (submitting(), watching()):
        assert (job.due, job.not_before, job.why) == (START, START, bide.Why.AT_ONCE)


def test_not_yet_waits_as_the_pace_says() -> None:
    job = expect(bide.Polling, polling().receive(RUNNING, now=START + 9))
    assert (job.due, job.not_before, job.why) == (START + 13, START + 9, bide.Why.PACE)


def test_a_growing_pace_follows_the_age_of_the_job() -> None:
    job = bide.watch(HANDLE, dialect=DIALECT, now=START, pace=bide.Growing(1, 1.1, 15))
    for age, interval in ((0, 1), (50, 6), (500, 15)):
        after = expect(bide.Polling, job.receive(RUNNING, now=START + age))
        assert 0.95 * interval <= after.due - (START + age) <= 1.05 * interval + 0.001


@pytest.mark.parametrize("trouble", [answer(502), HTML, CUT, UNSENT, answer(302), answer(404), answer(429)], ids=repr)
def test_backoff_doubles_with_half_of_it_jitter_up_to_a_minute(trouble: bide.Reply) -> None:
    patience = replace(LONG, failures=100, missing=100)
    job, now = polling(patience), START
    for ceiling in (0.5, 1, 2, 4, 8, 16, 32, 60, 60):
        job = expect(bide.Polling, job.receive(trouble, now=now))
        assert ceiling / 2 <= job.due - now <= ceiling + 0.001
        assert (job.not_before, job.why) == (job.due, bide.Why.BACKOFF)
        now = job.due


def test_the_seed_alone_decides_the_jitter() -> None:
    def waits(seed: str) -> float:
        job = bide.watch(HANDLE, dialect=DIALECT, now=START, seed=seed)
        return expect(bide.Polling, job.receive(answer(502), now=START)).due

    assert waits("a") == waits("a")
    assert len({waits(str(seed)) for seed in range(50)}) > 40


def test_after_trouble_the_pace_comes_back() -> None:
    troubled = expect(bide.Polling, polling().receive(answer(502), now=START + 1))
    job = expect(bide.Polling, troubled.receive(RUNNING, now=START + 2))
    assert (job.due, job.why, job.past.failures) == (START + 6, bide.Why.PACE, 0)


@pytest.mark.parametrize("status", [429, 503, 500, 404, 409, 302])
def test_retry_after_is_obeyed_instead_of_a_backoff(status: int) -> None:
    job = expect(bide.Polling, polling().receive(answer(status, retry_after="7"), now=START + 1))
    assert (job.due, job.not_before, job.why) == (START + 8, START + 8, bide.Why.RETRY_AFTER)


def test_a_hint_is_obeyed_on_the_first_reply() -> None:
    job = expect(bide.Polling, submitting().receive(answer(202, execution("PENDING"), retry_after="20"), now=START + 1))
    assert (job.due, job.not_before, job.why) == (START + 21, START + 21, bide.Why.RETRY_AFTER)


def test_a_hint_shorter_than_the_pace_is_only_the_floor() -> None:
    job = expect(bide.Polling, polling().receive(answer(200, execution("PENDING"), retry_after="1.5"), now=START))
    assert (job.due, job.not_before, job.why) == (START + 4, START + 1.5, bide.Why.PACE)


def test_retry_after_on_success_with_quota_left_is_no_reason_to_slow_down() -> None:
    reply = answer(200, execution("PENDING"), retry_after="50", x_ratelimit_remaining="9", x_ratelimit_reset="50")
    job = expect(bide.Polling, polling().receive(reply, now=START))
    assert (job.due, job.not_before, job.why) == (START + 4, START, bide.Why.PACE)


def test_a_dialect_may_say_that_retry_after_always_counts() -> None:
    reply = answer(200, execution("PENDING"), retry_after="50", x_ratelimit_remaining="9", x_ratelimit_reset="30")
    dialect = Terse(cadence=True, said=Reading(Phase.UNFINISHED, HANDLE))
    job = expect(bide.Polling, watching(dialect=dialect).receive(reply, now=START))
    assert (job.due, job.why) == (START + 50, bide.Why.RETRY_AFTER)


def test_a_hint_of_now_counts_once_and_then_the_pace() -> None:
    dialect = Terse(cadence=True, said=Reading(Phase.UNFINISHED, HANDLE))
    job, waits = watching(dialect=dialect), list[float]()
    for _ in range(4):
        after = expect(bide.Polling, job.receive(answer(200, retry_after="0"), now=job.due))
        waits, job = [*waits, round(after.due - job.due, 3)], after
    assert waits == [0.05, 4, 4, 4]
    longer = expect(bide.Polling, job.receive(answer(200, retry_after="7"), now=job.due))
    again = expect(bide.Polling, longer.receive(answer(200, retry_after="0"), now=longer.due))
    assert (round(longer.due - job.due, 3), round(again.due - longer.due, 3)) == (7, 0.05)


def test_a_hint_that_proves_too_short_is_stretched_up_to_the_pace() -> None:
    dialect = Terse(cadence=True, said=Reading(Phase.UNFINISHED, HANDLE))
    job, waits = watching(dialect=dialect), list[float]()
    for _ in range(5):
        after = expect(bide.Polling, job.receive(answer(200, retry_after="1"), now=job.due))
        waits, job = [*waits, round(after.due - job.due, 3)], after
    assert waits == [1, 1.5, 2.25, 3.375, 4]
    longer = expect(bide.Polling, job.receive(answer(200, retry_after="9"), now=job.due))
    assert longer.due == job.due + 9


def test_a_hint_of_the_limiter_that_proves_too_short_gives_way_to_the_backoff() -> None:
    job, waits = polling(replace(LONG, failures=100)), list[float]()
    for _ in range(8):
        after = expect(bide.Polling, job.receive(answer(429, retry_after="2"), now=job.due))
        waits, job = [*waits, after.due - job.due], after
    assert waits[:2] == pytest.approx([2, 2])
    assert waits[-1] >= 30


def test_nothing_remaining_waits_for_the_reset() -> None:
    reply = answer(200, execution("PENDING"), x_ratelimit_remaining="0", x_ratelimit_reset=str(int(START) + 30))
    job = expect(bide.Polling, polling().receive(reply, now=START + 1))
    assert (job.due, job.not_before, job.why) == (START + 30, START + 30, bide.Why.QUOTA)
    assert job.past.quota == bide.Quota(None, 0, START + 30, asked="poll", at=START + 1)


def test_something_remaining_does_not_wait() -> None:
    reply = answer(200, execution("PENDING"), x_ratelimit_remaining="1", x_ratelimit_reset=str(int(START) + 30))
    job = expect(bide.Polling, polling().receive(reply, now=START))
    assert (job.due, job.why) == (START + 4, bide.Why.PACE)


@pytest.mark.parametrize(
    ("headers", "wait", "why"),
    [
        ({"retry_after": "5", "x_ratelimit_reset": str(int(START) + 40)}, 5, bide.Why.RETRY_AFTER),
        ({"x_ratelimit_reset": str(int(START) + 40)}, 40, bide.Why.QUOTA),
        ({"x_ratelimit_reset": str(int(START) + 40), "x_ratelimit_remaining": "3"}, 40, bide.Why.QUOTA),
        ({"x_ratelimit_reset": str(int(START) - 40)}, 1, bide.Why.QUOTA),
        ({"retry_after": "0", "x_ratelimit_reset": "12"}, 12, bide.Why.QUOTA),
        ({"retry_after": "999999"}, 3600, bide.Why.RETRY_AFTER),
        ({"x_ratelimit_reset": "999999"}, 3600, bide.Why.QUOTA),
    ],
    ids=["both", "reset only", "reset with some left", "reset in the past", "retry-after 0", "absurd", "absurd reset"],
)
def test_429_waits_for_retry_after_else_the_reset(headers: dict[str, str], wait: float, why: bide.Why) -> None:
    job = expect(bide.Polling, polling(LONG).receive(answer(429, **headers), now=START))
    assert (job.due, job.not_before, job.why) == (START + wait, START + wait, why)


@pytest.mark.parametrize("hint", ["0", "-1", "-1, x", "３０", "nan", "soon", ""])
def test_429_without_a_usable_hint_backs_off(hint: str) -> None:
    job = expect(bide.Polling, polling().receive(answer(429, retry_after=hint), now=START))
    assert job.why is bide.Why.BACKOFF
    assert 0.25 <= job.due - START <= 0.501


def test_a_hint_has_a_floor() -> None:
    job = expect(bide.Polling, polling().receive(answer(429, retry_after="0.001"), now=START))
    assert job.due - START >= 0.0499


def test_a_pace_is_never_faster_than_the_shortest_wait() -> None:
    for seed in range(50):
        job = bide.watch(HANDLE, dialect=DIALECT, now=START, pace=bide.Every(0.1, jitter=0.1), seed=str(seed))
        assert expect(bide.Polling, job.receive(RUNNING, now=START)).due - START >= 0.0499


def test_rate_limiting_never_uses_up_the_failure_budget() -> None:
    job = polling(replace(LONG, failures=1))
    for _ in range(50):
        job = expect(bide.Polling, job.receive(answer(429), now=START))
    assert (job.past.failures, job.past.limited) == (0, 50)


@pytest.mark.parametrize(
    "reply",
    [
        answer(429, retry_after="500"),
        answer(503, retry_after="500"),
        answer(200, execution("PENDING"), x_ratelimit_remaining="0", x_ratelimit_reset="500"),
        RUNNING,
    ],
    ids=["429", "503", "quota", "pace"],
)
def test_whatever_lies_beyond_the_deadline_is_cut_to_one_last_look(reply: bide.Reply) -> None:
    job = expect(bide.Polling, polling(bide.Patience(deadline=10)).receive(reply, now=START + 7))
    assert (job.due, job.why) == (START + 10, bide.Why.LAST_LOOK)
    assert job.not_before <= job.due


# Submitting: never paid for twice


def test_a_submission_is_acknowledged_with_its_receipt() -> None:
    promise = execution("PENDING", hold_amount="0.120", estimated_cost="0.100", created_at=iso(START))
    job = expect(bide.Polling, submitting().receive(answer(202, promise), now=START))
    assert (job.handle, job.past.known, job.past.status) == (HANDLE, True, "PENDING")
    assert job.past.receipt == bide.Receipt(
        Decimal("0.120"), Decimal("0.100"), datetime.fromtimestamp(START, timezone.utc), None
    )
    later = expect(bide.Polling, job.receive(RUNNING, now=START + 4))
    assert later.past.receipt == job.past.receipt


UNCLEAR = {
    "cut after sending": CUT,
    "timed out after sending": bide.NoResponse(bide.Cause.TIMEOUT, sent=True),
    "502 from a proxy": answer(502),
    "500 without a word": answer(500),
}
NAMELESS = {
    "200 that is no JSON": HTML,
    "202 without an id": answer(202, {"status": "PENDING"}),
    "202 with an id that is none": answer(202, {"id": "../up", "status": "PENDING"}),
    "202 with an id without end": answer(202, {"id": "x" * 4_000_000, "status": "PENDING"}),
    "202 that is cut": bide.Response(202, body=b'{"id": "exec_1", "sta'),
    "204": answer(204),
    "completed without id or result": answer(200, {"status": "COMPLETED"}),
}
NOT_TAKEN = {
    "nothing sent": UNSENT,
    "limited": answer(429),
    "overloaded, says the service": answer(503, error("MODEL_OVERLOADED")),
    "retry, says the service": answer(500, error("NEW_CODE", retryable=True)),
    "retry, says the service of a 400": answer(400, error("NEW_CODE", retryable=True)),
}


@pytest.mark.parametrize("key", [None, "key-1"])
@pytest.mark.parametrize("reply", NAMELESS.values(), ids=NAMELESS)
def test_a_submission_that_was_accepted_is_not_sent_again_whatever_the_reply_lacks(
    reply: bide.Response, key: str | None
) -> None:
    job = expect(bide.Abandoned, submitting(key=key).receive(reply, now=START + 1))
    assert (job.reason, job.handle) == (bide.Reason.UNFOLLOWABLE, None)
    assert job.said is not None
    assert (job.said.status, job.said.body) == (reply.status, reply.body.decode("utf-8", "replace")[:65536])
    with pytest.raises(errors.InvalidOrder, match="look for the job at the service"):
        bide.resume(job, now=START + 2)
    assert bide.load(bide.dump(job), dialect=DIALECT) == job


@pytest.mark.parametrize("reply", UNCLEAR.values(), ids=UNCLEAR)
def test_an_unclear_outcome_without_a_key_is_never_sent_again(reply: bide.Reply) -> None:
    job = expect(bide.Abandoned, submitting(key=None).receive(reply, now=START + 1))
    assert (job.reason, job.handle) == (bide.Reason.AMBIGUOUS, None)
    assert isinstance(job.last, bide.Submitting)
    with pytest.raises(errors.InvalidOrder, match="look for the job at the service"):
        bide.resume(job, now=START + 2)


@pytest.mark.parametrize("reply", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_without_a_key_only_what_was_surely_not_taken_is_sent_again(reply: bide.Reply) -> None:
    job = submitting(key=None)
    again = expect(bide.Submitting, job.receive(reply, now=START + 1))
    assert again.request == job.request
    assert not again.request.repeatable


@pytest.mark.parametrize("reply", (UNCLEAR | NOT_TAKEN).values(), ids=UNCLEAR | NOT_TAKEN)
def test_with_a_key_the_same_bytes_go_out_again(reply: bide.Reply) -> None:
    job = submitting()
    again = expect(bide.Submitting, job.receive(reply, now=START + 1))
    assert again.due > START + 1
    assert again.request == job.request
    assert ("idempotency-key", "key-1") in again.request.headers
    assert again.request.repeatable


def test_409_at_submission_waits_under_the_same_key() -> None:
    job = expect(bide.Submitting, submitting().receive(answer(409, retry_after="3"), now=START))
    assert (job.due, job.why, job.order.key) == (START + 3, bide.Why.RETRY_AFTER, "key-1")


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "CONTENT_MODERATION_REJECTED"), (404, "MODEL_NOT_FOUND"), (410, "X"), (422, "X"), (500, "INTERNAL_ERROR")],
)
def test_a_submission_the_service_refuses_has_failed(status: int, code: str) -> None:
    job = expect(bide.Failed, submitting().receive(answer(status, error(code, message="no")), now=START))
    assert (job.handle, job.problem.code, job.problem.message) == (None, code, "no")


def test_a_submission_may_be_answered_with_the_result() -> None:
    job = expect(bide.Completed, submitting().receive(DONE_INLINE, now=START))
    assert (job.handle, job.result.files) == (HANDLE, ("file_a-1",))


def test_a_result_that_names_nobody_is_a_result() -> None:
    nameless = answer(200, {"status": "COMPLETED", "output": FILES})
    job = expect(bide.Completed, submitting().receive(nameless, now=START))
    assert (job.handle, bide.unwrap(job).files) == ("", ("file_a-1",))


# Who must act: credentials, money, certificates, addresses


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_look_but_not_cancel_goes_on_looking(status: int) -> None:
    looking = expect(bide.Cancelling, cancelling().receive(answer(status), now=START))
    assert looking.refusal is not None
    assert looking.request == polling().request
    expect(bide.Polling, looking.receive(RUNNING, now=START + 1))
    expect(bide.Abandoned, looking.receive(answer(status), now=START + 1))


@pytest.mark.parametrize("state", [submitting, polling, fetching])
@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, bide.Reason.UNAUTHORISED), (402, bide.Reason.UNPAID), (403, bide.Reason.UNAUTHORISED)],
)
def test_a_refused_credential_or_an_empty_account_parks_the_job(
    state: Callable[[], bide.Waiting], status: int, reason: bide.Reason
) -> None:
    waiting = state()
    job = expect(bide.Abandoned, waiting.receive(answer(status), now=START + 1))
    assert job.reason is reason
    assert type(job.last) is type(waiting)
    assert bide.resume(job, now=START + 60).request == waiting.request


@pytest.mark.parametrize("state", [submitting, polling, fetching, cancelling])
def test_a_certificate_that_is_not_accepted_is_never_retried(state: Callable[[], bide.Waiting]) -> None:
    assert expect(bide.Abandoned, state().receive(FORGED, now=START + 1)).reason is bide.Reason.UNTRUSTED


@pytest.mark.parametrize("state", [submitting, polling, fetching, cancelling])
def test_a_name_that_leads_into_a_private_network_is_not_asked_again(state: Callable[[], bide.Waiting]) -> None:
    assert expect(bide.Abandoned, state().receive(INDOORS, now=START + 1)).reason is bide.Reason.PRIVATE


@pytest.mark.parametrize("state", [submitting, watching])
def test_a_host_that_does_not_exist_ends_the_first_contact(state: Callable[[], bide.Waiting]) -> None:
    assert expect(bide.Abandoned, state().receive(NO_SUCH_HOST, now=START)).reason is bide.Reason.UNREACHABLE


def test_a_host_that_vanishes_later_is_retried() -> None:
    assert isinstance(polling().receive(NO_SUCH_HOST, now=START + 1), bide.Polling)


def test_first_contact_has_a_small_budget_of_its_own() -> None:
    job = submitting(patience=bide.Patience(first_contact=3))
    for _ in range(2):
        job = expect(bide.Submitting, job.receive(UNSENT, now=START))
    assert expect(bide.Abandoned, job.receive(UNSENT, now=START)).reason is bide.Reason.UNREACHABLE


@pytest.mark.parametrize("state", [submitting, polling, fetching, cancelling])
def test_a_connection_that_was_not_free_is_no_failure_and_waited_for_again(state: Callable[..., bide.Waiting]) -> None:
    busy = bide.NoResponse(bide.Cause.BUSY, sent=False)
    first = job = state(patience=bide.Patience(failures=1, first_contact=1))
    for _ in range(30):
        job = expect(type(first), job.receive(busy, now=job.due))
        assert job.request == first.request
    past_its_deadline = job.receive(busy, now=job.past.deadline)
    assert expect(bide.Abandoned, past_its_deadline).reason is bide.Reason.DEADLINE


def test_any_answer_ends_the_first_contact() -> None:
    patience = bide.Patience(first_contact=1, failures=4)
    job = expect(bide.Submitting, submitting(patience=patience).receive(answer(429), now=START))
    for _ in range(3):
        job = expect(bide.Submitting, job.receive(UNSENT, now=START))
    assert expect(bide.Abandoned, job.receive(UNSENT, now=START)).reason is bide.Reason.FAILURES


def test_replies_that_make_no_sense_end_as_not_understood() -> None:
    job = polling(bide.Patience(failures=3))
    for _ in range(2):
        job = expect(bide.Polling, job.receive(HTML, now=START))
    assert expect(bide.Abandoned, job.receive(HTML, now=START)).reason is bide.Reason.NOT_UNDERSTOOD


def test_a_refused_look_is_not_a_failed_job() -> None:
    job = expect(bide.Abandoned, polling().receive(answer(400, error("X", message="bad id")), now=START + 1))
    assert (job.reason, job.handle) == (bide.Reason.REFUSED, HANDLE)
    assert job.problem == bide.Problem("X", "bad id")


def test_progress_is_news_and_silence_stalls() -> None:
    patience = bide.Patience(stall=60, deadline=1e6)
    job = expect(
        bide.Polling, polling(patience).receive(answer(200, execution("PENDING", progress=10)), now=START + 50)
    )
    assert job.past.progress == 0.1
    job = expect(bide.Polling, job.receive(answer(200, execution("PENDING", progress=20)), now=START + 100))
    same = answer(200, execution("PENDING", progress=20))
    job = expect(bide.Polling, job.receive(same, now=START + 159))
    assert expect(bide.Abandoned, job.receive(same, now=START + 160)).reason is bide.Reason.STALLED


# Not found


def test_404_just_after_the_submission_is_only_too_early() -> None:
    job = polling()
    for seconds in range(4):
        job = expect(bide.Polling, job.receive(answer(404), now=START + seconds))
    job = expect(bide.Polling, job.receive(RUNNING, now=START + 5))
    assert (job.past.missing, job.past.failures) == (0, 0)


@pytest.mark.parametrize("state", [polling, fetching])
@pytest.mark.parametrize(("count", "seconds", "lost"), [(5, 30.0, True), (5, 29.0, False), (4, 300.0, False)])
def test_a_known_job_is_lost_after_enough_404s_over_long_enough(
    state: Callable[[], bide.Polling | bide.Fetching], count: int, seconds: float, lost: bool
) -> None:
    job: bide.Job = state()
    begin = START + 10
    for n in range(count):
        assert isinstance(job, bide.Polling | bide.Fetching)
        job = job.receive(answer(404, error("NOT_FOUND")), now=begin + seconds * n / (count - 1))
    assert isinstance(job, bide.Lost) is lost


def test_a_lost_job_carries_its_evidence_and_can_be_resumed() -> None:
    job = expect(bide.Lost, fetching().receive(answer(410, error("GONE", message="purged")), now=START + 2))
    assert (job.handle, job.problem) == (HANDLE, bide.Problem("GONE", "purged"))
    assert bide.resume(job, now=START + 60).request == fetching().request


def test_an_id_nobody_has_seen_is_lost_at_once() -> None:
    assert isinstance(watching().receive(answer(404), now=START), bide.Lost)
    limited = expect(bide.Polling, watching().receive(answer(429), now=START))
    assert isinstance(limited.receive(answer(404), now=START + 1), bide.Lost)


# The deadline


def test_the_jobs_own_end_drives_the_deadline() -> None:
    reply = answer(202, execution("PENDING", expires_at=iso(START + 300)), date=date(START))
    job = expect(bide.Polling, submitting().receive(reply, now=START))
    assert job.past.deadline == START + 330


@pytest.mark.parametrize("skew", [-86400, -7, 0, 90, 86400])
def test_the_servers_clock_is_compared_with_its_own_date(skew: int) -> None:
    theirs = START + skew
    reply = answer(202, execution("PENDING", expires_at=iso(theirs + 300)), date=date(theirs))
    job = expect(bide.Polling, submitting().receive(reply, now=START))
    assert job.past.deadline == START + 330


@pytest.mark.parametrize(
    ("patience", "expires", "deadline"),
    [
        (bide.Patience(deadline=50), iso(START + 300), 50),
        (bide.Patience(grace=1), iso(START + 300), 301),
        (bide.Patience(longest=100), iso(START + 300), 100),
        (bide.Patience(fallback=70), "soon", 70),
        (bide.Patience(fallback=70), "2026-13-45T00:00:00Z", 70),
    ],
    ids=["the caller's wins", "grace", "at most longest", "unreadable", "no such date"],
)
def test_which_deadline_holds(patience: bide.Patience, expires: str, deadline: float) -> None:
    reply = answer(202, execution("PENDING", expires_at=expires))
    job = expect(bide.Polling, submitting(patience=patience).receive(reply, now=START))
    assert job.past.deadline == START + deadline


def test_a_deadline_moves_when_the_job_names_another_end_and_only_then() -> None:
    first = answer(202, execution("PENDING", expires_at=iso(START + 300)))
    job = expect(bide.Polling, submitting().receive(first, now=START))
    job = expect(bide.Polling, job.receive(first, now=START + 7))
    job = expect(bide.Polling, job.receive(RUNNING, now=START + 9))
    assert job.past.deadline == START + 330
    later = answer(200, execution("PENDING", expires_at=iso(START + 600)))
    assert expect(bide.Polling, job.receive(later, now=START + 11)).past.deadline == START + 630


def test_longest_counts_from_the_submission() -> None:
    job = polling(bide.Patience(longest=100))
    later = answer(200, execution("PENDING", expires_at=iso(START + 600)))
    assert expect(bide.Polling, job.receive(later, now=START + 50)).past.deadline == START + 100


def test_a_completed_job_is_still_fetched_after_the_deadline() -> None:
    patience = bide.Patience(deadline=10)
    late = expect(bide.Fetching, polling(patience).receive(DONE, now=START + 10))
    assert late.due == START + 10
    assert isinstance(late.receive(DONE_INLINE, now=START + 11), bide.Completed)
    assert expect(bide.Abandoned, late.receive(answer(502), now=START + 11)).reason is bide.Reason.DEADLINE


# Fetching: a finished status is absorbing


def test_the_result_is_fetched_at_once() -> None:
    job = fetching()
    assert (job.due, job.why) == (START + 1, bide.Why.AT_ONCE)
    assert job.request.url.endswith(f"/v1/executions/{HANDLE}/result")


def test_a_job_seen_completed_is_only_fetched_whatever_it_says_later() -> None:
    job = expect(bide.Fetching, fetching().receive(RUNNING, now=START + 2))
    assert isinstance(job.receive(DONE_INLINE, now=START + 3), bide.Completed)


def test_a_result_waits_for_the_quota() -> None:
    spent = answer(200, execution("COMPLETED"), x_ratelimit_remaining="0", x_ratelimit_reset="20")
    job = expect(bide.Fetching, polling().receive(spent, now=START))
    assert (job.due, job.why) == (START + 20, bide.Why.QUOTA)


# Cancelling


def test_a_cancel_goes_out_at_once() -> None:
    job = cancelling()
    assert (job.due, job.why, job.request.method) == (START + 1, bide.Why.AT_ONCE, "POST")
    assert job.request.url.endswith(f"/v1/executions/{HANDLE}/cancel")


def test_a_cancel_keeps_the_servers_hold_and_the_deadline() -> None:
    held = expect(bide.Polling, polling().receive(answer(429, retry_after="30"), now=START))
    job = expect(bide.Cancelling, bide.cancel(held, now=START + 5))
    assert (job.due, job.not_before) == (START + 30, START + 30)
    last = expect(bide.Polling, polling(bide.Patience(deadline=10)).receive(RUNNING, now=START + 9))
    assert bide.cancel(last, now=START + 9.5).due == START + 9.5


def test_a_job_already_completed_or_cancelling_is_left_as_it_is() -> None:
    for job in (fetching(), cancelling()):
        assert bide.cancel(job, now=START + 5) is job


@pytest.mark.parametrize("reply", [RUNNING, answer(202), answer(204), HTML], ids=repr)
def test_an_accepted_cancel_is_looked_at_until_the_job_has_ended(reply: bide.Reply) -> None:
    job = expect(bide.Cancelling, cancelling().receive(reply, now=START + 1))
    assert (job.asked, job.refusal, job.due, job.request.method) == (True, None, START + 1, "GET")
    job = expect(bide.Cancelling, job.receive(RUNNING, now=START + 2))
    assert (job.due, job.why) == (START + 6, bide.Why.PACE)
    assert expect(bide.Cancelled, job.receive(CANCELLED, now=START + 6)).handle == HANDLE


@pytest.mark.parametrize("status", [400, 404, 405, 409, 422])
def test_a_refused_cancel_looks_at_once_and_is_then_polled_on(status: int) -> None:
    job = expect(bide.Cancelling, cancelling().receive(answer(status, error("NO", message="no")), now=START + 1))
    assert (job.asked, job.refusal, job.due) == (True, bide.Problem("NO", "no"), START + 1)
    assert job.past.failures == job.past.missing == 0
    on = expect(bide.Polling, job.receive(RUNNING, now=START + 2))
    assert (on.due, on.why) == (START + 6, bide.Why.PACE)


def test_a_refusal_is_remembered_through_trouble() -> None:
    job = expect(bide.Cancelling, refused().receive(answer(502), now=START + 2))
    assert job.refusal == bide.Problem("NOT_CANCELLABLE", "too late")
    assert isinstance(job.receive(RUNNING, now=START + 3), bide.Polling)


@pytest.mark.parametrize("trouble", [answer(502), answer(429), CUT, UNSENT], ids=repr)
def test_a_cancel_that_met_trouble_is_asked_again(trouble: bide.Reply) -> None:
    job = expect(bide.Cancelling, cancelling().receive(trouble, now=START + 1))
    assert (job.asked, job.tries, job.why) == (False, 1, bide.Why.BACKOFF)
    assert job.request == polling().request, "the job may have ended meanwhile"
    again = expect(bide.Cancelling, job.receive(RUNNING, now=START + 2))
    assert (again.request, again.due, again.why) == (cancelling().request, START + 2, bide.Why.AT_ONCE)
    assert isinstance(job.receive(DONE, now=START + 2), bide.Fetching)


def test_the_tries_of_a_cancel_are_counted_through_looks_that_went_well() -> None:
    job: bide.Job = cancelling(patience=replace(LONG, failures=3))
    waits: list[float] = []
    while isinstance(job, bide.Waiting):
        at = job.due
        job = job.receive(answer(503) if job.request.method == "POST" else RUNNING, now=at)
        waits += [job.due - at] if isinstance(job, bide.Waiting) else []
    assert expect(bide.Abandoned, job).reason is bide.Reason.FAILURES
    assert [0.25 <= waits[0] <= 0.501, waits[1], 0.5 <= waits[2] <= 1.001, waits[3]] == [True, 0, True, 0]


def test_a_cancel_that_lost_the_race_yields_the_result() -> None:
    job = expect(bide.Fetching, refused().receive(DONE, now=START + 2))
    assert expect(bide.Completed, job.receive(DONE_INLINE, now=START + 3)).result.files == ("file_a-1",)


def test_a_job_cancelled_by_the_service_itself_is_cancelled() -> None:
    assert expect(bide.Cancelled, polling().receive(CANCELLED, now=START + 1)).problem.code == "CANCELLED"


# Notices


def test_a_notice_brings_the_next_look_forward() -> None:
    job = expect(bide.Polling, polling().receive(RUNNING, now=START))
    told = expect(bide.Polling, bide.notice(job, bide.Notice("evt_1", HANDLE), now=START + 1))
    assert (told.due, told.why) == (START + 1, bide.Why.NOTICE)
    assert replace(told, due=job.due, why=job.why) == job


def test_a_notice_does_not_break_the_servers_hold() -> None:
    reply = answer(200, execution("PENDING"), retry_after="2")
    job = expect(bide.Polling, polling().receive(reply, now=START))
    assert expect(bide.Polling, bide.notice(job, bide.Notice("evt_1", HANDLE), now=START + 1)).due == START + 2
    limited = expect(bide.Polling, polling().receive(answer(429, retry_after="9"), now=START))
    assert bide.notice(limited, bide.Notice("evt_1", HANDLE), now=START + 1) is limited


def test_a_notice_about_another_job_or_too_late_changes_nothing() -> None:
    job = polling()
    assert bide.notice(job, bide.Notice("evt_1", OTHER), now=START) is job
    assert bide.notice(job, bide.Notice("evt_1", HANDLE), now=job.due + 1) is job


@pytest.mark.parametrize("state", [submitting, fetching, lambda: polling().receive(FAILED, now=START)])
def test_a_notice_is_never_proof(state: Callable[[], bide.Job]) -> None:
    job = state()
    assert bide.notice(job, bide.Notice("evt_1", HANDLE), now=START) == job


# What another job of the same key has heard

SPENT = bide.Quota(60, 0, START + 30)


@pytest.mark.parametrize("state", [submitting, polling, fetching, cancelling, refused])
def test_a_job_waits_for_the_reset_that_another_job_heard_of(state: Callable[[], bide.Waiting]) -> None:
    job = expect(type(state()), bide.within(state(), SPENT, now=START + 1))
    assert (job.due, job.not_before, job.why) == (START + 30, START + 30, bide.Why.QUOTA)
    assert replace(job, due=state().due, not_before=state().not_before, why=state().why) == state()


def test_a_key_asked_to_wait_holds_back_every_job_of_it() -> None:
    limited = expect(bide.Polling, polling().receive(answer(429, retry_after="20"), now=START + 1))
    job = expect(bide.Fetching, bide.within(fetching(), limited.past.quota, now=START + 2))
    assert (job.due, job.not_before, job.why) == (START + 21, START + 21, bide.Why.RETRY_AFTER)


@pytest.mark.parametrize("status", [200, 403, 429])
def test_a_refusal_of_the_limiter_is_one_whatever_its_status(status: int) -> None:
    dialect = Terse(cadence=True, said=Reading(Phase.LIMITED))
    limited = expect(bide.Polling, watching(dialect=dialect).receive(answer(status, retry_after="20"), now=START + 1))
    assert (limited.due, limited.why) == (START + 21, bide.Why.RETRY_AFTER)
    job = expect(bide.Polling, bide.within(watching(dialect=dialect), limited.past.quota, now=START + 2))
    assert (job.due, job.why) == (START + 21, bide.Why.RETRY_AFTER)
    bare = watching(dialect=dialect).receive(answer(status), now=START + 1)
    assert bide.within(watching(dialect=dialect), bare.past.quota, now=START + 1).due == START + 1.5


@pytest.mark.parametrize(
    ("asked", "state"), [("submit", submitting), ("poll", polling), ("fetch", fetching), ("cancel", cancelling)]
)
def test_a_policy_holds_the_kind_of_request_that_it_was_told_for(asked: str, state: Callable[[], bide.Waiting]) -> None:
    mine = bide.Quota(60, 0, START + 30, name="mine", asked=asked, at=START)
    other = bide.Quota(60, 0, START + 50, name="other", asked="confirm", at=START)
    assert bide.within(state(), mine._replace(others=(other,)), now=START + 1).due == START + 30


@pytest.mark.parametrize(
    "quota",
    [None, bide.Quota(60, 1, START + 30), bide.Quota(60, 0, None), bide.Quota(60, 0, START)],
    ids=["unknown", "some left", "no reset", "reset has passed"],
)
def test_a_quota_that_is_not_spent_holds_no_other_job(quota: bide.Quota | None) -> None:
    job = polling()
    assert bide.within(job, quota, now=START) is job


def test_another_jobs_quota_is_waited_for_to_the_deadline_only() -> None:
    job = expect(bide.Polling, bide.within(polling(bide.Patience(deadline=10)), SPENT, now=START + 1))
    assert (job.due, job.not_before) == (START + 10, START + 10)


def test_a_reset_before_the_next_look_is_still_a_floor() -> None:
    job = expect(bide.Polling, bide.within(polling(), bide.Quota(60, 0, START + 3), now=START + 1))
    assert (job.due, job.not_before, job.why) == (START + 4, START + 3, bide.Why.PACE)
    told = expect(bide.Polling, bide.notice(job, bide.Notice("evt_1", HANDLE), now=START + 1))
    assert told.due == START + 3


# Resuming


def given_up(reply: bide.Reply = RUNNING) -> bide.Abandoned:
    return expect(bide.Abandoned, polling(bide.Patience(deadline=10)).receive(reply, now=START + 10))


def test_a_job_that_still_waits_is_resumed_as_it_stands() -> None:
    job = polling()
    assert bide.resume(job, now=START + 99) is job


def test_new_limits_count_from_now() -> None:
    job = expect(bide.Polling, bide.resume(polling(), now=START + 2, patience=bide.Patience(deadline=50, failures=2)))
    assert (job.past.deadline, job.terms.patience.failures, job.due) == (START + 52, 2, START + 2)


def test_resuming_gives_a_fresh_deadline_and_clean_counters() -> None:
    job = expect(bide.Polling, bide.resume(given_up(), now=START + 100))
    assert (job.past.deadline, job.due, job.why) == (START + 110, START + 100, bide.Why.AT_ONCE)
    failed = expect(bide.Abandoned, polling(bide.Patience(failures=1)).receive(answer(502), now=START + 1))
    again = bide.resume(failed, now=START + 100)
    assert (again.past.failures, again.past.limited, again.past.missing) == (0, 0, 0)
    assert again.past.requests == failed.past.requests


def test_resuming_after_the_jobs_own_end_waits_again() -> None:
    overdue = answer(200, execution("PROCESSING", expires_at=iso(START + 5)))
    job = expect(bide.Polling, watching().receive(overdue, now=START))
    end = expect(bide.Abandoned, job.receive(overdue, now=START + 35))
    again = expect(bide.Polling, bide.resume(end, now=START + 60))
    assert again.past.deadline > START + 60
    assert isinstance(again.receive(overdue, now=START + 60), bide.Polling)


def test_resuming_keeps_the_servers_hold() -> None:
    job = bide.resume(given_up(answer(429, retry_after="120")), now=START + 20, patience=LONG)
    assert (job.due, job.not_before) == (START + 130, START + 130)
    late = bide.resume(given_up(answer(429, retry_after="120")), now=START + 500, patience=LONG)
    assert late.due == START + 500


def test_a_submission_given_up_is_resumed_with_the_same_bytes() -> None:
    job = submitting(patience=bide.Patience(deadline=10))
    end = expect(bide.Abandoned, job.receive(CUT, now=START + 10))
    assert bide.resume(end, now=START + 60).request == job.request


def test_a_submission_acknowledged_too_late_is_resumed_by_polling() -> None:
    end = expect(bide.Abandoned, submitting(patience=bide.Patience(deadline=10)).receive(PENDING, now=START + 10))
    assert (end.reason, end.handle) == (bide.Reason.DEADLINE, HANDLE)
    assert bide.resume(end, now=START + 60).request.url == polling().request.url


@given(st.sampled_from([submitting, polling, fetching, cancelling, refused]), st.integers(0, 10**7))
def test_a_resumed_job_is_due_between_now_and_its_deadline(state: Callable[[], bide.Waiting], ms: int) -> None:
    now = START + ms / 1000
    job = bide.resume(state(), now=now, patience=bide.Patience(deadline=5))
    assert now <= job.due <= job.past.deadline == pytest.approx(now + 5, abs=0.002)


# A dialect that does not keep its word


@dataclass(frozen=True, slots=True)
class Terse(bide.ModelRoute):
    """Every reply reads as `said`."""

    cadence: bool = False
    said: Reading = field(default_factory=lambda: Reading(Phase.UNFINISHED))

    def read(
        self,
        response: bide.Response,
        *,
        asked: Asked,
        handle: str | None,
        order: bide.Order | None = None,
        url: str | None = None,
    ) -> Reading:
        del response, asked, handle, order, url
        return self.said


@pytest.mark.parametrize("phase", [Phase.UNFINISHED, Phase.SUCCEEDED])
def test_a_submission_without_what_its_phase_needs_cannot_be_followed(phase: Phase) -> None:
    job = expect(bide.Abandoned, submitting(dialect=Terse(said=Reading(phase))).receive(answer(), now=START))
    assert (job.reason, job.past.known) == (bide.Reason.UNFOLLOWABLE, False)


def test_a_fetch_without_a_result_is_not_understood() -> None:
    job = expect(
        bide.Fetching,
        watching(dialect=Terse(said=Reading(Phase.SUCCEEDED, HANDLE))).receive(answer(), now=START),
    )
    assert expect(bide.Fetching, job.receive(answer(), now=START)).past.failures == 1


def test_a_handle_may_move() -> None:
    job = watching(dialect=Terse(said=Reading(Phase.UNFINISHED, OTHER)))
    assert expect(bide.Polling, job.receive(answer(), now=START)).handle == OTHER
    moved = watching(dialect=Terse(said=Reading(Phase.SUCCEEDED, OTHER)))
    assert expect(bide.Fetching, moved.receive(answer(), now=START)).handle == OTHER


def test_a_refused_cancel_without_a_word_is_a_refusal_all_the_same() -> None:
    job = bide.cancel(watching(dialect=Terse(said=Reading(Phase.REFUSED))), now=START)
    assert expect(bide.Cancelling, job.receive(answer(), now=START)).refusal is not None


def test_an_end_without_a_problem_is_named_by_its_phase() -> None:
    refusal = submitting(dialect=Terse(said=Reading(Phase.REFUSED))).receive(answer(), now=START)
    assert expect(bide.Failed, refusal).problem == bide.Problem("HTTP_200")
    failure = watching(dialect=Terse(said=Reading(Phase.FAILED, status="broken"))).receive(answer(), now=START)
    assert expect(bide.Failed, failure).problem == bide.Problem("broken")


# What is left behind


def test_the_trace_tells_which_proxy_it_was() -> None:
    proxy = bide.NoResponse(bide.Cause.PROXY, sent=False, detail="proxy.example:3128 answers 502")
    job = expect(bide.Polling, polling().receive(proxy, now=START + 1))
    assert job.past.trace[-1].what == "poll: the proxy let nothing through (proxy.example:3128 answers 502)"
    unnamed = expect(bide.Polling, polling().receive(replace(proxy, detail=""), now=START + 1))
    assert unnamed.past.trace[-1].what == "poll: the proxy let nothing through"


def test_the_trace_tells_what_happened_and_counts_repeats_once() -> None:
    job = expect(bide.Polling, polling().receive(answer(502), now=START + 1))
    job = expect(bide.Polling, job.receive(answer(502), now=START + 2))
    job = expect(bide.Polling, job.receive(CUT, now=START + 3))
    job = expect(bide.Polling, job.receive(HTML, now=START + 4))
    assert [(event.what, event.times) for event in job.past.trace] == [
        ("submit: 202 PENDING", 1),
        ("poll: 502 HTTP_502", 2),
        ("poll: the connection was cut", 1),
        ("poll: 200 NOT_UNDERSTOOD", 1),
    ]
    assert [event.at - START for event in job.past.trace] == [0, 2, 3, 4]


def test_requests_carry_the_limits_of_the_patience() -> None:
    patience = bide.Patience(timeout=5, largest=1000)
    for job in (submitting(patience=patience), polling(patience), fetching(patience), cancelling(patience)):
        assert (job.request.timeout, job.request.largest) == (5, 1000)


@pytest.mark.parametrize(
    ("left", "timeout", "within"),
    [(60, 30, inf), (59.9, 30, 59.9), (30, 30, 30), (4, 4, 4), (0, 10, 10), (-5, 10, 10)],
)
def test_a_request_knows_what_is_left_of_the_time_when_that_is_little(
    left: float, timeout: float, within: float
) -> None:
    job = polling(bide.Patience(deadline=100))
    request = replace(job, due=job.past.deadline - left).request
    assert request.timeout == pytest.approx(timeout)
    assert request.within == pytest.approx(within)


def test_a_result_may_be_asked_for_after_the_deadline_in_good_time() -> None:
    job = fetching(bide.Patience(deadline=100))
    for left in (0, -5):
        request = replace(job, due=job.past.deadline - left).request
        assert (request.timeout, request.within) == (30, inf)


ENDS: dict[str, tuple[Callable[[], bide.Job], type[errors.JobError], str]] = {
    "failed": (lambda: polling().receive(FAILED, now=START), errors.JobFailed, "could not finish.*new, paid"),
    "refused": (
        lambda: submitting().receive(answer(400, error("FILE_NOT_FOUND", request_id="req_1")), now=START),
        errors.JobFailed,
        "the submission failed.*FILE_NOT_FOUND.*req_1",
    ),
    "cancelled": (lambda: polling().receive(CANCELLED, now=START), errors.JobCancelled, "submit again"),
    "expired": (lambda: polling().receive(EXPIRED, now=START), errors.JobExpired, "submit again"),
    "lost": (lambda: watching().receive(answer(404), now=START), errors.JobLost, "check the id and whose key"),
    "deadline": (given_up, errors.JobAbandoned, "resume it with a later deadline"),
    "failures": (
        lambda: polling(bide.Patience(failures=1)).receive(answer(502), now=START),
        errors.JobAbandoned,
        "in a row.*HTTP_502.*resume when the service is well",
    ),
    "unreachable": (lambda: watching().receive(NO_SUCH_HOST, now=START), errors.JobAbandoned, "check the base URL"),
    "private": (lambda: polling().receive(INDOORS, now=START), errors.JobAbandoned, "allow such hosts by `private`"),
    "untrusted": (lambda: watching().receive(FORGED, now=START), errors.JobAbandoned, "CA certificates"),
    "stalled": (
        lambda: polling(bide.Patience(stall=1)).receive(PENDING, now=START + 9),
        errors.JobAbandoned,
        "ask the service",
    ),
    "unauthorised": (lambda: polling().receive(answer(401), now=START), errors.JobAbandoned, "check the key"),
    "unpaid": (lambda: submitting().receive(answer(402), now=START), errors.JobAbandoned, "top up"),
    "look refused": (lambda: polling().receive(answer(400), now=START), errors.JobAbandoned, "and the id"),
    "not understood": (
        lambda: polling(bide.Patience(failures=1)).receive(HTML, now=START),
        errors.JobAbandoned,
        "a proxy may answer",
    ),
    "redirected": (
        lambda: polling().receive(answer(301, location="https://new.example/jobs"), now=START),
        errors.JobAbandoned,
        "redirected to https://new.example/jobs.*as the base URL",
    ),
    "too large": (
        lambda: expect(bide.Polling, polling().receive(TOO_LARGE, now=START)).receive(TOO_LARGE, now=START),
        errors.JobAbandoned,
        r"Patience\(largest=",
    ),
    "accepted, and not named": (
        lambda: submitting(key=None).receive(answer(201, location="http://10.0.0.5/jobs/7?k=1"), now=START),
        errors.JobAbandoned,
        r"HTTP_201: location: http://10.0.0.5/jobs/7\); look for the job",
    ),
    "ambiguous": (
        lambda: submitting(key=None).receive(CUT, now=START),
        errors.JobAbandoned,
        "look for the job at the service before you prepare it anew",
    ),
}


@pytest.mark.parametrize(("end", "kind", "advice"), ENDS.values(), ids=ENDS)
def test_unwrap_raises_what_fits_and_says_what_to_do_next(
    end: Callable[[], bide.Job], kind: type[errors.JobError], advice: str
) -> None:
    job = end()
    with pytest.raises(kind, match=advice) as caught:
        bide.unwrap(job)
    assert caught.value.job is job


@pytest.mark.parametrize("state", [submitting, polling, fetching, cancelling])
def test_a_job_that_still_waits_has_no_result_yet(state: Callable[[], bide.Waiting]) -> None:
    job = state()
    with pytest.raises(errors.JobUnfinished, match="wait") as caught:
        bide.unwrap(job)
    assert caught.value.job is job


def test_an_end_nobody_explained_tells_what_was_heard_last() -> None:
    with pytest.raises(errors.JobAbandoned, match=r"last: poll: 200 PROCESSING"):
        bide.unwrap(given_up())


def test_every_reason_to_stop_is_unwrapped_above() -> None:
    ends = [end() for end, _, _ in ENDS.values()]
    assert {job.reason for job in ends if isinstance(job, bide.Abandoned)} == set(bide.Reason)


def test_unwrap_gives_the_result() -> None:
    job = expect(bide.Completed, polling().receive(DONE_INLINE, now=START))
    assert bide.unwrap(job) is job.result
