"""Declarations to test with: one without fault, and any that can be thought of."""

from __future__ import annotations

from hypothesis import strategies as st

from bide.dialect import Asked, Phase
from bide.dialects.calls import Call
from bide.dialects.declaration import Declaration
from bide.dialects.places import Sign
from bide.document import JSON
from bide.webhook import Signature

#: Nothing can be said against this one.
SOUND = Declaration(
    name="acme",
    base_url="https://api.acme.example/v1",
    source="https://docs.acme.example/jobs",
    submit=Call("POST", ("/jobs",), (("idempotency-key", "{key}"),), body={"model": "{model}", "...": "{input}"}),
    poll=Call("GET", ("{status}", "/jobs/{id}")),
    fetch=Call("GET", ("/jobs/{id}/result",)),
    cancel=Call("DELETE", ("/jobs/{id}",)),
    id=("id",),
    links={"status": ("@location", "links.self")},
    status=("status",),
    phases={"done": Phase.SUCCEEDED, "error": Phase.FAILED, "stopped": Phase.CANCELLED},
    signs=(Sign(Phase.FAILED, {"error.code": ("*",)}), Sign(Phase.MISSING, {"#": ("204",)}, ("204",), ("poll",))),
    progress="progress",
    output=("output",),
    message=("error.message",),
    webhook=Signature("x-acme-signature", "x-acme-time"),
)

_ASKED: list[Asked] = ["submit", "poll", "fetch", "cancel", "confirm", "reason"]
_words = st.sampled_from(
    [
        "",
        "a",
        "a.b",
        "a..b",
        "status",
        "@location",
        "@",
        "#",
        "~",
        "*",
        "!",
        "{id}",
        "ä\n",
        "a.*|all",
        "a[b=c]",
        "|text",
    ]
)
_texts = _words | st.text(max_size=8)
_lists = st.lists(_texts, max_size=3).map(tuple)
_pairs = st.lists(st.tuples(_texts, _texts), max_size=2).map(tuple)
_urls = st.lists(
    st.sampled_from(["/jobs/{id}", "{status}", "{status}/x", "/x/{model}", "https://b.example/{id}", "{file}"]) | _texts
)
_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts
json_values: st.SearchStrategy[JSON] = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
calls = st.builds(
    Call,
    method=st.sampled_from(["GET", "PUT", "POST", "get"]),
    urls=_urls.map(tuple),
    headers=_pairs,
    query=_pairs,
    body=json_values,
    content_type=_texts,
)
signs = st.builds(
    Sign,
    st.sampled_from(Phase),
    st.dictionaries(_texts, _lists, max_size=2),
    st.lists(st.sampled_from(["2xx", "200", "202", "404", "4xx", "2XX"]), max_size=2).map(tuple),
    st.lists(st.sampled_from(_ASKED), max_size=3).map(tuple),
    st.lists(st.sampled_from(["status", "cancel"]), max_size=2).map(tuple),
    here=st.booleans(),
    after=_lists,
)
signatures = st.builds(
    Signature,
    _texts,
    _texts,
    id=_texts,
    signed=st.sampled_from(["{timestamp}.{body}", "{id}", "{x}"]),
    prefix=_texts,
    coding=st.sampled_from(["hex", "base64"]),
    key=st.sampled_from(["text", "whsec"]),
    tolerance=st.floats(0, 1e6),
    event=_lists,
    job=_lists,
    kind=_lists,
    time_prefix=_texts,
)
declarations = st.builds(
    Declaration,
    _texts,
    st.sampled_from(["https://api.acme.example/v1", "http://api.acme.example", "nonsense", ""]),
    source=_texts,
    submit=st.none() | calls,
    poll=calls,
    fetch=st.none() | calls,
    cancel=st.none() | calls,
    file=calls,
    headers=_pairs,
    authorization=st.none() | st.tuples(_texts, _texts),
    environment=_texts,
    id=_lists,
    links=st.dictionaries(_texts, _lists, max_size=2),
    cookies=_lists,
    status=_lists,
    phases=st.dictionaries(_texts, st.sampled_from(Phase), max_size=3),
    signs=st.lists(signs, max_size=3).map(tuple),
    progress=st.none() | _texts,
    full=st.sampled_from(["100", "1", "0", "-1", "", "total", "inf"]),
    cadence=st.booleans(),
    wait_ms=_lists,
    quota=st.none() | st.tuples(_texts, _texts, _texts),
    output=_lists,
    files=_lists,
    code=_lists,
    message=_lists,
    request_id=_lists,
    webhook=st.none() | signatures,
    next=_lists,
    accepted=_lists,
    reason=st.none() | calls,
)
