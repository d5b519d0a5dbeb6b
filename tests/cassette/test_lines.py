"""A cassette's lines: whatever happened is read back as it was, and what is no line of ours is refused by name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide import Cause, Headers, NoResponse, Request, Response
from bide.document import JSON
from bide_transports.cassette import bodies
from bide_transports.cassette.lines import FARTHEST, Misread, event_members, head_members, line, read_event, read_head
from bide_transports.cassette.tape import Done, Event, Head, Heard, Omitted, Open, Send, Told, Wait

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_BODY = st.one_of(
    st.binary(max_size=40),
    _JSON.map(lambda value: json.dumps(value).encode()),
    _JSON.map(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()),
    _JSON.map(lambda value: json.dumps(value, indent=2).encode()),
)
_HEADERS = st.lists(st.tuples(st.sampled_from(["date", "location", "retry-after"]), _TEXT), max_size=4)
_FIGURES = st.integers(-FARTHEST, FARTHEST)
_PLACE = {"lane": _TEXT, "t": _FIGURES}
_EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Open, **_PLACE, token=st.none() | st.dictionaries(_TEXT, _JSON, max_size=3)),
    st.builds(Wait, **_PLACE, state=_TEXT, ms=_FIGURES, floor=_FIGURES, why=_TEXT),
    st.builds(
        Send,
        **_PLACE,
        request=st.builds(
            Request,
            method=_TEXT,
            url=_TEXT,
            headers=_HEADERS.map(lambda pairs: tuple(Headers.of(pairs))),
            body=_BODY,
            credential=st.booleans(),
            repeatable=st.booleans(),
        ),
    ),
    st.builds(
        Heard,
        **_PLACE,
        reply=st.builds(Response, status=st.integers(100, 599), headers=_HEADERS.map(Headers.of), body=_BODY),
    ),
    st.builds(Heard, **_PLACE, reply=st.builds(NoResponse, cause=st.sampled_from(Cause), sent=st.booleans())),
    st.builds(Told, **_PLACE),
    st.builds(Done, **_PLACE, state=_TEXT, says=_TEXT, files=st.lists(_TEXT, max_size=2).map(tuple)),
)


@given(_EVENTS)
def test_an_event_is_read_back_from_its_line(event: Event) -> None:
    written = line(event_members(event))
    assert written.count(b"\n") == 1
    assert read_event(json.loads(written)) == event


def test_a_body_too_large_leaves_its_length_and_digest() -> None:
    event = Heard("a#1", 5, Response(200, body=b"x" * 100))
    read = read_event(json.loads(line(event_members(event, inline=99))))
    digest = "09ecb6ebc8bcefc733f6f2ec44f791abeed6a99edf0cc31519637898aebd52d8"
    assert read == Heard("a#1", 5, Response(200), Omitted(100, digest))
    assert read_event(json.loads(line(event_members(read)))) == read


@given(_BODY)
def test_a_body_keeps_its_very_bytes(body: bytes) -> None:
    assert bodies.read(json.loads(json.dumps(bodies.written(body)))) == body


@pytest.mark.parametrize(
    ("body", "members"),
    [
        (b"", {}),
        (b'{"a":1}', {"b": {"a": 1}}),
        (b'{"a": 1}', {"b": {"a": 1}, "raw": "d"}),
        ('{"ä":1}'.encode(), {"b": {"ä": 1}, "raw": "cu"}),
        (b'{"a":  1}', {"b": {"$text": '{"a":  1}'}}),
        (b'{"a":1,"a":2}', {"b": {"$text": '{"a":1,"a":2}'}}),
        (b'{"$text":"no note of ours"}', {"b": {"$text": '{"$text":"no note of ours"}'}}),
        (b"no json", {"b": {"$text": "no json"}}),
        (b'{"a":"\\uD800"}', {"b": {"$text": '{"a":"\\uD800"}'}}),
        (b'{"a":"\\ud800"}', {"b": {"a": "\ud800"}}),
        (b'{"a":NaN}', {"b": {"$text": '{"a":NaN}'}}),
        (b"\xff\x00", {"b": {"$b64": "/wA="}}),
    ],
)
def test_a_body_stands_as_json_where_that_loses_nothing(body: bytes, members: dict[str, JSON]) -> None:
    assert bodies.written(body) == members
    assert bodies.read(members) == body


def test_the_head_of_a_reply_that_was_cut_is_read_back() -> None:
    head = Response(202, Headers.of([("location", "/jobs/7"), ("link", "a"), ("link", "b")]))
    members = event_members(Heard("7", 1, NoResponse(Cause.RESET, sent=True, head=head)))
    assert members["head"] == {"s": 202, "h": {"location": "/jobs/7", "link": ["a", "b"]}}
    read = read_event(members)
    assert isinstance(read, Heard)
    assert isinstance(read.reply, NoResponse)
    assert (read.reply.head, read.begun) == (head, None)
    wrongs: list[JSON] = [[], "202", {}, {"s": 9}, {"s": 202, "h": [1]}]
    for wrong in wrongs:
        with pytest.raises(Misread):
            read_event(members | {"head": wrong})
    older = read_event({name: value for name, value in members.items() if name != "head"})
    assert isinstance(older, Heard)
    assert isinstance(older.reply, NoResponse)
    assert older.reply.head is None


def test_a_head_is_read_back() -> None:
    head = Head(1_893_830_400_123, "modelroute", "https://api.modelroute.ai", "scenario", "bide 9", ("insert(429)",))
    assert read_head(json.loads(line(head_members(head)))) == head
    assert head_members(head)["t0"] == "2030-01-05T08:00:00.123Z"
    assert head.t(head.now(17)) == 17


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"k":"dance","o":"a","t":0}', "no kind of line called 'dance'"),
        ('{"o":"a","t":0}', "no kind of line called None"),
        ('{"k":"told","t":0}', "o is None: a text is expected"),
        ('{"k":"told","o":"a","t":"0"}', "t is '0': a whole number is expected"),
        ('{"k":"told","o":"a","t":true}', "t is True: a whole number is expected"),
        ('{"k":"recv","o":"a","t":0,"s":200,"h":[]}', "h is no object"),
        ('{"k":"recv","o":"a","t":0,"s":200,"h":{"date":7}}', "the header field 'date' is no text"),
        ('{"k":"recv","o":"a","t":0,"s":200,"b":{},"raw":"x"}', "raw is 'x'"),
        ('{"k":"recv","o":"a","t":0,"s":200,"b":{"$b64":"#"}}', "base64"),
        ('{"k":"fail","o":"a","t":0,"cause":"boredom"}', "cause is 'boredom'"),
        ('{"k":"open","o":"a","t":0,"job":7}', "job is no token"),
        ('{"k":"done","o":"a","t":0,"state":"Lost","files":7}', "files is no list"),
    ],
)
def test_what_is_no_line_of_ours_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_event(json.loads(text))


@pytest.mark.parametrize(
    "head",
    [
        '{"cassette":2,"t0":"2030-01-05T08:00:00Z","dialect":"a","base":"b"}',
        '{"cassette":1,"t0":"soon","dialect":"a","base":"b"}',
        '{"cassette":1,"t0":"2030-01-05T08:00:00Z","base":"b"}',
        '{"cassette":1,"t0":"2030-01-05T08:00:00Z","dialect":"a","base":"b","edits":1}',
    ],
)
def test_a_head_that_is_none_is_refused(head: str) -> None:
    with pytest.raises(Misread):
        read_head(json.loads(head))


def test_unknown_names_are_left_alone() -> None:
    assert read_event({"k": "told", "o": "a", "t": 1, "mood": "fine"}) == Told("a", 1)
