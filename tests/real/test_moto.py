"""Jobs at moto's AWS, described by POST: Transcribe's walk through its states, and every end of Step Functions."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from uuid import uuid4

import pytest

import bide
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.document import JSON
from bide.errors import JobUnfinished
from bide_transports.emulator import VirtualClock
from tests.real.aws import CAUSE, ERROR, Account, Machine, idle, scope
from tests.real.child import Child
from tests.real.clients import CUSTOMERS, Customer, Watcher, statuses

SCENE: dict[str, JSON] = {"place": "a wood"}
AUDIO: dict[str, JSON] = {"LanguageCode": "en-US", "Media": {"MediaFileUri": "s3://bucket/audio.mp3"}}
UNKNOWN = "arn:aws:states:us-east-1:123456789012:execution:none:none"
SERVICES = ("AWSStepFunctions.", "Transcribe.")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Child]:
    with Child("moto", tmp_path_factory.mktemp("moto")) as child:
        Account(child.port).run_state_machines()
        yield child


@pytest.fixture
def account(server: Child) -> Account:
    return Account(server.port)


@pytest.fixture(params=CUSTOMERS.values(), ids=list(CUSTOMERS))
def customer(request: pytest.FixtureRequest, server: Child) -> Customer:
    made: Customer = request.param(Declared(named("aws-step-functions"), server.url), scope("states"))
    return made


@pytest.fixture(params=CUSTOMERS.values(), ids=list(CUSTOMERS))
def listener(request: pytest.FixtureRequest, server: Child) -> Customer:
    made: Customer = request.param(Declared(named("aws-transcribe"), server.url), scope("transcribe"))
    return made


@pytest.fixture
def heard(server: Child) -> Callable[[], list[str]]:
    """What was asked of the two services since the test began: operation and status."""
    before = len(server.requests())

    def since() -> list[str]:
        lines = [line.removeprefix("POST ") for line in server.requests()[before:]]
        return [line.partition(".")[2] for line in lines if line.startswith(SERVICES)]

    return since


def held(customer: Customer, machine: Machine) -> bide.Polling:
    """An execution that runs until its task is done."""
    job = customer.submit(machine.arn, SCENE)
    assert isinstance(job, bide.Polling)
    return job


def when_running(machine: Machine, output: JSON) -> Watcher:
    """Does the task when the execution was seen running a second time."""

    def watcher(state: bide.Job) -> None:
        if isinstance(state, bide.Polling) and state.past.polls == 2:
            machine.done(output)

    return watcher


# -- Step Functions ----------------------------------------------------------------------------------------------------


def test_an_execution_is_seen_running_and_succeeded(
    customer: Customer, account: Account, heard: Callable[[], list[str]]
) -> None:
    machine = Machine(account)
    states = customer.follow(held(customer, machine), when_running(machine, {"scene": 7}))
    end = states[-1]
    assert isinstance(end, bide.Completed)
    assert statuses(states) == ["RUNNING", "SUCCEEDED"]
    assert end.result.output == '{"scene": 7}'
    asked = [line for line in heard() if line.startswith(("Start", "Describe"))]
    assert asked == ["StartExecution 200"] + ["DescribeExecution 200"] * (end.past.requests - 1)


def test_an_execution_that_fails_says_why(customer: Customer, account: Account) -> None:
    machine = Machine(account)
    states = customer.follow(held(customer, machine), when_running(machine, {}))
    end = states[-1]
    assert isinstance(end, bide.Failed)
    assert statuses(states) == ["RUNNING", "FAILED"]
    assert (end.problem.code, end.problem.message) == (ERROR, CAUSE)


def test_our_cancel_aborts_the_execution(customer: Customer, account: Account, heard: Callable[[], list[str]]) -> None:
    job = customer.submit(idle(account), SCENE)
    end = customer.cancel(job)
    assert isinstance(end, bide.Cancelled)
    assert end.past.status == "ABORTED"
    looks = ["DescribeExecution 200"] * (end.past.requests - 2)
    assert heard()[1:] == ["StartExecution 200", "StopExecution 200", *looks]


def test_there_is_no_result_before_the_end(customer: Customer, account: Account) -> None:
    job = held(customer, Machine(account))
    with pytest.raises(JobUnfinished) as caught:
        customer.result(job)
    assert caught.value.job.past.status == "RUNNING"


def test_an_execution_given_up_at_the_deadline_goes_on_from_its_token(customer: Customer, account: Account) -> None:
    machine = Machine(account)
    given_up = customer.follow(held(replace(customer, patience=bide.Patience(deadline=1.0)), machine))[-1]
    assert isinstance(given_up, bide.Abandoned)
    assert (given_up.reason, given_up.past.status) == (bide.Reason.DEADLINE, "RUNNING")
    assert given_up.past.requests <= 1 + 1.0 / 0.05 + 1

    kept = bide.load(bide.dump(given_up), dialect=customer.dialect)
    assert isinstance(kept, bide.Abandoned)
    machine.done({"scene": 7})
    end = customer.follow(bide.resume(kept, now=kept.past.deadline, patience=bide.Patience()))[-1]
    assert isinstance(end, bide.Completed)
    assert end.result.output == '{"scene": 7}'


def test_an_unknown_execution_is_lost_at_the_first_look(customer: Customer, heard: Callable[[], list[str]]) -> None:
    end = customer.follow(UNKNOWN)[-1]
    assert isinstance(end, bide.Lost)
    assert end.problem is not None
    assert end.problem.code == "ExecutionDoesNotExist"
    assert heard() == ["DescribeExecution 400"]


def test_an_execution_started_again_under_its_key_is_found_and_not_doubled(
    customer: Customer, account: Account, heard: Callable[[], list[str]]
) -> None:
    machine, patience = Machine(account), bide.Patience(deadline=0.2)
    order = bide.Order(machine.arn, SCENE, key=str(uuid4()))
    ends = [
        customer.follow(bide.submit(order, dialect=customer.dialect, now=VirtualClock().now(), patience=patience))[-1]
        for _ in ("as first sent", "as sent again when its reply was lost")
    ]
    assert [(type(end), end.past.status) for end in ends] == [(bide.Abandoned, "RUNNING")] * 2
    assert ends[0].handle == ends[1].handle
    assert heard().count("StartExecution 200") == 2


def test_a_machine_that_does_not_exist_is_refused_at_once(
    customer: Customer, account: Account, heard: Callable[[], list[str]]
) -> None:
    end = customer.submit(idle(account) + "-not", SCENE)
    assert isinstance(end, bide.Failed)
    assert (end.handle, end.problem.code) == (None, "StateMachineDoesNotExist")
    assert heard()[1:] == ["StartExecution 400"]


# -- Transcribe --------------------------------------------------------------------------------------------------------


def test_a_transcription_walks_through_its_states(listener: Customer, heard: Callable[[], list[str]]) -> None:
    states = listener.follow(listener.submit(str(uuid4()), AUDIO))
    end = states[-1]
    assert isinstance(end, bide.Completed)
    assert [state.past.status for state in states] == ["", "QUEUED", "IN_PROGRESS", "COMPLETED"]
    (file,) = end.result.files
    assert end.result.output == {"TranscriptFileUri": file}
    assert file.startswith("https://")
    assert heard() == ["StartTranscriptionJob 200"] + ["GetTranscriptionJob 200"] * 3


def test_a_transcription_without_a_status_yet_is_not_done(listener: Customer, account: Account) -> None:
    with account.slow_transcriptions(looks=3):
        states = listener.follow(listener.submit(str(uuid4()), AUDIO))
    assert isinstance(states[-1], bide.Completed)
    assert {state.past.failures for state in states} == {0}
    words = [state.past.status for state in states]
    assert words == [""] * 3 + ["QUEUED"] * 3 + ["IN_PROGRESS"] * 3 + ["COMPLETED"]


def test_an_unknown_transcription_is_lost_at_the_first_look(listener: Customer, heard: Callable[[], list[str]]) -> None:
    end = listener.follow("none")[-1]
    assert isinstance(end, bide.Lost)
    assert heard() == ["GetTranscriptionJob 400"]


def test_a_name_that_is_taken_starts_nothing(listener: Customer, heard: Callable[[], list[str]]) -> None:
    name = str(uuid4())
    listener.run(name, AUDIO)
    end = listener.submit(name, AUDIO)
    assert isinstance(end, bide.Failed)  # it was the first try, so the name is taken by another
    assert end.problem.code == "ConflictException"
    assert heard()[-1:] == ["StartTranscriptionJob 400"]


# -- without a signature ----------------------------------------------------------------------------------------------


def unsigned(customer: Customer) -> Customer:
    """A customer whose requests say nothing of a service: moto takes them for S3's and lists its buckets, with 200."""
    dialect = customer.dialect
    assert isinstance(dialect, Declared)
    return replace(customer, dialect=Declared(replace(dialect.declaration, authorization=None), dialect.base_url))


def test_a_list_of_buckets_is_no_job(customer: Customer, account: Account, heard: Callable[[], list[str]]) -> None:
    job = held(customer, Machine(account))
    end = unsigned(customer).follow(job.handle)[-1]
    assert isinstance(end, bide.Abandoned)
    assert end.reason is bide.Reason.NOT_UNDERSTOOD
    assert heard()[-end.past.requests :] == ["DescribeExecution 200"] * end.past.requests


def test_a_list_of_buckets_confirms_no_cancellation(customer: Customer, account: Account) -> None:
    job = held(customer, Machine(account))
    end = unsigned(customer).cancel(job.handle)
    assert isinstance(end, bide.Abandoned)
    assert end.reason is bide.Reason.NOT_UNDERSTOOD


def test_a_list_of_buckets_acknowledges_no_submission(listener: Customer) -> None:
    end = unsigned(listener).submit(str(uuid4()), AUDIO)
    assert isinstance(end, bide.Abandoned)
    assert end.reason is bide.Reason.UNFOLLOWABLE
    assert end.handle is None
