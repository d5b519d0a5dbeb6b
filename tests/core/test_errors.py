"""The exceptions: one tree, as its docstring draws it, and each travels between processes with its job."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

import bide
from bide import errors
from bide.codec import Misfit
from tests.laws import DIALECT, HANDLE, START

CLASSES = {
    name: cls
    for name, cls in vars(errors).items()
    if inspect.isclass(cls) and issubclass(cls, Exception) and not issubclass(cls, Warning)
}
JOB_ERRORS = [cls for cls in CLASSES.values() if issubclass(cls, errors.JobError)]
JOB = bide.watch(HANDLE, dialect=DIALECT, now=START).receive(bide.Response(401), now=START)


def drawn() -> dict[str, str]:
    """Each class in the drawing, and the one it hangs from."""
    parents: dict[str, str] = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"(?P<stem>[│ ]*(?:[├└]── )?)(?P<name>[A-Z]\w+)(?: {2,}|$)", line)
        if match:
            depth = len(match["stem"]) // 4
            branch = [*branch[:depth], match["name"]]
            parents[match["name"]] = branch[depth - 1] if depth else "Exception"
    return parents


def test_the_drawing_is_the_tree() -> None:
    assert drawn() == {name: cls.__bases__[0].__name__ for name, cls in CLASSES.items()}


def test_all_have_one_base() -> None:
    assert all(issubclass(cls, errors.BideError) for cls in CLASSES.values())


def test_a_callers_error_is_a_value_error() -> None:
    assert {name for name, cls in CLASSES.items() if issubclass(cls, ValueError)} == {
        name for name, cls in CLASSES.items() if issubclass(cls, errors.CallerError)
    }


def test_the_advice_is_a_warning_and_no_error() -> None:
    assert issubclass(errors.PollingAdvice, UserWarning)
    assert not issubclass(errors.PollingAdvice, errors.BideError)


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_each_says_in_a_sentence_what_it_means(cls: type[Exception]) -> None:
    assert (cls.__doc__ or "").endswith(".")


@pytest.mark.parametrize("cls", JOB_ERRORS)
def test_a_job_error_is_pickled_and_copied_with_its_job(cls: type[errors.JobError]) -> None:
    error = cls("stopped waiting", JOB)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  our own bytes
        assert type(twin) is cls
        assert (str(twin), twin.job) == ("stopped waiting", JOB)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES.values() if cls not in JOB_ERRORS])
def test_every_other_error_is_pickled_with_its_message(cls: type[Exception]) -> None:
    twin = pickle.loads(pickle.dumps(cls("what to do next")))  # noqa: S301  our own bytes
    assert type(twin) is cls
    assert str(twin) == "what to do next"


def test_what_a_class_adds_is_pickled_and_copied_too() -> None:
    for error in (errors.InvalidWebhook("no", errors.Flaw.STALE), Misfit("job.past", float, "soon")):
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301  our own bytes
            assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))
