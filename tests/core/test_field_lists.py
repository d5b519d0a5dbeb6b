"""Lists in header fields, in one line or several, plain or structured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.field_lists import items, members

DATE = "Mon, 23 Nov 2026 13:33:27 GMT"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((), []),
        (("7",), ["7"]),
        (("7", "9"), ["7", "9"]),
        (("7,9", "8"), ["7", "9", "8"]),
        ((DATE,), [DATE]),
        ((f"{DATE},Monday, 23-Nov-26 13:33:27 GMT,5",), [DATE, "Monday, 23-Nov-26 13:33:27 GMT", "5"]),
    ],
)
def test_a_comma_or_a_line_divides_and_the_comma_of_a_date_does_not(lines: tuple[str, ...], found: list[str]) -> None:
    assert [*members(lines)] == found


ITEMS: list[tuple[str, list[tuple[str, dict[str, str]]]]] = [
    ("", []),
    (" , ;", []),
    (";w=5", []),
    ('"a"', [("a", {})]),
    ('"a";r=1;t=2, "b" ; r = 3', [("a", {"r": "1", "t": "2"}), ("b", {"r": " 3"})]),
    ('"a, r=0; t=9";r=1', [("a, r=0; t=9", {"r": "1"})]),
    (r'"say \"r=0\"";r=1', [('say \\"r=0\\', {"r": "1"})]),
    ("default;R=1", [("default", {"r": "1"})]),
    ('100;w=60;policy="leaky, bucket"', [("100", {"w": "60", "policy": "leaky, bucket"})]),
    ("limit=9, remaining=3,reset=5", [("", {"limit": "9", "remaining": "3", "reset": "5"})]),
    ("limit=9;w=60, remaining=3", [("", {"limit": "9", "w": "60", "remaining": "3"})]),
    ("limit=9, limit=8", [("", {"limit": "9"}), ("", {"limit": "8"})]),
    ('"a";r=1, limit=8', [("a", {"r": "1"}), ("", {"limit": "8"})]),
    ('"a";pk=:cHsd+w==:;r=1', [("a", {"pk": ":cHsd+w==:", "r": "1"})]),
    ('"never ends;r=0, x', [("never ends;r=0, x", {})]),
]


@pytest.mark.parametrize(("line", "found"), ITEMS)
def test_items_and_their_parameters(line: str, found: list[tuple[str, dict[str, str]]]) -> None:
    assert items(line) == found


@given(st.text(alphabet='",;=\\ ar09:', max_size=60))
def test_anything_is_a_list(line: str) -> None:
    assert all(isinstance(name, str) for name, _ in items(line))


@pytest.mark.parametrize("piece", ['"', '\\"', '"\\', ",", ";a=", "a=1,", "Mon,"])
def test_a_huge_line_takes_no_longer_than_it_is_long(piece: str) -> None:
    line = piece * 200_000  # would take minutes if each piece were looked at again for each
    assert items('"' + line) is not None
    assert len(members((line,))) >= 1


def test_of_a_great_many_the_first_count() -> None:
    assert members(["1," * 32000]) == ["1"] * 10
    assert members(["1"] * 100) == ["1"] * 10
    assert members(["", "2" + "," * 70]) == ["", "2", *[""] * 8]
    assert len(items("a;q=1," * 10000)) == 256
