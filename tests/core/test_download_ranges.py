"""The rest of a file: when it may be asked for, and when what comes is it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from hashlib import md5, sha1, sha256, sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.byte_ranges import Partial, announced, begun, is_validator
from bide.digests import Digest, digest_of
from bide.messages import Headers, Response

TAG = '"abc-1"'
NOON = "Mon, 23 Nov 2026 12:00:00 GMT"
LATER = "Mon, 23 Nov 2026 12:01:00 GMT"
TEXT = b"the whole file"
SHA256 = Digest("sha256", sha256(TEXT).hexdigest())
SHA512 = Digest("sha512", sha512(TEXT).hexdigest())
MD5 = Digest("md5", md5(TEXT, usedforsecurity=False).hexdigest())
SHA1 = Digest("sha1", sha1(TEXT, usedforsecurity=False).hexdigest())


def fields(**lines: str) -> Headers:
    return Headers.of((name.replace("_", "-"), value) for name, value in lines.items())


def base64(digest: Digest) -> str:
    return b64encode(bytes.fromhex(digest.value)).decode()


# What a 200 tells


def test_a_200_tells_the_size_and_what_the_rest_may_be_asked_for_by() -> None:
    partial = begun(fields(content_length="5000", etag=TAG, last_modified=NOON), linked=True)
    assert partial == Partial(0, 5000, TAG, None, linked=True)
    assert partial.lines == (), "nothing is here yet"
    assert replace(partial, received=7).lines == (("range", "bytes=7-"), ("if-range", TAG))


def test_a_200_may_tell_the_digest_in_any_of_the_fields() -> None:
    for name in ("repr_digest", "content_digest"):
        assert begun(fields(**{name: f"sha-256=:{base64(SHA256)}:"}), linked=False).digest == SHA256


@pytest.mark.parametrize("tag", ['W/"abc"', "abc", '"', '"a"b"', '"a b"', '"é"', '"' + "x" * 501 + '"'])
def test_a_tag_that_is_weak_or_none_is_no_validator_and_bars_the_date(tag: str) -> None:
    partial = begun(fields(etag=tag, last_modified=NOON, date=LATER), linked=False)
    assert partial.validator is None
    assert not replace(partial, received=7).can_go_on
    assert replace(partial, received=7).lines == ()


def test_two_tags_are_none() -> None:
    assert begun(Headers.of([("etag", TAG), ("etag", '"other"')]), linked=False).validator is None


@pytest.mark.parametrize(
    ("lines", "validator"),
    [
        ({"last_modified": NOON, "date": LATER}, NOON),
        ({"last_modified": NOON, "date": "Mon, 23 Nov 2026 12:00:59 GMT"}, None),
        ({"last_modified": LATER, "date": NOON}, None),
        ({"last_modified": NOON}, None),
        ({"last_modified": "yesterday", "date": LATER}, None),
        ({"date": LATER}, None),
    ],
)
def test_a_date_counts_when_it_is_older_than_clocks_are_wrong(lines: dict[str, str], validator: str | None) -> None:
    assert begun(fields(**lines), linked=False).validator == validator


def test_a_server_that_knows_no_ranges_is_not_asked_for_them() -> None:
    assert begun(fields(etag=TAG, accept_ranges="none"), linked=False).validator is None
    assert begun(fields(etag=TAG, accept_ranges="bytes"), linked=False).validator == TAG


@pytest.mark.parametrize("length", ["", "-1", "+5", "5, 5", "9" * 16, "５"])
def test_a_length_that_is_none_tells_no_size(length: str) -> None:
    assert begun(fields(content_length=length), linked=False).size is None


def test_a_length_beside_chunks_tells_no_size() -> None:
    assert begun(fields(content_length="5", transfer_encoding="chunked"), linked=False).size is None


def test_a_compressed_body_tells_nothing_of_the_file() -> None:
    head = fields(content_encoding="gzip", content_length="50", etag=TAG, repr_digest=f"sha-256=:{base64(SHA256)}:")
    assert begun(head, linked=True) == Partial(linked=True)
    assert begun(fields(content_encoding="identity", etag=TAG), linked=False).validator == TAG


# What a 206 holds

HERE = Partial(100, 1000, TAG, SHA256)


def rest(place: str = "bytes 100-999/1000", **lines: str) -> Headers:
    return fields(**({"content_range": place, "etag": TAG} | lines))


@pytest.mark.parametrize("place", ["bytes 100-999/1000", "bytes 100-999/*", "bytes 100-100/1000", "BYTES 100-500/1000"])
def test_the_rest_or_the_beginning_of_it_continues_the_part(place: str) -> None:
    assert HERE.continued(rest(place)) == HERE


@pytest.mark.parametrize(
    "place",
    [
        "",
        "bytes",
        "bytes 99-999/1000",
        "bytes 101-999/1000",
        "bytes 0-899/1000",
        "bytes 100-99/1000",
        "bytes 100-1000/1000",
        "bytes 100-1000/*",
        "bytes 100-999/1001",
        "bytes */1000",
        "bytes 100-999",
        "bytes 100 - 999/1000",
        "items 100-999/1000",
        "bytes １00-999/1000",
    ],
)
def test_another_range_is_not_the_rest(place: str) -> None:
    assert HERE.continued(rest(place)) is None


@pytest.mark.parametrize("tag", ['"abc-2"', f"W/{TAG}", ""])
def test_the_rest_of_another_version_is_not_the_rest(tag: str) -> None:
    assert HERE.continued(rest(etag=tag)) is None


def test_a_version_that_is_not_named_any_more_may_be_another() -> None:
    assert HERE.continued(fields(content_range="bytes 100-999/1000")) is None
    assert HERE.continued(Headers.of([*rest(), ("etag", '"abc-2"')])) is None


def test_a_date_need_not_be_named_again_but_must_not_change() -> None:
    dated = replace(HERE, validator=NOON)
    for lines in ({}, {"last_modified": NOON}, {"last_modified": NOON, "etag": TAG}):
        assert dated.continued(fields(content_range="bytes 100-999/1000", **lines)) == dated
    assert dated.continued(fields(content_range="bytes 100-999/1000", last_modified=LATER)) is None


def test_the_rest_may_tell_what_was_not_known() -> None:
    unsized = replace(HERE, size=None, digest=None)
    told = unsized.continued(rest(repr_digest=f"sha-256=:{base64(SHA256)}:"))
    assert told == HERE
    assert unsized.continued(rest("bytes 100-999/*")) == unsized


def test_another_digest_means_another_file() -> None:
    assert HERE.continued(rest(digest=f"SHA-256={base64(SHA256)}")) == HERE
    other = Digest("sha256", "00" * 32)
    assert HERE.continued(rest(repr_digest=f"sha-256=:{base64(other)}:")) is None
    assert HERE.continued(rest(content_digest=f"sha-256=:{base64(other)}:")) == HERE, "that of the range alone"


def test_nothing_continues_where_nothing_was_asked_for() -> None:
    assert replace(HERE, received=0).continued(rest("bytes 0-999/1000")) is None
    assert replace(HERE, validator=None).continued(rest()) is None
    assert HERE.continued(rest(content_encoding="gzip")) is None


# What a 416 means


@pytest.mark.parametrize(
    ("partial", "lines", "whole"),
    [
        (replace(HERE, received=1000), {"content_range": "bytes */1000"}, True),
        (replace(HERE, received=1000), {"content_range": "bytes */1000", "etag": TAG}, True),
        (replace(HERE, received=1000), {"content_range": "bytes */1000", "etag": '"abc-2"'}, False),
        (replace(HERE, received=1000), {}, True),
        (replace(HERE, received=1000), {"content_range": "bytes */999"}, False),
        (replace(HERE, received=1000, size=None), {"content_range": "bytes */1000"}, True),
        (replace(HERE, received=1000, size=None), {}, False),
        (replace(HERE, received=1000, validator=None), {"content_range": "bytes */1000"}, False),
        (HERE, {"content_range": "bytes */100"}, True),
        (HERE, {}, False),
        (Partial(), {"content_range": "bytes */0"}, False),
    ],
)
def test_nothing_is_missing_when_all_that_there_is_is_here(
    partial: Partial, lines: dict[str, str], whole: bool
) -> None:
    assert partial.is_whole(fields(**lines)) == whole


@given(st.builds(Partial, st.integers(0, 9), st.none() | st.integers(0, 9), st.sampled_from([None, TAG, NOON])))
def test_what_is_continued_is_never_moved(partial: Partial) -> None:
    for first in range(10):
        for size in range(10):
            went_on = partial.continued(rest(f"bytes {first}-{size}/{size + 1}", last_modified=NOON))
            if went_on is not None:
                assert first == partial.received == went_on.received
                assert went_on.size == size + 1
                assert partial.size in (None, size + 1)


def test_what_can_stand_in_a_condition() -> None:
    assert is_validator(TAG)
    assert is_validator(NOON)
    assert not is_validator(f"{TAG}\r\nauthorization: x")
    assert not is_validator("")


# Digests


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ({"repr_digest": f"sha-256=:{base64(SHA256)}:"}, SHA256),
        ({"repr_digest": f"sha-256=:{base64(SHA256)}:, sha-512=:{base64(SHA512)}:"}, SHA512),
        ({"repr_digest": f"unixsum=:AAA=:, sha-256=:{base64(SHA256)}:;x=1"}, SHA256),
        ({"content_digest": f"sha-512=:{base64(SHA512)}:"}, SHA512),
        ({"digest": f"SHA-256={base64(SHA256)},md5={base64(MD5)}"}, SHA256),
        ({"digest": f"md5={base64(MD5)}"}, MD5),
        ({"x_amz_checksum_sha256": base64(SHA256)}, SHA256),
        ({"content_md5": base64(MD5)}, MD5),
        ({"content_md5": base64(MD5), "x_amz_checksum_sha256": base64(SHA256)}, SHA256),
        ({"x_amz_checksum_sha256": f"{base64(SHA256)}-3"}, None),
        ({"repr_digest": "sha-256=:AAAA:"}, None),
        ({"repr_digest": f"sha-1=:{base64(SHA256)}:"}, None),
        ({"repr_digest": "sha-256=:é:, ,=,sha-256"}, None),
        ({"content_md5": "x"}, None),
        ({"x_amz_checksum_sha1": base64(SHA1)}, SHA1),
        ({"x_amz_checksum_sha1": base64(SHA1), "content_md5": base64(MD5)}, SHA1),
        ({"x_amz_checksum_sha1": f"{base64(SHA1)}-3"}, None),
        ({"digest": f"SHA={base64(SHA1)}"}, SHA1),
        ({"x_goog_hash": f"crc32c=n03x6A==,md5={base64(MD5)}"}, MD5),
        ({"x_goog_hash": f"md5={base64(MD5)}", "x_goog_stored_content_encoding": "identity"}, MD5),
        ({"x_goog_hash": f"md5={base64(MD5)}", "x_goog_stored_content_encoding": "gzip"}, None),
        ({"x_goog_hash": "crc32c=n03x6A=="}, None),
        ({}, None),
    ],
)
def test_the_best_digest_that_can_be_read_is_taken(lines: dict[str, str], told: Digest | None) -> None:
    assert digest_of(fields(**lines), whole=True) == told


def test_of_a_part_only_the_digests_of_the_whole_count() -> None:
    whole, part = fields(digest=f"sha-256={base64(SHA256)}"), fields(content_digest=f"sha-256=:{base64(SHA256)}:")
    assert digest_of(whole, whole=False) == SHA256
    assert digest_of(part, whole=False) is None
    assert digest_of(fields(content_md5=base64(MD5), x_amz_checksum_sha256=base64(SHA256)), whole=False) is None
    assert digest_of(fields(x_amz_checksum_sha1=base64(SHA1), x_goog_hash=f"md5={base64(MD5)}"), whole=False) is None


@pytest.mark.parametrize(
    ("algorithm", "value", "sound"),
    [
        ("sha256", SHA256.value, True),
        ("sha512", SHA512.value, True),
        ("md5", MD5.value, True),
        ("sha256", MD5.value, False),
        ("sha256", SHA256.value.upper(), False),
        ("sha1", SHA1.value, True),
        ("sha1", "0" * 39, False),
        ("sha224", "0" * 56, False),
        ("", "", False),
    ],
)
def test_what_can_be_a_digest(algorithm: str, value: str, sound: bool) -> None:
    assert Digest(algorithm, value).is_sound == sound


def test_what_a_head_announces_counts_the_bytes_before() -> None:
    def of(status: int, **lines: str) -> tuple[int, int | None]:
        return announced(Response(status, fields(**lines)))

    assert of(200, content_length="9") == (0, 9)
    assert of(200, content_range="bytes 4-8/20") == (0, None)
    assert of(206, content_length="5", content_range="bytes 4-8/20") == (4, 20)
    assert of(206, content_length="5", content_range="bytes 4-8/*") == (4, 9)
    assert of(206, content_range="bytes 4-8/*") == (4, None)
    assert of(206, content_length="5", content_range="lines 4-8/20") == (0, 5)
