"""Placeholders keep identity, headers go by a list, and bodies come back whole, redacted or not at all."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from bide.document import JSON
from bide_transports.cassette.redaction import Redactor, Rules
from bide_transports.cassette.redaction.placeholders import spliced
from bide_transports.cassette.redaction.rules import Of
from tests.cassette.redaction.planted import KEY, MULTIPART, PASSWORD, RULES


def test_placeholders_are_numbered_by_kind_and_first_appearance() -> None:
    redactor = Redactor(RULES)
    assert redactor.url("/a?sig=one&x=1") == "/a?sig=redacted-sig-1&x=1"
    assert redactor.url("/a?sig=two&token=one") == "/a?sig=redacted-sig-2&token=redacted-sig-1"
    assert redactor.text(f"{KEY}, {KEY}") == "redacted-secret-1, redacted-secret-1"
    assert redactor.counts == {"sig": 2, "secret": 1}


def test_one_value_has_one_placeholder_in_every_spelling() -> None:
    redactor = Redactor(RULES)
    link = f"/a?token={quote(PASSWORD, safe='')}"
    document: JSON = {"note": PASSWORD, "password": PASSWORD, "self": link}
    body = redactor.body(json.dumps(document).encode(), "application/json") or b""
    assert json.loads(body) == {
        "note": "redacted-secret-1",
        "password": "redacted-secret-1",
        "self": "/a?token=redacted-secret-1",
    }
    headers, _ = redactor.headers([("Location", link)], of="response")
    assert headers == [("location", "/a?token=redacted-secret-1")]
    assert redactor.text(json.dumps(PASSWORD)) == '"redacted-secret-1"'


def test_a_link_in_a_header_and_in_a_body_is_the_same_link() -> None:
    redactor = Redactor()
    link = "https://u:p@x.example/o?a=1&Signature=a%2Fb%3D&Expires=1795440807&to=%2Fgo%3Fsig%3D1"
    headers, _ = redactor.headers([("operation-location", link)], of="response")
    assert redactor.document({"url": link}) == {"url": headers[0][1]}
    assert redactor.url(headers[0][1]) == headers[0][1]
    assert "Expires=1795440807" in headers[0][1]


def test_two_redactors_number_alike() -> None:
    one, other = Redactor(RULES), Redactor(RULES)
    for text in ("/a?sig=1", KEY, '{"token": "x"}'):
        assert one.text(text) == other.text(text)


def test_numbering_goes_on_after_placeholders_that_came_in() -> None:
    redactor = Redactor()
    assert redactor.url("/a?sig=redacted-sig-4") == "/a?sig=redacted-sig-4"
    assert redactor.url("/a?sig=new") == "/a?sig=redacted-sig-5"


def test_a_digit_behind_a_placeholder_stays_apart_from_its_number() -> None:
    assert Redactor(RULES).text(f"{KEY}23") != Redactor(RULES).text(f"{KEY}")
    assert Redactor(Rules(secrets=("secret",))).text("secret23") == "redacted-secret-1-23"


def test_a_named_value_is_replaced_from_then_on() -> None:
    redactor = Redactor()
    assert redactor.text("key 1b4e28ba-2fa1") == "key 1b4e28ba-2fa1"
    assert redactor.name("1b4e28ba-2fa1", "key") == "redacted-key-1"
    assert redactor.name("1b4e28ba-2fa1", "key") == "redacted-key-1"
    assert redactor.text("key 1b4e28ba-2fa1") == "key redacted-key-1"
    assert redactor.name("redacted-key-1", "key") == "redacted-key-1"


@pytest.mark.parametrize("kind", ["", "Key", "key-1", "k3y", "a" * 17, "é"])
def test_a_kind_is_a_plain_word(kind: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters"):
        Redactor().name("value", kind)


def test_an_idempotency_key_that_was_sent_is_known_in_the_reply() -> None:
    redactor = Redactor()
    headers, _ = redactor.headers([("Idempotency-Key", "1b4e28ba-2fa1")], of="request")
    assert headers == [("idempotency-key", "redacted-key-1")]
    assert redactor.document({"echo": "1b4e28ba-2fa1"}) == {"echo": "redacted-key-1"}


def test_a_request_id_is_known_in_the_body_as_a_whole_field() -> None:
    redactor = Redactor()
    headers, _ = redactor.headers([("X-Request-Id", "r-17")], of="response")
    assert headers == [("x-request-id", "redacted-rid-1")]
    body: JSON = {"request_id": "r-17", "note": "r-17 failed"}
    assert redactor.document(body) == {"request_id": "redacted-rid-1", "note": "r-17 failed"}


def test_short_secrets_are_replaced_only_as_whole_fields() -> None:
    redactor = Redactor(Rules(secrets=("1234", "on")))
    body: JSON = {"pin": "1234", "note": "on 1234 days", "n": 1234, "at": 12345, "on": "on"}
    assert redactor.document(body) == {
        "pin": "redacted-secret-1",
        "note": "on 1234 days",
        "n": "redacted-secret-1",
        "at": 12345,
        "redacted-secret-2": "redacted-secret-2",
    }


@pytest.mark.parametrize("secret", ["", "   ", "redacted-secret-7"])
def test_nothing_is_no_secret(secret: str) -> None:
    assert Redactor(Rules(secrets=(secret,))).text(f"a {secret} b") == f"a {secret} b"
    assert Redactor(Rules(secrets=(secret,))).text(secret) == secret


def test_a_secret_in_a_secret_takes_the_longer() -> None:
    redactor = Redactor(Rules(secrets=("blue42", "blue42green")))
    assert redactor.text("blue42green blue42") == "redacted-secret-1 redacted-secret-2"


def test_a_secret_object_keeps_what_tells_about_the_secret() -> None:
    credentials: JSON = {"id": "c1", "type": "basic", "expires_at": "2026-11-24T00:00:00Z", "user": "bob", "n": 12345}
    assert Redactor().document({"credentials": credentials}) == {
        "credentials": {
            "id": "c1",
            "type": "basic",
            "expires_at": "2026-11-24T00:00:00Z",
            "user": "redacted-secret-1",
            "n": 12345,
        }
    }


def test_the_word_of_a_scheme_stays() -> None:
    redactor = Redactor(RULES)
    echo: JSON = {"headers": {"Authorization": f"Bearer {KEY}"}}
    assert redactor.document(echo) == {"headers": {"Authorization": "Bearer redacted-secret-1"}}


def test_names_of_members_are_looked_through_too() -> None:
    assert Redactor(RULES).document({KEY: 1}) == {"redacted-secret-1": 1}


def test_what_is_nested_too_deeply_is_replaced() -> None:
    deep: JSON = "x"
    for _ in range(400):
        deep = [deep]
    left = json.dumps(Redactor().document(deep))
    assert left.count("[") == 100
    assert "redacted-deep-1" in left


REQUEST = ["content-type", "accept", "prefer", "if-none-match", "idempotency-key", "range", "if-range"]
RESPONSE = [
    *("content-type", "location", "operation-location", "content-location", "azure-asyncoperation", "retry-after"),
    *("retry-after-ms", "x-ms-retry-after-ms", "date", "etag", "last-modified", "accept-ranges", "content-range"),
    *("ratelimit", "ratelimit-policy", "ratelimit-reset", "x-ratelimit-limit", "link", "x-request-id"),
]
ELSE = ["server", "x-powered-by", "user-agent", "x-api-key", "x-custom", "via"]
NEVER = ["authorization", "proxy-authorization", "cookie", "set-cookie", "content-length"]


@pytest.mark.parametrize(("of", "stored"), [("request", REQUEST), ("response", RESPONSE)])
def test_headers_are_stored_by_the_list(of: Of, stored: list[str]) -> None:
    names = [*stored, *ELSE, *NEVER]
    kept, dropped = Redactor().headers([(name.title(), "1") for name in names], of=of)
    assert [name for name, _ in kept] == stored
    assert dropped == [*ELSE, *NEVER]


def test_headers_are_kept_in_order_and_as_often_as_they_came() -> None:
    pairs = [("Link", "</a>"), ("Via", "x"), ("ETag", '"1"'), ("Link", "</b>"), ("via", "y")]
    kept, dropped = Redactor().headers(pairs, of="response")
    assert kept == [("link", "</a>"), ("etag", '"1"'), ("link", "</b>")]
    assert dropped == ["via"]


def test_the_caller_can_keep_more_headers_but_no_credential() -> None:
    rules = Rules(keep=("Via", "X-Api-Key", "Cookie", "authorization"))
    pairs = [("via", "x"), ("x-api-key", "abc"), ("cookie", "a=b"), ("authorization", "Bearer x")]
    kept, dropped = Redactor(rules).headers(pairs, of="request")
    assert kept == [("via", "x"), ("x-api-key", "redacted-secret-1")]
    assert dropped == ["cookie", "authorization"]


def test_all_headers_means_all_but_credentials() -> None:
    pairs = [(name, "blue42") for name in (*ELSE, *NEVER)]
    kept, dropped = Redactor(Rules(capture="all")).headers(pairs, of="request")
    assert [name for name, _ in kept] == ELSE
    assert dict(kept)["x-api-key"] == "redacted-secret-1"
    assert dropped == NEVER


def test_a_redacted_document_is_written_as_it_came() -> None:
    compact, usual = b'{"token":"x","n":[1,2]}', b'{"token": "x", "n": [1, 2]}'
    assert Redactor().body(compact, None) == b'{"token":"redacted-secret-1","n":[1,2]}'
    assert Redactor().body(usual, None) == b'{"token": "redacted-secret-1", "n": [1, 2]}'


def test_a_question_mark_in_a_secret_is_one_of_its_characters() -> None:
    redactor = Redactor()
    assert redactor.url("/x?token=a?sig=b&n=1") == "/x?token=redacted-secret-1&n=1"
    assert redactor.counts == {"secret": 1}


def test_a_document_cut_short_has_the_placeholders_of_the_whole() -> None:
    redactor = Redactor()
    whole = redactor.body(b'{"token": "a\\"b\\u0041", "n": 1}', "application/json")
    assert whole == b'{"token": "redacted-secret-1", "n": 1}'
    assert redactor.body(b'{"token": "a\\"b\\u0041", "n', "application/json") == b'{"token": "redacted-secret-1", "n'
    assert redactor.body(b'{"token": "a\\q', "application/json") == b'{"token": "redacted-secret-2'


def test_a_secret_that_stands_twice_in_a_word_of_base64() -> None:
    packed = b64encode(f"{KEY} and {KEY}".encode()).decode()
    assert Redactor(RULES).text(f"<{packed}>") == "<redacted-secret-1>"


def test_edits_within_an_edit_are_left_out() -> None:
    assert spliced("abcdef", [(0, 3, "x"), (2, 4, "y"), (4, 5, "z")]) == "xdzf"


def test_escaped_quotes_end_a_value_as_they_began_it() -> None:
    text = r"said {\"token\": \"blue42\", \"n\": 1} at noon"
    assert Redactor().text(text) == r"said {\"token\": \"redacted-secret-1\", \"n\": 1} at noon"


def test_a_multipart_body_keeps_its_frame() -> None:
    left = (Redactor(RULES).body(MULTIPART.encode(), 'multipart/form-data; boundary="frontier"') or b"").decode()
    assert left.count("--frontier") == MULTIPART.count("--frontier")
    assert 'name="password"\r\n\r\nredacted-secret-1\r\n--frontier' in left
    assert 'name="policy"\r\n\r\nredacted-secret-2\r\n--frontier' in left
    assert '{"apiKey": "redacted-secret-3"}\r\n' in left
    assert 'filename="redacted-secret-4.txt"\r\n\r\nhello\r\n--frontier--\r\n' in left


def test_a_multipart_body_without_secrets_keeps_its_bytes() -> None:
    body = b'pre\n--x\nContent-Disposition: form-data; name="a"\n\nhello\n--x\n\n\xff\x00\n--x\n no head\n--x--\nafter'
    assert Redactor().body(body, "multipart/mixed; boundary=x") == body


@pytest.mark.parametrize(
    "body",
    [
        b"\x89PNG\xff " + KEY.encode(),
        gzip.compress(KEY.encode(), mtime=0),
        gzip.compress(bytes(5 * 1024 * 1024), mtime=0),
        b"\x1f\x8b broken \xff",
        json.dumps({"token": "x"}).encode("utf-16"),
    ],
    ids=["binary", "gzip", "more than is looked through", "broken gzip", "utf-16"],
)
def test_what_cannot_be_redacted_is_not_stored(body: bytes) -> None:
    assert Redactor(RULES).body(body, None) is None
    part = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + body + b"\r\n--x--\r\n"
    assert Redactor(RULES).body(part, "multipart/form-data; boundary=x") is None


def test_packed_within_packed_has_an_end() -> None:
    body = b"hello"
    for _ in range(9):
        body = gzip.compress(body, mtime=0)
    assert Redactor().body(body, None) is None


def test_a_form_is_looked_through_field_by_field() -> None:
    form = b"code=1&key=2&client_secret=a%2Fb+c&next=%2Fx%3Fsig%3D9&flag&password=&api_key=z"
    assert Redactor().body(form, "application/x-www-form-urlencoded; charset=utf-8") == (
        b"code=1&key=2&client_secret=redacted-secret-1&next=%2Fx%3Fsig%3Dredacted-sig-1&flag&password="
        b"&api_key=redacted-secret-2"
    )


def test_words_of_base64_are_replaced_as_a_whole() -> None:
    redactor = Redactor(RULES)
    packed = b64encode(f"user:{KEY}".encode()).decode()
    assert redactor.text(f"tried {packed}, then left") == "tried redacted-secret-1, then left"


def test_rules_do_not_show_secrets() -> None:
    assert KEY not in repr(RULES)


@pytest.mark.parametrize("times", range(1, 6))
def test_a_known_value_is_found_however_often_it_was_quoted(times: int) -> None:
    secret = quoted = "a b/c&d?e."
    for _ in range(times):
        quoted = quote(quoted, safe="")
    assert Redactor(Rules(secrets=(secret,))).text(f"so {quoted} on") == "so redacted-secret-1 on"
