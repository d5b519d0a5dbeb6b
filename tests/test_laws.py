"""The laws of the machine, each over generated states and replies with hostile headers and bodies."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import bide
from bide.dialect import Phase
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.document import text
from bide.errors import InvalidToken
from bide.messages import head_of
from bide.pace import floor_ms
from bide.secret import Secret, credential_for
from bide.steering import cut_short
from bide.urls import may_follow, origin
from tests.arrows import arrows
from tests.core.vendors_all import VENDORS
from tests.laws import (
    DIALECT,
    HANDLE,
    KEY,
    START,
    Step,
    advance,
    gaps,
    header_lines,
    jobs,
    patiences,
    replies,
    responses,
    steps,
    waiting_jobs,
)

ARROWS = arrows()


def unfinished(status: str = "PROCESSING") -> bide.Response:
    return bide.Response(200, body=f'{{"id": "{HANDLE}", "status": "{status}"}}'.encode())


def submission(patience: bide.Patience = bide.Patience(), key: str | None = "key-1") -> bide.Submitting:
    return bide.submit(bide.Order("flux-1.1-pro", {}, key=key), dialect=DIALECT, now=START, patience=patience)


@given(waiting_jobs, replies, gaps)
def test_law_1_receive_is_total(job: bide.Waiting, reply: bide.Reply, gap: float) -> None:
    after = job.receive(reply, now=job.due + gap)
    assert isinstance(after, bide.Waiting | bide.Finished)
    assert isinstance(after, bide.Finished) or may_follow(after.request.url, DIALECT.base_url)


@given(waiting_jobs, replies, gaps)
def test_law_2_due_is_finite_and_never_before_now(job: bide.Waiting, reply: bide.Reply, gap: float) -> None:
    now = floor_ms(job.due + gap)
    after = job.receive(reply, now=now)
    assume(isinstance(after, bide.Waiting))
    assert isinstance(after, bide.Waiting)
    assert math.isfinite(after.due)
    assert now <= after.not_before <= after.due
    assert after.due * 1000 == pytest.approx(round(after.due * 1000), abs=1e-3)


@given(waiting_jobs, replies, gaps)
def test_law_3_every_move_is_an_annotated_arrow(job: bide.Waiting, reply: bide.Reply, gap: float) -> None:
    after = job.receive(reply, now=job.due + gap)
    assert (type(job).__name__, type(after).__name__) in ARROWS


@given(jobs())
def test_law_4_a_token_is_the_job(job: bide.Job) -> None:
    token = bide.dump(job)
    assert bide.load(token, dialect=job.terms.dialect) == job
    assert bide.load(token.encode(), dialect=job.terms.dialect) == job
    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301  states pickle for multiprocessing; tokens never do
    with pytest.raises(InvalidToken, match="belongs to"):
        bide.load(token, dialect=bide.ModelRoute("https://api.elsewhere.example"))


@given(st.lists(steps, max_size=8), patiences, st.integers(0, 8))
def test_law_5_the_same_replies_give_the_same_states(
    happenings: list[Step], patience: bide.Patience, restart: int
) -> None:
    one: bide.Job = submission(patience)
    other: bide.Job = submission(patience)
    for count, step in enumerate(happenings):
        one, _ = advance(one, step)
        if count == restart:
            other = bide.load(bide.dump(other), dialect=DIALECT)
        other, _ = advance(other, step)
        assert one == other
        assert bide.dump(one) == bide.dump(other)


@given(st.lists(st.sampled_from(["not yet", "wrong"]), max_size=40))
def test_law_6_not_yet_and_went_wrong_have_separate_budgets(course: list[str]) -> None:
    job: bide.Job = bide.watch(HANDLE, dialect=DIALECT, now=START, patience=bide.Patience(deadline=1e6, failures=3))
    in_a_row = 0
    for event in course:
        assert isinstance(job, bide.Polling)
        reply = unfinished() if event == "not yet" else bide.Response(502)
        in_a_row = 0 if event == "not yet" else in_a_row + 1
        job = job.receive(reply, now=job.due)
        assert job.past.failures == in_a_row
        if in_a_row == 3:
            assert isinstance(job, bide.Abandoned)
            assert job.reason is bide.Reason.FAILURES
            return
    assert isinstance(job, bide.Polling)
    assert job.past.polls == course.count("not yet")


@given(st.sampled_from([0.05, 1.0, 7.3, 300.0]), st.lists(replies, max_size=30), st.booleans())
def test_law_7_the_deadline_is_exact(deadline: float, course: list[bide.Reply], restart: bool) -> None:
    job: bide.Job = submission(bide.Patience(deadline=deadline))
    end = START + deadline
    for reply in course:
        if not isinstance(job, bide.Waiting):
            return
        assert job.past.deadline == pytest.approx(end, abs=1e-6)
        asked_at = job.due
        job = job.receive(reply, now=asked_at)
        if isinstance(job, bide.Waiting) and asked_at < job.past.deadline:
            assert job.due <= job.past.deadline
        elif isinstance(job, bide.Waiting):
            assert isinstance(job, bide.Fetching), "only a success may be followed up past the deadline"
        if restart:
            job = bide.load(bide.dump(job), dialect=DIALECT)


def test_law_7_a_success_in_the_last_look_counts() -> None:
    job: bide.Job = bide.watch(
        HANDLE, dialect=DIALECT, now=START, patience=bide.Patience(deadline=10), pace=bide.Every(6)
    )
    whys: list[bide.Why] = []
    while isinstance(job, bide.Polling) and job.due < START + 10:
        job = job.receive(unfinished(), now=job.due)
        whys += [job.why] if isinstance(job, bide.Polling) else []
    assert isinstance(job, bide.Polling)
    assert (job.due, job.why) == (START + 10, bide.Why.LAST_LOOK)
    assert whys == [bide.Why.PACE, bide.Why.LAST_LOOK]
    done = bide.Response(200, body=f'{{"id": "{HANDLE}", "status": "COMPLETED", "output": {{"text": "ok"}}}}'.encode())
    assert isinstance(job.receive(done, now=START + 11), bide.Completed)
    missed = job.receive(unfinished(), now=START + 10)
    assert isinstance(missed, bide.Abandoned)
    assert missed.reason is bide.Reason.DEADLINE


@given(st.text(min_size=1, max_size=30))
def test_law_8_an_unknown_status_is_not_yet(word: str) -> None:
    assume(word.strip().lower() not in {"completed", "failed", "cancelled", "canceled", "expired"})
    job = bide.watch(HANDLE, dialect=DIALECT, now=START, patience=bide.Patience(deadline=1e6, stall=100))
    reply = bide.Response(200, body=json.dumps({"id": HANDLE, "status": word}).encode())
    after = job.receive(reply, now=START)
    assert isinstance(after, bide.Polling)
    assert after.past.status == text(word)
    stalled = after.receive(reply, now=START + 100)
    assert isinstance(stalled, bide.Abandoned)
    assert stalled.reason is bide.Reason.STALLED


@pytest.mark.parametrize("word", ["completed", "COMPLETED", " Completed ", "cOmPlEtEd"])
def test_law_8_statuses_compare_without_regard_to_case(word: str) -> None:
    job = bide.watch(HANDLE, dialect=DIALECT, now=START)
    after = job.receive(unfinished(word), now=START)
    assert isinstance(after, bide.Fetching)


ELSEWHERE = [
    "https://api.modelroute.ai.evil.example/v1",
    "https://api.modelroute.ai@evil.example/v1",
    "http://api.modelroute.ai/v1",
    "https://api.modelroute.ai:444/",
    "https://storage.modelroute.ai/f?sig=1",
    "//api.modelroute.ai/v1",
]


@given(waiting_jobs, st.sampled_from(ELSEWHERE))
def test_law_9_credentials_go_to_the_own_origin_only(job: bide.Waiting, elsewhere: str) -> None:
    key, dialect, request = Secret(KEY), job.terms.dialect, job.request
    at_home = origin(request.url) == dialect.origin
    assert credential_for(request, dialect, key) == ((("authorization", f"Bearer {KEY}"),) if at_home else ())
    stray = bide.Request("GET", elsewhere, credential=True)
    assert credential_for(stray, dialect, key) == ()
    lent = credential_for(request, dialect, key)
    for shown in (repr(key), str(key), f"{key}", repr(lent), f"{lent}", repr(request), repr(job), bide.dump(job)):
        assert KEY not in shown
    for shown in (repr(request), repr(job)):
        assert "5ec2e75ec2e75ec2" not in shown
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(key)


@given(st.lists(steps, min_size=1, max_size=40))
def test_law_10_every_exit_carries_a_bounded_trace(happenings: list[Step]) -> None:
    job: bide.Job = submission()
    heard = 0
    for step in happenings:
        heard += isinstance(job, bide.Waiting) and not isinstance(step.happens, str)
        job, _ = advance(job, step)
        assert job.past.requests == heard
        assert len(job.past.trace) <= 8
        assert sum(event.times for event in job.past.trace) <= heard
        assert bool(job.past.trace) == (heard > 0)
        assert all(len(event.what) < 400 for event in job.past.trace)
        if isinstance(job, bide.Abandoned | bide.Lost):
            assert isinstance(job.last, bide.Waiting)
            assert job.last.past == job.past


KEYED: list[tuple[bide.Dialect, bide.Order]] = [
    (bide.ModelRoute(), bide.Order("flux-1.1-pro", {"x": 1})),
    *((Declared(named(vendor.name)), vendor.order) for vendor in VENDORS),
]
services = st.sampled_from(KEYED)
words = st.from_regex(r"[a-z]{3,12}( [a-z]{3,12}){1,4}", fullmatch=True)


def submitted(service: tuple[bide.Dialect, bide.Order], key: str | None = None) -> bide.Submitting:
    dialect, order = service
    return bide.submit(replace(order, key=key), dialect=dialect, now=START, patience=PATIENT)


PATIENT = bide.Patience(deadline=1e7, failures=10**6, first_contact=10**6)
ABOUT_THE_JOB = (Phase.UNFINISHED, Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.EXPIRED, Phase.UNREADABLE)


@given(services, responses, st.sampled_from([200, 201, 202, 203, 204, 206, 299]), st.sampled_from([None, "key-1"]))
def test_law_11_a_reply_that_came_is_heard(
    service: tuple[bide.Dialect, bide.Order], reply: bide.Response, status: int, key: str | None
) -> None:
    job, reply = submitted(service, key), bide.Response(status, reply.headers, reply.body)
    says = service[0].read(reply, asked="submit", handle=None, order=job.order).phase
    assume(says in ABOUT_THE_JOB)  # a declared word of a limiter, say, may stand in a 200
    after = job.receive(reply, now=START)
    assert not isinstance(after, bide.Submitting), "what was accepted is not sent again"
    if isinstance(after, bide.Abandoned) and after.handle is None:
        assert after.reason is bide.Reason.UNFOLLOWABLE
        assert after.said is not None
        assert after.said.status == status
        assert after.said.body == reply.body[:65536].decode("utf-8", "replace")
        said = [value for name, value in reply.headers if name == "location"]
        assert [value for name, value in after.said.headers if name == "location"] == [value[:8192] for value in said]
    assert bide.load(bide.dump(after), dialect=service[0]) == after


@given(services, responses, st.sampled_from([200, 201, 202, 203, 206, 299]), st.sampled_from([None, "key-1"]))
def test_law_11_a_head_that_came_is_heard(
    service: tuple[bide.Dialect, bide.Order], reply: bide.Response, status: int, key: str | None
) -> None:
    job, head = submitted(service, key), bide.Response(status, reply.headers)
    after = job.receive(bide.NoResponse(bide.Cause.RESET, sent=True, head=head), now=START)
    if isinstance(after, bide.Submitting):
        assert after.request.repeatable
        return
    assert isinstance(after, bide.Polling | bide.Abandoned), "no head tells of an end"
    if isinstance(after, bide.Abandoned):
        assert after.reason is bide.Reason.UNFOLLOWABLE
        assert after.said is not None
        assert after.said.status == status


@given(services, words, st.sampled_from([400, 403, 404, 409, 422, 429, 500, 503]), st.booleans())
def test_law_12_the_words_of_a_service_are_passed_on(
    service: tuple[bide.Dialect, bide.Order], why: str, status: int, plain: bool
) -> None:
    body = why.encode() if plain else json.dumps({"trouble": [{"reason": why}]}).encode()
    job = submitted(service)
    problem = service[0].read(bide.Response(status, body=body), asked="submit", handle=None, order=job.order).problem
    assert why in str(problem)


def finished_replies() -> list[tuple[bide.Waiting, bide.Response]]:
    """Each service's job where it is polled, and where its result is fetched, with the reply that says it is done."""
    execution = {"id": HANDLE, "status": "COMPLETED", "output": {"file_id": "file_1"}}
    done = bide.Response(200, body=json.dumps(execution).encode())
    pairs: list[tuple[bide.Waiting, bide.Response]] = [(bide.watch(HANDLE, dialect=DIALECT, now=START), done)]
    for vendor in VENDORS:
        order = bide.submit(vendor.order, dialect=Declared(named(vendor.name)), now=START)
        job = order.receive(vendor.accepted, now=START)
        assert isinstance(job, bide.Polling)
        pairs.append((job, vendor.done))
        fetching = job.receive(vendor.done, now=job.due)
        if isinstance(fetching, bide.Fetching):
            pairs.append((fetching, bide.Response(200, body=b'{"made": [1]}')))
    return pairs


@given(st.sampled_from(finished_replies()), st.lists(header_lines, max_size=4), gaps)
def test_law_13_a_result_in_hand_is_the_result(
    case: tuple[bide.Waiting, bide.Response], lines: list[tuple[str, str]], gap: float
) -> None:
    job, done = case
    reply = bide.Response(done.status, bide.Headers.of([*done.headers, *lines]), done.body)
    after = job.receive(reply, now=job.due + gap)
    if isinstance(after, bide.Fetching):
        looked, fetched = job.request, after.request
        assert (looked.method, looked.url) != (fetched.method, fetched.url), "the same is not asked for again"
    else:
        assert isinstance(after, bide.Completed)
        assert after.result.raw.encode() == reply.body


@given(services, st.lists(steps, max_size=8), st.sampled_from([None, "key-1"]), st.floats(0, 3e5))
def test_law_14_only_what_is_recognised_is_sent_again(
    service: tuple[bide.Dialect, bide.Order], course: list[Step], key: str | None, later: float
) -> None:
    first = submitted(service, key)
    job: bide.Job = first
    lifetime = service[0].key_lifetime(first.order)
    unclear = False
    for step in course:
        if not isinstance(job, bide.Submitting) or isinstance(step.happens, str):
            break
        if isinstance(step.happens, bide.NoResponse):
            unclear |= step.happens.sent and head_of(step.happens) is step.happens
        job = job.receive(step.happens, now=job.due + step.gap)
        if isinstance(job, bide.Submitting) and unclear:
            assert job.request.repeatable
            assert lifetime is None or job.due < START + lifetime
    taken_up = cut_short(bide.load(bide.dump(job), dialect=service[0]), now=START + later)
    if isinstance(taken_up, bide.Submitting):
        assert taken_up.request.repeatable
        assert lifetime is None or later < lifetime
    elif isinstance(job, bide.Submitting):
        assert isinstance(taken_up, bide.Abandoned)
        assert taken_up.reason is bide.Reason.AMBIGUOUS
