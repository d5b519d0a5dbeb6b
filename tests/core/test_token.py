"""A job as JSON and back; and every way in which a token can be damaged, forged or brought to the wrong place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import Any, cast, get_args

import pytest

import bide
from bide.document import JSON
from bide.errors import InvalidHandle, InvalidOrder, InvalidToken, JobError
from bide.token import LARGEST, VERSION
from tests.laws import DIALECT, HANDLE, KEY, START
from tests.sampling import some

INPUT: dict[str, JSON] = {"prompt": "a fox", "n": [1, 2.5, None, {"is": "Polling"}]}
ORDER = bide.Order("flux-1.1-pro", INPUT, "key-1", {"run": 7}, "https://hooks.example/h")


def answer(status: int, body: object = None, **headers: str) -> bide.Response:
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return bide.Response(status, bide.Headers.of(lines), b"" if body is None else json.dumps(body).encode())


def execution(status: str, **fields: object) -> dict[str, object]:
    return {"id": HANDLE, "status": status, **fields}


TAKEN = answer(
    202,
    execution(
        "PENDING",
        progress=0.25,
        hold_amount="0.120",
        estimated_cost=0.1,
        created_at="2026-11-23T14:33:27.5+01:00",
        expires_at="2026-11-23T13:38:27Z",
    ),
    x_ratelimit_remaining="57",
    x_ratelimit_limit="60",
    x_ratelimit_reset="30",
)
DETAILS = [{"field": "input.n", "code": "OUT_OF_RANGE", "message": "too many"}]
ERROR = {"code": "INPUT_VALIDATION_ERROR", "message": "no", "request_id": "req_1", "details": DETAILS}
RESULT = answer(
    200,
    execution("COMPLETED", output={"images": [{"file_id": "file_a"}], "é": "\ud800"}, cost="0.100", latency_ms=5100),
)
WRONG = (answer(502), answer(429), answer(404), answer(409), bide.NoResponse(bide.Cause.RESET, sent=True))


def submitting() -> bide.Submitting:
    return bide.submit(ORDER, dialect=DIALECT, now=START, patience=bide.Patience(failures=3))


def polling() -> bide.Polling:
    job = submitting().receive(TAKEN, now=START + 1)
    assert isinstance(job, bide.Polling)
    return job


def refused() -> bide.Job:
    return bide.cancel(polling(), now=START + 2).receive(answer(409, {"error": ERROR}), now=START + 2)


JOBS: dict[str, bide.Job] = {
    "Submitting": submitting(),
    "Submitting, not taken": submitting().receive(answer(503), now=START),
    "Polling": polling(),
    "Polling, watched": bide.watch(HANDLE, dialect=DIALECT, now=START, pace=bide.Every(4, jitter=1)),
    "Fetching": polling().receive(answer(200, execution("COMPLETED")), now=START + 2),
    "Cancelling": bide.cancel(polling(), now=START + 2),
    "Cancelling, refused": refused(),
    "Completed, nameless": submitting().receive(answer(200, {"status": "COMPLETED", "output": {"x": 1}}), now=START),
    "Completed": polling().receive(RESULT, now=START + 2),
    "Failed": polling().receive(answer(200, execution("FAILED", error=ERROR)), now=START + 2),
    "Failed, refused": submitting().receive(answer(400, {"error": ERROR}), now=START + 2),
    "Cancelled": polling().receive(answer(200, execution("CANCELLED")), now=START + 2),
    "Expired": polling().receive(answer(200, execution("EXPIRED")), now=START + 2),
    "Lost": polling().receive(answer(410, {"error": ERROR}), now=START + 2),
    "Abandoned": polling().receive(answer(401), now=START + 2),
    "Abandoned, at the deadline": polling().receive(answer(200, execution("PENDING")), now=START + 9999),
    "Abandoned, submitting": submitting().receive(answer(402), now=START + 2),
}
every_job = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)


def load(document: object) -> bide.Job:
    return bide.load(json.dumps(document), dialect=DIALECT)


def opened(job: bide.Job) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bide.dump(job))
    return document


@pytest.mark.parametrize("wrong", [None, 7, HANDLE, b"{}", ORDER, bide.Result(HANDLE)], ids=repr)
@pytest.mark.parametrize("use", [bide.dump, bide.unwrap])
def test_what_is_no_job_is_told(use: Callable[[Any], object], wrong: object) -> None:
    with pytest.raises(InvalidHandle, match=r"is no job|is a text: give the job itself"):
        use(wrong)


def test_there_is_a_job_in_every_state() -> None:
    assert {type(job) for job in JOBS.values()} == set(get_args(bide.Job))
    assert all(type(job).__name__ == name.split(",")[0] for name, job in JOBS.items())


@every_job
def test_a_token_loads_to_an_equal_job(job: bide.Job) -> None:
    token = bide.dump(job)
    assert bide.load(token, dialect=DIALECT) == job
    assert bide.load(token.encode(), dialect=DIALECT) == job
    assert bide.load(json.dumps(json.loads(token), indent=4), dialect=DIALECT) == job


@every_job
def test_a_token_is_one_line_of_ascii_without_a_key_or_python_code(job: bide.Job) -> None:
    token = bide.dump(job)
    assert token.isascii()
    assert token.isprintable()
    assert KEY not in token
    assert json.loads(token)["bide"] == VERSION


def test_a_token_has_the_form_it_always_had() -> None:
    terms = (
        '{"is":"Terms","pace":{"is":"Every","interval":4,"jitter":1},"patience":{"is":"Patience","deadline":null,'
        '"fallback":3600.0,"grace":30.0,"longest":604800.0,"failures":3,"first_contact":4,"stall":86400.0,"missing":5,'
        '"missing_for":30.0,"timeout":30.0,"largest":8388608,"transfer":600.0,'
        '"largest_file":17179869184},"seed":"exec_1"}'
    )
    past = (
        '{"is":"History","since":1795440807.0,"deadline":1795444407.0,"seen":1795440807.0,"changed":1795440807.0,'
        '"known":false,"answered":false,"status":"","progress":null,"expires":null,"requests":0,"polls":0,"failures":0,'
        '"limited":0,"missing":0,"missing_since":0.0,"quota":null,"receipt":null,"trace":[],"hinted":0}'
    )
    patience = bide.Patience(failures=3)
    job = bide.watch("exec_1", dialect=DIALECT, now=START, pace=bide.Every(4, jitter=1), patience=patience)
    assert bide.dump(job) == (
        '{"bide":1,"dialect":"modelroute","origin":"https://api.modelroute.ai:443","job":{"is":"Polling","terms":'
        f'{terms},"past":{past},"handle":"exec_1","due":1795440807.0,"not_before":1795440807.0,"why":"AT_ONCE","redirect":null}}}}'
    )


def test_a_loaded_job_goes_on_as_if_nothing_had_happened() -> None:
    job = polling()
    loaded = bide.load(bide.dump(job), dialect=DIALECT)
    assert isinstance(loaded, bide.Polling)
    assert loaded.request == job.request
    assert loaded.receive(answer(502), now=START + 5) == job.receive(answer(502), now=START + 5)


def test_a_submission_keeps_its_key_and_its_bytes() -> None:
    loaded = bide.load(bide.dump(submitting()), dialect=DIALECT)
    assert isinstance(loaded, bide.Submitting)
    assert loaded.request == submitting().request


# Sizes: whatever a job may hold, its token may hold


def test_a_result_as_large_as_a_reply_may_be_can_be_kept() -> None:
    size = bide.Patience().largest - 200
    job = polling().receive(answer(200, execution("COMPLETED", output={"text": "x" * size})), now=START + 2)
    assert isinstance(job, bide.Completed)
    assert bide.load(bide.dump(job), dialect=DIALECT) == job


def deepest_order() -> bide.Order:
    """The most deeply nested input that `Order` takes, within 5,000 levels."""
    taken, refused = 1, 5000
    order = ORDER
    while refused - taken > 1:
        middle = (taken + refused) // 2
        value: list[JSON] = []
        for _ in range(middle):
            value = [value]
        try:
            order, taken = bide.Order("flux-1.1-pro", {"deep": value}), middle
        except InvalidOrder:
            refused = middle
    return order


def test_an_order_that_was_taken_can_be_sent_and_kept() -> None:
    job = bide.submit(deepest_order(), dialect=DIALECT, now=START)
    assert job.request.body
    assert bide.load(bide.dump(job), dialect=DIALECT) == job


def test_a_token_too_large_to_be_one_is_not_even_read() -> None:
    with pytest.raises(InvalidToken, match="is it the right file"):
        bide.load(b" " * (LARGEST + 1), dialect=DIALECT)


# Not a token at all


@pytest.mark.parametrize(
    "data",
    ["", "{", "not json", b"\xff\xfe", b"\x80\x04\x95", "[" * 100_000, '{"bide":' * 50_000, "9" * 5000, "\ud800"],
    ids=["empty", "cut", "words", "utf-16", "pickle", "deep", "deep objects", "long number", "surrogate"],
)
def test_what_is_no_json_is_refused(data: str | bytes) -> None:
    with pytest.raises(InvalidToken, match="not JSON"):
        bide.load(data, dialect=DIALECT)


@pytest.mark.parametrize("document", [None, 7, "bide", [], {}, {"job": {}}, ["bide"]])
def test_json_that_is_no_token_is_refused(document: object) -> None:
    with pytest.raises(InvalidToken, match="no token of bide"):
        load(document)


@pytest.mark.parametrize("version", [0, 2, -1, "1", None, [1], {"1": 1}, "x" * 500])
def test_another_version_is_refused(version: object) -> None:
    with pytest.raises(InvalidToken, match=r"this bide reads 1: use the bide that wrote it") as caught:
        load(opened(polling()) | {"bide": version})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "change",
    [
        {"dialect": "other"},
        {"dialect": None},
        {"origin": "https://api.elsewhere.example:443"},
        {"origin": "http://api.modelroute.ai:443"},
        {"origin": None},
        {"origin": ["https://api.modelroute.ai:443"]},
    ],
)
def test_another_dialect_or_origin_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidToken, match="belongs to"):
        load(opened(polling()) | change)


@pytest.mark.parametrize("member", ["dialect", "origin", "job"])
def test_a_token_without_its_head_or_its_job_is_refused(member: str) -> None:
    document = opened(polling())
    del document[member]
    with pytest.raises(InvalidToken):
        load(document)


@every_job
def test_a_token_cut_short_is_refused(job: bide.Job) -> None:
    token = bide.dump(job)
    for end in range(0, len(token), 37):
        with pytest.raises(InvalidToken):
            bide.load(token[:end], dialect=DIALECT)


# Damaged or forged: refused, or a job that is safe to drive

Path = tuple[str | int, ...]
HOSTILE: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    2**60,
    10**400,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "../up",
    "a\r\nHost: evil.example",
    "\ud800",
    "Polling",
    "DEADLINE",
    [],
    [[1]],
    {},
    {"is": "Polling"},
    {"is": 7},
)


def paths(value: object, here: Path = ()) -> Iterator[Path]:
    """The path to every value inside `value`, itself left out."""
    members: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).items()
    elif isinstance(value, list):
        members = enumerate(cast("list[object]", value))
    for name, member in members:
        yield (*here, name)
        yield from paths(member, (*here, name))


def changed(document: dict[str, Any], path: Path, change: Callable[[Any, Any], object]) -> dict[str, Any]:
    """A copy of `document` after `change(container, key)` at `path`."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    container: Any = copy
    for step in path[:-1]:
        container = container[step]
    change(container, path[-1])
    return copy


def setting(value: object) -> Callable[[Any, Any], object]:
    """A change that puts `value` in the place."""
    return lambda container, key: container.__setitem__(key, value)


def accepted(document: dict[str, Any]) -> bide.Job | None:
    """The job, or None when the token is refused as damaged."""
    try:
        return load(document)
    except InvalidToken as error:
        if "damaged" not in str(error):
            raise
        return None


def drive(job: bide.Job) -> None:
    """Whatever was loaded must be usable to the end: sent, answered, told, judged and saved again."""
    waiting = job.last if isinstance(job, bide.Lost | bide.Abandoned) else job
    if isinstance(waiting, bide.Waiting):
        request = waiting.request
        assert request.url.startswith("https://api.modelroute.ai/v1/executions")
        assert ".." not in request.url
        assert all(value.isprintable() and value.isascii() for _, value in request.headers)
        for reply in (TAKEN, RESULT, *WRONG):
            after = waiting.receive(reply, now=START + 9)
            assert not isinstance(after, bide.Waiting) or after.due >= START + 9
        with suppress(InvalidOrder):  # a submission that may have been received
            bide.resume(waiting, now=START + 9, patience=bide.Patience())
        bide.notice(waiting, bide.Notice("evt_1", HANDLE), now=START + 9)
        if isinstance(waiting, bide.Polling):
            bide.cancel(waiting, now=START + 9)
    if isinstance(job, bide.Finished):
        with suppress(JobError):
            bide.unwrap(job)
    assert bide.load(bide.dump(job), dialect=DIALECT) == job


TO_CHANGE = [name for name in JOBS if "," not in name] + ["Cancelling, refused", "Abandoned, at the deadline"]


@pytest.mark.parametrize("job", [JOBS[name] for name in TO_CHANGE], ids=TO_CHANGE)
def test_any_one_value_changed_is_refused_or_harmless(job: bide.Job) -> None:
    document = opened(job)
    for path, value in some(product(paths(document["job"], ("job",)), HOSTILE)):
        container: Any = document
        for step in path[:-1]:
            container = container[step]
        kept = container[path[-1]]
        container[path[-1]] = value
        loaded = accepted(document)
        if loaded is not None:
            drive(loaded)
        container[path[-1]] = kept


def records(document: object) -> list[Path]:
    """The path to the `is` of every record of a token."""
    return [path for path in paths(document) if path[-1] == "is" and "input" not in path]


@every_job
def test_a_member_that_nobody_knows_is_refused(job: bide.Job) -> None:
    document = opened(job)
    for path in records(document):
        with pytest.raises(
            InvalidToken, match=r"^a later bide wrote the token, or .* has 'ex\\x1btra', which this one"
        ):
            load(changed(document, (*path[:-1], "ex\x1btra"), setting(1)))


@every_job
def test_a_member_that_is_missing_has_its_default_or_is_refused(job: bide.Job) -> None:
    document = opened(job)
    defaults, refused = 0, 0
    homes = {record[:-1] for record in records(document)}
    for path in some((path for path in paths(document) if path[:-1] in homes), kind=lambda path: path[-1]):
        loaded = accepted(changed(document, path, lambda record, name: record.pop(name)))
        defaults, refused = defaults + (loaded is not None), refused + (loaded is None)
        if loaded is not None:
            drive(loaded)
    assert defaults
    assert refused


def test_counters_below_zero_do_not_break_the_machine() -> None:
    document = opened(polling())
    document["job"]["past"] |= {"failures": -9, "limited": -9, "missing": -9, "requests": -9, "polls": -9}
    loaded = accepted(document)
    if loaded is not None:
        drive(loaded)


def test_the_place_of_the_damage_is_named() -> None:
    document = opened(polling())
    document["job"]["past"]["trace"][0]["at"] = "noon"
    with pytest.raises(InvalidToken, match=r"damaged at job\.past\.trace\[0\]\.at"):
        load(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("job", "handle"), "../../keys"),
        (("job", "last", "handle"), "exec_1/cancel"),
        (("job", "terms", "patience", "failures"), 0),
        (("job", "terms", "patience", "deadline"), -5.0),
        (("job", "terms", "pace", "first"), 0.0),
    ],
)
def test_values_no_caller_may_give_are_refused_in_a_token_too(path: Path, value: object) -> None:
    with pytest.raises(InvalidToken, match="the token is damaged"):
        load(changed(opened(JOBS["Abandoned"]), path, setting(value)))


@pytest.mark.parametrize("value", [{"model": ""}, {"key": "a\nb"}, {"key": ""}, {"input": {"x": float("nan")}}])
def test_an_order_no_caller_may_give_is_refused_in_a_token_too(value: dict[str, object]) -> None:
    document = opened(submitting())
    document["job"]["order"] |= value
    with pytest.raises(InvalidToken, match="the token is damaged"):
        load(document)


def test_a_finished_state_cannot_stand_where_a_waiting_one_belongs() -> None:
    document = opened(JOBS["Abandoned"])
    document["job"]["last"] = opened(JOBS["Lost"])["job"]
    with pytest.raises(InvalidToken, match=r"damaged at job\.last"):
        load(document)


def test_storage_hosts_come_from_the_reader_never_from_the_token() -> None:
    wide = bide.ModelRoute(storage_hosts=("anywhere.example",))
    token = bide.dump(replace(polling(), terms=replace(polling().terms, dialect=wide)))
    assert "anywhere" not in token
    loaded = bide.load(token, dialect=DIALECT)
    assert loaded.terms.dialect == DIALECT
