"""Bodies that are packed, that only claim to be, and that hide more than anybody wants."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bide_transports.cassette.foreign.unpacking import LARGEST, unpacked

_PLAIN = b'{"status": "RUNNING"}'


@pytest.mark.parametrize(
    ("body", "codings"),
    [
        (_PLAIN, ()),
        (_PLAIN, ("", "identity")),
        (_PLAIN, ("gzip", "deflate")),
        (gzip.compress(_PLAIN), ("GZIP",)),
        (gzip.compress(_PLAIN) + b"\0\0\0", ("gzip",)),
        (gzip.compress(_PLAIN) + gzip.compress(b""), ("gzip",)),
        (zlib.compress(_PLAIN), ("deflate",)),
        (gzip.compress(zlib.compress(_PLAIN)), ("deflate", "gzip")),
        (_PLAIN, ("br",)),
    ],
    ids=range(9),  # the bytes of gzip hold the time
)
def test_the_bytes_tell_whether_they_are_packed(body: bytes, codings: tuple[str, ...]) -> None:
    assert unpacked(body, codings) == (_PLAIN, "")


def test_what_only_looks_packed_is_left_as_it_is() -> None:
    for body in (b"\x1f\x8b is no gzip", b"x\x9c is no zlib"):
        assert unpacked(body, ("gzip, deflate",)) == (body, "")


def test_what_is_cut_short_is_read_as_far_as_it_goes() -> None:
    body = gzip.compress(b"".join(b"%d," % number for number in range(5000)))
    plain, lacks = unpacked(body[: len(body) // 2], ("gzip",))
    assert plain.startswith(b"0,1,2,3,")
    assert lacks == ""
    assert unpacked(gzip.compress(_PLAIN) + b"\x1f\x8bbroken", ("gzip",)) == (_PLAIN, "")


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(LARGEST // 2 + 1))
    assert unpacked(bomb * 2, ("gzip",)) == (b"", f"unpacks to more than {LARGEST} bytes")


def test_codings_that_nobody_knows_here_are_named() -> None:
    plain, lacks = unpacked(b"\xff", ("zstd",))
    assert plain == b""
    assert lacks == "is packed as 'zstd', which cannot be unpacked: record it with Accept-Encoding: identity"


@settings(deadline=None)
@given(st.binary(), st.lists(st.sampled_from(["gzip", "deflate", "br", "x-gzip", "identity", "odd"])))
def test_any_bytes_are_read(body: bytes, codings: list[str]) -> None:
    plain, lacks = unpacked(body, tuple(codings))
    assert plain == b"" or not lacks
