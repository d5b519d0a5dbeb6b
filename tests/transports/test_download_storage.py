"""The emulator's storage: ranges as RFC 9110 has them, cuts after any byte, and an account of what went out."""

from __future__ import annotations

import pytest
import requests

from bide.messages import Headers, Response
from bide_transports.emulator import Drop, Fault, png, wire
from bide_transports.emulator.storage import file, picture
from tests.savers import content, done

BODY = bytes(range(100))
MODIFIED = 1_800_000_000.25
CHANGED = "Fri, 15 Jan 2027 08:00:00 GMT"


def served(**lines: str) -> Response:
    return file(BODY, Headers.of((name.replace("_", "-"), value) for name, value in lines.items()), MODIFIED)


TAG = served().headers.get("etag") or ""


def test_a_file_comes_whole_with_what_the_rest_may_be_asked_for_by() -> None:
    reply = served()
    assert (reply.status, reply.body) == (200, BODY)
    assert TAG.startswith('"')
    assert (reply.headers.get("last-modified"), reply.headers.get("accept-ranges")) == (CHANGED, "bytes")
    assert file(BODY + b"!", Headers(), MODIFIED).headers.get("etag") != TAG


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-", 0, 99), ("bytes=7-", 7, 99), ("bytes=7-9", 7, 9), ("bytes=99-200", 99, 99), ("bytes=-3", 97, 99)],
)
@pytest.mark.parametrize("condition", [None, TAG, CHANGED])
def test_a_range_comes_alone(asked: str, first: int, last: int, condition: str | None) -> None:
    reply = served(range=asked, **({"if_range": condition} if condition else {}))
    assert (reply.status, reply.body) == (206, BODY[first : last + 1])
    assert reply.headers.get("content-range") == f"bytes {first}-{last}/100"
    assert reply.headers.get("etag") == TAG


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=9-7", "bytes=-", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused_with_the_size(asked: str) -> None:
    reply = served(range=asked, if_range=TAG)
    assert (reply.status, reply.body, reply.headers.get("content-range")) == (416, b"", "bytes */100")


@pytest.mark.parametrize("asked", ["items=0-1", "bytes=0-1,5-6", "bytes", "bytes=a-b"])
def test_what_is_no_single_range_is_ignored(asked: str) -> None:
    assert served(range=asked) == served()


@pytest.mark.parametrize("condition", ['"other"', f"W/{TAG}", "Fri, 15 Jan 2027 08:00:01 GMT"])
def test_another_version_than_the_one_that_is_meant_comes_whole(condition: str) -> None:
    assert served(range="bytes=7-", if_range=condition) == served()


def test_a_large_picture_weighs_as_much_as_a_photograph() -> None:
    assert picture("file_a", 64, 48) == png("file_a", 64, 48)
    large = picture("file_a", 1000, 1000)
    assert large.startswith(png("file_a", 1000, 1000))
    assert len(large) == 3_000_000
    assert large != picture("file_b", 1000, 1000)
    assert len(set(large[-1000:])) > 200, "no byte of it looks like its neighbour"


@pytest.mark.parametrize(("after", "sent"), [(None, 50), (0, 0), (7, 7), (100, 100), (1000, 100)])
def test_a_reply_is_cut_after_any_byte_of_its_body(after: int | None, sent: int) -> None:
    reply = Response(200, Headers.of([("Content-Length", "100")]), BODY)
    out = wire.cut(reply, "GET", "body", after)
    assert out == wire.whole(reply, "GET")[: len(out)]
    assert wire.carried(out) == sent
    assert wire.carried(wire.cut(reply, "GET", "head")) == wire.carried(b"") == 0


def test_the_account_counts_the_bytes_that_went_out_by_origin() -> None:
    with done(Fault("storage", Drop("body", after=1_000_000))) as (emulator, _, result):
        api = emulator.account.sent["api"]
        assert api > 0
        (name,) = result.files
        key = {"Authorization": f"Bearer {emulator.key}"}
        located = requests.get(f"{emulator.base_url}/v1/files/{name}/download", headers=key, timeout=10)
        assert emulator.account.sent["api"] == api + len(located.content)
        with pytest.raises(requests.RequestException):
            requests.get(located.json()["url"], timeout=10)
        assert emulator.account.sent["storage"] == 1_000_000
        requests.get(located.json()["url"], headers={"Range": "bytes=1000000-"}, timeout=10)
        assert emulator.account.sent["storage"] == len(content(name))
        assert [seen.status for seen in emulator.account.seen[-2:]] == [None, 206]
