"""Reading JSON from strangers: whatever they send, a value or a refusal, never another exception."""

from __future__ import annotations

import json
import re
from collections import UserDict, UserList
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bide import Result
from bide.document import JSON, JSONInput, moment, money, number, parse, parse_object, snapshot, strings, text
from bide.errors import InvalidOrder
from tests.laws import json_values

DEEP = b"[" * 100_000
UTC = timezone.utc


@pytest.mark.parametrize(
    ("body", "value"),
    [(b'{"a": 1}', {"a": 1}), (b"\xef\xbb\xbf[1]", [1]), (b" null ", None), (b'"\\u00e9"', "é"), (b"1", 1)],
    ids=["object", "byte order mark", "null", "escape", "number"],
)
def test_json_is_parsed_with_or_without_a_byte_order_mark(body: bytes, value: JSON) -> None:
    assert parse(body) == value


def test_what_other_readers_take_spoils_no_document() -> None:
    long = b"7" * 5000
    document = b'{"cost":NaN,"steps":[-Infinity,1,%b],"id":"a"}' % long
    assert parse(document) == {"cost": None, "steps": [None, 1, long.decode()], "id": "a"}


def test_what_is_handed_out_is_plain_json() -> None:
    result = Result("a", raw='{"output":[1e999,NaN,-1e999,1.5,%s]}' % ("7" * 5000))
    assert json.dumps(result.document["output"], allow_nan=False) == '[null, null, null, 1.5, "' + "7" * 5000 + '"]'


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"\xff\xfe", b"[1] [2]", DEEP, b'{"a":' * 50_000], ids=len)
def test_what_is_no_json_raises_value_error_and_nothing_else(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse(body)
    assert parse_object(body) is None


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_an_object_or_none(body: bytes) -> None:
    try:
        document = parse(body)
    except ValueError:
        document = None
    assert repr(parse_object(body)) == repr(document if isinstance(document, dict) else None)


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"{}"', b"true"])
def test_only_an_object_is_an_object(body: bytes) -> None:
    assert parse_object(body) is None


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_a_snapshot_is_equal_and_cannot_be_reached_from_outside(value: dict[str, JSON]) -> None:
    try:
        copy = snapshot(value, "input")
    except InvalidOrder:
        assert "Infinity" in json.dumps(value) or "NaN" in json.dumps(value)
        return
    assert copy == value
    before = json.dumps(copy)
    value["new"] = 1
    assert json.dumps(copy) == before


def test_characters_of_every_plane_are_kept() -> None:
    assert snapshot({"a": "\U0001f98a é \x7f \u2028", "\U0001f98a": "\ufffd"}, "input") == {
        "a": "\U0001f98a é \x7f \u2028",
        "\U0001f98a": "\ufffd",
    }


def test_a_snapshot_copies_what_lies_deeper() -> None:
    inner: list[JSON] = [1]
    copy = snapshot({"a": inner}, "input")
    inner.append(2)
    assert copy == {"a": [1]}


def circle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "place", "why"),
    [
        ({"a": b"x"}, "metadata.a", "a bytes"),
        ({"a": 1, "b": [{}, {"c": {1, 2}}]}, "metadata.b[1].c", "a set"),
        ({"a": (0.5, float("nan"))}, "metadata.a[1]", "Out of range"),
        ({"a": float("inf")}, "metadata.a", "Out of range"),
        ({"a": MappingProxyType({"b": datetime.now})}, "metadata.a.b", "a builtin_function_or_method"),
        ({(1, 2): 3}, "metadata[(1, 2)]", "names must be texts, and this one is a tuple"),
        ({"a": {7: "x", "7": "y"}}, "metadata.a[7]", "names must be texts, and this one is a int"),
        ({"a": [{None: 1}]}, "metadata.a[0][None]", "names must be texts, and this one is None"),
        (MappingProxyType({"a": ({True: 1},)}), "metadata.a[0][True]", "names must be texts, and this one is a bool"),
        ({0.5: {}}, "metadata[0.5]", "names must be texts, and this one is a float"),
        ({"a": UserDict({b"b": 1})}, "metadata.a[b'b']", "names must be texts, and this one is a bytes"),
        ({"": 1, 2: 3}, "metadata[2]", "names must be texts, and this one is a int"),
        ({"a": ["fine", "cut \ud83e"]}, "metadata.a[1]", "a text holds half a surrogate pair"),
        ({"a": {"\udcff": 1}}, "metadata.a['\\udcff']", "a text holds half a surrogate pair"),
        ({"\ud83e": {"b": 1}}, "metadata['\\ud83e']", "a text holds half a surrogate pair"),
    ],
)
def test_what_cannot_be_written_as_json_is_refused_by_its_place(value: Any, place: str, why: str) -> None:
    with pytest.raises(InvalidOrder, match=rf"^{re.escape(place)} cannot be written as JSON \({why}.*use only"):
        snapshot(value, "metadata")


@pytest.mark.parametrize("value", [None, 7, "text", [("a", 1)], b"{}"])
def test_what_is_no_mapping_is_refused(value: Any) -> None:
    with pytest.raises(InvalidOrder, match=r"^input is (None|a \w+): give a dict"):
        snapshot(value, "input")


def test_any_mapping_and_any_sequence_is_taken_as_a_dict_and_a_list() -> None:
    words = UserList(["a", "b"])
    value = MappingProxyType({"size": UserDict({"w": 1}), "words": words, "row": range(2), "pair": (1, [2])})
    copy = snapshot(cast("Mapping[str, JSONInput]", value), "input")
    assert copy == {"size": {"w": 1}, "words": ["a", "b"], "row": [0, 1], "pair": [1, [2]]}
    words.append("c")
    assert copy["words"] == ["a", "b"]


@pytest.mark.parametrize("value", [circle(), {"a": nested(9999)}, {"a": nested(500)}], ids=["circle", "deep", "500"])
def test_what_is_nested_too_deeply_is_refused_by_its_name(value: dict[str, JSON]) -> None:
    with pytest.raises(InvalidOrder, match=r"metadata is nested .* deep: flatten it"):
        snapshot(value, "metadata")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("COMPLETED", "COMPLETED"),
        ("", ""),
        ("two\nlines\x1b[31m", "two�lines�[31m"),
        ("\ud800", "�"),
        ("a\u202eb", "a�b"),
        ("x" * 301, "x" * 300),
        (7, None),
        (None, None),
        (["x"], None),
    ],
)
def test_text_is_printable_and_bounded(value: object, read: str | None) -> None:
    assert text(value) == read


@given(st.text(max_size=400))
def test_text_can_always_be_kept_and_printed(value: str) -> None:
    read = text(value)
    assert read is not None
    assert read.isprintable()
    assert len(read) <= 300
    assert text(read) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (5, 5.0),
        (0.5, 0.5),
        (-1, -1.0),
        (True, None),
        ("5", None),
        (None, None),
        (float("nan"), None),
        (float("-inf"), None),
        (10**400, None),
    ],
)
def test_a_number_is_finite_and_no_boolean(value: object, read: float | None) -> None:
    found = number(value)
    assert found == read
    assert found is None or type(found) is float


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("0.100", Decimal("0.100")),
        ("-1.5", Decimal("-1.5")),
        ("1e3", Decimal(1000)),
        (0.1, Decimal("0.1")),
        (2, Decimal(2)),
        ("0", Decimal(0)),
        ("", None),
        ("ten", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e999999999", None),
        ("1e-31", None),
        (True, None),
        (None, None),
        (["1"], None),
        (float("nan"), None),
        (10**5000, None),
    ],
    ids=lambda value: f"{value!s:.20}" if not isinstance(value, int) else "int",
)
def test_money_is_decimal_and_never_passes_through_a_float(value: object, amount: Decimal | None) -> None:
    assert money(value) == amount


def test_money_keeps_the_digits_as_they_came() -> None:
    assert str(money("0.100")) == "0.100"


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2030-01-05T08:00:00Z", datetime(2030, 1, 5, 8, tzinfo=UTC)),
        ("2030-01-05t08:00:00z", datetime(2030, 1, 5, 8, tzinfo=UTC)),
        ("2030-01-05 08:00:00", datetime(2030, 1, 5, 8, tzinfo=UTC)),
        ("2030-01-05T08:00:00.5Z", datetime(2030, 1, 5, 8, 0, 0, 500000, UTC)),
        ("2030-01-05T08:00:00.123456789Z", datetime(2030, 1, 5, 8, 0, 0, 123456, UTC)),
        ("2030-01-05T08:00:00,25Z", datetime(2030, 1, 5, 8, 0, 0, 250000, UTC)),
        ("2030-01-05T09:30:00+01:30", datetime(2030, 1, 5, 8, tzinfo=UTC)),
        ("2030-01-05T06:00:00-0200", datetime(2030, 1, 5, 8, tzinfo=UTC)),
        ("2030-01-05T08:00:00 +00:00", datetime(2030, 1, 5, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_is_always_aware(value: str, at: datetime) -> None:
    found = moment(value)
    assert found == at
    assert found is not None
    assert found.tzinfo is not None


@pytest.mark.parametrize(
    "value",
    [
        None,
        1893830400,
        "",
        "soon",
        "2030-01-05",
        "2030-13-05T08:00:00Z",
        "2030-02-30T08:00:00Z",
        "2030-01-05T25:00:00Z",
        "2030-01-05T08:00:00+99:00",
        "２030-01-05T08:00:00Z",
        "2030-01-05T08:00:00Z\n2",
    ],
)
def test_what_is_no_moment_is_none(value: object) -> None:
    assert moment(value) is None


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
def test_a_moment_written_is_the_moment_read(at: datetime) -> None:
    assert moment(at.isoformat()) == at


def test_strings_come_in_document_order() -> None:
    assert list(strings({"a": ["x", {"b": "y"}, 1, None], "c": "z"})) == ["x", "y", "z"]


def test_strings_of_a_deep_document_do_not_recurse() -> None:
    assert list(strings([*nested(50_000), "end"])) == ["end"]
