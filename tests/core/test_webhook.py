"""Signed notifications: what is believed, what is not and why, and that nothing changed on the way is believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import bide
from bide.dialects.declaration import STANDARD_WEBHOOKS
from bide.dialects.declared import Declared
from bide.errors import Flaw, InvalidKey, InvalidSetting, InvalidWebhook, NotOffered
from bide.secret import Secret
from bide.webhook import Delivered, Signature, verify
from tests.laws import BY_LINKS, DIALECT, HANDLE, START

SECRET = "whsec_5ec2e75ec2e75ec2"
OLD = "whsec_01d01d01d01d01d0"
NOW = int(START)
SIGNED = cast("Signature", DIALECT.webhook)

OVERVIEW = json.dumps(
    {"id": "evt_1", "event_type": "execution.completed", "execution_id": HANDLE, "data": {"id": "other"}}
).encode()
SHORT = json.dumps({"id": "evt_1", "type": "execution.completed", "data": {"id": HANDLE}}).encode()
NOTICE = bide.Notice("evt_1", HANDLE, "execution.completed")


def signature_of(body: bytes, stamp: str, secret: str = SECRET) -> str:
    """As the vendor's page has it, with nothing of ours."""
    message = stamp.encode("utf-8", "surrogatepass") + b"." + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signed(body: bytes = OVERVIEW, at: float | str = NOW, secret: str = SECRET) -> dict[str, str]:
    stamp = at if isinstance(at, str) else str(at)
    return {"X-Signature": signature_of(body, stamp, secret), "X-Signature-Timestamp": stamp}


def check(headers: dict[str, str], body: bytes = OVERVIEW, now: float = NOW, secrets: object = SECRET) -> bide.Notice:
    return verify(headers, body, secrets=secrets, signature=SIGNED, now=now)  # type: ignore[arg-type]


def flaw_of(action: Callable[[], object]) -> Flaw:
    with pytest.raises(InvalidWebhook) as caught:
        action()
    for secret in (SECRET, OLD):
        assert secret not in str(caught.value)
        assert secret.removeprefix("whsec_") not in str(caught.value)
    assert str(caught.value).startswith(caught.value.kind.value)
    return caught.value.kind


# What is believed


@pytest.mark.parametrize("body", [OVERVIEW, SHORT], ids=["overview", "short"])
def test_both_payload_shapes_are_read(body: bytes) -> None:
    assert check(signed(body), body) == NOTICE


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
def test_header_names_have_no_case(spell: Callable[[str], str]) -> None:
    assert check({spell(name): value for name, value in signed().items()}) == NOTICE


def test_headers_may_be_pairs_or_headers_of_ours() -> None:
    pairs = list(signed().items())
    for headers in (pairs, iter(pairs), bide.Headers.of(pairs)):
        assert verify(headers, OVERVIEW, secrets=SECRET, signature=SIGNED, now=NOW) == NOTICE


def test_the_digest_may_be_in_capitals() -> None:
    headers = signed()
    assert check(headers | {"X-Signature": headers["X-Signature"].upper()}) == NOTICE


def test_any_of_the_secrets_may_have_signed_it() -> None:
    assert check(signed(secret=OLD), secrets=[SECRET, OLD]) == NOTICE
    assert check(signed(secret=OLD), secrets=(OLD, SECRET)) == NOTICE
    assert check(signed(), secrets=(Secret(name) for name in (OLD, SECRET))) == NOTICE
    assert check(signed(), secrets=Secret(SECRET)) == NOTICE
    assert flaw_of(lambda: check(signed(secret="whsec_other"), secrets=[SECRET, OLD])) is Flaw.WRONG_SIGNATURE


def test_any_of_several_signatures_may_fit_on_one_line_or_on_many() -> None:
    headers, old = signed(), signature_of(OVERVIEW, str(NOW), OLD)
    assert check(headers | {"X-Signature": f"{old} {headers['X-Signature']}"}) == NOTICE
    lines = [("x-signature", old), ("x-signature", headers["X-Signature"]), ("x-signature-timestamp", str(NOW))]
    assert verify(lines, OVERVIEW, secrets=SECRET, signature=SIGNED, now=NOW) == NOTICE


def test_only_so_many_signatures_are_looked_at() -> None:
    headers = signed()
    many = " ".join([*["0" * 64] * 16, headers["X-Signature"]])
    assert flaw_of(lambda: check(headers | {"X-Signature": many})) is Flaw.WRONG_SIGNATURE


@pytest.mark.parametrize(
    "stamp",
    [str(NOW), f"{NOW}.25", f"{NOW}123", "2026-11-23T13:33:27Z", "2026-11-23T14:33:27.5+01:00"],
)
def test_the_timestamp_may_be_seconds_milliseconds_or_iso_8601(stamp: str) -> None:
    assert check(signed(at=stamp)) == NOTICE
    assert flaw_of(lambda: check(signed(at=stamp), now=NOW + 400)) is Flaw.STALE


@given(st.floats(-300, 300))
def test_a_clock_may_differ_by_the_tolerance_either_way(skew: float) -> None:
    assert check(signed(), now=NOW + skew) == NOTICE


# What is not


@given(st.floats(300.001, 1e9))
def test_what_is_too_old_or_from_the_future_is_refused(skew: float) -> None:
    assert flaw_of(lambda: check(signed(), now=NOW + skew)) is Flaw.STALE
    assert flaw_of(lambda: check(signed(), now=NOW - skew)) is Flaw.FROM_THE_FUTURE


def test_the_tolerance_can_be_chosen() -> None:
    strict = replace(SIGNED, tolerance=5.0)
    assert verify(signed(), OVERVIEW, secrets=SECRET, signature=strict, now=NOW + 5) == NOTICE
    with pytest.raises(InvalidWebhook, match="signed 6 s ago, and 5 s are tolerated"):
        verify(signed(), OVERVIEW, secrets=SECRET, signature=strict, now=NOW + 6)


@pytest.mark.parametrize("now", [float("nan"), float("inf"), float("-inf")])
def test_no_instant_is_near_one_that_is_none(now: float) -> None:
    assert flaw_of(lambda: check(signed(), now=now)) in (Flaw.STALE, Flaw.FROM_THE_FUTURE)


@given(st.binary(max_size=200), st.integers(0, 10**10))
def test_any_body_that_was_signed_is_told_from_one_that_was_not(body: bytes, at: int) -> None:
    good = signed(body, at)
    kind = flaw_of(lambda: verify(good, body + b" ", secrets=SECRET, signature=SIGNED, now=at))
    assert kind is Flaw.WRONG_SIGNATURE
    kind = flaw_of(lambda: verify(good, body, secrets=SECRET, signature=SIGNED, now=at))
    assert kind is Flaw.NOT_UNDERSTOOD, "it is signed, and names no job"


@given(st.binary(max_size=len(OVERVIEW) + 20))
def test_a_body_that_was_changed_is_refused(body: bytes) -> None:
    assume(body != OVERVIEW)
    assert flaw_of(lambda: check(signed(), body)) is Flaw.WRONG_SIGNATURE


@given(st.integers(0, len(OVERVIEW) - 1), st.integers(1, 255))
def test_one_byte_changed_is_enough(place: int, change: int) -> None:
    body = bytearray(OVERVIEW)
    body[place] ^= change
    assert flaw_of(lambda: check(signed(), bytes(body))) is Flaw.WRONG_SIGNATURE


def test_json_that_was_read_and_written_anew_is_refused() -> None:
    anew = json.dumps(json.loads(OVERVIEW), separators=(",", ":")).encode()
    with pytest.raises(InvalidWebhook, match="raw bytes"):
        check(signed(), anew)


@given(st.text(max_size=30) | st.integers(0, 10**14).map(str))
def test_a_timestamp_that_was_changed_is_refused(stamp: str) -> None:
    assume(stamp != str(NOW))
    assert flaw_of(lambda: check(signed() | {"X-Signature-Timestamp": stamp})) is Flaw.WRONG_SIGNATURE


@given(st.text(max_size=100) | st.binary(max_size=40).map(lambda raw: raw.hex()))
def test_a_signature_that_was_changed_is_refused(given_: str) -> None:
    assume(given_.strip().lower() != signed()["X-Signature"])
    kind = flaw_of(lambda: check(signed() | {"X-Signature": given_}))
    assert kind is (Flaw.WRONG_SIGNATURE if given_.split() else Flaw.UNSIGNED)


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_signature_is_right_in_every_digit(place: int, digit: str) -> None:
    good = signed()["X-Signature"]
    bad = good[:place] + digit + good[place + 1 :]
    assume(bad != good)
    assert flaw_of(lambda: check(signed() | {"X-Signature": bad})) is Flaw.WRONG_SIGNATURE
    assert flaw_of(lambda: check(signed() | {"X-Signature": good[:place]})) in (Flaw.WRONG_SIGNATURE, Flaw.UNSIGNED)


@given(st.dictionaries(st.text(max_size=25), st.text(max_size=80), max_size=5), st.binary(max_size=60))
def test_verification_is_total_over_what_strangers_send(headers: dict[str, str], body: bytes) -> None:
    assert flaw_of(lambda: check(headers, body)) is Flaw.UNSIGNED


@given(st.sampled_from(["X-Signature", "X-Signature-Timestamp"]))
def test_a_request_that_lacks_a_header_is_unsigned(name: str) -> None:
    with pytest.raises(InvalidWebhook, match="x-signature and x-signature-timestamp") as caught:
        check({other: value for other, value in signed().items() if other != name})
    assert caught.value.kind is Flaw.UNSIGNED


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "1e9", "１７９５４４０８０７", " 1795440807", "9" * 40, "nan"])
def test_a_signed_timestamp_that_is_no_instant_is_not_understood(stamp: str) -> None:
    assert flaw_of(lambda: check(signed(at=stamp))) is Flaw.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"id": "evt_1", "type": "endpoint.test"}',
        b'{"execution_id": "", "data": {"id": null}}',
        b'{"execution_id": [1], "data": []}',
        b"\xff\xfe",
    ],
)
def test_a_signed_body_that_names_no_job_is_not_understood(body: bytes) -> None:
    assert flaw_of(lambda: check(signed(body), body)) is Flaw.NOT_UNDERSTOOD


def test_what_a_payload_says_is_made_fit_to_print() -> None:
    body = json.dumps({"id": "evt\x1b[2J" + "x" * 400, "type": "a\nb", "execution_id": HANDLE}).encode()
    notice = check(signed(body), body)
    assert notice.kind == "a\ufffdb"
    assert len(notice.id) == 300
    assert notice.id.isprintable()


def test_a_notice_shows_no_address_with_its_signature() -> None:
    notice = bide.Notice("evt_1", "https://api.code.example/operations/7?sig=5ec2e75ec2e75ec2", "done")
    assert repr(notice) == "Notice(id='evt_1', handle='https://api.code.example/operations/7', kind='done')"


@pytest.mark.parametrize("fits", [0, 1, 2, None])
def test_every_signature_is_compared_with_every_secret_in_constant_time(
    fits: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []
    inner = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return inner(a, b)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    secrets = ["whsec_one", "whsec_two", "whsec_three"]
    given = [signature_of(OVERVIEW, str(NOW), secret) if n == fits else "0" * 64 for n, secret in enumerate(secrets)]
    headers = signed() | {"X-Signature": " ".join(given)}
    if fits is None:
        assert flaw_of(lambda: check(headers, secrets=secrets)) is Flaw.WRONG_SIGNATURE
    else:
        assert check(headers, secrets=secrets) == NOTICE
    assert len(compared) == 9
    assert all(isinstance(one, bytes) for pair in compared for one in pair)


# Secrets


@pytest.mark.parametrize("secrets", ["", [], [""], [SECRET, ""], " ", f"{SECRET}\n", f" {SECRET}", "\ud800", ()])
def test_a_secret_that_is_none_is_refused_before_anything_is_compared(secrets: object) -> None:
    empty = hmac.new(b"", f"{NOW}.".encode() + OVERVIEW, hashlib.sha256).hexdigest()
    with pytest.raises(InvalidKey, match="secret"):
        check(signed() | {"X-Signature": empty}, secrets=secrets)


@pytest.mark.parametrize("secret", ["with a space", "schlüssel", "秘密", "{body}"])
def test_any_other_text_is_a_secret(secret: str) -> None:
    assert check(signed(secret=secret), secrets=secret) == NOTICE


def test_a_service_that_signs_nothing_has_no_notices() -> None:
    assert BY_LINKS.webhook is None
    with pytest.raises(NotOffered, match="poll instead"):
        verify(signed(), OVERVIEW, secrets=SECRET, signature=BY_LINKS.webhook, now=NOW)


# Other ways of signing

RAW = bytes(range(32))
WHSEC = "whsec_" + base64.b64encode(RAW).decode()


def standard(body: bytes, event: str = "msg_1", stamp: str = str(NOW)) -> dict[str, str]:
    """As https://www.standardwebhooks.com has it."""
    digest = hmac.new(RAW, f"{event}.{stamp}.".encode() + body, hashlib.sha256).digest()
    ours, others = (base64.b64encode(raw).decode() for raw in (digest, bytes(32)))
    return {
        "webhook-id": event,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1a,ed25519 v1,{others} v1,{ours}",
    }


def test_standard_webhooks() -> None:
    body = b'{"type": "batch.completed", "data": {"id": "batch_7"}}'
    dialect = Declared(replace(BY_LINKS.declaration, webhook=STANDARD_WEBHOOKS))
    for secret in (WHSEC, WHSEC.rstrip("="), WHSEC.removeprefix("whsec_")):
        notice = verify(standard(body), body, secrets=secret, signature=dialect.webhook, now=NOW)
        assert notice == bide.Notice("msg_1", "batch_7", "batch.completed")
    for name, wrong in (("webhook-id", "msg_2"), ("webhook-timestamp", str(NOW + 1))):
        headers = standard(body) | {name: wrong}
        kind = flaw_of(lambda h=headers: verify(h, body, secrets=WHSEC, signature=dialect.webhook, now=NOW))  # type: ignore[misc]
        assert kind is Flaw.WRONG_SIGNATURE


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_standard_webhooks_need_their_three_headers(name: str) -> None:
    headers = {other: value for other, value in standard(b"{}").items() if other != name}
    with pytest.raises(InvalidWebhook, match="webhook-signature and webhook-timestamp and webhook-id") as caught:
        verify(headers, b"{}", secrets=WHSEC, signature=STANDARD_WEBHOOKS, now=NOW)
    assert caught.value.kind is Flaw.UNSIGNED


def test_a_signature_of_another_version_is_none() -> None:
    headers = standard(b"{}") | {"webhook-signature": "v1a,MEUCIQ=="}
    kind = flaw_of(lambda: verify(headers, b"{}", secrets=WHSEC, signature=STANDARD_WEBHOOKS, now=NOW))
    assert kind is Flaw.UNSIGNED


def test_no_traceback_shows_a_secret() -> None:
    for secrets in (lambda: SECRET, lambda: [SECRET, WHSEC], lambda: Secret(SECRET)):
        for headers in ({}, signed(secret="whsec_other")):
            with pytest.raises(InvalidWebhook) as caught:
                verify(headers, b"{}", secrets=secrets(), signature=SIGNED, now=NOW)
            shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
            assert "in verify" in shown
            assert SECRET not in shown


@pytest.mark.parametrize("secrets", [None, 7, b"whsec_x", ["whsec_one", None]])
def test_what_is_no_text_is_no_secret(secrets: Any) -> None:
    with pytest.raises(InvalidKey, match="a webhook secret is no text"):
        verify({}, b"", secrets=secrets, signature=SIGNED, now=NOW)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_A", "whsec_not base64", "whsec_ab-_", "whsec_AA=A", "whsec_ABCDE"])
def test_a_secret_that_is_no_base64_is_refused(secret: str) -> None:
    with pytest.raises(InvalidKey, match="base64"):
        verify(standard(b"{}"), b"{}", secrets=secret, signature=STANDARD_WEBHOOKS, now=NOW)


def test_what_is_signed_and_where_things_stand_are_as_declared() -> None:
    declared = Signature(
        signature="X-Hub-Signature-256",
        timestamp="X-Sent",
        signed="{body}!",
        prefix="sha256=",
        event=("@x-delivery",),
        job=("@x-job", "request_id"),
        kind=("status",),
    )
    body = b'{"request_id": 7, "status": "OK", "text": "{timestamp}"}'
    digest = hmac.new(SECRET.encode(), body + b"!", hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={digest}", "x-sent": str(NOW), "x-delivery": "d-1"}
    assert verify(headers, body, secrets=SECRET, signature=declared, now=NOW) == bide.Notice("d-1", "7", "OK")
    without = {name: value for name, value in headers.items() if name != "x-delivery"}
    assert verify(without, body, secrets=SECRET, signature=declared, now=NOW) == bide.Notice("", "7", "OK")


INSIDE = Signature("Pay-Signature", "pay-signature", prefix="h1=", time_prefix="ts=", job=("job",))


def inside(*words: str, body: bytes = b'{"job": "7"}', separator: str = ";") -> bide.Notice:
    headers = {"pay-signature": separator.join(words)}
    return verify(headers, body, secrets=SECRET, signature=INSIDE, now=NOW)


@pytest.mark.parametrize("separator", [";", ",", ", ", " "])
def test_the_time_may_stand_in_the_field_of_the_signature(separator: str) -> None:
    good = signature_of(b'{"job": "7"}', str(NOW))
    for words in (
        (f"ts={NOW}", f"h1={good}"),
        (f"h1={good}", f"ts={NOW}"),
        (f"ts={NOW}", f"h1={'0' * 64}", f"h1={good}", "h0=x", "v1"),
    ):
        assert inside(*words, separator=separator) == bide.Notice("", "7", "")


@pytest.mark.parametrize(
    ("words", "flaw"),
    [
        ((f"ts={NOW}",), Flaw.UNSIGNED),
        ((f"h1={signature_of(b'{}', str(NOW))}",), Flaw.UNSIGNED),
        ((f"ts={NOW}", f"h0={signature_of(b'{}', str(NOW))}"), Flaw.UNSIGNED),
        ((f"t={NOW}", f"h1={signature_of(b'{}', str(NOW))}"), Flaw.UNSIGNED),
        ((f"ts={NOW + 1}", f"h1={signature_of(b'{}', str(NOW))}"), Flaw.WRONG_SIGNATURE),
        ((f"ts={NOW + 1}", f"ts={NOW}", f"h1={signature_of(b'{}', str(NOW))}"), Flaw.WRONG_SIGNATURE),
        ((f"ts={NOW - 900}", f"h1={signature_of(b'{}', str(NOW - 900))}"), Flaw.STALE),
        ((f"ts={NOW + 900}", f"h1={signature_of(b'{}', str(NOW + 900))}"), Flaw.FROM_THE_FUTURE),
        ((f"ts={NOW}", f"h1={signature_of(b'{}', str(NOW))}"), Flaw.NOT_UNDERSTOOD),
    ],
)
def test_a_time_inside_is_signed_and_near(words: tuple[str, ...], flaw: Flaw) -> None:
    assert flaw_of(lambda: inside(*words, body=b"{}")) is flaw


def test_what_is_wanted_is_named() -> None:
    with pytest.raises(InvalidWebhook, match="it is not signed: it wants Pay-Signature and ts= in it"):
        inside()
    with pytest.raises(InvalidWebhook, match=r"it is not signed: it wants x-sum\."):
        verify({}, b"", secrets=SECRET, signature=Signature("x-sum", "", signed="{body}"), now=NOW)


@pytest.mark.parametrize("now", [0.0, NOW, NOW * 9.0, float("nan")])
def test_a_signature_over_the_body_alone_has_no_time(now: float) -> None:
    alone = Signature("x-sum", "", signed="{body}", prefix="sha256=", job=("job",), event=("id",))
    body = b'{"job": 7, "id": "evt_2"}'
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Sum": f"sha256={digest}"}
    assert verify(headers, body, secrets=SECRET, signature=alone, now=now) == bide.Notice("evt_2", "7", "")
    assert (
        flaw_of(lambda: verify(headers, body + b" ", secrets=SECRET, signature=alone, now=now)) is Flaw.WRONG_SIGNATURE
    )


# What has come before


def event(name: str) -> bide.Notice:
    return bide.Notice(name, HANDLE)


def test_an_event_is_new_once_whatever_else_is_in_it() -> None:
    delivered = Delivered()
    assert delivered.is_new(event("evt_1"), now=START)
    assert not delivered.is_new(bide.Notice("evt_1", "exec_other", "execution.failed"), now=START + 86400)
    assert delivered.is_new(event("evt_2"), now=START)
    assert len(delivered) == 2


def test_an_event_without_an_id_is_always_new() -> None:
    delivered = Delivered()
    assert all(delivered.is_new(event(""), now=START) for _ in range(3))
    assert len(delivered) == 0


def test_what_is_older_than_the_time_or_than_there_is_room_for_is_forgotten() -> None:
    delivered = Delivered(keep=10, most=2)
    assert all(delivered.is_new(event(f"evt_{n}"), now=START + n) for n in range(3))
    assert delivered.is_new(event("evt_0"), now=START + 3)
    assert delivered.is_new(event("evt_2"), now=START + 12.5)
    assert len(delivered) == 2


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 40)), max_size=60), st.integers(1, 8))
def test_no_event_is_new_twice_within_the_time_unless_there_is_no_room(
    course: list[tuple[int, float]], most: int
) -> None:
    delivered, now, since = Delivered(keep=100, most=most), START, dict[int, float]()
    for number, gap in course:
        now += gap
        new = delivered.is_new(event(f"evt_{number}"), now=now)
        since = {known: at for known, at in since.items() if now - at <= 100}
        assert new is (number not in since)
        if new:
            since[number] = now
            since = dict(list(since.items())[-most:])
        assert len(delivered) == len(since) <= most


@pytest.mark.parametrize("wrong", [lambda: Delivered(keep=0), lambda: Delivered(most=0)])
def test_a_memory_that_holds_nothing_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidSetting, match="give"):
        wrong()
