"""HTTP archives: read into cassettes with their times and failures, and written so that other tools open them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bide
from bide.document import moment
from bide.messages import Cause, Headers, NoResponse, Reply, Request, Response
from bide_transports.cassette import files
from bide_transports.cassette.foreign.har import read_har
from bide_transports.cassette.foreign.har_writing import write_har
from bide_transports.cassette.recorded import RecordedLane
from bide_transports.cassette.redacting import Cleaner
from bide_transports.cassette.tape import Cassette, Event, Heard, InvalidCassette, Omitted, Open, Send, Wait
from bide_transports.cassette.tokens import dialect_of, opened
from bide_transports.cassette.verify import verify
from tests.cassette.foreign_files import DIALECT, ID, ORDER, archive_of, end_of, entry, kinds

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))
LOOK = f"/v1/executions/{ID}"

#: HAR 1.2 as its authors describe it: members of each object with their types; those that may be missing have a "?".
_SCHEMA: dict[str, dict[str, Any]] = {
    "log": {"version": str, "creator": "creator", "browser?": "creator", "pages?": ["page"], "entries": ["entry"]},
    "creator": {"name": str, "version": str},
    "page": {"startedDateTime": "instant", "id": str, "title": str, "pageTimings": "pageTimings"},
    "pageTimings": {"onContentLoad?": int, "onLoad?": int},
    "entry": {
        "pageref?": str,
        "startedDateTime": "instant",
        "time": int,
        "request": "request",
        "response": "response",
        "cache": "cache",
        "timings": "timings",
        "serverIPAddress?": str,
        "connection?": str,
    },
    "request": {
        "method": str,
        "url": str,
        "httpVersion": str,
        "cookies": ["pair"],
        "headers": ["pair"],
        "queryString": ["pair"],
        "postData?": "postData",
        "headersSize": int,
        "bodySize": int,
    },
    "response": {
        "status": int,
        "statusText": str,
        "httpVersion": str,
        "cookies": ["pair"],
        "headers": ["pair"],
        "content": "content",
        "redirectURL": str,
        "headersSize": int,
        "bodySize": int,
    },
    "pair": {"name": str, "value": str},
    "postData": {"mimeType": str, "params?": ["pair"], "text?": str},
    "content": {"size": int, "compression?": int, "mimeType": str, "text?": str, "encoding?": str},
    "cache": {},
    "timings": {"blocked?": int, "dns?": int, "connect?": int, "send": int, "wait": int, "receive": int, "ssl?": int},
}


def _faults(value: Any, kind: Any, place: str) -> Iterator[str]:
    """Where a part of an archive is not as HAR 1.2 wants it; a name with an underscore is the tool's own."""
    if kind == "instant":
        kind, value = str, value if moment(value) else None
    if isinstance(kind, list):
        inner: Any = kind[0]  # pyright: ignore[reportUnknownVariableType]
        for number, item in enumerate(value):
            yield from _faults(item, inner, f"{place}[{number}]")
    elif isinstance(kind, str):
        wanted = _SCHEMA[kind]
        known = {name.rstrip("?") for name in wanted} | {"comment"}
        yield from (f"{place}.{name}" for name in value if name not in known and not name.startswith("_"))
        for name, inner in wanted.items():
            if name.rstrip("?") in value:
                yield from _faults(value[name.rstrip("?")], inner, f"{place}.{name}")
            elif not name.endswith("?"):
                yield f"{place}.{name} is missing"
    elif not isinstance(value, kind) or isinstance(value, bool):
        yield place


def _validated(text: str) -> Any:
    document = loads(text)
    assert list(document) == ["log"]
    log = document["log"]
    assert list(_faults(log, "log", "log")) == []
    assert {one["pageref"] for one in log["entries"]} <= {page["id"] for page in log["pages"]}
    for one in log["entries"]:
        assert one["time"] == sum(max(value, 0) for value in one["timings"].values())
    return log


def _read(*entries: dict[str, Any], **how: Any) -> Cassette:
    cassette = read_har(archive_of(*entries), dialect=DIALECT, **how)
    verify(files.loads(files.text_of(cassette)))
    return cassette


def _times(cassette: Cassette) -> list[tuple[int, int]]:
    sent = [event.t for event in cassette.events if isinstance(event, Send)]
    return list(zip(sent, [event.t for event in cassette.events if isinstance(event, Heard)], strict=True))


def _heard(cassette: Cassette) -> list[Reply]:
    return [event.reply for event in cassette.events if isinstance(event, Heard)]


def _job(*, last: str = "COMPLETED") -> list[dict[str, Any]]:
    posted = {"mimeType": "application/json", "text": dumps(ORDER)}
    first = entry("POST", "/v1/executions", "13:33:28.250", 41.6, 202, {"id": ID, "status": "PENDING"})
    first["request"]["postData"] = posted
    return [
        first,
        entry("GET", LOOK, "13:33:31.250", 20, 200, {"id": ID, "status": "RUNNING"}),
        entry("GET", LOOK, "13:33:33.001", 20, 200, {"id": ID, "status": last}),
    ]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.partition(".")[0])
def test_a_cassette_comes_back_from_an_archive_as_it_was(path: Path) -> None:
    cassette = files.load(path)
    dialect = dialect_of(cassette.head)
    text = write_har(cassette)
    log = _validated(text)
    assert [page["id"] for page in log["pages"]] == list(cassette.lanes)
    again = read_har(text.encode(), dialect=dialect)
    assert again.head == replace(cassette.head, by="har")
    for one, other in zip(again.events, cassette.events, strict=True):
        if isinstance(one, Open) and isinstance(other, Open) and one.token and other.token:
            assert opened(one.token, dialect) == opened(other.token, dialect)
        else:
            assert one == other


def test_times_of_a_browser_come_through_to_the_millisecond() -> None:
    cassette = _read(*_job())
    assert cassette.head.t0 == 1795440808250
    assert cassette.head.by == "har"
    assert _times(cassette) == [(0, 42), (3000, 3020), (4751, 4771)]
    waits = [event for event in cassette.events if isinstance(event, Wait)]
    assert [wait.state for wait in waits] == ["Submitting", "Polling", "Polling", "Fetching"]


def test_a_request_that_the_core_would_not_have_sent_yet_is_moved_to_when_it_would() -> None:
    busy = entry("GET", LOOK, "13:33:29.000", 10, 429, {})
    busy["response"]["headers"].append({"name": "Retry-After", "value": "20"})
    first, second, third = _job()
    times = _times(_read(first, busy, second, third))
    assert times[1] == (1773, 1783)  # no sooner than the shortest interval between two looks
    assert times[2] == (21783, 21803)
    assert times[3][0] > times[2][1]


def test_entries_in_any_order_are_sorted_by_their_times() -> None:
    assert _read(*reversed(_job())).events == _read(*_job()).events


def test_pace_and_patience_may_be_the_callers() -> None:
    cassette = _read(*_job(), pace=bide.Every(10), patience=bide.Patience(deadline=15))
    assert [sent for sent, _ in _times(cassette)] == [0, 10042, 15000]
    assert end_of(cassette) == "Fetching"


@pytest.mark.parametrize(
    ("word", "cause", "sent"),
    [
        ("net::ERR_NAME_NOT_RESOLVED", Cause.UNRESOLVED, False),
        ("net::ERR_CONNECTION_REFUSED", Cause.UNREACHABLE, False),
        ("net::ERR_CERT_AUTHORITY_INVALID", Cause.UNTRUSTED, False),
        ("net::ERR_TIMED_OUT", Cause.TIMEOUT, True),
        ("net::ERR_CONNECTION_RESET", Cause.RESET, True),
        ("net::ERR_INVALID_HTTP_RESPONSE", Cause.PROTOCOL, True),
        ("too_large", Cause.TOO_LARGE, True),
        (None, Cause.RESET, True),
        ("whatever", Cause.RESET, True),
    ],
)
def test_failures_are_what_browsers_call_them(word: str | None, cause: Cause, sent: bool) -> None:
    failed = entry("GET", LOOK, "13:33:29.000", 10, 0, {})
    failed["response"] |= {"content": {"size": 0, "mimeType": "x-unknown"}}
    failed["response"] |= {} if word is None else {"_error": word}
    first, *rest = _job()
    assert [reply for reply in _heard(_read(first, failed, *rest)) if isinstance(reply, NoResponse)] == [
        NoResponse(cause, sent)
    ]


def test_a_reply_without_its_content_decides_nothing() -> None:
    first, second, third = _job()
    del second["response"]["content"]["text"]
    with pytest.raises(InvalidCassette, match=r"log\.entries\[1\]: the body of the reply is not in the file: save it"):
        _read(first, second, third)
    elsewhere = entry("GET", "/logo", "13:33:40.000", 10, 200, {})
    elsewhere["response"]["content"] = {"size": 4096, "mimeType": "image/png"}
    assert _heard(_read(*_job(), elsewhere))[-1] == Response(200, Headers.of([("content-type", _JSON)]))


_JSON = "application/json"


def test_bodies_come_in_all_the_ways_of_archives() -> None:
    form, packed, text = (entry("POST", f"/{n}", f"13:33:2{n}.000", 1, 200, {}) for n in range(3))
    params = [{"name": "a", "value": "1 2"}, {"name": "b", "value": None}]
    form["request"]["postData"] = {"mimeType": "application/x-www-form-urlencoded", "params": params}
    packed["request"]["postData"] = {"mimeType": "x/y", "text": b64encode(b"\xff\x00").decode(), "_encoding": "base64"}
    packed["response"]["content"] = {"size": 2, "mimeType": "x/y", "text": b64encode(b"\xfe\x01").decode()}
    packed["response"]["content"]["encoding"] = "base64"
    text["response"]["content"] = {"size": 2, "mimeType": "text/plain", "text": "\ud800!"}
    cassette = _read(form, packed, text)
    assert [e.request.body for e in cassette.events if isinstance(e, Send)] == [b"a=1+2&b=", b"\xff\x00", b""]
    bodies = [reply.body for reply in _heard(cassette) if isinstance(reply, Response)]
    assert bodies[1:] == [b"\xfe\x01", "\ud800!".encode("utf-8", "surrogatepass")]
    again = read_har(write_har(cassette).encode(), dialect=DIALECT)
    assert again.events == cassette.events


def test_exchanges_that_overlap_stand_in_lanes_of_their_own() -> None:
    slow, quick = entry("GET", "/a", "13:33:20.000", 5000, 200, {}), entry("GET", "/b", "13:33:21.000", 5, 200, {})
    third = entry("GET", "/c", "13:33:22.000", 5, 200, {})
    cassette = _read(slow, quick, third)
    assert {lane: kinds(events) for lane, events in cassette.lanes.items()} == {"other#1": "OSH", "other#2": "OSHSH"}
    assert _validated(write_har(cassette))["pages"][1]["startedDateTime"] == "2026-11-23T13:33:21.000Z"


def test_no_credential_comes_through() -> None:
    key, session = "key-4711-of-somebody", "session-0815-of-somebody"
    looked = _job()[1]
    looked["request"]["headers"] += [{"name": "authorization", "value": f"Bearer {key}"}]
    looked["response"]["headers"] += [{"name": "set-cookie", "value": f"sid={session}; Path=/\nlang=en"}]
    account = entry("GET", f"/v1/account?q={key}", "13:33:40.000", 1, 200, {"hint": key, "more": [session]})
    cassette = _read(_job()[0], looked, account)
    text = files.text_of(cassette).decode() + write_har(cassette)
    assert key not in text
    assert session not in text


def test_notices_are_lost_and_what_they_hastened_comes_when_the_core_would_ask() -> None:
    head, events = _read(*_job()).head, list[Event]()

    def write(event: Event, *, durable: bool = False) -> None:  # noqa: ARG001
        events.append(event)

    lane = RecordedLane("job#1", head, DIALECT, Cleaner(), write)
    job = bide.watch(ID, dialect=DIALECT, now=head.now(0), pace=bide.Every(60))
    lane.open(job, head.now(0))
    for at, status in ((0, b"RUNNING"), (9000, b"COMPLETED")):
        lane.sends(job.request, head.now(at))
        lane.hears(Response(200, Headers(), b'{"id": "%s", "status": "%s"}' % (ID.encode(), status)), head.now(at))
        if at == 0:
            lane.is_told(head.now(9000))
    cassette = Cassette(head, tuple(events))
    verify(cassette)
    again = read_har(write_har(cassette).encode(), dialect=DIALECT)
    assert _times(cassette) == [(0, 0), (9000, 9000)]
    assert _times(again) == [(0, 0), (60000, 60000)]
    assert end_of(again, "job#1") == "Fetching"


def test_what_is_left_out_of_a_cassette_is_left_out_of_the_archive() -> None:
    lane, head = "other#1", _read(*_job()).head
    send = Send(lane, 0, Request("GET", DIALECT.base_url, repeatable=False))
    large = Heard(lane, 5, Response(599), Omitted(1 << 20, "ab" * 32))
    cut = Send(lane, 6, send.request)
    log = _validated(write_har(Cassette(head, (Open(lane, 0), send, large, cut))))
    assert [one["response"]["content"]["size"] for one in log["entries"]] == [1 << 20]
    assert "text" not in log["entries"][0]["response"]["content"]


def _changed(place: str, value: object) -> bytes:
    """An archive with one look in it, and something else at one place."""
    item: Any = _job()[1]
    at, names = item, place.split(".")
    for name in names[:-1]:
        at = at[name]
    at[names[-1]] = value
    return archive_of(item)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("startedDateTime", None),
        ("startedDateTime", "yesterday"),
        ("time", "long"),
        ("time", float("nan")),
        ("time", 10**400),
        ("time", 1e300),
        ("request", []),
        ("request.url", 7),
        ("request.url", "https://me@:x/"),
        ("request.headers", {}),
        ("request.headers", [{"name": "a\n", "value": "b"}]),
        ("request.headers", [{"name": "a", "value": "b\x00"}]),
        ("request.postData", []),
        ("request.postData", {"params": [{"name": 7}]}),
        ("response.status", "200"),
        ("response.status", -(10**30)),
        ("response.content", []),
        ("response.content", {"text": 7}),
        ("response.content", {"text": "é", "encoding": "base64"}),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(place: str, value: object) -> None:
    with pytest.raises(InvalidCassette, match=r"log\.entries\[0\]\." + place.partition(".")[0]):
        read_har(_changed(place, value), dialect=DIALECT)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"log": []}',
        b'{"log": {"version": "2.0", "entries": []}}',
        b'{"log": {"version": "1.2", "entries": {}}}',
        b'{"log": %s' % (b"[" * 100_000),
        archive_of(entry("GET", "/", "13:33:30.250", 1, 200, {}, startedDateTime="0001-01-01T00:00:00Z")),
        archive_of(entry("GET", "/", "13:33:30.250", 1, 200, {}, startedDateTime="9999-12-31T23:59:59-12:00")),
    ],
)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidCassette, match="the recording"):
        read_har(data, dialect=DIALECT)


@pytest.mark.parametrize(
    "opening",
    [
        7,
        {},
        {"startedDateTime": "2026-11-23T13:33:30Z", "job": []},
        {"startedDateTime": "2026-11-23T13:33:30Z", "job": {}},
    ],
)
def test_an_opening_that_is_none_is_refused(opening: object) -> None:
    item = _job()[1] | {"_lane": "a", "_opened": opening}
    with pytest.raises(InvalidCassette, match=r"log\.entries\[0\]"):
        read_har(archive_of(item, creator="bide"), dialect=DIALECT)
    with suppress(InvalidCassette):
        assert list(read_har(archive_of(item), dialect=DIALECT).lanes) == [f"{ID}#1"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["GET", DIALECT.base_url]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
_PLACES = st.sampled_from(
    ["startedDateTime", "time", "_error", "_lane", "_opened", "request", "response"]
    + [f"request.{name}" for name in ("method", "url", "headers", "postData")]
    + [f"response.{name}" for name in ("status", "headers", "content", "content.text", "content.encoding", "_error")]
)


@settings(deadline=None)
@given(_PLACES, _VALUES)
def test_any_value_at_any_place_is_read_or_refused(place: str, value: object) -> None:
    for creator in (b"bide", b"WebInspector"):
        try:
            cassette = read_har(_changed(place, value).replace(b"WebInspector", creator), dialect=DIALECT)
        except InvalidCassette:
            continue
        verify(files.loads(files.text_of(cassette)))
