"""A submission is sent again only while the service is known to recognise it, and what it answered stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.errors import InvalidOrder, JobAbandoned
from bide.intake import Intake
from bide.patience import NEVER_AGAIN
from bide.steering import before_sending, cut_short
from tests.laws import DIALECT, START

DAY = 86400.0
CUT = bide.NoResponse(bide.Cause.RESET, sent=True)
DOWN = bide.NoResponse(bide.Cause.UNREACHABLE, sent=False)
PATIENT = bide.Patience(deadline=30 * DAY, failures=10**6, first_contact=10**6)


def answer(status: int, body: bytes = b"{}", **headers: str) -> bide.Response:
    return bide.Response(status, bide.Headers.of([(n.replace("_", "-"), v) for n, v in headers.items()]), body)


def declared(method: str = "POST", **members: object) -> Declared:
    call = Call(method, ("/things",), body={"...": "{input}"}, **members)  # type: ignore[arg-type]  # pyright: ignore
    return Declared(
        Declaration(
            name="things",
            base_url="https://api.things.example",
            submit=call,
            poll=Call("GET", ("/things/{id}",)),
            id=("id",),
            status=("status",),
            phases={"done": Phase.SUCCEEDED, "error": Phase.FAILED},
        )
    )


def submitting(dialect: bide.Dialect = DIALECT, key: str | None = "key-1") -> bide.Submitting:
    return bide.submit(bide.Order("m", {"x": 1}, key=key), dialect=dialect, now=START, patience=PATIENT)


def received(job: bide.Waiting, *replies: bide.Reply, now: float | None = None) -> bide.Job:
    after: bide.Job = job
    for reply in replies:
        assert isinstance(after, bide.Waiting)
        after = after.receive(reply, now=after.due if now is None else now)
    return after


def ended(job: bide.Job) -> bide.Abandoned:
    assert isinstance(job, bide.Abandoned)
    return job


# Keys age


def test_a_key_that_has_outlived_the_services_memory_is_not_used_again() -> None:
    job: bide.Job = submitting()
    while isinstance(job, bide.Submitting):
        assert job.due < START + DAY
        job = received(job, CUT)
    assert ended(job).reason is bide.Reason.AMBIGUOUS


def test_a_submission_that_surely_never_arrived_has_a_key_that_nobody_has_seen() -> None:
    job = received(submitting(), DOWN, now=START + 2 * DAY)
    assert isinstance(job, bide.Submitting)
    assert before_sending(job, now=job.due) is job


def test_a_machine_that_slept_does_not_send_what_was_due_days_ago() -> None:
    job = received(submitting(), CUT)
    assert isinstance(job, bide.Submitting)
    assert before_sending(job, now=job.due) is job
    assert ended(before_sending(job, now=START + DAY)).reason is bide.Reason.AMBIGUOUS


@pytest.mark.parametrize(("age", "again"), [(DAY - 60, True), (DAY, False), (3 * DAY, False)])
def test_a_token_is_good_as_long_as_its_key(age: float, again: bool) -> None:
    job = Intake(DIALECT).resume(bide.dump(submitting()), now=START + age)
    assert isinstance(job, bide.Submitting) is again
    assert again or ended(job).reason is bide.Reason.AMBIGUOUS


def test_a_job_in_hand_is_not_resumed_under_a_key_that_has_aged() -> None:
    job = ended(received(submitting(), CUT, answer(401)))
    assert isinstance(bide.resume(job, now=START + 60), bide.Submitting)
    with pytest.raises(InvalidOrder, match="prepare it anew"):
        bide.resume(job, now=START + DAY)


def test_how_long_a_key_is_recognised_can_be_said() -> None:
    job = received(submitting(bide.ModelRoute(lifetime=60)), CUT, now=START + 59.9)
    assert ended(job).reason is bide.Reason.AMBIGUOUS
    assert isinstance(received(submitting(bide.ModelRoute(lifetime=1e9)), CUT, now=START + 9 * DAY), bide.Submitting)


# A token pays once


@pytest.mark.parametrize("refusal", [401, 402, 403, 429])
def test_a_token_of_a_keyless_submission_is_never_sent_again(refusal: int) -> None:
    before = submitting(declared())
    after = received(before, answer(refusal))
    for state in (before, after):
        job = ended(Intake(declared()).resume(bide.dump(state), now=START + 1))
        assert job.reason in NEVER_AGAIN
        with pytest.raises(InvalidOrder, match="prepare it anew"):
            bide.resume(job, now=START + 2)


def test_a_refused_keyless_submission_in_hand_may_go_on() -> None:
    job = ended(received(submitting(declared()), answer(401)))
    assert bide.resume(job, now=START + 9).request == submitting(declared()).request


def test_whatever_cannot_be_sent_again_stays_as_it_ended() -> None:
    accepted = ended(received(submitting(declared()), answer(202)))
    assert cut_short(accepted, now=START + 1) is accepted
    polling = bide.watch("7", dialect=declared(), now=START)
    assert cut_short(polling, now=START + 1) is polling


def test_a_submission_of_which_the_token_is_older_than_a_try_may_have_arrived() -> None:
    job = cut_short(submitting(), now=START + 1)
    assert isinstance(job, bide.Submitting)
    assert job.unclear
    given_up = ended(received(submitting(), answer(401)))
    last = ended(cut_short(given_up, now=START + 1)).last
    assert isinstance(last, bide.Submitting)
    assert last.unclear


# Refusals


@pytest.mark.parametrize("status", [400, 404, 409, 410, 422])
def test_the_refusal_of_a_first_try_is_a_failure_in_the_services_words(status: int) -> None:
    body = b'{"error": "a thing of that name exists"}'
    job = received(submitting(declared()), answer(status, body))
    assert isinstance(job, bide.Failed)
    assert "of that name exists" in job.problem.message


@pytest.mark.parametrize("status", [400, 404, 409, 410, 422])
def test_the_refusal_of_a_repetition_proves_nothing(status: int) -> None:
    job = ended(received(submitting(declared("PUT")), CUT, answer(status, b'{"error": "it exists"}')))
    assert job.reason is bide.Reason.AMBIGUOUS
    assert job.problem is not None
    assert "it exists" in job.problem.message


def test_409_under_a_key_is_the_first_try_still_at_work() -> None:
    assert isinstance(received(submitting(), CUT, answer(409)), bide.Submitting)


@pytest.mark.parametrize("status", [404, 410, 204])
def test_a_deletion_that_finds_nothing_any_more_has_worked(status: int) -> None:
    assert isinstance(received(submitting(declared("DELETE")), CUT, answer(status, b"")), bide.Completed)


def test_a_deletion_that_finds_nothing_at_first_has_failed() -> None:
    assert isinstance(received(submitting(declared("DELETE")), answer(404)), bide.Failed)
    assert isinstance(received(submitting(declared("DELETE")), answer(204, b"")), bide.Completed)


@pytest.mark.parametrize(
    ("method", "word", "again"),
    [("POST", True, True), ("PUT", False, False), ("PUT", None, True), ("POST", None, False)],
)
def test_a_declaration_may_say_whether_a_call_can_be_repeated(method: str, word: bool | None, again: bool) -> None:
    job = received(submitting(declared(method, repeatable=word)), CUT)
    assert isinstance(job, bide.Submitting) is again


# What a 2xx says stands


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "said",
    [
        {"location": "http://api.things.example/things/7ab1"},
        {"location": "https://10.0.0.7/things/7ab1"},
        {"operation-location": "https://localhost:5000/things/7ab1?sig=5ec2e75ec2e75ec2"},
    ],
    ids=str,
)
def test_an_address_that_is_not_followed_is_told_and_kept(method: str, said: dict[str, str]) -> None:
    reply = bide.Response(201, bide.Headers.of([*said.items(), ("set-cookie", "s=5ec2e7")]), b"null")
    job = ended(received(submitting(declared(method)), reply))
    assert job.reason is bide.Reason.UNFOLLOWABLE
    assert job.said is not None
    assert job.said.headers == tuple(said.items())
    with pytest.raises(JobAbandoned, match="7ab1") as told:
        bide.unwrap(job)
    assert "5ec2e7" not in f"{told.value} {job!r} {job.said!r}"
    assert bide.load(bide.dump(job), dialect=declared(method)) == job


def test_a_reply_too_large_to_be_read_was_a_reply() -> None:
    too_large = bide.NoResponse(bide.Cause.TOO_LARGE, sent=True)
    keyless = ended(received(submitting(declared()), too_large))
    assert keyless.reason is bide.Reason.UNFOLLOWABLE
    assert "largest" in str(keyless.problem)
    assert ended(received(submitting(), too_large)).reason is bide.Reason.TOO_LARGE


# Redirects of a submission


@pytest.mark.parametrize("status", [307, 308])
def test_a_submission_that_belongs_elsewhere_is_sent_there_once(status: int) -> None:
    job = received(submitting(declared()), answer(status, location="/v2/things"))
    assert isinstance(job, bide.Submitting)
    first = submitting(declared()).request
    assert job.request == replace(first, url="https://api.things.example/v2/things")
    assert job.due == START
    acknowledged = received(job, answer(202, b'{"id": "7", "status": "queued"}'))
    assert isinstance(acknowledged, bide.Polling)
    assert acknowledged.request.url == "https://api.things.example/things/7"
    assert ended(received(job, answer(status, location="/v3/things"))).reason is bide.Reason.REDIRECTED


@pytest.mark.parametrize(
    "target", ["https://other.example/things", "http://api.things.example/things", "https://api.things.example:8443/"]
)
def test_a_submission_is_never_sent_to_another_origin(target: str) -> None:
    job = ended(received(submitting(declared()), answer(307, location=target)))
    assert job.reason is bide.Reason.REDIRECTED
    with pytest.raises(JobAbandoned, match=target):
        bide.unwrap(job)
    assert bide.resume(job, now=START + 1).request == submitting(declared()).request


@pytest.mark.parametrize(
    ("status", "reason"),
    [(301, bide.Reason.REDIRECTED), (302, bide.Reason.AMBIGUOUS), (303, bide.Reason.AMBIGUOUS)],
)
def test_a_redirect_that_changes_the_method_is_not_followed(status: int, reason: bide.Reason) -> None:
    assert ended(received(submitting(declared()), answer(status, location="/things/7"))).reason is reason


# A token that another clock wrote


@pytest.mark.parametrize("ahead", [8 * 3600, 400 * DAY])
def test_a_token_of_a_clock_that_was_ahead_goes_by_ours(ahead: float) -> None:
    watched = bide.watch("7", dialect=declared(), now=START + ahead, pace=bide.Every(4))
    job = received(watched, answer(200, b'{"id": "7", "status": "running"}'))
    taken_up = Intake(declared()).resume(bide.dump(job), now=START)
    assert isinstance(taken_up, bide.Polling)
    assert taken_up.due == START + 4
    assert taken_up.past.deadline == START + 3600
    assert [event.at for event in taken_up.past.trace] == [START]


@pytest.mark.parametrize(
    ("why", "longest"), [(bide.Why.PACE, 60), (bide.Why.BACKOFF, 60), (bide.Why.RETRY_AFTER, 3600)]
)
def test_no_token_sleeps_longer_than_the_pace_and_the_limits_allow(why: bide.Why, longest: float) -> None:
    job = replace(bide.watch("7", dialect=declared(), now=START, patience=PATIENT), due=START + 8 * 3600, why=why)
    assert bide.resume(job, now=START).due == START + longest
    on_time = replace(job, due=START + 9)
    assert bide.resume(on_time, now=START) is on_time
