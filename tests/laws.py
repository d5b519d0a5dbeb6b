"""Strategies for the laws: replies from a hostile world, and jobs in every state that such a world leads to."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

import bide
from bide.dialect import Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.declared import Declared
from bide.dialects.places import Sign
from bide.document import JSON
from bide.errors import InvalidOrder, NotOffered

START = 1_795_440_807.0  # 2026-11-23T13:33:27Z
DIALECT = bide.ModelRoute()
HANDLE = "exec_11111111-2222-4333-8444-555555555555"
KEY = "sk_" + "5ec2e7" * 10 + "5ec2_deadbeef"

BY_LINKS = Declared(
    Declaration(
        name="by-links",
        base_url="https://api.links.example/v1",
        submit=Call("POST", ("/jobs/{model}",), headers=(("idempotency-key", "{key}"),), body={"...": "{input}"}),
        poll=Call("GET", ("{status}", "/jobs/{id}")),
        fetch=Call("GET", ("{result}",)),
        cancel=Call("DELETE", ("{cancel}", "/jobs/{id}")),
        id=("id", "execution_id"),
        links={"status": ("@location", "urls.get"), "result": ("urls.result",), "cancel": ("urls.cancel",)},
        cookies=("affinity",),
        status=("status",),
        phases={
            "completed": Phase.SUCCEEDED,
            "failed": Phase.FAILED,
            "cancelled": Phase.CANCELLED,
            "expired": Phase.EXPIRED,
        },
        signs=(Sign(Phase.CANCELLED, http=("404",), asked=("confirm",)),),
        progress="progress",
        wait_ms=("@retry-after-ms",),
        output=("output", "result"),
        files=("output", "result"),
        code=("error.code",),
        message=("error.message",),
    )
)
BY_CODE = Declared(
    Declaration(
        name="by-code",
        base_url="https://api.code.example",
        submit=Call("PUT", ("/{model}",), body="{input}"),
        fetch=Call("GET", ("{resource}",)),
        cancel=Call("POST", ("{status}:cancel",)),
        links={"status": ("@location",), "resource": ("~",)},
        signs=(Sign(Phase.UNFINISHED, http=("202",)), Sign(Phase.SUCCEEDED, asked=("poll", "confirm"))),
    )
)
BY_LOG = Declared(replace(BY_LINKS.declaration, name="by-log", reason=Call("GET", ("/jobs/{id}/log",))))
#: Each dialect with a handle of its kind.
DIALECTS: list[tuple[bide.Dialect, str]] = [
    (DIALECT, HANDLE),
    (BY_LINKS, HANDLE),
    (BY_LOG, HANDLE),
    (BY_CODE, "https://api.code.example/operations/7?sig=5ec2e75ec2e75ec2"),
]
ADDRESSES = [
    "/v1/moved/1",
    "moved",
    "https://api.links.example/v1/jobs/2?sig=5ec2e75ec2e75ec2",
    "https://elsewhere.example/3",
    "http://elsewhere.example/4",
    "https://127.0.0.1/5",
    "ftp://x",
    "https://user:5ec2e7@api.links.example/",
    "//elsewhere.example/6",
    "https://[",
    " ",
    "https://api.links.example/\ud800",
    "/v1/\udfff",
    "/" * 9000,
]

STATUSES = [
    "PENDING",
    "processing",
    "AWAITING_WEBHOOK",
    "COMPLETED",
    "Failed",
    "CANCELLED",
    "EXPIRED",
    "QUEUED_ON_MARS",
]
ERROR_CODES = [
    "RATE_LIMITED",
    "INTERNAL_ERROR",
    "MODEL_OVERLOADED",
    "INPUT_VALIDATION_ERROR",
    "UNAUTHORIZED",
    "NEW_CODE",
]
HTTP = [
    200,
    200,
    200,
    201,
    202,
    204,
    100,
    206,
    302,
    307,
    308,
    400,
    401,
    402,
    403,
    404,
    404,
    408,
    409,
    410,
    422,
    429,
    429,
    500,
    503,
    599,
]

json_values: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
addresses = st.sampled_from(ADDRESSES)


def _json(value: str) -> JSON:
    return value


links: st.SearchStrategy[JSON] = st.fixed_dictionaries(
    {}, optional={name: addresses.map(_json) for name in ("get", "result", "cancel")}
)
times = st.sampled_from(
    ["2026-11-23T13:38:27Z", "2026-11-23T13:38:27.5+01:00", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon", ""]
)
outputs: st.SearchStrategy[dict[str, JSON]] = st.sampled_from(
    [
        {"output": {"images": [{"file_id": "file_a-1", "format": "png", "width": 4, "height": 3}]}},
        {"result": {"file_id": "file_b-2", "content_type": "image/png"}},
        {"output": {"text": "file_c but also ../../file_d"}},
        {},
        {"output": None, "result": []},
    ]
)


def _errors() -> st.SearchStrategy[dict[str, Any]]:
    rows: JSON = [{"field": "input.x", "code": "REQUIRED", "message": "missing"}, 7]
    words: dict[str, Any] = {
        "code": st.sampled_from(ERROR_CODES) | json_values,
        "message": st.text(max_size=20) | json_values,
        "retryable": st.booleans() | json_values,
        "request_id": st.just("req_5e6f7a8b"),
        "details": st.just(rows) | json_values,
    }
    return st.fixed_dictionaries({}, optional=words)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, JSON]:
    """An execution as some variant of the service describes it, right or wrong."""
    document: dict[str, JSON] = {"status": draw(st.sampled_from(STATUSES) | json_values)}
    document[draw(st.sampled_from(["id", "execution_id"]))] = draw(
        st.sampled_from([HANDLE, HANDLE, HANDLE.upper(), "exec_other", "../up", 7, "\ud800", "x" * 9000])
    )
    document.update(draw(outputs))
    if draw(st.booleans()):
        document["error"] = draw(_errors())
    extra: dict[str, st.SearchStrategy[JSON]] = {
        "urls": links,
        "expires_at": times,
        "cost": json_values,
        "latency_ms": json_values,
        "progress": json_values,
        "hold_amount": json_values,
    }
    return document | draw(st.fixed_dictionaries({}, optional=extra))


bodies = st.one_of(
    documents().map(lambda document: json.dumps(document).encode()),
    _errors().map(lambda error: json.dumps({"error": error}).encode()),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"",
            b"<html>502</html>",
            b"[" * 100_000,
            b'{"status": ' + b"9" * 5000 + b"}",
            b'\xef\xbb\xbf{"status": "PENDING", "id": "exec_1"}',
            b'{"status": "\\ud800", "id": "' + HANDLE.encode() + b'"}',
            b'{"status": NaN}',
            b'{"status": "PENDING", "status": "COMPLETED"}',
        ]
    ),
)
figures = st.sampled_from(
    [
        "0",
        "1",
        "2.5",
        "30",
        "120",
        "-1",
        "1e9",
        "nan",
        "",
        " 7 ",
        "1, 120",
        "３０",
        "9" * 40,
        "1795440840",
        "1795440840123",
    ]
)
dates = st.sampled_from(
    [
        "Mon, 23 Nov 2026 13:33:27 GMT",
        "Mon, 23 Nov 2026 13:34:00 GMT",
        "Monday, 23-Nov-26 13:33:27 GMT",
        "Mon Nov 23 13:33:27 2026",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Mon, 31 Feb 2026 13:33:27 GMT",
    ]
)
header_lines = st.one_of(
    st.tuples(st.just("Retry-After"), figures | dates),
    st.tuples(st.sampled_from(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]), figures),
    st.tuples(st.sampled_from(["RateLimit-Remaining", "RateLimit-Reset"]), figures),
    st.tuples(
        st.just("RateLimit"), st.sampled_from(['"default";r=0;t=30', "limit=60, remaining=0, reset=9", "r=;t=x", '""'])
    ),
    st.tuples(st.just("Date"), dates),
    st.tuples(st.just("Location"), addresses),
    st.tuples(st.just("Retry-After-Ms"), figures),
    st.tuples(st.just("Set-Cookie"), st.sampled_from(["affinity=a1; Path=/", "affinity=; x", "session=5ec2e7"])),
    st.tuples(st.text(max_size=8), st.text(max_size=12)),
)
responses = st.builds(
    bide.Response,
    st.sampled_from(HTTP) | st.integers(0, 999),
    st.lists(header_lines, max_size=6).map(bide.Headers.of),
    bodies,
)
heads = st.builds(bide.Response, responses.map(lambda reply: reply.status), responses.map(lambda reply: reply.headers))
silences = st.builds(bide.NoResponse, st.sampled_from(bide.Cause), st.booleans()) | heads.map(
    lambda head: bide.NoResponse(bide.Cause.RESET, sent=True, head=head)
)
replies: st.SearchStrategy[bide.Reply] = responses | silences
gaps = st.sampled_from([0.0, 0.001, 0.25, 3.0, 31.0, 400.0]) | st.integers(0, 5_000_000).map(lambda ms: ms / 1000)

paces: st.SearchStrategy[bide.Pace] = st.sampled_from(
    [bide.Every(2), bide.Every(4, jitter=1), bide.Growing(), bide.Growing(0.5, 2, 60), bide.Sparse(bide.Every(2))]
)
patiences = st.builds(
    bide.Patience,
    deadline=st.none() | st.sampled_from([0.05, 5.0, 300.0]),
    failures=st.sampled_from([1, 3, 20]),
    first_contact=st.sampled_from([1, 4]),
    stall=st.sampled_from([1.0, 86400.0]),
    missing=st.sampled_from([1, 5]),
    missing_for=st.sampled_from([0.05, 30.0]),
)


@dataclass(frozen=True)
class Step:
    """What comes next: time passes after `due`, then a reply, a cancellation or a notification."""

    gap: float
    happens: bide.Reply | str


steps = st.builds(Step, gaps, st.one_of(replies, replies, replies, st.sampled_from(["cancel", "notice", "resume"])))


def advance(job: bide.Job, step: Step) -> tuple[bide.Job, float]:
    """The job after one step, and the instant of it; a finished job stays as it is unless it is resumed."""
    due = job.due if isinstance(job, bide.Waiting) else START
    now = round((due + step.gap) * 1000) / 1000
    if step.happens == "notice":
        return bide.notice(job, bide.Notice("evt_1", HANDLE), now=max(START, due - step.gap)), now
    if step.happens == "cancel" and isinstance(job, bide.Polling):
        with suppress(NotOffered):  # a job of which only its address is known cannot always be cancelled
            return bide.cancel(job, now=now), now
    if step.happens == "resume" and isinstance(job, bide.Abandoned):
        with suppress(InvalidOrder):  # a submission that may have been received is not sent again
            return bide.resume(job, now=now), now
    if isinstance(job, bide.Waiting) and not isinstance(step.happens, str):
        return job.receive(step.happens, now=now), now
    return job, now


@st.composite
def jobs(draw: st.DrawFn) -> bide.Job:
    """A job in any state that can be reached, by whatever replies."""
    pace, patience = draw(paces), draw(patiences)
    dialect, handle = draw(st.sampled_from([DIALECTS[0], *DIALECTS]))
    job: bide.Job
    if draw(st.booleans()):
        order = bide.Order("flux-1.1-pro", {"prompt": "a fox"}, key=draw(st.sampled_from(["key-1", None])))
        job = bide.submit(order, dialect=dialect, now=START, pace=pace, patience=patience)
    else:
        job = bide.watch(handle, dialect=dialect, now=START, pace=pace, patience=patience)
    for step in draw(st.lists(steps, max_size=6)):
        job, _ = advance(job, step)
    return job


waiting_jobs = jobs().filter(lambda job: isinstance(job, bide.Waiting))
