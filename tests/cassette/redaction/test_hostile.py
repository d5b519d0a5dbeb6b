"""Much of whatever is worst for a pattern is still read once; a megabyte, of which anything quadratic makes no end."""

from __future__ import annotations

import json

import pytest

from bide_transports.cassette.redaction import Redactor, scan
from tests.cassette.redaction.planted import KEY, RULES
from tests.sampling import WHOLE

SIZE = 1_000_000 if WHOLE else 100_000  # bytes
UNITS = (
    *(
        "a",
        "=",
        "a=",
        "&a=",
        "?",
        "?a=b&",
        "token=",
        "token=a&",
        "%",
        "%25",
        "%3D",
        "%2",
        "\\",
        "\\u",
        "\\u0026",
        '\\"',
    ),
    *(
        '"',
        "'",
        '"a":"',
        '"token":"',
        '"token": \\"',
        "token='",
        "<",
        "<a>",
        "<token>",
        "</",
        "{",
        "[",
        '{"a":',
        "&amp;",
    ),
    *(
        "://",
        "://a",
        "http://",
        "http://a@",
        "-",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "- ",
        "eyJ",
        "eyJa.",
        "eyJaaaaa",
    ),
    *(
        "sk-",
        "sk_a",
        "key_0",
        "Bearer ",
        "bearer a",
        "xox",
        "AKIA",
        "redacted-",
        "redacted-secret-",
        "redacted-secret-1",
    ),
    *(
        "x-",
        "a.",
        "a b ",
        "\n",
        "\x00",
        "é",
        "data:",
        "ab:",
        "/",
        "./",
        "00-",
        "AccountKey=",
        "5ec2e7a1",
        KEY[:40],
        "YWFh",
        "sha1-",
    ),
)


each_unit = pytest.mark.parametrize("unit", [unit for number, unit in enumerate(UNITS) if WHOLE or number % 3 == 0])


@each_unit
def test_it_is_read(unit: str) -> None:
    text = unit * (SIZE // len(unit.encode()))
    assert KEY not in Redactor(RULES).text(f"{text} {KEY}")


@each_unit
def test_other_ways_in_read_no_slower(unit: str) -> None:
    text = unit * (SIZE // 20 // len(unit.encode()))
    redactor = Redactor(RULES)
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "application/json"):
        body = redactor.body(f"{text}&a={KEY}".encode(), kind)
        assert body is not None
        assert KEY.encode() not in body
    assert KEY not in redactor.url(text + KEY)
    assert KEY not in json.dumps(redactor.document({text: [text, KEY]}))


@each_unit
def test_the_gate_searches_it(unit: str) -> None:
    text = unit * (SIZE // 10 // len(unit.encode()))
    assert scan(f"{text} {KEY}", RULES)
    assert scan(json.dumps({"a": text, "b": KEY}), RULES)


def test_many_secrets_in_many_fields() -> None:
    body = json.dumps([{"token": f"blue{number}", "note": KEY, "url": f"/x?sig={number}"} for number in range(5_000)])
    redactor = Redactor(RULES)
    left = redactor.body(body.encode(), "application/json") or b""
    assert redactor.counts == {"secret": 5_001, "sig": 5_000}
    assert b"blue" not in left
    assert scan(left.decode(), RULES) == []
