"""A key shows itself to nobody, goes to its own origin only, and is cut out of what strangers say."""

from __future__ import annotations

import copy
import json
import pickle
from time import process_time
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide import Headers, ModelRoute, NoResponse, Request, Response
from bide.dialect import Dialect
from bide.errors import InvalidAddress, InvalidKey
from bide.messages import Cause
from bide.secret import Secret, credential_for, is_at_home, redact, scrubbed
from tests.laws import DIALECT, KEY


@pytest.mark.parametrize(
    "show",
    [repr, str, "{}".format, "{!r}".format, "{!s:.20}".format],
    ids=["repr", "str", "format", "format repr", "format str"],
)
def test_no_way_of_printing_shows_the_key(show: object) -> None:
    assert callable(show)
    shown = show(Secret(KEY))
    assert isinstance(shown, str)
    assert not any(part in shown for part in KEY.split("_")[1:])


@pytest.mark.parametrize("wrong", [None, 5, b"sk_live_1234567890", ["sk_live_1234567890"]], ids=type)
def test_a_key_that_is_no_text_is_told_and_not_shown(wrong: Any) -> None:
    with pytest.raises(InvalidKey, match=r"^the API key is a (NoneType|int|bytes|list): give it as a text$"):
        Secret(wrong)


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars], ids=lambda f: f.__name__)
def test_a_secret_is_not_pickled_copied_or_written(take: object) -> None:
    assert callable(take)
    with pytest.raises(TypeError) as caught:
        take(Secret(KEY))
    assert KEY not in str(caught.value)


def test_a_secret_is_revealed_on_request_only() -> None:
    assert Secret(KEY).reveal() == KEY


@pytest.mark.parametrize(
    "key", ["", " ", "sk_a b", "sk_a\n", "sk_a\r\nHost: x", "\x00", "schlüssel", "\u200bsk_a", "sk_a\t"]
)
def test_a_key_that_cannot_stand_in_a_header_is_refused_unseen(key: str) -> None:
    with pytest.raises(InvalidKey, match="copy it again") as caught:
        Secret(key)
    assert "sk_a" not in str(caught.value)


@pytest.mark.parametrize("key", ["mr_short", "sk_" + "0" * 60 + "_00000000", "x"])
def test_a_key_is_never_refused_for_its_form(key: str) -> None:
    assert Secret(key).reveal() == key


OWN = "https://api.modelroute.ai/v1/executions"


def test_the_credential_goes_along_when_asked_for_at_the_own_origin() -> None:
    assert credential_for(Request("GET", OWN, credential=True), DIALECT, Secret("k")) == (
        ("authorization", "Bearer k"),
    )
    shouted = Request("GET", "HTTPS://API.MODELROUTE.AI:443/v1", credential=True)
    assert credential_for(shouted, DIALECT, Secret("k")) == (("authorization", "Bearer k"),)


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", OWN),
        Request("GET", "https://storage.modelroute.ai/f?sig=1", credential=True),
        Request("GET", "http://api.modelroute.ai/v1", credential=True),
        Request("GET", "https://api.modelroute.ai:444/v1", credential=True),
        Request("GET", "https://api.modelroute.ai@evil.example/", credential=True),
        Request("GET", "https://evil.example\\@api.modelroute.ai/", credential=True),
        Request("GET", "/v1/executions", credential=True),
        Request("GET", "", credential=True),
    ],
    ids=lambda request: request.url,
)
def test_the_credential_goes_nowhere_else(request_: Request) -> None:
    assert credential_for(request_, DIALECT, Secret("k")) == ()


def test_no_dialect_lends_its_key_to_another() -> None:
    request = Request("GET", OWN, credential=True)
    assert credential_for(request, ModelRoute("https://gateway.example"), Secret("k")) == ()


def test_what_crosses_the_seam_shows_no_query_header_value_or_body() -> None:
    fields = Headers.of([("Set-Cookie", "hush-1"), ("Location", "https://s.example/?sig=hush-2")])
    request = Request("PUT", "https://u:hush-3@s.example/f?sig=hush-4#hush-5", (("x-api-key", "hush-6"),), b"hush-7")
    shown = repr((request, fields, Response(200, fields, b"hush-8")))
    assert "hush" not in shown
    assert "Request(PUT https://s.example/f)" in shown
    assert "Response(200, Headers(set-cookie, location), 6 bytes)" in shown


SECRETS = [
    (KEY, KEY),
    (f"invalid key {KEY}, sorry", KEY),
    (f'{{"key":"{KEY}"}}', KEY),
    ("mr_0f9e8d7c6b5a4f3e2d1c is not active", "0f9e8d7c6b5a"),
    ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
    ("authorization: bearer abc.def-ghi_jkl", "abc.def"),
    ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    ("whsec_0123456789abcdef", "0123456789abcdef"),
    ("ghp_0123456789abcdefABCDEF", "0123456789abcdef"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    ("AIzaSyA0123456789012345678901234", "SyA0123456789"),
    ("eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl", "eyJzdWIiOi"),
    ("https://s.example/f?X-Amz-Signature=deadbeef&x=1", "deadbeef"),
    ('see "https://s.example/f?sig=deadbeef" for it', "deadbeef"),
]


@pytest.mark.parametrize(("said", "secret"), SECRETS, ids=[said[:24] for said, _ in SECRETS])
def test_what_looks_secret_is_cut_out(said: str, secret: str) -> None:
    assert secret not in redact(said)
    assert "[redacted]" in redact(said)


def test_the_words_around_a_secret_stay() -> None:
    assert redact(f"the token {KEY} is revoked") == "the token [redacted] is revoked"
    assert redact('see "https://s.example/f?sig=1" for it') == 'see "https://s.example/f?[redacted]" for it'


@pytest.mark.parametrize(
    "said",
    [
        "",
        "provider could not finish",
        "exec_11111111-2222-4333-8444-555555555555 is not known",
        "file_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee has expired",
        "request id req_5e6f7a8b",
        "what now? try again",
        "task_runner_2 is busy",
        "https://api.modelroute.ai/v1/executions",
        "API key required",
    ],
)
def test_plain_words_and_ids_stay(said: str) -> None:
    assert redact(said) == said


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from([KEY, "Bearer abcdefghijklmnop"]))
def test_a_key_is_cut_out_of_any_surroundings(before: str, after: str, secret: str) -> None:
    assert secret not in redact(f"{before} {secret} {after}")


@pytest.mark.parametrize(
    "piece", ["-eyJ", "-eyJaaaaa.", "key ", "key\n1", "bearer ", "sk-", "?a ", "AIza-", "ya29.", "xoxb-a"]
)
def test_no_text_takes_long_to_be_searched(piece: str) -> None:
    hostile = piece * (65536 // len(piece))
    begun = process_time()
    redact(hostile)
    assert process_time() - begun < 2, "seconds of work: it grows with the length, not with its square"


def test_a_key_is_held_out_of_sight_before_it_is_checked() -> None:
    held = Secret.hidden("sk_a b")
    assert isinstance(held, Secret)
    assert "sk_a" not in repr(held)
    with pytest.raises(InvalidKey, match="copy it again"):
        held.checked()
    assert Secret.hidden(KEY).reveal() == KEY  # type: ignore[union-attr]
    for other in (None, 7, Secret(KEY)):
        assert Secret.hidden(other) is other


class Clear:
    """A dialect at an address that the key must not travel to."""

    origin = "http://renderer:8188"


def test_the_key_is_not_lent_in_the_clear() -> None:
    request = Request("GET", "http://renderer:8188/v1?sig=1", credential=True)
    with pytest.raises(InvalidAddress, match="the key unencrypted: use https") as caught:
        credential_for(request, cast("Dialect", Clear()), Secret(KEY))
    assert "sig=1" not in str(caught.value)


@pytest.mark.parametrize("credential", [True, False])
def test_only_the_apis_own_origin_is_at_home(credential: bool) -> None:
    assert is_at_home(Request("GET", OWN, credential=credential), DIALECT)
    assert not is_at_home(Request("GET", "https://storage.modelroute.ai/f", credential=credential), DIALECT)


@pytest.mark.parametrize("key", [KEY, "abc/def+ghi=", 'with"quotes'])
def test_a_key_is_struck_from_what_is_read(key: str) -> None:
    headers = Headers.of([("x-said", f"key {key}"), ("x-other", "caf\xe9")])
    said = scrubbed(Response(400, headers, f"<{key}>, {key.replace('/', chr(92) + '/')}".encode()), Secret(key))
    assert said == Response(
        400, Headers.of([("x-said", "key [redacted]"), ("x-other", "caf\xe9")]), b"<[redacted]>, [redacted]"
    )


def test_what_holds_no_key_stays_as_it_is_and_a_short_key_is_no_word() -> None:
    reply = Response(200, Headers.of([("x-a", "key")]), b"a key")
    assert scrubbed(reply, Secret(KEY)) == reply
    assert scrubbed(reply, Secret("key")) == reply


def test_a_key_is_struck_from_the_head_of_a_reply_that_was_cut() -> None:
    head = Response(202, Headers.of([("location", f"/jobs/7?as={KEY}"), ("x-you-are", KEY)]))
    cut = scrubbed(NoResponse(Cause.RESET, sent=True, head=head), Secret(KEY))
    assert isinstance(cut, NoResponse)
    assert cut.head is not None
    assert KEY not in str(dict(cut.head.headers.fields))
    assert cut.head.headers.get("location") == "/jobs/7?as=[redacted]"
    unheard = NoResponse(Cause.RESET, sent=True)
    assert scrubbed(unheard, Secret(KEY)) is unheard
