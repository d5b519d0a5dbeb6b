"""Poll and webhook in one machine: whoever comes first tells, and a notice that is lost costs a later look."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.errors import InvalidSetting
from bide.handles import handle_of, is_called
from bide.notices import Listener, Notices
from bide.pace import Pace
from tests.laws import BY_CODE, BY_LINKS, DIALECT, HANDLE, START, paces

OTHER = "exec_99999999-8888-4777-8666-555555555555"
EVENT = bide.Notice("evt_1", HANDLE, "execution.completed")
usual = st.sampled_from([bide.Every(2), bide.Every(4, jitter=1), bide.Growing(), bide.Growing(0.5, 2, 60)])
sparse = st.builds(
    bide.Sparse,
    usual,
    factor=st.floats(1, 50),
    cap=st.floats(0.05, 600),
    until=st.floats(0.05, 3600),
    told=st.booleans(),
)
draws = st.floats(0, 1, exclude_max=True)


def answer(status: str) -> bide.Response:
    return bide.Response(200, body=json.dumps({"id": HANDLE, "status": status}).encode())


def polling(pace: Pace = bide.Sparse(), since: float = START) -> bide.Polling:
    job = bide.watch(HANDLE, dialect=DIALECT, now=since, pace=pace).receive(answer("PENDING"), now=since + 0.2)
    assert isinstance(job, bide.Polling)
    return job


def ended(pace: Pace = bide.Sparse(), *, noticed: bool = False) -> bide.Job:
    job: bide.Job = polling(pace)
    if noticed:
        job = bide.notice(job, EVENT, now=START + 1)
    assert isinstance(job, bide.Polling)
    return job.receive(answer("FAILED"), now=job.due)


# The slower poll


def ages(pace: Pace, end: float, rolls: list[float]) -> list[float]:
    """The job's age at each look up to the first at `end` or later."""
    age, looks = 0.0, list[float]()
    while age < end:
        age += pace.delay(age=age, draw=rolls[len(looks) % len(rolls)])
        looks.append(age)
    return looks


@given(sparse, st.floats(1, 2000), st.lists(draws, min_size=1, max_size=5))
def test_there_are_never_more_looks_than_without_webhooks(pace: bide.Sparse, end: float, rolls: list[float]) -> None:
    with_webhooks, without = ages(pace, end, rolls), ages(pace.pace, end, rolls)
    assert len(with_webhooks) <= len(without)
    assert all(late >= soon for late, soon in zip(with_webhooks, without, strict=False))


@given(sparse, st.floats(1, 2000), st.lists(draws, min_size=1, max_size=5))
def test_lost_webhooks_cost_no_more_than_the_longest_interval(
    pace: bide.Sparse, end: float, rolls: list[float]
) -> None:
    longest = max(pace.pace.delay(age=end, draw=0.999999), pace.cap)
    assert ages(pace, end, rolls)[-1] - end <= longest


@given(sparse, st.floats(0, 1e6), draws)
def test_a_job_never_told_of_is_looked_at_as_usual_from_an_age_on(pace: bide.Sparse, age: float, roll: float) -> None:
    untold = replace(pace, told=False)
    usually, seldom = (one.delay(age=age, draw=roll) for one in (pace.pace, untold))
    assert seldom == usually if age >= pace.until else seldom >= usually
    assert replace(pace, told=True).delay(age=age, draw=roll) == replace(untold, until=1e9).delay(age=age, draw=roll)


def test_the_default_looks_four_times_in_a_minute_and_a_half_instead_of_two_dozen_times() -> None:
    assert len(ages(bide.Sparse(), 90, [0.5])) == 4
    assert len(ages(bide.Growing(), 90, [0.5])) == 25


@pytest.mark.parametrize(
    "wrong",
    [
        {"cap": 0.0},
        {"until": 0.0},
        {"factor": 0.5},
        {"factor": 1001.0},
        {"factor": float("nan")},
        {"cap": float("inf")},
    ],
)
def test_a_sparse_pace_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidSetting, match="give"):
        bide.Sparse(**wrong)  # type: ignore[arg-type]


# Which job is meant


def test_a_job_is_called_by_its_id_or_its_address() -> None:
    address = "https://api.links.example/v1/moved/1"
    both = handle_of({"id": "job-7", "status": address, "cookie": "affinity=a1"})
    assert both is not None
    assert [is_called(both, name) for name in ("job-7", address, both)] == [True] * 3
    assert [is_called(both, name) for name in ("affinity=a1", "job-8", "", "None")] == [False] * 4
    assert is_called("job-7", "job-7")
    assert is_called(address, address)
    assert not is_called("{", "job-7")


@pytest.mark.parametrize(
    ("dialect", "handle"), [(BY_LINKS, "job-7"), (BY_CODE, "https://api.code.example/operations/7")]
)
def test_a_notice_finds_a_declared_job_that_has_moved(dialect: bide.Dialect, handle: str) -> None:
    reply = bide.Response(202, bide.Headers.of([("location", "/moved/1")]), b'{"status": "running"}')
    job = bide.watch(handle, dialect=dialect, now=START).receive(reply, now=START)
    assert isinstance(job, bide.Polling)
    assert job.handle != handle
    name = "job-7" if dialect is BY_LINKS else job.handle
    told = bide.notice(job, bide.Notice("evt_1", name), now=START + 0.1)
    assert isinstance(told, bide.Polling)
    assert (told.due, told.why) == (START + 0.1, bide.Why.NOTICE)
    assert bide.notice(job, bide.Notice("evt_1", "job-8"), now=START + 0.1) is job


def test_a_job_that_was_told_of_stays_with_the_sparse_pace() -> None:
    told = bide.notice(polling(), EVENT, now=START + 1)
    assert told.terms.pace == bide.Sparse(told=True)
    assert bide.notice(told, EVENT, now=START + 1) is told
    assert bide.load(bide.dump(told), dialect=DIALECT) == told
    assert bide.notice(polling(), replace(EVENT, handle=OTHER), now=START + 1) == polling()
    assert bide.notice(polling(bide.Every(2)), EVENT, now=START + 1).terms.pace == bide.Every(2)


def test_a_notice_that_comes_when_a_look_is_due_anyway_still_tells_that_they_come() -> None:
    job = polling()
    told = bide.notice(job, EVENT, now=job.due + 1)
    assert told == replace(job, terms=replace(job.terms, pace=bide.Sparse(told=True)))


@given(paces, st.lists(st.floats(0, 40), max_size=10))
def test_each_notice_costs_at_most_one_look_more(pace: Pace, gaps: list[float]) -> None:
    """Duplicates, early ones, late ones: each leads to one look at the most, and none delays a look."""
    job: bide.Job = polling(pace)
    now, looks = START + 0.2, 0
    for gap in gaps:
        assert isinstance(job, bide.Polling)
        while job.due <= now + gap:
            looks += 1
            job = job.receive(answer("PENDING"), now=job.due)
            assert isinstance(job, bide.Polling)
        now += gap
        told = bide.notice(job, EVENT, now=now)
        assert isinstance(told, bide.Polling)
        assert now <= told.due + 0.001
        assert told.due <= job.due
        job = told
    usually = ages(pace.pace if isinstance(pace, bide.Sparse) else pace, sum(gaps) + 1, [0.0])
    assert looks <= len(usually) + len(gaps)


# What a client was told lately


def told(*events: tuple[float, bide.Notice]) -> Notices:
    notices = Notices()
    for at, event in events:
        notices.take(event, now=at)
    return notices


def later() -> float:
    return START + 5


def test_each_notice_is_heard_once() -> None:
    notices, job = told(), polling()
    listener = Listener(notices, job, later)
    assert listener(job) is job
    notices.take(EVENT, now=START + 1)
    woken = listener(job)
    assert (woken.due, woken.why) == (START + 5, bide.Why.NOTICE)
    assert listener(job) is job


def test_a_wait_hears_what_came_since_the_jobs_last_reply_and_nothing_older() -> None:
    job = polling()  # its last reply came at START + 0.2
    since = told((START, replace(EVENT, handle=OTHER)), (START + 0.2, EVENT))
    assert Listener(since, job, later)(job).why is bide.Why.NOTICE
    before = told((START + 0.1, EVENT), (START + 0.3, replace(EVENT, handle=OTHER)))
    assert Listener(before, job, later)(job) is job
    assert Listener(told(), job, later)(job) is job


def test_a_notice_that_overtakes_the_reply_to_the_submission_is_heard_when_the_job_has_its_name() -> None:
    notices = Notices()
    order = bide.Order("flux-1.1-pro", {}, key="key-1")
    job: bide.Job = bide.submit(order, dialect=DIALECT, now=START, pace=bide.Sparse())
    listener = Listener(notices, job, later)
    notices.take(EVENT, now=START + 0.1)
    assert isinstance(job, bide.Submitting)
    assert listener(job) is job
    job = listener(job.receive(answer("PENDING"), now=START + 0.2))
    assert isinstance(job, bide.Polling)
    assert (job.due, job.why) == (START + 5, bide.Why.NOTICE)


def test_a_notice_that_overtakes_the_reply_to_a_look_is_heard_after_it() -> None:
    notices, job = Notices(), polling()
    listener = Listener(notices, job, later)
    notices.take(EVENT, now=START + 4.9)
    after = job.receive(answer("PROCESSING"), now=START + 5)
    assert isinstance(after, bide.Polling)
    assert after.due > START + 10
    assert listener(after).due == START + 5


@given(st.lists(st.floats(0, 5), max_size=30), st.floats(-1, 100))
def test_counts_and_instants_agree(gaps: list[float], at: float) -> None:
    now, came, notices = START, list[float](), Notices()
    for gap in gaps:
        now += gap
        came.append(now)
        notices.take(EVENT, now=now)
    count = notices.before(START + at)
    assert count == sum(one < START + at for one in came)
    assert len(notices.after(count)) == len(came) - count


def test_only_the_last_notices_are_kept() -> None:
    notices = told(*((START, bide.Notice(f"evt_{n}", OTHER)) for n in range(2000)))
    assert notices.count == 2000
    assert [event.id for event in notices.after(0)] == [f"evt_{n}" for n in range(976, 2000)]
    assert notices.before(START) == 976
    assert notices.after(2000) == []


# Whether they come


def test_an_end_that_nobody_told_of_returns_the_next_jobs_to_the_usual_pace() -> None:
    notices = Notices()
    assert notices.pace(bide.Sparse(bide.Every(2)), asked=True) == bide.Sparse(bide.Every(2))
    notices.judge(ended())
    assert notices.come is False
    assert notices.pace(bide.Sparse(bide.Every(2)), asked=True) == bide.Every(2)
    assert notices.pace(bide.Every(2), asked=True) == bide.Every(2)
    notices.take(EVENT, now=START + 9)
    assert notices.pace(bide.Sparse(bide.Every(2)), asked=True) == bide.Sparse(bide.Every(2))


def test_an_end_that_was_told_says_that_they_come() -> None:
    notices = Notices()
    notices.judge(ended(noticed=True))
    assert notices.come is True
    late = told((START + 9, EVENT), (START + 9, replace(EVENT, handle=OTHER)))
    late.judge(ended())
    assert late.come is True, "it came beside the look that found the end"


def test_jobs_that_ask_for_notices_are_looked_at_sparsely_once_one_has_come() -> None:
    notices = Notices()
    assert notices.pace(bide.Every(2), asked=True) == bide.Every(2)
    notices.take(EVENT, now=START)
    assert notices.pace(bide.Every(2), asked=True) == bide.Sparse(bide.Every(2))
    assert notices.pace(bide.Every(2), asked=False) == bide.Every(2)


@pytest.mark.parametrize(
    "job",
    [
        ended(bide.Every(2)),
        polling(),
        polling().receive(answer("EXPIRED"), now=START + 9),
        polling().receive(bide.Response(410), now=START + 9),
        bide.watch(HANDLE, dialect=DIALECT, now=START, pace=bide.Sparse()).receive(answer("FAILED"), now=START + 1),
        bide.submit(bide.Order("m", {}, key="k"), dialect=DIALECT, now=START, pace=bide.Sparse()).receive(
            bide.Response(400), now=START + 1
        ),
    ],
    ids=["not expected", "not over", "no event for it", "lost", "over before", "refused"],
)
def test_no_other_end_says_anything_about_webhooks(job: bide.Job) -> None:
    notices = Notices()
    notices.judge(job)
    assert notices.come is None
