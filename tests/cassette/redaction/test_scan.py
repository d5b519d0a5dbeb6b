"""The gate finds what was not redacted, says where, and never what."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode

import pytest

from bide_transports.cassette.redaction import Finding, scan
from tests.cassette.redaction.unredacted import CODE, LINES, RANDOM, RULES, line


def test_the_corpus_is_large() -> None:
    assert len(LINES) >= 100
    assert len({name for name, _, _ in LINES}) == len(LINES)


@pytest.mark.parametrize(("line", "expected"), [entry[1:] for entry in LINES], ids=[entry[0] for entry in LINES])
def test_what_was_forgotten_is_found(line: str, expected: str) -> None:
    path, kind = expected.split(" ")
    found = scan(f'{{"cassette":1}}\n{line}\n{{"k":"end","n":1}}\n', RULES)
    assert (2, path, kind) in [(finding.line, finding.path, finding.kind) for finding in found]
    assert {finding.line for finding in found} == {2}


@pytest.mark.parametrize("line", [entry[1] for entry in LINES], ids=[entry[0] for entry in LINES])
def test_a_finding_never_tells_the_value(line: str) -> None:
    told = " ".join(map(str, scan(line, RULES)))
    assert not any(secret in told for secret in ("koala", CODE, "4711", "AKIA", RANDOM))


def test_lines_may_come_one_by_one() -> None:
    lines = ["{}\n", '{"a":{"token":"koala"}}\r\n', "", "/x?sig=koala"]
    found = [Finding(2, "$.a.token", "name"), Finding(4, "$", "name")]
    assert scan(lines) == found
    assert scan(iter(lines)) == found
    assert str(found[0]) == "line 2, $.a.token: name"


def test_a_place_is_told_once_for_each_reason() -> None:
    text = json.dumps({"token": f"{CODE} {CODE}", "b": ["/x?sig=koala&token=joey"]})
    assert scan(text, RULES) == [
        Finding(1, "$.token", "name"),
        Finding(1, "$.token", "known"),
        Finding(1, "$.b[0]", "name"),
    ]


def test_odd_names_do_not_stand_in_a_path() -> None:
    assert scan(json.dumps({"a b\n": {"token": "koala"}})) == [Finding(1, "$.*.token", "name")]


def test_what_unpacks_to_too_much_is_unread() -> None:
    bomb = b64encode(gzip.compress(bytes(20 * 1024 * 1024), mtime=0)).decode()
    assert scan(json.dumps({"b": {"$b64": bomb}})) == [Finding(1, "$.b.$b64", "unread")]


def test_many_that_unpack_to_much_are_unread() -> None:
    packed = [b64encode(gzip.compress(letter * 5 * 1024 * 1024, mtime=0)).decode() for letter in (b"a", b"b", b"c")]
    assert scan(json.dumps({"b": " ".join(packed)})) == [Finding(1, "$.b", "unread")]


def test_packed_within_packed_without_end_is_unread() -> None:
    data = CODE.encode()
    for _ in range(9):
        data = gzip.compress(data, mtime=0)
    assert scan(json.dumps({"$b64": b64encode(data).decode()})) == [Finding(1, "$.$b64", "unread")]


def test_codings_within_codings_without_end_are_unread() -> None:
    text = "it is a long way to the top of it"
    for _ in range(9):
        text = b64encode(text.encode()).decode()
    assert "unread" in [finding.kind for finding in scan(line(b={"note": text}))]


def test_nothing_in_nothing() -> None:
    assert scan("") == []
    assert scan([]) == []
