"""The laws of a download over generated courses of events, and the token that lies beside a part of a file."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bide
from bide.document import JSON
from bide.download import Download, Downloaded, Downloading, Undelivered, download
from bide.download_token import dump_download, load_download
from bide.errors import InvalidToken
from bide.pace import floor_ms
from tests.core.download_scene import (
    ADDRESS,
    CUT,
    FILE,
    LATER,
    NOON,
    TAG,
    UNSIZED,
    WHOLE,
    TwoWays,
    answer,
    cut_at,
    expect,
    locating,
    unsized,
)
from tests.laws import BY_LINKS, DIALECT, START, gaps, patiences, replies

SHA = sha256(b"the file").hexdigest()
TOLD = answer(200, etag=TAG, repr_digest=f"sha-256=:{b64encode(bytes.fromhex(SHA)).decode()}:")


# What lies beside the part


@pytest.mark.parametrize(
    "head", [WHOLE, TOLD, answer(200, last_modified=NOON, date=LATER)], ids=["tag", "digest", "date"]
)
def test_a_download_goes_on_in_another_process(head: bide.Response) -> None:
    for start in (unsized(), locating()):
        file = cut_at(200_000, start, head)
        fresh = locating()
        resumed = load_download(dump_download(file), start=fresh, received=200_000)
        assert resumed.partial == file.partial
        assert (resumed.due, resumed.past, resumed.furthest) == (fresh.due, fresh.past, 200_000)
        linked = resumed
        if file.link:
            linked = expect(Downloading, resumed.receive(UNSIZED, received=200_000, now=START))
        assert linked.request == file.request


def test_a_token_of_a_download_holds_nothing_secret() -> None:
    picture = "https://cdn.example/out-0.png?sig=5ec2e7"
    token = dump_download(cut_at(9, download(picture, dialect=BY_LINKS, now=START)))
    assert "5ec2e7" not in token
    again = download("https://cdn.example/out-0.png?sig=fresh", dialect=BY_LINKS, now=START)
    assert load_download(token.encode(), start=again, received=9).request.headers[-1] == ("if-range", TAG)
    assert "xyz" not in dump_download(cut_at(9))


def test_what_cannot_be_gone_on_with_is_not() -> None:
    token = dump_download(unsized())
    assert not load_download(token, start=locating(), received=9).partial.can_go_on
    assert not load_download(dump_download(cut_at(9)), start=locating(), received=0).partial.can_go_on


def _without(name: str, value: JSON = None) -> str:
    return json.dumps(json.loads(dump_download(cut_at(9, head=TOLD))) | {name: value})


@pytest.mark.parametrize(
    "token",
    [
        "",
        "[]",
        "null",
        dump_download(cut_at(9))[:-9],
        dump_download(cut_at(9)) * 2,
        "\ud800",
        _without("bide"),
        _without("bide", value=True),
        _without("bide", 2),
        _without("dialect", "other"),
        _without("origin", "https://api.elsewhere.example:443"),
        _without("file", "file_other"),
        _without("size", 8),
        _without("size", "9"),
        _without("size", 10**15),
        _without("validator", "abc"),
        _without("validator", TAG + "\r\nx: y"),
        _without("validator", 7),
        _without("linked", 1),
        _without("digest", "sha256:00"),
        _without("digest", "sha256"),
        _without("digest", 7),
        " " * 65536 + "{}",
    ],
)
def test_a_token_that_does_not_fit_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        load_download(token, start=locating(), received=9)
    assert load_download(_without("digest"), start=locating(), received=9).partial.digest is None


# Laws


def _spread(length: int) -> int:
    return length * 40_000


def _place(first: int, size: int) -> str:
    return f"bytes {first}-{size - 1}/{size}"


def _head(status: int, lines: dict[str, str]) -> bide.Reply:
    return answer(status, b"", **{name: value for name, value in lines.items() if value})


lengths = st.integers(0, 9).map(_spread)
optional: dict[str, st.SearchStrategy[str]] = {
    "etag": st.sampled_from([TAG, '"abc-2"', f"W/{TAG}", ""]),
    "last_modified": st.just(NOON),
    "date": st.just(LATER),
    "content_range": st.builds(_place, lengths, lengths) | st.sampled_from(["bytes */80000", "bytes 0-1/*", "bytes"]),
    "content_length": lengths.map(str),
    "content_encoding": st.just("gzip"),
    "repr_digest": st.just(dict(TOLD.headers)["repr-digest"]),
    "location": st.sampled_from(["/f/other", "https://evil.example/", "http://["]),
}
statuses = st.sampled_from([200, 206, 206, 416, 302, 403, 429])
heads: st.SearchStrategy[bide.Reply] = st.builds(_head, statuses, st.fixed_dictionaries({}, optional=optional))
DIALECTS: list[tuple[bide.Dialect, str]] = [
    (DIALECT, FILE),
    (TwoWays(), FILE),
    (BY_LINKS, "https://cdn.example/out-0.png?sig=5ec2e75ec2e75ec2"),
]


@st.composite
def courses(draw: st.DrawFn) -> list[tuple[Downloading, bide.Reply, float, int]]:
    """A download on its way: each state, the reply to it, when that came, and what is on disk then."""
    dialect, name = draw(st.sampled_from(DIALECTS))
    state: Download = download(name, dialect=dialect, now=START, patience=draw(patiences))
    course: list[tuple[Downloading, bide.Reply, float, int]] = []
    for _ in range(draw(st.integers(1, 7))):
        if not isinstance(state, Downloading):
            break
        reply = draw(st.one_of(heads, heads, st.just(ADDRESS), replies))
        heard = state.heard(reply) if isinstance(reply, bide.Response) else None
        on_disk = (state.received if heard is None else heard.received) + (draw(lengths) if heard else 0)
        cut = heard is not None and draw(st.booleans())
        now = floor_ms(state.due + draw(gaps))
        course.append((heard or state, CUT if cut else reply, now, on_disk))
        digest = draw(st.sampled_from([None, SHA, "0" * 64]))
        state = (heard or state).receive(course[-1][1], received=on_disk, digest=digest, now=now)
    return course


@given(courses())
def test_receive_is_total_and_due_never_lies_before_now(
    course: list[tuple[Downloading, bide.Reply, float, int]],
) -> None:
    for file, reply, now, on_disk in course:
        after = file.receive(reply, received=on_disk, now=now)
        assert after.received in (0, on_disk) or isinstance(after, Downloaded), "the disk has what the state says"
        if isinstance(after, Downloading):
            assert math.isfinite(after.due)
            assert now <= after.not_before <= after.due
            assert after.request.credential == after.is_at_home
            assert after.size is None or after.received <= after.size
        assert isinstance(after, Downloading | Downloaded | Undelivered)


@given(courses())
def test_the_deadline_is_exact(course: list[tuple[Downloading, bide.Reply, float, int]]) -> None:
    for file, reply, now, on_disk in course:
        after = file.receive(reply, received=on_disk, now=now)
        if isinstance(after, Downloading):
            assert after.past.deadline == file.past.deadline
            led_on = after.link is not None and after.link != file.link
            assert after.due <= max(after.past.deadline, now)
            assert now < after.past.deadline or led_on, "only an address that was just given is asked after the end"


@given(courses())
def test_a_token_brings_back_what_the_disk_cannot_tell(
    course: list[tuple[Downloading, bide.Reply, float, int]],
) -> None:
    for file, reply, now, on_disk in course:
        after = file.receive(reply, received=on_disk, now=now)
        if isinstance(after, Downloading):
            fresh = download(after.file, dialect=after.terms.dialect, now=now)
            resumed = load_download(dump_download(after), start=fresh, received=after.received)
            assert resumed.partial == after.partial
            assert replace(resumed, link=after.link, elsewhere=after.elsewhere).request.headers == after.request.headers


@given(courses())
def test_no_byte_of_one_version_is_gone_on_with_as_another(
    course: list[tuple[Downloading, bide.Reply, float, int]],
) -> None:
    for file, reply, _, _ in course:
        if isinstance(reply, bide.Response) and reply.status == 206 and file.heard(reply) is not None:
            assert reply.headers.get("etag") == file.partial.validator or file.partial.validator == NOON
            assert (reply.headers.get("content-range") or "").startswith(f"bytes {file.received}-")
