"""Tokens that earlier builds wrote, kept as they came: each is read, and what it lacks is what was so at the time."""

from __future__ import annotations

import json
from typing import cast

import pytest

import bide
from bide.errors import InvalidToken
from tests.laws import DIALECT, HANDLE, START

#: Of the first build: no bound on the transfer of one file.
SUBMITTING = (
    '{"bide":1,"dialect":"modelroute","origin":"https://api.modelroute.ai:443","job":{"is":"Submitting"'
    ',"terms":{"is":"Terms","pace":{"is":"Growing","first":1.0,"factor":1.1,"cap":15.0}'
    ',"patience":{"is":"Patience","deadline":null,"fallback":3600.0,"grace":30.0,"longest":604800.0,"failures":20'
    ',"first_contact":4,"stall":86400.0,"missing":5,"missing_for":30.0,"timeout":30.0,"largest":8388608}'
    ',"seed":"key-1"},"past":{"is":"History","since":1795440807.0,"deadline":1795444407.0,"seen":1795440807.0'
    ',"changed":1795440807.0,"known":false,"answered":false,"status":"","progress":null,"expires":null'
    ',"requests":0,"polls":0,"failures":0,"limited":0,"missing":0,"missing_since":0.0,"quota":null,"receipt":null'
    ',"trace":[]},"order":{"is":"Order","model":"flux-1.1-pro","input":{"prompt":"a fox"},"key":"key-1"'
    ',"metadata":null,"webhook_url":null},"due":1795440807.0,"not_before":1795440807.0,"why":"AT_ONCE"}}'
)
#: Before services could be declared: no place of the output.
COMPLETED = (
    '{"bide":1,"dialect":"modelroute","origin":"https://api.modelroute.ai:443","job":{"is":"Completed"'
    ',"terms":{"is":"Terms","pace":{"is":"Growing","first":1.0,"factor":1.1,"cap":15.0}'
    ',"patience":{"is":"Patience","deadline":null,"fallback":3600.0,"grace":30.0,"longest":604800.0,"failures":20'
    ',"first_contact":4,"stall":86400.0,"missing":5,"missing_for":30.0,"timeout":30.0,"largest":8388608'
    ',"transfer":600.0},"seed":"key-1"},"past":{"is":"History","since":1795440807.0,"deadline":1795441137.0'
    ',"seen":1795440808.0,"changed":1795440810.0,"known":true,"answered":true,"status":"COMPLETED"'
    ',"progress":null,"expires":"2026-11-23T13:38:27Z","requests":2,"polls":0,"failures":0,"limited":0'
    ',"missing":0,"missing_since":0.0,"quota":{"is":"Quota","limit":60,"remaining":57,"reset":1795440840.0'
    ',"closed":null},"receipt":{"is":"Receipt","hold_amount":null,"estimated_cost":null,"created_at":null'
    ',"expires_at":"2026-11-23T13:38:27+00:00"},"trace":[{"is":"Event","at":1795440808.0'
    ',"what":"submit: 202 PENDING","times":1},{"is":"Event","at":1795440810.0,"what":"poll: 200 COMPLETED"'
    ',"times":1}]},"handle":"exec_11111111-2222-4333-8444-555555555555","result":{"is":"Result"'
    ',"handle":"exec_11111111-2222-4333-8444-555555555555","files":["file_a"],"cost":"0.1","latency":5.1'
    r',"raw":"{\"id\": \"exec_11111111-2222-4333-8444-555555555555\", \"status\": \"COMPLETED\", '
    r'\"output\": {\"images\": [{\"file_id\": \"file_a\"}]}, \"cost\": \"0.1\", \"latency_ms\": 5100}"}}}'
)
#: Before a service could take results away at a cancel: no word of a look before it.
CANCELLING = (
    '{"bide":1,"dialect":"modelroute","origin":"https://api.modelroute.ai:443","job":{"is":"Cancelling"'
    ',"terms":{"is":"Terms","pace":{"is":"Growing","first":1.0,"factor":1.1,"cap":15.0}'
    ',"patience":{"is":"Patience","deadline":null,"fallback":3600.0,"grace":30.0,"longest":604800.0,"failures":20'
    ',"first_contact":4,"stall":86400.0,"missing":5,"missing_for":30.0,"timeout":30.0,"largest":8388608'
    ',"transfer":600.0},"seed":"key-1"},"past":{"is":"History","since":1795440807.0,"deadline":1795441137.0'
    ',"seen":1795440808.0,"changed":1795440808.0,"known":true,"answered":true,"status":"PENDING","progress":null'
    ',"expires":"2026-11-23T13:38:27Z","requests":1,"polls":0,"failures":0,"limited":0,"missing":0'
    ',"missing_since":0.0,"quota":{"is":"Quota","limit":60,"remaining":57,"reset":1795440838.0,"closed":null}'
    ',"receipt":{"is":"Receipt","hold_amount":null,"estimated_cost":null,"created_at":null'
    ',"expires_at":"2026-11-23T13:38:27+00:00"},"trace":[{"is":"Event","at":1795440808.0'
    ',"what":"submit: 202 PENDING","times":1}]},"handle":"exec_11111111-2222-4333-8444-555555555555"'
    ',"due":1795440809.0,"not_before":1795440808.0,"why":"AT_ONCE","asked":false,"refusal":null}}'
)


def test_a_submission_is_sent_under_the_key_it_had() -> None:
    job = bide.load(SUBMITTING, dialect=DIALECT)
    order = bide.Order("flux-1.1-pro", {"prompt": "a fox"}, "key-1")
    assert job == bide.submit(order, dialect=DIALECT, now=START)
    assert job.terms.patience.transfer == 600.0
    assert job.terms.patience.largest_file == bide.Patience().largest_file


def test_a_result_is_there() -> None:
    job = bide.load(COMPLETED, dialect=DIALECT)
    assert isinstance(job, bide.Completed)
    assert (job.result.files, job.result.place) == (("file_a",), None)
    assert job.result.output == {"images": [{"file_id": "file_a"}]}


def test_a_cancellation_is_asked_for() -> None:
    job = bide.load(CANCELLING, dialect=DIALECT)
    assert isinstance(job, bide.Cancelling)
    assert job.request.url == f"https://api.modelroute.ai/v1/executions/{HANDLE}/cancel"


@pytest.mark.parametrize("token", [SUBMITTING, COMPLETED, CANCELLING])
def test_an_old_token_is_written_in_the_present_form(token: str) -> None:
    job = bide.load(token, dialect=DIALECT)
    written = bide.dump(job)
    assert bide.load(written, dialect=DIALECT) == job
    old, new = json.loads(token), json.loads(written)
    assert old["bide"] == new["bide"], "members with a default are no new version"
    assert len(written) > len(token)
    assert _within(old, new)


def test_what_a_later_build_wrote_is_refused_with_the_reason() -> None:
    job = bide.watch(HANDLE, dialect=DIALECT, now=START)
    document = json.loads(bide.dump(job))
    document["job"]["terms"]["patience"]["naps"] = 3
    with pytest.raises(InvalidToken, match=r"a later bide wrote .* job\.terms\.patience has 'naps'"):
        bide.load(json.dumps(document), dialect=DIALECT)
    document["job"]["terms"]["pace"] = {"is": "Lunar", "phase": "full"}
    with pytest.raises(InvalidToken, match=r"damaged at job\.terms\.pace, or a later bide wrote it"):
        bide.load(json.dumps(document), dialect=DIALECT)
    with pytest.raises(InvalidToken, match="the token has version 2, this bide reads 1: use the bide that wrote it"):
        bide.load(json.dumps(document | {"bide": 2}), dialect=DIALECT)


def _within(old: object, new: object) -> bool:
    """Whether all that `old` says stands in `new` as it was."""
    if isinstance(old, dict) and isinstance(new, dict):
        after = cast("dict[str, object]", new)
        return all(_within(value, after[name]) for name, value in cast("dict[str, object]", old).items())
    if isinstance(old, list) and isinstance(new, list):
        return all(map(_within, cast("list[object]", old), cast("list[object]", new)))
    return old == new
