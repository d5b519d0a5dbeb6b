"""What is no secret stays as it is, to the byte."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256

import pytest

from bide.document import JSON
from bide_transports.cassette.redaction import Redactor, Rules, scan
from tests.cassette.redaction.harmless import DOCUMENTS, LINKS, TEXTS
from tests.cassette.redaction.planted import RULES

NOISE = b"".join(sha256(bytes([number])).digest() for number in range(256)) * 8


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=list(DOCUMENTS))
def test_a_document_stays(document: JSON) -> None:
    redactor = Redactor(RULES)
    assert redactor.document(document) == document
    assert redactor.counts == {}
    assert scan(json.dumps(document), RULES) == []


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=list(DOCUMENTS))
def test_a_body_keeps_its_bytes(document: JSON) -> None:
    for body in (json.dumps(document).encode(), json.dumps(document, indent=2, ensure_ascii=False).encode()):
        assert Redactor(RULES).body(body, "application/json") is body


@pytest.mark.parametrize("text", TEXTS, ids=[text[:20] for text in TEXTS])
def test_a_text_stays(text: str) -> None:
    assert Redactor(RULES).text(text) == text
    assert Redactor(RULES).document({"prompt": text}) == {"prompt": text}
    assert scan(text, RULES) == []
    assert scan(json.dumps({"b": {"prompt": text}}), RULES) == []


@pytest.mark.parametrize("link", LINKS)
def test_a_link_stays(link: str) -> None:
    assert Redactor(RULES).url(link) == link
    assert Redactor(RULES).text(f"see {link}, please") == f"see {link}, please"
    assert scan(json.dumps({"u": link, "said": f"see {link}, please"}), RULES) == []


@pytest.mark.parametrize(
    "body",
    [NOISE, b"\x89PNG\r\n\x1a\n" + NOISE, gzip.compress(NOISE, mtime=0), gzip.compress(b"hello", mtime=0), b""],
    ids=["noise", "png", "gzip of noise", "gzip of text", "empty"],
)
def test_binary_bodies_stay(body: bytes) -> None:
    assert Redactor(RULES).body(body, "application/octet-stream") is body


def test_harmless_headers_stay() -> None:
    headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("etag", 'W/"33a64df551425fcc55e4d42a148795d9f25f89d4"'),
        ("retry-after", "2"),
        ("date", "Mon, 23 Nov 2026 13:33:27 GMT"),
        ("x-ratelimit-remaining", "59"),
        ("ratelimit-policy", '"default";q=100;w=10'),
        ("link", '</v1/jobs?page=2>; rel="next"'),
        ("location", "../jobs/j1"),
    ]
    assert Redactor().headers(headers, of="response") == (headers, [])
    assert scan(json.dumps({"h": dict(headers)})) == []


def test_names_that_are_plain_here_are_left_alone() -> None:
    document: JSON = {"session": "abc", "next_page_token": "def", "url": "/x?state=running"}
    rules = Rules(plain_names=("session", "nextPageToken", "STATE"))
    assert Redactor(rules).document(document) == document
    assert scan(json.dumps(document), rules) == []


def test_ids_that_the_caller_allows_are_no_random_words() -> None:
    line = json.dumps({"handle_of": "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9w"})
    assert [found.kind for found in scan(line)] == ["entropy"]
    assert scan(line, Rules(allow=("aB3dE5fG7hJ9kL1mN3pQ5rS7tU9w",))) == []


def test_a_sample_key_that_the_caller_allows_passes() -> None:
    line = json.dumps({"note": "AKIAIOSFODNN7EXAMPLE"})
    assert [found.kind for found in scan(line)] == ["pattern"]
    assert scan(line, Rules(allow=("AKIAIOSFODNN7EXAMPLE",))) == []
