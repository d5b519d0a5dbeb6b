"""A handle: an id, an address, or several of them in one string."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.handles import handle_of, links, shown
from tests.laws import BY_CODE, START

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
