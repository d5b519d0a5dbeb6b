"""Secrets where hardly anybody looks: in the names of headers and lanes, in wide characters, entities and mail."""

from __future__ import annotations

from base64 import encodebytes
from json import dumps

import pytest

import bide
from bide_transports.cassette.labels import label_of
from bide_transports.cassette.redacting import Cleaner
from bide_transports.cassette.redaction import STANDARD, Redactor, Rules, scan
from tests.cassette.redaction.planted import KEY, PASSWORD, RULES

SIGNED = "Zm94ZXMgd2FpdCBmb3IgYnVzZXM"


@pytest.mark.parametrize("name", [f"X-RateLimit-{KEY}", f"ratelimit-{KEY.upper()}", "ratelimit-blue42SKY-limit"])
def test_a_header_whose_name_holds_a_secret_is_not_stored(name: str) -> None:
    rules = Rules(secrets=(KEY, "blue42SKY"), capture="all")
    pairs = [(name.lower(), "1"), ("x-ratelimit-limit", "1")]
    assert Redactor(rules).headers(pairs, of="response") == ([("x-ratelimit-limit", "1")], [])


def test_a_lane_is_not_named_after_a_secret() -> None:
    for model in (KEY, f"owner/{KEY}"):
        job = bide.submit(bide.Order(model, {}, "key-1"), dialect=bide.ModelRoute(), now=0.0)
        label = label_of(job, Cleaner(Rules(secrets=(KEY,))))
        assert KEY[:12] not in label
        assert "redacted-secret-1" in label
        assert scan(label) == []


def test_what_answered_a_submission_stays_with_its_job_as_a_reply_would() -> None:
    address = f"http://10.0.0.7/jobs/1?sig={SIGNED}"
    lines = [("location", address), ("x-upload-token", "blue42SKY"), ("x-internal", "north-3")]
    body = f'{{"upload_token": "blue42SKY", "queue": 4, "see": "{address}"}}'.encode()
    order = bide.Order("model-1", {}, "key-of-the-order")
    job = bide.submit(order, dialect=bide.ModelRoute(), now=0.0).receive(
        bide.Response(202, bide.Headers.of(lines), body), now=0.0
    )
    assert isinstance(job, bide.Abandoned)
    cleaner = Cleaner()
    text = dumps(cleaner.token(job))
    assert not any(secret in text for secret in (SIGNED, "blue42SKY", "key-of-the-order", "north-3"))
    assert scan(text) == []
    kept = bide.load(text, dialect=bide.ModelRoute())
    assert isinstance(kept, bide.Abandoned)
    assert kept.said is not None
    assert kept.said.headers == (("location", "http://10.0.0.7/jobs/1?sig=redacted-sig-1"),)
    assert '"queue":4' in kept.said.body.replace(" ", "")
    assert "redacted-sig-1" in kept.said.body


def test_an_address_that_a_job_was_sent_on_to_hides_its_signature() -> None:
    target = f"https://api.modelroute.ai/v1/executions/exec_1?sig={SIGNED}"
    moved = bide.watch("exec_1", dialect=bide.ModelRoute(), now=0.0).receive(
        bide.Response(308, bide.Headers.of([("location", target)])), now=0.0
    )
    assert isinstance(moved, bide.Polling)
    cleaner = Cleaner()
    kept = bide.load(dumps(cleaner.token(moved)), dialect=bide.ModelRoute())
    assert isinstance(kept, bide.Polling)
    assert kept.request.url == cleaner.request(moved.request).url == target.replace(SIGNED, "redacted-sig-1")


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
@pytest.mark.parametrize("how", ["&#{0};", "&#x{0:x};", "&#X{0:04X};", "&#00{0};"])
def test_what_is_spelt_in_entities_is_replaced(secret: str, how: str) -> None:
    written = "".join(how.format(ord(character)) for character in secret)
    assert Redactor(RULES).text(f"<p>{written}</p>") == "<p>redacted-secret-1</p>"


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_base64_in_lines_is_replaced(secret: str, end: str) -> None:
    wrapped = encodebytes(f"{'x' * 50}{secret}{'y' * 40}".encode()).decode().replace("\n", end)
    assert Redactor(RULES).text(f"Content:\n\n{wrapped}\nend") == f"Content:\n\nredacted-secret-2{end}\nend"
    plain = encodebytes(b"nothing in here to be hidden from anybody at all " * 4).decode()
    assert Redactor(RULES).text(plain) == plain


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_a_body_of_wide_characters_is_not_stored(secret: str, coding: str) -> None:
    assert Redactor(RULES).body(f"asked with {secret}, it said".encode(coding), "text/plain") is None
    harmless = "nothing in here".encode(coding)
    assert Redactor(RULES).body(harmless, "text/plain") == harmless


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
def test_a_secret_among_other_bytes_is_not_stored(secret: str) -> None:
    assert Redactor(RULES).body(b"\x89PNG\x00\xff" + secret.encode() + b"\x00\xfe", "image/png") is None


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('curl -H "X-Api-Key: blue42sky" https://x.example', "blue42sky"),
        ("password: blue42sky", "blue42sky"),
        ("api_key: blue42sky\nregion: eu", "blue42sky"),
        ("{'token': b'blue42sky'}", "blue42sky"),
        ("posts to https://hooks.slack.com/services/T0000/B0000/XXabcd12", "XXabcd12"),
        ("posts to https://discord.com/api/webhooks/1234/XXabcd12-x_y", "XXabcd12"),
        ('{"SecretString": "blue42sky"}', "blue42sky"),
    ],
)
def test_a_secret_behind_a_label_without_quotes_is_replaced(text: str, secret: str) -> None:
    assert secret not in Redactor(STANDARD).text(text)


@pytest.mark.parametrize(
    "text",
    ["token: expected a string", "secret: none", "cookie: banana", "password: the usual", "tokens: 12345678", "sig: 1"],
)
def test_words_behind_a_colon_are_none(text: str) -> None:
    assert Redactor(STANDARD).text(text) == text
