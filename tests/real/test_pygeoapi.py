"""Jobs at pygeoapi, a server of OGC API Processes: every end it knows, over both clients, judged from its side too."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

import bide
from bide.dialects.declared import Declared
from bide.dialects.vendors import named
from bide.errors import JobUnfinished
from bide_transports.emulator import png
from tests.real.child import Child
from tests.real.clients import CUSTOMERS, Customer, Watcher, kinds, statuses

UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Child]:
    with Child("pygeoapi", tmp_path_factory.mktemp("pygeoapi")) as child:
        yield child


@pytest.fixture(params=CUSTOMERS.values(), ids=list(CUSTOMERS))
def customer(request: pytest.FixtureRequest, server: Child) -> Customer:
    made: Customer = request.param(Declared(named("ogc-processes"), server.url))
    return made


class Gate:
    """A named pipe that a process waits at; each opening lets it one step on, sooner or later."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / uuid4().hex
        os.mkfifo(self.path)
        self._pipe = os.open(self.path, os.O_RDWR)  # both ends: neither we nor the process wait for the other here

    def open(self) -> None:
        os.write(self._pipe, b"\n")

    def close(self) -> None:
        os.close(self._pipe)

    def opened_at(self, *statuses: str) -> Watcher:
        """Opens it once for each of `statuses`, when the job is seen in it."""
        left = list(statuses)

        def watcher(state: bide.Job) -> None:
            if left and isinstance(state, bide.Polling) and state.past.status == left[0]:
                del left[0]
                self.open()

        return watcher


@pytest.fixture
def gate(tmp_path: Path) -> Generator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()  # whoever still waits goes home


def held(customer: Customer, gate: Gate, process: str = "echo") -> bide.Polling:
    """A job that is accepted and waits at the gate."""
    job = customer.submit(process, {"value": "a fox", "gate": str(gate.path)})
    assert isinstance(job, bide.Polling)
    return job


def about(server: Child, job: bide.Job) -> list[str]:
    """The requests about this job that the server answered."""
    path = f"/jobs/{str(job.handle).rpartition('/')[2]}"
    return [line.replace(path, "") for line in server.requests() if path in line]


# -- the ends --------------------------------------------------------------------------------------------------------


def test_run_returns_what_the_process_returned(customer: Customer) -> None:
    result = customer.run("echo", {"value": ["a fox", 1.5, None, {"ä": True}]})
    assert result.output == {"id": "echo", "value": ["a fox", 1.5, None, {"ä": True}]}
    assert result.files == ()


def test_a_result_that_is_no_json_is_a_file_to_be_saved(customer: Customer, tmp_path: Path) -> None:
    picture = png("a fox", 64, 48)
    result = customer.run("paint", {"picture": picture.hex()})
    (path,) = customer.save(result, tmp_path / "pictures")
    assert path.read_bytes() == picture


def test_a_job_is_seen_accepted_running_and_successful(customer: Customer, server: Child, gate: Gate) -> None:
    job = held(customer, gate)
    states = customer.follow(job, gate.opened_at("accepted", "running"))
    assert kinds(states) == [bide.Polling, bide.Fetching, bide.Completed]
    assert statuses(states) == ["accepted", "running", "successful"]
    assert 0.4 in {state.past.progress for state in states}
    end = states[-1]
    assert isinstance(end, bide.Completed)
    assert end.result.output == {"id": "echo", "value": "a fox"}
    assert about(server, job) == ["GET  200"] * (end.past.requests - 2) + ["GET /results 200"]


def test_a_process_that_raises_fails_the_job_with_its_words(customer: Customer, server: Child, gate: Gate) -> None:
    job = held(customer, gate, "fail")
    states = customer.follow(job, gate.opened_at("accepted", "running"))
    end = states[-1]
    assert isinstance(end, bide.Failed)
    assert statuses(states) == ["accepted", "running", "failed"]
    assert end.problem.code == "FAILED"
    assert "no such scene: a fox" in end.problem.message
    assert about(server, job) == ["GET  200"] * (end.past.requests - 1)  # its result is not even asked for


def test_our_cancel_dismisses_the_job(customer: Customer, server: Child, gate: Gate) -> None:
    job = held(customer, gate)
    end = customer.cancel(job)
    assert isinstance(end, bide.Cancelled)
    assert end.past.status == "dismissed"
    assert about(server, job) == ["GET  200", "DELETE  200"]


def test_a_dismissed_job_is_lost_to_whoever_still_waits(customer: Customer, server: Child, gate: Gate) -> None:
    job = held(customer, gate)
    customer.cancel(job)
    end = customer.follow(job)[-1]
    assert isinstance(end, bide.Lost)
    assert about(server, job)[2:] == ["GET  404"] * (end.past.requests - 1)
    assert end.past.missing >= bide.Patience().missing


@pytest.mark.parametrize("handle", [UNKNOWN, "{url}/jobs/" + UNKNOWN], ids=["id", "address"])
def test_an_unknown_job_is_lost_at_the_first_look(handle: str, customer: Customer, server: Child) -> None:
    before = server.requests()
    end = customer.follow(handle.format(url=server.url))[-1]
    assert isinstance(end, bide.Lost)
    assert server.requests()[len(before) :] == [f"GET /jobs/{UNKNOWN} 404"]


def test_cancelling_an_unknown_job_finds_it_lost(customer: Customer, server: Child) -> None:
    before = server.requests()
    assert isinstance(customer.cancel(UNKNOWN), bide.Lost)
    assert server.requests()[len(before) :] == [f"GET /jobs/{UNKNOWN} 404"]


def test_an_unknown_process_is_refused_at_once(customer: Customer, server: Child) -> None:
    before = server.requests()
    end = customer.submit("nothing", {})
    assert isinstance(end, bide.Failed)
    assert (end.handle, end.problem.code) == (None, "NoSuchProcess")
    assert server.requests()[len(before) :] == ["POST /processes/nothing/execution 404"]


def test_a_process_that_knows_no_jobs_runs_once_and_its_result_is_found(customer: Customer, server: Child) -> None:
    before = server.requests()
    assert customer.run("sync", {"value": "a fox"}).output == {"id": "echo", "value": "a fox"}
    assert [line for line in server.requests()[len(before) :] if "POST" in line] == [
        "POST /processes/sync/execution 200"
    ]


def test_a_process_that_fails_while_it_is_submitted_says_why(customer: Customer) -> None:
    end = customer.submit("syncfail", {"value": "a fox"})
    assert isinstance(end, bide.Failed)
    assert end.handle is None
    assert "no such scene: a fox" in end.problem.message


# -- before the end ----------------------------------------------------------------------------------------------------


def test_there_is_no_result_before_the_end(customer: Customer, server: Child, gate: Gate) -> None:
    job = held(customer, gate)
    with pytest.raises(JobUnfinished) as caught:
        customer.result(job)
    assert caught.value.job.past.status == "accepted"
    assert about(server, job) == ["GET  200"]


def test_a_result_asked_for_too_early_is_not_taken_for_one(customer: Customer, server: Child, gate: Gate) -> None:
    job = held(customer, gate)
    early = bide.Fetching(job.terms, job.past, job.handle, job.due, job.not_before, job.why)

    def watcher(state: bide.Job) -> None:
        if state.past.requests == 4:
            gate.open()
            gate.open()

    states = customer.follow(early, watcher)
    assert kinds(states) == [bide.Fetching, bide.Completed]
    assert {state.past.missing for state in states} == {0}
    assert isinstance(states[-1], bide.Completed)
    assert states[-1].result.output == {"id": "echo", "value": "a fox"}
    answers = about(server, job)
    assert answers[:3] == ["GET /results 404"] * 3
    assert answers == ["GET /results 404"] * (len(answers) - 1) + ["GET /results 200"]


def test_a_job_given_up_at_the_deadline_goes_on_from_its_token(customer: Customer, gate: Gate) -> None:
    job = held(replace(customer, patience=bide.Patience(deadline=1.0)), gate)
    given_up = customer.follow(job)[-1]
    assert isinstance(given_up, bide.Abandoned)
    assert (given_up.reason, given_up.past.status) == (bide.Reason.DEADLINE, "accepted")
    assert given_up.past.requests <= 1 + 1.0 / 0.05 + 1

    kept = bide.load(bide.dump(given_up), dialect=customer.dialect)
    assert kept == given_up
    assert isinstance(kept, bide.Abandoned)
    again = bide.resume(kept, now=kept.past.deadline, patience=bide.Patience())
    end = customer.follow(again, gate.opened_at("accepted", "running"))[-1]
    assert isinstance(end, bide.Completed)
    assert end.result.output == {"id": "echo", "value": "a fox"}


@pytest.mark.parametrize("kind", CUSTOMERS.values(), ids=list(CUSTOMERS))
def test_a_job_whose_worker_was_killed_ends_at_the_deadline(kind: type[Customer], tmp_path: Path, gate: Gate) -> None:
    """pygeoapi keeps such a job accepted for ever."""
    with Child("pygeoapi", tmp_path) as server:
        customer = kind(Declared(named("ogc-processes"), server.url), patience=bide.Patience(deadline=1.0))
        job = held(customer, gate)
        server.restart_killed()
        gate.open()
        gate.open()
        end = customer.follow(job)[-1]
        answers = about(server, job)
    assert isinstance(end, bide.Abandoned)
    assert (end.reason, end.past.status) == (bide.Reason.DEADLINE, "accepted")
    assert answers == ["GET  200"] * (end.past.requests - 1)
    assert bide.resume(end, now=end.past.deadline).request.url == job.request.url
