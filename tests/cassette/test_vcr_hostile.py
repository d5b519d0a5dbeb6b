"""Files that claim to be of vcrpy and are broken, or meant to break the reader: refused with the place of the fault."""

from __future__ import annotations

from contextlib import suppress
from json import dumps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bide_transports.cassette import files
from bide_transports.cassette.foreign.vcr import read_vcr
from bide_transports.cassette.tape import InvalidCassette
from bide_transports.cassette.verify import verify
from tests.cassette.foreign_files import DIALECT, cassette_of, looked, request, response

_BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{name}'] * 10)}]\n" for name, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("interactions: [", r"no YAML at line \d"),
        ("interactions:\n- &a [*a]", "line 2 has an alias"),
        ("interactions: *nobody", "alias"),
        ("interactions:\n- !!python/object/apply:os.system ['true']", r"line 2 has the tag 'tag:yaml.org,2002:python"),
        ("interactions:\n- !!python/unicode 'a'", "only plain data"),
        ("interactions: !mine {}", "only plain data"),
        (_BOMB, "unfolds to too much"),
        ("interactions: !!int ''", "no YAML"),
        ("interactions: 2026-99-99", "no YAML"),
        ("interactions: !!binary 'a'", "no YAML"),
        ("interactions: !!bool perhaps", "no YAML"),
        ("interactions: \x07", "no YAML"),
        ("? [a]\n: b", "no YAML"),
        ("", "the document is missing: an object is expected"),
        ("- request: {}", r"vcr\.migration"),
        ("interactions: []\nversion: 2", "another version"),
        ("version: 1", "interactions is missing: a list is expected"),
    ],
)
def test_hostile_yaml_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(InvalidCassette, match=says):
        read_vcr(text.encode(), dialect=DIALECT)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
@pytest.mark.parametrize("depth", [101, 100_000])  # libyaml refuses some of the latter first, in words of its own
def test_deep_nesting_is_refused_with_its_place(opening: str, depth: int) -> None:
    with pytest.raises(InvalidCassette, match=r"^the recording\b.* line 1\b"):
        read_vcr((opening * depth).encode(), dialect=DIALECT)


def test_nesting_beyond_our_limit_is_told_as_such() -> None:
    with pytest.raises(InvalidCassette, match="nested too deeply"):
        read_vcr(b"interactions: " + b"[" * 100 + b"]" * 100, dialect=DIALECT)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b'{"a": 1', b"{" * 9, b'{"a": %s}' % (b"9" * 5000), b'{"a":' * 9999])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidCassette):
        read_vcr(data, dialect=DIALECT)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCassette, match=r"nothing\.yaml cannot be read"):
        read_vcr(tmp_path / "nothing.yaml", dialect=DIALECT)


def _changed(place: str, value: object) -> bytes:
    """A cassette with one look in it, and something else at one place."""
    asked, answered = looked("RUNNING")
    item: Any = {"request": asked, "response": answered}
    at, names = item, place.split(".")
    for name in names[:-1]:
        at = at[name]
    at[names[-1]] = value
    return dumps({"interactions": [item]}).encode()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("request", []),
        ("request.method", "GET /"),
        ("request.method", 4),
        ("request.uri", None),
        ("request.uri", "https://[::1"),
        ("request.uri", "http://"),
        ("request.uri", "https://secret.example/\r\nx: y"),
        ("request.headers", [1]),
        ("request.headers", {"a b": ["c"]}),
        ("request.headers", {"a": ["b\rc"]}),
        ("request.headers", {"a": [7]}),
        ("request.body", 7),
        ("response", None),
        ("response.status", {}),
        ("response.status.code", 10**400),
        ("response.status.code", 1.5),
        ("response.status.code", True),
        ("response.headers", "a: b"),
        ("response.body", {"base64_string": "é"}),
        ("response.body", {"string": []}),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place_and_not_shown(place: str, value: object) -> None:
    with pytest.raises(InvalidCassette, match=r"interactions\[0\]\." + place.split(".")[0]) as caught:
        read_vcr(_changed(place, value), dialect=DIALECT)
    assert "secret.example" not in str(caught.value)


def test_what_browsers_ask_themselves_is_left_out() -> None:
    extension = request("GET"), response({})
    extension[0]["uri"] = "chrome-extension://abc/page.html"
    assert read_vcr(cassette_of(extension), dialect=DIALECT).events == ()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["GET", DIALECT.base_url]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
_PLACES = st.sampled_from(
    [f"request{name}" for name in ("", ".method", ".uri", ".headers", ".headers.x", ".body")]
    + [f"response{name}" for name in ("", ".status", ".status.code", ".headers", ".body", ".body.string")]
)


@settings(deadline=None)
@given(_PLACES, _VALUES)
def test_any_value_at_any_place_is_read_or_refused(place: str, value: object) -> None:
    try:
        cassette = read_vcr(_changed(place, value), dialect=DIALECT)
    except InvalidCassette:
        return
    verify(files.loads(files.text_of(cassette)))


@settings(deadline=None)
@given(_VALUES)
def test_any_document_is_refused(value: object) -> None:
    with pytest.raises(InvalidCassette, match="the recording"):
        read_vcr(dumps({"interactions": value, "version": 2}).encode(), dialect=DIALECT)
    with suppress(InvalidCassette):
        assert read_vcr(dumps(value).encode(), dialect=DIALECT).events == ()
