"""Redacting twice is redacting once, equal stays equal, and nothing that was planted comes out."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote, urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from bide.document import JSON
from bide_transports.cassette.redaction import Redactor, Rules, scan
from tests.cassette.redaction.planted import KEY, LINKS, NAMES, PASSWORD, PEM, RULES, SHAPED
from tests.cassette.redaction.traces import is_in

WRITINGS: list[Callable[[str], str]] = [
    str,
    quote,
    quote_plus,
    lambda text: quote(quote(text, safe=""), safe=""),
    lambda text: json.dumps(text)[1:-1],
    lambda text: b64encode(text.encode()).decode(),
    lambda text: b64encode(f"u:{text}\x00".encode()).decode(),
]
FRAGMENTS = (
    *(
        "token=",
        "?sig=",
        "&key=",
        "https://u:p@x.example/",
        '"password": "',
        "'",
        '"',
        "\\",
        "%",
        "%25",
        "%3D",
        "\\u0026",
    ),
    *(
        "redacted-secret-1",
        "redacted-",
        "sk_",
        "Bearer ",
        "eyJ",
        ".",
        "-----BEGIN PRIVATE KEY-----",
        "{",
        "}",
        "[",
        "<a>",
    ),
    *(
        "0",
        "7",
        " ",
        ";",
        "&",
        "#",
        "=",
        "/",
        "+",
        "é",
        "\ud800",
        "\n",
        "<token>",
        "</",
        KEY,
        PASSWORD,
        "AKIAIOSFODNN7EXAMPLE",
    ),
)
texts = st.one_of(
    st.text(max_size=40), st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=12).map("".join)
)
words = st.sampled_from(
    [
        KEY,
        PASSWORD,
        *SHAPED,
        *(link.replace("{0}", "5ec2e7") for link in LINKS.values()),
        "a fox",
        "42",
        "é",
        "\n",
        '"',
        "(",
    ]
)
likely: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.lists(words, max_size=5).map(" ".join),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*NAMES, "id", "name", "url", KEY]), inner, max_size=4)
        | inner.map(json.dumps)
    ),
    max_leaves=12,
)
names = st.sampled_from([*NAMES, "id", "name", "location", "x", "redacted-secret-1", "key", "n"]) | texts
documents: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
secrets = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=6, max_size=20).filter(
    lambda text: text.strip() == text and "redacted-" not in text
)


@given(texts)
@example('KEY"token": "a')
@example("token=abc%zz")
@example('{"token": "a\'b"}')
def test_a_text_is_redacted_once(text: str) -> None:
    redactor = Redactor(RULES)
    once = redactor.text(text)
    assert redactor.text(once) == once
    assert Redactor(RULES).text(once) == once


@given(texts)
def test_a_link_is_redacted_once(link: str) -> None:
    redactor = Redactor(RULES)
    once = redactor.url(link)
    assert redactor.url(once) == once


@given(documents)
def test_a_document_is_redacted_once_and_alike(document: JSON) -> None:
    redactor = Redactor(RULES)
    once = redactor.document(document)
    assert redactor.document(once) == once
    assert redactor.document(document) == once


@given(documents)
def test_a_body_is_redacted_as_its_document(document: JSON) -> None:
    body = json.dumps([document]).encode()
    left = Redactor(RULES).body(body, "application/json")
    assert left is not None
    assert json.loads(left) == Redactor(RULES).document(json.loads(json.dumps([document])))


@given(
    st.binary(max_size=60) | texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [None, "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/plain"]
    ),
)
def test_any_body_is_redacted_once_or_not_stored(body: bytes, kind: str | None) -> None:
    redactor = Redactor(RULES)
    once = redactor.body(body, kind)
    assert once is None or redactor.body(once, kind) == once


@given(
    secrets,
    st.sampled_from(WRITINGS),
    st.sampled_from(["", " ", '"', "=", "/", ":"]),
    st.sampled_from(["", " ", '"', "&", "\\"]),
)
def test_a_known_value_never_comes_out(secret: str, write: Callable[[str], str], before: str, after: str) -> None:
    text = f"so{before}{write(secret)}{after}on"
    rules = Rules(secrets=(secret,))
    left = Redactor(rules).text(text)
    assert secret not in left
    assert secret not in unquote(left)
    assert not is_in(secret, left)
    assert "known" not in [found.kind for found in scan(left, rules)]


@given(st.sampled_from(NAMES), st.text(min_size=1).filter(str.strip), documents)
def test_what_a_name_tells_to_be_secret_never_comes_out(name: str, secret: str, beside: JSON) -> None:
    secret = f"5ec2e7{secret}"
    document: JSON = {"beside": beside, "in": [{name: secret}]}
    assert "5ec2e7" not in json.dumps(Redactor(RULES).document(document))
    body = Redactor(RULES).body(json.dumps(document).encode(), "application/json")
    assert b"5ec2e7" not in (body or b"")
    form = urlencode({"a": "b", name: secret}, errors="replace")
    assert "5ec2e7" not in Redactor(RULES).url(f"/x?{form}#{form}")
    assert b"5ec2e7" not in (Redactor(RULES).body(form.encode(), "application/x-www-form-urlencoded") or b"")


@given(st.sampled_from([text for text in SHAPED if text != PEM]), st.text(), st.text())
def test_a_shape_never_comes_out(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor().text(f"{before} {secret} {after}")


@given(likely)
@example(json.dumps(json.dumps('"\\"/go?to=%2Fgo%3Fto%3D%252Fo%253Fsig%253D5ec2e7\\""')))
def test_what_comes_out_passes_the_gate(document: JSON) -> None:
    left = Redactor(RULES).document(document)
    assert {found.kind for found in scan(json.dumps({"b": left}), RULES)} <= {"unread"}


@given(
    st.lists(
        st.tuples(st.sampled_from(["sig", "token", "api_key"]), st.text("ab%+/=", min_size=1, max_size=3)), max_size=8
    )
)
def test_equal_values_stay_equal_and_others_differ(members: list[tuple[str, str]]) -> None:
    redactor = Redactor()
    given_: dict[str, str] = {}
    for name, value in members:
        left = redactor.url("/x?" + urlencode({name: value})).partition("=")[2]
        assert given_.setdefault(value, left) == left
    assert len(set(given_.values())) == len(given_) == sum(redactor.counts.values())


@given(texts | documents.map(json.dumps))
def test_the_gate_reads_anything(text: str) -> None:
    for found in scan(text, RULES):
        assert found.line >= 1
        assert found.path.startswith("$")
