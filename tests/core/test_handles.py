"""A handle: an id, an address, or several of them in one string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.handles import handle_of, id_of, links, shown
from tests.laws import BY_CODE, DIALECT, HANDLE, START

SIGNED = "https://api.example/op/7?sig=5ec2e7"


def test_an_id_or_an_address_is_its_own_handle() -> None:
    assert handle_of({"id": "job-7"}) == "job-7"
    assert handle_of({"status": SIGNED}) == SIGNED
    assert handle_of({}) is None


def test_several_parts_are_one_string() -> None:
    parts = {"id": "job-7", "status": SIGNED}
    handle = handle_of(parts)
    assert handle == '{"id":"job-7","status":"https://api.example/op/7?sig=5ec2e7"}'
    assert links(handle) == parts


@given(
    st.dictionaries(st.sampled_from(["id", "status", "result", "cookie"]), st.text(min_size=1, max_size=20), min_size=1)
)
def test_whatever_the_parts_they_come_back(parts: dict[str, str]) -> None:
    handle = handle_of(parts)
    assert handle is not None
    assert links(handle) == parts


def test_what_is_no_object_of_texts_has_no_parts() -> None:
    assert links("{") == {}
    assert links('{"id": 7}') == {}


def test_a_query_is_never_shown() -> None:
    assert shown("job-7") == "job-7"
    assert shown(SIGNED) == "https://api.example/op/7"
    assert shown(handle_of({"id": "job-7", "status": SIGNED}) or "") == "job-7"
    assert shown(handle_of({"status": SIGNED, "cookie": "a=5ec2e7"}) or "") == "https://api.example/op/7"
    assert shown(handle_of({"result": SIGNED, "x": "y"}) or "") == "https://api.example/op/7"
    assert shown(handle_of({"cookie": "a=5ec2e7", "location": SIGNED}) or "") == "https://api.example/op/7"
    assert shown(handle_of({"cookie": "a=5ec2e7"}) or "") == "job"
    assert shown("{}") == "job"


def test_a_state_shows_its_handle_and_no_more_of_it() -> None:
    job = bide.watch("https://api.code.example/op/7?sig=5ec2e7", dialect=BY_CODE, now=START)
    assert "handle='https://api.code.example/op/7', due=" in repr(job)
    assert "5ec2e7" not in repr(job)
    assert "handle=''" not in repr(job)


def test_a_result_shows_its_files_without_their_signatures() -> None:
    result = bide.Result("job-7", ("file_1", "https://cdn.example/a.png?sig=5ec2e7"))
    assert "files=('file_1', 'https://cdn.example/a.png')" in repr(result)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"id": "job-7"}, "job-7"),
        ({"id": "job-7", "status": SIGNED, "result": SIGNED, "cookie": "a=5ec2e7"}, "job-7"),
        ({"id": "a?b@c", "status": SIGNED}, "a?b@c"),
        ({"status": SIGNED}, "https://api.example/op/7"),
        ({"id": SIGNED, "cookie": "a=5ec2e7"}, "https://api.example/op/7"),
        ({"result": "https://me:5ec2e7@api.example/op/7", "x": "y"}, "https://api.example/op/7"),
    ],
)
def test_the_id_of_a_job_and_of_its_result_is_the_services_own(parts: dict[str, str], name: str) -> None:
    handle = handle_of(parts)
    assert handle is not None
    assert id_of(handle) == name
    assert bide.Result(handle).id == name


def test_every_state_has_the_id_that_the_service_gave_or_none() -> None:
    order = bide.Order("flux-1.1-pro", {}, key="key-1")
    submitting = bide.submit(order, dialect=DIALECT, now=START)
    refused = submitting.receive(bide.Response(422), now=START)
    polling = bide.watch(HANDLE, dialect=DIALECT, now=START)
    abandoned = polling.receive(bide.Response(401), now=START)
    assert (submitting.id, refused.id) == (None, None)
    assert (polling.id, abandoned.id) == (HANDLE, HANDLE)
