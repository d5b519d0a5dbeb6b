"""What a client's jobs are begun from: a model, an id, a token, or a job in hand."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pytest

import bide
from bide.dialects.vendors import as_dialect, named, names
from bide.download import download
from bide.errors import InvalidHandle, InvalidOrder, InvalidSetting, InvalidToken, NotOffered
from bide.intake import Intake, is_acknowledged, is_cancel_settled, is_known, is_over
from bide.ticket import Source
from bide.upload import upload
from tests.laws import DIALECT, HANDLE, START

FILE = "file_1"
FOX = {"prompt": "a fox"}
INTAKE = Intake(DIALECT, bide.Every(2), bide.Patience(deadline=60))
PENDING = bide.Response(200, body=f'{{"id": "{HANDLE}", "status": "PENDING"}}'.encode())


def given_up() -> bide.Job:
    job = INTAKE.watch(HANDLE, now=START)
    assert isinstance(job, bide.Polling)
    return job.receive(PENDING, now=START + 60)


def test_a_submission_has_the_intakes_pace_and_patience_and_its_own_key() -> None:
    job = INTAKE.prepare("flux-1.1-pro", {}, key="key-1", now=START)
    assert (job.terms.pace, job.terms.patience, job.order.key) == (bide.Every(2), bide.Patience(deadline=60), "key-1")
    patient = INTAKE.prepare("flux-1.1-pro", {}, key="key-1", patience=bide.Patience(deadline=600), now=START)
    assert patient.past.deadline == START + 600


def test_what_cannot_be_begun_is_refused() -> None:
    with pytest.raises(InvalidOrder):
        INTAKE.prepare("", {}, key="key-1", now=START)
    with pytest.raises(InvalidHandle):
        INTAKE.watch("../up", now=START)


def test_numbers_are_seconds_between_looks_and_until_the_deadline() -> None:
    intake = Intake(DIALECT, 2, 60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert intake == INTAKE
    order = bide.Order("flux-1.1-pro", {}, key="key-1")
    for job in (
        bide.submit(order, dialect=DIALECT, now=START, pace=2, patience=60),
        bide.watch(HANDLE, dialect=DIALECT, now=START, pace=2, patience=60),
        INTAKE.prepare("flux-1.1-pro", {}, key="key-1", patience=60, now=START),
    ):
        assert (job.terms.pace, job.terms.patience) == (bide.Every(2), bide.Patience(deadline=60))
        assert job.past.deadline == START + 60
    resumed = INTAKE.resume(given_up(), patience=5, now=START + 100)
    assert (resumed.past.deadline, resumed.terms.patience) == (START + 105, bide.Patience(deadline=5))
    assert download(FILE, dialect=DIALECT, now=START, patience=9).past.deadline == START + 9
    assert upload(Source("a.png", 1, "image/png"), dialect=DIALECT, now=START, patience=9).past.deadline == START + 9


WRONG: list[dict[str, Any]] = [
    *({"pace": value} for value in ("fast", bide.Patience(), True, math.nan, 0, bide.Every)),
    *({"patience": value} for value in ("long", bide.Every(2), True, math.inf, -1, bide.Patience)),
    *({"dialect": value} for value in ("nobody's", bide.ModelRoute, None, named("replicate"))),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_setting_that_is_none_is_refused_before_anything_is_begun(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    order = bide.Order("flux-1.1-pro", {}, key="key-1")
    settings: dict[str, Any] = {"dialect": DIALECT} | wrong
    with pytest.raises(InvalidSetting, match=rf"{name} is .*: give"):
        bide.submit(order, now=START, **settings)
    with pytest.raises(InvalidSetting, match=rf"{name} is .*: give"):
        bide.watch(HANDLE, now=START, **settings)
    with pytest.raises(InvalidSetting, match=rf"{name} is .*: give"):
        Intake(**settings)


@pytest.mark.parametrize("patience", ["long", bide.Every(2), True, math.nan, 0])
def test_a_patience_that_is_none_is_refused_for_one_job_as_well(patience: Any) -> None:
    with pytest.raises(InvalidSetting, match="give"):
        INTAKE.prepare("flux-1.1-pro", {}, key="key-1", patience=patience, now=START)
    with pytest.raises(InvalidSetting, match="give"):
        INTAKE.resume(given_up(), patience=patience, now=START + 100)
    with pytest.raises(InvalidSetting, match="give"):
        download(FILE, dialect=DIALECT, now=START, patience=patience)


def test_a_job_in_hand_is_watched_as_it_is() -> None:
    job = given_up()
    assert INTAKE.watch(job, now=START + 99) is job


@pytest.mark.parametrize("as_token", [True, False])
def test_a_job_given_up_is_resumed_from_its_token_or_from_itself(as_token: bool) -> None:
    job = given_up()
    again = INTAKE.resume(bide.dump(job) if as_token else job, now=START + 100)
    assert isinstance(again, bide.Polling)
    assert again.past.deadline == START + 160


def test_a_finished_job_is_resumed_as_it_is() -> None:
    job = bide.watch(HANDLE, dialect=DIALECT, now=START).receive(bide.Response(404), now=START)
    assert isinstance(job, bide.Lost), "one that is lost is looked for again"
    assert isinstance(INTAKE.resume(job, now=START), bide.Polling)
    done = bide.Response(200, body=f'{{"id": "{HANDLE}", "status": "EXPIRED"}}'.encode())
    over = bide.watch(HANDLE, dialect=DIALECT, now=START).receive(done, now=START)
    assert INTAKE.resume(over, now=START) is over


def test_a_submission_under_no_key_is_not_sent_again_from_its_token() -> None:
    order = bide.Order("flux-1.1-pro", {})
    job = bide.submit(order, dialect=DIALECT, now=START)
    for token in (bide.dump(job), bide.dump(job).encode()):
        left = INTAKE.resume(token, patience=bide.Patience(deadline=9), now=START + 5)
        assert isinstance(left, bide.Abandoned)
        assert (left.reason, left.last, left.past) == (bide.Reason.AMBIGUOUS, replace(job, unclear=True), job.past)
    assert INTAKE.resume(job, now=START + 5) is job, "who has it in hand knows whether it was sent"
    keyed = INTAKE.prepare("flux-1.1-pro", {}, key="key-1", now=START)
    assert INTAKE.resume(bide.dump(keyed), now=START + 5) == replace(keyed, unclear=True)


def test_only_a_polled_job_is_cancelled() -> None:
    assert isinstance(INTAKE.cancelling(HANDLE, now=START), bide.Cancelling)
    job = given_up()
    assert INTAKE.cancelling(job, now=START) is job


def test_how_far_a_job_must_have_come() -> None:
    submitting = INTAKE.prepare("flux-1.1-pro", {}, key="key-1", now=START)
    polling = INTAKE.watch(HANDLE, now=START)
    assert isinstance(polling, bide.Polling)
    seen = polling.receive(PENDING, now=START)
    over = given_up()
    assert [is_over(job) for job in (submitting, polling, over)] == [False, False, True]
    assert [is_acknowledged(job) for job in (submitting, polling)] == [False, True]
    assert [is_known(job) for job in (submitting, polling, seen, over)] == [False, False, True, True]
    assert [is_cancel_settled(job) for job in (bide.cancel(polling, now=START), polling, over)] == [False, True, True]


ORDERS: list[tuple[dict[str, Any], str]] = [
    *(({"model": value}, "model is") for value in (None, 7, b"flux", ["flux"])),
    *(({"model": value}, "the model is empty") for value in ("", " ")),
    *(({"input": value}, "^input is .*: give a dict") for value in (None, "a fox", 7, [("prompt", "a fox")])),
    ({"input": {"sizes": [1, {2}]}}, r"^input.sizes\[1\] cannot be written as JSON \(a set\)"),
    ({"metadata": [1]}, "^metadata is a list: give a dict"),
    ({"key": 7}, "key is 7: give a text"),
    ({"webhook_url": ["https://me.example/hook"]}, "webhook_url is .*: give a text"),
    *(
        ({"webhook_url": url}, "webhook_url is .*: give the address of an endpoint")
        for url in (
            "",
            "foo",
            "ftp://me.example/",
            "//me.example/",
            "javascript:1",
            "https://",
            "https://a b/",
            "https://a/\n",
        )
    ),
]


@pytest.mark.parametrize(("wrong", "says"), ORDERS, ids=str)
def test_an_order_names_the_member_that_cannot_be_sent(wrong: dict[str, Any], says: str) -> None:
    members: dict[str, Any] = {"model": "flux-1.1-pro", "input": FOX, **wrong}
    with pytest.raises(InvalidOrder, match=says):
        bide.Order(**members)


NO_JOBS: list[tuple[Any, str]] = [
    (None, "handle` of a job is None until"),
    (7, "7 is no job: ids are texts"),
    (b"exec_1", "b'exec_1' is no job: ids are texts"),
    ({"id": "exec_1"}, "a dict is no job: give its id"),
    (bide.Result("exec_1"), "job exec_1 is over"),
    (bide.Polling, "a type is no job"),
]


@pytest.mark.parametrize(("wrong", "says"), NO_JOBS, ids=str)
def test_what_is_no_job_is_told_whatever_it_is_given_for(wrong: Any, says: str) -> None:
    with pytest.raises(InvalidHandle, match=says):
        INTAKE.watch(wrong, now=START)
    with pytest.raises(InvalidHandle, match=says):
        INTAKE.cancelling(wrong, now=START)
    with pytest.raises(InvalidHandle, match=says):
        bide.watch(wrong, dialect=DIALECT, now=START)


@pytest.mark.parametrize("wrong", [None, "flux-1.1-pro", {"model": "flux-1.1-pro"}])
def test_what_is_no_order_is_told(wrong: Any) -> None:
    with pytest.raises(InvalidOrder, match="give an Order"):
        bide.submit(wrong, dialect=DIALECT, now=START)


@pytest.mark.parametrize("wrong", [None, 7, {"bide": 1}, bide.Result("exec_1")], ids=str)
def test_what_is_no_token_is_told(wrong: Any) -> None:
    with pytest.raises(InvalidToken, match="give the text that `dump` wrote"):
        INTAKE.resume(wrong, now=START)


def test_a_job_of_another_service_is_told_before_it_is_asked_there() -> None:
    elsewhere = bide.watch("7", dialect="replicate", now=START)
    for use in (INTAKE.watch, INTAKE.cancelling, INTAKE.resume):
        with pytest.raises(InvalidHandle, match=r"belongs to replicate at .*api\.replicate\.com"):
            use(elsewhere, now=START)
    assert replace(INTAKE, any_service=True).watch(elsewhere, now=START) is elsewhere


def test_a_patience_is_checked_for_a_job_that_is_over_as_well() -> None:
    over = bide.watch(HANDLE, dialect=DIALECT, now=START).receive(bide.Response(404), now=START)
    with pytest.raises(InvalidSetting, match="patience is 'long'"):
        INTAKE.resume(over, patience=cast("Any", "long"), now=START)


def test_a_submission_cannot_be_cancelled_before_the_service_has_named_it() -> None:
    with pytest.raises(InvalidHandle, match="has not named this job"):
        INTAKE.cancelling(INTAKE.prepare("flux-1.1-pro", {}, key="key-1", now=START), now=START)


VARIABLES = {
    "modelroute": "MODELROUTE_API_KEY",
    "replicate": "REPLICATE_API_TOKEN",
    "fal": "FAL_KEY",
    "openai-batches": "OPENAI_API_KEY",
    "openai-videos": "OPENAI_API_KEY",
    "runway": "RUNWAYML_API_SECRET",
}


@pytest.mark.parametrize("name", ["modelroute", *names()])
def test_a_dialect_that_comes_with_bide_goes_by_its_name(name: str) -> None:
    dialect = Intake(as_dialect(name)).dialect
    assert dialect.name == name
    assert dialect.wants_key
    assert dialect.environment == VARIABLES.get(name, "")
    assert as_dialect(dialect) is dialect
    order = bide.Order("flux-1.1-pro", {}, key="key-1")
    with suppress(NotOffered, InvalidOrder):
        assert bide.load(bide.dump(bide.submit(order, dialect=name, now=START)), dialect=name).terms.dialect == dialect


@pytest.mark.parametrize(
    ("name", "says"),
    [("replicat", "did you mean 'replicate'"), ("Azure_ARM", "'azure-arm'"), ("x", "give one of modelr")],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, says: str) -> None:
    with pytest.raises(InvalidSetting, match=rf"dialect is {name!r}, .*{says}"):
        as_dialect(name)
